"""The command line: exit code first, then what it says, then what it left on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.analysis.jpeg import quality_of_tables
from agerestore.batch import manifest
from agerestore.config.networks import AutoencoderConfig, PhotoConfig
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import weights as checkpoint
from agerestore.models.registry import build
from agerestore.training.resume import load_state

EXAMPLES = Path(__file__).parents[2] / "examples"
TINY = [
    argument
    for setting in ("network.width=2", "network.latent_dim=4", "batch_size=4", "steps=3", "finetune.steps=2",
                    "robust.steps=2", "robust.batch_size=4", "validation=0", "precision=fp32")
    for argument in ("--set", setting)
]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tree(folder):
    """All files but the manifest of a batch."""
    hidden = (manifest.NAME, manifest.LOCK)
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in hidden)
    return sorted(str(path.relative_to(folder)) for path in files)


@pytest.fixture
def weights(tmp_path):
    """An untrained model that takes every picture for its own."""
    path = tmp_path / "model.safetensors"
    model = build(AutoencoderConfig(channels=1, latent_dim=4, width=2)).eval()
    checkpoint.save_weights(path, model, {"domain": {"unexplained": 1e9, "reencoding": 1e9}})
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pictures in a tree, one with a mask beside it."""
    root = tmp_path / "in"
    for number, name in enumerate(("a.png", "sub/b.png", "sub/c.tif")):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 1), np.uint8)
        io.write(root / name, Photo(pixels))
    hole = np.zeros((32, 32, 1), np.uint8)
    hole[8:16, 8:16] = 255
    io.write(root / "a.mask.png", Photo(hole))
    return root


# ------------------------------------------------------------------------------------------------ restore


def test_a_folder_is_restored_into_a_mirrored_tree_and_originals_stay(folder, weights, tmp_path):
    before = {path: (folder / path).read_bytes() for path in tree(folder)}
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 0, result.output
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]
    assert "3 of 3 files written" in result.stderr
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == before


def test_the_mask_beside_a_picture_is_found_and_observed_pixels_are_bit_exact(folder, weights, tmp_path):
    run("restore", folder, tmp_path / "out", "-m", weights)
    known = io.read(folder / "a.mask.png").pixels == 0
    before, after = (io.read(root / "a.png").pixels for root in (folder, tmp_path / "out"))
    assert np.array_equal(before[known], after[known])
    assert not np.array_equal(before[~known], after[~known])


def test_a_single_picture_with_a_mask_named(folder, weights, tmp_path):
    mask = folder / "a.mask.png"
    result = run("restore", folder / "sub" / "b.png", tmp_path / "b.png", "-m", weights, "--mask", mask,
                 "--latent-steps", 2, "--json", "-q")  # fmt: skip
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert (row["status"], row["output"], row["mask"]) == ("done", str(tmp_path / "b.png"), str(folder / "a.mask.png"))
    assert result.stderr == ""


def test_a_bad_file_is_named_and_the_others_are_restored(folder, weights, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'bad.png'}: " in result.stderr
    assert "3 of 4 files written, 1 failed" in result.stderr
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]


def test_another_format_and_quality(folder, weights, tmp_path):
    for verb in (("restore", "-m", weights), ("degrade", "--degradation", "noise:sigma=5")):
        out = tmp_path / verb[0]
        arguments = (verb[0], folder, out, *verb[1:], "--ext", ".jpg")
        assert run(*arguments, "--quality", 30).exit_code == 0
        assert [name for name in tree(out) if name.endswith(".jpg")] == ["a.jpg", "sub/b.jpg", "sub/c.jpg"]
        tables = {io.read(path).metadata.jpeg_tables for path in out.rglob("*.jpg")}
        assert [quality_of_tables(table) for table in tables] == [30]
        again = run(*arguments, "--quality", 80)
        assert (again.exit_code, again.stderr.count("with other settings")) == (1, 3)
    refused = run("restore", folder, tmp_path / "new", "-m", weights, "--ext", ".gif")
    assert refused.exit_code == 2
    assert "--ext .gif: '.gif' is no picture format" in refused.stderr
    assert not (tmp_path / "new").exists()


