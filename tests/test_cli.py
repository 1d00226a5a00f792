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

from agerestore import checkpoint, imagefile, manifest
from agerestore.config import NetworkConfig, PhotoConfig
from agerestore.imagefile import Photo
from agerestore.networks import build

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = [
    argument
    for setting in ("network.width=2", "network.latent_dim=4", "batch_size=4", "steps=3", "settle.steps=2",
                    "robust.steps=2", "robust.batch_size=4", "validation=0", "precision=fp32")
    for argument in ("--set", setting)
]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tree(folder):
    """All files but the manifest of a batch."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != manifest.NAME)
    return sorted(str(path.relative_to(folder)) for path in files)


@pytest.fixture
def weights(tmp_path):
    """An untrained model that takes every picture for its own."""
    path = tmp_path / "model.safetensors"
    model = build(NetworkConfig(channels=1, latent_dim=4, width=2)).eval()
    checkpoint.save_weights(path, model, {"domain": {"unexplained": 1e9, "reencoding": 1e9}})
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pictures in a tree, one with a mask beside it."""
    root = tmp_path / "in"
    for number, name in enumerate(("a.png", "sub/b.png", "sub/c.tif")):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 1), np.uint8)
        imagefile.write(root / name, Photo(pixels))
    hole = np.zeros((32, 32, 1), np.uint8)
    hole[8:16, 8:16] = 255
    imagefile.write(root / "a.mask.png", Photo(hole))
    return root


# ------------------------------------------------------------------------------------------------ restore


def test_a_folder_is_restored_into_a_mirrored_tree_and_originals_stay(folder, weights, tmp_path):
    before = {path: (folder / path).read_bytes() for path in tree(folder)}
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 0, result.output
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]
    assert "3 of 3 pictures written" in result.stderr
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == before


def test_the_mask_beside_a_picture_is_found_and_observed_pixels_are_bit_exact(folder, weights, tmp_path):
    run("restore", folder, tmp_path / "out", "-m", weights)
    known = imagefile.read(folder / "a.mask.png").pixels == 0
    before, after = (imagefile.read(root / "a.png").pixels for root in (folder, tmp_path / "out"))
    assert np.array_equal(before[known], after[known])
    assert not np.array_equal(before[~known], after[~known])


def test_a_single_picture_with_a_mask_named(folder, weights, tmp_path):
    mask = folder / "a.mask.png"
    result = run("restore", folder / "sub" / "b.png", tmp_path / "b.png", "-m", weights, "--mask", mask,
                 "--refine", 2, "--json", "-q")  # fmt: skip
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert (row["status"], row["output"], row["mask"]) == ("done", str(tmp_path / "b.png"), str(folder / "a.mask.png"))
    assert result.stderr == ""


def test_a_bad_file_is_named_and_the_others_are_restored(folder, weights, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'bad.png'}: " in result.stderr
    assert "3 of 4 pictures written, 1 failed" in result.stderr
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]


def test_an_existing_output_is_kept_unless_asked(folder, weights, tmp_path):
    (tmp_path / "out.png").write_bytes(b"precious")
    arguments = ("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "exists; pass --overwrite" in refused.stderr
    assert (tmp_path / "out.png").read_bytes() == b"precious"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert imagefile.read(tmp_path / "out.png").pixels.shape == (32, 32, 1)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_picture_too_large_for_the_memory_is_named(folder, weights, tmp_path, monkeypatch, error):
    def too_large(*arguments, **options):
        raise error

    monkeypatch.setattr("agerestore.pictures.restore_observation", too_large)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'a.png'}: not enough memory" in result.stderr


