"""Files written and read again: pixels, metadata, compression, and what a format cannot hold."""

import io as io_bytes
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pictures import (
    DISPLAY_P3_LIKE,
    SRGB,
    XMP,
    assert_same,
    exif_block,
    facts,
    noise,
    saved,
)
from PIL import Image

from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io
from agerestore.images.formats import png
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (3, 5000)])
def test_untouched_pictures_come_back_identical(
    tmp_path: Path, suffix: str, samples: int, height: int, width: int
) -> None:
    pixels = noise(height, width, samples)
    alpha = pixels[..., -1] if samples in (2, 4) else None
    photo = Photo(pixels[..., : 1 if samples < 3 else 3], alpha)
    io.write(tmp_path / f"a{suffix}", photo)
    found = io.read(tmp_path / f"a{suffix}")
    if suffix == ".webp" and samples < 3:  # WebP has no grayscale
        np.testing.assert_array_equal(found.pixels, np.repeat(photo.pixels, 3, axis=2))
    else:
        assert_same(found, photo)


@settings(deadline=None, max_examples=30)
@given(
    samples=arrays.arrays(
        np.uint16,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
        elements=st.integers(0, 65535),
    ),
    suffix=st.sampled_from([".png", ".tif"]),
)
def test_sixteen_bits_come_back_identical(
    tmp_path_factory: pytest.TempPathFactory, samples: np.ndarray, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("deep") / f"a{suffix}"
    channels = samples.shape[2]
    alpha = samples[..., -1] if channels in (2, 4) else None
    photo = Photo(samples[..., : 1 if channels < 3 else 3], alpha)
    if channels == 2 and suffix == ".tif":
        with pytest.raises(ImageFileError, match=r"\.png"):
            io.write(path, photo)
    else:
        io.write(path, photo)
        assert_same(io.read(path), photo)


def test_our_tiff_is_read_by_another_program(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    for dtype in (np.uint8, np.uint16):
        pixels = noise(300, 200, 3, dtype)  # more than one strip
        io.write(tmp_path / f"{dtype.__name__}.tif", Photo(pixels))
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{dtype.__name__}.tif"), pixels)


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(suffix, np.uint8) for suffix in (".png", ".tif", ".jpg", ".webp")] + [(".png", np.uint16), (".tif", np.uint16)],
)
def test_profile_exif_xmp_and_resolution_are_kept(tmp_path: Path, suffix: str, dtype: type) -> None:
    xmp = XMP.replace(b"6", b"1")
    exif = exif_block(1).removeprefix(b"Exif\0\0")
    metadata = Metadata(exif=exif, icc_profile=DISPLAY_P3_LIKE, dpi=(300.0, 150.0), xmp=xmp)
    io.write(tmp_path / f"a{suffix}", Photo(noise(8, 8, 3, dtype), None, metadata))
    found = io.read(tmp_path / f"a{suffix}").metadata
    assert found.icc_profile == DISPLAY_P3_LIKE
    assert found.xmp == xmp
    if suffix == ".tif":  # where the orientation is the layout's, not EXIF's
        expected = facts(exif)[0]
        del expected[0x0112]
        assert facts(found.exif) == (expected, *facts(exif)[1:])
    else:
        assert found.exif == exif
    if suffix != ".webp":
        assert found.dpi == pytest.approx((300, 150), abs=0.02)
    again = tmp_path / f"b{suffix}"
    io.write(again, io.read(tmp_path / f"a{suffix}"))
    assert again.read_bytes() == (tmp_path / f"a{suffix}").read_bytes() or suffix == ".jpg"


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
def test_text_of_a_tiff_that_is_not_ascii_is_kept_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    artist = "Jürgen © 2020 José"
    tags = Image.Exif()
    tags[0x013B] = "x" * len(artist.encode())
    block = tags.tobytes().replace(b"x" * len(artist.encode()), artist.encode()).removeprefix(b"Exif\0\0")
    io.write(tmp_path / "a.tif", Photo(noise(8, 8, 3), None, Metadata(exif=block)))
    io.write(tmp_path / f"b{suffix}", io.read(tmp_path / "a.tif"))
    assert artist.encode() in (tmp_path / "a.tif").read_bytes()
    assert artist.encode() in (tmp_path / f"b{suffix}").read_bytes()


def test_a_png_with_a_profile_of_more_than_a_megabyte_is_sound(tmp_path: Path) -> None:
    profile = SRGB + np.random.default_rng(0).bytes(1_500_000)
    io.write(tmp_path / "a.png", Photo(noise(8, 8, 3), None, Metadata(icc_profile=profile)))
    assert io.read(tmp_path / "a.png").metadata.icc_profile == profile


def test_a_channel_of_a_tiff_that_is_no_alpha_is_refused_not_dropped(tmp_path: Path) -> None:
    io.write(tmp_path / "a.tif", Photo(noise(8, 8, 3), noise(8, 8, 1)))
    alpha, other = (struct.pack("<HHIHH", 338, 3, 1, kind, 0) for kind in (2, 0))
    tiff = (tmp_path / "a.tif").read_bytes()
    assert tiff.count(alpha) == 1
    (tmp_path / "b.tif").write_bytes(tiff.replace(alpha, other))
    with pytest.raises(UnreadableError, match="holds a channel besides color and transparency"):
        io.read(tmp_path / "b.tif")


