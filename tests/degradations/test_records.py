"""Stored records are replayed as they were, and the same seed draws what it drew.

``records/records-0.1.json`` has a row of `to_json` for every kind, drawn from a generator seeded with the number of its
degradation, and rows that are older than some parameters; ``records-0.1.npz`` what release 0.1 made of them. The same,
with versions, holds ``records-prints`` for the kinds of old prints, as they were when they came.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from agerestore.degradations import KINDS, apply, draw, from_json, parse, to_json

RECORDS = Path(__file__).parent / "records"
CASES = json.loads((RECORDS / "records-0.1.json").read_text())
PRINTS = json.loads((RECORDS / "records-prints.json").read_text())
NUMBERS = list(dict.fromkeys(case["degradation"] for case in CASES))  # the seeds they were drawn with, in this order


@pytest.fixture(scope="module")
def arrays():
    return _arrays("records-0.1.npz")


@pytest.fixture(scope="module")
def prints():
    return _arrays("records-prints.npz")


def _arrays(name):
    with np.load(RECORDS / name) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def test_every_kind_has_a_record():
    assert {row["kind"] for case in CASES + PRINTS for row in case["rows"]} == set(KINDS)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_record_is_replayed_as_it_was(number, arrays):
    _replay(CASES[number], number, arrays)


@pytest.mark.parametrize("number", range(len(PRINTS)))
def test_a_record_of_a_print_is_replayed_and_drawn_as_it_was(number, prints):
    case = PRINTS[number]
    _replay(case, number, prints)
    seed = number % (len(PRINTS) // 2)  # in color, then in gray
    drawn = draw(parse(case["degradation"]), 1, (20, 28), torch.Generator().manual_seed(seed))
    assert to_json(drawn, 0) == case["rows"]


def _replay(case, number, arrays):
    """Hold what comes of a record against what came of it."""
    found = apply(arrays["picture"][None, : case["channels"]], from_json(case["rows"]))
    # Bit for bit with the same torch and Kornia on the same processor. Another processor adds up in another order, and
    # Kornia 0.7.3 has other digits in its conversion to YCbCr than 0.9, which wrote these.
    coded = any(row["kind"] == "jpeg" for row in case["rows"])
    torch.testing.assert_close(found.image[0], arrays[f"image{number}"], atol=5e-4 if coded else 2e-5, rtol=0)
    expected = arrays.get(f"mask{number}")
    assert (found.mask is None) == (expected is None)
    if expected is not None:
        assert torch.equal(found.mask[0] > 0, expected)


@pytest.mark.parametrize("number", range(2 * len(NUMBERS)))  # those after are older than some parameter, and undrawn
def test_the_same_seed_draws_what_it_drew(number):
    case = CASES[number]
    seed = NUMBERS.index(case["degradation"])
    rows = to_json(draw(parse(case["degradation"]), 1, (20, 28), torch.Generator().manual_seed(seed)), 0)
    assert all(row.pop("version") == KINDS[row["kind"]].version for row in rows)
    assert rows == case["rows"]


def test_new_records_say_their_version_and_old_ones_are_of_the_first():
    old = {"kind": "jpeg", "seed": 1, "quality": 20}
    (first,) = from_json([old])
    assert (first.version, first.parameters["enlarged"].item()) == (1, 1)
    (row,) = to_json(draw(parse("jpeg"), 1, (20, 28), torch.Generator().manual_seed(0)), 0)
    assert row["version"] == KINDS["jpeg"].version == 2
    image = torch.rand(1, 3, 20, 28, generator=torch.Generator().manual_seed(1))
    soft, real = (apply(image, from_json([{**row, "version": version}])).image for version in (1, 2))
    assert not torch.equal(soft, real)
    assert torch.equal(real, (real * 255).round() / 255)  # a file has 8 bits
