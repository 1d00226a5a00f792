"""Tones of old photographs: casts and stains are undone in linear light, and black and white brought back.

All is measured on a few pixels of the whole image (`measure_tones`) and then holds for every pixel of it and of its
samples (`apply_tones`). The brightness is stretched along a line. In photographs in color the distance of each channel
to the brightness is stretched as well; prints of one tone keep it, so that sepia stays as brown as it is. Hues stay
either way, also where a color would leave the range: it is then brought towards gray, and no channel clipped.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.analysis.cast import cast_gain
from agerestore.analysis.color_mode import color_mode
from agerestore.analysis.fading import LEAST_RANGE, Ends, ends, fading
from agerestore.analysis.stains import stain_gain
from agerestore.images.color import luminance, to_encoded, to_linear
from agerestore.images.pixels import LUMA, Pixels, a_megapixel
from agerestore.images.raster import WHOLE, Raster, Rectangle
from agerestore.inference.alpha import fill_transparent, visible
from agerestore.inference.result import Result

CERTAIN = 0.6  # log odds of fading from which on tones are brought back wholly; from 0 on in part
MOST_GAIN = 2.2  # images without contrast stay that way
ROOM = 0.01  # share of the pixels at each end of a toned print over which its color there is measured
SKIN_HUES = (9.0, 33.0)  # degrees of HSV; between these skin is taken for it wholly
SKIN_EDGE = 9.0  # degrees outside of them at which it is no more
SKIN_CHROMA = 0.5  # largest minus smallest channel, of white; skin becomes no more colored than that
STRIP = 1 << 16  # pixels computed at a time


@dataclass(frozen=True, eq=False)
class Tones:
    """What is done to the tones of one image.

    Attributes:
        gain: (C, h, w) float32, enlarged to the image: its linear light is multiplied with that; None for 1.
        slope: of the brightness.
        offset: added to it then, of white.
        chroma: factor of the distance of each channel to the brightness.
    """

    gain: Tensor | None = None
    slope: float = 1.0
    offset: float = 0.0
    chroma: float = 1.0

    @property
    def changes_nothing(self) -> bool:
        """Whether images stay as they are."""
        return self.gain is None and (self.slope, self.offset, self.chroma) == (1, 0, 1)


def correct_tones(result: Result[Raster], strength: float, neutral: bool = False) -> Result[Raster]:
    """Correct the tones of what was restored; of samples in the same way, so that known pixels agree in all.

    Args:
        result: of a restorer.
        strength: 0 to 1, see `measure_tones`.
        neutral: see `measure_tones`.

    Returns:
        The same ``result`` where nothing is to be corrected.
    """
    tones = [measure_tones(result.image, index, strength, neutral) for index in range(len(result.image.values))]
    if all(each.changes_nothing for each in tones):
        return result
    samples = [apply_tones(each, tones) for each in result.samples]
    std = None if result.std is None else _stretched_std(result.std, tones)
    return replace(result, image=apply_tones(result.image, tones), std=std, samples=samples, changed=True)


def measure_tones(raster: Raster, index: int = 0, strength: float = 1.0, neutral: bool = False) -> Tones:
    """Measure how the tones of an image are corrected.

    An image that has not faded keeps its brightness, and in color its casts.

    Args:
        raster: images of any size and depth.
        index: which of them.
        strength: how far black, white, casts and stains are corrected, from 0, not at all, to 1.
        neutral: prints of one tone become gray, and photographs in color lose all of a cast, whatever the strength.
    """
    pixels = _some_pixels(raster, index)
    one_tone = color_mode(pixels) != "color"
    faded = strength * float(np.clip(fading(pixels) / CERTAIN, 0, 1))
    gain = _stain_gain(pixels, strength) if one_tone else _cast_gain(pixels, faded, neutral)
    if gain is not None:
        pixels = _multiplied(pixels, gain)
    slope, offset = _line(pixels, one_tone, faded)
    if not one_tone:
        return Tones(gain, slope, offset, slope)
    toned = bool((pixels != pixels[..., :1]).any())
    return Tones(gain, slope, offset, 0.0 if neutral and toned else 1.0)


def apply_tones(raster: Raster, tones: list[Tones]) -> Raster:
    """Correct the tones of images, each by its own; those with nothing to correct stay bit for bit."""
    corrected = raster.copy()
    height, width = raster.size
    step = max(STRIP // width, 1)
    for image, each in zip(corrected.split(), tones, strict=True):
        if each.changes_nothing:
            continue
        gain = None if each.gain is None else _widened(each.gain, width)
        for top in range(0, height, step):
            rows: Rectangle = slice(top, min(top + step, height)), WHOLE[1]
            part = image.read(rows, image.values.device).image[0]
            if gain is not None:
                part = to_encoded(to_linear(part) * _rows(gain, rows[0], height).to(part.device)).clamp(0, 1)
            image.write(rows, _toned(part, each)[None])
    return corrected


def _toned(part: Tensor, tones: Tones) -> Tensor:
    """(C, h, w) with other brightness and chroma, in [0, 1]."""
    brightness = luminance(part[None])[0]
    level = (tones.slope * brightness + tones.offset).clamp(0, 1)
    if len(part) == 1:
        return level
    chroma = part - brightness
    chroma = chroma * (_skin_factor(part, tones.chroma) if tones.chroma > 1 else tones.chroma)
    most, least = chroma.amax(0, keepdim=True), -chroma.amin(0, keepdim=True)
    room = torch.minimum((1 - level) / most.clamp_min(1e-6), level / least.clamp_min(1e-6)).clamp_max(1)
    return (level + room * chroma).clamp(0, 1)


def _skin_factor(part: Tensor, factor: float) -> Tensor:
    """The factor of the chroma (1, h, w): less than ``factor`` where skin would become more colored than it ever is."""
    red, green, blue = part.split(1)
    spread = (red - blue).clamp_min(1e-6)
    hue = 60 * (green - blue) / spread
    low, high = SKIN_HUES
    skin = torch.minimum((hue - low) / SKIN_EDGE + 1, (high - hue) / SKIN_EDGE + 1).clamp(0, 1)
    skin = torch.where((red >= green) & (green >= blue), skin, 0)
    limit = (SKIN_CHROMA / spread).clamp(1, factor)
    return torch.lerp(torch.full_like(limit, factor), limit, skin)


# ---------------------------------------------------------------------------------------------- measuring


def _some_pixels(raster: Raster, index: int) -> Pixels:
    """Some pixels of an image, (H, W, 1 or 3) float32 from 0 to 255; transparent ones are mirrors of visible ones."""
    one = raster.split()[index]
    pixels = a_megapixel(fill_transparent(one, visible(one)).pixels())
    values: Pixels = raster.on_8_bit_scale(pixels).astype(np.float32).clip(0, 255)
    return values


def _stain_gain(pixels: Pixels, strength: float) -> Tensor | None:
    gain = stain_gain(pixels) if strength > 0 and pixels.shape[2] == 3 else None
    return None if gain is None else torch.from_numpy(gain).permute(2, 0, 1) ** strength


def _cast_gain(pixels: Pixels, faded: float, neutral: bool) -> Tensor | None:
    gain = cast_gain(pixels, certain=not neutral) if faded > 0 or neutral else None
    return None if gain is None else torch.from_numpy(gain).float()[:, None, None] ** (1 if neutral else faded)


def _multiplied(pixels: Pixels, gain: Tensor) -> Pixels:
    """(H, W, 3) from 0 to 255, multiplied in linear light with a field."""
    height, width = pixels.shape[:2]
    image = torch.from_numpy(pixels / 255).permute(2, 0, 1)
    light = to_linear(image) * _rows(_widened(gain, width), slice(0, height), height)
    encoded: Pixels = 255 * to_encoded(light).clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    return encoded


def _line(pixels: Pixels, one_tone: bool, faded: float) -> tuple[float, float]:
    """Slope and offset of the brightness of an image that has faded, for sure at 1."""
    found = ends(pixels, one_tone)
    extent = found.white - found.black
    if faded == 0 or extent < LEAST_RANGE / 255:
        return 1.0, 0.0
    room = _room(pixels) if one_tone else Ends(0.0, 1.0)
    black = min(found.black, room.black)
    white = max(found.white, room.white)
    slope = (white - black) / extent
    middle = (found.black + found.white) / 2
    if slope > MOST_GAIN:  # around the middle, where the gain is not enough to reach both ends
        slope, center = MOST_GAIN, (black + white) / 2
    else:
        center = black + slope * (middle - found.black)
    return 1 + faded * (slope - 1), faded * (center - slope * middle)


def _room(pixels: Pixels) -> Ends:
    """How dark and light a print may become where it is darkest and lightest, so that its color there stays."""
    brightness = pixels @ np.array(LUMA, np.float32) if pixels.shape[2] == 3 else pixels[..., 0]
    low, high = np.quantile(brightness, (ROOM, 1 - ROOM))
    dark, light = brightness <= low, brightness >= high
    below = np.median(brightness[dark] - pixels[dark].min(axis=1)) / 255
    above = np.median(pixels[light].max(axis=1) - brightness[light]) / 255
    return Ends(float(below), 1 - float(above))


# ---------------------------------------------------------------------------------------------- fields


def _widened(field: Tensor, width: int) -> Tensor:
    """(C, h, w) -> (C, h, width)."""
    return F.interpolate(field[None], (field.shape[1], width), mode="bilinear")[0]


def _rows(field: Tensor, rows: slice, height: int) -> Tensor:
    """Rows of a field (C, h, W) that is enlarged to ``height`` rows."""
    last = field.shape[1] - 1
    place = ((torch.arange(height)[rows] + 0.5) * field.shape[1] / height - 0.5).clamp(0, last)
    above = place.long()
    return torch.lerp(field[:, above], field[:, (above + 1).clamp_max(last)], (place - above)[:, None])


def _stretched_std(std: Tensor, tones: list[Tones]) -> Tensor:
    """The expected error (B, 1, H, W) of images whose tones were corrected."""
    height, width = std.shape[2:]
    stretched = std * std.new_tensor([each.slope for each in tones])[:, None, None, None]
    for image, each in zip(stretched, tones, strict=True):
        if each.gain is not None:  # of encoded values by a power less
            image *= _rows(_widened(each.gain.mean(0, keepdim=True), width), slice(0, height), height) ** (1 / 2.2)
    return stretched.clamp_max(1)
