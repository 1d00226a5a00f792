"""Images of which little is left go to a model that knows their kind, and only these."""

import base64

import numpy as np
import pytest
import torch

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import RestoreSettings
from agerestore.evaluation.benchmark import degraded
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference import recognition, severe_damage
from agerestore.inference.restorer import restore, restore_raster
from agerestore.inference.selection import select_model
from agerestore.inference.severe_damage import is_severe, large_holes
from agerestore.models.base import Model
from agerestore.models.registry import build


def knowing(score):
    """A model of small faces, with random weights, that gives every image this score."""
    networks = build(AutoencoderConfig(image_size=32, channels=3, latent_dim=8, width=2)).eval()
    zeros = base64.b64encode(np.zeros(10, "<f4").tobytes()).decode()
    return Model(networks, {"recognition": {"kind": "face", "weights": zeros, "offset": -score}, "domain": {}})


@pytest.fixture
def photo(model):
    return Model(model, {"domain": {}})


def picture(seed=0, side=32):
    return torch.randint(0, 256, (1, 3, side, side), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def marked(*boxes, side=32):
    mask = torch.zeros(1, 1, side, side, dtype=torch.bool)
    for top, left, height, width in boxes:
        mask[..., top : top + height, left : left + width] = True
    return mask


def test_large_holes_are_the_opening_of_the_mask_by_a_square_of_three_sixteenths():
    scattered = marked((0, 0, 3, 3), (31, 31, 1, 1), (20, 0, 1, 32), (0, 30, 12, 2))
    rectangle = marked((8, 10, 12, 13), side=64)
    assert torch.equal(large_holes(rectangle), rectangle)
    assert not large_holes(marked((8, 10, 11, 40), side=64)).any()
    assert not large_holes(scattered).any()
    hole = marked((5, 6, 6, 7))
    assert torch.equal(large_holes(scattered | hole), hole)
    corner = marked((26, 26, 6, 6), (20, 26, 12, 6))
    assert torch.equal(large_holes(corner), corner)
    assert large_holes(~marked(side=64)).all()


def test_only_a_single_small_image_with_a_large_hole_is_severely_damaged():
    hole = marked((10, 10, 6, 6))
    assert is_severe(Raster(picture(), 255.0, hole), 32)
    assert not is_severe(Raster(picture(), 255.0, marked((10, 10, 5, 6))), 32)
    assert not is_severe(Raster(picture().expand(2, -1, -1, -1), 255.0, hole), 32)
    assert not is_severe(Raster(picture(), 255.0, hole, alpha=np.zeros((32, 32))), 32)
    assert not is_severe(Raster(picture(), 255.0, hole), 64)  # half as large as what the model draws
    assert not is_severe(Raster(picture(side=33), 255.0, marked((10, 10, 9, 9), side=33)), 32)


@pytest.mark.parametrize(
    ("damage", "severe"),
    [
        ("noise:sigma=100:clip=1", False), ("noise:sigma=200:clip=1", True), ("noise:sigma=0", False),
        ("saltpepper:amount=0.5", False),
    ],
)  # fmt: skip
def test_noise_is_severe_beyond_the_crossing_and_salt_and_pepper_is_not(damage, severe):
    slope = torch.linspace(0.2, 0.8, 64).expand(1, 3, 64, 64)
    values = (degraded(slope, damage, 0).image.clamp(0, 1) * 255).round().to(torch.uint8)
    assert is_severe(Raster(values, 255.0), 64) is severe


def test_features_are_the_code_on_the_unit_sphere_and_two_logarithms():
    measured = {"unexplained": torch.tensor([1.0]), "reencoding": torch.tensor([0.0])}
    expected = torch.tensor([[0.6, 0.8, 0.0, float(np.log(1e-4))]])
    torch.testing.assert_close(recognition.features(torch.tensor([[3.0, 4.0]]), measured), expected)


def test_calibration_accepts_nine_in_ten_and_refuses_what_differs(monkeypatch):
    """With brightness as the only feature: the limit is the quantile of 0.9, on the side of the others."""

    def brightness(model, observation):
        return observation.image, observation.image.mean((1, 2, 3))[:, None]

    monkeypatch.setattr(recognition, "_measured", brightness)
    monkeypatch.setattr(recognition, "DAMAGE", ("noise:sigma=0",))
    model, levels = knowing(0), torch.linspace(0, 0.1, 101)[:, None, None, None]
    inside, outside = 0.3 + levels.expand(-1, 3, 32, 32), 0.6 + levels.expand(-1, 3, 32, 32)
    model.header["recognition"] |= recognition.calibrate(model, [inside], [outside])
    own, other = (recognition.generate(model, Observation(each))[1] for each in (inside, outside))
    assert (own <= 1).sum() == pytest.approx(91, abs=1)
    assert own[:90].max() <= 1 < own[92:].min()
    assert other.min() > 1


def test_a_model_that_recognizes_its_kind_gets_severe_damage_and_nothing_else(photo):
    hole, dots = marked((10, 10, 8, 8)), marked((1, 1, 1, 1), (4, 20, 2, 2))
    for score, mask, name in ((0.5, hole, "faces"), (0.5, dots, "photo"), (0.5, None, "photo"), (2, hole, "photo")):
        chosen = select_model({"faces": knowing(score), "photo": photo}, Raster(picture(), 255.0, mask))
        assert (chosen.name, chosen.rest) == (name, "photo" if name == "faces" else None)


def test_large_holes_are_drawn_and_all_other_pixels_are_as_without_that_model(photo):
    image, hole = picture()[0].permute(1, 2, 0).numpy(), marked((10, 10, 8, 8))
    mask = (hole | marked((1, 1, 2, 2), (25, 4, 1, 9)))[0, 0].numpy()
    alone = restore({"photo": photo}, image, mask).image
    result = restore({"faces": knowing(0), "photo": photo}, image, mask)
    inside = hole[0, 0].numpy()
    assert (result.image[~inside] == alone[~inside]).all()
    assert (result.image[~mask] == image[~mask]).all()
    assert (result.image[inside] != alone[inside]).any()
    assert result.model == "faces"
    assert any("the face is invented" in remark for remark in result.remarks)


def test_who_asks_for_what_only_photographs_have_gets_no_invented_face(photo):
    image, mask = picture()[0].permute(1, 2, 0).numpy(), marked((10, 10, 8, 8))[0, 0].numpy()
    result = restore({"faces": knowing(0), "photo": photo}, image, mask, RestoreSettings(uncertainty=True))
    assert result.model == "photo"


def test_the_rim_of_a_hole_shows_no_step(photo):
    """A model that draws black in the middle of a white image: the hole comes back white."""
    faces = knowing(0)
    white = Raster(torch.full((1, 3, 32, 32), 255, dtype=torch.uint8), 255.0, marked((10, 10, 8, 8)))
    faces.networks.generator.register_forward_hook(lambda *_: torch.full((1, 3, 32, 32), -1.0))
    drawn = severe_damage.redraw_large_holes(faces, restore_raster(photo, white).image)
    assert (drawn.values == 255).all()
