"""Pillow images come back upright, with profile, EXIF, XMP, resolution and notes."""

import io

import numpy as np
import pytest
from pictures import DISPLAY_P3_LIKE, SRGB, cmyk_profile, exif_block, facts, noise
from PIL import Image, ImageOps

import agerestore
from agerestore.errors import UsageError
from agerestore.images.arrays import open_image, to_photo
from agerestore.images.formats import decode
from agerestore.images.raster import WHOLE

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:a="http://ns.adobe.com/tiff/1.0/"><a:Orientation>6</a:Orientation></rdf:Description>'
    b"</rdf:RDF></x:xmpmeta>"
)


def reopened(image, format="JPEG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return Image.open(file)


def back(image):
    raster = open_image(image)
    made = raster.copy()
    made.write(WHOLE, raster.read(WHOLE, raster.values.device).image)
    return raster.to_original(made.values, "restored")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_what_a_file_says_of_its_image_survives(format, orientation):
    exif = exif_block(orientation) if format != "TIFF" else None
    options = {"exif": exif, "tiffinfo": {274: orientation, 270: "a street"} if format == "TIFF" else None}
    given = {name: value for name, value in options.items() if value is not None}
    if format != "TIFF":
        given["xmp"] = XMP
    image = reopened(Image.fromarray(noise(24, 40, 3)), format, icc_profile=DISPLAY_P3_LIKE, dpi=(300, 150), **given)
    stored_dpi = image.info.get("dpi")
    shown = ImageOps.exif_transpose(image)
    found = back(image)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(shown))
    assert found.info["icc_profile"] == DISPLAY_P3_LIKE
    assert found.getexif().get(0x0112, 1) == 1
    assert found.getexif()[0x010E] == "a street"
    if format != "TIFF":
        assert facts(found.info["exif"])[1:] == facts(exif)[1:]
        assert "xmp" not in image.info or (b">6<" in found.info["xmp"]) == (orientation == 1)
    if stored_dpi:
        turned = stored_dpi[::-1] if orientation in (6, 8) and format != "TIFF" else stored_dpi
        assert found.info["dpi"] == pytest.approx([float(value) for value in turned])
    assert np.asarray(ImageOps.exif_transpose(found)).shape == np.asarray(shown).shape  # nothing turns it again
    assert image.info.get("icc_profile") == DISPLAY_P3_LIKE  # and what came in is as it was


def test_an_orientation_that_was_set_in_memory_counts():
    image = Image.fromarray(noise(4, 6, 3))
    image.getexif()[0x0112] = 6
    found = back(image)
    assert found.size == (4, 6)
    assert found.getexif()[0x0112] == 1


def test_notes_stay_and_a_transparent_color_becomes_alpha():
    image = Image.fromarray(np.array([[0, 7], [7, 9]], np.uint8))
    image.info = {"transparency": 7, "title": "a street", "gamma": 0.5}
    found = back(image)
    profile = found.info.pop("icc_profile")  # of the gamma
    assert profile[16:20] == b"GRAY"
    assert (found.mode, found.info) == ("LA", {"title": "a street"})
    assert np.asarray(found)[..., 1].tolist() == [[255, 0], [0, 255]]


def test_ink_is_converted_by_its_profile_before_that_goes():
    paper, ink = (255, 128, 128), (96, 160, 110)
    image = Image.fromarray(np.full((4, 4, 4), 0, np.uint8), "CMYK")
    image.paste((255, 255, 255, 255), (0, 0, 2, 4))
    image.info["icc_profile"] = cmyk_profile(paper, ink)
    found = back(image)
    from_file = decode.decode(reopened(image, "TIFF", icc_profile=image.info["icc_profile"]).fp.getvalue())[0]
    np.testing.assert_array_equal(np.asarray(found), from_file)
    assert "icc_profile" not in found.info
    assert image.info["icc_profile"] == cmyk_profile(paper, ink)


@pytest.mark.parametrize("mode", ["1", "P", "PA", "La", "RGBa", "YCbCr", "HSV", "RGBX"])
def test_other_modes_become_the_plain_one_that_looks_the_same(mode):
    alpha = Image.fromarray(noise(6, 8, 4))
    color, gray = alpha.convert("RGB"), alpha.convert("LA")
    image = {"1": color, "La": gray, "RGBa": alpha}.get(mode, color)
    image = (alpha.convert("P") if mode == "PA" else image).convert(mode)
    plain = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(mode, "RGB")
    found = back(image)
    assert found.mode == plain
    np.testing.assert_array_equal(np.asarray(found), np.asarray(image.convert(plain)))


def test_a_photo_of_a_pillow_image_knows_what_its_file_does():
    photo = to_photo(reopened(Image.fromarray(noise(24, 40, 3)), quality=60, icc_profile=SRGB, exif=exif_block(6)))
    assert photo.pixels.shape == (40, 24, 3)
    assert photo.metadata.icc_profile == SRGB
    assert photo.metadata.jpeg_tables is not None
    report = agerestore.inspect(reopened(Image.fromarray(noise(64, 72, 3)), quality=60, exif=exif_block(6)))
    assert (report.jpeg_quality, report.jpeg_quality_from, report.orientation) == (60, "file", 6)


def test_a_lazily_opened_image_that_is_damaged_is_refused_in_one_line():
    file = io.BytesIO()
    Image.fromarray(noise(40, 40, 3)).save(file, "PNG")
    broken = Image.open(io.BytesIO(file.getvalue()[:900]))
    with pytest.raises(UsageError, match="the Pillow image cannot be read"):
        open_image(broken)


def test_all_verbs_keep_them():
    """`restore` and its samples; `degrade`; colors are made of gray that was converted."""
    image = reopened(Image.fromarray(noise(24, 40, 3)), icc_profile=SRGB, exif=exif_block(6), dpi=(300, 300))
    for found in (agerestore.restore(image, model="photo"), agerestore.degrade(image, "noise:sigma=5")):
        assert (found.size, found.info["icc_profile"], found.getexif()[0x0112]) == ((24, 40), SRGB, 1)
