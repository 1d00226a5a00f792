"""Every kind of model answers what the rest of the library asks, and a new kind is one configuration and one class."""

from typing import ClassVar, Literal

import pytest
import torch
from torch import nn

from agerestore.config.networks import (
    CONFIGS,
    AutoencoderConfig,
    ColorizerConfig,
    DetectorConfig,
    NetworkConfig,
    PhotoColorizerConfig,
    PhotoConfig,
)
from agerestore.errors import UsageError, WeightsError
from agerestore.losses.registry import CONDITIONS
from agerestore.models import weights
from agerestore.models.base import InputSpec, Model, ModelNetworks
from agerestore.models.registry import KINDS, build

SMALL = {
    "autoencoder": AutoencoderConfig(width=2, latent_dim=4),
    "photo": PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=4),
    "colorizer": ColorizerConfig(width=2, latent_dim=4),
    "detector": DetectorConfig(widths=(2, 3, 4), blocks=(0, 1, 1)),
    "photo-colorizer": PhotoColorizerConfig(widths=(4, 4, 4, 4, 4), latent_dim=4, prior_components=2),
}
OPTIONS = {"mask", "strength", "sigma", "ensemble", "tile", "uncertainty", "samples", "seed", "reference",
           "latent_steps", "degradation", "sensitivity", "fill_large", "saturation", "hints"}  # fmt: skip
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def model(kind):
    return Model(build(SMALL[kind]).eval().requires_grad_(False), {"data_license": "CC0", "domain": {}}, kind)


def images(spec, count=2):
    side = spec.size or 24
    return torch.rand(count, spec.channels, side, side, generator=torch.Generator().manual_seed(0))


def test_every_kind_has_a_small_example_here():
    assert SMALL.keys() == KINDS.keys()
    assert {each.kind for each in CONFIGS.values()} - {"blur"} == KINDS.keys()


@every_kind
def test_a_model_says_what_it_is(kind, model):
    assert (model.kind, model.name, model.license) == (kind, kind, "CC0")
    verb = {"restoration": {"restore"}, "colorization": {"colorize"}, "detection": set()}[model.task]
    assert verb <= model.verbs <= {"restore", "colorize", "sample", "interpolate"}
    assert model.supports <= OPTIONS
    assert ("mask" in model.supports) == (model.task == "restoration")
    assert model.device == torch.device("cpu")
    assert all(word in repr(model) for word in (kind, model.task, "cpu"))


@every_kind
def test_calling_a_model_is_one_forward_pass_on_images_that_fit(model):
    image = images(model.input)
    answer = model(image)
    outputs = len(model.networks.config.defects) if model.task == "detection" else 3
    assert answer.shape == (2, outputs, *image.shape[2:])
    assert answer.min() >= 0
    assert answer.max() <= 1
    assert not answer.requires_grad
    if "mask" in model.supports:  # what stands in missing pixels does not matter
        mask = torch.zeros_like(image[:, :1])
        mask[..., 4:9, 4:9] = 1
        torch.testing.assert_close(model(image, mask), model(torch.where(mask > 0, 0.5, image), mask))


@every_kind
def test_moving_a_model_moves_it_and_returns_it(model):
    fused = model.fused
    assert model.fused is fused  # made once
    assert model.to("cpu") is model
    assert model.fused is not fused  # the copy is where the model was
    torch.testing.assert_close(model.fused(images(model.input)), model(images(model.input)), rtol=1e-4, atol=1e-5)


@every_kind
def test_weights_of_every_kind_come_back(kind, model, tmp_path):
    weights.save_weights(tmp_path / "w.safetensors", model.networks, model.header)
    loaded = weights.load_weights(tmp_path / "w.safetensors")
    assert (loaded.kind, loaded.license, loaded.name) == (kind, "CC0", str(tmp_path / "w.safetensors"))
    assert loaded.networks.config == model.networks.config
    torch.testing.assert_close(loaded(images(model.input)), model(images(model.input)), atol=5e-3, rtol=0)


