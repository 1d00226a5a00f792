"""`agerestore models`: list, info, verify and calibrate."""

import json
import shutil
from pathlib import Path

import pytest
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.images.io import read, write
from agerestore.images.photo import Photo
from agerestore.models import weights as checkpoint
from agerestore.models import zoo


def run(*arguments):
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_models_are_listed_with_license_and_the_command_they_are_the_default_for():
    result = run("list", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert list(rows) == zoo.names()
    assert "CC BY-SA 3.0" in rows["mnist"]["data_license"]
    assert {name: row["default_for"] for name, row in rows.items() if row["default_for"]} == {
        "cars-color": "colorize", "celeba": "restore", "defects": "detect", "mnist": "restore", "photo": "restore",
        "photo-color": "colorize",
    }  # fmt: skip
    assert {row["task"] for row in rows.values()} == {"restoration", "colorization", "detection"}


def test_the_table_has_one_line_for_each_model_where_nothing_wraps_it():
    head, *lines = run("list").stdout.splitlines()
    assert head.split() == ["NAME", "TASK", "DEFAULT", "FOR", "MB", "PURPOSE", "LICENSE", "OF", "ITS", "DATA"]
    assert [line.split()[0] for line in lines] == zoo.names()
    photo = next(line for line in lines if line.startswith("photo"))
    assert photo.index("restore") == head.index("DEFAULT FOR")
    assert "ImageNet (research, non-commercial)" in photo


def test_info_begins_with_what_a_model_is_for_and_rounds_its_numbers():
    lines = run("info", "photo").stdout.splitlines()
    assert lines[:3] == [
        "purpose: photographs of any size: noise, JPEG, scratches, holes", "task: restoration", "default_for: restore",
    ]  # fmt: skip
    assert "  psnr_25: 31.28" in lines
    assert "  widths: 24, 96, 144" in lines
    assert len(lines) < 50
    assert json.loads(run("info", "photo", "--json").stdout)["training"]["preset"] == "photo"


def test_models_are_verified_and_what_has_no_checksum_is_not_called_so(tmp_path):
    assert run("verify", "mnist").stdout == "mnist: ok\n"
    own = shutil.copy(zoo.folder() / "mnist.safetensors", tmp_path / "own.safetensors")
    result = run("verify", own)
    assert (result.exit_code, "no checksum to compare" in result.stderr) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("photo", "--negatives", "in"), "found without --negatives"),
        (("cars-color",), "with --negatives"),
        (("cars-color", "--negatives", "in", "--precision", "bf16"), "leave --precision out"),
        (("mnist",), "with --negatives"),
        (("mnist", "--negatives", "in"), "with --kind"),
        (("defects",), "nothing to calibrate"),
    ],
)
def test_calibrate_takes_the_options_that_the_model_uses(arguments, words, tmp_path):
    model, *options = arguments
    result = run("calibrate", model, tmp_path / "new.safetensors", "--data", tmp_path, *options)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "new.safetensors").exists()


@pytest.mark.parametrize("verb", ["list", "info", "verify"])
def test_verbs_that_compute_nothing_take_no_device(verb):
    result = run(verb, "--device", "cpu")
    assert (result.exit_code, "No such option" in result.stderr) == (2, True)


def test_photographs_are_calibrated_in_the_precision_that_is_asked_for(tmp_path):
    photograph = Path(__file__).parents[2] / "examples" / "photographs" / "photo-astronaut.png"
    write(tmp_path / "held-out" / "piece.png", Photo(read(photograph).pixels[100:196, 100:196]))
    figures = []
    for precision in ("fp32", "bf16"):
        out = tmp_path / f"{precision}.safetensors"
        result = run("calibrate", "photo", out, "--data", tmp_path / "held-out", "--precision", precision)
        assert result.exit_code == 0
        figures.append(checkpoint.read_header(out)["validation"])
    assert [each["samples_spread"] for each in figures] == pytest.approx([1, 1], abs=0.05)
    assert figures[0]["samples_estimate"] == pytest.approx(figures[1]["samples_estimate"], abs=0.2)
    assert figures[0]["samples_estimate"] != figures[1]["samples_estimate"]
