"""Image quality: PSNR, SSIM and others, one value for each image of a batch.

Images are float tensors (B, C, H, W) in [0, 1]. Tables measure `quantize`d images, as they would be read from an
8-bit file.
"""

import torch
from torch import Tensor
from torch.nn import functional

from agerestore.errors import UsageError

_SSIM_RADIUS = 5  # the window of 11 pixels
_SSIM_SIGMA = 1.5


def quantize(image: Tensor) -> Tensor:
    """Clip to [0, 1] and round to the 256 levels of an 8-bit file.

    Args:
        image: any shape, float.

    Returns:
        The same shape, multiples of 1/255.

    >>> quantize(torch.tensor([-0.1, 0.4990, 1.2])) * 255
    tensor([  0., 127., 255.])
    """
    return (image.clamp(0, 1) * 255).round() / 255


def psnr(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio in dB, for a peak of 1.

    Args:
        x: (B, C, H, W) float in [0, 1].
        y: the same shape.
        mask: (B, 1, H, W), nonzero where to measure; all pixels if None. The mask of an `Observation` gives
            the PSNR of the hole alone.

    Returns:
        (B,) dB; infinite where the images are equal, NaN where the mask is empty.

    Raises:
        UsageError: the images differ in shape.

    >>> round(psnr(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.1)).item(), 3)
    20.0
    """
    _check_same_shape(x, y)
    error = (x - y).square()
    if mask is None:
        return -10 * error.mean(dim=(1, 2, 3)).log10()
    where = (mask != 0).to(error)
    count = where.sum(dim=(1, 2, 3)) * error.shape[1]
    return -10 * ((error * where).sum(dim=(1, 2, 3)) / count).log10()


def mean_psnr(x: Tensor, y: Tensor, mask: Tensor | None = None) -> float:
    """Mean of `psnr` over the images whose mask is not empty; equal images count as 100 dB."""
    return float(psnr(x, y, mask).clamp(max=100).nanmean())


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity, Wang et al. 2004: Gaussian window of 11 pixels and sigma 1.5, K1 0.01, K2 0.03.

    Equals scikit-image's `structural_similarity` with `gaussian_weights=True, use_sample_covariance=False,
    data_range=1`: the mean over channels and over the places where the window fits. On a side shorter than 11
    pixels the window shrinks to the largest odd number that fits, sigma unchanged.

    Args:
        x: (B, C, H, W) float in [0, 1].
        y: the same shape.

    Returns:
        (B,) in [-1, 1], 1 where the images are equal.

    Raises:
        UsageError: the images differ in shape.
    """
    _check_same_shape(x, y)
    batch, channels = x.shape[:2]
    moments = torch.stack([x, y, x * x, y * y, x * y]).flatten(0, 2)[:, None]  # (5BC, 1, H, W)
    for axis in (2, 3):
        moments = functional.conv2d(moments, _window(moments, axis))
    mean_x, mean_y, xx, yy, xy = moments.view(5, batch, channels, *moments.shape[2:])
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    variances = (xx - mean_x.square()) + (yy - mean_y.square())
    structure = (2 * (xy - mean_x * mean_y) + c2) / (variances + c2)
    similarity: Tensor = (luminance * structure).mean(dim=(1, 2, 3))
    return similarity


def _window(planes: Tensor, axis: int) -> Tensor:
    """The Gaussian window along one axis of (N, 1, H, W), as a kernel (1, 1, n, 1) or (1, 1, 1, n)."""
    radius = min(_SSIM_RADIUS, (planes.shape[axis] - 1) // 2)
    offset = torch.arange(-radius, radius + 1, dtype=planes.dtype, device=planes.device)
    weight = torch.exp(-0.5 * (offset / _SSIM_SIGMA).square())
    return (weight / weight.sum()).view(1, 1, *((-1, 1) if axis == 2 else (1, -1)))


def colorfulness(image: Tensor) -> Tensor:
    """Colorfulness (Hasler and Süsstrunk, 2003): 0 for gray, about 40 for a photograph.

    Args:
        image: (B, C, H, W) float in [0, 1], RGB, or gray with C = 1.

    Returns:
        (B,), on the scale of pixel values 0..255.
    """
    red, green, blue = (255 * image.expand(-1, 3, -1, -1)).flatten(2).unbind(1)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = torch.hypot(red_green.std(1, correction=0), yellow_blue.std(1, correction=0))
    return spread + 0.3 * torch.hypot(red_green.mean(1), yellow_blue.mean(1))


def _check_same_shape(x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape:
        raise UsageError(
            f"cannot compare images of shape {tuple(x.shape)} and {tuple(y.shape)}; bring them to one shape"
        )
