"""What can be measured of a damaged picture without the clean one: blur, tint, long thin lines.

Pixels are (H, W, 1 or 3) on the scale 0..255, uint8 or float32. None means too small or too noisy to say. On 20
held-out photographs (docs/inspect.md): `colours` is right on 99 % (of 200: grey, sepia, colour, also noisy, faded, as
JPEG); `blur_sigma` is 0.2 pixels too low on the average after a blur of 1.5 to 3 pixels, and 0.5 where there is noise
of sigma 10, too; `line_share` tells all that were scratched on 3 to 6 % of their pixels from 85 % of those that were
not.
"""

import math
from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.blocks import Floats, Pixels, luminance

GREY_CHROMA = 5.0  # rms distance between channels; colour photographs start at 9, faded ones at 6
SEPIA_REST = 0.13  # share of the chroma that does not follow from the luminance
SEPIA_LEAST_REST = 1.5  # grey levels: what JPEG leaves of a chroma that does
SEPIA_CHROMA = 70.0  # grey levels; stronger ones are lemons
SEPIA_HUES = (0.3, 1.1)  # (red - green) / (green - blue): hues of 46 to 29 degrees

DRAWN, DRAWN_OF_EITHER = 0.8, 0.01  # shares of pure black and white; anti-aliased print of 13 pixels has 0.82, 0.02

EDGES = 0.02  # share of the pixels with the steepest slopes
MOST_NOISE_FOR_BLUR = 15.0
BORDER = 8

LINE_CONTRAST = 30  # grey levels above or below what surrounds a line
LINE_WIDTH = 5.0
LINE_LENGTH = 0.05  # of the longer side,
LEAST_LENGTH = 30  # but at least so many pixels
NEAR_WHITE, NEAR_BLACK = 215, 40
LINE_BEND = 0.06  # width of the straight rectangle that holds it, of its length
LINE_SPREAD = 12.0  # grey levels within one line


def is_drawing(pixels: Pixels) -> bool:
    """Whether a picture is a document or drawing: most of its pixels pure black or pure white, and some of either.

    Of 1,266 photographs and 2,500 of cars, many before white, none is called one; of 16 pages of print, on which the
    limits were chosen, all; a scan of print, which has greys, is none.

    Args:
        pixels: (H, W, 1 or 3), uint8 or uint16.
    """
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / 1e6) ** 0.5))
    few = pixels[::step, ::step]  # a megapixel of it
    black, white = (float((few == end).all(axis=2).mean()) for end in (0, np.iinfo(pixels.dtype).max))
    return black + white > DRAWN and min(black, white) > DRAWN_OF_EITHER


def colours(pixels: Pixels) -> str:
    """``grey``, ``sepia`` (one warm tint that follows from the luminance) or ``colour``.

    Told by the medians of 24 cells along the longer side. Each cell has two, of its even and its odd pixels, and what
    is squared is the product of the two: independent noise in the channels cancels.
    """
    if pixels.shape[2] == 1:
        return "grey"
    even, odd = _cells(pixels)
    first, second = (_chroma(cells) for cells in (even, odd))
    chroma = _rms(first, second)
    if chroma < GREY_CHROMA:
        return "grey"
    level = (even + odd).mean(axis=1) / 510
    powers = np.stack([np.ones_like(level), level, level**2], axis=1)
    curve = powers @ np.linalg.lstsq(powers, (first + second) / 2, rcond=None)[0]
    follows = _rms(first - curve, second - curve) < max(SEPIA_REST * chroma, SEPIA_LEAST_REST)
    red_green, blue_green = ((first + second) / 2).mean(axis=0)
    warm = blue_green < 0 and SEPIA_HUES[0] <= red_green / -blue_green <= SEPIA_HUES[1]
    return "sepia" if follows and warm and chroma < SEPIA_CHROMA else "colour"


