"""`evaluate`: what goes to which measurement, and what is refused before anything is measured."""

import inspect

import numpy as np
import pytest

from agerestore.config.networks import AutoencoderConfig, ColorizerConfig, PhotoConfig
from agerestore.errors import UsageError
from agerestore.evaluation import evaluator
from agerestore.evaluation.evaluator import evaluate
from agerestore.images.io import write
from agerestore.images.photo import Photo
from agerestore.models.base import Model
from agerestore.models.registry import build

CONFIGS = {
    "digits": AutoencoderConfig(channels=1, latent_dim=8, width=2),
    "photo": PhotoConfig(widths=(4, 4, 4), blocks=(1, 1, 1), latent_dim=0),
    "color": ColorizerConfig(width=4, latent_dim=4),
}


def model(name):
    networks = build(CONFIGS[name]).eval().requires_grad_(False)
    return Model(networks, {"domain": {"unexplained": 1.0, "reencoding": 1.0}}, name)


@pytest.fixture
def folder(tmp_path):
    """Nine images of 32 pixels, each of one gray: 0, 20, 40, ..."""
    (tmp_path / "set").mkdir()
    for number in range(9):
        write(tmp_path / f"set/{number}.png", Photo(np.full((32, 32, 1), 20 * number, np.uint8)))
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("digits", {"degradation": "nosuch"}, "nosuch"),
        ("digits", {"degradation": ["noise", "blur:sigma=1:nosuch=2"]}, "nosuch"),
        ("digits", {}, "say what is to be restored with `degradation`"),
        ("digits", {"degradation": "noise", "ensemble": 8}, "ensemble"),
        ("digits", {"degradation": "noise", "compare_with": "x"}, "does not support `compare_with`"),
        ("digits", {"suite": "magic"}, "no suite 'magic'"),
        ("digits", {"suite": "paper", "degradation": "noise", "latent_steps": 2}, "`degradation` and `latent_steps`"),
        ("photo", {"degradation": "noise", "training": "x"}, "does not support `training`"),
        ("photo", {"degradation": "noise", "latent_steps": 2}, "latent_steps"),
        ("photo", {"suite": "paper"}, "for an encoder and a generator"),
        ("color", {"degradation": "noise"}, "model 'color' does not support `degradation`"),
        ("color", {"precision": "bf16"}, "does not support `precision`"),
        ("color", {}, "name other color images than those to measure with `training`"),
        ("color", {"training": "x", "compare_with": "digits"}, "`compare_with=digits`: this model does not color"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_an_image_is_read(name, options, words, monkeypatch):
    if "compare_with" in options:
        monkeypatch.setattr(evaluator.zoo, "load", lambda named, device: model(named))
    said = []
    with pytest.raises(UsageError) as error:
        evaluate(model(name), "no/such/folder", **options, notify=said.append, report=said.append)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not said


def test_evenly_spaced_images_of_a_folder_are_taken_under_each_degradation(folder):
    (folder / "3.png").write_bytes(b"none")  # the first of the second third: the next stands in for it
    (folder / "bad.png").write_bytes(b"none")  # is not even opened
    said, reported = [], []
    rows = evaluate(
        model("digits"), folder, degradation=["noise:sigma=0", "hole:size=8"], limit=3, notify=said.append,
        report=reported.append,
    )  # fmt: skip
    assert rows == reported
    assert [(row.degradation, row.method) for row in rows] == [
        (each, method) for each in ("noise:sigma=0", "hole:size=8") for method in ("input", "agerestore")
    ]
    assert rows[0].psnr == 100
    assert "3.png" in said[0]
    assert said[1:] == ["measured on 3 of 10 images"]
    # A hole is 0 where it is unknown: of the grays 0, 80 and 120 that is the error over it.
    errors = [100, *(20 * np.log10(255 / gray) for gray in (80, 120))]
    assert rows[2].hole_psnr == pytest.approx(np.mean(errors), abs=0.01)


def test_baselines_are_named_all_or_none(folder):
    def methods(**options):
        rows = evaluate(model("digits"), folder, degradation="noise:sigma=20", **options)
        return [row.method.partition(" ")[0] for row in rows[2:]]

    assert methods() == []
    assert methods(baselines="median, gaussian-blur") == ["median", "gaussian-blur"]
    assert methods(baselines=("median",)) == ["median"]
    everything = methods(baselines="all")
    assert "bilateral" in everything
    assert "wiener" not in everything  # which has nothing to be fitted to
    assert "wiener" in methods(baselines="all", training=folder)


def test_a_row_is_a_line_and_data(folder):
    row = evaluate(model("digits"), folder, degradation="hole:size=8")[0]
    assert row.figures() == {
        "degradation": "hole:size=8", "method": "input", "psnr": row.psnr, "ssim": row.ssim,
        "hole_psnr": row.hole_psnr, "accuracy": None,
    }  # fmt: skip
    assert f"hole {row.hole_psnr:.2f} dB" in str(row)
    assert "accuracy" not in str(row)


def test_the_function_has_the_options_of_the_command_with_the_same_defaults():
    from agerestore_cli.evaluate import evaluate as command

    theirs, ours = inspect.signature(command).parameters, inspect.signature(evaluate).parameters
    assert set(theirs) - set(ours) == {"threads", "quiet", "as_json"}
    assert set(ours) - set(theirs) == {"report", "notify"}
    assert str(ours["workers"].default) == theirs["workers"].default  # a number or a word
    for name in set(ours) & set(theirs) - {"model", "data", "workers"}:
        assert (ours[name].default or None) == (theirs[name].default or None), name
