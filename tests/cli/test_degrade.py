"""`agerestore degrade` and `agerestore degradations`: records, replays, options, the list of kinds."""

import json

import numpy as np
import pytest
from agerestore_cli import _completion
from command import run, tree

from agerestore.degradations import ALIASES, KINDS, describe
from agerestore.images import io
from agerestore.images.photo import Photo


def test_damage_is_written_down_replayed_and_restorable(folder, tmp_path):
    kind = "noise:sigma=50,holes:count=2"
    assert run("degrade", folder / "sub", tmp_path / "one", "--degradation", kind, "--seed", 3).exit_code == 0
    assert tree(tmp_path / "one") == ["b.damage.json", "b.mask.png", "b.png", "c.damage.json", "c.mask.png", "c.tif"]
    again = run("degrade", folder / "sub", tmp_path / "two", "--replay", tmp_path / "one")
    assert again.exit_code == 0, again.output
    for name in tree(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    mask = io.read(tmp_path / "one" / "b.mask.png").pixels
    assert set(np.unique(mask)) == {0, 255}
    assert (io.read(tmp_path / "one" / "b.png").pixels[mask > 0] == 0).all()


def test_the_damage_of_a_picture_does_not_depend_on_its_neighbors(folder, tmp_path):
    run("degrade", folder / "sub", tmp_path / "all", "--degradation", "noise")
    run("degrade", folder / "sub" / "b.png", tmp_path / "alone" / "b.png", "--degradation", "noise")
    run("degrade", folder / "sub", tmp_path / "other", "--degradation", "noise", "--seed", 1)
    one, two, other = ((tmp_path / name / "b.png").read_bytes() for name in ("all", "alone", "other"))
    assert one == two
    assert one != other


def test_something_else_than_a_replay_file_is_named(folder, tmp_path):
    (tmp_path / "x.json").write_text('[{"kind": "rain"}]')
    result = run("degrade", folder / "a.png", tmp_path / "a.png", "--replay", tmp_path / "x.json")
    assert result.exit_code == 1
    assert "x.json: not written by `agerestore degrade`" in result.stderr


def test_a_record_of_release_0_1_is_replayed(folder, tmp_path):
    record = {"kind": "jpeg", "seed": 1, "quality": 20}  # older than versions, and than top, left and enlarged
    (tmp_path / "a.json").write_text(json.dumps([record]))
    result = run("degrade", folder / "a.png", tmp_path / "a.png", "--replay", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads((tmp_path / "a.damage.json").read_text())
    assert row == {**record, "version": 1, "top": 0, "left": 0, "enlarged": 1.0}


@pytest.mark.parametrize("option", [("--precision", "bf16"), ("--model", "photo"), ("--kind", "noise")])
def test_degrade_takes_only_options_it_uses(folder, tmp_path, option):
    result = run("degrade", folder / "a.png", tmp_path / "b.png", "--degradation", "noise", *option)
    assert result.exit_code == 2
    assert f"No such option: {option[0]}" in result.stderr
    assert not (tmp_path / "b.png").exists()


def test_degradations_lists_a_line_for_each_kind_and_parameter():
    lines = run("degradations").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [entry.name for entry in describe()]
    (sigma,) = (line for line in lines if line.split()[0] == "noise:sigma")
    assert "0..55" in sigma
    assert "0..255 allowed" in sigma
    rows = [json.loads(line) for line in run("degradations", "--json").stdout.splitlines()]
    assert rows == [entry._asdict() for entry in describe()]


def test_the_completion_knows_all_degradations():
    assert list(_completion.DEGRADATIONS) == [*sorted(KINDS), *sorted(ALIASES)]
    assert _completion.degradations("noise,sa") == ["noise,saltpepper"]


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
