"""Photographs of any size, restored by the centre of the conditional AGE, tile by tile."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from agerestore import device as devices
from agerestore import imagefile, tiling
from agerestore.composite import composite
from agerestore.config import SMALLEST_TILE, RestoreSettings
from agerestore.framing import match_channels
from agerestore.imagefile import Mask, Photo
from agerestore.networks import PhotoModel
from agerestore.observation import Observation

LARGEST_TILE = 768  # pixels a side; larger ones gain nothing
BYTES_PER_PIXEL = 1200  # that a pass takes in fp32, measured; half of it in bf16
SHARE = 0.25  # of the free memory that a pass may take
BRIGHT = 0.5  # a picture whose brightest pixels are darker than this is exposed before it is restored
PROBES, PROBE = 9, 256  # pieces of a picture, and their side in pixels, that stand for the whole


class Answer(NamedTuple):
    """What is known of a piece of a picture after it was restored.

    Attributes:
        image: (B, C, H, W) in [0, 1], the estimate blended with the piece as the settings say.
        deviation: (B, C, H, W), the expected standard deviation of the error of the estimate.
    """

    image: Tensor
    deviation: Tensor


Read = Callable[[tiling.Box], Observation]


@torch.no_grad()
def restore_photograph(model: PhotoModel, observation: Observation, settings: RestoreSettings | None = None) -> Answer:
    """Restore photographs that are held in memory as tensors.

    Args:
        model: networks in eval mode.
        observation: image (B, 1 or 3, H, W) and mask, of any size.
        settings: the defaults if None.

    Returns:
        Picture and expected error, of the shape that came in. Observed pixels, too, are estimates.
    """
    height, width = observation.image.shape[2:]
    image, deviation = torch.empty_like(observation.image), torch.empty_like(observation.image)

    def read(box: tiling.Box) -> Observation:
        rows, columns = box.slices
        mask = None if observation.mask is None else observation.mask[:, :, rows, columns]
        return Observation(observation.image[:, :, rows, columns], mask)

    def write(box: tiling.Box, answer: Answer) -> None:
        rows, columns = box.slices
        image[:, :, rows, columns], deviation[:, :, rows, columns] = answer

    _restore(model, height, width, read, write, settings or RestoreSettings())
    return Answer(image, deviation)


@torch.no_grad()
def restore_pixels(
    model: PhotoModel, photo: Photo, unknown: Mask | None = None, settings: RestoreSettings | None = None
) -> tuple[Photo, Photo]:
    """Restore a photograph in its own depth, which takes little more memory than its pixels do.

    Args:
        model: networks in eval mode, on any device.
        photo: of any size.
        unknown: (H, W) bool, True where pixels are unknown. All others come back bit for bit; without it the whole
            picture is an estimate.
        settings: the defaults if None.

    Returns:
        The restored photograph, and a grey 8-bit one of the expected error: four times its standard deviation in
        grey levels of 8 bits.
    """
    height, width = photo.pixels.shape[:2]
    where = next(model.parameters()).device
    pixels, errors = np.empty_like(photo.pixels), np.empty((height, width, 1), np.uint8)

    def hidden(box: tiling.Box) -> Mask | None:
        return None if unknown is None else unknown[box.slices]

    def read(box: tiling.Box) -> Observation:
        mask = hidden(box)
        holes = None if mask is None else torch.from_numpy(np.ascontiguousarray(mask))[None, None].float().to(where)
        return Observation(imagefile.to_tensor(imagefile.part(photo, *box.slices)).to(where), holes)

    def write(box: tiling.Box, answer: Answer) -> None:
        piece = imagefile.part(photo, *box.slices)
        pixels[box.slices] = imagefile.with_pixels(piece, answer.image, hidden(box)).pixels
        level = 4 * 255 * answer.deviation.square().mean(dim=(0, 1)).sqrt()
        errors[box.slices] = level.clamp(0, 255).round().byte().cpu().numpy()[..., None]

    _restore(model, height, width, read, write, settings or RestoreSettings())
    return imagefile.replace_pixels(photo, pixels), Photo(errors)


def _restore(
    model: PhotoModel, height: int, width: int, read: Read, write: Callable[[tiling.Box, Answer], None],
    settings: RestoreSettings,
) -> None:  # fmt: skip
    """Read, compute and write a picture tile by tile."""
    whole, device = tiling.Box(0, 0, height, width), next(model.parameters()).device
    gain = _exposure(whole, read)
    strength = _strength(model, whole, read, gain, settings)

    def work(tile: tiling.Box) -> None:
        around = tiling.surroundings(tile, whole, model.reach, model.multiple)
        answer = _estimate(model, read(around), gain, strength, settings.precision)
        rows, columns = tile.within(around).slices
        write(tile, Answer(answer.image[:, :, rows, columns], answer.deviation[:, :, rows, columns]))

    tiling.run(height, width, settings.tile or _tile(device, settings.precision), work)


def _estimate(model: PhotoModel, observation: Observation, gain: float, strength: float, precision: str) -> Answer:
    device = observation.image.device
    with devices.precision(precision, device, auto=devices.fastest(device)):
        colour = match_channels(observation.image, 3) * gain
        image, deviation = model.estimate(colour.contiguous(memory_format=torch.channels_last), observation.mask)
    channels = observation.image.shape[1]
    image = match_channels(image / gain, channels).clamp(0, 1)
    deviation = deviation.square().mean(1, keepdim=True).sqrt().expand(-1, channels, -1, -1) / gain
    if strength < 1:
        blended = torch.lerp(observation.image.clamp(0, 1), image, strength)
        image = blended if observation.mask is None else composite(Observation(blended, observation.mask), image)
    return Answer(image, deviation)


def _probes(whole: tiling.Box) -> list[tiling.Box]:
    """Small pieces, spread evenly over a picture."""
    count = round(PROBES**0.5)
    tops, lefts = (
        [(length - min(PROBE, length)) * i // max(count - 1, 1) for i in range(count)]
        for length in (whole.bottom, whole.right)
    )
    corners = sorted({(top, left) for top in tops for left in lefts})
    return [
        tiling.Box(top, left, min(top + PROBE, whole.bottom), min(left + PROBE, whole.right)) for top, left in corners
    ]


def _exposure(whole: tiling.Box, read: Read) -> float:
    """What a dark picture is multiplied by before it is restored, and divided by after it; at least 1."""
    brightest = max(float(read(box).image.flatten().quantile(0.999)) for box in _probes(whole))
    return 1.0 if brightest >= BRIGHT else min(1 / max(brightest, 1e-3), 64.0)


def _strength(model: PhotoModel, whole: tiling.Box, read: Read, gain: float, settings: RestoreSettings) -> float:
    """The strength asked for, or less where more would be removed than the noise that is known."""
    if settings.sigma is None:
        return settings.strength
    removed = []
    for box in _probes(whole):
        observation = read(box)
        answer = _estimate(model, observation, gain, 1.0, settings.precision)
        known = 1.0 if observation.mask is None else 1 - observation.mask
        removed.append(((observation.image - answer.image) * known).square().mean())
    rms = 255 * float(torch.stack(removed).mean().sqrt())
    return settings.strength * min(1.0, settings.sigma / max(rms, 1e-6))


def _tile(device: torch.device, precision: str) -> int:
    """Side of the tiles that the free memory allows."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = _free_memory()
    half = devices.fastest(device) == "bf16" if precision == "auto" else precision == "bf16"
    side = int((SHARE * free / (BYTES_PER_PIXEL / (2 if half else 1))) ** 0.5)
    return max(min(side, LARGEST_TILE) // SMALLEST_TILE * SMALLEST_TILE, SMALLEST_TILE)


def _free_memory() -> int:
    """Bytes of main memory that can be had; a careful guess where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 2**31
