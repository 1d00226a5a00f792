import pytest

from agerestore.config.presets import presets
from agerestore.config.training import TrainConfig, read_config, train_config
from agerestore.errors import UsageError


def test_settings_reach_nested_fields_in_their_own_types():
    config = train_config(
        "age-cifar10", ("network.width=16", "updates.encoder.weights.match_x=15", "lr=1e-3", "flip=true", "steps=7")
    )
    assert (config.network.width, config.lr, config.flip, config.steps) == (16, 1e-3, True, 7)
    assert config.updates["encoder"].weights == {"kl_real": 1, "kl_fake": -1, "match_x": 15}
    assert config.network.latent_dim == 128  # the preset's


def test_settings_leave_the_presets_as_they_are():
    train_config("age-mnist", ("network.width=3", "updates.generator.steps=9"))
    assert train_config("age-mnist").network.width != 3
    assert train_config("age-mnist").updates["generator"].steps == 2


@pytest.mark.parametrize(
    ("preset", "setting", "words"),
    [
        ("nothing", "", "no preset 'nothing'; choose one such as"),
        ("age", "steps", "not of the form key=value"),
        ("age", "stepz=3", "`settings` stepz: unknown key"),
        ("age", "steps=many", "`settings` steps: Input should be a valid integer"),
        ("age", "batch_size=1", "greater than or equal to 2"),
        ("age", "lr.high=1", "lr holds a single value"),
        ("age", "network.image_size=48", "`settings` network.image_size: Input should be 32 or 64"),
        ("photo", "augment=true", "`settings`: augment would have no effect here: leave that out"),
        ("age", "degradation=noise", "`settings`: degradation would have no effect here"),
        ("photo", "estimate.lr_decay=step", "`settings` estimate.lr_decay: Input should be 'constant', 'linear' or"),
        ("aae-mnist-clusters", "network.spectral=true", "removes the batch norms"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(preset, setting, words):
    with pytest.raises(UsageError) as error:
        train_config(preset, (setting,) if setting else ())
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_which_games_compare_draws():
    assert train_config("photo").compares_draws
    assert train_config("color").compares_draws
    assert not train_config("photo", ("network.latent_dim=0",)).compares_draws
    assert not train_config("photo", ("steps=0",)).compares_draws
    assert not train_config("color-regression").compares_draws
    assert not train_config("color", ("updates.generator.weights.kl_within=0",)).compares_draws


@pytest.mark.parametrize("preset", presets())
def test_a_configuration_survives_its_file(preset, tmp_path):
    config = train_config(preset)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    assert read_config(tmp_path / "config.json") == config
    assert TrainConfig.model_validate(config.model_dump(mode="json")) == config


def test_an_unreadable_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json: not a readable training configuration"):
        read_config(tmp_path / "config.json")
    with pytest.raises(UsageError, match="none: holds no run to go on with; leave out `resume`"):
        read_config(tmp_path / "none" / "config.json")


@pytest.mark.parametrize(
    ("preset", "settings", "finetune", "robust"),
    [
        ("age-mnist", (), 800, 16_000),
        ("age-mnist", ("steps=2",), 1, 13),
        ("age-mnist", ("steps=1250",), 400, 8000),
        ("age-mnist", ("steps=9999",), 800, 16_000),
        ("age-mnist", ("steps=2", "robust.steps=7"), 1, 7),
        ("age-mnist", ("steps=0",), 800, 16_000),
        ("age-mnist", ("objective=vae", "steps=2"), 0, 13),
        ("age-cifar10", ("steps=2",), 0, 2),
    ],
)
def test_a_run_of_few_steps_is_short_in_all_its_stages(preset, settings, finetune, robust):
    config = train_config(preset, settings)
    assert (config.finetune.steps, config.robust.steps) == (finetune, robust)


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("age", ("views=true",)), ("age", ("style_noise=0.5",)), ("age", ("labels=100",)), ("age", ("gray=1",)),
        ("age", ("crop_size=128",)), ("age", ("sigma=0.1",)), ("color", ("labels=10",)), ("photo", ("sigma=1",)),
        ("aae-mnist", ("views=true",)),
    ],
)  # fmt: skip
def test_settings_that_nothing_reads_are_refused(preset, settings):
    with pytest.raises(UsageError, match="would have no effect here"):
        train_config(preset, settings)


def test_settings_that_something_reads_are_taken():
    assert train_config("age", ("objective=vae", "sigma=0.1")).sigma == 0.1
    assert train_config("aae-mnist-semi", ("labels=100",)).labels == 100
    assert train_config("aae-mnist-clusters", ("objective=vae",)).style_noise == 0  # which came with the other system


def test_fewer_steps_shorten_the_regression_too():
    usual = train_config("photo")
    assert train_config("photo", ("steps=2",)).estimate.steps == usual.estimate.steps * 2 / usual.steps
    assert train_config("photo", ("steps=2", "estimate.steps=7")).estimate.steps == 7
