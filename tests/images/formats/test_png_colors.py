"""What PNG chunks say of colors, as a color profile, put to the test with Little CMS."""

import io as memory
import struct
from pathlib import Path

import numpy as np
import pytest
from pictures import SRGB, noise
from PIL import Image, ImageCms

import agerestore
from agerestore.errors import ImageFileError
from agerestore.images import io
from agerestore.images.formats import png_colors
from agerestore.images.formats.png import chunk
from agerestore.images.photo import Photo

ADOBE_RGB = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3 = png_colors.PRIMARIES[12]
COLORS = np.array([[20, 90, 160], [128, 128, 128], [200, 180, 60], [255, 255, 255], [90, 120, 90]], np.uint8)


def gamma(power: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100000 / power))


def places(xy: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(100000 * each) for each in xy))


def with_chunks(pixels: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    plain = io.encode(Photo(pixels), ".png")
    return plain[:33] + b"".join(chunk(*each) for each in chunks) + plain[33:]


def read(pixels: np.ndarray, *chunks: tuple[bytes, bytes]) -> Photo:
    return io.decode(with_chunks(pixels, *chunks), Path("a"))


def by_little_cms(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """As a program with color management shows them."""
    assert profile is not None
    source = ImageCms.ImageCmsProfile(memory.BytesIO(profile))
    shown = ImageCms.profileToProfile(
        Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"), renderingIntent=1, outputMode="RGB"
    )
    return np.asarray(shown)


def encoded(light: np.ndarray) -> np.ndarray:
    low = light <= 0.0031308
    return np.where(low, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def linear_matrix(xy: tuple[float, ...]) -> np.ndarray:
    """From linear RGB to XYZ under D65."""
    x, y = np.reshape(xy, (4, 2)).T
    lights = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return lights[:, 1:] * np.linalg.solve(lights[:, 1:], lights[:, 0])


def in_srgb(pixels: np.ndarray, power: float, xy: tuple[float, ...]) -> np.ndarray:
    """In closed form: all whites here are D65."""
    light = (pixels / 255) ** power
    seen = light @ (np.linalg.inv(linear_matrix(png_colors.BT709)) @ linear_matrix(xy)).T
    return 255 * encoded(seen.clip(0, 1))


@pytest.mark.parametrize(
    ("chunks", "power", "xy"),
    [
        ([gamma(1.0)], 1.0, png_colors.BT709),
        ([gamma(1.8)], 1.8, png_colors.BT709),
        ([gamma(2.19921875), places(ADOBE_RGB)], None, ADOBE_RGB),
        ([places(P3)], None, P3),
        ([gamma(1.8), places(P3)], 1.8, P3),
        ([(b"cICP", bytes([12, 4, 0, 1]))], None, P3),
        ([(b"cICP", bytes([12, 8, 0, 1])), gamma(1.8), (b"sRGB", b"\0")], 1.0, P3),
    ],
)
def test_chunks_become_a_profile_that_shows_the_same_colors(
    chunks: list[tuple[bytes, bytes]], power: float | None, xy: tuple[float, ...]
) -> None:
    photo = read(COLORS[None], *chunks)
    np.testing.assert_array_equal(photo.pixels, COLORS[None])
    shown = by_little_cms(photo.pixels, photo.metadata.icc_profile)
    if power is None:  # near enough to sRGB's curve to be taken for it
        light = np.where(COLORS <= 10, COLORS / 255 / 12.92, ((COLORS / 255 + 0.055) / 1.055) ** 2.4)
        seen = light @ (np.linalg.inv(linear_matrix(png_colors.BT709)) @ linear_matrix(xy)).T
        expected = 255 * encoded(seen.clip(0, 1))
    else:
        expected = in_srgb(COLORS, power, xy)
    np.testing.assert_allclose(shown[0], expected, atol=2)
    assert photo.metadata.png_color_chunks == b""
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        again = io.decode(io.encode(photo, suffix), Path("a"))
        assert again.metadata.icc_profile == photo.metadata.icc_profile


def test_gray_ones_are_brought_to_srgb_before_they_are_colored() -> None:
    pixels = np.array([[[0], [30], [128], [255]]], np.uint8)
    photo = read(pixels, gamma(1.0))
    np.testing.assert_allclose(photo.in_srgb_gray().pixels, np.rint(255 * encoded(pixels / 255)), atol=1)
    assert photo.in_srgb_gray().metadata.png_color_chunks == b""


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [gamma(2.2)],
        [(b"gAMA", struct.pack(">I", 45455)), places(png_colors.BT709)],
        [(b"sRGB", b"\0"), gamma(1.0)],
        [(b"cICP", bytes([1, 13, 0, 1])), gamma(1.0)],
        [(b"gAMA", bytes(4))],
        [gamma(50.0)],
        [places((0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3))],  # in a line
        [places((0.0,) * 8)],
    ],
)
def test_what_is_srgb_or_nonsense_stays_as_it_is(chunks: list[tuple[bytes, bytes]]) -> None:
    photo = read(COLORS[None], *chunks)
    assert photo.metadata.icc_profile is None
    assert photo.metadata.png_color_chunks == b"".join(chunk(*each) for each in chunks)


def test_a_profile_goes_before_gamma() -> None:
    plain = io.encode(read(COLORS[None]), ".png")
    data = plain[:33] + chunk(*gamma(1.0)) + plain[33:]
    file = memory.BytesIO()
    Image.open(memory.BytesIO(data)).save(file, "PNG", icc_profile=SRGB)
    with_profile = file.getvalue()
    data = with_profile[:33] + chunk(*gamma(1.0)) + with_profile[33:]
    assert io.decode(data, Path("a")).metadata.icc_profile == SRGB


def test_hdr_is_kept_in_png_and_refused_elsewhere() -> None:
    photo = read(noise(9, 7, 3, np.uint16), (b"cICP", bytes([9, 16, 0, 1])))
    assert io.decode(io.encode(photo, ".png"), Path("a")).metadata.is_hdr
    for suffix in (".tif", ".jpg"):
        with pytest.raises(ImageFileError, match=r"cannot hold its (HDR|16 bits)"):
            io.encode(photo, suffix)


def test_a_pillow_image_has_the_same_profile_as_its_file() -> None:
    data = with_chunks(noise(40, 40, 3), gamma(1.8), places(P3))
    restored = agerestore.restore(Image.open(memory.BytesIO(data)), model="photo", sigma=5)
    assert restored.info["icc_profile"] == io.decode(data, Path("a")).metadata.icc_profile
    assert "gamma" not in restored.info
