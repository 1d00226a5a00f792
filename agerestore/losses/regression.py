"""Regression of the estimator: the best single estimate of a clean image, and its predicted variance.

=========== =========================================================================================
term        meaning, with (m, s2) = estimator(D(x)), the estimate and its variance
=========== =========================================================================================
estimate    absolute error of m against x
psnr        mean over images of the logarithm of the squared error of m, which is what PSNR measures
uncertainty negative log-likelihood of x - m under N(0, s2), without gradient to m (Nix & Weigend, 1994)
=========== =========================================================================================
"""

from collections.abc import Collection

from torch import Tensor

from agerestore.errors import UsageError
from agerestore.losses.age import log_mse
from agerestore.losses.base import Batch, Networks

TERMS = ("estimate", "psnr", "uncertainty")


def regression_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms; see the module. ``player`` is always ``estimator``."""
    if batch.damaged is None:
        raise UsageError("the estimator learns from degraded images: set degradation, such as noise:sigma=0..55")
    answer = networks[player](batch.damaged, batch.mask)
    error = answer.image - batch.x
    terms: dict[str, Tensor] = {}
    if "estimate" in wanted:
        terms["estimate"] = error.abs().mean()
    if "psnr" in wanted:
        terms["psnr"] = log_mse(answer.image, batch.x)
    if "uncertainty" in wanted:
        squared = error.detach().square()
        terms["uncertainty"] = (squared * (-answer.log_variance).exp() + answer.log_variance).mean() / 2
    return terms
