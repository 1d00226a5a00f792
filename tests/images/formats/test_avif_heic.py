"""AVIF and HEIC."""

import importlib.util
import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import DISPLAY_P3_LIKE, XMP, exif_block, facts, noise, stored
from PIL import Image, ImageOps, features

from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io as image_io
from agerestore.images.formats import catalog
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo

avif_at_hand = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")


UPRIGHT_XMP = XMP.replace(b"6", b"1")


def patches(height: int = 64, width: int = 48, samples: int = 3) -> np.ndarray:
    """Colors in patches of 16 pixels, which survive compression."""
    return np.kron(noise(height // 16, width // 16, samples), np.ones((16, 16, 1), np.uint8))


def avif(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "AVIF", **options)
    return file.getvalue()


@avif_at_hand
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_an_avif(tmp_path: Path, orientation: int) -> None:
    path = stored(tmp_path / "a.avif", avif(Image.fromarray(patches()), exif=exif_block(orientation)))
    with Image.open(path) as reference:
        expected = np.array(ImageOps.exif_transpose(reference))
    photo = image_io.read(path)
    np.testing.assert_array_equal(photo.pixels, expected)
    image_io.write(tmp_path / "b.avif", photo)
    with Image.open(tmp_path / "b.avif") as again:
        assert again.size == expected.shape[1::-1]
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x010F] == "Leica"


@avif_at_hand
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_an_avif_keeps_what_it_says_and_opencv_reads_it(tmp_path: Path, samples: int) -> None:
    pixels = patches(samples=samples)
    alpha = pixels[..., 3] if samples == 4 else None
    exif = exif_block(1).removeprefix(b"Exif\0\0")
    metadata = Metadata(exif=exif, icc_profile=DISPLAY_P3_LIKE, xmp=UPRIGHT_XMP)
    image_io.write(tmp_path / "a.avif", Photo(pixels[..., :3], alpha, metadata))
    found = image_io.read(tmp_path / "a.avif")
    assert (found.metadata.format, found.metadata.lossy) == ("AVIF", True)
    assert found.metadata.icc_profile == DISPLAY_P3_LIKE
    assert found.metadata.xmp == UPRIGHT_XMP
    (first, *rest), (wanted, *others) = facts(found.metadata.exif), facts(exif)
    assert (first | {0x0112: 1}, rest) == (wanted, others)  # upright, which an AVIF says elsewhere
    assert found.pixels.shape[2] == min(samples, 3)
    visible = np.ones(pixels.shape[:2], bool) if alpha is None else alpha > 0
    assert np.abs(found.pixels.astype(int) - pixels[..., :3])[visible].mean() < 3
    if alpha is not None:
        assert np.abs(found.alpha.astype(int) - alpha).mean() < 3
    seen = cv2.imread(str(tmp_path / "a.avif"), cv2.IMREAD_UNCHANGED)
    if seen is None:
        pytest.skip("OpenCV without AVIF")
    seen = seen.reshape(*seen.shape[:2], -1)[..., :3][..., ::-1]  # BGR; gray three times over
    assert np.abs(seen.astype(int) - found.pixels)[visible].max() <= 2


@avif_at_hand
def test_odd_exif_gives_no_warning_in_an_avif(tmp_path: Path) -> None:
    exif = exif_block(1).removeprefix(b"Exif\0\0")[:-20]  # its last values are cut off; warnings are errors here
    image_io.write(tmp_path / "a.avif", Photo(patches(), None, Metadata(exif=exif)))
    assert facts(image_io.read(tmp_path / "a.avif").metadata.exif)[0][0x010F] == "Leica"


@avif_at_hand
@pytest.mark.parametrize("depth", [10, 12])
def test_an_avif_of_more_than_eight_bits_is_refused_not_flattened(tmp_path: Path, depth: int) -> None:
    deep = patches().astype(np.uint16) << (depth - 8)
    if not cv2.imwrite(str(tmp_path / "a.avif"), deep, [cv2.IMWRITE_AVIF_DEPTH, depth]):
        pytest.skip("OpenCV without AVIF")
    with pytest.raises(UnreadableError, match=rf"a\.avif: {depth} bits a channel"):
        image_io.read(tmp_path / "a.avif")


def test_without_their_codecs_avif_and_heic_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(features, "check", lambda name: False)
    monkeypatch.setattr(Image, "OPEN", {name: each for name, each in Image.OPEN.items() if name != "HEIF"})
    for name, brands in (("a.heic", b"heic\0\0\0\0mif1heic"), ("b.jpg", b"mif1\0\0\0\0mif1heicmiaf")):
        path = stored(tmp_path / name, struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(99))
        with pytest.raises(UnreadableError, match="HEIC needs pillow-heif; pip install pillow-heif"):
            image_io.read(path)
    path = stored(tmp_path / "a.avif", b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf" + bytes(99))
    with pytest.raises(UnreadableError, match="AVIF needs Pillow"):
        image_io.read(path)
    for suffix in (".heic", ".avif"):
        with pytest.raises(ImageFileError, match="needs"):
            image_io.write(tmp_path / f"new{suffix}", Photo(patches()))
    assert not list(tmp_path.glob("new*"))


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="no pillow-heif")
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_a_heic_there_and_back(tmp_path: Path, samples: int) -> None:
    catalog.require("HEIF")
    pixels = patches(samples=samples)
    image = Image.fromarray(pixels[..., 0] if samples == 1 else pixels)
    path = tmp_path / "a.heic"
    image.save(path, "HEIF", exif=exif_block(6), xmp=UPRIGHT_XMP, icc_profile=DISPLAY_P3_LIKE, quality=95, chroma=444)
    photo = image_io.read(path)
    assert photo.pixels.shape == (48, 64, min(samples, 3))
    image_io.write(tmp_path / "b.heic", photo)
    again = image_io.read(tmp_path / "b.heic")
    assert again.metadata == photo.metadata
    assert (again.metadata.format, again.metadata.icc_profile) == ("HEIF", DISPLAY_P3_LIKE)
    assert facts(again.metadata.exif)[0][0x010F] == "Leica"
    visible = np.ones(photo.pixels.shape[:2], bool) if photo.alpha is None else photo.alpha > 0
    assert np.abs(again.pixels.astype(int) - photo.pixels)[visible].mean() < 3
