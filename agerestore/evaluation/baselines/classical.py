"""Classical restoration methods, as baselines for a trained model.

A method maps an `Observation` (B, C, H, W), gray or RGB, to float32 images in [0, 1] of the same shape, on the same
device. Methods of OpenCV work on uint8 (clipped and rounded), those of scikit-image, an optional library, on floats.
They take settings such as the sigma of a blur; `tune` chooses them by the clean images, in favor of the baseline.
"""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.errors import UsageError
from agerestore.images.observation import Observation
from agerestore.metrics.image import mean_psnr, quantize

Setting = Mapping[str, float]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

INPAINT_RADIUS = 3.0  # pixels
WAVELET = "sym4"  # orthogonal, as BayesShrink assumes; with our levels 1 dB above the defaults on photographs
LIBRARIES = {"skimage": "scikit-image", "pywt": "PyWavelets"}  # optional modules, and what pip calls them


# --- OpenCV


def non_local_means(observation: Observation, h: float) -> Tensor:
    """Non-local means (Buades et al., 2005) with filter strength h in gray levels; RGB is filtered in Lab."""

    def denoise(image: Bytes, hole: Bytes) -> NDArray[Any]:
        if image.ndim == 2:
            return cv2.fastNlMeansDenoising(image, None, h)
        bgr = np.ascontiguousarray(image[..., ::-1])
        return cv2.fastNlMeansDenoisingColored(bgr, None, h, h)[..., ::-1]

    return _each(observation, denoise)


def bilateral(observation: Observation, color: float, space: float) -> Tensor:
    """Bilateral filter (Tomasi & Manduchi, 1998): a Gaussian blur weighted by similarity of color.

    Args:
        observation: damaged images.
        color: sigma in gray levels per channel (OpenCV adds up the differences of the channels).
        space: sigma in pixels; the window reaches two of them.
    """
    sigma, diameter = color * observation.image.shape[1], 2 * math.ceil(2 * space) + 1
    return _each(observation, lambda image, hole: cv2.bilateralFilter(image, diameter, sigma, space))


def median(observation: Observation, passes: int = 1) -> Tensor:
    """3x3 median filter, applied `passes` times."""

    def smooth(image: Bytes, hole: Bytes) -> NDArray[Any]:
        smoothed: NDArray[Any] = image
        for _ in range(passes):
            smoothed = cv2.medianBlur(smoothed, 3)
        return smoothed

    return _each(observation, smooth)


def gaussian_blur(observation: Observation, sigma: float) -> Tensor:
    """Gaussian blur of `sigma` pixels."""
    return _each(observation, lambda image, hole: cv2.GaussianBlur(image, (0, 0), sigma))


def blur_threshold(observation: Observation, sigma: float, threshold: float) -> Tensor:
    """Gaussian blur, then 1 where the result exceeds `threshold` (in [0, 1]), else 0: for black on white."""
    return (gaussian_blur(observation, sigma) > threshold).float()


def telea(observation: Observation) -> Tensor:
    """Inpainting by fast marching (Telea, 2004); known pixels are rounded to uint8."""
    return _inpaint(observation, cv2.INPAINT_TELEA)


def navier_stokes(observation: Observation) -> Tensor:
    """Inpainting by fluid dynamics (Bertalmio et al., 2001); known pixels are rounded to uint8."""
    return _inpaint(observation, cv2.INPAINT_NS)


def _inpaint(observation: Observation, method: int) -> Tensor:
    if observation.mask is None:
        raise UsageError("inpainting needs a mask: give one (1 = missing) or choose another baseline")
    return _each(observation, lambda image, hole: cv2.inpaint(image, hole, INPAINT_RADIUS, method))


def _each(observation: Observation, restore: Callable[[Bytes, Bytes], NDArray[Any]]) -> Tensor:
    """Call restore(image (H, W) or (H, W, 3), hole (H, W) of 0 and 1) for every image, all in uint8."""
    images = (observation.filled().movedim(1, -1).cpu().clamp(0, 1) * 255).round().byte()  # (B, H, W, C)
    holes = (observation.known[:, 0] == 0).byte().cpu().numpy()
    inputs = images.squeeze(-1).numpy()  # OpenCV wants gray images without a channel axis
    restored = np.stack([restore(image, hole) for image, hole in zip(inputs, holes, strict=True)])
    pixels = torch.from_numpy(restored).reshape(images.shape).movedim(-1, 1)
    return pixels.to(observation.image.device, torch.float32).contiguous() / 255


# --- scikit-image


def wavelet(observation: Observation) -> Tensor:
    """Soft thresholding of wavelet coefficients by BayesShrink (Chang, Yu & Vetterli, 2000); RGB in YCbCr.

    The noise is estimated from the image, so there is no setting to choose.

    Raises:
        UsageError: scikit-image or PyWavelets is not installed.
    """
    require_packages("wavelet")
    from skimage.restoration import denoise_wavelet

    def denoise(image: Floats) -> NDArray[Any]:
        color = {"channel_axis": -1, "convert2ycbcr": True} if image.ndim == 3 else {}
        levels = max(min(image.shape[:2]).bit_length() - 3, 1)  # halved while 4 pixels remain
        with warnings.catch_warnings():  # of tiny images, and of those without any finest detail
            warnings.simplefilter("ignore")
            denoised = denoise_wavelet(image, wavelet=WAVELET, wavelet_levels=levels, rescale_sigma=True, **color)
        return denoised if np.isfinite(denoised).all() else image  # no finest detail: no noise to estimate

    return _each_float(observation, denoise)


