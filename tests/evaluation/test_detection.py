"""Precision and recall of a detector, by masks that are known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from detectors import white_is_damage

from agerestore.data.sources import load_photographs
from agerestore.errors import UsageError
from agerestore.evaluation.detection import TOLERANCE, _Counts, benchmark_detection
from agerestore.evaluation.evaluator import evaluate
from agerestore.images import io
from agerestore.images.photo import Photo


def mask(*columns: int) -> torch.Tensor:
    """(1, 1, 1, 60) bool, True in these columns."""
    found = torch.zeros(1, 1, 1, 60, dtype=torch.bool)
    found[..., list(columns)] = True
    return found


@pytest.mark.parametrize(("place", "right"), [(20 + TOLERANCE, 1), (20 + TOLERANCE + 1, 0)])
def test_a_mark_at_the_tolerance_is_right_and_one_beyond_is_not(place: int, right: int) -> None:
    counts = _Counts()
    counts.add(mask(place), {"cracks": mask(20)}, mask())
    assert (counts.right, counts.marked, counts.found["cracks"], counts.asked["cracks"]) == (right, 1, right, 1)


def test_marks_on_what_is_too_faint_count_neither_way() -> None:
    counts = _Counts()
    counts.add(mask(40, 50), {"cracks": mask(20)}, mask(40))
    assert (counts.right, counts.marked) == (0, 1)


def test_shares_are_of_all_images_together() -> None:
    counts = _Counts()
    counts.add(mask(1, 2, 3, 50), {"cracks": mask(1, 2, 3), "specks": mask(10)}, mask())
    counts.add(mask(), {"cracks": mask(7)}, mask())
    row = counts.row("old-print", 0.5)
    assert (row.precision, row.recall) == (3 / 4, 3 / 5)
    assert row.recall_of == {"cracks": 3 / 4, "specks": 0}
    assert (row.marked, row.most_marked) == (pytest.approx(4 / 60 / 2), 4 / 60)
    assert "recall 0.600" in str(row)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for number in range(2):
        pixels = np.random.default_rng(number).integers(60, 150, (96, 120, 3), np.uint8)
        io.write(tmp_path / f"{number}.png", Photo(pixels))
    return tmp_path


def test_a_detector_of_white_finds_white_specks(photographs: Path) -> None:
    white = "specks:opacity=1:dark=0:hairs=0:coverage=0.01:radius=2"
    rows = benchmark_detection(white_is_damage(0.65), load_photographs(photographs), [white])
    assert [row.sensitivity for row in rows] == sorted(row.sensitivity for row in rows)
    for row in rows:
        assert row.precision is not None
        assert row.recall is not None
        assert row.precision > 0.95
        assert row.recall > 0.4  # the others are half transparent
        assert list(row.recall_of) == ["specks"]


def test_on_images_as_they_are_the_marks_are_counted(photographs: Path) -> None:
    rows = evaluate(white_is_damage(), photographs)
    assert {(row.recall, row.precision, row.marked, row.most_marked) for row in rows} == {(None, None, 0, 0)}
    assert "marked 0.000%" in str(rows[0])
    with pytest.raises(UsageError, match="does not support `ensemble`"):
        evaluate(white_is_damage(), photographs, ensemble=4)