def test_an_existing_output_is_kept_unless_asked(folder, weights, tmp_path):
    (tmp_path / "out.png").write_bytes(b"precious")
    arguments = ("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "exists; pass --overwrite" in refused.stderr
    assert (tmp_path / "out.png").read_bytes() == b"precious"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert io.read(tmp_path / "out.png").pixels.shape == (32, 32, 1)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_picture_too_large_for_the_memory_is_named(folder, weights, tmp_path, monkeypatch, error):
    def too_large(*arguments, **options):
        raise error

    monkeypatch.setattr("agerestore.inference.pictures.restore_observation", too_large)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'a.png'}: not enough memory" in result.stderr


def test_a_folder_without_a_mask_for_any_picture_is_refused_and_one_that_lacks_some_is_said(folder, weights, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--mask", masks)
    assert result.exit_code == 2
    assert "holds no mask for any of these" in result.stderr
    io.write(masks / "sub" / "b.png", io.read(folder / "a.mask.png"))
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--mask", masks)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stderr.splitlines() if "has no mask in" in line]
    assert [name for name in ("a.png", "b.png", "c.tif") if any(f"{name}: has no" in line for line in lines)] == [
        "a.png", "c.tif"]  # fmt: skip


def test_a_name_as_long_as_a_file_may_have_stops_no_folder(folder, weights, tmp_path):
    (folder / "a.png").rename(folder / ("a" * 247 + ".png"))
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--suffix", "")
    assert "files written" in result.stderr
    assert {"sub/b.png", "sub/c.tif"} <= set(tree(tmp_path / "out"))


def test_a_mask_of_another_size_is_named(folder, weights, tmp_path):
    io.write(folder / "a.mask.png", Photo(np.zeros((8, 9, 1), np.uint8)), overwrite=True)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert "a mask of 9 x 8 pixels for an image of 32 x 32" in result.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("restore", "nowhere", "out"), 3, "nowhere: no such file or folder"),
        (("restore", "empty", "out"), 3, "empty: holds no image"),
        (("restore", "in", "in"), 2, "is the source folder itself"),
        (("restore", "in", "out", "-m", "unknown"), 4, "no model 'unknown'; shipped are"),
        (("restore", "in", "out", "-m", "text.safetensors"), 4, "text.safetensors: not weights of agerestore"),
        (("restore", "in", "out", "-m", "."), 4, ".: a folder without final.safetensors"),
        (("restore", "in", "out", "--device", "abacus"), 2, "device 'abacus' is unknown"),
        (("restore", "in", "out", "--device", "cuda:99"), 2, "device cuda:99"),
        (("restore", "in", "out", "--precision", "fp7"), 2, "precision 'fp7' is unknown"),
        (("restore", "in", "out", "--mask", "nothing.png"), 2, "nothing.png: no such mask"),
        (("degrade", "in", "out"), 2, "--degradation"),
        (("degrade", "in", "out", "--degradation", "rain"), 2, "unknown degradation 'rain'"),
        (("train", "empty", "--out", "run"), 3, "empty: no readable image"),
        (("train", "in", "--out", "run", "--preset", "x"), 2, "no preset 'x'"),
        (("train", "in", "--out", "run", "--set", "lr=fast"), 2, "--set lr"),
        (("evaluate", "empty", "--degradation", "noise"), 3, "empty: no readable image"),
        (("restore", "in/a.png", "-", "--samples", "2", "--compare"), 2, "--samples and --compare"),
        (("colorize", "in/a.png", "-", "-n", "2"), 2, "without -n"),
        (("models", "info", "unknown"), 4, "no model 'unknown'"),
        (("restore",), 2, "IN"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line_and_a_documented_exit_code(
    arguments, code, words, folder, weights, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("text.safetensors").write_text("<html>")
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not Path("out").exists() or tree(Path("out")) == []


# ------------------------------------------------------------------------------------------------ folders


NOISE = ("--degradation", "noise")


def test_a_second_run_skips_what_is_there_and_says_so(folder, tmp_path):
    arguments = ("degrade", folder, tmp_path / "out", *NOISE)
    assert run(*arguments).exit_code == 0
    (tmp_path / "out" / "a.png").unlink()
    again = run(*arguments, "--json", "-v")
    assert again.exit_code == 0, again.output
    rows = [json.loads(line) for line in again.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["done", "skipped", "skipped"]
    assert len({row["settings"] for row in rows}) == 1
    assert "1 of 3 files written, 2 skipped (done before)" in again.stderr
    other = run(*arguments, "--seed", 1)
    assert other.exit_code == 1
    assert "with other settings; pass --overwrite" in other.stderr


def test_other_weights_of_the_same_name_are_another_model(folder, weights, tmp_path):
    arguments = ("restore", folder, tmp_path / "out", "-m", weights)
    assert run(*arguments).exit_code == 0
    assert "3 skipped" in run(*arguments).stderr
    io.write(folder / "sub" / "b.mask.png", Photo(np.full((32, 32, 1), 255, np.uint8)))
    assert "0 of 3 files written, 2 skipped (done before), 1 failed" in run(*arguments).stderr
    model = build(AutoencoderConfig(channels=1, latent_dim=5, width=2)).eval()
    checkpoint.save_weights(weights, model, {"domain": {"unexplained": 1e9, "reencoding": 1e9}})
    assert "3 failed" in run(*arguments).stderr
    assert "3 of 3 files written" in run(*arguments, "--overwrite").stderr


def test_a_dry_run_of_a_folder_lists_what_would_be_done(folder, tmp_path):
    out = tmp_path / "out"
    result = run("degrade", folder, out, *NOISE, "--dry-run", "--report", tmp_path / "r.jsonl")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{folder / 'a.png'} -> {out / 'a.png'}"
    assert (out.exists(), (tmp_path / "r.jsonl").exists()) == (False, False)
    run("degrade", folder, out, *NOISE)
    listed = run("degrade", folder, out, *NOISE, "--dry-run").stdout
    assert listed.count("(skipped: done before)") == 3


def test_the_report_has_a_line_for_each_picture(folder, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    report = tmp_path / "report.jsonl"
    assert run("degrade", folder, tmp_path / "out", *NOISE, "--report", report).exit_code == 1
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [row["status"] for row in rows] == ["done", "failed", "done", "done"]
    assert all({"input", "output", "seconds", "settings", "status", "error"} <= set(row) for row in rows)
    assert rows[1]["error"].startswith(str(folder / "bad.png"))


def test_fail_fast_stops_at_the_first_failure(folder, tmp_path):
    (folder / "a.png").write_bytes(b"no picture")
    result = run("degrade", folder, tmp_path / "out", *NOISE, "--fail-fast")
    assert result.exit_code == 1
    assert "0 of 3 files written, 1 failed, 2 not begun" in result.stderr


def test_in_place_and_beside_the_original(folder, tmp_path):
    original = (folder / "a.png").read_bytes()
    assert run("degrade", folder, folder, *NOISE, "--suffix", ".bad").exit_code == 0
    assert (folder / "sub" / "c.bad.tif").exists()
    for path in folder.rglob("*.bad*"):
        path.unlink()
    assert run("degrade", folder, folder, *NOISE, "--in-place", "--backup", "--overwrite").exit_code == 0
    assert (folder / "a.png.orig").read_bytes() == original != (folder / "a.png").read_bytes()
    again = run("degrade", folder, folder, *NOISE, "--in-place", "--backup")
    assert "3 skipped" in again.stderr, again.output


def test_in_place_through_a_link_and_beside_a_link_to_itself(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to("self")
    original = (folder / "a.png").read_bytes()
    result = run("degrade", folder, tmp_path / "link", *NOISE, "--in-place", "--backup", "--overwrite")
    assert "3 of 3 files written" in result.stderr, result.output
    assert (folder / "a.png.orig").read_bytes() == original != (folder / "a.png").read_bytes()


def test_what_decides_whether_a_picture_is_taken_is_no_setting_of_its_result(folder, photo_weights, tmp_path):
    restore = ("restore", folder, tmp_path / "out", "-m", photo_weights)
    assert run(*restore, "--compare").exit_code == 0
    again = run(*restore, "--compare", "--max-pixels", 10**9, "--resize-mask", "--tile", 64)
    assert "3 skipped" in again.stderr, again.output
    further = run("degrade", tmp_path / "out", tmp_path / "further", *NOISE)  # and sheets are no pictures to go on with
    assert "3 of 3 files written" in further.stderr, further.output


def test_a_picture_goes_from_standard_input_to_standard_output(folder, tmp_path):
    original = (folder / "a.png").read_bytes()
    result = CliRunner().invoke(app, ["degrade", "-", "-", *NOISE], input=original)
    assert result.exit_code == 0, result.output
    (tmp_path / "piped.png").write_bytes(result.stdout_bytes)
    assert io.read(tmp_path / "piped.png").pixels.shape == (32, 32, 1)
    assert result.stdout_bytes != original
    assert "1 of 1 files written" in result.stderr
    assert "no place for its mask" not in result.stderr
    holes = CliRunner().invoke(app, ["degrade", "-", "-", "--degradation", "holes"], input=original)
    assert (holes.exit_code, "-: standard output has no place for its mask" in holes.stderr) == (0, True)
    nothing = CliRunner().invoke(app, ["degrade", "-", str(tmp_path / "b.png"), *NOISE], input=b"no picture")
    assert nothing.exit_code == 3
    assert "-: no PNG" in nothing.stderr


@pytest.mark.parametrize(
    "arguments",
    [("models", "list"), ("degrade", "a.png", "-", *NOISE)],
    ids=lambda arguments: arguments[0],
)
def test_a_reader_that_has_read_enough_ends_a_verb_in_silence(arguments, folder):
    """As in `agerestore models list | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {list(arguments)!r}; main()"
    try:
        result = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, cwd=folder)
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


def test_what_is_written_beside_results_is_no_picture_of_the_next_run(folder, weights, tmp_path):
    arguments = ("restore", folder, folder, "-m", weights, "--suffix", ".new", "--compare")
    assert run(*arguments).exit_code == 0
    assert (folder / "a.new.compare.png").exists()
    assert "0 of 3 files written, 3 skipped" in run(*arguments).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("in", "in", "--in-place"), "only go together"),
        (("in", "out", "--backup"), "only go together"),
        (("in", "out", "--in-place", "--backup"), "--in-place needs the input"),
        (("in", "out", "--suffix", ".mask"), "choose one such as .restored"),
        (("in", "-"), "only a single image can go to standard output"),
        (("-", "out"), "has no ending of an image"),
        (("in/a.png", "-", "--json"), "not both"),
        (("in", "out", "--report", "in/a.png"), "must end in .jsonl"),
        (("in", "out", "--report", "out/.agerestore.jsonl"), "must end in .jsonl"),
        (("in", "out", "--report", "nowhere/r.jsonl"), "No such file or directory"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(arguments, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {path: (folder / path).read_bytes() for path in tree(folder)}
    result = run("degrade", *arguments, *NOISE)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == before


def test_what_lies_beside_two_results_of_one_stem_bears_their_whole_names(folder, tmp_path):
    io.write(folder / "a.tif", Photo(np.zeros((32, 32, 1), np.uint8)))
    kind = ("--degradation", "holes:count=2")
    assert run("degrade", folder, tmp_path / "one", *kind).exit_code == 0
    names = {"a.png", "a.png.damage.json", "a.png.mask.png", "a.tif", "a.tif.damage.json", "a.tif.mask.png"}
    assert names <= set(tree(tmp_path / "one"))
    assert run("degrade", folder, tmp_path / "two", "--replay", tmp_path / "one").exit_code == 0
    assert {name: (tmp_path / "one" / name).read_bytes() for name in tree(tmp_path / "one")} == {
        name: (tmp_path / "two" / name).read_bytes() for name in tree(tmp_path / "two")
    }


def test_an_interrupted_batch_finishes_what_is_in_flight_and_is_resumed(tmp_path):
    names = [f"{number:03}.png" for number in range(150)]
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8)
        io.write(tmp_path / "in" / name, Photo(pixels))
    command = ["degrade", str(tmp_path / "in"), str(tmp_path / "out"), *NOISE, "--threads", "1"]
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {command!r}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("out/*.png")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "finishing the files in flight" in stderr
    assert "not begun" in stderr
    written = list((tmp_path / "out").glob("*.png"))
    assert 0 < len(written) < 150
    assert not list(tmp_path.glob("out/.*.tmp"))
    again = run(*command)
    assert again.exit_code == 0
    assert f"{150 - len(written)} of 150 files written, {len(written)} skipped" in again.stderr


# ------------------------------------------------------------------------------------------------ train, then restore


def test_train_then_restore_is_one_chain(folder, tmp_path):
    clean = EXAMPLES / "clean"
    trained = run("train", clean, "--out", tmp_path / "run", "--preset", "age-mnist", *TINY, "--data-license", "ours")
    assert trained.exit_code == 0, trained.output
    weights = Path(trained.stdout.strip())
    assert weights == tmp_path / "run" / "final.safetensors"
    info = json.loads(run("models", "info", weights, "--json").stdout)
    assert (info["data_license"], info["training"]["steps"], info["data"]) == ("ours", 3, "clean")
    restored = run("restore", folder, tmp_path / "out", "-m", weights)
    assert restored.exit_code == 0, restored.output
    assert len(tree(tmp_path / "out")) == 3


def test_augmented_training_of_a_folder(tmp_path):
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--preset", "age-mnist", *TINY, "--augment")
    assert result.exit_code == 0, result.output


def test_a_dry_run_prints_the_configuration_and_an_estimate_and_leaves_nothing(tmp_path):
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--dry-run", "--json", *TINY)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["config"]["network"]["width"] == 2
    assert printed["estimate"]["iterations"] == {"adversarial": 3, "finetune": 2, "robust": 2}
    assert printed["estimate"]["flop_per_iteration"]["adversarial"] > 0
    assert printed["estimate"]["hours"] > 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--out", "file"), 2, "file: is a file; choose a folder with --out"),
        (("--out", "in"), 2, "in: not empty"),
        (("--out", "run", "--set", "batch_size=64"), 2, "fewer than one batch"),
        (("--out", "run", "--init", "nowhere"), 4, "no model 'nowhere'"),
        (("--out", "run", "--init", "mnist"), 2, "--init: other networks"),
    ],
)
def test_a_dry_run_is_refused_as_the_run_would_be(arguments, code, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("precious")
    for dry in ((), ("--dry-run",)):
        result = run("train", EXAMPLES / "clean", "--preset", "age-mnist", *TINY, *arguments, *dry)
        assert (result.exit_code, words in result.stderr) == (code, True), result.output
    assert (Path("file").read_text(), Path("run").exists()) == ("precious", False)


def test_interrupted_training_leaves_a_state_that_resumes(tmp_path):
    settings = [*TINY, "--set", "steps=400", "--set", "log_every=1", "--threads", "1"]
    command = ["train", str(EXAMPLES / "clean"), "--out", str(tmp_path / "run"), "--preset", "age-mnist", *settings,
               "--data-license", "ours"]  # fmt: skip
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {command!r}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    log = tmp_path / "run" / "log.jsonl"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr
    assert load_state(tmp_path / "run")[1]["step"] >= 1
    other = run(*command, "--resume", "--set", "lr=1")
    assert other.exit_code == 2
    assert "begun with other settings" in other.stderr
    resumed = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert checkpoint.read_header(tmp_path / "run" / "final.safetensors")["data_license"] == "ours"
    run(
        "train", EXAMPLES / "clean", "--out", tmp_path / "run", "--resume", "--data-license", "yours"
    )  # which is done already
    assert checkpoint.read_header(tmp_path / "run" / "final.safetensors")["data_license"] == "yours"
    assert run("train", EXAMPLES / "clean", "--out", tmp_path / "nothing", "--resume").exit_code == 2


# ------------------------------------------------------------------------------------------------ evaluate, models


def test_evaluation_prints_a_row_for_each_method(weights, folder):
    result = run("evaluate", "-m", weights, EXAMPLES / "clean", "--degradation", "noise:sigma=50:clip=1",
                 "--degradation", "hole:size=10", "--baselines", "median,telea", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["damage"].split(":")[0], row["method"]) for row in rows] == [
        ("noise", "input"), ("noise", "agerestore"), ("noise", "median"),
        ("hole", "input"), ("hole", "agerestore"), ("hole", "telea"),
    ]  # fmt: skip
    assert all(row["hole_psnr"] is not None for row in rows[3:])


def test_the_suite_of_the_paper_prints_a_line_for_each_measure(weights):
    result = run("evaluate", "--suite", "paper", "-m", weights, EXAMPLES / "clean", "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["what"] for row in rows] == [
        "reconstruction", "noise:sigma=128:clip=1", "saltpepper:amount=0.3", "hole:size=14", "missing:fraction=0.5",
        "moments of e(g(Z))", "samples", "other pictures",
    ]  # fmt: skip
    assert rows[-2]["frechet_of_our_transformation_classifier"] > 0


def test_an_unknown_suite_is_named(weights):
    result = run("evaluate", "--suite", "magic", "-m", weights, EXAMPLES / "clean")
    assert result.exit_code == 2
    assert "no suite 'magic'; there is one: --suite paper" in result.stderr


def test_an_unknown_baseline_is_named(weights):
    result = run("evaluate", "-m", weights, EXAMPLES / "clean", "--degradation", "noise", "--baselines", "magic")
    assert result.exit_code == 2
    assert "no baseline 'magic'; choose from" in result.stderr


def test_version():
    result = run("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "agerestore")


# ------------------------------------------------------------------------------------------------ photographs


@pytest.fixture(scope="module")
def photo_weights(tmp_path_factory):
    """Networks for photographs that know nothing: their estimate is the picture."""
    path = tmp_path_factory.mktemp("photo") / "photo.safetensors"
    networks = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=4))
    checkpoint.save_weights(path, networks, {"domain": {}, "kind": "photo"})
    return path


def test_photographs_are_restored_at_any_size_with_what_was_asked_for_beside(photo_weights, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 131, 3), dtype=np.uint8)
    io.write(tmp_path / "in.png", Photo(pixels))
    hole = np.zeros((70, 131, 1), np.uint8)
    hole[20:40, 30:60] = 255
    io.write(tmp_path / "in.mask.png", Photo(hole))
    result = run("restore", tmp_path / "in.png", tmp_path / "out" / "a.png", "-m", photo_weights, "--samples", 2,
                 "--uncertainty", "--compare", "--tile", 64, "--strength", 0.5, "--sigma", 10,
                 "--ensemble", 2)  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"a.png", "a.sample-1.png", "a.sample-2.png", "a.uncertainty.png", "a.compare.png"}
    first, second = (io.read(tmp_path / "out" / f"a.sample-{i}.png").pixels for i in (1, 2))
    known = hole[..., 0] == 0
    assert (first[known] == pixels[known]).all()
    assert (first != second).any()
    assert io.read(tmp_path / "out" / "a.uncertainty.png").pixels.shape == (70, 131, 1)
    assert io.read(tmp_path / "out" / "a.compare.png").pixels.shape == (70, 131 + 8 + 131, 3)
    again = run("restore", tmp_path / "in.png", tmp_path / "b.png", "-m", photo_weights, "--samples", 1)
    assert again.exit_code == 0
    assert (io.read(tmp_path / "b.sample-1.png").pixels == first).all()  # the same seed, other tiles


@pytest.mark.parametrize(
    ("option", "words"),
    [(("--tile", "12"), "tile 12 is too small"), (("--tile", "half"), "--tile half is neither auto nor"),
     (("--strength", "2"), "strength 2 is not within"),
     (("--ensemble", "3"), "ensemble 3 is none of"),
     (("--sigma", "-1"), "sigma -1 is not within")],
)  # fmt: skip
def test_what_makes_no_sense_for_a_photograph_is_refused(photo_weights, folder, tmp_path, option, words):
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", photo_weights, *option)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_what_a_named_model_does_not_heed_is_refused(weights, photo_weights, folder, tmp_path):
    restore = ("restore", folder / "a.png", tmp_path / "out.png", "-m")
    evaluate = ("evaluate", EXAMPLES / "clean", "--degradation", "noise", "-m")
    cases = [
        ((*restore, weights, "--samples", 2, "--sigma", 9, "--tile", 64), "support --sigma and --tile and -n"),
        (
            (*restore, photo_weights, "--latent-steps", 5),
            "does not support --latent-steps; leave that out",
        ),
        ((*evaluate, photo_weights, "--compare-with", weights), "does not support --compare-with"),
        ((*evaluate, photo_weights, "--training", folder), "does not support --training"),
        ((*evaluate, weights, "--ensemble", 8), "does not support --ensemble"),
        ((*evaluate, weights, "--suite", "paper"), "--suite paper does not support --degradation"),
        (("evaluate", folder, "-m", "cars-color", "--precision", "bf16"), "does not support --precision"),
    ]
    for arguments, words in cases:
        result = run(*arguments)
        assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert not (tmp_path / "out.png").exists()


def test_of_several_models_one_that_does_not_heed_an_option_says_so_once(tmp_path):
    """Two digits and a photograph, of which samples are wanted that only the latter's model draws."""
    for name in ("digit-3", "digit-8"):
        io.write(tmp_path / "in" / f"{name}.png", io.read(EXAMPLES / "clean" / f"{name}.png"))
    io.write(tmp_path / "in" / "photo.png", Photo(np.full((70, 70, 3), 90, np.uint8)))
    result = run("restore", tmp_path / "in", tmp_path / "out", "--samples", 1, "--latent-steps", 1)
    assert result.exit_code == 0, result.output
    assert [line.split(": ", 1)[1] for line in result.stderr.splitlines()[:-1]] == [
        f"{tmp_path / 'in' / 'digit-3.png'}: taken for one of its kind by 'mnist', which draws it anew; "
        "-m photo if it is none (said once); 'mnist' does not heed -n (said once)",
        f"{tmp_path / 'in' / 'photo.png'}: 'photo' does not heed --latent-steps (said once)",
    ]
    assert tree(tmp_path / "out") == ["digit-3.png", "digit-8.png", "photo.png", "photo.sample-1.png"]


def test_a_part_of_a_folder_holds_pictures_of_all_its_classes(weights, tmp_path):
    """Of a plain black and a plain gray class, each of one kind of picture: parts measure what the whole does."""
    for name, level in (("a", 0), ("b", 128)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            io.write(tmp_path / "set" / name / f"{number}.png", Photo(np.full((32, 32, 1), level, np.uint8)))
    options = ("evaluate", "-m", weights, tmp_path / "set", "--degradation", "blur:sigma=1", "--json")
    shown = []
    for limit in (2, 4, 8):
        lines = run(*options, "--limit", limit).stdout.splitlines()
        shown += [row["psnr"] for row in map(json.loads, lines) if row["method"] == "agerestore"]
    assert shown == pytest.approx([shown[-1]] * 3, abs=1e-3)


def test_photographs_are_evaluated_one_by_one(photo_weights, tmp_path):
    for name, size in (("a", (40, 50)), ("b", (64, 33))):
        level = np.random.default_rng(1).integers(100, 150, (*size, 3), dtype=np.uint8)  # far from clipping
        io.write(tmp_path / "set" / f"{name}.png", Photo(level))
    result = run("evaluate", "-m", photo_weights, tmp_path / "set", "--degradation", "noise:sigma=25",
                 "--baselines", "median,gaussian-blur", "--json")  # fmt: skip
    rows = {row["method"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["input"]["psnr"] == pytest.approx(20.2, abs=0.4)
    assert rows["agerestore"]["psnr"] == pytest.approx(rows["input"]["psnr"], abs=0.01)
    assert "gaussian-blur (best setting for each)" in rows
    refused = run("evaluate", "-m", photo_weights, tmp_path / "set", "--degradation", "noise", "--baselines", "pca")
    assert (refused.exit_code, "pictures of one size" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("level", "words"),
    [(0, "the mask is black"), (255, "nowhere black"), (None, "calls 90% of the picture unknown")],
)
def test_odd_masks_are_remarked_on(photo_weights, tmp_path, level, words):
    io.write(tmp_path / "in.png", Photo(np.full((20, 20, 3), 90, np.uint8)))
    mask = np.full((10, 10, 1), 255 if level is None else level, np.uint8)
    if level is None:
        mask[4] = 0
    io.write(tmp_path / "m.png", Photo(mask))
    arguments = [
        "restore",
        tmp_path / "in.png",
        tmp_path / "out.png",
        "-m",
        photo_weights,
        "--mask",
        tmp_path / "m.png",
    ]
    assert "--resize-mask" in run(*arguments).stderr
    result = run(*arguments, "--resize-mask")
    assert (result.exit_code, words in result.stderr) == (0, True), result.stderr


# ------------------------------------------------------------------------------------------------ folders as they are


@pytest.mark.parametrize("name", ["a.mask.jpg", "a.png.mask.tif", "a.Mask.png", "a.MASK.PNG"])
def test_a_mask_may_be_of_any_format(name, photo_weights, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    io.write(tmp_path / "in" / "a.png", Photo(pixels))
    hole = np.zeros((40, 40, 1), np.uint8)
    hole[8:24, 8:24] = 255
    io.write(tmp_path / "in" / name, Photo(hole))
    result = run("restore", tmp_path / "in", tmp_path / "out", "-m", photo_weights)
    assert "1 of 1 files written" in result.stderr, result.output
    restored = io.read(tmp_path / "out" / "a.png").pixels
    assert np.array_equal(restored[30:], pixels[30:])
    assert not np.array_equal(restored[10:20, 10:20], pixels[10:20, 10:20])


def test_pictures_of_other_formats_are_named(folder, tmp_path):
    for name in ("b.gif", "sub/c.NEF", "sub/d.gif", "notes.txt"):
        (folder / name).write_bytes(b"")
    assert f"{folder}: left out: 2 .gif, 1 .nef" in run("degrade", folder, tmp_path / "out", *NOISE).stderr
    assert "left out" not in run("degrade", folder, tmp_path / "out", *NOISE, "-q").stderr


def test_results_beside_their_sources_are_no_sources_of_another_suffix(folder):
    assert "3 of 3" in run("degrade", folder, folder, *NOISE, "--suffix", ".bad").stderr
    assert "3 of 3" in run("degrade", folder, folder, *NOISE, "--suffix", ".worse").stderr
    assert not [path for path in folder.rglob("*.bad.worse.*") if path.suffix != ".json"]


def test_a_single_picture_restored_in_place_is_begun_again_from_its_backup(folder):
    arguments = ("degrade", folder / "sub" / "b.png", folder / "sub" / "b.png", *NOISE, "--in-place", "--backup")
    original = (folder / "sub" / "b.png").read_bytes()
    assert run(*arguments).exit_code == 0
    first = (folder / "sub" / "b.png").read_bytes()
    again = run(*arguments)
    assert (again.exit_code, "has been restored before" in again.stderr) == (1, True)
    assert run(*arguments, "--overwrite").exit_code == 0
    assert (folder / "sub" / "b.png").read_bytes() == first
    assert (folder / "sub" / "b.png.orig").read_bytes() == original


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sample", "x.png", "--seed", 2**32), "--seed"),
        (("export", "x.jpg", "-m", "mnist"), "choose one ending in .onnx"),
        (("models", "calibrate", "photo", "x.safetensors", "--data", "in", "--negatives", "in"), "--negatives is for"),
    ],
)  # fmt: skip
def test_options_out_of_place_are_refused(arguments, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.output


def test_evaluation_says_on_what_it_measured(weights, folder):
    (folder / "bad.png").write_bytes(b"")
    (folder / "a.mask.png").unlink()
    result = run("evaluate", "-m", weights, folder, "--degradation", "noise:sigma=9", "--limit", 2)
    assert f"{folder / 'bad.png'}: " in result.stderr
    assert "measured on 2 of 3" in result.stderr


def test_results_are_json_lines_to_the_last(tmp_path):
    settings = [*TINY, "--set", "steps=2", "--set", "log_every=1"]
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--preset", "age-mnist", *settings, "--json")
    assert json.loads(result.stdout.splitlines()[-1]) == {"weights": str(tmp_path / "run" / "final.safetensors")}
    drawn = run("sample", tmp_path / "x.png", "-n", 2, "--json")
    assert json.loads(drawn.stdout) == {"output": str(tmp_path / "x.png")}
