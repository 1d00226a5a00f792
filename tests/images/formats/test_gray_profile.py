"""Profiles for gray are applied before they go."""

import io
import struct

import numpy as np
import pytest
from pictures import SRGB, noise
from PIL import Image, ImageCms

from agerestore.images import grid
from agerestore.images.arrays import open_to_color
from agerestore.images.formats import gray_profile
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo

WHITE = struct.pack(">iii", 63190, 65536, 54061)  # D50


def profile(curve: bytes, space: bytes = b"XYZ ") -> bytes:
    """The smallest profile for gray (ICC.1:2001-04) with a curve."""
    tags = {
        b"wtpt": b"XYZ " + bytes(4) + WHITE,
        b"kTRC": curve + bytes(-len(curve) % 4),
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"x\0\0\0",
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", space)
    return (head + bytes(12) + b"acsp" + bytes(28) + WHITE).ljust(128, b"\0") + table + body


def gamma(value):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def parametric(kind, *numbers):
    return (
        b"para"
        + bytes(4)
        + struct.pack(">HH", kind, 0)
        + b"".join(struct.pack(">i", round(n * 65536)) for n in numbers)
    )


TABLE = b"curv" + bytes(4) + struct.pack(">I5H", 5, 0, 3000, 12000, 35000, 65535)
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "linear": b"curv" + bytes(8), "gamma 1.8": gamma(1.8), "gamma 2.2": gamma(2.2), "a table, as of dot gain": TABLE,
    "parametric 0": parametric(0, 1.8), "parametric 3": parametric(3, *SRGB_CURVE),
    "parametric 1": parametric(1, 2.0, 1.1, -0.1), "parametric 2": parametric(2, 2.0, 1.1, -0.1, 0.0),
    "parametric 4": parametric(4, *SRGB_CURVE, 0.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_gray_becomes_what_little_cms_shows(name):
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile(CURVES[name])))
    shown = ImageCms.profileToProfile(Image.fromarray(ramp), source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    found = gray_profile.to_srgb(ramp, profile(CURVES[name]))
    light = slice(16, None)  # below, where the curve is steep, Little CMS interpolates between few levels
    np.testing.assert_allclose(found.astype(float)[light], np.asarray(shown).mean(axis=2)[light], atol=1.01)


def test_the_curves_in_closed_form():
    values = np.arange(65536, dtype=np.uint16)
    same = gray_profile.to_srgb(values, profile(CURVES["parametric 3"])).astype(int)
    assert np.abs(same - values).max() <= 40  # of 65535: as exact as the numbers in the profile are
    linear = gray_profile.to_srgb(values, profile(CURVES["linear"]))
    np.testing.assert_allclose(linear[13107] / 65535, 1.055 * 0.2 ** (1 / 2.4) - 0.055, atol=1e-5)
    lightness = gray_profile.to_srgb(values, profile(CURVES["linear"], b"Lab "))
    np.testing.assert_allclose(lightness[32768] / 65535, 0.4663, atol=1e-3)  # L* 50
    assert (np.diff(linear.astype(int)) >= 0).all()


@pytest.mark.parametrize(
    "broken",
    [b"", SRGB[:200], profile(b"curv"), profile(b"oops" + bytes(20)), profile(gamma(1))[:140], profile(parametric(9))],
)
def test_a_profile_that_cannot_be_read_changes_nothing(broken):
    values = noise(3, 4, 1)
    np.testing.assert_array_equal(gray_profile.to_srgb(values, broken), values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_that_gets_colors_is_converted_first(dtype):
    linear, peak = profile(CURVES["linear"]), np.iinfo(dtype).max
    pixels = np.full((4, 5, 1), round(0.2 * peak), dtype)
    light = (1.055 * 0.2 ** (1 / 2.4) - 0.055) * peak
    photo = Photo(pixels, pixels[..., 0], Metadata(icc_profile=linear))
    shown = photo.as_rgb()
    np.testing.assert_allclose(shown.pixels, light, atol=1)
    assert shown.metadata.icc_profile is None
    np.testing.assert_array_equal(shown.alpha, pixels[..., 0])
    raster = open_to_color(photo)
    np.testing.assert_allclose(raster.pixels(), light, atol=1)
    colored = raster.to_original(raster.values.expand(-1, 3, -1, -1), "colored")
    assert (colored.metadata.icc_profile, colored.pixels.shape) == (None, (4, 5, 3))
    with pytest.raises(ValueError, match="profile for gray"):
        photo.recolored(shown.pixels)


def test_files_pillow_images_and_sheets_are_converted_too(tmp_path):
    linear = profile(CURVES["linear"])
    image = Image.fromarray(np.full((4, 5), 51, np.uint8))
    image.info["icc_profile"] = linear
    image.save(tmp_path / "a.png", icc_profile=linear)
    for each in (image, tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.unique(open_to_color(each).pixels()).tolist() == [124]
    raster = open_to_color(image)
    assert "icc_profile" not in raster.to_original(raster.values.expand(-1, 3, -1, -1), "colored").info
    gray = Photo(np.full((4, 5, 1), 51, np.uint8), None, Metadata(icc_profile=linear))
    for sheet in (grid.side_by_side(gray, gray.as_rgb()), grid.photo_grid([gray, gray.as_rgb(), gray])):
        assert set(np.unique(sheet.pixels)) == {124, 255}
        assert sheet.metadata.icc_profile is None


def test_a_sheet_has_the_profile_that_all_its_images_have():
    one = Photo(noise(4, 5, 3), None, Metadata(icc_profile=SRGB))
    assert grid.side_by_side(one, one).metadata.icc_profile == SRGB
    assert grid.photo_grid([one, one]).metadata.icc_profile == SRGB
    assert grid.side_by_side(one, Photo(one.pixels)).metadata.icc_profile is None


def test_an_rgb_image_with_a_profile_for_gray_keeps_its_pixels():
    """Programs ignore such a profile."""
    photo = Photo(noise(4, 5, 3), None, Metadata(icc_profile=profile(gamma(1.0))))
    np.testing.assert_array_equal(photo.as_rgb().pixels, photo.pixels)
    assert photo.as_rgb().metadata.icc_profile is None
