"""What is read from a file: orientation, depth, alpha, color."""

import struct
from pathlib import Path

import numpy as np
import pytest
from pictures import (
    SRGB,
    XMP,
    assert_same,
    cmyk_profile,
    exif_block,
    facts,
    noise,
    png,
    saved,
    stored,
)
from PIL import Image, ImageOps

from agerestore.errors import UnreadableError
from agerestore.images import io
from agerestore.images.formats import png as png_format
from agerestore.images.formats import tiff
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo


def tiff_with_short_tag(tiff: bytes, tag: int, value: int) -> bytes:
    """Replace the tag 284 (interleaved, the default) of a little-endian TIFF by another short one."""
    count, start = struct.unpack_from("<H", tiff, 8)[0], 10
    entries = [tiff[at : at + 12] for at in range(start, start + 12 * count, 12)]
    entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != 284]
    entries = sorted([*entries, struct.pack("<HHIHH", tag, 3, 1, value, 0)], key=lambda e: e[1::-1])
    return tiff[:start] + b"".join(entries) + tiff[start + 12 * count :]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_orientation_is_honored_and_reset(tmp_path: Path, orientation: int, suffix: str) -> None:
    image = Image.fromarray(noise(5, 7, 3))
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", image, exif=exif_block(orientation), **options)
    with Image.open(path) as reference:
        expected = np.array(ImageOps.exif_transpose(reference))
    photo = io.read(path)
    np.testing.assert_array_equal(photo.pixels, expected)
    io.write(tmp_path / f"b{suffix}", photo)
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
    from_png = io.read(stored(tmp_path / "a.png", png_format.encode(pixels, Metadata(exif=exif))))
    whole = tiff.encode(pixels, Metadata())
    tagged = tiff_with_short_tag(whole, 274, orientation)
    from_tiff = io.read(stored(tmp_path / "a.tif", tagged))
    turned = ImageOps.exif_transpose  # the reference turns each byte of the samples
    for shift in (0, 8):
        byte = Image.fromarray((pixels[..., 0] >> shift).astype(np.uint8))
        byte.getexif()[0x0112] = orientation
        expected = np.array(turned(byte))
        np.testing.assert_array_equal((from_png.pixels[..., 0] >> shift).astype(np.uint8), expected)
        np.testing.assert_array_equal((from_tiff.pixels[..., 0] >> shift).astype(np.uint8), expected)


def test_exif_is_patched_in_place_and_loses_its_thumbnail(tmp_path: Path) -> None:
    block = bytearray(exif_block(6).removeprefix(b"Exif\0\0"))
    (start,) = struct.unpack_from(">I" if block[:2] == b"MM" else "<I", block, 4)
    order = ">" if block[:2] == b"MM" else "<"
    (count,) = struct.unpack_from(order + "H", block, start)
    struct.pack_into(order + "I", block, start + 2 + 12 * count, len(block))  # a second directory: the thumbnail
    with_thumbnail = bytes(block) + struct.pack(order + "H", 0) + bytes(4)
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=b"Exif\0\0" + with_thumbnail)
    kept = io.read(path).metadata.exif
    assert kept is not None
    changed = [at for at, (a, b) in enumerate(zip(kept, with_thumbnail, strict=True)) if a != b]
    assert len(changed) <= 1 + 4  # the orientation's one byte, the link's four
    assert struct.unpack_from(order + "I", kept, start + 2 + 12 * count) == (0,)
    assert facts(kept)[0] == {**facts(with_thumbnail)[0], 0x0112: 1}
    assert facts(kept)[1:] == facts(with_thumbnail)[1:]


@pytest.mark.parametrize(
    "garbage", [b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0junk" * 9]
)
def test_broken_exif_harms_neither_pixels_nor_itself(tmp_path: Path, garbage: bytes) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4), (9, 99, 199)), exif=garbage)
    photo = io.read(path)
    assert photo.pixels.shape == (4, 8, 3)
    assert (photo.metadata.exif or b"") == garbage.removeprefix(b"Exif\0\0")
    io.write(tmp_path / "b.jpg", photo)
    assert io.read(tmp_path / "b.jpg").metadata == photo.metadata


def test_xmp_orientation_and_resolution_turn_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("L", (8, 4)), exif=exif_block(6), xmp=XMP, dpi=(200, 100))
    metadata = io.read(path).metadata
    assert metadata.xmp == XMP.replace(b"6", b"1")
    assert metadata.dpi == (100, 200)


