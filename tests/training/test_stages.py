"""Learning rates of stages."""

import math

import pytest

from agerestore.training import stages

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("kind", "expected"), [
    ("constant", [1, 1, 1]), ("linear", [1, 1, 0.5]), ("cosine", [1, 0.5, 0.5 * (1 - math.sqrt(0.5))]),
    ("step", [1, 0.25, 0.125]),
])  # fmt: skip
def test_schedules_at_the_start_the_middle_and_three_quarters(kind, expected):
    rate = stages.learning_rate(kind, 1.0, 100, epoch=5, every=5)
    assert [rate(0), rate(50), rate(75)] == pytest.approx([*expected])
