"""What a run leaves in its folder, and what it refuses."""

import json
import math

import pytest
from tiny_runs import TINY, equal, fit, weights

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.models import weights as checkpoint
from agerestore.models import zoo
from agerestore.training import state as training
from agerestore.training.resume import load_state

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_run_leaves_weights_a_log_sheets_and_its_configuration(images, tmp_path):
    seen = []
    path = fit(train_config("age-mnist", TINY), images, tmp_path / "run", progress=seen.append,
                       provenance={"data_license": "drawn here"})  # fmt: skip
    header = checkpoint.read_header(path)
    assert header["data_license"] == "drawn here"
    assert header["images_seen"] == (6 + 2 + 4) * 8
    assert set(header["domain"]) == {"unexplained", "reencoding"}
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    logged = [row for row in rows if "encoder/kl_real" in row]
    assert [(row["stage"], row["step"]) for row in logged] == [
        ("adversarial", 2),
        ("adversarial", 4),
        ("adversarial", 6),
        ("finetune", 2),
    ]
    assert any("robust_encoder/image" in row for row in rows)
    assert {path.name for path in (tmp_path / "run" / "sheets").iterdir()} == {
        "adversarial-0000004.png", "adversarial-0000006.png", "finetune-0000002.png", "robust-0000004.png"}  # fmt: skip
    assert (seen[-1].stage, seen[-1].step, seen[-1].steps) == ("robust", 4, 4)


def test_seeds_matter(images, tmp_path):
    a = fit(train_config("age-mnist", TINY), images, tmp_path / "a")
    b = fit(train_config("age-mnist", (*TINY, "seed=1")), images, tmp_path / "b")
    assert not equal(weights(a), weights(b))


def test_resuming_with_other_settings_is_refused(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(train_config("age-mnist", TINY), images, tmp_path, stop=lambda: True)
    with pytest.raises(UsageError, match="begun with other settings"):
        fit(train_config("age-mnist", (*TINY, "lr=1e-5")), images, tmp_path, resume=True)
    quicker = train_config("age-mnist", (*TINY, "log_every=7", "state_minutes=9"))
    with pytest.raises(KeyboardInterrupt):  # which is not refused
        fit(quicker, images, tmp_path, resume=True, stop=lambda: True)


def test_a_run_folder_in_use_is_refused(images, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(UsageError, match="not empty; pass `resume=True`"):
        fit(train_config("age-mnist", TINY), images, tmp_path)


def test_a_set_smaller_than_a_batch_is_refused(images, tmp_path):
    with pytest.raises(UsageError, match="fewer than one batch"):
        fit(train_config("age-mnist", (*TINY, "batch_size=64")), images, tmp_path / "run")


def test_nan_ends_the_run_and_never_reaches_the_state(images, tmp_path, monkeypatch):
    config = train_config("age-mnist", TINY)
    iterate = training.Training.iterate

    def poisoned(self):
        terms = iterate(self)
        return {name: value * math.nan for name, value in terms.items()} if self.step == 4 else terms

    monkeypatch.setattr(training.Training, "iterate", poisoned)
    with pytest.raises(AgeRestoreError, match=r"adversarial iteration 4: .* is not finite; lower the learning rate"):
        fit(config, images, tmp_path / "run")
    assert load_state(tmp_path / "run")[1]["step"] == 3


def test_a_run_is_resumed_on_its_own_pictures_only(images, tmp_path):
    config = train_config("age-mnist", TINY)
    with pytest.raises(KeyboardInterrupt):
        fit(config, images, tmp_path, stop=lambda: True)
    with pytest.raises(UsageError, match="begun on other images"):
        fit(config, ImageSet(images.images.flip(0)), tmp_path, resume=True)
    header = checkpoint.read_header(fit(config, images, tmp_path, resume=True))
    assert header["training_images"] + header["held_out_images"] == 60
    assert header["held_out_images"] == round(60 * config.validation)
    assert "validation_of" not in header


def test_figures_of_training_pictures_are_called_so(images, tmp_path):
    header = checkpoint.read_header(fit(train_config("age-mnist", (*TINY, "validation=0")), images, tmp_path))
    assert (header["held_out_images"], header["validation_of"]) == (0, "training pictures")


def test_a_run_without_any_step_is_refused(images, tmp_path):
    nothing = train_config("age-mnist", (*TINY, "steps=0", "finetune.steps=0", "robust.steps=0"))
    with pytest.raises(UsageError, match="nothing to train"):
        fit(nothing, images, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_folder_of_a_run_is_its_model(images, tmp_path):
    path = fit(train_config("age-mnist", TINY), images, tmp_path / "run")
    assert equal(weights(path), zoo.load(tmp_path / "run").networks.state_dict())
