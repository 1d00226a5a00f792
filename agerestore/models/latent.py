"""The latent space: priors, codes of class and style, and ways between them.

A code (B, K + M) is K class probabilities, where there are classes, and a style of M numbers; the prior is that of the
style: the unit sphere of M dimensions for AGE.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn import functional as F

from agerestore.config.extensions import research
from agerestore.config.networks import AutoencoderConfig, Prior


def project(v: Tensor) -> Tensor:
    """Project vectors onto the unit sphere.

    Args:
        v: (..., M) float, any length but zero.

    Returns:
        (..., M) of unit Euclidean norm.
    """
    return F.normalize(v, dim=-1)


def sample_latents(
    batch: int, dim: int, generator: torch.Generator, prior: Prior = "sphere", labels: Tensor | None = None
) -> Tensor:
    """Draw latents from a prior, on the device of ``generator``.

    Args:
        batch: number of latents B.
        dim: number of dimensions M.
        generator: source of randomness; the global one is never touched.
        prior: ``sphere`` for the uniform distribution on the unit sphere (the AGE paper, section 3.1), ``gaussian``
            for N(0, I), or one of `agerestore.research.priors`.
        labels: (B,) int64, for a prior that depends on labels: the class of each latent, or -1 for any; None for any
            at all, which is the prior itself.

    Returns:
        (B, M) float32.
    """
    noise = torch.randn(batch, dim, generator=generator, device=generator.device)
    if prior == "gaussian":
        return noise
    if prior == "sphere":
        return project(noise)
    drawn: Tensor = research("priors").PRIORS[prior](noise, labels, generator)
    return drawn


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of K Gaussians of codes for each of B images.

    Attributes:
        logits: (B, K), of the weights of the components.
        means: (B, K, M).
        stds: (B, K, M), standard deviations along the axes.
    """

    logits: Tensor
    means: Tensor
    stds: Tensor

    def log_prob(self, codes: Tensor) -> Tensor:
        """Log density (B,), in nats, at a code (B, M) for each image."""
        # Values are not validated, for on the meta device (`agerestore.training.cost`) there are none.
        parts = Independent(Normal(self.means, self.stds, validate_args=False), 1, validate_args=False)
        weights = Categorical(logits=self.logits, validate_args=False)
        density: Tensor = MixtureSameFamily(weights, parts, validate_args=False).log_prob(codes)
        return density

    def draw(self, generator: torch.Generator) -> Tensor:
        """Draw a code (B, M) for each image; ``generator`` is on the CPU."""
        part = torch.multinomial(self.logits.softmax(dim=1).cpu(), 1, generator=generator)[:, 0].to(self.means.device)
        noise = torch.randn(self.means[:, 0].shape, generator=generator).to(self.means)
        each = torch.arange(len(part), device=part.device)
        return self.means[each, part] + self.stds[each, part] * noise


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(B,) int64 -> (B, K) float32; zeros where a label is -1."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def sample_codes(
    config: AutoencoderConfig, batch: int, generator: torch.Generator, labels: Tensor | None = None
) -> Tensor:
    """Draw whole codes (B, K + M): classes with equal probability, and styles from the prior.

    Args:
        config: of the networks.
        batch: B.
        generator: source of randomness.
        labels: (B,) int64, for a prior that depends on labels; see `sample_latents`.
    """
    z = sample_latents(batch, config.latent_dim, generator, config.prior, labels)
    if not config.classes:
        return z
    y = torch.randint(config.classes, (batch,), generator=generator, device=generator.device)
    return torch.cat([one_hot(y, config.classes), z], 1)


def project_to_prior(config: AutoencoderConfig, code: Tensor) -> Tensor:
    """Codes (B, K + M) with their styles on the sphere, if that is the prior; else as they are."""
    if config.prior != "sphere":
        return code
    return torch.cat([code[:, : config.classes], project(code[:, config.classes :])], 1)


def interpolate_codes(config: AutoencoderConfig, a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Codes (..., K + M) at ``t`` of the way from ``a`` to ``b``: styles by `slerp` on the sphere, else straight."""
    straight = a + (b - a) * t
    if config.prior != "sphere":
        return straight
    k = config.classes
    return torch.cat([straight[..., :k], slerp(a[..., k:], b[..., k:], t)], -1)


@dataclass(frozen=True)
class Posterior:
    """Distribution of the codes of images, as an encoder predicts it.

    Attributes:
        logits: (B, K) of the classes.
        mean: (B, M) of the styles.
        log_variance: (B, M) of the styles; None for a deterministic encoder.
    """

    logits: Tensor
    mean: Tensor
    log_variance: Tensor | None

    def style(self, noise: Tensor | None = None) -> Tensor:
        """(B, M): the mean, or with ``noise`` (B, M) ~ N(0, I) a draw."""
        if self.log_variance is None or noise is None:
            return self.mean
        return self.mean + (self.log_variance / 2).exp() * noise

    def code(self, noise: Tensor | None = None) -> Tensor:
        """(B, K + M): class probabilities and styles."""
        return torch.cat([self.logits.softmax(1), self.style(noise)], 1) if self.logits.shape[1] else self.style(noise)


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Walk the great circle from ``a`` (t = 0) to ``b`` (t = 1) at constant speed.

    Args:
        a: (..., M) on the unit sphere.
        b: (..., M) on the unit sphere, not opposite to ``a`` (there the way is not unique).
        t: position in [0, 1]; a tensor must broadcast against (..., 1).

    Returns:
        (..., M) on the unit sphere.

    >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 1 / 3)
    tensor([0.8660, 0.5000])
    """
    # atan2 of the half angle keeps its precision where acos of the dot product has lost it.
    angle = 2 * torch.atan2((a - b).norm(dim=-1, keepdim=True), (a + b).norm(dim=-1, keepdim=True))
    weight_a, weight_b = torch.sin((1 - t) * angle), torch.sin(t * angle)
    return project(torch.where(angle < 1e-6, a, weight_a * a + weight_b * b))


def moments(z: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of a batch of codes, dimension by dimension.

    Args:
        z: (B, M).

    Returns:
        Two (M,) tensors. For the uniform sphere they tend to 0 and 1/M.
    """
    return z.mean(dim=0), z.var(dim=0, unbiased=False)


def sphere_log_area(dim: int) -> float:
    """Logarithm of the area of the unit sphere in ``dim`` dimensions: the entropy of its uniform distribution.

    >>> round(sphere_log_area(3), 4)  # ln(4 pi)
    2.531
    """
    return math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
