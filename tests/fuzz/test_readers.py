"""Hostile files are read or refused, and nothing else; `run.py` reads more of them."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from fuzz.bombs import BOMBS
from fuzz.reader import Reader
from fuzz.structures import KINDS, hostile_file

pytest.importorskip("resource", reason="limits of memory are those of Unix")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


def test_hostile_files_are_read_or_refused(reader: Reader) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for number in range(300):
        file = hostile_file(Random(number))
        answer = reader.read(*file)
        assert not answer.fault, f"file {number}, {file.suffix}: {answer.fault}"
        found[file.suffix, answer.outcome] += 1
    for suffix in set(KINDS) - {".avif"}:  # else nothing was put to the test
        assert found[suffix, "read"] >= 3
        assert found[suffix, "refused"] >= 3


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_that_ask_for_much_cost_little(reader: Reader, name: str) -> None:
    answer = reader.read(*BOMBS[name]())
    assert not answer.fault
    assert answer.seconds < 5
