"""Parts of a folder: which files they hold, their manifests as one, and who may run next to whom."""

import hashlib
from pathlib import Path

import pytest
from batches import contents
from copying import Copying, pictures

from agerestore.batch import planning, runner
from agerestore.batch.folders import search
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME, Manifest, is_manifest_name, refuse_locked
from agerestore.batch.outcome import Summary
from agerestore.batch.parts import Part
from agerestore.config.options import FileOptions
from agerestore.errors import UsageError


def job(name: str) -> Job:
    return Job(Path("in") / name, Path("out") / name, root=Path("in"))


def counts(source: Path, out: Path, part: str | None, key: str = "key", **options: object) -> tuple[int, int, int]:
    """How many of a part, or of the whole, were done, skipped and failed."""
    jobs, chosen = planning.plan(source, out, FileOptions(ext=".png")), part and Part.of(part)
    jobs = chosen.select(jobs) if chosen else jobs
    summary: Summary = runner.run_files(jobs, Copying(), out, key, part=chosen or None, **options)
    return summary.done, summary.skipped, summary.failed


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pictures(tmp_path / "in", *(f"{n}.png" for n in range(20)), "sub/a.png", "x.png", "x.jpg")
    return tmp_path / "in"


def test_a_part_holds_the_files_whose_hash_leaves_its_number() -> None:
    for name in ("a.png", "sub/b.png", "車.jpg", "\udcff.png"):
        first = int(hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16], 16)
        holding = [k for k in range(1, 9) if Part(k, 8).select([job(name)])]
        assert holding == [first % 8 + 1]
    assert hashlib.sha256(b"a.png").hexdigest()[:16] == "7f071235805fbf58"
    assert Part(1, 8).select([job("a.png")]) == [job("a.png")]


def test_every_file_is_in_one_part_and_parts_are_of_about_one_size() -> None:
    jobs = [job(f"{n}.png") for n in range(4000)]
    parts = [Part(k, 4).select(jobs) for k in range(1, 5)]
    assert sorted(each.source for part in parts for each in part) == sorted(each.source for each in jobs)
    assert all(900 < len(part) < 1100 for part in parts)  # 1000, with a standard deviation of 27
    assert Part(1, 1).select(jobs) == jobs


def test_a_file_stays_in_its_part_when_the_folder_grows() -> None:
    some, more = [job(f"{n}.png") for n in range(9)], [job(f"{n}.png") for n in range(99)]
    for number in range(1, 4):
        assert set(Part(number, 3).select(some)) <= set(Part(number, 3).select(more))


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3", " 1/2", "1/\u0662"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"`part` .* is not K/N with K from 1 to N, as in 3/8"):
        Part.of(text)


def test_parts_together_make_what_one_run_makes_and_know_what_the_others_did(tmp_path: Path, source: Path) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    assert counts(source, whole, None) == (23, 0, 0)
    done = [counts(source, parts, f"{number}/3") for number in (3, 1, 2)]
    assert sum(each[0] for each in done) == 23
    assert all(0 < each[0] < 23 and each[1:] == (0, 0) for each in done)
    made = {name: data for name, data in contents(parts).items() if not name.startswith(".")}
    assert made == contents(whole)
    assert {"x.png.png", "x.jpg.png"} <= set(made)  # named apart, although in two parts
    assert sorted(each.name for each in parts.glob(".*.jsonl")) == [
        f".agerestore.part-{number}-of-3.jsonl" for number in (1, 2, 3)
    ]
    assert counts(source, parts, None) == (0, 23, 0)  # the whole knows them
    assert sum(counts(source, parts, f"{number}/2")[1] for number in (1, 2)) == 23  # and so does another division
    assert sum(counts(source, whole, f"{number}/2")[1] for number in (1, 2)) == 23  # and parts know the whole
    assert not search(parts, is_result=lambda path: False).results  # of the folder itself, as ever
    assert len(search(tmp_path / "parts").images) == 23
    assert len(search(tmp_path).results) == 2 * 23


def test_of_several_records_that_of_the_file_that_is_there_holds(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    assert counts(source, out, "1/1", "old") == (23, 0, 0)
    assert counts(source, out, None, "new") == (0, 0, 23)  # made with other settings
    (source / "3.png").write_bytes((source / "4.png").read_bytes())
    assert counts(source, out, None, "new", overwrite=True) == (23, 0, 0)
    assert counts(source, out, "1/1", "new") == (0, 23, 0)
    record = Manifest(out).find(out / "3.png")
    assert record is not None
    assert record.settings == "new"
    assert counts(source, out, "1/1", "newest", overwrite=True) == (23, 0, 0)
    assert counts(source, out, None, "newest") == (0, 23, 0)


def test_parts_of_one_division_run_next_to_each_other_and_all_others_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Manifest.open(out, Part(1, 3)), Manifest.open(out, Part(2, 3)):
        for other in (None, Part(1, 3), Part(1, 2)):
            with pytest.raises(UsageError, match="another run is writing"), Manifest.open(out, other):
                pass
        with pytest.raises(UsageError, match="another run is writing"):
            refuse_locked(out)
    with Manifest.open(out, Part(1, 2)):
        pass
    with Manifest.open(out):
        pass


def test_while_the_whole_is_at_work_no_part_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agerestore.batch.manifest.BEGINNING", 0.05)
    with Manifest.open(tmp_path), pytest.raises(UsageError, match="another run"), Manifest.open(tmp_path, Part(1, 2)):
        pass


def test_a_single_file_has_no_parts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`part` divides the files of a folder"):
        runner.run_files([job("a.png")], Copying(), None, part=Part(1, 2))


def test_names_of_manifests() -> None:
    assert all(map(is_manifest_name, (NAME, ".agerestore.part-3-of-8.jsonl")))
    others = (".agerestore.part-3-of-8.lock", "report.jsonl", ".agerestore.part-of-8.jsonl", f"{NAME}.orig")
    assert not any(map(is_manifest_name, others))