@every_kind
def test_what_a_model_cannot_do_is_refused_in_one_line(model):
    for verb in {"restore", "colorize", "sample", "interpolate"} - model.verbs:
        with pytest.raises(UsageError, match=rf"is not for `{verb}\(\)` but for \S.*; choose another `model`"):
            model.require(verb)
    for verb in model.verbs:
        model.require(verb, sorted(model.supports))
        for option in OPTIONS - model.supports:
            with pytest.raises(UsageError, match=f"does not support `{option}`; leave that out"):
                model.require(verb, [*model.supports, option])
            assert model.unsupported([option, *model.supports]) == [option]


@every_kind
def test_a_configuration_says_what_training_asks(kind):
    config = SMALL[kind]
    assert config.kind == kind
    assert config.adversarial_loss in CONDITIONS
    assert set(config.stages) <= {"adversarial", "finetune", "robust", "estimate", "code_prior", "detect"}
    assert ("detect" if kind == "detector" else "adversarial") in config.stages
    assert config.is_conditional == (kind != "autoencoder")
    assert config.code_dim >= config.latent_dim
    assert (config.latent_dim > 0) == (kind != "detector")  # which has no codes
    assert config.codes_per_image(33, 16) == (3 if kind == "photo" else 1)
    seen = KINDS[config.kind].preprocess(config, images(InputSpec(config.channels, config.image_size)))
    assert len(seen) == 2
    assert seen.isfinite().all()


@every_kind
def test_what_no_stage_trained_is_left_out_of_a_trained_model(kind, model):
    everything = {name for name, _ in model.networks.named_children()}
    image = images(model.input)
    for trained in (everything, {"encoder", "generator"}, {"estimator"}):
        kept = model.networks.strip_for_inference(trained)
        assert {name for name, _ in kept.named_children()} <= everything
        assert torch.equal(kept(image), model(image))  # they are not needed for a forward pass
        again = build(kept.config)
        again.load_state_dict(kept.state_dict())


class BlurConfig(NetworkConfig):
    kind: ClassVar[str] = "blur"
    architecture: Literal["blur"] = "blur"
    channels: ClassVar[int] = 1
    image_size: ClassVar[None] = None
    latent_dim: ClassVar[int] = 0
    prior: ClassVar[str] = "sphere"
    side: Literal[3, 5] = 3


class Blur(ModelNetworks):
    def __init__(self, config):
        super().__init__(config)
        self.kernel = nn.Conv2d(1, 1, config.side, padding=config.side // 2, padding_mode="replicate")

    def initialize(self):
        nn.init.constant_(self.kernel.weight, 1 / self.config.side**2)
        nn.init.zeros_(self.kernel.bias)

    def forward(self, image, mask=None):
        return self.kernel(image)


@pytest.fixture
def blur(monkeypatch):
    monkeypatch.setitem(KINDS, "blur", Blur)
    return build(BlurConfig(side=5))


def test_a_new_kind_is_a_configuration_a_class_and_a_row(blur, tmp_path):
    weights.save_weights(tmp_path / "w.safetensors", blur, {})
    loaded = weights.load_weights(tmp_path / "w.safetensors")
    assert (loaded.kind, loaded.task, loaded.verbs, loaded.license) == (
        "blur", "restoration", {"restore"}, "not stated",
    )  # fmt: skip
    assert loaded.input == InputSpec(1, None)
    torch.testing.assert_close(
        loaded(torch.full((1, 1, 7, 9), 0.25)), torch.full((1, 1, 7, 9), 0.25), atol=1e-3, rtol=0
    )


def test_networks_of_an_unknown_kind_are_named(blur, tmp_path, monkeypatch):
    weights.save_weights(tmp_path / "w.safetensors", blur, {})
    monkeypatch.delitem(CONFIGS, "blur")
    with pytest.raises(WeightsError, match=r"w\.safetensors: .*no architecture 'blur'; choose one of"):
        weights.load_weights(tmp_path / "w.safetensors")
