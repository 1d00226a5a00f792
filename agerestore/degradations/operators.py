"""The operators: pictures, their parameters and their seeds in; damaged pictures and unknown pixels out.

Every operator has the signature ``(image, parameters, seed) -> (image, unknown)``: image (B, C, H, W) float32
with C 1 or 3, nominally in [0, 1]; parameters name -> (B,) or (B, K) on the CPU; seed (B,) int64; unknown
(B, 1, H, W) of 0 and 1, or None. No operator writes into its input, and on the CPU no picture's result
depends, to the last bit, on the other pictures of its batch.
"""

import io
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from agerestore.errors import UsageError

BLOCK = 16  # pixels of a JPEG that share their chroma
MOST_OF_WEBP = 16383  # pixels a side

Parameters = Mapping[str, Tensor]
Outcome = tuple[Tensor, Tensor | None]


def column(parameter: Tensor, image: Tensor) -> Tensor:
    """The parameter (B,) as (B, 1, 1, 1), with the picture's dtype, on its device."""
    return parameter.to(image.dtype).to(image.device)[:, None, None, None]  # not all devices have float64


def random_field(sampler: Callable[..., Tensor], seed: Tensor, shape: tuple[int, ...], image: Tensor) -> Tensor:
    """One field per picture, each from its own seed alone: (B, *shape), float32, on the picture's device.

    Args:
        sampler: torch.rand or torch.randn.
        seed: (B,) int64.
        shape: the shape of one picture's field.
        image: the batch the fields are for.
    """
    generator = torch.Generator(image.device)
    draws = [sampler(shape, generator=generator.manual_seed(s), device=image.device) for s in seed.tolist()]
    return torch.stack(draws)


