"""Fills that carry the grain around them."""

import numpy as np
import torch
from scenes import noisy, scene

from agerestore.config.networks import PhotoConfig
from agerestore.config.options import RestoreSettings
from agerestore.images.raster import Raster
from agerestore.inference.grain import DEEPEST, add_grain, may_have_grain
from agerestore.inference.restorer import restore
from agerestore.models.base import Model
from agerestore.models.registry import build


def raster(pixels: np.ndarray, mask: np.ndarray) -> Raster:
    values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
    return Raster(values, 255, torch.from_numpy(mask)[None, None])


def band(width: int, size: tuple[int, int] = (160, 160)) -> np.ndarray:
    """A mask that is ``width`` columns wide."""
    mask = np.zeros(size, bool)
    mask[:, 60 : 60 + width] = True
    return mask


def test_a_fill_mirrors_the_grain_at_the_border_of_the_mask() -> None:
    damaged, mask = noisy(120, 10, (160, 160, 3)), band(10)
    clean = np.full_like(damaged, 120)
    result = add_grain(raster(damaged, mask), raster(clean, mask), [0]).pixels()
    np.testing.assert_array_equal(result[~mask], damaged[~mask])
    np.testing.assert_array_equal(result[:, 60:64], damaged[:, 58:54:-1])  # at column 59, the last that is known
    np.testing.assert_array_equal(result[:, 66:70], damaged[:, 74:70:-1])


def test_with_a_strength_known_pixels_are_mixed_and_fills_get_the_rest_of_the_grain() -> None:
    damaged, mask = noisy(120, 10, (160, 160, 3)), band(10)
    clean = np.full_like(damaged, 120)
    result = add_grain(raster(damaged, mask), raster(clean, mask), [0.75]).pixels().astype(float)
    np.testing.assert_allclose(result, 120 + 0.25 * (add_grain(raster(damaged, mask), raster(clean, mask), [0]).pixels()
                                                     - 120.0), atol=0.51)  # fmt: skip


def test_the_middle_of_a_large_hole_has_no_grain() -> None:
    damaged, mask = noisy(120, 10, (160, 160, 3)), band(80)
    result = add_grain(raster(damaged, mask), raster(np.full_like(damaged, 120), mask), [0]).pixels()
    assert (result[:, 60 + DEEPEST + 1 : 140 - DEEPEST - 1] == 120).all()
    assert (result[:, 62:80] != 120).mean() > 0.9


def test_what_is_too_little_for_grain_is_left_out() -> None:
    damaged, mask = scene(side=160), band(10)
    clean = np.where(mask[..., None], 99, np.clip(damaged.astype(int) + 1, 0, 255)).astype(np.uint8)
    result = add_grain(raster(damaged, mask), raster(clean, mask), [0]).pixels()
    assert (result[mask] == 99).all()
    np.testing.assert_array_equal(result[~mask], damaged[~mask])


def test_without_a_known_pixel_there_is_no_grain() -> None:
    image, mask = noisy(120, 10, (160, 160, 3)), np.ones((160, 160), bool)
    clean = raster(np.full_like(image, 120), mask)
    np.testing.assert_array_equal(add_grain(raster(image, mask), clean, [0]).pixels(), clean.pixels())
    assert may_have_grain(clean)
    assert not may_have_grain(raster(image, ~mask))


def identity() -> dict[str, Model]:
    networks = build(PhotoConfig(widths=(4, 4, 4), blocks=(1, 1, 1), latent_dim=0))
    return {"photo": Model(networks.eval().requires_grad_(False), {}, "photo")}


def test_tiles_equal_the_whole_and_known_pixels_stay() -> None:
    image, mask = noisy(120, 12, (160, 200, 3)), band(12, (160, 200))
    whole = restore(identity(), image, mask, RestoreSettings(tile=256)).image
    tiles = restore(identity(), image, mask, RestoreSettings(tile=64)).image
    np.testing.assert_array_equal(whole, tiles)
    np.testing.assert_array_equal(whole[~mask], image[~mask])
