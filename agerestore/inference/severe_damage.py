"""Images of which little is left, which a model of one domain draws and one for any size leaves blank or blurred.

Such a model knows what a face looks like, and `agerestore.inference.recognition` whether an image is one. Measured on
faces of 64x64 pixels (`benchmarks/severe_damage.py`): inside a square hole of 12 pixels and more the model is better,
and under clipped noise of a sigma of 150 and more, whose estimate is `LEAST_NOISE`; scattered missing pixels are filled
better by the model for any size, whatever their share.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from agerestore.analysis.report import noise_level
from agerestore.images.color import match_channels
from agerestore.images.composite import composite_seamlessly, interpolate_masked
from agerestore.images.observation import Observation
from agerestore.images.raster import WHOLE, Raster
from agerestore.inference import recognition
from agerestore.inference.letterbox import PAD_ONLY, Letterbox
from agerestore.models.base import Model

LARGE_HOLE = 12 / 64  # side of a square without a known pixel, as a share of the longer side
LEAST_NOISE = 117.0  # gray levels, as measured of an image whose noise is clipped


def large_holes(mask: Tensor) -> Tensor:
    """The part of a mask (B, 1, H, W) bool that lies in squares of `LARGE_HOLE`: its morphological opening."""
    side = max(1, round(LARGE_HOLE * max(mask.shape[2:])))
    if side > min(mask.shape[2:]):
        return torch.zeros_like(mask)
    squares = -functional.max_pool2d(-mask.float(), side, stride=1)  # 1 where a square begins that is all missing
    return functional.max_pool2d(functional.pad(squares, [side - 1] * 4), side, stride=1) > 0


def is_severe(raster: Raster, size: int) -> bool:
    """Whether so little is left of the one image that a model of its domain may be better.

    Args:
        raster: the image and its mask.
        size: side in pixels of the images that the model generates.
    """
    longest = max(raster.size)
    if len(raster.values) > 1 or raster.alpha is not None or not PAD_ONLY * size < longest <= size:
        return False
    if raster.mask is not None:
        return bool(large_holes(raster.mask).any())
    return noise_level(raster.on_8_bit_scale(raster.pixels())) >= LEAST_NOISE


def recognize(model: Model, raster: Raster) -> tuple[Tensor, Tensor]:
    """What a model generates of a damaged image: (B, C, H, W) in [0, 1], and its score (B,), at most 1 if it knows it.

    Scattered missing pixels are interpolated first, so that only large holes count as missing.
    """
    observation = raster.read(WHOLE, model.device)
    if raster.mask is None or observation.mask is None:
        return _generate(model, observation)
    filled = interpolate_masked(observation.image, observation.mask)
    return _generate(model, Observation(filled, large_holes(raster.mask).to(filled)))


def redraw_large_holes(model: Model, restored: Raster) -> Raster:
    """Let a model of the domain fill the large holes of an image, without an edge.

    Args:
        model: for which `recognition.statistics` are known.
        restored: the image, filled by a model for any size, and the mask of what was missing.
    """
    assert restored.mask is not None
    holes = large_holes(restored.mask)
    observation = replace(restored, mask=holes).read(WHOLE, model.device)
    image = restored.copy()
    image.write(WHOLE, composite_seamlessly(observation, _generate(model, observation)[0]), holes)
    return image


def _generate(model: Model, observation: Observation) -> tuple[Tensor, Tensor]:
    """See `recognition.generate`, for images of any size and channels."""
    height, width = observation.image.shape[2:]
    box = Letterbox.of(height, width, model.networks.config.image_size)
    image = match_channels(observation.image, model.input.channels)
    generated, score = recognition.generate(model, box.letterbox(Observation(image, observation.mask)))
    return match_channels(box.unletterbox(generated), observation.image.shape[1]), score
