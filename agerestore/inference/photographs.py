"""Photographs of any size, restored by the center of the conditional AGE, tile by tile."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from agerestore import device as devices
from agerestore.config.options import SMALLEST_TILE, RestoreSettings
from agerestore.images.composite import composite
from agerestore.images.observation import Observation
from agerestore.images.photo import Mask, Photo
from agerestore.inference import tiling
from agerestore.inference.alpha import fill_transparent, visible
from agerestore.inference.coarse_to_fine import Continuation, continuation
from agerestore.inference.exposure import Read, Survey, survey
from agerestore.inference.self_ensemble import mean_estimate
from agerestore.models.photo import REGION, PhotoRestorer

LARGEST_TILE = 1024  # pixels a side; measured here: 1536 take 0.91 of the time and 1.4 times the memory
CELL, CELL_OF_UNSURE, CELL_OF_SAMPLES = 2, 8, 4  # pixels a side, chosen by measurement (docs/architecture.md)
BYTES_PER_PIXEL = 500  # that a pass takes, measured: 496 in fp32, 290 to 450 in bf16
SHARE = 0.25  # of the free memory that a pass may take
PROBES, PROBE = 9, 256  # pieces of a picture, and their side in pixels, that stand for the whole


class Answer(NamedTuple):
    """What is known of a piece of a picture after it was restored.

    Attributes:
        image: (B, C, H, W) in [0, 1], the estimate blended with the piece as the settings say.
        deviation: (B, C, H, W), the expected standard deviation of the error of the estimate.
        samples: (K, C, H, W) in [0, 1], other pictures that could have been; of one picture only.
    """

    image: Tensor
    deviation: Tensor
    samples: Tensor


class RestoredPhoto(NamedTuple):
    """A photograph restored in its own depth.

    Attributes:
        photo: the restored photograph.
        uncertainty: gray, 8 bit: four times the expected standard deviation of its error, in gray levels of 8 bits;
            None where nobody asked for it.
        samples: other pictures that could have been, in the form of ``photo``.
    """

    photo: Photo
    uncertainty: Photo | None
    samples: list[Photo]


@torch.no_grad()
def restore_photograph(
    model: PhotoRestorer,
    observation: Observation,
    settings: RestoreSettings | None = None,
    fields: Tensor | None = None,
    fill: bool = False,
) -> Answer:
    """Restore photographs that are held in memory as tensors.

    Args:
        model: networks in eval mode.
        observation: image (B, 1 or 3, H, W) and mask, of any size.
        settings: the defaults if None.
        fields: codes (K, M, rows, columns) of samples to draw (see `PhotoRestorer.sample_latent_maps`); then B is 1.
        fill: compute no more than unknown pixels need; others then are what they were, or estimates, and what is
            expected of their error is not computed: NaN.

    Returns:
        Picture, expected error and samples, of the size that came in. Observed pixels, too, are estimates.
    """
    height, width = observation.image.shape[2:]
    count = 0 if fields is None else len(fields)
    image, deviation = observation.image.clone(), torch.empty_like(observation.image)
    answer = Answer(image, deviation, image[:1].repeat(count, 1, 1, 1))
    only = (observation.known == 0).any(0)[0].cpu().numpy() if fill else None

    def read(box: tiling.Box) -> Observation:
        return observation.crop(*box.slices)

    def write(box: tiling.Box, piece: Answer) -> None:
        rows, columns = box.slices
        for whole, part in zip(answer, piece, strict=True):
            whole[:, :, rows, columns] = part

    _restore(model, height, width, read, write, settings or RestoreSettings(), fields, only, not fill)
    return answer._replace(deviation=torch.full_like(deviation, torch.nan)) if fill else answer


@torch.no_grad()
def restore_pixels(
    model: PhotoRestorer,
    photo: Photo,
    unknown: Mask | None = None,
    settings: RestoreSettings | None = None,
    fields: Tensor | None = None,
    uncertainty: bool = False,
) -> RestoredPhoto:
    """Restore a photograph in its own depth, which takes little more memory than its pixels do.

    Args:
        model: networks in eval mode, on any device.
        photo: of any size.
        unknown: (H, W) bool, True where pixels are unknown. All others come back bit for bit; without it the whole
            picture is an estimate, but for what is wholly transparent.
        settings: the defaults if None.
        fields: codes (K, M, rows, columns) of samples to draw (see `PhotoRestorer.sample_latent_maps`).
        uncertainty: also map the expected error.
    """
    height, width = photo.pixels.shape[:2]
    where = devices.of(model)
    pixels, errors = photo.pixels.copy(), np.empty((height, width, 1) if uncertainty else 0, np.uint8)
    samples = [photo.pixels.copy() for _ in ([] if fields is None else fields)]

    seen = visible(photo)
    filled = fill_transparent(photo, seen)
    wanted = unknown if seen is None else seen if unknown is None else seen & unknown

    def read(box: tiling.Box) -> Observation:
        mask = None if unknown is None else unknown[box.slices]
        return filled.part(*box.slices).to_observation(mask).to(where)

    def write(box: tiling.Box, answer: Answer) -> None:
        piece, mask = photo.part(*box.slices), None if wanted is None else wanted[box.slices]
        for whole, image in zip((pixels, *samples), (answer.image[0], *answer.samples), strict=True):
            whole[box.slices] = piece.with_pixels(image, mask).pixels
        if not uncertainty:
            return
        level = 4 * 255 * answer.deviation.square().mean(dim=(0, 1)).sqrt()
        errors[box.slices] = level.clamp(0, 255).round().byte().cpu().numpy()[..., None]

    only = None if uncertainty else wanted  # a map of errors is of all pixels
    _restore(model, height, width, read, write, settings or RestoreSettings(), fields, only, uncertainty)
    restored, *others = (photo.replace_pixels(each) for each in (pixels, *samples))
    return RestoredPhoto(restored, Photo(errors) if uncertainty else None, others)


def _restore(
    model: PhotoRestorer, height: int, width: int, read: Read, write: Callable[[tiling.Box, Answer], None],
    settings: RestoreSettings, fields: Tensor | None, only: Mask | None, uncertainty: bool,
) -> None:  # fmt: skip
    """Read, compute and write a picture tile by tile; of each no more than ``only`` marks, if it does.

    The best estimate takes much of a hole for known. How unsure it is, and what else may have been there, is found
    where the hole is unknown, but for what lies deep in it: a sample of the smaller picture for each sample.
    """
    whole, device = tiling.Box(0, 0, height, width), devices.of(model)
    surveyed = survey(whole, read)
    apart = surveyed.masked and uncertainty
    small = partial(_small, model, settings)
    inward = continuation(whole, read, partial(small, False), CELL) if surveyed.masked else None
    unsure = continuation(whole, read, partial(small, True), CELL_OF_UNSURE) if apart else None
    drawn = None
    if surveyed.masked and fields is not None:
        drawn = continuation(whole, read, partial(_small_samples, model, settings, fields), CELL_OF_SAMPLES)
    strength = _strength(model, whole, read, surveyed, settings)  # of each picture
    reach = model.halo(surveyed.masked, samples=fields is not None)
    multiple = model.input_multiple if fields is None else REGION

    def work(tile: tiling.Box) -> None:
        box = tile if only is None else tiling.bounding_box(tile, only)
        if box is None:
            return
        around = tiling.expand(box, whole, reach, multiple)
        observation = read(around)
        image, deviation = _estimate(model, _under(inward, observation, around), surveyed, strength, settings)
        if apart:
            _, deviation = _estimate(model, _under(unsure, observation, around), surveyed, strength, settings)
            if unsure is not None:
                deviation = deviation.maximum(unsure.doubt(observation, around))
        samples = image[:0]
        if fields is not None:
            observation = _under(drawn, observation, around)
            samples = _samples(model, observation, surveyed, settings, _regions(fields, around))
        rows, columns = box.within(around).slices
        write(box, Answer(*(each[:, :, rows, columns] for each in (image, deviation, samples))))

    tiling.run(height, width, settings.tile or _tile(device), work)


def _small(
    model: PhotoRestorer, settings: RestoreSettings, uncertainty: bool, small: Observation
) -> tuple[Tensor, Tensor]:
    """A picture of cells filled, which has dark places and deep holes of its own, and its deviation if wanted."""
    settings = RestoreSettings(precision=settings.precision)
    answer = restore_photograph(model, small, settings, fill=not uncertainty)
    return answer.image, answer.deviation


def _small_samples(
    model: PhotoRestorer, settings: RestoreSettings, fields: Tensor, small: Observation
) -> tuple[Tensor, Tensor]:
    """What a picture of cells may have been, one for each field; of the codes, as many as it has regions."""
    codes = fields[:, :, ::CELL_OF_SAMPLES, ::CELL_OF_SAMPLES]
    answer = restore_photograph(model, small, RestoreSettings(precision=settings.precision), codes, fill=True)
    return answer.samples, answer.deviation


def _under(inward: Continuation | None, observation: Observation, box: tiling.Box) -> Observation:
    return observation if inward is None else inward.under(observation, box)


def _regions(fields: Tensor, box: tiling.Box) -> Tensor:
    """The codes of the regions that a box touches; it begins where a region does."""
    return fields[:, :, box.top // REGION : -(-box.bottom // REGION), box.left // REGION : -(-box.right // REGION)]


def _estimate(
    model: PhotoRestorer, observation: Observation, surveyed: Survey, strength: Tensor, settings: RestoreSettings
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """A piece and its deviation."""
    device = observation.image.device
    exposed = surveyed.exposed(observation.image).contiguous(memory_format=torch.channels_last)
    with devices.precision(settings.precision, device, auto=devices.fastest(device)):
        image, deviation = mean_estimate(
            model.estimate, exposed, observation.mask, settings.ensemble, model.input_multiple
        )
    image = surveyed.put_back(image, observation)
    deviation = deviation.square().mean(1, keepdim=True).sqrt().expand_as(image) / surveyed.gain
    if bool((strength < 1).any()):
        blended = torch.lerp(observation.image.clamp(0, 1), image, strength)
        image = blended if observation.mask is None else composite(Observation(blended, observation.mask), image)
    return image, deviation


def _samples(
    model: PhotoRestorer, observation: Observation, surveyed: Survey, settings: RestoreSettings, fields: Tensor
) -> Tensor:
    """What a piece may have been, one for each field of codes; for each of pieces with other colors under holes."""
    device, pieces = observation.image.device, surveyed.exposed(observation.image).split(1)
    with devices.precision(settings.precision, device, auto=devices.fastest(device)):
        drawn = [
            model.samples(piece, observation.mask, codes)
            for piece, codes in zip(pieces, fields.chunk(len(pieces)), strict=True)
        ]
    return surveyed.put_back(torch.cat(drawn), observation)


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


def _strength(
    model: PhotoRestorer, whole: tiling.Box, read: Read, surveyed: Survey, settings: RestoreSettings
) -> Tensor:
    """The strength asked for, or less of a picture where more would be removed than the noise that is known."""
    asked = torch.full_like(surveyed.gain, settings.strength)
    if settings.sigma is None:
        return asked
    once = RestoreSettings(precision=settings.precision)
    removed, share = torch.zeros_like(asked), torch.zeros_like(asked)
    for box in _probes(whole):
        observation = read(box)
        image, _ = _estimate(model, observation, surveyed, torch.ones_like(asked), once)
        change = Observation(observation.image - image, observation.mask)
        removed += _of_each(change.filled().square())
        share += _of_each(change.known)
    rms = 255 * (removed / share.clamp_min(1e-6)).sqrt()
    return asked * (settings.sigma / rms.clamp_min(1e-6)).clamp_max(1)


def _of_each(pictures: Tensor) -> Tensor:
    """The mean of each of pictures (B, C, H, W); (B, 1, 1, 1)."""
    return pictures.mean((1, 2, 3), keepdim=True)


def _tile(device: torch.device) -> int:
    """Side of the tiles that the free memory allows."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = _free_memory()
    side = int((SHARE * free / BYTES_PER_PIXEL) ** 0.5)
    return max(min(side, LARGEST_TILE) // SMALLEST_TILE * SMALLEST_TILE, SMALLEST_TILE)


def _free_memory() -> int:
    """Bytes of main memory that can be had; a careful guess where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 2**31
