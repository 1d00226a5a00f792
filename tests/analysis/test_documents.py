"""Documents and line art."""

import numpy as np
import pytest
from scenes import scene

from agerestore.analysis.documents import is_document


@pytest.mark.parametrize(("ends", "is_one"), [((0, 255), True), ((1, 255), False), ((0, 254), False)])
def test_a_drawing_is_nearly_all_pure_black_and_white(ends, is_one):
    page = np.full((50, 50, 1), ends[1], np.uint8)
    page[::8] = ends[0]
    page[1::8, :40] = 128  # gray edges
    assert is_document(page) == is_one
    assert is_document(page.astype(np.uint16) * 257) == is_one
    assert not is_document(np.full((9, 9, 3), 255, np.uint8))
    assert not is_document(scene())
