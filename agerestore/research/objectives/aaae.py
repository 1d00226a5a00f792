"""Adversarially approximated autoencoder (Xu, Keshmiri & Wang, 2019), rebuilt from its abstract.

Codes are not regularized; instead the prior is fitted to them. A latent generator F maps noise to codes that a critic
cannot tell from those of images, and a second critic compares the images g(F(noise)) with real ones.

============== ===========================================================================
term           meaning
============== ===========================================================================
match_x        reconstruction error of g(e(x)) against x
code_real      -log D(e(x)): here codes of images are the real ones, unlike in `agerestore.research.objectives.aae`
code_fake      -log(1 - D(F(z)))
code_fool      -log D(F(z))
image_real...  the same three for images: x against g(F(z))
============== ===========================================================================

The abstract leaves open what is our choice here: the loss (non-saturating), Gaussian noise of the dimension of the
code, that the critic of images does not see reconstructions, and all weights.
"""

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor

from agerestore.losses.age import MATCH
from agerestore.losses.base import Batch, Networks
from agerestore.research.objectives.gan import adversarial_terms, term_names

TERMS = ("match_x", *term_names("code"), *term_names("image"))


@dataclass(frozen=True)
class AAAE:
    """The terms of an adversarially approximated autoencoder.

    Attributes:
        match_x: reconstruction loss, a key of `agerestore.losses.age.MATCH`.
    """

    match_x: str = "l1"

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for any of the five networks."""
        encode, generate = networks["encoder"], networks["generator"]
        draw = networks["latent_generator"]
        terms = adversarial_terms(
            "code", networks["code_critic"], lambda: encode(batch.encoder_input), lambda: draw(batch.z), wanted
        ) | adversarial_terms("image", networks["critic"], lambda: batch.x, lambda: generate(draw(batch.z)), wanted)
        if "match_x" in wanted:
            terms["match_x"] = MATCH[self.match_x](generate(encode(batch.encoder_input)), batch.x)
        return terms
