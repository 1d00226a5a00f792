"""Degradation operators: images, their parameters and their seeds in; degraded images and masks out.

Every operator has the signature ``(image, parameters, seeds) -> (image, mask)``: image (B, C, H, W) float32 with C 1
or 3, nominally in [0, 1]; parameters name -> (B,) or (B, K) on the CPU; seeds (B,) int64; mask (B, 1, H, W) float, 1
where pixels are missing and else 0, or None. No operator writes into its input, and on the CPU no image's result
depends, to the last bit, on the other images of its batch.

Operators stand on kornia.augmentation where it has them. It draws from torch's global generator and for the whole
batch; here every image has its own seed, so random fields are drawn here and handed over as `params`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from kornia.augmentation import AugmentationBase2D

Parameters = Mapping[str, Tensor]
Degraded = tuple[Tensor, Tensor | None]  # images and mask
Operator = Callable[[Tensor, Parameters, Tensor], Degraded]


def column(parameter: Tensor, image: Tensor) -> Tensor:
    """Return a parameter (B,) as (B, 1, 1, 1) with the dtype and on the device of the images."""
    return parameter.to(image.dtype).to(image.device)[:, None, None, None]  # not all devices have float64


def random_field(sampler: Callable[..., Tensor], seeds: Tensor, shape: tuple[int, ...], image: Tensor) -> Tensor:
    """Draw one field per image, each from its own seed alone.

    Args:
        sampler: torch.rand or torch.randn.
        seeds: (B,) int64.
        shape: The shape of one image's field.
        image: The batch; its device is that of the fields.

    Returns:
        (B, *shape) float32.
    """
    generator = torch.Generator(image.device)
    draws = [sampler(shape, generator=generator.manual_seed(seed), device=image.device) for seed in seeds.tolist()]
    return torch.stack(draws)


def augmented(augmentation: "AugmentationBase2D", image: Tensor, **drawn: Tensor) -> Tensor:
    """Apply an augmentation of Kornia to all images, with parameters that are drawn already."""
    shape, everyone = torch.tensor(image.shape), torch.ones(len(image))
    result: Tensor = augmentation(image, params={"forward_input_shape": shape, "batch_prob": everyone, **drawn})
    return result


def noise(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Gaussian noise of standard deviation sigma / 255, clipped to [0, 1] where clip is 1."""
    from kornia.augmentation import RandomGaussianNoise

    field = column(parameters["sigma"] / 255, image) * random_field(torch.randn, seeds, image.shape[1:], image)
    noisy = augmented(RandomGaussianNoise(p=1.0), image, gaussian_noise=field)
    return torch.where(column(parameters["clip"], image) > 0, noisy.clamp(0, 1), noisy), None


