"""The experiments on AAEs, with encoders whose every answer is known in place of trained ones."""

import pytest
import torch
from bars import bars, label_of

from agerestore.config.training import train_config
from agerestore.models.base import Model
from agerestore.models.latent import one_hot, sample_latents
from agerestore.models.registry import build
from agerestore.research.experiments import Context, aae
from agerestore.research.experiments.aae import PLOT_SIZE, scatter


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """Run an experiment on 200 bars with an encoder: (config, images) -> codes."""

    def run(experiment, encode, **options):
        def model(self, preset, *settings, name=""):
            config = train_config(preset, ("network.width=4",))
            networks = build(config.network).eval().requires_grad_(False)
            networks.encode = lambda images, robust=False: encode(config.network, images)
            return Model(networks, {"training": {"validation": 0.05}})

        monkeypatch.setattr(Context, "model", model)
        return experiment(Context(bars(), bars(), tmp_path), **options)

    return run


def certain(config, images, shift=0):
    """One-hot codes: class (label + shift) mod K, without style."""
    classes = one_hot((label_of(images) + shift) % config.classes, config.classes)
    return torch.cat([classes, torch.zeros(len(images), config.latent_dim)], 1)


def test_the_semi_supervised_error_is_the_share_of_other_classes(answers):
    assert answers(aae.aae_semi, certain, labels=1000).figures == {"1000 labels, seed 0": {"error": 0.0}}

    def zeros_are_ones(config, images):
        return certain(config, images + images.new_tensor(0), shift=(label_of(images) == 0).long())

    result = answers(aae.aae_semi, zeros_are_ones, labels=100)
    assert result.figures["100 labels, seed 0"]["error"] == pytest.approx(0.1)
    assert torch.equal(label_of(result.rows[0]), torch.zeros(16, dtype=torch.int64))  # errors are what is shown


def test_clusters_are_named_by_what_is_in_them_whatever_their_order(answers):
    def permuted(config, images):
        return certain(config, images, shift=3)

    def merged(config, images):
        label = label_of(images)
        return certain(config, images, shift=torch.where(label == 9, 9, 0) - torch.where(label == 9, 18, 0))

    assert answers(aae.aae_clusters, permuted, preset="aae-mnist-clusters").figures["aae-mnist-clusters"]["error"] == 0
    assert answers(aae.aae_clusters, merged, preset="aae-mnist-clusters").figures["aae-mnist-clusters"][
        "error"
    ] == pytest.approx(0.1)  # nines are in the cluster of zeros


def test_codes_that_are_draws_by_label_are_in_their_component_as_often_as_draws(answers):
    def by_label(config, images):
        return sample_latents(len(images), 2, torch.Generator().manual_seed(1), "mixture", label_of(images))

    figures = answers(aae.aae_labels, by_label).figures["aae-mnist-labels"]
    assert figures["own_component"] == pytest.approx(figures["own_component of draws"], abs=0.05)
    assert figures["own_component of draws"] > 0.9

    def blind(config, images):
        return sample_latents(len(images), 2, torch.Generator().manual_seed(1), "mixture")

    assert answers(aae.aae_labels, blind).figures["aae-mnist-labels"]["own_component"] == pytest.approx(0.1, abs=0.08)


def test_the_latent_distance_is_one_for_draws_of_the_prior_and_grows_with_a_shift(answers):
    generator = torch.Generator().manual_seed(2)

    def matched(config, images):
        return sample_latents(len(images), 2, generator, config.prior)

    def shifted(config, images):
        return matched(config, images) + 2

    near, far = (answers(aae.aae_priors, encode).figures for encode in (matched, shifted))
    for preset in ("aae-mnist-gaussian", "aae-mnist-mixture", "aae-mnist-swissroll"):
        assert near[preset]["latent_distance"] == pytest.approx(1, abs=0.35)
        assert near[preset]["latent_distance between them"] == pytest.approx(1, abs=0.35)
        assert far[preset]["latent_distance"] > 3


def test_points_are_plotted_where_they_are():
    plot = scatter(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([0, 5]))
    assert plot.shape == (1, 3, PLOT_SIZE, PLOT_SIZE)
    drawn = (plot[0].amin(dim=0) < 1).nonzero().tolist()
    assert drawn == [[0, PLOT_SIZE - 1], [PLOT_SIZE // 2 - 1, PLOT_SIZE // 2]]
