"""JPEG quality, from tables and from pixels."""

import io

import numpy as np
import pytest
from PIL import Image
from scenes import as_jpeg, decoded, noisy, scene

from agerestore.analysis.jpeg import luminance_table, quality_of_pixels, quality_of_tables


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 95, 100])
def test_the_table_is_the_one_that_libjpeg_writes(quality):
    tables = Image.open(io.BytesIO(as_jpeg(scene(), quality))).quantization
    assert tables[0] == luminance_table(quality).ravel().tolist()
    assert quality_of_tables([tables[0]]) == quality


@pytest.mark.parametrize("quality", [20, 50, 75, 90])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_quality_of_a_jpeg_is_seen_in_its_pixels(quality, channels):
    texture = noisy(scene(channels), 6, (192, 192, channels))
    assert quality_of_pixels(decoded(texture, quality)) == pytest.approx(quality, abs=1)


def test_what_never_was_a_jpeg_has_no_quality():
    assert quality_of_pixels(noisy(scene(), 6, (192, 192, 3))) is None
    assert quality_of_pixels(np.full((64, 64, 1), 128, np.uint8)) is None
    assert quality_of_pixels(np.zeros((5, 5, 3), np.uint8)) is None
