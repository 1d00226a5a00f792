"""Missing parts of prints: what an edge cuts off, is even and differs from what is on the other side."""

import numpy as np
import pytest

from agerestore.inference.missing_parts import find_missing_parts

LEVELS = (0.2, 0.5, 0.8)


def torn_corner(side=200, corner=50, chance=255, gap=0, inside=20.0, outside=140.0):
    """The probability along the edge of a triangle at the top left, pixels, and which are inside, but its tips."""
    row, column = np.indices((side, side))
    width = max(2, side // 400)
    edge = abs(row + column - corner) <= width
    edge &= abs(row - column) >= gap
    within = (row + column < corner - width) & (abs(row - column) < 0.6 * corner)
    pixels = np.where(row + column < corner, inside, outside).astype(np.float32)[..., None]
    return np.where(edge, chance, 0).astype(np.uint8), pixels, within


@pytest.mark.parametrize(("side", "corner"), [(200, 50), (2600, 900)])
def test_an_even_corner_of_another_color_is_missing(side, corner):
    chance, pixels, within = torn_corner(side, corner)
    found = find_missing_parts(chance, pixels, LEVELS)
    assert (found[within] == 204).all()  # 0.8, the highest level
    row, column = np.indices(found.shape)
    assert not found[row + column > corner + 6 * max(1, side / 1024)].any()


def test_short_gaps_of_an_edge_are_closed_and_long_ones_are_not():
    for gap, expected in ((3, True), (12, False)):
        chance, pixels, within = torn_corner(gap=gap)
        assert find_missing_parts(chance, pixels, LEVELS)[within].any() == expected


def test_a_part_is_as_likely_as_its_edge_so_that_masks_are_nested():
    for chance, expected in ((30, 0), (60, 51), (150, 128), (210, 204)):
        edge, pixels, within = torn_corner(chance=chance)
        assert set(find_missing_parts(edge, pixels, LEVELS)[within]) == {expected}


def test_the_same_color_on_both_sides_is_a_crack_across_a_sky():
    chance, pixels, _ = torn_corner(inside=140.0)
    assert not find_missing_parts(chance, pixels, LEVELS).any()


def test_what_has_detail_is_part_of_the_picture():
    chance, pixels, _ = torn_corner()
    pixels += 60 * np.random.default_rng(0).random(pixels.shape, np.float32)
    assert not find_missing_parts(chance, pixels, LEVELS).any()


def test_half_of_an_image_is_not_missing():
    chance, pixels, _ = torn_corner(corner=195)
    assert not find_missing_parts(chance, pixels, LEVELS).any()


def test_colors_count_where_the_luminance_is_alike():
    chance, pixels, within = torn_corner(inside=140.0)
    colored = np.repeat(pixels, 3, axis=2)
    colored[..., 2] += np.where(np.add(*np.indices(within.shape)) < 50, 40, 0)
    assert (find_missing_parts(chance, colored, LEVELS)[within] == 204).all()
