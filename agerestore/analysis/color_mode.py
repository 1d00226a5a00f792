"""Color mode: whether an image is gray, sepia, toned or color, as people who look at it would say.

A black-and-white print that was scanned in color has casts, a yellowed border, a date stamp, stains and noise in its
colors; it is none in color for that. A photograph in color may be muted, foggy, or nearly of one color. What tells them
apart is whether the color is a function of the brightness, and of the place as slowly as paper yellows.
"""

from typing import NamedTuple

import numpy as np

from agerestore.analysis.tone_curve import robust_residuals
from agerestore.images.pixels import LUMA, Floats, Pixels

SIDE = 96  # cells along the longer side
LARGEST = 576  # pixels along the longer side that are looked at
LINE, FLAT, WIDEST = 14.0, 0.85, 0.2  # gray levels and share of its cells by which a line is flat; widest border
EDGE = 2  # cells, where border and image are mixed
SMOOTH = 3.0  # standard deviation in cells, over which noise cancels
WIDTH = 2.0  # gray levels, the distance to that function from which on a cell counts for less
FEWEST = 8  # cells a side below which nothing is taken for a border
SHARES = (50, 75, 90, 97)  # percent of the cells
MOST_UNEVEN = 20.0  # gray levels by which three quarters of a yellowed print are from its tone at most
OFFSET, TONE_OFFSET = 0.3, 2.0  # gray levels, added before the logarithm is taken
GRAY_CHROMA = 8.0  # gray levels; stronger casts are a tone
MOST_CHROMA = 100.0  # gray levels; one hue stronger than that is a colored object
SEPIA_HUES = (0.3, 1.1)  # (red - green) / (green - blue): hues of 46 to 29 degrees
# Fitted on 120 photographs, as they are, muted, foggy, faded, noisy, compressed, or made gray and scanned with casts,
# tones, dates, borders and noise.
# Log odds that an image is in color, by logistic regression on the logarithms of:
# the distances to the curve of the brightness alone (at `SHARES` of the cells), those to the surface over brightness
# and place, the strength of the tone, and how far cells are from the median color, at the median and 90 percent.
WEIGHTS = (0.6, 0.3, 0.1, 0.0, 1.0, 1.4, 1.9, 1.3, 0.5, -0.2, -0.8)
CONSTANT = -4.2


class _Chroma(NamedTuple):
    """The chroma of cells.

    Attributes:
        level: (N,) brightness, of white.
        values: (N, 2) red and blue minus green, gray levels.
        noise: (N, 2) half the difference between that of the even and of the odd pixels.
        size: height and width in cells.
    """

    level: Floats
    values: Floats
    noise: Floats
    size: tuple[int, int]


def color_mode(pixels: Pixels) -> str:
    """Classify an image as "gray", "sepia" (one warm tone), "toned" (one other tone) or "color".

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
    """
    if pixels.shape[2] == 1:
        return "gray"
    even, odd = _cells(pixels)
    cells, apart = (even + odd) / 2, (even - odd) / 2
    inner = _without_border(cells)
    level = cells[inner].reshape(-1, 3) @ np.array(LUMA, np.float32) / 255
    values, noise = ((each[..., [0, 2]] - each[..., [1]])[inner] for each in (cells, apart))
    chroma = _Chroma(level, values.reshape(-1, 2), noise.reshape(-1, 2), values.shape[:2])
    red_green, blue_green = np.median(chroma.values, axis=0)
    strength = float(np.hypot(red_green, blue_green))
    if strength > MOST_CHROMA or _log_odds(chroma) > 0:
        return "color"
    if strength < GRAY_CHROMA:
        return "gray"
    is_warm = blue_green < 0 and SEPIA_HUES[0] <= red_green / -blue_green <= SEPIA_HUES[1]
    return "sepia" if is_warm else "toned"


