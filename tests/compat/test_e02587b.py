"""What commit e02587b left on disk is read: folders of batches with their manifests, and stored damage.

`stored` says how commands are called and what they were called then; `make_fixtures` how the files were made.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from compat.stored import (
    FIXTURES,
    LOCK,
    MANIFEST,
    OTHERWISE,
    RETRAINED,
    RUNS,
    agerestore,
    assert_near,
    pixels,
    shipped_then,
    statuses,
    unpack,
)  # fmt: skip
from PIL import Image

BATCHES = json.loads((FIXTURES / "batches" / "settings.json").read_text())
KINDS = json.loads((FIXTURES / "damage" / "kinds.json").read_text())


@pytest.fixture(scope="session")
def stored(tmp_path_factory):
    """A folder with the folders of all batches, and the weights that they were made with."""
    folder = tmp_path_factory.mktemp("stored")
    shutil.copytree(FIXTURES / "batches", folder, dirs_exist_ok=True)
    for name in RUNS:
        unpack(f"training/{name}.zip", folder / name)
        shutil.move(folder / name / "END" / "final.safetensors", folder / f"{name}.safetensors")
        shutil.rmtree(folder / name)
    return folder


@pytest.fixture
def batches(stored, case, tmp_path, monkeypatch):
    """A working directory with what a batch reads, and what it wrote."""
    for path in stored.iterdir():
        if path.name not in BATCHES or path.name in (case, "degrade"):  # of which the record is replayed
            (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)


def tree(folder: str) -> dict[str, bytes]:
    """Contents of all files but the manifest and its lock, by path."""
    kept = (path for path in Path(folder).rglob("*") if path.is_file() and path.name not in (MANIFEST, LOCK))
    return {path.as_posix(): path.read_bytes() for path in kept}


# ------------------------------------------------------------------------------------------------ batches

CHANGING = [case for case in BATCHES if case not in ("restore-in-place", "restore-suffix", "restore-broken")]
RESTORED = [case for case in BATCHES if case.startswith("restore")]


def again(case: str, *more: object):
    return agerestore(*BATCHES[case]["command"], "--json", *more)


def skip_if_outdated(case: str) -> None:
    """Results of shipped weights that were trained anew, or of a changed preset, are rightly made again."""
    if case == "restore-shipped":
        pytest.skip("where the model is selected, defects are looked for since")
    if BATCHES[case]["settings"].get("preset") in OTHERWISE:
        pytest.skip("what this preset does has changed since")
    used = str([BATCHES[case]["settings"].get(key) for key in ("model", "colours")])
    for name in RETRAINED:
        if shipped_then()[name]["file"] in used:
            pytest.skip(f"{name} has been trained anew since")


@pytest.mark.parametrize("case", BATCHES)
def test_a_batch_is_done_already(case, batches):
    skip_if_outdated(case)
    before = tree(".")
    result = again(case)
    found = statuses(result)
    failed = [path for path, status in found.items() if status == "failed"]
    assert failed == (["broken/no-image.png"] if case == "restore-broken" else []), result.stderr
    assert {status for path, status in found.items() if path not in failed} == {"skipped"}
    assert result.exit_code == len(failed)
    assert tree(".") == before


@pytest.mark.parametrize("case", RESTORED)
def test_options_that_change_no_result_do_not_matter(case, batches):
    skip_if_outdated(case)
    assert "done" not in statuses(again(case, "--tile", 64, "--large", "--threads", 1)).values()


@pytest.mark.parametrize("case", BATCHES)
def test_results_of_other_settings_are_not_taken_for_these(case, batches):
    before = tree(".")
    result = again(case, "--seed", 99)
    assert result.exit_code == 1
    assert set(statuses(result).values()) == {"failed"}
    assert tree(".") == before


@pytest.mark.parametrize("case", CHANGING)
def test_a_changed_image_alone_is_made_again(case, batches):
    skip_if_outdated(case)
    source = BATCHES[case]["command"][1]
    changed = Path(source) / ("car.png" if source == "cars" else "a.png")
    touched = pixels(changed).copy()
    touched[:3, :3] = 128
    Image.fromarray(touched).save(changed)
    others = {path: data for path, data in tree(case).items() if not Path(path).name.startswith(changed.stem)}
    assert statuses(again(case))[str(changed)] == "failed"  # nothing is replaced unasked
    found = statuses(again(case, "--overwrite"))
    assert found.pop(str(changed)) == "done"
    assert set(found.values()) <= {"skipped"}
    assert others.items() <= tree(case).items()
    assert set(statuses(again(case)).values()) == {"skipped"}


@pytest.mark.parametrize("case", CHANGING)
def test_a_lost_result_is_made_again_as_it_was(case, batches):
    skip_if_outdated(case)
    kept = Path(case) / ("car.png" if BATCHES[case]["command"][1] == "cars" else "a.png")
    was = pixels(kept)
    kept.unlink()
    assert sorted(statuses(again(case)).values()) == ["done"] + ["skipped"] * (len(statuses(again(case))) - 1)
    # --precision auto may be bf16 there and not here
    assert_near(pixels(kept), was, 1 if case.startswith("degrade") else 6)


@pytest.mark.parametrize("case", ["restore-samples", "restore-refined", "colorize-samples", "degrade"])
def test_what_was_written_beside_results_is_no_image_to_work_on(case, batches):
    found = statuses(agerestore("restore", case, "new", "-m", "age.safetensors", "--dry-run", "--json"))
    assert sorted(found) == [f"{case}/a.png", f"{case}/b.jpg", f"{case}/sub/c.png"]


@pytest.mark.parametrize("case", BATCHES)
def test_a_manifest_names_the_hash_of_the_settings_that_are_listed(case):
    listed = json.dumps(BATCHES[case]["settings"], sort_keys=True).encode()
    rows = (FIXTURES / "batches" / case / MANIFEST).read_text().splitlines()
    assert {json.loads(row)["settings"] for row in rows} == {hashlib.sha256(listed).hexdigest()}


# ------------------------------------------------------------------------------------------------ stored damage


def test_stored_damage_is_replayed_to_the_same_pixels(tmp_path):
    with np.load(FIXTURES / "damage" / "images.npz") as images:
        for name, said in KINDS.items():
            (tmp_path / "in").mkdir(exist_ok=True)
            Image.fromarray(images[f"clean/{said['clean']}"]).save(tmp_path / "in" / f"{name}.png")
        result = agerestore("degrade", tmp_path / "in", tmp_path / "out", "--replay", FIXTURES / "damage")
        assert result.exit_code == 0, result.output
        for name in KINDS:
            np.testing.assert_array_equal(pixels(tmp_path / "out" / f"{name}.png"), images[name], name)
            mask = tmp_path / "out" / f"{name}.mask.png"
            assert mask.exists() == (f"{name}.mask" in images), name
            if mask.exists():
                np.testing.assert_array_equal(np.packbits(pixels(mask) > 0, axis=1), images[f"{name}.mask"], name)


def test_a_kind_draws_what_it_drew(tmp_path):
    with np.load(FIXTURES / "damage" / "images.npz") as images:
        clean = {name: images[f"clean/{name}"] for name in ("color", "gray")}
    for name, said in KINDS.items():
        if said["kind"] is not None:
            Image.fromarray(clean[said["clean"]]).save(tmp_path / f"{name}.png")
            agerestore("degrade", tmp_path / f"{name}.png", tmp_path / "out", "--kind", said["kind"], "--seed", 3)
            drawn = json.loads((tmp_path / "out" / f"{name}.damage.json").read_text())
            versions = [row.pop("version") for row in drawn]  # which e02587b did not write
            assert all(version >= 1 for version in versions)
            assert drawn == json.loads((FIXTURES / "damage" / f"{name}.damage.json").read_text()), name