def _cells(pixels: Pixels) -> tuple[Floats, Floats]:
    """Medians (N, 3) of the even and of the odd pixels of square cells."""
    step = max(1, max(pixels.shape[:2]) // 576)  # of a large picture every step-th pixel
    few = pixels[::step, ::step].astype(np.float32)
    side = max(2, round(max(few.shape[:2]) / 24) // 2 * 2)
    rows, columns = (max(length // side, 1) for length in few.shape[:2])
    few = np.pad(few, [(0, max(side - length, 0)) for length in few.shape[:2]] + [(0, 0)], "edge")
    cells = few[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    cells = cells.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    is_even = np.indices((side, side)).sum(axis=0) % 2 == 0
    return np.median(cells[:, is_even], axis=1), np.median(cells[:, ~is_even], axis=1)


def _chroma(cells: Floats) -> Floats:
    """Red and blue less green, (N, 2)."""
    return cells[:, [0, 2]] - cells[:, [1]]


def _rms(first: Floats, second: Floats) -> float:
    return math.sqrt(max(float((first * second).sum(axis=1).mean()), 0.0))


def blur_sigma(pixels: Pixels, noise: float | None) -> float | None:
    """Standard deviation in pixels of the Gaussian that would blur a step as the picture's steepest edges are.

    At an edge of width sigma, blurring once more by s flattens the slope by sqrt((sigma^2 + s^2) / sigma^2) (Zhuo and
    Sim, "Defocus map estimation from a single image", 2011). Noise is smoothed away before and that smoothing taken
    off again. 0 for edges as sharp as pixels allow.

    Args:
        pixels: the picture.
        noise: its standard deviation; above `MOST_NOISE_FOR_BLUR` nothing is said.
    """
    noise = noise or 0.0
    if min(pixels.shape[:2]) < 64 or noise > MOST_NOISE_FOR_BLUR:
        return None
    smoothing = 0.7 + 0.1 * noise
    more = max(1.0, smoothing)
    ratios = np.concatenate([_slope_ratios(tile, smoothing, more) for tile in _tiles(pixels)])
    if len(ratios) < 20:
        return None
    ratio = float(np.median(ratios))
    slope_taking = 1 / 3  # variance of the two pixels' width over which a slope is taken
    variance = more**2 / (ratio**2 - 1) - smoothing**2 - slope_taking
    return math.sqrt(max(variance, 0.0))


def _tiles(pixels: Pixels) -> list[Floats]:
    """The luminance, or nine tiles of 512x512 spread over a large picture."""
    height, width = pixels.shape[:2]
    if height * width <= 2_000_000:
        return [luminance(pixels)]
    tops, lefts = (np.linspace(0, max(length - 512, 0), 3).astype(int) for length in (height, width))
    return [luminance(pixels[top : top + 512, left : left + 512]) for top in tops for left in lefts]


def _slope_ratios(plane: Floats, smoothing: float, more: float) -> Floats:
    """How much steeper the edges of a plane (H, W) are before more smoothing than after, (N,)."""
    before = _slope(cv2.GaussianBlur(plane, (0, 0), smoothing))
    after = _slope(cv2.GaussianBlur(plane, (0, 0), math.hypot(smoothing, more)))
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    ridge = before >= 0.999 * cv2.dilate(before, np.ones((3, 3), np.uint8))
    before, after, ridge = before[inner], after[inner], ridge[inner]
    edges = ridge & (before >= np.quantile(before, 1 - EDGES)) & (before > 1.0001 * after)
    steeper: Floats = before[edges] / np.maximum(after[edges], 1e-3)
    return steeper


def _slope(plane: NDArray[Any]) -> NDArray[Any]:
    return cv2.magnitude(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))


def line_share(pixels: Pixels) -> float:
    """Share of the pixels in long, thin, straight lines of even near-white or near-black tone, as scratches are.

    What a closing or opening by a small square takes away (top-hat; Soille, "Morphological image analysis", 2003),
    then only connected parts that are long and narrow. Wires, masts and twigs are such, too. Specks of dust are not
    counted: they do not differ from the details of a photograph.
    """
    scale = min(1.0, 2000 / max(pixels.shape[:2]))
    whole: NDArray[Any] = pixels.astype(np.uint8, copy=False)
    if scale < 1:
        whole = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    channels = cv2.split(whole)
    lowest, highest = reduce(cv2.min, channels), reduce(cv2.max, channels)
    plane: NDArray[Any] = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY) if len(channels) == 3 else channels[0]
    square = np.ones((7, 7), np.uint8)
    bright = cv2.subtract(plane, cv2.morphologyEx(plane, cv2.MORPH_OPEN, square)) > LINE_CONTRAST
    dark = cv2.subtract(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, square), plane) > LINE_CONTRAST
    marks = (bright & (lowest >= NEAR_WHITE), dark & (highest <= NEAR_BLACK))
    return sum(_line_pixels(mark, plane) for mark in marks) / plane.size


def _line_pixels(mark: NDArray[np.bool_], plane: NDArray[Any]) -> int:
    """How many pixels of a mask (H, W) are in connected parts that are lines."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mark.astype(np.uint8), connectivity=8)
    shortest = max(LINE_LENGTH * max(plane.shape), LEAST_LENGTH)
    long = np.flatnonzero(np.hypot(boxes[:, 2], boxes[:, 3]) >= shortest)
    total = 0
    for label in long[long > 0]:  # 0 is the background
        left, top, width, height, area = boxes[label]
        inside = (slice(top, top + height), slice(left, left + width))
        here = labels[inside] == label
        if _is_line(np.stack(np.nonzero(here)), shortest) and plane[inside][here].std() <= LINE_SPREAD:
            total += int(area)
    return total


def _is_line(places: NDArray[np.intp], shortest: float) -> bool:
    """Whether pixels (2, N) make a line: sides of the rectangle with the same second moments, area by length."""
    across, along = np.sqrt(12 * np.maximum(np.linalg.eigvalsh(np.cov(places)), 0.08))
    thickness = places.shape[1] / along
    return bool(along >= shortest and across <= max(LINE_WIDTH, LINE_BEND * along) and 0.7 <= thickness <= LINE_WIDTH)
