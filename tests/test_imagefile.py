"""Pictures in and out; each hostile case mirrors a defect of another tool (reference/anchors.md, A and C)."""

import errno
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms, ImageOps

from agerestore import imagefile, lossless
from agerestore.errors import ImageFileError
from agerestore.imagefile import Metadata, Photo, UnreadableError

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DISPLAY_P3_LIKE = SRGB[:36] + SRGB[36:].replace(b"s\0R\0G\0B", b"P\0-\0\x33\0X")  # another profile, same size
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'


def noise(height: int, width: int, samples: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    shape = (height, width, samples)
    return np.random.default_rng(seed).integers(0, int(np.iinfo(dtype).max) + 1, shape).astype(dtype)


def png(
    rows: bytes, size: tuple[int, int], depth: int, colour_type: int, *chunks: tuple[bytes, bytes]
) -> bytes:
    """A PNG by hand from rows that each begin with their filter byte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def stored(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def exif_block(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0112] = "a street", "Leica", orientation
    exif[0x8769] = {0x9003: "1999:12:31 23:59:59", 0x927C: b"maker\0note"}
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 15.0)}
    return exif.tobytes()


def facts(exif: bytes | None) -> tuple[dict[int, object], ...]:
    """What an EXIF block says, without its pointers."""
    assert exif is not None
    loaded = Image.Exif()
    loaded.load(exif)
    first = {tag: value for tag, value in loaded.items() if tag not in (0x8769, 0x8825)}
    return first, dict(loaded.get_ifd(0x8769)), dict(loaded.get_ifd(0x8825))


def assert_same(found: Photo, expected: Photo) -> None:
    assert found.pixels.dtype == expected.pixels.dtype
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert (found.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        np.testing.assert_array_equal(found.alpha, expected.alpha)


# What is read, against closed forms


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_orientation_is_honoured_and_reset(tmp_path: Path, orientation: int, suffix: str) -> None:
    image = Image.fromarray(noise(5, 7, 3))
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", image, exif=exif_block(orientation), **options)
    with Image.open(path) as reference:
        expected = np.array(ImageOps.exif_transpose(reference))
    photo = imagefile.read(path)
    np.testing.assert_array_equal(photo.pixels, expected)
    imagefile.write(tmp_path / f"b{suffix}", photo)
    with Image.open(tmp_path / f"b{suffix}") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x010F] == "Leica"
        assert again.getexif().get_ifd(0x8769)[0x9003] == "1999:12:31 23:59:59"
        np.testing.assert_array_equal(np.array(again), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("samples", [1, 3])
def test_orientation_of_sixteen_bits(tmp_path: Path, orientation: int, samples: int) -> None:
    pixels = noise(5, 7, samples, np.uint16)
    exif = exif_block(orientation).removeprefix(b"Exif\0\0")
    from_png = imagefile.read(stored(tmp_path / "a.png", lossless.encode_png(pixels, exif=exif)))
    tiff = lossless.encode_tiff(pixels)
    tagged = tiff_with_short_tag(tiff, 274, orientation)
    from_tiff = imagefile.read(stored(tmp_path / "a.tif", tagged))
    turned = ImageOps.exif_transpose  # the reference turns each byte of the samples
    for shift in (0, 8):
        byte = Image.fromarray((pixels[..., 0] >> shift).astype(np.uint8))
        byte.getexif()[0x0112] = orientation
        expected = np.array(turned(byte))
        np.testing.assert_array_equal((from_png.pixels[..., 0] >> shift).astype(np.uint8), expected)
        np.testing.assert_array_equal((from_tiff.pixels[..., 0] >> shift).astype(np.uint8), expected)


def tiff_with_short_tag(tiff: bytes, tag: int, value: int) -> bytes:
    """Replace the tag 284 (interleaved, the default) of a little-endian TIFF by another short one."""
    count, start = struct.unpack_from("<H", tiff, 8)[0], 10
    entries = [tiff[at : at + 12] for at in range(start, start + 12 * count, 12)]
    entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != 284]
    entries = sorted([*entries, struct.pack("<HHIHH", tag, 3, 1, value, 0)], key=lambda e: e[1::-1])
    return tiff[:start] + b"".join(entries) + tiff[start + 12 * count :]


def test_exif_is_patched_in_place_and_loses_its_thumbnail(tmp_path: Path) -> None:
    block = bytearray(exif_block(6).removeprefix(b"Exif\0\0"))
    (start,) = struct.unpack_from(">I" if block[:2] == b"MM" else "<I", block, 4)
    order = ">" if block[:2] == b"MM" else "<"
    (count,) = struct.unpack_from(order + "H", block, start)
    struct.pack_into(
        order + "I", block, start + 2 + 12 * count, len(block)
    )  # a second directory: the thumbnail
    with_thumbnail = bytes(block) + struct.pack(order + "H", 0) + bytes(4)
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=b"Exif\0\0" + with_thumbnail)
    kept = imagefile.read(path).metadata.exif
    assert kept is not None
    changed = [at for at, (a, b) in enumerate(zip(kept, with_thumbnail, strict=True)) if a != b]
    assert len(changed) <= 1 + 4  # the orientation's one byte, the link's four
    assert facts(kept)[0] == {**facts(with_thumbnail)[0], 0x0112: 1}
    assert facts(kept)[1:] == facts(with_thumbnail)[1:]


@pytest.mark.parametrize(
    "garbage", [b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0junk" * 9]
)
def test_broken_exif_harms_neither_pixels_nor_itself(tmp_path: Path, garbage: bytes) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4), (9, 99, 199)), exif=garbage)
    photo = imagefile.read(path)
    assert photo.pixels.shape == (4, 8, 3)
    assert (photo.metadata.exif or b"") == garbage.removeprefix(b"Exif\0\0")


def test_xmp_orientation_and_resolution_turn_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("L", (8, 4)), exif=exif_block(6), xmp=XMP, dpi=(200, 100))
    metadata = imagefile.read(path).metadata
    assert metadata.xmp == XMP.replace(b"6", b"1")
    assert metadata.dpi == (100, 200)


def test_alpha_of_every_kind(tmp_path: Path) -> None:
    rgba = noise(6, 5, 4)
    photo = imagefile.read(saved(tmp_path / "rgba.png", Image.fromarray(rgba)))
    assert_same(photo, Photo(rgba[..., :3], rgba[..., 3]))
    la = noise(6, 5, 2)
    photo = imagefile.read(saved(tmp_path / "la.png", Image.fromarray(la)))
    assert_same(photo, Photo(la[..., :1], la[..., 1]))
    photo = imagefile.read(saved(tmp_path / "la.tif", Image.fromarray(la)))
    assert_same(photo, Photo(la[..., :1], la[..., 1]))
    pa = Image.fromarray(rgba).quantize(8).convert("PA")
    with_palette = np.array(pa.convert("RGBA"))
    photo = imagefile.read(saved(tmp_path / "pa.tif", pa))
    assert_same(photo, Photo(with_palette[..., :3], with_palette[..., 3]))


def test_transparency_of_palettes_and_colour_keys(tmp_path: Path) -> None:
    palette = (b"PLTE", bytes([10, 20, 30, 200, 100, 0]))
    rows = b"\0\x00\x01"
    several = imagefile.read(
        stored(tmp_path / "p.png", png(rows, (2, 1), 8, 3, palette, (b"tRNS", b"\x80\xff")))
    )
    expected = Photo(np.array([[[10, 20, 30], [200, 100, 0]]], np.uint8), np.array([[128, 255]], np.uint8))
    assert_same(several, expected)
    one = imagefile.read(stored(tmp_path / "q.png", png(rows, (2, 1), 8, 3, palette, (b"tRNS", b"\0"))))
    np.testing.assert_array_equal(one.alpha, [[0, 255]])
    two_bits = png(b"\0\x1b", (4, 1), 2, 0, (b"tRNS", b"\0\x02"))  # levels 0 1 2 3, the third transparent
    grey = imagefile.read(stored(tmp_path / "g.png", two_bits))
    np.testing.assert_array_equal(grey.pixels[..., 0], [[0, 85, 170, 255]])
    np.testing.assert_array_equal(grey.alpha, [[255, 255, 0, 255]])
    bits = png(b"\0\x40", (2, 1), 1, 0, (b"tRNS", b"\0\x01"))
    one_bit = imagefile.read(stored(tmp_path / "b.png", bits))
    np.testing.assert_array_equal(one_bit.pixels[..., 0], [[0, 255]])
    np.testing.assert_array_equal(one_bit.alpha, [[255, 0]])


@pytest.mark.parametrize(("samples", "colour_type"), [(1, 0), (3, 2)])
def test_colour_key_of_sixteen_bits(tmp_path: Path, samples: int, colour_type: int) -> None:
    pixels = noise(3, 4, samples, np.uint16)
    pixels[1, 1] = pixels[0, 0]
    pixels[2, 2] = pixels[0, 0] ^ 1  # differs from the key in its low byte only
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    key = (b"tRNS", pixels[0, 0].astype(">u2").tobytes())
    photo = imagefile.read(stored(tmp_path / "a.png", png(rows, (4, 3), 16, colour_type, key)))
    alpha = np.full((3, 4), 65535, np.uint16)
    alpha[0, 0] = alpha[1, 1] = 0
    assert_same(photo, Photo(pixels, alpha))


def test_one_bit_and_grey_stay_grey(tmp_path: Path) -> None:
    bits = np.array([[0, 255, 255], [255, 0, 0]], np.uint8)
    path = saved(tmp_path / "bits.png", Image.fromarray(bits).convert("1", dither=Image.Dither.NONE))
    assert imagefile.read(path).metadata.mode == "1"
    assert_same(imagefile.read(path), Photo(bits[..., None]))
    for suffix in (".png", ".tif", ".jpg", ".bmp"):
        photo = imagefile.read(saved(tmp_path / f"grey{suffix}", Image.fromarray(bits)))
        assert photo.pixels.shape == (2, 3, 1)
        imagefile.write(tmp_path / f"again{suffix}", photo)
        with Image.open(tmp_path / f"again{suffix}") as again:
            assert again.mode == "L"


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bit_tiff_of_another_program(tmp_path: Path, byteorder: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = noise(6, 5, 3, np.uint16)
    tifffile.imwrite(tmp_path / "rgb.tif", pixels, photometric="rgb", byteorder=byteorder)
    assert_same(imagefile.read(tmp_path / "rgb.tif"), Photo(pixels))
    grey = pixels[..., 0]
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="minisblack", byteorder=byteorder)
    assert_same(imagefile.read(tmp_path / "grey.tif"), Photo(grey[..., None]))
    tifffile.imwrite(
        tmp_path / "planar.tif", pixels.transpose(2, 0, 1), planarconfig="separate", photometric="rgb"
    )
    with pytest.raises(UnreadableError, match="interleaved"):
        imagefile.read(tmp_path / "planar.tif")


def test_sixteen_bit_tiff_where_zero_is_white_or_alpha_is_premultiplied(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    grey = noise(6, 5, 1, np.uint16)
    tifffile.imwrite(tmp_path / "white.tif", grey[..., 0], photometric="miniswhite")
    assert_same(imagefile.read(tmp_path / "white.tif"), Photo(65535 - grey))
    premultiplied = np.array([[[100, 200, 300, 600], [0, 0, 0, 0]]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = imagefile.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels[0, 0], np.rint(np.array([1, 2, 3]) / 6 * 65535))
    np.testing.assert_array_equal(photo.alpha, [[600, 0]])
    tifffile.imwrite(tmp_path / "x.tif", premultiplied, photometric="rgb", extrasamples=["unspecified"])
    assert_same(imagefile.read(tmp_path / "x.tif"), Photo(premultiplied[..., :3]))


def test_dark_sixteen_bits_are_not_taken_for_eight(tmp_path: Path) -> None:
    dark = noise(6, 5, 3, np.uint16) % 200
    for name in ("a.png", "a.tif"):
        imagefile.write(tmp_path / name, Photo(dark))
        photo = imagefile.read(tmp_path / name)
        assert photo.metadata.mode == "RGB;16"
        assert_same(photo, Photo(dark))
        assert imagefile.to_tensor(photo).max() < 200 / 65535 + 1e-6


def test_cmyk_and_lab_become_rgb_and_their_profile_goes(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (4, 3), (0, 255, 255, 0))  # red
    photo = imagefile.read(saved(tmp_path / "a.jpg", cmyk, quality=100))
    np.testing.assert_allclose(photo.pixels[0, 0], [255, 0, 0], atol=3)
    imagefile.write(tmp_path / "again.jpg", photo)
    assert imagefile.read(tmp_path / "again.jpg").metadata.mode == "RGB"
    wrong = saved(tmp_path / "b.tif", cmyk, icc_profile=SRGB)  # an RGB profile says nothing about CMYK
    photo = imagefile.read(wrong)
    assert photo.metadata.icc_profile is None
    np.testing.assert_array_equal(photo.pixels[0, 0], [255, 0, 0])
    lab = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 136, 80, 67]))  # white; sRGB red is Lab 53, 80, 67
    photo = imagefile.read(saved(tmp_path / "lab.tif", lab))
    np.testing.assert_allclose(photo.pixels[0], [[255, 255, 255], [255, 0, 0]], atol=12)


def test_camera_jpeg_with_a_second_picture_is_the_photograph(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (16, 8), (200, 30, 30)), Image.new("RGB", (4, 4))
    path = tmp_path / "a.jpg"
    first.save(path, format="MPO", save_all=True, append_images=[second], quality=90)
    photo = imagefile.read(path)
    assert photo.metadata.format == "JPEG"
    assert photo.pixels.shape == (8, 16, 3)


# There and back


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (3, 5000)])
def test_untouched_pictures_come_back_identical(
    tmp_path: Path, suffix: str, samples: int, height: int, width: int
) -> None:
    pixels = noise(height, width, samples)
    alpha = pixels[..., -1] if samples in (2, 4) else None
    photo = Photo(pixels[..., : 1 if samples < 3 else 3], alpha)
    imagefile.write(tmp_path / f"a{suffix}", photo)
    found = imagefile.read(tmp_path / f"a{suffix}")
    if suffix == ".webp" and samples < 3:  # WebP has no greyscale
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
            imagefile.write(path, photo)
    else:
        imagefile.write(path, photo)
        assert_same(imagefile.read(path), photo)


def test_our_tiff_is_read_by_another_program(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    for dtype in (np.uint8, np.uint16):
        pixels = noise(300, 200, 3, dtype)  # more than one strip
        imagefile.write(tmp_path / f"{dtype.__name__}.tif", Photo(pixels))
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{dtype.__name__}.tif"), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_profile_exif_xmp_and_resolution_are_kept(tmp_path: Path, suffix: str, dtype: type) -> None:
    if dtype == np.uint16 and suffix in (".jpg", ".webp"):
        pytest.skip("8 bits only, refused in another test")
    xmp = XMP.replace(b"6", b"1")
    exif = exif_block(1).removeprefix(b"Exif\0\0")
    metadata = Metadata(exif=exif, icc_profile=DISPLAY_P3_LIKE, dpi=(300.0, 150.0), xmp=xmp)
    imagefile.write(tmp_path / f"a{suffix}", Photo(noise(8, 8, 3, dtype), None, metadata))
    found = imagefile.read(tmp_path / f"a{suffix}").metadata
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
    imagefile.write(again, imagefile.read(tmp_path / f"a{suffix}"))
    assert again.read_bytes() == (tmp_path / f"a{suffix}").read_bytes() or suffix == ".jpg"


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("quality", "subsampling"), [(40, 2), (75, 1), (97, 0)])
def test_jpeg_keeps_the_quality_of_its_source(
    tmp_path: Path, mode: str, quality: int, subsampling: int
) -> None:
    image = Image.fromarray(noise(32, 32, 3)).convert(mode)
    source = saved(tmp_path / "a.jpg", image, quality=quality, subsampling=subsampling)
    photo = imagefile.read(source)
    imagefile.write(tmp_path / "b.jpg", photo)
    again = imagefile.read(tmp_path / "b.jpg")
    assert again.metadata.jpeg_tables == photo.metadata.jpeg_tables
    assert (
        again.metadata.jpeg_subsampling
        == photo.metadata.jpeg_subsampling
        == (subsampling if mode == "RGB" else -1)
    )
    assert (tmp_path / "b.jpg").stat().st_size == pytest.approx(source.stat().st_size, rel=0.1)


def test_jpeg_without_a_source_is_quality_95(tmp_path: Path) -> None:
    pixels = noise(16, 16, 3)
    imagefile.write(tmp_path / "a.jpg", Photo(pixels))
    reference = imagefile.read(saved(tmp_path / "b.jpg", Image.fromarray(pixels), quality=95, subsampling=0))
    assert_same(imagefile.read(tmp_path / "a.jpg"), reference)


def test_lossy_webp_stays_lossy_and_lossless_stays_lossless(tmp_path: Path) -> None:
    image = Image.fromarray(noise(64, 64, 3))
    lossy = imagefile.read(saved(tmp_path / "a.webp", image, quality=80))
    exact = imagefile.read(saved(tmp_path / "b.webp", image, lossless=True))
    assert (lossy.metadata.lossy, exact.metadata.lossy) == (True, False)
    imagefile.write(tmp_path / "c.webp", lossy)
    imagefile.write(tmp_path / "d.webp", exact)
    assert imagefile.read(tmp_path / "c.webp").metadata.lossy
    assert_same(imagefile.read(tmp_path / "d.webp"), exact)


@pytest.mark.parametrize(
    ("photo", "suffix", "advice"),
    [
        (Photo(noise(2, 2, 3), noise(2, 2, 1)[..., 0]), ".jpg", "transparency"),
        (Photo(noise(2, 2, 3), noise(2, 2, 1)[..., 0]), ".bmp", "transparency"),
        (Photo(noise(2, 2, 3, np.uint16)), ".jpg", "16 bits"),
        (Photo(noise(2, 2, 1, np.uint16)), ".webp", "16 bits"),
        (Photo(noise(2, 2, 3), None, Metadata(icc_profile=SRGB)), ".bmp", "profile"),
        (Photo(noise(2, 2, 3), None, Metadata(exif=bytes(70000))), ".jpg", "too long"),
        (Photo(noise(1, 70000, 1)), ".jpg", "JPEG"),
        (Photo(noise(2, 2, 3)), ".gif", r"\.gif"),
        (Photo(noise(2, 2, 3)), "", "ending"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, photo: Photo, suffix: str, advice: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ImageFileError, match=advice) as caught:
        imagefile.write(path, photo)
    assert str(caught.value).startswith(f"{path}: ")
    assert "choose" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_opaque_alpha_does_not_keep_a_picture_out_of_jpeg(tmp_path: Path) -> None:
    imagefile.write(tmp_path / "a.jpg", Photo(noise(2, 2, 3), np.full((2, 2), 255, np.uint8)))
    assert imagefile.read(tmp_path / "a.jpg").alpha is None


# Tensors


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_tensor(dtype: type) -> None:
    peak = np.iinfo(dtype).max
    levels = np.arange(peak + 1, dtype=dtype).reshape(1, -1, 1)
    tensor = imagefile.to_tensor(Photo(levels))
    assert tensor.shape == (1, 1, 1, peak + 1)
    assert tensor.dtype == torch.float32
    assert tensor[0, 0, 0, [0, -1]].tolist() == [0.0, 1.0]
    assert_same(imagefile.with_pixels(Photo(levels), tensor), Photo(levels))


def test_with_pixels_clips_rounds_and_keeps_what_is_known() -> None:
    photo = Photo(noise(2, 3, 3), noise(2, 3, 1)[..., 0], Metadata(xmp=XMP))
    image = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1).expand(3, 2, 3)
    unknown = np.array([[True, False, False], [False, False, True]])
    result = imagefile.with_pixels(photo, image, unknown)
    np.testing.assert_array_equal(result.pixels[unknown], [[0, 128, 255]] * 2)
    np.testing.assert_array_equal(result.pixels[~unknown], photo.pixels[~unknown])
    assert result.metadata is photo.metadata
    np.testing.assert_array_equal(result.alpha, photo.alpha)
    for dtype in (torch.float16, torch.bfloat16):  # what a network in half precision gives
        np.testing.assert_array_equal(
            imagefile.with_pixels(photo, image.to(dtype)).pixels[0, 0], [0, 128, 255]
        )


def test_with_pixels_refuses_other_shapes_and_nan() -> None:
    photo = Photo(noise(2, 3, 3))
    with pytest.raises(ValueError, match="shape"):
        imagefile.with_pixels(photo, torch.zeros(1, 3, 3, 2))
    with pytest.raises(ValueError, match="shape"):
        imagefile.with_pixels(photo, torch.zeros(3, 2, 3), np.ones((1, 1), bool))
    with pytest.raises(ValueError, match="finite"):
        imagefile.with_pixels(photo, torch.full((3, 2, 3), torch.nan))


# Masks


@pytest.mark.parametrize("level", [1, 128, 255])
def test_mask_is_whatever_is_not_black(tmp_path: Path, level: int) -> None:
    wanted = np.random.default_rng(0).random((6, 5)) < 0.4
    grey = (wanted * level).astype(np.uint8)
    files = [
        saved(tmp_path / "grey.png", Image.fromarray(grey)),
        saved(tmp_path / "red.png", Image.fromarray(np.stack([grey, 0 * grey, 0 * grey], axis=2))),
        saved(tmp_path / "bits.png", Image.fromarray(wanted)),
        saved(tmp_path / "opaque.png", Image.fromarray(grey).convert("LA")),
        stored(tmp_path / "deep.png", lossless.encode_png(grey[..., None].astype(np.uint16))),
    ]
    for file in files:
        np.testing.assert_array_equal(imagefile.read_mask(file, (6, 5)), wanted)


def test_mask_in_a_lossy_file_needs_half_the_brightness(tmp_path: Path) -> None:
    wanted = np.zeros((32, 32), bool)
    wanted[5:21, 9:30] = True
    path = saved(tmp_path / "a.jpg", Image.fromarray((wanted * 255).astype(np.uint8)), quality=60)
    assert (imagefile.read(path).pixels[..., 0] > 0).sum() > wanted.sum()  # ringing in the black
    np.testing.assert_array_equal(imagefile.read_mask(path, (32, 32)), wanted)


def test_mask_of_another_size_or_with_transparency_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (5, 6)))
    with pytest.raises(ImageFileError, match=r"a\.png: .*5 x 6 pixels for a picture of 7 x 4"):
        imagefile.read_mask(path, (4, 7))
    path = saved(tmp_path / "b.png", Image.new("RGBA", (5, 6), (255, 255, 255, 0)))
    with pytest.raises(ImageFileError, match="transparent parts"):
        imagefile.read_mask(path, (6, 5))
    with pytest.raises(ImageFileError, match=r"none\.png") as caught:
        imagefile.read_mask(tmp_path / "none.png", (6, 5))
    assert not isinstance(caught.value, UnreadableError)  # it is not the picture that cannot be read


# Bad files


def damaged(kind: str, folder: Path) -> Path:
    image = Image.fromarray(noise(40, 40, 3))
    path = folder / {"text": "a.jpg", "empty": "a.png", "header": "a.png"}.get(kind, f"a.{kind}")
    if kind == "text":
        return stored(path, b"this is not a picture\n" * 9)
    if kind == "empty":
        return stored(path, b"")
    if kind == "header":
        return stored(path, b"\x89PNG\r\n\x1a\n")
    if kind == "deep.png":
        return stored(path, lossless.encode_png(noise(40, 40, 3, np.uint16))[:-3000])
    if kind == "deep.tif":
        data = bytearray(lossless.encode_tiff(noise(40, 40, 3, np.uint16)))
        data[-3000:] = b""
        return stored(path, bytes(data))
    whole = saved(folder / path.name, image).read_bytes()
    return stored(path, whole[: len(whole) // 2])


@pytest.mark.parametrize(
    "kind", ["text", "empty", "header", "jpg", "png", "tif", "bmp", "webp", "deep.png", "deep.tif"]
)
def test_damaged_files_give_one_line_that_names_them(tmp_path: Path, kind: str) -> None:
    path = damaged(kind, tmp_path)
    with pytest.raises(UnreadableError) as caught:
        imagefile.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "; " in message
    assert "\n" not in message


def test_flipped_bits_in_a_png_are_noticed(tmp_path: Path) -> None:
    for pixels in (noise(40, 40, 3), noise(40, 40, 3, np.uint16)):
        data = bytearray(lossless.encode_png(pixels))
        data[len(data) // 2] ^= 0x10
        with pytest.raises(UnreadableError):
            imagefile.read(stored(tmp_path / "a.png", bytes(data)))


def test_missing_files_folders_and_pages(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"none\.png: cannot be read \(No such file"):
        imagefile.read(tmp_path / "none.png")
    with pytest.raises(UnreadableError, match="a folder or device"):
        imagefile.read(tmp_path)
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(UnreadableError, match=r"loop\.png: cannot be read"):
        imagefile.read(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableError, match="a folder or device"):
        imagefile.read(tmp_path / "pipe.png")
    frames = [Image.new("L", (4, 4), level) for level in (0, 99, 200)]
    for suffix in (".tif", ".webp", ".png"):
        frames[0].save(tmp_path / f"many{suffix}", save_all=True, append_images=frames[1:])
        with pytest.raises(UnreadableError, match=rf"many\{suffix}: holds 3 pages or frames"):
            imagefile.read(tmp_path / f"many{suffix}")


def test_rare_depths_are_refused_not_guessed(tmp_path: Path) -> None:
    for mode in ("F", "I"):
        with pytest.raises(UnreadableError, match="32 bits a channel"):
            imagefile.read(saved(tmp_path / f"{mode}.tif", Image.new(mode, (4, 4))))
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "signed.tif", np.zeros((4, 4), np.int16))
    with pytest.raises(UnreadableError, match="rare form"):
        imagefile.read(tmp_path / "signed.tif")


def test_bombs_are_refused_and_pillows_own_limit_is_left_alone(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    path = stored(tmp_path / "bomb.png", png(b"\0", (30000, 20000), 8, 0))
    with pytest.raises(UnreadableError, match="30000 x 20000 pixels are more than 500 megapixels"):
        imagefile.read(path)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_large_scans_below_our_limit_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # as if Pillow's limit were exceeded
    for suffix in (".png", ".tif", ".webp", ".jpg"):
        imagefile.write(tmp_path / f"a{suffix}", Photo(noise(20, 20, 3)))
        assert imagefile.read(tmp_path / f"a{suffix}").pixels.shape == (20, 20, 3)


def test_odd_metadata_is_no_reason_to_talk(tmp_path: Path) -> None:
    exif = exif_block(1)[:-20]  # its last values are cut off
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert imagefile.read(path).metadata.exif == exif.removeprefix(b"Exif\0\0")


# Names and writing


@pytest.mark.parametrize(
    "name",
    [
        "车 Ünïcode.png",
        "a 'b' \"c\".png",
        "-rf.png",
        "new\nline.png",
        "\udcff.png",
        "x" * 251 + ".png",
        "A.PNG",
    ],
)
def test_any_name_goes(tmp_path: Path, name: str) -> None:
    for pixels in (noise(4, 4, 3), noise(4, 4, 3, np.uint16)):
        imagefile.write(tmp_path / name, Photo(pixels), overwrite=True)
        assert_same(imagefile.read(tmp_path / name), Photo(pixels))
    with pytest.raises(ImageFileError) as caught:
        imagefile.write(tmp_path / name, Photo(pixels))
    assert "exists; pass --overwrite or choose another output" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_existing_file_is_only_replaced_on_request(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.png"
    first, second = Photo(noise(4, 4, 3)), Photo(noise(4, 4, 3, seed=1))
    imagefile.write(path, first)
    with pytest.raises(ImageFileError, match="exists"):
        imagefile.write(path, second)
    assert_same(imagefile.read(path), first)
    imagefile.write(path, second, overwrite=True)
    assert_same(imagefile.read(path), second)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_a_file_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    monkeypatch.setattr(os, "fsync", lambda descriptor: path.write_bytes(b"another program's"))
    with pytest.raises(ImageFileError, match="exists"):
        imagefile.write(path, Photo(noise(4, 4, 3)))
    assert path.read_bytes() == b"another program's"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    imagefile.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert imagefile.read(tmp_path / "a.png").pixels.shape == (4, 4, 3)


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    imagefile.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("failure", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ImageFileError),
        (OSError(errno.EROFS, "Read-only file system"), ImageFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, failure: BaseException, seen: type
) -> None:
    path = tmp_path / "a.png"
    if overwrite:
        path.write_bytes(b"the older file")

    def fail(descriptor: int) -> None:
        assert any(file.stat().st_size > 100 for file in tmp_path.iterdir())  # in the middle of it
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(seen) as caught:
        imagefile.write(path, Photo(noise(40, 40, 3)), overwrite=overwrite)
    if seen is ImageFileError:
        assert f"{path}: cannot be written ({failure.strerror})" in str(caught.value)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([b"the older file"] if overwrite else [])


def test_a_disk_that_is_really_full_leaves_nothing_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    photo = Photo(noise(100, 100, 3))
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, hard)
    )  # a file may grow to 4 kB: the write stops half way
    try:
        with pytest.raises(ImageFileError, match=r"cannot be written \(File too large\)"):
            imagefile.write(tmp_path / "a.png", photo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    stored(tmp_path / "file", b"")
    with pytest.raises(ImageFileError, match="cannot be written"):
        imagefile.write(tmp_path / "file" / "a.png", Photo(noise(4, 4, 3)))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageFileError, match="cannot be written"):
        imagefile.write(tmp_path / "folder.png", Photo(noise(4, 4, 3)), overwrite=True)


def test_reading_needs_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (4, 4)))
    script = (
        "import sys, types; sys.modules['torch'] = types.SimpleNamespace(Tensor=object)  # slow and not at issue\n"
        "from pathlib import Path; from agerestore import batch, imagefile\n"
        f"imagefile.read(Path({str(path)!r}))\n"
        "heavy = {'cv2', 'torchvision', 'kornia', 'albumentations', 'skimage', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_names_of_pictures() -> None:
    assert all(
        imagefile.is_picture(Path(name)) for name in ("a.png", "B.JPG", "c.d.jpeg", "e.TIFF", "f.webp")
    )
    assert not any(
        imagefile.is_picture(Path(name)) for name in ("png", "a.txt", "a.gif", ".png", "a.png.part")
    )
