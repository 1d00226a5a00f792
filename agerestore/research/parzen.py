"""Log-likelihood by a Parzen window, as the AAE paper measures samples (section 2.2)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def parzen_log_likelihood(points: Tensor, samples: Tensor, sigma: float, chunk: int = 500) -> Tensor:
    """Log-density log 1/S sum_s N(x; s, sigma^2 I) of points x under Gaussians around samples s.

    After Breuleux, Bengio and Vincent (2011); the AAE paper takes 10,000 samples. It says little of how samples look
    (Theis et al., 2016), and depends on S and on sigma.

    Args:
        points: (N, D) float.
        samples: (S, D) float, such as images that a generator drew.
        sigma: standard deviation in the units of the points; see `parzen_sigma`.
        chunk: points that are compared with all samples at a time.

    Returns:
        (N,) in nats.

    >>> parzen_log_likelihood(torch.zeros(1, 2), torch.zeros(3, 2), sigma=1.0)  # -log(2 pi)
    tensor([-1.8379])
    """
    size = (samples.square().sum(1) / 2)[None]  # |x - s|^2 / 2 = |x|^2 / 2 + |s|^2 / 2 - x s
    parts = []
    for part in points.split(chunk):
        halves = (part.square().sum(1)[:, None] / 2 + size - part @ samples.T).clamp_min(0)
        parts.append((-halves / sigma**2).logsumexp(1))
    constant = math.log(len(samples)) + points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))
    return torch.cat(parts) - constant


def parzen_sigma(points: Tensor, samples: Tensor, candidates: Sequence[float]) -> float:
    """The sigma of ``candidates`` with the highest mean `parzen_log_likelihood` of held-out points (N, D)."""
    return max(candidates, key=lambda sigma: float(parzen_log_likelihood(points, samples, sigma).mean()))