def _cells(pixels: Pixels) -> tuple[Floats, Floats]:
    """Return the medians (h, w, 3) of the even and of the odd pixels of square cells.

    What is smaller than five cells is left out.

    Medians stay on the curve of a tone, as means would not, and see neither dust nor the strokes of a date.
    """
    import cv2  # only here: 0.2 s that reading a file need not pay

    step = max(1, max(pixels.shape[:2]) // LARGEST)
    few = pixels[::step, ::step].astype(np.float32)
    side = max(2, round(max(few.shape[:2]) / SIDE))
    few = np.pad(few, [(0, max(side - length, 0)) for length in few.shape[:2]] + [(0, 0)], "edge")
    rows, columns = (length // side for length in few.shape[:2])
    parts = few[: rows * side, : columns * side].reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
    parts = parts.reshape(rows, columns, side * side, 3)
    is_even = np.indices((side, side)).sum(axis=0).ravel() % 2 == 0
    even, odd = (np.median(parts[:, :, chosen], axis=2).astype(np.float32) for chosen in (is_even, ~is_even))
    return np.asarray(cv2.medianBlur(even, 5), np.float32), np.asarray(cv2.medianBlur(odd, 5), np.float32)


def _without_border(cells: Floats) -> tuple[slice, slice]:
    """Return rows and columns without the flat ones at each side: paper around a print, whose color is another."""
    if min(cells.shape[:2]) < FEWEST:
        return slice(None), slice(None)
    return _inner(cells), _inner(np.moveaxis(cells, 1, 0))


def _inner(lines: Floats) -> slice:
    """Return which of the lines (N, length, 3) belong to no border."""
    apart = np.abs(lines - np.median(lines, axis=1, keepdims=True)).max(axis=2)
    flat = (apart < LINE).mean(axis=1) >= FLAT
    count = len(lines)
    most = int(count * WIDEST)
    before, after = (int(np.argmin(np.append(each[:most], False))) for each in (flat, flat[::-1]))
    return slice(min(before + EDGE, most) if before else 0, count - (min(after + EDGE, most) if after else 0))


def _log_odds(chroma: _Chroma) -> float:
    """How likely the chroma is that of an image in color, not of one tone."""
    median = np.median(chroma.values, axis=0)
    tones = np.hypot(*median), *np.percentile(np.hypot(*(chroma.values - median).T), (50, 90))
    uneven = _distances(chroma, with_place=False)
    if uneven[1] > MOST_UNEVEN:
        return np.inf
    apart = [*uneven, *_distances(chroma, with_place=True)]
    signs = [*np.log(np.add(apart, OFFSET)), *np.log(np.add(tones, TONE_OFFSET))]
    return float(np.dot(WEIGHTS, signs) + CONSTANT)


def _distances(chroma: _Chroma, with_place: bool) -> Floats:
    """How far smoothed cells are from the function of brightness, and of place, that most follow, at `SHARES` of them.

    Brightness to the third power, place to the second: paper yellows slowly, and objects have edges.
    """
    rows, columns = chroma.size
    terms = [chroma.level**power for power in range(4)]
    if with_place:
        down, across = (each.ravel() for each in np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
        terms += [down, across, down**2, across**2, down * across]
    apart = _smooth(robust_residuals(np.stack(terms, axis=1), chroma.values, _near), chroma.size)
    noise = _smooth(chroma.noise, chroma.size)
    # Noise of two independent channels has Rayleigh's distribution: what it alone would give is taken off.
    variance = float((noise**2).sum(axis=1).mean())
    quantiles = np.percentile(np.hypot(*apart.T), SHARES)
    left = quantiles**2 + variance * np.log(1 - np.array(SHARES) / 100)
    return np.asarray(np.sqrt(left.clip(0)), np.float64)


def _smooth(values: Floats, size: tuple[int, int]) -> Floats:
    """Average values (N, 2) of cells with those around."""
    import cv2  # only here: 0.2 s that reading a file need not pay

    field = np.ascontiguousarray(values.reshape(*size, 2), np.float32)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), SMOOTH * max(size) / SIDE), np.float32).reshape(-1, 2)


def _near(apart: Floats) -> Floats:
    """Weights of cells: those that are far off hardly count."""
    weights: Floats = np.hypot(*apart.T).clip(WIDTH) ** -0.5
    return weights