def noise(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Gaussian noise of standard deviation sigma / 255, clipped to [0, 1] where clip is 1."""
    field = random_field(torch.randn, seed, image.shape[1:], image)
    noisy = image + column(parameters["sigma"] / 255, image) * field
    return torch.where(column(parameters["clip"], image) > 0, noisy.clamp(0, 1), noisy), None


def poisson(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Shot noise of `peak` photons at white (0: none), then Gaussian read-out noise of sigma / 255."""
    peak = column(parameters["peak"], image)
    generator = torch.Generator(image.device)
    shots, readouts = [], []
    for rate, s in zip(image.clamp(min=0) * peak, seed.tolist(), strict=True):
        generator.manual_seed(s)  # one stream for both, so that they are independent of each other
        readouts.append(torch.randn(rate.shape, generator=generator, device=rate.device))
        shots.append(torch.poisson(rate, generator=generator))
    # the inner where keeps the division finite in the pictures that have no shot noise
    shot = torch.where(peak > 0, torch.stack(shots) / torch.where(peak > 0, peak, 1), image)
    return shot + column(parameters["sigma"] / 255, image) * torch.stack(readouts), None


def saltpepper(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """The share `amount` of the pixels becomes black or white, half each, all channels alike."""
    amount = column(parameters["amount"], image)
    field = random_field(torch.rand, seed, (1, *image.shape[2:]), image)
    black, white = field < amount / 2, (field >= amount / 2) & (field < amount)
    return image.masked_fill(black, 0).masked_fill(white, 1), None


def missing(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Each pixel is unknown with probability `fraction`."""
    field = random_field(torch.rand, seed, (1, *image.shape[2:]), image)
    return image, (field < column(parameters["fraction"], image)).to(image)


def jpeg(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """JPEG at `quality` as libjpeg counts it, 4:2:0 chroma, output in [0, 1].

    The picture had `top` rows and `left` columns more, a continuation of its edges: its blocks begin elsewhere. It was
    smaller by the factor `enlarged` while it was a file: its blocks are larger, and it is soft.
    """
    return _from_file(image, parameters, _coded), None


def webp(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """WebP at `quality` as libwebp counts it, output of 8 bits in [0, 1]; `top`, `left` and `enlarged` as of `jpeg`."""
    return _from_file(image, parameters, _webp), None


def _from_file(image: Tensor, parameters: Parameters, coded: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Pictures after what was done to them when they came back from files.

    Args:
        image: (B, C, H, W).
        parameters: those of `jpeg`.
        coded: picture (1, C, H, W), quality (1,) -> the picture that comes back.
    """
    # One by one: the codec multiplies matrices, whose last bits depend on how many rows they have.
    sizes = [[max(1, round(side / scale)) for side in image.shape[2:]] for scale in parameters["enlarged"].tolist()]
    cuts = zip(parameters["top"].tolist(), parameters["left"].tolist(), strict=True)
    back = []
    for picture, quality, size, cut in zip(image.split(1), parameters["quality"].split(1), sizes, cuts, strict=True):
        enlarged = size != list(image.shape[2:])
        file = _cropped(_resize(picture, tuple(size)) if enlarged else picture, quality, *cut, coded)
        back.append(_resize(file, tuple(image.shape[2:])).clamp(0, 1) if enlarged else file)
    return torch.cat(back)


def _cropped(image: Tensor, quality: Tensor, top: int, left: int, coded: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """A picture that a larger one was cropped to after it was coded, to the right of and below its edges."""
    if not top and not left:
        return coded(image, quality)
    height, width = image.shape[2:]
    larger = torch.nn.functional.pad(image, (left, BLOCK - left, top, BLOCK - top), mode="replicate")
    return coded(larger, quality)[:, :, top : top + height, left : left + width]


def _webp(image: Tensor, quality: Tensor) -> Tensor:
    """A picture (1, C, H, W) as a WebP file brings it back; gray ones have equal channels on the way."""
    from PIL import Image

    if max(image.shape[2:]) > MOST_OF_WEBP:
        raise UsageError(f"webp: such files have at most {MOST_OF_WEBP} pixels a side; choose jpeg or shrink it")
    pixels = (image[0].clamp(0, 1).expand(3, -1, -1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=int(quality))
    back = torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1)
    return (back[None, : image.shape[1]] / 255).to(image)


def _coded(image: Tensor, quality: Tensor) -> Tensor:
    """Pictures as JPEG brings them back, their blocks beginning in the corner.

    Kornia's codec is differentiable: it rounds softly, to r + e^3 for a coefficient r + e, and so keeps 0.8
    dB that a real file loses. Coding twice leaves e^9, at most 0.002 of a step, as good as rounding; only the
    chroma is that of the first time, as it would be blurred twice. Measured against Pillow's files of
    photographs, quality 10 to 95: 37 to 53 dB apart, and within 0.4 dB as far from the original.
    """
    from kornia.color import rgb_to_ycbcr, ycbcr_to_rgb
    from kornia.enhance import jpeg_codec_differentiable

    strength = column(_kornia_quality(quality), image).flatten()
    once = jpeg_codec_differentiable(image.clamp(0, 1).expand(-1, 3, -1, -1), strength).clamp(0, 1)
    twice: Tensor = jpeg_codec_differentiable(once, strength)
    if image.shape[1] == 3:
        twice = ycbcr_to_rgb(torch.cat([rgb_to_ycbcr(twice)[:, :1], rgb_to_ycbcr(once)[:, 1:]], 1))
    return twice[:, : image.shape[1]].clamp(0, 1)


def _kornia_quality(quality: Tensor) -> Tensor:
    """The quality (B,) at which Kornia's soft floor gives exactly libjpeg's integer scale of the tables."""
    scale = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality) + 0.5
    return torch.where(quality < 50, 5000 / scale, (200 - scale) / 2)


def blur(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Gaussian blur of standard deviation sigma in pixels, edges continued."""
    return _gaussian(image, parameters["sigma"]), None


def grain(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Film grain: noise of standard deviation sigma / 255, blurred to spots of `size` pixels.

    `color` is the share of its variance that each channel has for itself: 0 is gray, as of black-and-white film.
    """
    own, size = column(parameters["color"], image), parameters["size"]
    spots = _spots(size, seed, 1, image)
    if (parameters["color"] > 0).any():
        spots = (1 - own).sqrt() * spots + own.sqrt() * _spots(size, seed + 1, image.shape[1], image)
    return image + column(parameters["sigma"] / 255, image) * spots, None


def _spots(size: Tensor, seed: Tensor, channels: int, image: Tensor) -> Tensor:
    """White noise blurred to spots of `size` (B,) pixels, of deviation 1 up to the border: (B, channels, H, W).

    Each picture's noise is drawn as much larger as its own blur reaches, and lies in the middle of a common canvas.
    """
    (height, width), reaches = image.shape[2:], _reach(size).long().tolist()
    most = max(reaches)
    canvas = image.new_zeros(len(image), channels, height + 2 * most, width + 2 * most)
    for whole, reach, each in zip(canvas, reaches, seed.split(1), strict=True):
        drawn = random_field(torch.randn, each, (channels, height + 2 * reach, width + 2 * reach), image)[0]
        edge = most - reach
        whole[:, edge : edge + drawn.shape[1], edge : edge + drawn.shape[2]] = drawn
    left = _gaussian_kernel(size).square().sum(1)  # what a blur leaves of a standard deviation
    return _gaussian(canvas, size)[:, :, most : most + height, most : most + width] / column(left, image)


def motion(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Uniform motion over `length` pixels (made odd), `angle` degrees anticlockwise from the horizontal."""
    from kornia.filters import get_motion_kernel2d

    lengths = parameters["length"] // 2 * 2 + 1
    moved = image.clone()
    for length in sorted(set(lengths.tolist()) - {1}):
        pictures = (lengths == length).nonzero().flatten()
        angle = parameters["angle"][pictures]
        kernel: Tensor = get_motion_kernel2d(length, angle, torch.zeros_like(angle), mode="bilinear")
        there = pictures.to(image.device)
        moved = moved.index_copy(0, there, _correlate(image[there], kernel))
    return moved, None


def resample(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Made smaller by the factor `scale` and brought back, bicubic with antialiasing (Pillow's, to 1e-6).

    torch's own resize: Kornia's blurs with a wide Gaussian before it samples, unlike any photo software.
    """
    height, width = image.shape[2:]
    small = torch.stack([(side / parameters["scale"]).round().clamp(1) for side in (height, width)], 1).long()
    back = image.clone()
    for size in {tuple(row) for row in small.tolist()} - {(height, width)}:
        there = (small == torch.tensor(size)).all(1).nonzero().flatten().to(image.device)
        back = back.index_copy(0, there, _resize(_resize(image[there], size), (height, width)))
    return back, None


def _resize(image: Tensor, size: tuple[int, ...]) -> Tensor:
    return torch.nn.functional.interpolate(image, size=size, mode="bicubic", antialias=True)


def holes(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Square boxes of unknown pixels: top, left and size (B, K) in pixels; size 0 is no box."""
    size, top, left = (parameters[name].to(image.device) for name in ("size", "top", "left"))
    return image, _boxes(image, size, top, left)


def hole(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """One centered square of `size` x `size` unknown pixels."""
    size = parameters["size"].to(image.device)[:, None]
    height, width = image.shape[2:]
    return image, _boxes(image, size, (height - size) // 2, (width - size) // 2)


def _boxes(image: Tensor, size: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """The union (B, 1, H, W) of the boxes given by (B, K) sizes and corners."""
    row, col = (torch.arange(side, device=image.device) for side in image.shape[2:])
    rows = (row >= top[..., None]) & (row < (top + size)[..., None])  # (B, K, H)
    cols = (col >= left[..., None]) & (col < (left + size)[..., None])  # (B, K, W)
    return (rows.to(image).mT @ cols.to(image) > 0)[:, None].to(image)


def fading(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Contrast lost, black lifted to `lift`, and `sepia` of the way to sepia (color pictures only).

    A value x becomes lift + (1 - lift) * contrast * x.
    """
    from kornia.color.sepia import sepia_from_rgb

    lift, contrast = column(parameters["lift"], image), column(parameters["contrast"], image)
    faded = lift + (1 - lift) * contrast * image
    if image.shape[1] == 3:
        toned: Tensor = sepia_from_rgb(faded, rescale=False) / 1.351  # 1.351: the red that white becomes
        faded = faded + column(parameters["sepia"], image) * (toned - faded)
    return faded, None


def _gaussian(image: Tensor, sigma: Tensor) -> Tensor:
    """The pictures blurred, each by its own sigma (B,) in pixels."""
    kernel = _gaussian_kernel(sigma)
    return _correlate(image, kernel[:, None, :], kernel[:, :, None]) if kernel.shape[1] > 1 else image


def _reach(sigma: Tensor) -> Tensor:
    """Pixels to which a Gaussian is taken."""
    return torch.ceil(4 * sigma)


def _gaussian_kernel(sigma: Tensor) -> Tensor:
    """Sampled Gaussians (B, K) float64, each cut at its own 4 sigma however wide the widest is."""
    from kornia.filters import get_gaussian_kernel1d

    reach = _reach(sigma)
    radius = int(reach.max())
    kernel: Tensor = get_gaussian_kernel1d(2 * radius + 1, sigma.clamp(min=1e-3)[:, None])
    kernel = kernel * (torch.arange(-radius, radius + 1).abs() <= reach[:, None])
    return kernel / kernel.sum(1, keepdim=True)


def _correlate(image: Tensor, *kernels: Tensor) -> Tensor:
    """The pictures under their own kernels (B, h, w), one after the other, edges continued."""
    from kornia.filters import filter2d

    # torch convolves a lone plane by another algorithm, whose last bits differ: it gets a companion
    copies = 2 if image.shape[0] * image.shape[1] == 1 else 1
    filtered = image.repeat(copies, 1, 1, 1)
    for kernel in kernels:
        filtered = filter2d(filtered, kernel.repeat(copies, 1, 1), "replicate")
    return filtered[: len(image)]