def poisson(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Shot noise of `peak` photons at white (0: none), then Gaussian read-out noise of sigma / 255.

    Plain torch: Kornia has no Poisson noise.
    """
    peak = column(parameters["peak"], image)
    generator = torch.Generator(image.device)
    shots, readouts = [], []
    for rate, seed in zip(image.clamp(min=0) * peak, seeds.tolist(), strict=True):
        generator.manual_seed(seed)  # one stream for both, so that they are independent of each other
        readouts.append(torch.randn(rate.shape, generator=generator, device=rate.device))
        shots.append(torch.poisson(rate, generator=generator))
    # the inner where keeps the division finite in the images that have no shot noise
    shot = torch.where(peak > 0, torch.stack(shots) / torch.where(peak > 0, peak, 1), image)
    return shot + column(parameters["sigma"] / 255, image) * torch.stack(readouts), None


def saltpepper(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Salt-and-pepper noise: the fraction `amount` of the pixels turns black or white, half each, in all channels."""
    from kornia.augmentation import RandomSaltAndPepperNoise

    amount = column(parameters["amount"], image)
    field = random_field(torch.rand, seeds, (1, *image.shape[2:]), image).expand_as(image)
    pepper, salt = field < amount / 2, (field >= amount / 2) & (field < amount)
    return augmented(RandomSaltAndPepperNoise(p=1.0), image, mask_salt=salt, mask_pepper=pepper), None


def missing(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Each pixel is missing with probability `fraction`."""
    field = random_field(torch.rand, seeds, (1, *image.shape[2:]), image)
    return image, (field < column(parameters["fraction"], image)).to(image)


def blur(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Gaussian blur of standard deviation sigma in pixels, edges replicated."""
    return gaussian_blur(image, parameters["sigma"]), None


def grain(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Film grain: noise of standard deviation sigma / 255, blurred to a grain size of `size` pixels.

    `color` is the fraction of its variance that is independent in each channel: 0 is gray, as of black-and-white film.
    Plain torch: the noise of Kornia is white.
    """
    own, size = column(parameters["color"], image), parameters["size"]
    spots = correlated_noise(size, seeds, 1, image)
    if (parameters["color"] > 0).any():
        spots = (1 - own).sqrt() * spots + own.sqrt() * correlated_noise(size, seeds + 1, image.shape[1], image)
    return image + column(parameters["sigma"] / 255, image) * spots, None


def correlated_noise(size: Tensor, seeds: Tensor, channels: int, image: Tensor) -> Tensor:
    """White noise blurred by `size` (B,) pixels, of standard deviation 1 up to the border: (B, channels, H, W).

    Each image's noise is drawn larger by the radius of its own kernel and centered on a common canvas.
    """
    (height, width), radii = image.shape[2:], _radius(size).long().tolist()
    most = max(radii)
    canvas = image.new_zeros(len(image), channels, height + 2 * most, width + 2 * most)
    for whole, radius, seed in zip(canvas, radii, seeds.split(1), strict=True):
        drawn = random_field(torch.randn, seed, (channels, height + 2 * radius, width + 2 * radius), image)[0]
        edge = most - radius
        whole[:, edge : edge + drawn.shape[1], edge : edge + drawn.shape[2]] = drawn
    left = gaussian_kernel(size).square().sum(1)  # what a blur leaves of a standard deviation
    return gaussian_blur(canvas, size)[:, :, most : most + height, most : most + width] / column(left, image)


def motion(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Uniform motion over `length` pixels (made odd), `angle` degrees counterclockwise from the horizontal."""
    from kornia.augmentation import RandomMotionBlur

    lengths = parameters["length"] // 2 * 2 + 1
    moved = image.clone()
    for length in sorted(set(lengths.tolist()) - {1}):  # Kornia has one length for a batch
        chosen = (lengths == length).nonzero().flatten()
        there = chosen.to(image.device)
        part, count = _with_companion(image[there])
        angle = parameters["angle"][chosen].repeat(len(part) // count)
        operator = RandomMotionBlur(length, 0.0, 0.0, border_type="replicate", resample="bilinear", p=1.0)
        still, first = torch.zeros_like(angle), torch.zeros(1, dtype=torch.int64)
        drawn = {"angle_factor": angle, "direction_factor": still, "idx": first}
        blurred = augmented(operator, part, ksize_factor=torch.full((len(part),), length), **drawn)
        moved = moved.index_copy(0, there, blurred[:count])
    return moved, None


def resample(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Downscale by the factor `scale` and upscale again, bicubic with antialiasing (Pillow's, to 1e-6).

    By torch's resize: Kornia's blurs with a wide Gaussian before it samples, unlike any photo software.
    """
    height, width = image.shape[2:]
    small = torch.stack([(side / parameters["scale"]).round().clamp(1) for side in (height, width)], 1).long()
    back = image.clone()
    for size in {tuple(row) for row in small.tolist()} - {(height, width)}:
        there = (small == torch.tensor(size)).all(1).nonzero().flatten().to(image.device)
        back = back.index_copy(0, there, resize(resize(image[there], size), (height, width)))
    return back, None


def resize(image: Tensor, size: tuple[int, ...]) -> Tensor:
    """Resize (B, C, H, W) to (h, w), bicubic with antialiasing."""
    return torch.nn.functional.interpolate(image, size=size, mode="bicubic", antialias=True)


def holes(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Square boxes of missing pixels: top, left and size (B, K) in pixels; size 0 is no box."""
    size, top, left = (parameters[name].to(image.device) for name in ("size", "top", "left"))
    return image, _boxes(image, size, top, left)


def hole(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """One centered square of `size` x `size` missing pixels."""
    size = parameters["size"].to(image.device)[:, None]
    height, width = image.shape[2:]
    return image, _boxes(image, size, (height - size) // 2, (width - size) // 2)


def _boxes(image: Tensor, size: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """Return the union (B, 1, H, W) of the boxes given by (B, K) sizes and corners.

    Kornia's RandomErasing gives the same, bit for bit, but erases one box of at least one pixel per call: measured 6
    times slower for 3 boxes in each of 64 images of 64 x 64 (4 and 23 ms), 97 times for 100 boxes.
    """
    row, col = (torch.arange(side, device=image.device) for side in image.shape[2:])
    rows = (row >= top[..., None]) & (row < (top + size)[..., None])  # (B, K, H)
    cols = (col >= left[..., None]) & (col < (left + size)[..., None])  # (B, K, W)
    return (rows.to(image).mT @ cols.to(image) > 0)[:, None].to(image)


def fading(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """A faded print: x becomes lift + (1 - lift) * contrast * x, then goes `sepia` of the way to sepia if in color.

    Sepia is Kornia's. Not so contrast and lift: its RandomBrightness takes the lift as 1 + lift, which rounds it.
    """
    from kornia.color.sepia import sepia_from_rgb

    lift, contrast = column(parameters["lift"], image), column(parameters["contrast"], image)
    faded = lift + (1 - lift) * contrast * image
    if image.shape[1] == 3:
        toned: Tensor = sepia_from_rgb(faded, rescale=False) / 1.351  # 1.351: the red that white becomes
        faded = faded + column(parameters["sepia"], image) * (toned - faded)
    return faded, None


def gaussian_blur(image: Tensor, sigma: Tensor) -> Tensor:
    """Blur each image by its own sigma (B,) in pixels.

    Not by Kornia's RandomGaussianBlur: it has one kernel size for a batch, so that where an image's Gaussian is cut
    off would depend on the other images, and no kernel for a sigma of 0.
    """
    from kornia.filters import filter2d

    kernel = gaussian_kernel(sigma)
    if kernel.shape[1] == 1:
        return image
    filtered, count = _with_companion(image)
    for one in (kernel[:, None, :], kernel[:, :, None]):
        filtered = filter2d(filtered, one.repeat(len(filtered) // count, 1, 1), "replicate")
    return filtered[:count]


def _radius(sigma: Tensor) -> Tensor:
    """Pixels at which a Gaussian is cut off."""
    return torch.ceil(4 * sigma)


def gaussian_kernel(sigma: Tensor) -> Tensor:
    """Return sampled Gaussians (B, K) float64, each cut off at its own 4 sigma however wide the widest is."""
    from kornia.filters import get_gaussian_kernel1d

    reach = _radius(sigma)
    radius = int(reach.max())
    kernel: Tensor = get_gaussian_kernel1d(2 * radius + 1, sigma.clamp(min=1e-3)[:, None])
    kernel = kernel * (torch.arange(-radius, radius + 1).abs() <= reach[:, None])
    return kernel / kernel.sum(1, keepdim=True)


def _with_companion(image: Tensor) -> tuple[Tensor, int]:
    """Return the images, a single plane twice, and how many there were.

    torch convolves a single plane (B = C = 1) by another algorithm, whose last bits differ.
    """
    copies = 2 if image.shape[0] * image.shape[1] == 1 else 1
    return image.repeat(copies, 1, 1, 1), len(image)
