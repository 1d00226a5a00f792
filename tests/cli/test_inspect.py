"""The verb `agerestore inspect`: its lines, exit codes and proposals."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from agerestore_cli.app import app
from agerestore_cli.inspect import command
from batches import contents
from pictures import noise
from scenes import as_jpeg, blurred, noisy, scene
from typer.testing import CliRunner

from agerestore import degrade
from agerestore.analysis.report import inspect
from agerestore.images import io as image_io
from agerestore.images.photo import Photo
from agerestore.models import zoo

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments):
    return CliRunner().invoke(app, ["inspect", *(str(argument) for argument in arguments)])


@pytest.fixture
def folder(tmp_path):
    """A noisy scene, a digit with a mask, and a file that is no picture."""
    root = tmp_path / "the pictures"
    image_io.write(root / "a scene.png", Photo(noisy(scene(), 20, (192, 192, 3))))
    digit, hole = np.zeros((28, 28, 1), np.uint8), np.zeros((28, 28, 1), np.uint8)
    digit[4:24, 13:16], hole[12:16] = 255, 255
    image_io.write(root / "sub" / "one.png", Photo(np.where(hole > 0, 0, digit).astype(np.uint8)))
    image_io.write(root / "sub" / "one.mask.png", Photo(hole))
    (root / "bad.png").write_bytes(b"no picture")
    return root


def test_a_folder_is_a_line_of_json_for_each_picture(folder):
    result = run(folder, "--json")
    assert result.exit_code == 1
    rows = {row["input"]: row for row in map(json.loads, result.stdout.splitlines())}
    bad, picture, one = (rows.pop(str(folder / name)) for name in ("bad.png", "a scene.png", "sub/one.png"))
    assert rows == {}
    assert bad["status"] == "failed"
    assert bad["error"] in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (picture["status"], picture["error"], picture["color_mode"]) == ("done", None, "color")
    assert picture["noise_sigma"] == pytest.approx(20, abs=2)
    assert picture["model"] == ("photo" if "photo" in zoo.names() else None)
    assert (picture["command"] is None) == (picture["model"] is None)
    assert one["missing"] == pytest.approx(4 / 28, abs=1e-4)
    assert (one["mask"], one["model"]) == (str(folder / "sub" / "one.mask.png"), "mnist")


def test_the_proposed_command_can_be_run(folder):
    row = json.loads(run(folder / "sub" / "one.png", "--json").stdout)
    program, *arguments = shlex.split(row["command"])
    assert program == "agerestore"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert image_io.read(folder / "sub" / "one.restored.png").pixels.shape == (28, 28, 1)
    assert len(run(folder / "sub", "--json").stdout.splitlines()) == 1  # what was restored is not looked at again


def test_a_block_for_people(folder):
    result = run(folder / "a scene.png")
    assert result.exit_code == 0, result.output
    assert f"{folder / 'a scene.png'}: PNG, 192 x 192 pixels" in result.stdout
    assert "color mode color" in result.stdout
    assert "noise of sigma" in result.stdout


def test_a_restored_jpeg_is_proposed_without_loss(tmp_path):
    path = tmp_path / "-a.jpg"
    path.write_bytes(as_jpeg(scene(), 20))
    found = inspect(path, model="photo")
    proposed = shlex.split(command(Path("-a.jpg"), found))
    assert proposed == ["agerestore", "restore", "./-a.jpg", "./-a.jpg.restored.png", "-m", "photo"]


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["bad.png"], 3, "bad.png: "),
        (["nowhere.png"], 3, "nowhere.png: "),
        (["nowhere.png", "a scene.png"], 1, "nowhere.png: "),
        (["empty"], 3, "empty: holds no image"),
        (["empty", "a scene.png"], 1, "empty: holds no image"),
        ([], 2, "IN"),
    ],
)
def test_bad_input_is_one_line_and_a_documented_exit_code(names, code, words, folder):
    (folder / "empty").mkdir()
    result = run(*(folder / name for name in names))
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_mask_of_another_size_is_named(folder):
    image_io.write(folder / "a scene.mask.png", Photo(np.zeros((8, 9, 1), np.uint8)))
    result = run(folder / "a scene.png")
    assert result.exit_code == 1
    assert "a mask of 9 x 8 pixels" in result.stderr


def test_for_blur_alone_there_is_no_command_and_for_what_is_too_small_no_verdict(tmp_path):
    image_io.write(tmp_path / "soft.png", Photo(blurred(scene(), 3)))
    soft = inspect(tmp_path / "soft.png", model="photo")
    assert [finding.split(" by ")[0] for finding in soft.findings] == ["blurred"]
    assert command(tmp_path / "soft.png", soft) is None
    image_io.write(tmp_path / "small.png", Photo(scene(1, 24)))
    printed = CliRunner().invoke(app, ["inspect", str(tmp_path)]).stdout
    assert "no shipped model removes it" in printed
    assert "nothing; too small or too noisy to measure noise" in printed


@pytest.mark.parametrize("option", [("--device", "nosuch"), ("--precision", "bf17"), ("--seed", "1")])
def test_inspect_takes_only_options_it_uses(folder, option):
    result = run(folder, *option)
    assert result.exit_code == 2
    assert f"No such option: {option[0]}" in result.stderr


def test_faded_alone_asks_for_tones_alone_and_a_document_for_nothing(tmp_path):
    faded, page = tmp_path / "faded.png", tmp_path / "page.png"
    image_io.write(faded, Photo(degrade(skimage.data.chelsea(), "fading:lift=0.22:contrast=0.7:sepia=0")))
    proposed = shlex.split(command(faded, inspect(faded, model="photo")))
    assert proposed[-4:] == ["-m", "auto", "--tones", "1"]
    lines = np.full((300, 400, 3), 255, np.uint8)
    for row in range(30, 300, 24):
        cv2.putText(lines, "noisy text", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    image_io.write(page, Photo(noisy(lines, 5, lines.shape)))
    assert command(page, inspect(page, model="photo")) is None
    printed = run(page).stdout
    assert "kind       a document or drawing" in printed
    assert "nothing wrong" in printed


def test_defects_of_a_print_are_named_and_written_as_a_mask(tmp_path):
    portrait, out = EXAMPLES / "damaged" / "photo-portrait.png", tmp_path / "found.png"
    result = run(portrait, "--mask", out, "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert row["defect_share"] > 0.03
    assert "cracks" in row["defect_kinds"]
    assert any("in defects: " in finding for finding in row["findings"])
    assert row["command"].endswith(" -m auto")
    marked, truth = (image_io.read(path).pixels[..., 0] > 0 for path in (out, EXAMPLES / "defects" / portrait.name))
    assert marked[truth].mean() > 0.7
    assert row["defect_share"] == pytest.approx(marked.mean(), abs=1e-4)
    again = run(portrait, "--mask", out)
    assert again.exit_code == 1
    assert "exists; choose another name for --mask" in again.stderr
    found = tmp_path / "masks"
    folder = run(portrait, EXAMPLES / "photographs" / "photo-coffee.png", "--mask", found, "-q")
    assert folder.exit_code == 0, folder.output
    assert sorted(path.name for path in found.iterdir()) == [
        "photo-coffee.png.mask.png", "photo-portrait.png.mask.png"]  # fmt: skip


def without_seconds(text):
    return re.sub(r'"seconds": [\d.]+', '"seconds": 0', text)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--json", "-q")])
def test_workers_change_nothing_that_is_said_or_written(folder, tmp_path, options):
    image_io.write(folder / "z" / "crease.png", image_io.read(EXAMPLES / "damaged" / "photo-portrait.png"))
    before, said = contents(folder), []
    for workers in (0, 1, 2):
        masks = tmp_path / f"masks{workers}"
        done = run(folder, "--workers", workers, "--threads", 1, "--mask", masks, *options)
        said.append((done.exit_code, without_seconds(done.stdout), done.stderr, contents(masks)))
    assert said[0] == said[1] == said[2]
    assert said[0][0] == 1  # for the bad one
    assert set(said[0][3]) == {"a scene.png.mask.png", "sub/one.png.mask.png", "z/crease.png.mask.png"}
    assert contents(folder) == before


def test_a_part_of_a_folder_and_no_part_of_a_file(folder):
    parts = [run(folder, "--part", f"{number}/2", "--json").stdout.splitlines() for number in (1, 2)]
    named = [json.loads(line)["input"] for lines in parts for line in lines]
    assert sorted(named) == sorted(str(folder / name) for name in ("bad.png", "a scene.png", "sub/one.png"))
    refused = run(folder / "a scene.png", "--part", "1/2")
    assert refused.exit_code == 2
    assert "--part divides the files of a folder" in refused.stderr


@pytest.mark.slow
def test_interrupted_it_finishes_what_is_in_flight_and_leaves_no_process(tmp_path):
    for seed in range(200):
        image_io.write(tmp_path / "in" / f"{seed:03}.png", Photo(noise(96, 96, 3, seed=seed)))
    command = [sys.executable, "-m", "agerestore_cli", "inspect", "in", "--workers", "2", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as batch:
        lines = [batch.stdout.readline() for _ in range(5)]
        os.killpg(batch.pid, signal.SIGINT)
        more, said = batch.communicate()
    assert batch.returncode == 130, said
    assert "finishing the files in flight" in said
    assert "Traceback" not in said
    rows = [json.loads(line) for line in [*lines, *more.splitlines()] if '"input"' in line]
    assert [row["input"] for row in rows] == [f"in/{seed:03}.png" for seed in range(len(rows))]
    assert 5 <= len(rows) < 200
