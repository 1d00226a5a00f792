"""Finding the defects of prints: tile by tile, at full resolution and, where the image is softer, at a lower one, too.

Tiles are read with as much around them as the network looks at, so that they equal the whole.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore import device as devices
from agerestore.images.pixels import luminance
from agerestore.images.raster import Raster
from agerestore.inference.alpha import fill_transparent, visible
from agerestore.inference.exposure import measure
from agerestore.inference.missing_parts import dilate, find_missing_parts
from agerestore.inference.tiling import Box, Progress, Tiles, expand, spread, tile_side
from agerestore.models.base import Model

# Probability from which on a pixel is marked, by sensitivity; chosen by measurement (pretrained/defects.md).
SENSITIVITIES, THRESHOLDS = (0, 0.25, 0.5, 0.75, 1), (0.95, 0.88, 0.81, 0.34, 0.2)
TEARS = "tears"  # the kind of defect that takes parts of a print away
LARGE = 40  # pixels across; what is found larger than that is not filled unless asked
RIM = 1  # pixels by which a mask is wider than what was found: the blurred edge of a mark
MINOR = 0.1  # share of a mask; kinds below are not named
MOST_MARKED = 1 / 3  # share of an image; above, the detector is wrong
FACTORS = (2, 3, 4)  # by which an image is reduced for the second look
ALIGNED = 12  # a multiple of all
SMALLEST = 200  # pixels a side, of a reduced image
DETAIL_LOST = 5.0  # gray levels that reducing an image takes from its sharpest details, if it was sharp
PROBE = 512  # pixels a side of the parts of an image on which its sharpness is measured


@dataclass(frozen=True)
class Defects:
    """Where the defects of images are.

    Attributes:
        probability: (B, 1, H, W) uint8, the probability that a pixel belongs to a defect; 255 is 1.
        kind: (B, 1, H, W) uint8, the most probable kind, an index into ``names``.
        names: of the kinds of defects.
    """

    probability: Tensor
    kind: Tensor
    names: tuple[str, ...]

    def mask(self, sensitivity: float) -> Tensor:
        """The mask of what is found, (B, 1, H, W) bool. Masks are nested: a higher sensitivity marks more.

        Args:
            sensitivity: 0 marks what is nearly certain, 1 also what is hardly likely.
        """
        threshold = float(np.interp(sensitivity, SENSITIVITIES, THRESHOLDS))
        return _each(self.probability >= 255 * threshold, lambda plane: dilate(plane, RIM))

    def kinds(self, mask: Tensor) -> list[str]:
        """The kinds that make up a mask, the most frequent first; those with less than a tenth of it are left out."""
        chances = self.probability[mask].double()  # low in the rim
        counts = torch.bincount(self.kind[mask].long(), chances, minlength=len(self.names))
        order = counts.argsort(descending=True).tolist()
        return [self.names[index] for index in order if counts[index] >= MINOR * counts.sum() > 0]


def find_defects(detector: Model, raster: Raster, tile: int | None = None, progress: Progress | None = None) -> Defects:
    """Find the defects of images.

    Args:
        detector: a model for detection.
        raster: images of any size and depth. Wholly transparent pixels have no defects.
        tile: pixels a side computed at a time; None for as many as the free memory allows.
        progress: called with 0 and the number of tiles before each; what it raises cancels the work.
    """
    seen = visible(raster)
    scene = fill_transparent(raster, seen)
    found = _find(detector, scene, tile, progress)
    factor = reduction(scene)
    if factor > 1:
        found = _either(found, _find(detector, _reduced(scene, factor), tile, progress))
    _add_missing_parts(found, scene)
    if seen is not None:
        found.probability[..., ~torch.from_numpy(seen)] = 0
    return found


def _add_missing_parts(found: Defects, scene: Raster) -> None:
    """Mark missing parts inside torn edges, too; they are tears for a detector that knows these."""
    for index, (probability, kind) in enumerate(zip(found.probability[:, 0], found.kind[:, 0], strict=True)):
        if int(probability.max()) < 255 * min(THRESHOLDS):
            continue
        pixels = scene.on_8_bit_scale(scene.pixels(index))
        missing = torch.from_numpy(find_missing_parts(probability.numpy(), pixels, THRESHOLDS))
        if TEARS in found.names:
            kind[missing > probability] = found.names.index(TEARS)
        torch.maximum(probability, missing, out=probability)


@torch.no_grad()
def _find(detector: Model, raster: Raster, tile: int | None, progress: Progress | None) -> Defects:
    """Find defects at one scale."""
    probability = torch.empty(len(raster.values), 1, *raster.size, dtype=torch.uint8)
    kind = torch.empty_like(probability)
    device, whole, stats = detector.device, Box(0, 0, *raster.size), measure(raster, detector.device)
    networks = detector.fused
    paused = None if progress is None else lambda done, total: progress(0, total)
    tiles = Tiles(*raster.size, tile or tile_side(device), paused)
    for box in tiles:
        around = expand(box, whole, networks.halo, networks.stride)
        with tiles.divided_if_too_large():
            image = stats.normalize(raster.read(around.slices, device).image)
            with devices.precision("auto", device, auto=devices.fastest(device)):
                answer = networks(image.contiguous(memory_format=torch.channels_last)).float()
            inner = answer[(..., *box.within(around).slices)]
            probability[(..., *box.slices)] = (255 * inner.sum(1, keepdim=True)).round().to(torch.uint8).cpu()
            kind[(..., *box.slices)] = inner.argmax(1, keepdim=True).to(torch.uint8).cpu()
    return Defects(probability, kind, tuple(networks.config.defects))


def _either(fine: Defects, coarse: Defects) -> Defects:
    """What was found at one of two scales, with the size of the fine one."""
    height, width = fine.probability.shape[2:]

    def enlarged(planes: Tensor, how: int) -> Tensor:
        return _each(planes, lambda plane: cv2.resize(plane, (width, height), interpolation=how))

    probability = enlarged(coarse.probability, cv2.INTER_LINEAR)
    kind = torch.where(probability > fine.probability, enlarged(coarse.kind, cv2.INTER_NEAREST), fine.kind)
    return Defects(torch.maximum(probability, fine.probability), kind, fine.names)


# ---------------------------------------------------------------------------------------------- scale


def reduction(raster: Raster) -> int:
    """The factor by which images can be reduced without losing detail, at most 4; 1 for sharp images.

    What reducing and enlarging takes from the details of a part is the 98th percentile of the smoothed absolute
    difference; of a few parts the greatest counts.
    """
    parts = _probes(raster)
    fitting = [factor for factor in FACTORS if min(raster.size) >= factor * SMALLEST]
    return max((factor for factor in fitting if all(_lost(part, factor) <= DETAIL_LOST for part in parts)), default=1)


def _probes(raster: Raster) -> list[NDArray[np.float32]]:
    """The luminance of small parts that are spread evenly over the first image, (h, w) with white at 255."""
    pixels, boxes = raster.pixels(), spread(*raster.size, PROBE, ALIGNED)
    return [luminance(raster.on_8_bit_scale(pixels[box.slices])).astype(np.float32) for box in boxes]


def _lost(part: NDArray[np.float32], factor: int) -> float:
    height, width = (side // factor * factor for side in part.shape)
    part = part[:height, :width]
    small = cv2.resize(part, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, part.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return float(np.quantile(np.abs(cv2.GaussianBlur(part - back, (0, 0), 0.7)), 0.98))


def _reduced(raster: Raster, factor: int) -> Raster:
    """The images at 1/factor of their size, float32 with white at 1."""
    height, width = (max(1, round(length / factor)) for length in raster.size)
    images = [raster.pixels(index) for index in range(len(raster.values))]
    small = [cv2.resize(raster.on_8_bit_scale(each), (width, height), interpolation=cv2.INTER_AREA) for each in images]
    planes = [torch.from_numpy(each.reshape(height, width, -1)).permute(2, 0, 1).float() / 255 for each in small]
    return Raster(torch.stack(planes))


# ---------------------------------------------------------------------------------------------- masks


def split_large(mask: Tensor, width: int = LARGE) -> tuple[Tensor, Tensor]:
    """Split masks (B, 1, H, W) bool into what is at most ``width`` pixels across everywhere, and the rest.

    The rest is the opening of the mask by a disc of that diameter (Serra, 1982), and what lies close to it,
    such as the corner of a square.
    """
    large = _each(mask, lambda plane: _opened(plane, width / 2)) & mask
    return mask & ~large, large


def _opened(plane: NDArray[np.uint8], radius: float) -> NDArray[np.uint8]:
    deep = cv2.distanceTransform(plane, cv2.DIST_L2, 5) > radius
    if not deep.any():
        return np.zeros_like(plane)
    near = (
        cv2.distanceTransform((~deep).astype(np.uint8), cv2.DIST_L2, 5) <= 1.5 * radius
    )  # the corner of a square, too
    return near.astype(np.uint8)


def _each(planes: Tensor, change: Any) -> Tensor:
    """Change each plane of (B, 1, H, W) uint8 or bool as an array (H, W) uint8; the dtype stays."""
    changed = [torch.from_numpy(change(plane[0].to(torch.uint8).numpy())) for plane in planes.cpu()]
    return torch.stack(changed)[:, None].to(planes.dtype)
