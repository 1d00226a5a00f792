import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def example():
    """The files of the example, imported as `python examples/render_car.py` does."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import car_light
        import car_paint
        import car_shape
        import render_car

        yield SimpleNamespace(light=car_light, paint=car_paint, shape=car_shape, render=render_car)
    finally:
        sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="module")
def around(example):
    return example.light.Surroundings(11)


def points(*rows):
    return np.array(rows, np.float32)


def unit_sphere(p):
    return np.sqrt((p * p).sum(0)) - 1


def test_distances_to_a_box(example):
    x, y, z = points([0, 3, 5, 0], [0, 0, 6, 0], [0, 0, 0, 1.5])
    assert example.shape.box(x, y, z, (1, 2, 1), 0.0) == pytest.approx([-1, 2, np.hypot(4, 4), 0.5])


def test_smooth_union_fills_the_corner_alone(example):
    a, b = points([0.0, 1.0], [0.0, 3.0])
    assert example.shape.union(a, b, 0.4) == pytest.approx([-0.1, 1.0])  # where they meet, deeper by soft / 4
    assert example.shape.common(a, b, 0.4) == pytest.approx([0.1, 3.0])


def test_curve_keeps_lines_straight_and_rounds_corners(example):
    x = np.linspace(-2, 2, 41, dtype=np.float32)
    assert example.shape.curve([(-2, 1), (0, 2), (2, 3)], 0.1)(x) == pytest.approx(2 + x / 2, abs=1e-5)
    corner = example.shape.curve([(-2, 2), (0, 0), (2, 2)], 0.1)(x)
    assert corner[np.abs(x) > 0.5] == pytest.approx(np.abs(x[np.abs(x) > 0.5]), abs=1e-5)
    assert 0.05 < corner[20] < 0.15


def test_car_has_the_size_of_a_sedan_and_stands_on_the_road(example):
    reach = ((-2.4, 2.4, 0.03), (-1.1, 1.1, 0.03), (-0.03, 1.6, 0.02))
    axes = [np.arange(low, high, fine, np.float32) for low, high, fine in reach]
    p = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")])
    inside = p[:, example.shape.car(p) < 0]
    length, width, height = inside.max(1) - inside.min(1)
    assert length == pytest.approx(4.5, abs=0.08)
    assert 1.95 < width < 2.1  # with the mirrors
    assert height == pytest.approx(1.45, abs=0.04)
    assert abs(inside[2].min()) < 0.03
    mirrored = inside * points([1], [-1], [1])
    assert np.array_equal(example.shape.car(inside), example.shape.car(mirrored))


def test_rays_end_where_they_meet_a_sphere(example):
    origin, way = points([-3, -3, -3], [0, 0.6, 2], [0, 0, 0]), points([1, 1, 1], [0, 0, 0], [0, 0, 0])
    length, hit = example.light.march(unit_sphere, origin, way, np.zeros(3, np.float32), np.full(3, 9, np.float32))
    assert hit.tolist() == [True, True, False]
    assert length[:2] == pytest.approx([2, 2.2], abs=2e-3)


def test_normals_and_mirrors(example):
    p = points([1, 0, 0.6], [0, 1, 0], [0, 0, -0.8])
    assert example.paint.normal(unit_sphere, p) == pytest.approx(p, abs=2e-3)
    assert example.paint.reflect(points([0.6], [0], [-0.8]), points([0], [0], [1])).ravel() == pytest.approx(
        [0.6, 0, 0.8]
    )


def test_blur_is_that_of_a_gaussian(example):
    spot = np.zeros((41, 40), np.float32)
    spot[20, 20] = 1
    soft = example.light.soften(spot, 2.0, 3.0)
    assert soft.sum() == pytest.approx(1, abs=1e-4)
    assert soft.sum(0) @ (np.arange(40) - 20) ** 2 == pytest.approx(4, abs=0.05)
    assert soft.sum(1) @ (np.arange(41) - 20) ** 2 == pytest.approx(9, abs=0.1)


def test_the_road_gets_the_light_of_the_sky(example, around):
    """Spherical harmonics of order 2 against the integral over the sky, in which the road has no part."""
    high = np.radians(around.elevation)
    each = around.rough[:, : example.light.WIDE] * np.sin(high) * np.cos(high)
    whole = each.sum() * np.radians(90 / example.light.HIGH) * np.radians(360 / example.light.WIDE) / np.pi
    assert around.open_road() == pytest.approx(whole, rel=0.06)


def test_the_road_is_dark_under_the_car(around):
    under, close, away = around.road(*points([0, 0, 0], [0, 1.2, 3.3]), points([9, 9, 9])[0])
    assert under < 0.2 * away
    assert under < close < away


def test_shipped_picture_is_the_rendered_one(example, around, monkeypatch):
    monkeypatch.setattr(example.render, "Surroundings", lambda seed: around)
    with Image.open(EXAMPLES / "car.jpg") as shipped:
        assert shipped.mode == "L"
        assert shipped.size == (640, 400)
        small = np.asarray(shipped.resize((80, 50), Image.Resampling.BOX), float)
    rendered = example.render.render(80, 2)
    assert rendered.dtype == np.uint8
    assert np.corrcoef(small.ravel(), rendered.ravel())[0, 1] > 0.93
    assert np.array_equal(rendered, example.render.render(80, 2))
