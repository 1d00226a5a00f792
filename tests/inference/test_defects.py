"""Finding defects: tiles, two scales, nested masks, and what is too large to be filled unasked."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from agerestore.config.networks import DetectorConfig
from agerestore.images.raster import Raster
from agerestore.inference import defects
from agerestore.inference.defects import (
    SENSITIVITIES,
    THRESHOLDS,
    Defects,
    find_defects,
    reduction,
    split_large,
)
from agerestore.models.base import Model
from agerestore.models.registry import build


def detector() -> Model:
    """A small detector with random weights, whose probabilities vary."""
    networks = build(DetectorConfig(widths=(4, 6, 8), blocks=(0, 1, 1)), seed=3)
    with torch.no_grad():
        networks.detector.head.weight.mul_(40)  # type: ignore[operator, union-attr]
    return Model(networks.eval().requires_grad_(False), {}, "small")


def scene(side: int = 200, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """A sharp image (1, C, side, side): white noise that is a little smoothed."""
    noise = np.random.default_rng(seed).random((side, side, channels)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 0.6).reshape(side, side, channels)
    return torch.from_numpy(smooth).permute(2, 0, 1)[None]


def test_tiles_equal_the_whole() -> None:
    raster = Raster(scene())
    whole, tiles = find_defects(detector(), raster, tile=1024), find_defects(detector(), raster, tile=64)
    assert len(whole.probability.unique()) > 20
    assert (whole.probability.int() - tiles.probability.int()).abs().max() <= 1  # convolutions round differently
    assert (whole.kind != tiles.kind).float().mean() < 0.001


def test_a_gray_image_a_batch_and_integers_are_understood() -> None:
    gray = scene(64, 1)
    one = find_defects(detector(), Raster(gray))
    color = find_defects(detector(), Raster(gray.expand(2, 3, -1, -1).contiguous()))
    torch.testing.assert_close(color.probability, one.probability.expand(2, -1, -1, -1))
    levels = Raster((gray * 65535).round().to(torch.int32), 65535)
    assert (find_defects(detector(), levels).probability.int() - one.probability.int()).abs().max() <= 1


def test_a_corner_behind_a_torn_edge_is_a_tear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector finds the edge of the corner alone, and takes it for a crack."""
    row, column = torch.meshgrid(torch.arange(200), torch.arange(200), indexing="ij")
    image = torch.where(row + column < 50, 0.1, 0.6).expand(1, 1, -1, -1)
    edge = torch.where((row + column - 50).abs() <= 2, 255, 0).to(torch.uint8).expand(1, 1, -1, -1).clone()
    found = Defects(edge, torch.zeros_like(edge), ("cracks", "tears"))
    monkeypatch.setattr(defects, "_find", lambda *_: found)
    monkeypatch.setattr(defects, "reduction", lambda _: 1)
    answer = find_defects(detector(), Raster(image))
    inside = (row + column < 48) & ((row - column).abs() < 30)
    assert answer.mask(0.5)[0, 0][inside].all()
    assert answer.kinds(answer.mask(0.5)) == ["tears", "cracks"]
    assert not answer.mask(1)[0, 0][row + column > 60].any()


def test_wholly_transparent_pixels_have_no_defects() -> None:
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[:, 32:] = 0
    found = find_defects(detector(), Raster(scene(64), alpha=alpha))
    assert found.probability[..., :32].any()
    assert not found.probability[..., 32:].any()


def test_masks_are_nested_and_begin_at_the_thresholds() -> None:
    probability = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 256)
    found = Defects(probability, torch.zeros_like(probability), ("cracks",))
    sizes = [int(found.mask(sensitivity).sum()) for sensitivity in np.linspace(0, 1, 21)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 21
    for sensitivity, threshold in zip(SENSITIVITIES, THRESHOLDS, strict=True):
        first = int(found.mask(sensitivity).flatten().nonzero().min())
        assert first == int(np.ceil(255 * threshold)) - 1  # a rim of one pixel


def test_the_kinds_of_a_mask_are_named_by_how_frequent_they_are() -> None:
    kind = torch.tensor([0] * 5 + [2] * 20 + [1] * 2).to(torch.uint8).view(1, 1, 1, 27)
    found = Defects(torch.full_like(kind, 200), kind, ("cracks", "scratches", "specks"))
    assert found.kinds(torch.ones_like(kind, dtype=torch.bool)) == ["specks", "cracks"]
    assert found.kinds(torch.zeros_like(kind, dtype=torch.bool)) == []


def drawn(draw: Callable[[np.ndarray], object]) -> torch.Tensor:
    plane = np.zeros((200, 300), np.uint8)
    draw(plane)
    return torch.from_numpy(plane > 0)[None, None]


def test_what_is_wider_than_40_pixels_is_large_and_a_crack_into_it_is_not() -> None:
    crack = drawn(lambda plane: cv2.line(plane, (60, 100), (280, 100), 1, 9))
    corner = drawn(lambda plane: cv2.fillPoly(plane, [np.array([[0, 0], [120, 0], [0, 120]])], 1))
    small, large = split_large(crack)
    assert torch.equal(small, crack)
    assert not large.any()
    both = crack | corner
    small, large = split_large(both)
    assert torch.equal(small | large, both)
    assert not (small & large).any()
    assert large[0, 0, 20, 20]
    assert small[0, 0, 100, 200]
    disc = drawn(lambda plane: cv2.circle(plane, (150, 100), 18, 1, -1))
    assert not split_large(disc)[1].any()
    assert split_large(drawn(lambda plane: cv2.circle(plane, (150, 100), 23, 1, -1)))[1].any()


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_an_enlarged_image_can_be_reduced_to_what_it_was(factor: int) -> None:
    sharp = cv2.GaussianBlur(scene(250)[0].permute(1, 2, 0).numpy(), (0, 0), 0.8)
    enlarged = cv2.resize(sharp, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    assert reduction(Raster(torch.from_numpy(enlarged).permute(2, 0, 1)[None].clamp(0, 1))) == factor


def test_a_small_image_is_not_reduced() -> None:
    assert reduction(Raster(torch.full((1, 3, 399, 900), 0.5))) == 1


def test_at_a_lower_resolution_more_is_found_and_nothing_less() -> None:
    soft = torch.nn.functional.interpolate(scene(220), scale_factor=2, mode="bicubic").clamp(0, 1)
    assert reduction(Raster(soft)) == 2
    found = find_defects(detector(), Raster(soft))
    small = torch.nn.functional.interpolate(soft, scale_factor=0.5, mode="area")
    coarse = find_defects(detector(), Raster(small)).probability.float()
    assert found.probability.shape == (1, 1, 440, 440)
    fine = torch.nn.functional.avg_pool2d(found.probability.float(), 2)
    assert (fine >= coarse - 30).float().mean() > 0.95  # enlarging smooths a little
