import math

import numpy as np
import pytest
import torch
from torch import nn

from agerestore import device as devices
from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import RestoreSettings
from agerestore.errors import OutOfDomainError, UsageError
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.fixed_size import domain_scores
from agerestore.inference.refine import refine_code
from agerestore.inference.restorer import restore, restore_observation
from agerestore.inference.selection import select_model
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import project, sample_latents
from agerestore.models.registry import build

SIZE, DIM = 32, 8
CONTRAST = 60.0


class LinearEncoder(nn.Module):
    """Projects a picture in [-1, 1] onto an orthonormal basis, and that onto the sphere."""

    def __init__(self, basis):
        super().__init__()
        self.basis = nn.Parameter(basis)

    def forward(self, image):
        return project(image.flatten(1) @ self.basis.T)


class LinearGenerator(nn.Module):
    """The inverse of `LinearEncoder` on the pictures that it can make."""

    def __init__(self, basis):
        super().__init__()
        self.basis = nn.Parameter(basis)

    def forward(self, code):
        return CONTRAST * (code @ self.basis).reshape(-1, 1, SIZE, SIZE)


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """On every processor: what is known in closed form is known to more digits than bf16 has."""
    monkeypatch.setattr(devices, "fastest", lambda device: "fp32")


@pytest.fixture
def model():
    """A model whose every answer is known: its clean pictures are the points of a sphere in a space of slow waves."""
    place = (torch.arange(SIZE) + 0.5) * math.pi / SIZE
    waves = [torch.outer(torch.cos(i * place), torch.cos(j * place)).flatten() for i in range(3) for j in range(3)]
    basis = torch.nn.functional.normalize(torch.stack(waves[1:]), dim=1)  # cosines are orthogonal
    config = AutoencoderConfig(channels=1, latent_dim=DIM, width=1)
    networks = Autoencoder(config)
    networks.encoder, networks.generator = LinearEncoder(basis), LinearGenerator(basis)
    networks.eval().requires_grad_(False)
    return Model(networks, {"domain": {"unexplained": 0.5, "reencoding": 0.5}})


@pytest.fixture
def clean(model):
    return model.networks.generate(sample_latents(3, DIM, torch.Generator().manual_seed(1)))


def test_a_clean_picture_comes_back(model, clean):
    answer = restore_observation(model, Observation(clean))
    torch.testing.assert_close(answer.image, clean, atol=1e-5, rtol=0)
    assert answer.score < 0.05


def test_noise_outside_the_subspace_is_removed_as_projection_predicts(model, clean):
    noise = 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
    error = (restore_observation(model, Observation(clean + noise)).image - clean).square().sum(dim=(1, 2, 3))
    # Of 1024 dimensions of noise about DIM - 1 remain: those along the sphere.
    assert float(error.mean()) == pytest.approx(0.02**2 * (DIM - 1), rel=0.6)


def test_with_a_mask_every_observed_pixel_is_bit_exact(model, clean):
    mask = torch.zeros(3, 1, SIZE, SIZE)
    mask[..., 4:20, 6:18] = 1
    damaged = torch.where(mask > 0, 0.0, clean)
    answer = restore_observation(model, Observation(damaged, mask)).image
    assert torch.equal(answer[mask == 0], damaged[mask == 0])
    assert (answer - clean).square().mean() < (damaged - clean).square().mean()


