"""Records: torn lines, full disks, two runs at once, a run that ended anywhere."""

import os
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import NAMES, Inverting, contents, run
from copying import pictures

from agerestore import files
from agerestore.batch import manifest
from agerestore.batch.manifest import Manifest
from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.images.photo import Photo


@pytest.mark.parametrize("cut", [1, 30, 100, 10**6])
def test_half_a_line_costs_one_picture_and_no_other(tmp_path: Path, cut: int) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    assert run(source, out) == "ddd"
    before, book = contents(out), out / manifest.NAME
    lines = book.read_bytes()
    book.write_bytes(lines[:-cut])
    (out / "sub" / "c.jpg").unlink()
    assert run(source, out, overwrite=cut == 10**6) == ("ddd" if cut == 10**6 else "ssd")
    assert run(source, out) == "sss"
    assert contents(out) == before


def test_lines_of_nobody_are_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    (tmp_path / "out").mkdir()
    junk = b'\n[]\n{"output": []}\n{"output": [], "input": "", "settings": "", "files": {}}\n\xff\xfe\nnull'
    (tmp_path / "out" / manifest.NAME).write_bytes(junk)
    assert run(tmp_path / "in", tmp_path / "out") == "d"
    assert run(tmp_path / "in", tmp_path / "out") == "s"


def test_a_record_that_the_disk_has_no_room_for_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    write, calls = os.write, []

    def full_once(descriptor: int, data: bytes) -> int:
        calls.append(data)
        return write(descriptor, data[:40] if len(calls) == 2 else data)

    monkeypatch.setattr(os, "write", full_once)
    assert run(source, out) == "dfd"
    assert "No space left" in run.errors[0]
    assert sorted(contents(out)) == ["a.png", "sub/c.jpg"]
    assert run(source, out) == "sds"


def test_two_runs_at_once_on_one_folder(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)

    class Meeting(Inverting):
        def compute(self, item: tuple[str, Photo]) -> Photo:
            with pytest.raises(UsageError, match="another run is writing to this folder"):
                run(source, out)
            return super().compute(item)

    assert run(source, out, Meeting()) == "ddd"
    assert run(source, out) == "sss"


def test_two_runs_at_once_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network shares: each result is still written whole, once, and by one of them."""
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *(f"{n}.png" for n in range(20)))
    monkeypatch.setattr(manifest, "_lock", lambda folder, part: nullcontext(False))
    letters: list[str] = []
    threads = [threading.Thread(target=lambda: letters.append(run(source, out))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("d" in pair or pair == ("s", "s") for pair in zip(*letters, strict=True))
    assert run(source, out) == "s" * 20
    pixels = io.read(out / "7.png").pixels
    assert np.array_equal(pixels, np.invert(io.read(source / "7.png").pixels))
    assert len(contents(out)) == 20


@pytest.mark.parametrize(("when", "then"), [("staging", "ddd"), ("recording", "ddd"), ("publishing", "ddd"),
                                            ("linking", "sdd")])  # fmt: skip
def test_a_run_that_ended_anywhere_is_resumed_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, then: str
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    place = {"staging": (os, "fsync"), "recording": (Manifest, "append"), "publishing": (files, "publish"),
             "linking": (Path, "hardlink_to")}[when]  # fmt: skip

    def end(*arguments: Any, **options: object) -> None:
        if when == "linking":
            os.link(arguments[1], arguments[0])
        raise KeyboardInterrupt  # and, as when killed, nothing is cleared away

    with monkeypatch.context() as patch:
        patch.setattr(*place, end)
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        with pytest.raises(KeyboardInterrupt):
            run(source, out)
    assert any(name.endswith(".tmp") for name in contents(out))
    assert run(source, out) == then
    assert sorted(contents(out)) == sorted(NAMES)
