"""Scratches: the fraction of a line that was drawn."""

import pytest
from scenes import blurred, scene

from agerestore.analysis.scratches import scratch_share


def test_the_share_of_a_scratch():
    scratched = blurred(scene(), 3)
    assert scratch_share(scratched) == 0
    scratched[10:180, 100:102] = 250
    assert scratch_share(scratched) == pytest.approx(170 * 2 / 192**2, rel=0.1)
