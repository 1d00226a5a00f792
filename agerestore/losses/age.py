"""Adversarial Generator-Encoder losses (Ulyanov, Vedaldi and Lempitsky, 2018, equations 2 to 6), for both players.

======== ================================================================ ==========
term     meaning                                                          equation
======== ================================================================ ==========
kl_real  divergence of e(x) from the prior                                (2)
kl_fake  divergence of e(g(z)) from the prior                             (2)
match_x  reconstruction error of g(e(x)) against x, in data space         (3)
match_z  reconstruction error of e(g(z)) against z, in latent space       (4)
======== ================================================================ ==========

The generator (5) minimizes ``kl_fake + lambda match_z``; the encoder (6) ``kl_real - kl_fake + mu match_x``.
Both players can have all terms, so that an ablation is a row of weights.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.losses.base import Batch, Networks, learns
from agerestore.losses.divergence import Divergence, age_code_kl
from agerestore.models.latent import project

EPS = 1e-3  # keeps the logarithm bounded where the error of an image is near 0
TERMS = ("kl_real", "kl_fake", "match_x", "match_z")


def age_code_cosine(a: Tensor, b: Tensor) -> Tensor:
    """The latent loss of the official AGE code: 2 minus the mean over all B x M elements of the product.

    A cosine distance takes the mean over B only; the gradient of this one is that of the cosine divided by M, and the
    published lambda of 500 to 2000 assumes it. (The paper calls it L2; on the sphere they differ by a constant.)

    Args:
        a: (B, M) codes.
        b: (B, M) codes.

    Returns:
        Scalar, 2 - 1/M at best.
    """
    return 2 - (project(a) * project(b)).mean()


def log_mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean over images of the logarithm of their mean squared error, which is what PSNR measures.

    Args:
        a: (B, ...).
        b: (B, ...).

    Returns:
        Scalar, log(`EPS`) at best.
    """
    return ((a - b).square().flatten(1).mean(dim=1) + EPS).log().mean()


MATCH: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss,
    "l2": F.mse_loss,
    "log": log_mse,
    "cos": age_code_cosine,
}


@dataclass(frozen=True)
class AGE:
    """The loss terms, for one choice of divergence and reconstruction losses.

    Attributes:
        divergence: (B, M) codes -> scalar.
        match_x: reconstruction loss in data space, a key of `MATCH`.
        match_z: reconstruction loss in latent space, a key of `MATCH`.
        ceiling: beyond it a growing ``kl_fake`` gains the encoder nothing, so that it stops pushing a generator that
            is behind (as the margin of Balanced PIONEER does); infinite in the AGE paper.
    """

    divergence: Divergence = age_code_kl
    match_x: str = "l1"
    match_z: str = "cos"
    ceiling: float = math.inf

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms with gradient to the networks that require it.

        Args:
            player: ``encoder`` or ``generator``. The other one is held fixed, but stays in training mode: it takes
                batch statistics and updates the running ones, as in the official code.
            networks: ``encoder``: (B, C, S, S) -> (B, M), ``generator``: (B, M) -> (B, C, S, S).
            batch: images and prior codes.
            wanted: names out of `TERMS`.
        """
        terms = self.real(player, networks, batch.x, wanted)
        if "kl_fake" in wanted or "match_z" in wanted:
            terms |= self.fake(player, networks, batch.z, wanted)[0]
        return terms

    def real(
        self, player: str, networks: Networks, x: Tensor, wanted: Collection[str], target: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The terms of real images, whose codes shall give ``target``, or the images themselves if there is none.

        Real and fake images go through the encoder separately, with batch statistics of their own.
        """
        terms: dict[str, Tensor] = {}
        if "kl_real" in wanted or "match_x" in wanted:
            with torch.set_grad_enabled(learns(player, "encoder")):
                code = networks["encoder"](x)
            if "kl_real" in wanted:
                terms["kl_real"] = self.divergence(code)
            if "match_x" in wanted:
                terms["match_x"] = MATCH[self.match_x](networks["generator"](code), x if target is None else target)
        return terms

    def fake(
        self, player: str, networks: Networks, z: Tensor, wanted: Collection[str]
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The terms of fake images, the images g(z) and their codes e(g(z))."""
        with torch.set_grad_enabled(learns(player, "generator")):
            image = networks["generator"](z)
        code = networks["encoder"](image)
        terms: dict[str, Tensor] = {}
        if "kl_fake" in wanted:
            terms["kl_fake"] = self.divergence(code)
            if player == "encoder":
                terms["kl_fake"] = terms["kl_fake"].clamp(max=self.ceiling)
        if "match_z" in wanted:
            terms["match_z"] = MATCH[self.match_z](code, z)
        return terms, image, code
