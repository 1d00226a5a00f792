"""Names that were others on disk: what version 0.1 wrote reads as what is written now."""

import pytest

from agerestore import degradations
from agerestore.config import legacy
from agerestore.config.training import TrainConfig, train_config

OLD = {
    "preset": "photo",
    "grey": 0.125,
    "enlarged": 0.2,
    "graph": True,
    "damage": "noise:sigma=25",
    "divergence": "official",
    "turns": {
        "encoder": {"steps": 1, "rate": 1.0, "weights": {"kl_real": 1, "centre": 2}},
        "generator": {"weights": {"energy": 3}},
    },
    "settle": {"steps": 3, "turn": {"weights": {"kl_real": 2}}},
    "robust": {"damage": "noise:sigma=1", "turn": {"weights": {"image": 1}}},
    "paints": {"steps": 4, "turn": {"weights": {"surprisal": 1}}},
    "network": {"architecture": "photo", "latent_dim": 0},
}


def test_a_configuration_of_version_0_1_is_read_under_the_names_of_now():
    config = TrainConfig.model_validate(legacy.training(OLD))
    assert (config.gray, config.upscaled, config.cuda_graph, config.degradation) == (0.125, 0.2, True, "noise:sigma=25")
    assert config.divergence == "age_code"
    assert config.updates["encoder"].weights == {"kl_real": 1, "regression": 2}
    assert config.updates["generator"].weights == {"variance_ratio": 3}
    assert (config.finetune.steps, config.code_prior.steps) == (3, 4)
    assert config.robust.degradation == "noise:sigma=1"
    assert config.finetune.update.weights == {"kl_real": 2}


@pytest.mark.parametrize("preset", ["age-mnist", "photo", "color", "aae-mnist-semi"])
def test_what_is_written_now_reads_as_it_is(preset):
    values = train_config(preset).model_dump(mode="json")
    assert legacy.training(values) == values
    header = {"training": values, "network": values["network"], "data_license": "x", "validation": {"gray": 1.0}}
    assert legacy.header(header) == header


def test_a_header_of_version_0_1_is_read_under_the_names_of_now():
    header = legacy.header(
        {"terms": "CC0", "validation": {"grey": 1.0, "samples_centre": 2.0}, "training": {"grey": 1}}
    )
    assert header["data_license"] == "CC0"
    assert header["validation"] == {"gray": 1.0, "samples_estimate": 2.0}
    assert header["training"] == {"gray": 1}


@pytest.mark.parametrize(("then", "now"), [
    ("jpeg:quality=8..30|noise,jpeg", "jpeg@1:quality=8..30|noise,jpeg@1"),
    ("old-photo|webp", "grain,fading,blur:sigma=0..1.2,scratches,dust,jpeg@1:quality=50..95|webp"),
    ("noise:sigma=0..55", "noise:sigma=0..55"),
])  # fmt: skip
def test_a_run_goes_on_with_the_versions_of_degradations_that_it_was_begun_with(then, now):
    assert legacy.training({"damage": then}) == {"degradation": now}
    assert legacy.training({"degradation": then}) == {"degradation": then}
    assert degradations.parse(now)


def test_random_numbers_derive_from_the_names_that_stages_had_first():
    assert [legacy.random_key(name) for name in ("adversarial", "finetune", "robust")] == ["game", "settle", "robust"]
    assert legacy.random_key("encoder+generator") == "encoder+generator"


def test_no_name_of_now_is_an_old_one_too():
    """Or what is written now would be translated once more."""
    for table in (legacy.NETWORK, legacy.TERMS, legacy.STAGES, legacy.PLAYERS, legacy.HEADER, legacy.METRICS):
        assert set(table).isdisjoint(table.values())
