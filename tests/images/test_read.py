"""Reading files: bad ones, large ones, odd metadata."""

import contextlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import XMP, exif_block, noise, png, saved, stored
from PIL import Image, features

from agerestore.errors import UnreadableError
from agerestore.images import io
from agerestore.images.formats import png as png_format
from agerestore.images.formats import tiff
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo


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
        return stored(path, png_format.encode(noise(40, 40, 3, np.uint16), Metadata())[:-3000])
    if kind == "deep.tif":
        data = bytearray(tiff.encode(noise(40, 40, 3, np.uint16), Metadata()))
        data[-3000:] = b""
        return stored(path, bytes(data))
    whole = saved(folder / path.name, image).read_bytes()
    return stored(path, whole[: len(whole) // 2])


SAYING_MUCH = Photo(noise(9, 9, 3), None, Metadata(xmp=XMP, iptc=b"\x1c\x02\x78\0\3Ann" * 9))


SOUND = {
    ".png": png_format.encode(noise(9, 9, 3), Metadata(exif=exif_block(6).removeprefix(b"Exif\0\0"))),
    ".deep.png": png_format.encode(noise(9, 9, 4, np.uint16), Metadata()),
    ".deep.tif": tiff.encode(noise(9, 9, 1, np.uint16), Metadata(exif=exif_block(1).removeprefix(b"Exif\0\0"))),
    **{
        f".said{suffix}": io.encode(SAYING_MUCH, suffix)
        for suffix in (".jpg", ".webp", ".png", ".tif", *([".avif"] if features.check("avif") else []))
    },
}


@pytest.mark.parametrize(
    "kind", ["text", "empty", "header", "jpg", "png", "tif", "bmp", "webp", "deep.png", "deep.tif"]
)
def test_damaged_files_give_one_line_that_names_them(tmp_path: Path, kind: str) -> None:
    path = damaged(kind, tmp_path)
    with pytest.raises(UnreadableError) as caught:
        io.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "; " in message
    assert "\n" not in message


def test_flipped_bits_in_a_png_are_noticed(tmp_path: Path) -> None:
    for pixels in (noise(40, 40, 3), noise(40, 40, 3, np.uint16)):
        data = bytearray(png_format.encode(pixels, Metadata()))
        data[len(data) // 2] ^= 0x10
        with pytest.raises(UnreadableError):
            io.read(stored(tmp_path / "a.png", bytes(data)))


@settings(deadline=None, max_examples=120)
@given(data=st.data(), suffix=st.sampled_from(sorted(SOUND)))
def test_any_damage_gives_a_picture_or_one_kind_of_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    broken = bytearray(SOUND[suffix])
    at = data.draw(st.integers(0, len(broken) - 1))
    broken[at] ^= data.draw(st.integers(1, 255))
    path = stored(tmp_path_factory.mktemp("broken") / f"a{suffix}", bytes(broken))
    with contextlib.suppress(UnreadableError):
        assert io.read(path).pixels.ndim == 3


def test_missing_files_folders_and_pages(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"none\.png: cannot be read \(No such file"):
        io.read(tmp_path / "none.png")
    with pytest.raises(UnreadableError, match="a folder or device"):
        io.read(tmp_path)
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(UnreadableError, match=r"loop\.png: cannot be read"):
        io.read(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableError, match="a folder or device"):
        io.read(tmp_path / "pipe.png")
    frames = [Image.new("L", (4, 4), level) for level in (0, 99, 200)]
    for suffix in (".tif", ".webp", ".png"):
        frames[0].save(tmp_path / f"many{suffix}", save_all=True, append_images=frames[1:])
        with pytest.raises(UnreadableError, match=rf"many\{suffix}: holds 3 pages or frames"):
            io.read(tmp_path / f"many{suffix}")


def test_rare_depths_are_refused_not_guessed(tmp_path: Path) -> None:
    for mode in ("F", "I"):
        with pytest.raises(UnreadableError, match="32 bits a channel"):
            io.read(saved(tmp_path / f"{mode}.tif", Image.new(mode, (4, 4))))
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "signed.tif", np.zeros((4, 4), np.int16))
    with pytest.raises(UnreadableError, match="holds signed numbers"):
        io.read(tmp_path / "signed.tif")


def test_bombs_are_refused_and_pillows_own_limit_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    path = stored(tmp_path / "bomb.png", png(b"\0", (30000, 20000), 8, 0))
    with pytest.raises(UnreadableError, match="30000 x 20000 pixels are more than 250 megapixels"):
        io.read(path)
    assert Image.MAX_IMAGE_PIXELS == 12345


def test_max_pixels_is_the_largest_image_that_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (4, 4)))
    with pytest.raises(UnreadableError, match=r"4 x 4 pixels .* raise `max_pixels` to read it"):
        io.decode(path.read_bytes(), path, max_pixels=15)
    assert io.decode(path.read_bytes(), path, max_pixels=16).pixels.shape == (4, 4, 1)


def test_large_scans_below_our_limit_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # as if Pillow's limit were exceeded
    for suffix in (".png", ".tif", ".webp", ".jpg"):
        io.write(tmp_path / f"a{suffix}", Photo(noise(20, 20, 3)))
        assert io.read(tmp_path / f"a{suffix}").pixels.shape == (20, 20, 3)


def test_odd_metadata_gives_no_warning(tmp_path: Path) -> None:
    exif = exif_block(1)[:-20]  # its last values are cut off
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = io.read(path)
        assert photo.metadata.exif == exif.removeprefix(b"Exif\0\0")
        io.write(tmp_path / "a.tif", photo)  # what can be read of it is kept
        assert io.read(tmp_path / "a.tif").pixels.shape == (4, 8, 3)


def test_reading_needs_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (4, 4)))
    script = (
        "import sys; from pathlib import Path; from agerestore.images import io\n"
        f"io.read(Path({str(path)!r}))\n"
        "heavy = {'cv2', 'torchvision', 'kornia', 'albumentations', 'skimage', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_names_of_pictures() -> None:
    assert all(io.is_image_name(Path(name)) for name in ("a.png", "B.JPG", "c.d.jpeg", "e.TIFF", "f.webp", "DSC1.HIF"))
    assert not any(io.is_image_name(Path(name)) for name in ("png", "a.txt", "a.gif", ".png", "a.png.part"))