def test_alpha_of_every_kind(tmp_path: Path) -> None:
    rgba = noise(6, 5, 4)
    photo = io.read(saved(tmp_path / "rgba.png", Image.fromarray(rgba)))
    assert_same(photo, Photo(rgba[..., :3], rgba[..., 3]))
    la = noise(6, 5, 2)
    photo = io.read(saved(tmp_path / "la.png", Image.fromarray(la)))
    assert_same(photo, Photo(la[..., :1], la[..., 1]))
    photo = io.read(saved(tmp_path / "la.tif", Image.fromarray(la)))
    assert_same(photo, Photo(la[..., :1], la[..., 1]))
    pa = Image.fromarray(rgba).quantize(8).convert("PA")
    with_palette = np.array(pa.convert("RGBA"))
    photo = io.read(saved(tmp_path / "pa.tif", pa))
    assert_same(photo, Photo(with_palette[..., :3], with_palette[..., 3]))


def test_transparency_of_palettes_and_color_keys(tmp_path: Path) -> None:
    palette = (b"PLTE", bytes([10, 20, 30, 200, 100, 0]))
    rows = b"\0\x00\x01"
    several = io.read(stored(tmp_path / "p.png", png(rows, (2, 1), 8, 3, palette, (b"tRNS", b"\x80\xff"))))
    expected = Photo(np.array([[[10, 20, 30], [200, 100, 0]]], np.uint8), np.array([[128, 255]], np.uint8))
    assert_same(several, expected)
    one = io.read(stored(tmp_path / "q.png", png(rows, (2, 1), 8, 3, palette, (b"tRNS", b"\0"))))
    np.testing.assert_array_equal(one.alpha, [[0, 255]])
    two_bits = png(b"\0\x1b", (4, 1), 2, 0, (b"tRNS", b"\0\x02"))  # levels 0 1 2 3, the third transparent
    gray = io.read(stored(tmp_path / "g.png", two_bits))
    np.testing.assert_array_equal(gray.pixels[..., 0], [[0, 85, 170, 255]])
    np.testing.assert_array_equal(gray.alpha, [[255, 255, 0, 255]])
    bits = png(b"\0\x40", (2, 1), 1, 0, (b"tRNS", b"\0\x01"))
    one_bit = io.read(stored(tmp_path / "b.png", bits))
    np.testing.assert_array_equal(one_bit.pixels[..., 0], [[0, 255]])
    np.testing.assert_array_equal(one_bit.alpha, [[255, 0]])


@pytest.mark.parametrize(("samples", "color_type"), [(1, 0), (3, 2)])
def test_color_key_of_sixteen_bits(tmp_path: Path, samples: int, color_type: int) -> None:
    pixels = noise(3, 4, samples, np.uint16)
    pixels[1, 1] = pixels[0, 0]
    pixels[2, 2] = pixels[0, 0] ^ 1  # differs from the key in its low byte only
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    key = (b"tRNS", pixels[0, 0].astype(">u2").tobytes())
    photo = io.read(stored(tmp_path / "a.png", png(rows, (4, 3), 16, color_type, key)))
    alpha = np.full((3, 4), 65535, np.uint16)
    alpha[0, 0] = alpha[1, 1] = 0
    assert_same(photo, Photo(pixels, alpha))


