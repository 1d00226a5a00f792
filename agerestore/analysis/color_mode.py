"""Color mode: whether an image is gray, sepia, toned or color, as people who look at it would say.

A black-and-white print that was scanned in color has casts, a yellowed border, a date stamp, stains and noise in its
colors; it is none in color for that. A photograph in color may be muted, foggy, or nearly of one color. What tells them
apart is whether the color is a function of the brightness, and of the place as slowly as paper yellows; how far it is
from that, in which directions, and how much detail it has besides. A small network weighs these signs; it is fitted and
measured by ``benchmarks/color_mode.py``.
"""

from typing import NamedTuple

import numpy as np

from agerestore.analysis.color_mode_weights import HIDDEN, OUTPUT
from agerestore.images.pixels import LUMA, Floats, Pixels

SIDE = 96  # cells along the longer side; all lengths in cells are of these
LARGEST = 576  # pixels along the longer side that are looked at
LINE, FLAT, WIDEST = 14.0, 0.85, 0.2  # gray levels and share of its cells by which a line is flat; widest border
EDGE = 2  # cells, where border and image are mixed
SMOOTH = 3.0  # standard deviation in cells, over which noise cancels
DETAIL = (1.5, 5.0)  # standard deviations in cells: finer than the first and coarser than the second is no detail
FEWEST = 8  # cells a side below which nothing is taken for a border
NEAR, NEAR_DETAIL = 2.0, 0.7  # gray levels, distances to a function from which on cells count for less
ROUNDS = 8  # of weighing cells anew
SHARES = np.array([50, 75, 90, 97])  # percent of the cells
ENDS = (3, 10, 90, 97)  # percent of the cells
MOST_CHROMA = 100.0  # gray levels; one hue stronger than that is a colored object
MOST_UNEVEN = 20.0  # gray levels by which three quarters of a stained print are from its tone at most
OFFSET, TONE_OFFSET = 0.3, 2.0  # gray levels, added before the logarithm is taken
DARKEST, LIGHT = 16.0, 60.0  # gray levels: added before the logarithm of light is taken; scale of that
GRAY_CHROMA = 8.0  # gray levels; stronger casts are a tone
SEPIA_HUES = (0.3, 1.1)  # (red - green) / (green - blue): hues of 46 to 29 degrees


class _Cells(NamedTuple):
    """The cells of an image, two by two together, without its border.

    Attributes:
        level: (N,) brightness, of white.
        chroma: (N, 2) red and blue minus green, gray levels.
        light: (N, 2) the same of the logarithm of light: what takes light away in proportion changes it alike in all.
        noise: (N, 2) half the difference between the chroma of the even and of the odd pixels.
        light_noise: (N, 2) likewise of the light.
        size: height and width.
    """

    level: Floats
    chroma: Floats
    light: Floats
    noise: Floats
    light_noise: Floats
    size: tuple[int, int]


def color_mode(pixels: Pixels) -> str:
    """Classify an image as "gray", "sepia" (one warm tone), "toned" (one other tone) or "color".

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
    """
    if pixels.shape[2] == 1:
        return "gray"
    cells = _cells_of(pixels)
    red_green, blue_green = np.median(cells.chroma, axis=0)
    strength = float(np.hypot(red_green, blue_green))
    if strength > MOST_CHROMA or _is_color(_signs(cells)):
        return "color"
    if strength < GRAY_CHROMA:
        return "gray"
    is_warm = blue_green < 0 and SEPIA_HUES[0] <= red_green / -blue_green <= SEPIA_HUES[1]
    return "sepia" if is_warm else "toned"


def color_signs(pixels: Pixels) -> Floats:
    """What the decision is made by, (28,) float64.

    The logarithms of: the strength of the tone, and how far cells are from the median color; their distances to the
    function of the brightness alone, and to that of brightness and place; how far below and above the former red and
    blue are; the detail of the color besides that of the brightness, in light and in gray levels; the noise.

    Args:
        pixels: (H, W, 3), uint8 or float32 from 0 to 255.
    """
    return _signs(_cells_of(pixels))


def _is_color(signs: Floats) -> bool:
    if signs[4] > np.log(MOST_UNEVEN + OFFSET):
        return True
    weights, output = np.array(HIDDEN), np.array(OUTPUT)
    hidden = np.tanh(weights[:, :-1] @ signs + weights[:, -1])
    return bool(output[:-1] @ hidden + output[-1] > 0)