def test_a_mask_of_another_size_is_named(folder, weights, tmp_path):
    imagefile.write(folder / "a.mask.png", Photo(np.zeros((8, 9, 1), np.uint8)), overwrite=True)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert "a mask of 9 x 8 pixels for a picture of 32 x 32" in result.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("restore", "nowhere", "out"), 3, "nowhere: no such file or folder"),
        (("restore", "empty", "out"), 3, "empty: holds no picture"),
        (("restore", "in", "in"), 2, "is the source folder itself"),
        (("restore", "in", "out", "-m", "unknown"), 4, "no model 'unknown'; shipped are"),
        (("restore", "in", "out", "-m", "text.safetensors"), 4, "text.safetensors: not weights of agerestore"),
        (("restore", "in", "out", "--device", "abacus"), 2, "--device 'abacus' is unknown"),
        (("restore", "in", "out", "--device", "cuda:99"), 2, "--device cuda:99"),
        (("restore", "in", "out", "--precision", "fp7"), 2, "--precision 'fp7' is unknown"),
        (("restore", "in", "out", "--mask", "nothing.png"), 2, "nothing.png: no such mask"),
        (("degrade", "in", "out"), 2, "say what happens with --kind"),
        (("degrade", "in", "out", "--kind", "rain"), 2, "unknown degradation 'rain'"),
        (("train", "empty", "--out", "run"), 3, "empty: no readable image"),
        (("train", "in", "--out", "run", "--preset", "x"), 2, "no preset 'x'"),
        (("train", "in", "--out", "run", "--set", "lr=fast"), 2, "--set lr"),
        (("evaluate", "--data", "empty", "--degrade", "noise"), 3, "empty: no readable image"),
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


# ------------------------------------------------------------------------------------------------ degrade


def test_damage_is_written_down_replayed_and_restorable(folder, tmp_path):
    kind = "noise:sigma=50,holes:count=2"
    assert run("degrade", folder / "sub", tmp_path / "one", "--kind", kind, "--seed", 3).exit_code == 0
    assert tree(tmp_path / "one") == ["b.damage.json", "b.mask.png", "b.png", "c.damage.json", "c.mask.png", "c.tif"]
    again = run("degrade", folder / "sub", tmp_path / "two", "--replay", tmp_path / "one")
    assert again.exit_code == 0, again.output
    for name in tree(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    mask = imagefile.read(tmp_path / "one" / "b.mask.png").pixels
    assert set(np.unique(mask)) == {0, 255}
    assert (imagefile.read(tmp_path / "one" / "b.png").pixels[mask > 0] == 0).all()


def test_the_damage_of_a_picture_does_not_depend_on_its_neighbours(folder, tmp_path):
    run("degrade", folder / "sub", tmp_path / "all", "--kind", "noise")
    run("degrade", folder / "sub" / "b.png", tmp_path / "alone" / "b.png", "--kind", "noise")
    run("degrade", folder / "sub", tmp_path / "other", "--kind", "noise", "--seed", 1)
    one, two, other = ((tmp_path / name / "b.png").read_bytes() for name in ("all", "alone", "other"))
    assert one == two
    assert one != other


def test_something_else_than_a_replay_file_is_named(folder, tmp_path):
    (tmp_path / "x.json").write_text('[{"kind": "rain"}]')
    result = run("degrade", folder / "a.png", tmp_path / "a.png", "--replay", tmp_path / "x.json")
    assert result.exit_code == 1
    assert "x.json: not written by `agerestore degrade`" in result.stderr


# ------------------------------------------------------------------------------------------------ train, then restore


def test_train_then_restore_is_one_chain(folder, tmp_path):
    clean = EXAMPLES / "clean"
    trained = run("train", clean, "--out", tmp_path / "run", "--preset", "age-mnist", *TINY, "--terms", "ours")
    assert trained.exit_code == 0, trained.output
    weights = Path(trained.stdout.strip())
    assert weights == tmp_path / "run" / "final.safetensors"
    info = json.loads(run("models", "info", weights, "--json").stdout)
    assert (info["terms"], info["training"]["steps"], info["data"]) == ("ours", 3, "clean")
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
    assert printed["estimate"]["iterations"] == {"game": 3, "settle": 2, "robust": 2}
    assert printed["estimate"]["flop_per_iteration"]["game"] > 0
    assert printed["estimate"]["hours"] > 0
    assert not (tmp_path / "run").exists()


def test_interrupted_training_leaves_a_state_that_resumes(tmp_path):
    settings = [*TINY, "--set", "steps=400", "--set", "log_every=1", "--threads", "1"]
    command = ["train", str(EXAMPLES / "clean"), "--out", str(tmp_path / "run"), "--preset", "age-mnist", *settings]
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
    assert checkpoint.load_state(tmp_path / "run")[1]["step"] >= 1
    other = run(*command, "--resume", "--set", "lr=1")
    assert other.exit_code == 2
    assert "begun with other settings" in other.stderr
    resumed = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert run("train", EXAMPLES / "clean", "--out", tmp_path / "nothing", "--resume").exit_code == 2


# ------------------------------------------------------------------------------------------------ evaluate, models


def test_evaluation_prints_a_row_for_each_method(weights, folder):
    result = run("evaluate", "-m", weights, "--data", EXAMPLES / "clean", "--degrade", "noise:sigma=50:clip=1",
                 "--degrade", "hole:size=10", "--baselines", "median,telea", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["damage"].split(":")[0], row["method"]) for row in rows] == [
        ("noise", "input"), ("noise", "agerestore"), ("noise", "median"),
        ("hole", "input"), ("hole", "agerestore"), ("hole", "telea"),
    ]  # fmt: skip
    assert all(row["hole_psnr"] is not None for row in rows[3:])


