import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_example():
    spec = importlib.util.spec_from_file_location("draw_digits", EXAMPLES / "draw_digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = load_example()
styles = pytest.mark.parametrize(("digit", "style"), list(example.STYLES))


@styles
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_digit_keeps_the_conventions_of_mnist(digit, style, seed):
    picture = example.draw(digit, seed, style)
    assert picture.shape == (32, 32)
    assert picture.dtype == np.uint8
    rows, columns = np.nonzero(picture)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20  # the box is filled, and not exceeded
    assert min(rows.min(), columns.min()) >= 2  # what pads 28x28 to 32x32
    assert max(rows.max(), columns.max()) < 30
    weights = picture / picture.sum()
    center = [(weights.sum(1) @ np.arange(32)), (weights.sum(0) @ np.arange(32))]
    assert center == pytest.approx([15.5, 15.5], abs=0.51)  # to the nearest whole pixel


@styles
def test_ink_is_that_of_a_pen(digit, style):
    pictures = np.stack([example.draw(digit, seed, style) for seed in range(8)]) / 255
    inked = pictures > 0
    assert 0.4 < ((pictures < 1) & inked).sum() / inked.sum() < 0.75  # soft edges; MNIST 0.62
    slopes = np.hypot(np.diff(pictures, axis=1)[:, :, :-1], np.diff(pictures, axis=2)[:, :-1])
    assert 1.8 < 2 * pictures.sum() / slopes.sum() < 3.2  # width of the strokes; MNIST 2.45 pixels


def test_seed_decides_the_hand():
    assert np.array_equal(example.draw(5, 1), example.draw(5, 1))
    assert not np.array_equal(example.draw(5, 1), example.draw(5, 2))


def test_curve_passes_through_its_points_and_keeps_lines_straight():
    points = np.array([(0.0, 0.0), (1.0, 2.0), (2.0, 1.0), (4.0, 0.0)])
    curve = example._swing(points)
    assert all(np.abs(curve - point).max(1).min() < 1e-12 for point in points)
    line = example._swing(np.array([(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)]))
    assert line[:, 1] == pytest.approx(2 * line[:, 0])


def test_shipped_pictures_are_the_drawn_ones(tmp_path):
    example.main(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == len(example.STYLES) == 13
    assert names == sorted(path.name for path in (EXAMPLES / "clean").glob("digit-*.png"))
    for name in names:
        drawn, shipped = (
            np.asarray(Image.open(folder / name), dtype=float) for folder in (tmp_path, EXAMPLES / "clean")
        )
        assert np.abs(drawn - shipped).max() <= 12  # another C library may decide a few fine dots otherwise