def total_variation(observation: Observation, weight: float) -> Tensor:
    """Total-variation denoising: argmin_u |u - f|^2 / 2 + weight * TV(u) for each channel f (Chambolle, 2004).

    Raises:
        UsageError: scikit-image is not installed.
    """
    require_packages("total-variation")
    from skimage.restoration import denoise_tv_chambolle

    denoise = partial(denoise_tv_chambolle, weight=weight)
    return _each_float(observation, lambda image: denoise(image, channel_axis=-1 if image.ndim == 3 else None))


def _each_float(observation: Observation, restore: Callable[[Floats], NDArray[Any]]) -> Tensor:
    """Call restore(image (H, W) or (H, W, 3)) for every image, in float32; results are clipped."""
    images = observation.filled().movedim(1, -1).float().cpu()  # (B, H, W, C)
    restored = np.stack([restore(image) for image in images.squeeze(-1).numpy()])
    pixels = torch.from_numpy(restored).reshape(images.shape).movedim(-1, 1)
    return pixels.to(observation.image.device, torch.float32).contiguous().clamp(0, 1)


# --- the table, and the oracle's choice of settings


@dataclass(frozen=True)
class Baseline:
    """One classical method.

    Attributes:
        method: called as method(observation, **setting).
        settings: those among which `tune` chooses.
        fills_holes: whether it needs a mask; the others are for images without one.
        gray_only: whether it is for gray images only.
        needs: modules of `LIBRARIES` that it imports.
    """

    method: Callable[..., Tensor]
    settings: Sequence[Setting] = ({},)
    fills_holes: bool = False
    gray_only: bool = False
    needs: Sequence[str] = ()


def grid(**values: Sequence[float]) -> list[Setting]:
    """All combinations of the given values.

    >>> grid(sigma=[1, 2], threshold=[0.5])
    [{'sigma': 1, 'threshold': 0.5}, {'sigma': 2, 'threshold': 0.5}]
    """
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


_SIGMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)  # pixels
_STRENGTHS = (3, 5, 7, 10, 14, 20, 28, 40, 50, 65, 80, 110, 160)  # gray levels
_COLORS, _SPACES = (10, 20, 30, 45, 65, 100, 150), (1, 2, 3)  # gray levels, pixels
_WEIGHTS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.5, 1.0)  # of images in [0, 1]
_THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

BASELINES: dict[str, Baseline] = {
    "non-local-means": Baseline(non_local_means, grid(h=_STRENGTHS)),
    "bilateral": Baseline(bilateral, grid(color=_COLORS, space=_SPACES)),
    "wavelet": Baseline(wavelet, needs=("skimage", "pywt")),
    "total-variation": Baseline(total_variation, grid(weight=_WEIGHTS), needs=("skimage",)),
    "median": Baseline(median),
    "median-twice": Baseline(partial(median, passes=2)),
    "gaussian-blur": Baseline(gaussian_blur, grid(sigma=_SIGMAS)),
    "blur-threshold": Baseline(blur_threshold, grid(sigma=_SIGMAS, threshold=_THRESHOLDS), gray_only=True),
    "telea": Baseline(telea, fills_holes=True),
    "navier-stokes": Baseline(navier_stokes, fills_holes=True),
}


def missing_packages(name: str) -> list[str]:
    """Packages to install before a row of `BASELINES` can run; none, for most."""
    return [LIBRARIES[module] for module in BASELINES[name].needs if find_spec(module) is None]


def require_packages(name: str) -> None:
    """Check that a row of `BASELINES` can run here.

    Raises:
        UsageError: a library it needs is not installed.
    """
    packages = missing_packages(name)
    if packages:
        raise UsageError(f"{name} needs {' and '.join(packages)}: pip install {' '.join(packages)}")


def applicable(observation: Observation) -> list[str]:
    """Names of the rows of `BASELINES` that suit an observation and can run here."""
    gray, masked = observation.image.shape[1] == 1, observation.mask is not None
    suitable = [name for name, row in BASELINES.items() if row.fills_holes == masked and (gray or not row.gray_only)]
    return [name for name in suitable if not missing_packages(name)]


class Tuned(NamedTuple):
    """What `tune` found: the setting, its restored images (B, C, H, W) and their mean PSNR in dB."""

    setting: Setting
    restored: Tensor
    psnr: float


def tune(method: Callable[..., Tensor], settings: Sequence[Setting], observation: Observation, truth: Tensor) -> Tuned:
    """Find the setting, one for all images, with the highest mean PSNR.

    Args:
        method: called as method(observation, **setting).
        settings: such as from `grid`, at least one; of equally good ones the first.
        observation: damaged images (B, C, H, W).
        truth: clean ones, of the same shape, in [0, 1].

    Raises:
        UsageError: the shapes differ.
    """
    if truth.shape != observation.image.shape:
        shapes = f"{tuple(truth.shape)}, damaged ones {tuple(observation.image.shape)}"
        raise UsageError(f"clean images are {shapes}: give one clean image for every damaged one")

    def attempt(setting: Setting) -> Tuned:
        restored = method(observation, **setting)
        return Tuned(setting, restored, mean_psnr(quantize(restored), truth))

    return max(map(attempt, settings), key=lambda choice: choice.psnr)
