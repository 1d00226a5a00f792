import pytest
import torch

from agerestore import degrade, domain
from agerestore.config import NetworkConfig
from agerestore.networks import build
from agerestore.observation import Observation


@pytest.fixture
def model():
    return build(NetworkConfig(channels=1, latent_dim=8, width=2)).eval()


def test_smoothing_keeps_the_mean_and_spreads_a_point_as_a_gaussian():
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    smooth = domain._smooth(point)[0, 0]
    offsets = torch.arange(33) - 16.0
    assert smooth.sum().item() == pytest.approx(1, abs=1e-5)
    assert (smooth.sum(0) * offsets**2).sum().item() == pytest.approx(domain.SMOOTHING**2, rel=0.03)


def test_a_picture_explained_wholly_leaves_no_residual_and_one_not_at_all_leaves_one(model):
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:24, 8:24] = 1.0
    code = model.encode(image)
    same = domain.signals(model, Observation(image), code, image)
    other = domain.signals(model, Observation(image), code, torch.full_like(image, image.mean()))
    assert same["residual"].item() == 0
    assert same["reencoding"].item() == pytest.approx(0, abs=1e-5)
    assert other["residual"].item() == pytest.approx(1, abs=0.05)


def test_unknown_pixels_do_not_count(model):
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:24, 8:24] = 1.0
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16, :] = 1
    hidden = torch.where(mask > 0, 0.0, image)
    wrong = torch.where(mask > 0, torch.rand(32, 32, generator=torch.Generator().manual_seed(0)), image)
    signals = domain.signals(model, Observation(hidden, mask), model.encode(hidden), wrong)
    assert signals["residual"].item() == 0


def test_the_score_is_the_worse_of_the_signals_in_units_of_its_limit():
    measured = {"residual": torch.tensor([0.1, 0.2]), "reencoding": torch.tensor([0.3, 0.0])}
    assert domain.score({"residual": 0.1, "reencoding": 0.1}, measured).tolist() == pytest.approx([3, 2])


def test_damaged_validation_pictures_lie_inside_their_own_limits(model):
    truth = torch.rand(300, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    limits = domain.calibrate(model, truth, degrade.parse("noise:sigma=25|missing"))
    observation = Observation(truth)
    code = model.encode(truth)
    scores = domain.score(limits, domain.signals(model, observation, code, model.generate(code)))
    assert (scores <= 1).float().mean() > 0.99
