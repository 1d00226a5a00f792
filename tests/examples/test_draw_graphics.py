import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def example():
    """The two files of the example, imported as `python examples/draw_graphics.py` does."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import draw_graphics

        yield draw_graphics
    finally:
        sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="module")
def fonts(example):
    found = example.find_fonts([Path("/usr/share/fonts")], [], [])
    if not found:
        pytest.skip("no font on this machine")
    return found


def white_sheet(fonts, fine):
    """A sheet of 40x30 whose drawing is larger by a factor."""
    from graphics_sheet import Sheet

    sheets = (Sheet(np.random.default_rng(seed), (40, 30), fonts) for seed in range(1000))
    return next(sheet for sheet in sheets if sheet.fine == fine and sheet.ground == (255, 255, 255))


@pytest.mark.parametrize("fine", [1, 2, 4])
def test_a_box_is_where_it_was_asked_for_in_pixels_of_the_result(fonts, fine):
    sheet = white_sheet(fonts, fine)
    sheet.box((10, 5, 30 - 1 / fine, 25 - 1 / fine), (200, 0, 100))  # Pillow's last row and column belong to a box
    drawn = np.asarray(sheet.image.reduce(fine))
    assert drawn.shape == (30, 40, 3)
    inside = np.zeros((30, 40), bool)
    inside[5:25, 10:30] = True
    assert (drawn[inside] == (200, 0, 100)).all()
    assert (drawn[~inside] == 255).all()


@pytest.mark.parametrize("kind", ["text", "table", "diagram", "chart", "cartoon", "slide", "screenshot", "line-art"])
def test_the_seed_decides_a_drawing_and_its_edges_are_soft(example, fonts, kind):
    drawings = [example.draw(kind, seed, fonts) for seed in range(3)]
    for drawing in drawings:
        assert drawing.dtype == np.uint8
        assert all(320 <= side < 720 for side in drawing.shape[:2])
    assert np.array_equal(drawings[0], example.draw(kind, 0, fonts))
    assert not any(np.array_equal(one, other) for one, other in pairwise(drawings))
    colors = [len(np.unique(drawing.reshape(-1, 3), axis=0)) for drawing in drawings]
    assert max(colors) > 20  # anti-aliased: more than ink and ground


def test_fonts_are_chosen_by_their_paths_and_those_left_out_are_the_others(example, fonts):
    name = fonts[0].stem
    chosen = example.find_fonts([Path("/usr/share/fonts")], [name], [])
    rest = example.find_fonts([Path("/usr/share/fonts")], [], [name])
    assert fonts[0] in chosen
    assert not set(chosen) & set(rest)
    assert sorted([*chosen, *rest]) == fonts


def test_a_random_curve_is_drawn_at_an_even_speed_and_a_blob_stays_near_its_center(example):
    from graphics_sheet import random_blob, random_curve

    rng = np.random.default_rng(0)
    blob, curve = random_blob(rng, np.array([50.0, 50.0]), 10), random_curve(rng, (100, 100))
    assert np.hypot(*(blob - 50).T).max() <= 24  # twice the radius, drawn higher by a fifth at most
    steps = [float(np.hypot(*(after - before))) for before, after in pairwise(curve)]
    assert max(steps) == pytest.approx(min(steps))
    assert 1 <= max(steps) <= 8
