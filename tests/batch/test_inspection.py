"""Batches that only look at images: which are read, where masks go, and that nothing else is written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import contents
from copying import exit_code, pictures, run, tree
from worker_cases import Looking

from agerestore.batch.inspection import InspectionWriter, plan_inspections
from agerestore.batch.masks import Masks
from agerestore.batch.parts import Part
from agerestore.batch.worker_processes import WorkerProcesses
from agerestore.errors import UsageError


@pytest.fixture(scope="module")
def two_workers() -> Iterator[WorkerProcesses]:
    executor = WorkerProcesses(Looking(), 2)
    yield executor
    executor.close()


def test_images_are_taken_in_order_with_their_masks_and_without_results_of_proposals(tmp_path: Path) -> None:
    names = ("b/a.png", "b/z.png", "b/z.mask.png", "b/z.restored.png", "a.jpg")
    pictures(tmp_path / "in", *names)
    named = pictures(tmp_path, "named.mask.png", "x.restored.png")  # a named file, whatever it is called
    (tmp_path / "empty").mkdir()
    jobs, failed = plan_inspections([named[1], tmp_path / "empty", tmp_path / "in", named[0]])
    found = tmp_path / "in"
    assert [job.source for job in jobs] == [named[1], found / "a.jpg", found / "b/a.png", found / "b/z.png", named[0]]
    assert [job.target for job in jobs] == [job.source for job in jobs]
    assert [job.extra_inputs for job in jobs] == [(), (), (), (found / "b/z.mask.png",), ()]
    assert [(each.job.source.name, each.code) for each in failed] == [("empty", "UnreadableError")]
    assert "empty: holds no image" in str(failed[0].error)


def test_masks_are_named_as_they_are_found_again(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "sub/a.png", "sub/a.jpg")
    jobs, _ = plan_inspections([tmp_path / "in"], tmp_path / "masks")
    assert len(jobs) == 3
    for job in jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.touch()
    masks = Masks(tmp_path / "masks", tmp_path / "in")
    assert [masks.of(job.source) for job in jobs] == [job.target for job in jobs]
    single, _ = plan_inspections([tmp_path / "in" / "a.png"], tmp_path / "found.png")
    assert [job.target for job in single] == [tmp_path / "found.png"]
    several, _ = plan_inspections([tmp_path / "in" / "sub", tmp_path / "in" / "a.png"], tmp_path / "m")
    names = ("sub/a.jpg", "sub/a.png", "a.png")
    assert [job.target for job in several] == [tmp_path / "m" / f"{name}.mask.png" for name in names]


def test_masks_of_the_same_name_or_in_the_place_of_an_image_are_refused(tmp_path: Path) -> None:
    first, second = pictures(tmp_path, "a/x.png", "b/x.png")
    with pytest.raises(UsageError, match=r"x\.png\.mask\.png: would be the mask of 2 images; inspect them apart"):
        plan_inspections([first, second], tmp_path / "masks")
    with pytest.raises(UsageError, match="is the image itself; choose another name for `mask`"):
        plan_inspections([first], first)


def test_parts_are_disjoint_and_all_of_it(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "in", *(f"{n}.png" for n in range(20)))
    parts = [plan_inspections([tmp_path / "in"], part=Part(number, 3)).jobs for number in (1, 2, 3)]
    assert sorted(job.source for jobs in parts for job in jobs) == sorted(paths)
    assert all(parts)
    with pytest.raises(UsageError, match="this is a single file"):
        plan_inspections([paths[0]], part=Part(1, 3))


def test_only_masks_are_written_and_none_is_replaced(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "b/c.png", "d.png")
    before = contents(tmp_path / "in")
    jobs, _ = plan_inspections([tmp_path / "in"])
    outcomes = run(jobs, Looking(), InspectionWriter())
    assert [each.detail for each in outcomes] == [{"width": 16}] * 3
    assert contents(tmp_path) == {f"in/{name}": data for name, data in before.items()}
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "d.png.mask.png").write_bytes(b"mine")
    jobs, _ = plan_inspections([tmp_path / "in"], tmp_path / "masks")
    outcomes = run(jobs, Looking(), InspectionWriter())
    assert [each.code for each in outcomes] == [None, None, "OutputExistsError"]
    assert str(outcomes[2].error).endswith("d.png.mask.png: exists; choose another name for `mask`")
    assert contents(tmp_path / "in") == before
    assert tree(tmp_path / "masks") == ["a.png.mask.png", "b/c.png.mask.png", "d.png.mask.png"]  # no manifest
    assert (tmp_path / "masks" / "b" / "c.png.mask.png").read_bytes() == b"\1"
    assert (tmp_path / "masks" / "d.png.mask.png").read_bytes() == b"mine"


def test_workers_say_and_write_the_same_and_one_that_dies_costs_its_file_alone(
    tmp_path: Path, two_workers: WorkerProcesses
) -> None:
    names = ["a.png", "bad.png", "c.png", "dies-once.png", "e.png"]
    paths = pictures(tmp_path / "in", *names)
    paths[1].write_bytes(b"no picture")
    paths[3].with_suffix(".tried").touch()  # so that this process does not die over it
    said, written = [], []
    for number, executor in enumerate((None, two_workers)):
        jobs, _ = plan_inspections([tmp_path / "in"], tmp_path / f"masks{number}")
        outcomes = run(jobs, Looking(), InspectionWriter(), executor=executor)
        said.append([(each.job.source, each.status, each.error, each.code, each.detail) for each in outcomes])
        written.append(contents(tmp_path / f"masks{number}"))
    assert said[0] == said[1]
    assert written[0] == written[1]
    assert [row[3] for row in said[0]] == [None, "UnreadableError", None, None, None]
    paths[3].with_suffix(".tried").unlink()
    pictures(tmp_path / "in", "dies-always.png")
    jobs, _ = plan_inspections([tmp_path / "in"])
    outcomes = run(jobs, Looking(), InspectionWriter(), executor=two_workers)
    assert [each.job.source.name for each in outcomes] == sorted([*names, "dies-always.png"])
    assert [each.code for each in outcomes] == [None, "UnreadableError", None, "WorkerError", None, None]
    assert "its worker process ended 2 times: killed" in str(outcomes[3].error)
    assert (tmp_path / "in" / "dies-once.tried").exists()
    assert exit_code(outcomes) == 1
    assert not [name for name in os.listdir(tmp_path / "in") if name.startswith(".")]  # noqa: PTH208