def test_one_bit_and_gray_stay_gray(tmp_path: Path) -> None:
    bits = np.array([[0, 255, 255], [255, 0, 0]], np.uint8)
    path = saved(tmp_path / "bits.png", Image.fromarray(bits).convert("1", dither=Image.Dither.NONE))
    assert io.read(path).metadata.mode == "1"
    assert_same(io.read(path), Photo(bits[..., None]))
    for suffix in (".png", ".tif", ".jpg", ".bmp"):
        photo = io.read(saved(tmp_path / f"gray{suffix}", Image.fromarray(bits)))
        assert photo.pixels.shape == (2, 3, 1)
        io.write(tmp_path / f"again{suffix}", photo)
        with Image.open(tmp_path / f"again{suffix}") as again:
            assert again.mode == "L"


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bit_tiff_of_another_program(tmp_path: Path, byteorder: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = noise(6, 5, 3, np.uint16)
    tifffile.imwrite(tmp_path / "rgb.tif", pixels, photometric="rgb", byteorder=byteorder)
    assert_same(io.read(tmp_path / "rgb.tif"), Photo(pixels))
    gray = pixels[..., 0]
    tifffile.imwrite(tmp_path / "gray.tif", gray, photometric="minisblack", byteorder=byteorder)
    assert_same(io.read(tmp_path / "gray.tif"), Photo(gray[..., None]))
    tifffile.imwrite(tmp_path / "planar.tif", pixels.transpose(2, 0, 1), planarconfig="separate", photometric="rgb")
    with pytest.raises(UnreadableError, match="interleaved"):
        io.read(tmp_path / "planar.tif")


def test_sixteen_bit_tiff_where_zero_is_white_or_alpha_is_premultiplied(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    gray = noise(6, 5, 1, np.uint16)
    tifffile.imwrite(tmp_path / "white.tif", gray[..., 0], photometric="miniswhite")
    assert_same(io.read(tmp_path / "white.tif"), Photo(65535 - gray))
    premultiplied = np.array([[[100, 200, 300, 600], [0, 0, 0, 0]]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = io.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels[0, 0], np.rint(np.array([1, 2, 3]) / 6 * 65535))
    np.testing.assert_array_equal(photo.alpha, [[600, 0]])
    tifffile.imwrite(tmp_path / "x.tif", premultiplied, photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(UnreadableError, match="holds a channel besides color and transparency"):
        io.read(tmp_path / "x.tif")


def test_dark_sixteen_bits_are_not_taken_for_eight(tmp_path: Path) -> None:
    dark = noise(6, 5, 3, np.uint16) % 200
    for name in ("a.png", "a.tif"):
        io.write(tmp_path / name, Photo(dark))
        photo = io.read(tmp_path / name)
        assert photo.metadata.mode == "RGB;16"
        assert_same(photo, Photo(dark))
        assert photo.to_tensor().max() < 200 / 65535 + 1e-6


def test_cmyk_and_lab_become_rgb_and_their_profile_goes(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (4, 3), (0, 255, 255, 0))  # red
    photo = io.read(saved(tmp_path / "a.jpg", cmyk, quality=100))
    np.testing.assert_allclose(photo.pixels[0, 0], [255, 0, 0], atol=3)
    io.write(tmp_path / "again.jpg", photo)
    assert io.read(tmp_path / "again.jpg").metadata.mode == "RGB"
    wrong = saved(tmp_path / "b.tif", cmyk, icc_profile=SRGB)  # an RGB profile says nothing about CMYK
    photo = io.read(wrong)
    assert photo.metadata.icc_profile is None
    np.testing.assert_array_equal(photo.pixels[0, 0], [255, 0, 0])
    profile = cmyk_profile(paper=(255, 128, 128), ink=(0, 128, 128))  # any ink at all gives black
    photo = io.read(saved(tmp_path / "c.tif", cmyk, icc_profile=profile))
    assert photo.metadata.icc_profile is None
    np.testing.assert_allclose(photo.pixels[0, 0], [0, 0, 0], atol=2)
    lab = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 136, 80, 67]))  # white; sRGB red is Lab 53, 80, 67
    photo = io.read(saved(tmp_path / "lab.tif", lab))
    np.testing.assert_allclose(photo.pixels[0], [[255, 255, 255], [255, 0, 0]], atol=12)


def test_gamma_and_hdr_of_a_png_are_kept(tmp_path: Path) -> None:
    gamma, hdr = (b"gAMA", struct.pack(">I", 45455)), (b"cICP", bytes([9, 16, 0, 1]))
    path = stored(tmp_path / "a.png", png(b"\0\x10", (1, 1), 8, 0, gamma, hdr))
    io.write(tmp_path / "b.png", io.read(path))
    again = (tmp_path / "b.png").read_bytes()
    assert all(kind + body in again[: again.index(b"IDAT")] for kind, body in (gamma, hdr))
    assert io.read(tmp_path / "b.png").pixels.item() == 0x10


def test_camera_jpeg_with_a_second_picture_is_the_photograph(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (16, 8), (200, 30, 30)), Image.new("RGB", (4, 4))
    path = tmp_path / "a.jpg"
    first.save(path, format="MPO", save_all=True, append_images=[second], quality=90)
    photo = io.read(path)
    assert photo.metadata.format == "JPEG"
    assert photo.pixels.shape == (8, 16, 3)
