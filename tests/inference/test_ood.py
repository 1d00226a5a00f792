import pytest
import torch

from agerestore import degradations
from agerestore.config.networks import AutoencoderConfig
from agerestore.images.observation import Observation
from agerestore.inference import ood
from agerestore.models.registry import build


@pytest.fixture
def model():
    return build(AutoencoderConfig(channels=1, latent_dim=8, width=2)).eval()


def test_smoothing_keeps_the_mean_and_spreads_a_point_as_a_gaussian():
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    smooth = ood._smooth(point)[0, 0]
    offsets = torch.arange(33) - 16.0
    assert smooth.sum().item() == pytest.approx(1, abs=1e-5)
    assert (smooth.sum(0) * offsets**2).sum().item() == pytest.approx(ood.SMOOTHING**2, rel=0.03)


@pytest.fixture
def square():
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:24, 8:24] = 1.0
    return image


def test_a_picture_explained_wholly_leaves_nothing_and_one_not_at_all_leaves_all(square):
    assert ood.residual_structure(Observation(square), square).item() < 0.01
    flat = torch.full_like(square, 0.3)
    assert ood.residual_structure(Observation(square), flat).item() == pytest.approx(1, abs=0.01)


def test_contrast_and_brightness_are_allowed_for_and_an_inverted_picture_is_not(square):
    assert ood.residual_structure(Observation(0.4 * square + 0.3), square).item() < 0.02
    assert ood.residual_structure(Observation(1 - square), square).item() == pytest.approx(1, abs=0.01)


def test_independent_noise_is_allowed_for_and_structure_is_not(square):
    generator = torch.Generator().manual_seed(0)
    noisy = square + 0.5 * torch.randn(200, 1, 32, 32, generator=generator)
    other = square.roll((6, 6), (2, 3))
    explained = ood.residual_structure(Observation(noisy), square.expand_as(noisy))
    foreign = ood.residual_structure(Observation(noisy), other.expand_as(noisy))
    assert explained.mean() < 0.05
    assert (foreign > explained.max()).float().mean() > 0.99


def test_a_picture_without_structure_is_in_no_domain(square):
    assert ood.residual_structure(Observation(torch.zeros_like(square)), square).item() == 1


def test_unknown_pixels_do_not_count(square):
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16, :] = 1
    wrong = torch.where(mask > 0, torch.rand(32, 32, generator=torch.Generator().manual_seed(0)), square)
    hidden = Observation(torch.where(mask > 0, 7.0, square), mask)
    assert ood.residual_structure(hidden, wrong).item() < 0.01


def test_the_score_is_the_worse_of_the_signals_in_units_of_its_limit():
    measured = {"unexplained": torch.tensor([0.1, 0.2]), "reencoding": torch.tensor([0.3, 0.0])}
    assert ood.score({"unexplained": 0.1, "reencoding": 0.1}, measured).tolist() == pytest.approx([3, 2])


def test_damaged_validation_pictures_lie_inside_their_own_limits(model):
    truth = torch.rand(300, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    limits = ood.calibrate(model, truth, degradations.parse("noise:sigma=25|missing"))
    observation = Observation(truth)
    code = model.encode(truth)
    scores = ood.score(limits, ood.features(model, observation, code, model.generate(code)))
    assert (scores <= 1).float().mean() > 0.99