def test_an_unknown_baseline_is_named(weights):
    result = run("evaluate", "-m", weights, "--data", EXAMPLES / "clean", "--degrade", "noise", "--baselines", "magic")
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
    imagefile.write(tmp_path / "in.png", Photo(pixels))
    hole = np.zeros((70, 131, 1), np.uint8)
    hole[20:40, 30:60] = 255
    imagefile.write(tmp_path / "in.mask.png", Photo(hole))
    result = run("restore", tmp_path / "in.png", tmp_path / "out" / "a.png", "-m", photo_weights, "--samples", 2,
                 "--uncertainty", "--compare", "--tile", 64, "--strength", 0.5, "--sigma", 10)  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"a.png", "a.sample-1.png", "a.sample-2.png", "a.uncertainty.png", "a.compare.png"}
    first, second = (imagefile.read(tmp_path / "out" / f"a.sample-{i}.png").pixels for i in (1, 2))
    known = hole[..., 0] == 0
    assert (first[known] == pixels[known]).all()
    assert (first != second).any()
    assert imagefile.read(tmp_path / "out" / "a.uncertainty.png").pixels.shape == (70, 131, 1)
    assert imagefile.read(tmp_path / "out" / "a.compare.png").pixels.shape == (70, 131 + 8 + 131, 3)
    again = run("restore", tmp_path / "in.png", tmp_path / "b.png", "-m", photo_weights, "--samples", 1)
    assert again.exit_code == 0
    assert (imagefile.read(tmp_path / "b.sample-1.png").pixels == first).all()  # the same seed, other tiles


@pytest.mark.parametrize(
    ("option", "words"),
    [(("--tile", "12"), "--tile 12 is too small"), (("--tile", "half"), "--tile half is neither auto nor"),
     (("--strength", "2"), "--strength 2 is not within"), (("--sigma", "-1"), "--sigma -1 is not within")],
)  # fmt: skip
def test_what_makes_no_sense_for_a_photograph_is_refused(photo_weights, folder, tmp_path, option, words):
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", photo_weights, *option)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_a_model_with_one_answer_draws_no_samples(weights, folder, tmp_path):
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights, "--samples", 2)
    assert result.exit_code == 1
    assert "samples are drawn by the model for photographs" in result.stderr


def test_photographs_are_evaluated_one_by_one(photo_weights, tmp_path):
    for name, size in (("a", (40, 50)), ("b", (64, 33))):
        level = np.random.default_rng(1).integers(100, 150, (*size, 3), dtype=np.uint8)  # far from clipping
        imagefile.write(tmp_path / "set" / f"{name}.png", Photo(level))
    result = run("evaluate", "-m", photo_weights, "--data", tmp_path / "set", "--degrade", "noise:sigma=25",
                 "--baselines", "median,gaussian-blur", "--json")  # fmt: skip
    rows = {row["method"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["input"]["psnr"] == pytest.approx(20.2, abs=0.4)
    assert rows["agerestore"]["psnr"] == pytest.approx(rows["input"]["psnr"], abs=0.01)
    assert "gaussian-blur (best setting for each)" in rows
    refused = run(
        "evaluate", "-m", photo_weights, "--data", tmp_path / "set", "--degrade", "noise", "--baselines", "pca"
    )
    assert (refused.exit_code, "pictures of one size" in refused.stderr) == (2, True)