def _cells_of(pixels: Pixels) -> _Cells:
    even, odd = _cells(pixels)
    inner = _without_border((even + odd) / 2)
    cells, apart = (_in_pairs(each[inner].astype(np.float64)) for each in ((even + odd) / 2, (even - odd) / 2))
    size = cells.shape[:2]
    colors, noise = cells.reshape(-1, 3), _against_green(apart.reshape(-1, 3))
    light = LIGHT * np.log(colors + DARKEST)
    return _Cells(
        colors @ np.array(LUMA) / 255, _against_green(colors), _against_green(light), noise,
        LIGHT * noise / (colors[:, [1]] + DARKEST), (size[0], size[1]),
    )  # fmt: skip


def _against_green(colors: Floats) -> Floats:
    return colors[:, [0, 2]] - colors[:, [1]]


def _in_pairs(cells: Floats) -> Floats:
    """The means of two by two cells (h, w, 3)."""
    rows, columns = (length // 2 for length in cells.shape[:2])
    if min(rows, columns) == 0:
        return cells
    paired: Floats = cells[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, 3).mean(axis=(1, 3))
    return paired


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


def _signs(cells: _Cells) -> Floats:
    """See `color_signs`."""
    median = np.median(cells.chroma, axis=0)
    tones = np.hypot(*median), *np.percentile(np.hypot(*(cells.chroma - median).T), (50, 90))
    powers = np.stack([cells.level**power for power in range(4)], axis=1)
    noise = _smooth(cells.noise, cells.size, SMOOTH)
    apart = _smooth(_residuals(powers, cells.chroma, NEAR), cells.size, SMOOTH)
    with_place = _residuals(np.hstack([powers, _places(cells.size)]), cells.chroma, NEAR)
    ends = np.percentile(apart[:, ::-1], ENDS, axis=0).T.ravel()
    strengths: list[Floats] = [
        _quantiles(apart, noise), _quantiles(_smooth(with_place, cells.size, SMOOTH), noise),
        _detail(cells, cells.light, cells.light_noise), _detail(cells, cells.chroma, cells.noise),
        np.sqrt((cells.noise**2).sum(axis=1).mean(keepdims=True)),
    ]  # fmt: skip
    first, second, light, chroma, grain = (np.log(np.add(each, OFFSET)) for each in strengths)
    signed = np.sign(ends) * np.log1p(np.abs(ends))
    return np.concatenate([np.log(np.add(tones, TONE_OFFSET)), first, second, signed, light, chroma, grain])


def _places(size: tuple[int, int]) -> Floats:
    """Place to the second power (N, 5): paper yellows slowly, and objects have edges."""
    down, across = (each.ravel() for each in np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j])
    return np.stack([down, across, down**2, across**2, down * across], axis=1)


def _detail(cells: _Cells, values: Floats, noise: Floats) -> Floats:
    """How much of the detail of values (N, 2) is not that of the brightness, at `SHARES` of the cells."""
    powers = np.stack([cells.level**power for power in (1, 2, 3)], axis=1)
    detail, of_level, of_noise = (
        _smooth(each, cells.size, DETAIL[0]) - _smooth(each, cells.size, DETAIL[1]) for each in (values, powers, noise)
    )
    return _quantiles(_residuals(of_level, detail, NEAR_DETAIL), of_noise)


def _residuals(terms: Floats, values: Floats, near: float) -> Floats:
    """How far values (N, 2) are from the sum of terms (N, T) that most of them follow: (N, 2).

    By least squares, weighed anew several times, so that what is far off hardly bends the fit.
    """
    weights = np.ones(len(terms))
    apart = values
    for _ in range(ROUNDS):
        weighed = terms * weights[:, None]
        normal = weighed.T @ terms
        ridge = 1e-7 * np.trace(normal) / len(normal) + 1e-12  # where all is of one brightness
        normal += ridge * np.eye(len(normal))
        apart = values - terms @ np.linalg.solve(normal, weighed.T @ values)
        weights = 1 / np.hypot(*apart.T).clip(near)
    return apart


def _quantiles(apart: Floats, noise: Floats) -> Floats:
    """The lengths of (N, 2) at `SHARES` of the cells, without what noise (N, 2) alone would give.

    Noise of two independent channels has Rayleigh's distribution.
    """
    variance = float((noise**2).sum(axis=1).mean())
    left = np.percentile(np.hypot(*apart.T), SHARES) ** 2 + variance * np.log(1 - SHARES / 100)
    return np.asarray(np.sqrt(left.clip(0)), np.float64)


def _smooth(values: Floats, size: tuple[int, int], sigma: float) -> Floats:
    """Average values (N, K) of cells with those around."""
    import cv2  # only here: 0.2 s that reading a file need not pay

    field = np.ascontiguousarray(values.reshape(*size, -1), np.float32)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma * max(size) / SIDE), np.float64).reshape(values.shape)