def test_refinement_finds_the_code_that_explains_the_observed_pixels(model, clean):
    mask = torch.zeros(3, 1, SIZE, SIZE)
    mask[..., : SIZE // 2, :] = 1  # the whole upper half is gone
    observation = Observation(torch.where(mask > 0, 0.0, clean), mask)
    plain, refined = (
        restore_observation(model, observation, RestoreSettings(latent_steps=steps)).image for steps in (0, 300)
    )
    before, after = ((image - clean).square().mean() for image in (plain, refined))
    assert after < before / 10


def test_where_nothing_is_observed_refinement_trusts_the_encoder(model, clean):
    everything = torch.ones(3, 1, SIZE, SIZE)
    code = model.networks.encode(clean)
    moved = refine_code(model.networks, Observation(clean, everything), code, 50)
    assert (moved * code).sum(dim=1).min() > 0.999


def test_refinement_knows_of_a_degradation(model, clean):
    def dimmed(image):
        return 0.5 * image

    start = model.networks.encode(dimmed(clean))
    code = refine_code(model.networks, Observation(dimmed(clean)), start, 300, dimmed)
    torch.testing.assert_close(model.networks.generate(code), clean, atol=2e-3, rtol=0)


def test_a_picture_is_refined_alike_alone_and_in_a_batch(model, clean):
    mask = torch.zeros(3, 1, SIZE, SIZE)
    mask[..., : SIZE // 2, :] = 1
    whole = restore_observation(model, Observation(clean, mask), RestoreSettings(latent_steps=20)).image
    alone = restore_observation(model, Observation(clean[1:2], mask[1:2]), RestoreSettings(latent_steps=20)).image
    torch.testing.assert_close(whole[1:2], alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (28, 28), (32, 32), (60, 47), (300, 20), (7, 5, 3), (64, 64, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_answer_has_the_form_depth_and_size_of_the_picture(model, shape, dtype):
    random = np.random.default_rng(0).random(shape)
    picture = random.astype(dtype) if dtype is np.float32 else (random * np.iinfo(dtype).max).astype(dtype)
    answer = restore({"linear": model}, picture).image
    assert (answer.shape, answer.dtype) == (picture.shape, picture.dtype)
    mask = np.zeros(shape[:2], bool)
    mask[0, 0] = True
    filled = restore({"linear": model}, picture, mask).image
    assert np.array_equal(filled[~mask], picture[~mask])


def test_floats_outside_the_range_are_taken_as_they_are(model, clean):
    # A pair of opposite errors far outside [0, 1] cancels in the projection only if neither is clipped.
    basis = model.networks.generator.basis
    swing = torch.zeros(SIZE * SIZE)
    swing[:2] = torch.tensor([basis[0, 1], -basis[0, 0]]) * 20  # orthogonal to the first direction only
    swing -= basis.T @ (basis @ swing)  # ... and now to the whole subspace
    noisy = clean + swing.reshape(1, 1, SIZE, SIZE)
    assert noisy.max() > 1
    torch.testing.assert_close(restore_observation(model, Observation(noisy)).image, clean, atol=1e-4, rtol=0)


def test_a_foreign_picture_is_restored_with_a_warning(model):
    wave = torch.cos(4 * (torch.arange(SIZE) + 0.5) * math.pi / SIZE)  # faster than any wave the model knows
    stripes = (0.5 + 0.4 * wave).expand(1, SIZE, SIZE)
    result = restore({"linear": model}, stripes)
    assert result.score > 1
    assert "out of the domain of 'linear'" in result.remarks[0]


def test_color_is_outside_a_gray_model_and_gray_in_three_channels_is_not(model, clean):
    gray = clean[:1].expand(1, 3, -1, -1)
    red = gray * torch.tensor([1.0, 0.2, 0.2])[:, None, None]
    assert domain_scores(model, Raster(gray)) < 1
    assert domain_scores(model, Raster(red)) > 1


def test_the_best_model_is_the_one_whose_domain_the_picture_is_in(model, clean):
    other = Model(model.networks, {"domain": {"unexplained": 1e-9, "reencoding": 1e-9}})
    asked = Raster(clean[:1])
    assert select_model({"other": other, "right": model}, asked).name == "right"
    with pytest.raises(OutOfDomainError, match="in no model's domain"):
        select_model({"other": other}, Raster(clean[:1] + 0.3))
    with pytest.raises(UsageError, match="no model"):
        select_model({}, asked)


def test_scores_scale_with_the_limits(model, clean):
    noisy = clean[0] + 0.1
    strict = Model(model.networks, {"domain": {name: value / 4 for name, value in model.header["domain"].items()}})
    strictly, usually = (float(domain_scores(each, Raster(noisy[None]))) for each in (strict, model))
    assert math.isclose(strictly, 4 * usually, rel_tol=1e-5)


@pytest.fixture
def bf16(monkeypatch):
    """A model as on a processor that computes in bf16 by itself, and pictures for it."""
    monkeypatch.setattr(devices, "fastest", lambda device: "bf16")
    networks = build(AutoencoderConfig(latent_dim=16, width=8)).eval().requires_grad_(False)
    for layer in networks.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight *= 6  # so that pictures are not gray
    images = torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    return Model(networks, {"domain": {"unexplained": 0.5, "reencoding": 0.5}}), Observation(images)


def test_the_faster_precision_is_taken_and_changes_little(bf16):
    model, observation = bf16
    exact, fast, automatic = (
        restore_observation(model, observation, RestoreSettings(precision=name)) for name in ("fp32", "bf16", "auto")
    )
    assert exact.image.std() > 0.05
    assert torch.equal(automatic.image, fast.image)
    assert not torch.equal(fast.image, exact.image)
    torch.testing.assert_close(fast.image, exact.image, rtol=0, atol=0.05)
    assert fast.score == pytest.approx(exact.score, rel=0.05, abs=0.05)
    assert fast.image.dtype == torch.float32


def test_in_bf16_a_picture_is_restored_alike_alone_and_in_a_batch(bf16):
    model, observation = bf16
    whole = restore_observation(model, observation).image
    again = restore_observation(model, observation).image
    alone = restore_observation(model, Observation(observation.image[1:2])).image
    assert torch.equal(whole, again)
    torch.testing.assert_close(whole[1:2], alone, rtol=0, atol=0.05)


def test_refinement_is_in_fp32(bf16):
    model, observation = bf16
    automatic, exact = (
        restore_observation(model, observation, RestoreSettings(latent_steps=2, precision=name)).image
        for name in ("auto", "fp32")
    )
    assert torch.equal(automatic, exact)
