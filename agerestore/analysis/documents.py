"""Documents, drawings and screenshots: strokes and flat areas on a ground, with hardly any continuous tone.

A photograph has continuous tone nearly everywhere: shades and texture. Paper, a screen and a drawing are flat between
their strokes, also when they are cream, compressed, a little noisy or photographed in uneven light. So a reduced
luminance is divided into blocks of 16 x 16 pixels, and each is flat, of strokes, or of continuous tone.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.analysis.impulses import impulse_share, without_impulses
from agerestore.images.pixels import Floats, Pixels, in_8_bits, shrink_to

SIDES = (1000, 500)  # pixels of the longer side, one after the other: in the smaller, noise and blur are less
MIN_REDUCTION = 0.7  # an image that is hardly larger than a side is not looked at once more
LEAST_SIDE = 64  # pixels of the shorter side; in less there are too few blocks
BLOCK = 16  # pixels a side
MARK = (4, 60, 150, 12)  # the least height, most height and width in pixels, and least area of a letter or word
BLACK, WHITE = 2, 253  # gray levels at and beyond which a pixel may be clipped
MIN_IMPULSES = 0.001  # fraction of the pixels; they would be taken for strokes
MIN_SPAN = 50  # gray levels between the darkest and lightest parts
FULL_SPAN = 100  # gray levels; less is not stretched further, so that noise does not become texture
SLOPE = 6.0  # gray levels within 3 x 3 pixels up to which they are flat, at least
FLAT = 14  # the same, where it does not depend on noise
NOISE = 2.0  # what is flat under noise, as a multiple of the 40th percentile of that range
EDGE, STEEP_EDGE, FAINT_EDGE = 60, 80, 40  # gray levels within 3 x 3 pixels
RIM = 7  # pixels across a square around an edge that belong to it
MIN_EDGES = 0.02  # fraction of a block
MAX_UNEVEN = 0.05  # fraction of a block that is neither flat nor near an edge
MIN_FLAT = 0.3  # fraction of a block with edges
GROUND = 48  # gray levels by which the lightest (or darkest) pixels of neighboring blocks of one ground differ at most

# The limits below were chosen on photographs and on drawn pages; docs/inspect.md has the errors on others.
MAX_TEXTURE = 0.02  # fraction of the blocks
FLAT_WEIGHT, CONSTANT_WEIGHT, TONE_WEIGHT = 0.7, 0.3, 0.7
MIN_SCORE, MIN_MARKS = 1.15, 12  # of an image with letters or words
MIN_SCORE_UNMARKED = 1.28  # of an image with hardly any
DRAWN = 0.8  # constant fraction; with letters, a computer has drawn it. Coarse JPEG makes a photograph as constant
MIN_REST_SCORE, MIN_REST_MARKS = 1.3, 16  # of a page around its photographs; photographs have places like that, too
MIN_REST = 0.4  # fraction of the blocks that is left around the photographs
MIN_PHOTO = 0.03  # fraction of the blocks; a smaller place of continuous tone is no photograph on a page
MIN_PAGE = 256  # pixels of the shorter side


@dataclass(frozen=True)
class Document:
    """What an image is that is no photograph.

    Attributes:
        name: What to call it in a sentence: "a document or drawing", or "a page with a photograph".
    """

    name: str


@dataclass(frozen=True)
class Blocks:
    """What the blocks of an image hold: arrays (rows, columns).

    Attributes:
        texture: Bool: edges without a ground between them.
        shade: Bool: neither flat nor at an edge, and no texture.
        strokes: Bool: edges, and neither texture nor shade.
        steep, faint: Fraction of the pixels at edges of at least `STEEP_EDGE` and `FAINT_EDGE`.
        flat: Fraction of the pixels in which no edge and hardly any texture is.
        constant: Fraction that equals all around it, and is neither black nor white, as overexposed skies are.
        marks: How many outlines of the size of a letter or word have their middle in it.
    """

    texture: NDArray[np.bool_]
    shade: NDArray[np.bool_]
    strokes: NDArray[np.bool_]
    steep: Floats
    faint: Floats
    flat: Floats
    constant: Floats
    marks: Floats


def recognize_document(pixels: Pixels) -> Document | None:
    """Return what an image is if it is a document, drawing or screenshot, and None for a photograph.

    Args:
        pixels: (H, W, 1 or 3), uint8, uint16, or float32 with white at 255.
    """
    eight = _in_8_bits(pixels)
    if impulse_share(eight) >= MIN_IMPULSES:
        eight = without_impulses(eight)
    plane: NDArray[Any] = cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY) if eight.shape[2] == 3 else eight[..., 0]
    for side in SIDES:
        if side == SIDES[0] or side < MIN_REDUCTION * max(plane.shape):
            plane = shrink_to(plane[..., None], side)[..., 0]
            if document := _document(plane):
                return document
    return None


def _document(plane: NDArray[np.uint8]) -> Document | None:
    """Return what the image of a luminance (H, W) is."""
    blocks = _blocks(plane)
    if blocks is None:
        return None
    score, lettered = _score(blocks, np.ones(blocks.flat.shape, bool)), blocks.marks.sum() >= MIN_MARKS
    is_drawn = lettered and blocks.constant.mean() >= DRAWN and blocks.texture.mean() <= MAX_TEXTURE
    if is_drawn or score >= (MIN_SCORE if lettered else MIN_SCORE_UNMARKED):
        return Document("a document or drawing")
    rest = ~_pictures(blocks.texture | blocks.shade)
    if min(plane.shape) < MIN_PAGE or not MIN_REST <= rest.mean() < 1:
        return None
    is_page = blocks.marks[rest].sum() >= MIN_REST_MARKS and _score(blocks, rest) >= MIN_REST_SCORE
    return Document("a page with a photograph") if is_page else None


def _score(blocks: Blocks, where: NDArray[np.bool_]) -> float:
    """Return how much the blocks of a place (rows, columns) resemble a drawing: below 0 not at all, at most 2.

    The flatter the place, the steeper its edges and the less continuous tone there is for its strokes, the higher; what
    a computer has drawn is constant, too.
    """
    texture, shade, strokes, flat, constant = (
        float(each[where].mean())
        for each in (blocks.texture, blocks.shade, blocks.strokes, blocks.flat, blocks.constant)
    )
    steep, faint = (float(each[where].sum()) for each in (blocks.steep, blocks.faint))
    if texture > MAX_TEXTURE or not strokes or not faint:
        return -1.0
    even = FLAT_WEIGHT * flat + CONSTANT_WEIGHT * constant
    return even + steep / faint - TONE_WEIGHT * (texture + shade) / strokes


def _pictures(tone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the blocks of the rectangles around larger places of continuous tone, (rows, columns)."""
    near = cv2.dilate(tone.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    inside = np.zeros_like(tone)
    for left, top, width, height, area in boxes[1:]:  # the first is the background
        if area >= MIN_PHOTO * tone.size:
            inside[top : top + height, left : left + width] = True
    return inside


def _blocks(plane: NDArray[np.uint8]) -> Blocks | None:
    """Look at the blocks of a luminance (H, W); None if it is too small or too low in contrast."""
    darkest, lightest = np.percentile(plane[::2, ::2], [0.5, 99.5])
    if min(plane.shape) < LEAST_SIDE or lightest - darkest < MIN_SPAN:
        return None
    constant = _share((_range(plane) == 0) & (plane > BLACK) & (plane < WHITE))
    gain = 255 / max(lightest - darkest, FULL_SPAN)
    plane = np.clip((plane - darkest.astype(np.float32)) * np.float32(gain), 0, 255).astype(np.uint8)
    smooth = cv2.medianBlur(plane, 3)  # against noise, and ripples of JPEG
    rise, slope = _range(plane), _range(smooth)
    tolerance = max(SLOPE, NOISE * float(np.percentile(slope[::2, ::2], 40)))
    at_edge = cv2.dilate((rise >= EDGE).astype(np.uint8), np.ones((RIM, RIM), np.uint8)) > 0
    edges = _share(rise >= EDGE) >= MIN_EDGES
    tiles = _tiles(smooth)
    ground = np.minimum(*(_range(extreme) for extreme in (tiles.max(axis=(1, 3)), tiles.min(axis=(1, 3)))))
    texture = edges & (ground > GROUND) & (_share(slope <= tolerance) < MIN_FLAT)
    shade = (_share((slope > tolerance) & ~at_edge) > MAX_UNEVEN) & ~texture
    return Blocks(
        texture,
        shade,
        edges & ~texture & ~shade,
        steep=_share(rise >= STEEP_EDGE),
        faint=_share(rise >= FAINT_EDGE),
        flat=_share(slope <= FLAT),
        constant=constant,
        marks=_marks(rise >= EDGE),
    )


def _marks(edges: NDArray[np.bool_]) -> Floats:
    """Return how many connected components of the size of a letter or word have their middle in each block."""
    _, _, boxes, middles = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    width, height, area = boxes[1:, 2], boxes[1:, 3], boxes[1:, 4]  # without the background
    small = (height >= MARK[0]) & (height <= MARK[1]) & (width <= MARK[2]) & (area >= MARK[3])
    marks = np.zeros([length // BLOCK for length in edges.shape], np.float32)
    rows, columns = (np.minimum(middles[1:][small][:, axis] // BLOCK, marks.shape[1 - axis] - 1) for axis in (1, 0))
    np.add.at(marks, (rows.astype(int), columns.astype(int)), 1)
    return marks


def _in_8_bits(pixels: Pixels) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        return in_8_bits(pixels)
    return np.ascontiguousarray(pixels if pixels.dtype == np.uint8 else pixels.round().clip(0, 255).astype(np.uint8))


def _range(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the difference between the largest and the smallest of 3 x 3 values of a plane (H, W) uint8."""
    square = np.ones((3, 3), np.uint8)
    return cv2.subtract(cv2.dilate(plane, square), cv2.erode(plane, square))


def _tiles(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the blocks of a plane (H, W) as (rows, BLOCK, columns, BLOCK), without what is left over at its end."""
    rows, columns = (length // BLOCK for length in plane.shape)
    return plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)


def _share(mark: NDArray[np.bool_]) -> Floats:
    """Return the fraction of each block (rows, columns) that a mask (H, W) marks."""
    rows, columns = (length // BLOCK for length in mark.shape)
    whole = mark[: rows * BLOCK, : columns * BLOCK].astype(np.float32)
    shares: NDArray[Any] = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return shares
