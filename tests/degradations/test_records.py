"""Records that release 0.1 (commit e02587b) wrote are replayed as they were, and its draws are those of today.

``records/records-0.1.json`` has a row of `to_json` for every kind, drawn from a generator seeded with the number of its
degradation, and rows that are older than some parameters; ``records-0.1.npz`` what release 0.1 made of them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from agerestore.degradations import KINDS, apply, draw, from_json, parse, to_json

RECORDS = Path(__file__).parent / "records"
CASES = json.loads((RECORDS / "records-0.1.json").read_text())
NUMBERS = list(dict.fromkeys(case["degradation"] for case in CASES))  # the seeds they were drawn with, in this order


@pytest.fixture(scope="module")
def arrays():
    with np.load(RECORDS / "records-0.1.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def test_every_kind_has_a_record():
    assert {row["kind"] for case in CASES for row in case["rows"]} == set(KINDS)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_record_is_replayed_as_it_was(number, arrays):
    case = CASES[number]
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
