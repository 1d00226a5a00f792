"""The latent space: the unit sphere in M dimensions or another prior, classes beside it, and ways to move there."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn import functional as F

from agerestore.config.networks import AutoencoderConfig, Prior

COMPONENTS = 10  # of the mixture, and parts of the swiss roll: one for each digit
PETAL = (3.0, 0.7, 0.25)  # of the mixture: distance of a mean from the origin, deviation along and across that line
ROLL = (1.5 * math.pi, 4.5 * math.pi, 3.0, 0.05)  # of the swiss roll: angles, radius at its end, deviation


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
    """Draw prior codes, on the device of ``generator``.

    Args:
        batch: number of codes B.
        dim: number of dimensions M.
        generator: source of randomness; the global one is never touched.
        prior: ``sphere`` for the uniform distribution on the unit sphere (the AGE paper, section 3.1),
            ``gaussian`` for N(0, I); in the plane ``mixture``, ten Gaussians as the petals of a flower, and
            ``swissroll``, even along a spiral (the AAE paper, section 2.3).
        labels: (B,) int64, the component of the mixture or the tenth of the roll each code is to come from; -1, or
            None for all, leaves that to chance, which is the prior itself.

    Returns:
        (B, M) float32.
    """
    z = torch.randn(batch, dim, generator=generator, device=generator.device)
    if prior in ("sphere", "gaussian"):
        return project(z) if prior == "sphere" else z
    part = torch.randint(COMPONENTS, (batch,), generator=generator, device=generator.device)
    if labels is not None:
        part = torch.where(labels < 0, part, labels)
    if prior == "mixture":
        distance, along, across = PETAL
        petal = torch.stack([distance + along * z[:, 0], across * z[:, 1]], 1)
        return _turn(petal, part * (2 * math.pi / COMPONENTS))
    begin, end, radius, deviation = ROLL
    place = (part + torch.rand(batch, generator=generator, device=generator.device)) / COMPONENTS
    angle = (begin**2 + place * (end**2 - begin**2)).sqrt()  # even along the spiral: its length grows as the square
    return radius / end * angle[:, None] * torch.stack([angle.cos(), angle.sin()], 1) + deviation * z


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
        """Logarithm of the density (B,) at a code (B, M) for each picture, in nats."""
        # Without checks of values, which tensors that have none (`agerestore.training.cost`) do not stand.
        parts = Independent(Normal(self.means, self.stds, validate_args=False), 1, validate_args=False)
        weights = Categorical(logits=self.logits, validate_args=False)
        density: Tensor = MixtureSameFamily(weights, parts, validate_args=False).log_prob(codes)
        return density

    def draw(self, generator: torch.Generator) -> Tensor:
        """One code (B, M) for each picture; ``generator`` is on the CPU."""
        part = torch.multinomial(self.logits.softmax(dim=1).cpu(), 1, generator=generator)[:, 0].to(self.means.device)
        noise = torch.randn(self.means[:, 0].shape, generator=generator).to(self.means)
        each = torch.arange(len(part), device=part.device)
        return self.means[each, part] + self.stds[each, part] * noise


def component_of(z: Tensor) -> Tensor:
    """The component of the mixture that each code most likely comes from.

    Args:
        z: (B, 2) float.

    Returns:
        (B,) int64, from 0 to `COMPONENTS` - 1.

    >>> component_of(torch.tensor([[3.0, 0.0], [-3.0, 0.1]]))
    tensor([0, 5])
    """
    distance, along, across = PETAL
    turns = [_turn(z, torch.full((len(z),), -part * 2 * math.pi / COMPONENTS, device=z.device))
             for part in range(COMPONENTS)]  # fmt: skip
    apart = (torch.stack(turns, 1) - z.new_tensor([distance, 0])) / z.new_tensor([along, across])
    return apart.square().sum(2).argmin(1)


def _turn(points: Tensor, angle: Tensor) -> Tensor:
    """Points (B, 2) turned around the origin by angles (B,)."""
    x, y = points.unbind(1)
    return torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 1)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(B,) int64 -> (B, K) float32; zeros where a label is -1."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def sample_codes(
    config: AutoencoderConfig, batch: int, generator: torch.Generator, labels: Tensor | None = None
) -> Tensor:
    """Draw whole prior codes (B, K + M): classes alike in probability, and styles of the prior.

    Args:
        config: of the networks.
        batch: B.
        generator: source of randomness.
        labels: (B,), for styles whose place depends on a label; see `sample`.
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
    """What an encoder says of the codes of pictures.

    Attributes:
        logits: (B, K) of their classes.
        mean: (B, M) of their styles.
        log_variance: (B, M); None for an encoder that is sure.
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