def test_offsets_into_the_old_file_do_not_reach_a_tiff(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "1999:12:31 23:59:59", 0xA005: {1: "R98"}}
    photo = io.read(saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=exif))
    assert 0xA005 in facts(photo.metadata.exif)[1]
    io.write(tmp_path / "a.tif", photo)
    assert facts(io.read(tmp_path / "a.tif").metadata.exif)[1] == {0x9003: "1999:12:31 23:59:59"}


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("quality", "subsampling"), [(40, 2), (75, 1), (97, 0)])
def test_jpeg_keeps_the_quality_of_its_source(tmp_path: Path, mode: str, quality: int, subsampling: int) -> None:
    image = Image.fromarray(noise(32, 32, 3)).convert(mode)
    source = saved(tmp_path / "a.jpg", image, quality=quality, subsampling=subsampling)
    photo = io.read(source)
    io.write(tmp_path / "b.jpg", photo)
    again = io.read(tmp_path / "b.jpg")
    assert again.metadata.jpeg_tables == photo.metadata.jpeg_tables
    assert again.metadata.jpeg_subsampling == photo.metadata.jpeg_subsampling == (subsampling if mode == "RGB" else -1)
    assert (tmp_path / "b.jpg").stat().st_size == pytest.approx(source.stat().st_size, rel=0.1)


def test_jpeg_without_a_source_is_quality_95(tmp_path: Path) -> None:
    pixels = noise(16, 16, 3)
    io.write(tmp_path / "a.jpg", Photo(pixels))
    reference = io.read(saved(tmp_path / "b.jpg", Image.fromarray(pixels), quality=95, subsampling=0))
    assert_same(io.read(tmp_path / "a.jpg"), reference)


def test_lossy_webp_stays_lossy_and_lossless_stays_lossless(tmp_path: Path) -> None:
    image = Image.fromarray(noise(64, 64, 3))
    lossy = io.read(saved(tmp_path / "a.webp", image, quality=80))
    exact = io.read(saved(tmp_path / "b.webp", image, lossless=True))
    assert (lossy.metadata.lossy, exact.metadata.lossy) == (True, False)
    io.write(tmp_path / "c.webp", lossy)
    io.write(tmp_path / "d.webp", exact)
    assert io.read(tmp_path / "c.webp").metadata.lossy
    assert_same(io.read(tmp_path / "d.webp"), exact)


@pytest.mark.parametrize(
    ("photo", "suffix", "advice"),
    [
        (Photo(noise(2, 2, 3), noise(2, 2, 1)[..., 0]), ".jpg", "transparency"),
        (Photo(noise(2, 2, 3), noise(2, 2, 1)[..., 0]), ".bmp", "transparency"),
        (Photo(noise(2, 2, 3, np.uint16)), ".jpg", "16 bits"),
        (Photo(noise(2, 2, 1, np.uint16)), ".webp", "16 bits"),
        (Photo(noise(2, 2, 3), None, Metadata(icc_profile=SRGB)), ".bmp", "profile"),
        (
            Photo(noise(2, 2, 1), None, Metadata(icc_profile=SRGB.replace(b"RGB ", b"GRAY"))),
            ".webp",
            "profile",
        ),
        (Photo(noise(2, 2, 3), None, Metadata(exif=bytes(70000))), ".jpg", "too long"),
        (Photo(noise(1, 70000, 1)), ".jpg", "JPEG"),
        (Photo(noise(2, 2, 3)), ".gif", r"\.gif"),
        (Photo(noise(2, 2, 3)), "", "ending"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, photo: Photo, suffix: str, advice: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ImageFileError, match=advice) as caught:
        io.write(path, photo)
    if advice not in ("too long", "JPEG"):  # of which only the encoder knows
        with pytest.raises(ImageFileError, match=advice):  # before any work is spent on it
            io.refuse_unfit(photo, suffix)
    assert str(caught.value).startswith(f"{path}: ")
    assert "choose" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_opaque_alpha_does_not_keep_a_picture_out_of_jpeg(tmp_path: Path) -> None:
    photo = Photo(noise(2, 2, 3), np.full((2, 2), 255, np.uint8))
    io.refuse_unfit(photo, ".jpg")
    io.write(tmp_path / "a.jpg", photo)
    assert io.read(tmp_path / "a.jpg").alpha is None


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_a_sixteen_bit_png_is_read_by_other_programs(samples: int) -> None:
    pixels = noise(9, 7, samples, np.uint16)
    data = png.encode(pixels, Metadata(exif=exif_block(1).removeprefix(b"Exif\0\0"), dpi=(300, 150), xmp=XMP))
    assert data[24:26] == bytes([16, {1: 0, 2: 4, 3: 2, 4: 6}[samples]])  # depth and color type of the header
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {1: ..., 2: [0, 3], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples]  # of BGR(A); gray with alpha comes as BGRA
    np.testing.assert_array_equal(decoded if samples == 1 else decoded[..., order], pixels.squeeze())
    with Image.open(io_bytes.BytesIO(data)) as image:
        image.load()
        assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)
        assert image.getexif()[0x010F] == "Leica"
        assert image.info["xmp"] == XMP


@pytest.mark.parametrize("orientation", [None, 1, 6])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_the_metadata_say_which_orientation_the_file_had(tmp_path: Path, orientation: int | None, suffix: str) -> None:
    exif = {} if orientation is None else {"exif": exif_block(orientation)}
    photo = io.read(saved(tmp_path / f"a{suffix}", Image.fromarray(noise(4, 6, 3)), **exif))
    assert photo.metadata.orientation == orientation
    io.write(tmp_path / f"b{suffix}", photo)
    again = io.read(tmp_path / f"b{suffix}").metadata
    assert again.orientation in (None, 1)
