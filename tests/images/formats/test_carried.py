"""IPTC, EXIF, XMP and texts that are carried from file to file."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import DISPLAY_P3_LIKE, XMP, assert_same, exif_block, noise, png, saved, stored
from PIL import Image, IptcImagePlugin

from agerestore.images import io as image_io
from agerestore.images.formats import iptc, tiff
from agerestore.images.formats import png as png_format
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo

UPRIGHT_XMP = XMP.replace(b"6", b"1")


def patches(height: int = 64, width: int = 48, samples: int = 3) -> np.ndarray:
    """Colors in patches of 16 pixels, which survive compression."""
    return np.kron(noise(height // 16, width // 16, samples), np.ones((16, 16, 1), np.uint8))


CAPTION = b"a street, 1931"


RECORD = b"\x1c\x02\x78" + struct.pack(">H", len(CAPTION)) + CAPTION + b"\x1c\x02\x50\0\x03Ann"  # odd: to be padded


def jpeg_with(resources: bytes, path: Path) -> Path:
    body = b"Photoshop 3.0\0" + resources
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    return saved(path, Image.fromarray(patches()), extra=segment)


def test_iptc_goes_with_the_picture_from_format_to_format(tmp_path: Path) -> None:
    thumbnail = b"8BIM" + struct.pack(">H", 0x040C) + b"\x03abc" + struct.pack(">I", 3) + b"old\0"
    photo = image_io.read(jpeg_with(thumbnail + iptc.as_resources(RECORD), tmp_path / "a.jpg"))
    assert photo.metadata.iptc == RECORD
    for previous, name in zip(("a.jpg", "b.tif", "c.png", "d.jpg"), ("b.tif", "c.png", "d.jpg", "e.png"), strict=True):
        image_io.write(tmp_path / name, image_io.read(tmp_path / previous))
        assert image_io.read(tmp_path / name).metadata.iptc == RECORD
    for name in ("b.tif", "d.jpg"):  # what another reader finds
        with Image.open(tmp_path / name) as image:
            found = IptcImagePlugin.getiptcinfo(image)
        assert found == {(2, 120): CAPTION, (2, 80): b"Ann"}
    assert b"old" not in (tmp_path / "d.jpg").read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_as_old_tiffs_hold_it(tmp_path: Path, order: str) -> None:
    padded = RECORD + bytes(-len(RECORD) % 4)
    whole = tiff.encode(noise(4, 4, 3), Metadata(iptc=padded))
    entry = struct.pack("<HHI", 33723, 7, len(padded))
    assert whole.count(entry) == 1
    swapped = struct.pack(f"<{len(padded) // 4}I", *struct.unpack(f"{order}{len(padded) // 4}I", padded))
    old = whole.replace(entry, struct.pack("<HHI", 33723, 4, len(padded) // 4)).replace(padded, swapped)
    assert image_io.read(stored(tmp_path / "a.tif", old)).metadata.iptc == padded
    image = Image.fromarray(patches())
    path = saved(tmp_path / "b.tif", image, tiffinfo={34377: iptc.as_resources(RECORD)})
    assert image_io.read(path).metadata.iptc == RECORD


@pytest.mark.parametrize("cut", [0, 3, 11, 13, 20, 30])
def test_damaged_iptc_is_no_reason_to_lose_a_picture(tmp_path: Path, cut: int) -> None:
    resources = iptc.as_resources(RECORD)[:cut]
    assert image_io.read(jpeg_with(resources, tmp_path / "a.jpg")).pixels.shape == (64, 48, 3)
    raw = png_format.raw_profile_chunk("iptc", resources)
    path = stored(tmp_path / "a.png", png_format.encode(noise(4, 4, 3), Metadata(png_texts=raw)))
    assert image_io.read(path).metadata.iptc is None


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool")
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_exiftool_finds_iptc_xmp_and_exif(tmp_path: Path, suffix: str) -> None:
    exif = exif_block(1).removeprefix(b"Exif\0\0")
    xmp = UPRIGHT_XMP.replace(b"adobe:ns:meta/", b'adobe:ns:meta/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/')
    metadata = Metadata(exif=exif, xmp=xmp, iptc=RECORD, icc_profile=DISPLAY_P3_LIKE)
    image_io.write(tmp_path / f"a{suffix}", Photo(patches(), None, metadata))
    wanted = ["-Caption-Abstract", "-By-line", "-Make", "-GPSLatitudeRef"]
    said = subprocess.run(["exiftool", "-s3", *wanted, tmp_path / f"a{suffix}"], capture_output=True, text=True)
    assert said.stdout.split("\n")[:4] == [CAPTION.decode(), "Ann", "Leica", "North"]
    assert "rror" not in said.stdout + said.stderr


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_texts_of_a_png_are_kept_wherever_they_stand(tmp_path: Path, dtype: type) -> None:
    before = png_format.chunk(b"tEXt", b"Title\0a street") + png_format.chunk(
        b"iTXt", b"Description\0\0\0de\0\0" + "Straße".encode()
    )
    whole = png_format.encode(noise(4, 4, 3, dtype), Metadata(xmp=UPRIGHT_XMP, png_texts=before))
    end = whole.rindex(b"IEND") - 4
    after = png_format.chunk(b"tEXt", b"Author\0Ann")
    path = stored(tmp_path / "a.png", whole[:end] + after + whole[end:])
    image_io.write(tmp_path / "b.png", image_io.read(path))
    with Image.open(tmp_path / "b.png") as again:
        again.load()
        texts = {str(key): str(value) for key, value in again.text.items()}
    assert texts.pop("XML:com.adobe.xmp") == UPRIGHT_XMP.decode()
    assert texts == {"Title": "a street", "Description": "Straße", "Author": "Ann"}
    assert (tmp_path / "b.png").read_bytes().count(b"XML:com.adobe.xmp") == 1
    assert_same(image_io.read(tmp_path / "b.png"), image_io.read(path))


def test_exif_that_a_png_holds_as_text_is_exif(tmp_path: Path) -> None:
    raw = png_format.raw_profile_chunk("exif", exif_block(6))
    path = stored(tmp_path / "a.png", png_format.encode(noise(4, 7, 3), Metadata(png_texts=raw)))
    photo = image_io.read(path)
    assert photo.pixels.shape == (7, 4, 3)
    image_io.write(tmp_path / "b.png", photo)
    assert b"Raw profile" not in (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "b.png") as again:
        assert (again.getexif()[0x0112], again.getexif()[0x010F]) == (1, "Leica")
    for odd in (b"", b"\nexif\n", b"\nexif\n 3\nxyz"):
        stored(path, png(b"\0\x10", (1, 1), 8, 0, (b"tEXt", b"Raw profile type exif\0" + odd)))
        assert image_io.read(path).metadata.exif is None
