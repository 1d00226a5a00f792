"""Restoring by models that take images of any size (`Model.input.size` is None): tile by tile, in the image's depth.

The steps, for images of any size and depth: measure the statistics of the image; fill what lies deep in the mask at low
resolution; then for each tile read it with its surroundings, run the network, and write its pixels.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore import device as devices
from agerestore.config.options import RestoreSettings
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.alpha import fill_transparent, visible
from agerestore.inference.coarse_to_fine import LowRes, LowResFill, low_res_levels
from agerestore.inference.exposure import ImageStats, measure
from agerestore.inference.grain import add_grain, may_have_grain, with_sources
from agerestore.inference.self_ensemble import mean_estimate
from agerestore.inference.tiling import Box, Progress, Tiles, bounding_box, expand, spread, tile_side
from agerestore.models.base import Model
from agerestore.models.layers.estimator import Margin
from agerestore.models.photo import REGION

# Low-resolution fills are made at full / factor, chosen by measurement (docs/architecture.md).
FACTOR, STD_FACTOR, SAMPLE_FACTOR = 2, 8, 4
PROBE = 256  # pixels a side of the parts of an image on which its noise is measured


class Fills(NamedTuple):
    """Low-resolution fills of the deep part of a mask, each for one kind of output."""

    image: LowResFill | None = None
    std: LowResFill | None = None
    samples: LowResFill | None = None


class Outputs(NamedTuple):
    """What is to be computed; tiles are written into it.

    Attributes:
        image: the estimate, (B, C, H, W).
        std: (B, 1, H, W) float32, expected standard deviation of its error, in units of white.
        samples: (K, C, H, W), of one image.
        where: (B or 1, 1, H, W) bool, pixels that may change; None for all.
        estimated: the same of the estimate alone, of which more may be needed.
    """

    image: Raster | None = None
    std: Tensor | None = None
    samples: Raster | None = None
    where: Tensor | None = None
    estimated: Tensor | None = None


@dataclass(frozen=True)
class _Network:
    """Networks, and how they are run on a tile."""

    networks: Any
    multiple: int
    device: torch.device
    settings: RestoreSettings
    progress: Progress | None

    def estimate(self, part: Observation, inner: Box, stats: ImageStats) -> tuple[Tensor, Tensor]:
        """The estimate (B, C, h, w) and its std (B, 1, h, w) for a box of a part of the images."""
        image = stats.normalize(part.image).contiguous(memory_format=torch.channels_last)
        margin = Margin(inner.top, inner.left, image.shape[2] - inner.bottom, image.shape[3] - inner.right)
        shown = image, part.mask, margin
        with devices.precision(self.settings.precision, self.device, auto=devices.fastest(self.device)):
            image, std = mean_estimate(self.networks.estimate, *shown, self.settings.ensemble, self.multiple)
        return stats.denormalize(image, part.crop(*inner.slices)), std.square().mean(
            1, keepdim=True
        ).sqrt() / stats.gain

    def sample(self, part: Observation, stats: ImageStats, codes: Tensor) -> Tensor:
        """Samples (K, C, h, w) of one part, for maps of codes (K, M, rows, columns); or of K parts, one for each."""
        images = stats.normalize(part.image).split(1)
        with devices.precision(self.settings.precision, self.device, auto=devices.fastest(self.device)):
            drawn = [
                self.networks.samples(image, part.mask, each)
                for image, each in zip(images, codes.chunk(len(images)), strict=True)
            ]
        return stats.denormalize(torch.cat(drawn), part)

    def low_res(self) -> "_Network":
        """The same at low resolution: one position, tiles that the memory allows, and progress that stays where it is.

        ``progress`` is called all the same: it may cancel the work.
        """
        progress = self.progress
        paused = None if progress is None else lambda done, total: progress(0, total)
        return replace(self, settings=RestoreSettings(precision=self.settings.precision), progress=paused)


@torch.no_grad()
def restore_any_size(
    model: Model,
    raster: Raster,
    settings: RestoreSettings,
    codes: Tensor | None = None,
    uncertainty: bool = False,
    progress: Progress | None = None,
    known: bool = False,
) -> tuple[Raster, Tensor | None, list[Raster]]:
    """Restore images of any size.

    Args:
        model: one whose networks estimate an image of any size.
        raster: the images and their mask. Without a mask all visible pixels are estimated.
        settings: strength, sigma, ensemble, tile, precision.
        codes: (K, M, rows, columns), latent maps of the samples to draw of one image.
        uncertainty: also compute the std of every pixel.
        progress: see `Tiles`; while low-resolution fills are made it is called with 0 tiles done.
        known: whether with a mask known pixels are estimated, too; else they stay bit for bit.

    Returns:
        The restored images; the std (B, 1, H, W) of their error in units of white, on the CPU; and the samples.
    """
    network = _Network(model.networks, model.input.multiple, model.device, settings, progress)
    seen = visible(raster)
    scene = fill_transparent(raster, seen)
    stats = measure(scene, network.device)
    fills = _low_res_fills(network, scene, codes, uncertainty) if stats.masked else Fills()
    known = known or scene.mask is None
    strength = _strength(network, scene, stats) if known else None
    weights = [0.0] * len(raster.values) if strength is None else strength.flatten().tolist()
    grainy = min(weights) < 1 and may_have_grain(raster)
    image = raster.copy()
    std = torch.empty(len(raster.values), 1, *raster.size) if uncertainty else None
    samples = None if codes is None else raster.copy(len(codes))
    where = _changeable(raster, seen, known)
    outputs = Outputs(image, std, samples, where, with_sources(where) if grainy and where is not None else where)
    _run_tiles(network, scene, stats, fills, outputs, codes, None if grainy else strength)
    if grainy:
        image = add_grain(raster, image, weights)
    return image, std, [] if samples is None else samples.split()


def _changeable(raster: Raster, seen: NDArray[np.bool_] | None, known: bool) -> Tensor | None:
    """Pixels that may change: visible ones, and unless known ones are restored those in the mask; None for all."""
    mask = None if known else raster.mask
    if seen is None:
        return mask
    shown = torch.from_numpy(seen)[None, None]
    return shown if mask is None else shown & mask


# ---------------------------------------------------------------------------------------------- low resolution


def _low_res_fills(network: _Network, scene: Raster, codes: Tensor | None, uncertainty: bool) -> Fills:
    """Fill the deep part of the mask at low resolution.

    The best estimate takes a fill near full resolution for known, as it errs least; its std is that of a coarser one,
    because most of a hole is then as uncertain as it is. Each sample has a fill of its own.
    """
    small = network.low_res()
    return Fills(
        image=_image_fill(small, scene),
        std=_std_fill(small, scene) if uncertainty else None,
        samples=None if codes is None else _sample_fill(small, scene, codes),
    )


def _image_fill(network: _Network, raster: Raster) -> LowResFill | None:
    fill: LowResFill | None = None
    for level in low_res_levels(raster, FACTOR, network.device):
        fill = level.filled_flat() if level.is_one_pixel else _fill(network, level, Fills(image=fill))
    return fill


def _std_fill(network: _Network, raster: Raster) -> LowResFill | None:
    fill: LowResFill | None = None
    for level in low_res_levels(raster, STD_FACTOR, network.device):
        if level.is_one_pixel:
            fill = level.filled_flat()
        else:
            fill = _fill(network, level, Fills(_image_fill(network, level.raster), fill), with_std=True)
    return fill


def _sample_fill(network: _Network, raster: Raster, codes: Tensor) -> LowResFill | None:
    fill: LowResFill | None = None
    for level in low_res_levels(raster, SAMPLE_FACTOR, network.device):
        few = codes[:, :, :: level.total_factor, :: level.total_factor]
        fill = level.filled_flat() if level.is_one_pixel else _fill(network, level, Fills(samples=fill), few)
    return fill


def _fill(
    network: _Network, level: LowRes, fills: Fills, codes: Tensor | None = None, with_std: bool = False
) -> LowResFill:
    """Fill a mask at low resolution: by the estimate, or by samples (K, C, h, w) for K maps of codes."""
    raster = level.raster
    image = raster.copy() if codes is None else raster.copy(len(codes))
    std = torch.empty(len(raster.values), 1, *raster.size, device=network.device) if with_std else None
    where = None if with_std else raster.mask
    outputs = Outputs(image, std, None, where, where) if codes is None else Outputs(None, None, image, where, where)
    _run_tiles(network, raster, measure(raster, network.device), fills, outputs, codes)
    return level.filled(image.values, std)


# ---------------------------------------------------------------------------------------------- tiles


def _run_tiles(
    network: _Network, scene: Raster, stats: ImageStats, fills: Fills, outputs: Outputs, codes: Tensor | None,
    strength: Tensor | None = None,
) -> None:  # fmt: skip
    """Compute the outputs tile by tile; of a tile only the box of pixels that may change, unless std is wanted."""
    whole, marks = Box(0, 0, *scene.size), None
    if outputs.std is None and outputs.estimated is not None:
        marks = outputs.estimated.any(0)[0].cpu().numpy()
    halo = network.networks.halo(stats.masked, samples=codes is not None)
    multiple = network.multiple if codes is None else REGION
    tiles = Tiles(*scene.size, network.settings.tile or tile_side(network.device), network.progress)
    for tile in tiles:
        box = tile if marks is None else bounding_box(tile, marks)
        if box is None:
            continue
        around = expand(box, whole, halo, multiple)
        with tiles.divided_if_too_large():
            part = scene.read(around.slices, network.device)
            inner = box.within(around)
            if outputs.image is not None:
                image, std = network.estimate(_with_fill(fills.image, part, around), inner, stats)
                image = _blend(part.crop(*inner.slices), image, strength)
                outputs.image.write(box.slices, image, outputs.estimated)
                if outputs.std is not None:
                    outputs.std[(..., *box.slices)] = _std(network, part, around, inner, stats, fills, std)
            if outputs.samples is not None and codes is not None:
                there = _with_fill(fills.samples, part, around)
                samples = network.sample(there, stats, _codes_of(codes, around))
                outputs.samples.write(box.slices, samples[(..., *inner.slices)], outputs.where)


def _with_fill(fill: LowResFill | None, part: Observation, box: Box) -> Observation:
    return part if fill is None else fill.composite_under(part, box)


def _std(
    network: _Network, part: Observation, around: Box, inner: Box, stats: ImageStats, fills: Fills, std: Tensor
) -> Tensor:
    """The std of a box of a part: with a deep mask that of an estimate that takes a coarser fill for known."""
    if fills.image is None and fills.std is None:
        return std
    _, std = network.estimate(_with_fill(fills.std, part, around), inner, stats)
    return std if fills.std is None else std.maximum(fills.std.min_std(part, around)[(..., *inner.slices)])


def _blend(part: Observation, image: Tensor, strength: Tensor | None) -> Tensor:
    """Mix the estimate with known pixels of the damaged part; its weight is ``strength`` (B, 1, 1, 1)."""
    if strength is None or not bool((strength < 1).any()):
        return image
    mixed = torch.lerp(part.image.clamp(0, 1), image, strength)
    return mixed if part.mask is None else torch.where(part.mask > 0, image, mixed)


def _codes_of(codes: Tensor, box: Box) -> Tensor:
    """The codes of the regions that a box touches; it begins where a region does."""
    rows = slice(box.top // REGION, -(-box.bottom // REGION))
    return codes[:, :, rows, box.left // REGION : -(-box.right // REGION)]


# ---------------------------------------------------------------------------------------------- strength


def _strength(network: _Network, scene: Raster, stats: ImageStats) -> Tensor | None:
    """The strength (B, 1, 1, 1) that was asked for; less for an image of which more would be removed than ``sigma``.

    How much would be removed is measured on the known pixels of small parts.
    """
    settings = network.settings
    asked = torch.full_like(stats.gain, settings.strength)
    if settings.sigma is None:
        return asked
    once = network.low_res()
    removed = torch.zeros_like(asked)
    probes = spread(*scene.size, PROBE)
    for box in probes:
        part = scene.read(box.slices, network.device)
        error = (part.image - once.estimate(part, box.within(box), stats)[0]) * part.known
        removed += error.square().mean((1, 2, 3), keepdim=True) / part.known.mean((1, 2, 3), keepdim=True).clamp_min(
            1 / part.image[0, 0].numel()
        )
    rms = 255 * (removed / len(probes)).sqrt()
    return asked * (settings.sigma / rms.clamp_min(1e-6)).clamp_max(1)
