"""Files on disk: bad ones, names, masks, tensors, atomic writing; defects in anchors.md, A and C."""

import contextlib
import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import XMP, assert_same, exif_block, noise, png, saved, stored
from PIL import Image, features

from agerestore.batch import masks
from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io
from agerestore.images.formats import png as png_format
from agerestore.images.formats import tiff
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo

# Tensors


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_tensor(dtype: type) -> None:
    peak = np.iinfo(dtype).max
    levels = np.arange(peak + 1, dtype=dtype).reshape(1, -1, 1)
    tensor = Photo(levels).to_tensor()
    assert tensor.shape == (1, 1, 1, peak + 1)
    assert tensor.dtype == torch.float32
    assert tensor[0, 0, 0, [0, -1]].tolist() == [0.0, 1.0]
    assert_same(Photo(levels).with_pixels(tensor), Photo(levels))


def test_with_pixels_clips_rounds_and_keeps_what_is_known() -> None:
    photo = Photo(noise(2, 3, 3), noise(2, 3, 1)[..., 0], Metadata(xmp=XMP))
    image = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1).expand(3, 2, 3)
    unknown = np.array([[True, False, False], [False, False, True]])
    result = photo.with_pixels(image, unknown)
    np.testing.assert_array_equal(result.pixels[unknown], [[0, 128, 255]] * 2)
    np.testing.assert_array_equal(result.pixels[~unknown], photo.pixels[~unknown])
    assert result.metadata is photo.metadata
    np.testing.assert_array_equal(result.alpha, photo.alpha)
    for dtype in (torch.float16, torch.bfloat16):  # what a network in half precision gives
        np.testing.assert_array_equal(photo.with_pixels(image.to(dtype)).pixels[0, 0], [0, 128, 255])


def test_with_pixels_refuses_other_shapes_and_nan() -> None:
    photo = Photo(noise(2, 3, 3))
    with pytest.raises(ValueError, match="shape"):
        photo.with_pixels(torch.zeros(1, 3, 3, 2))
    with pytest.raises(ValueError, match="shape"):
        photo.with_pixels(torch.zeros(3, 2, 3), np.ones((1, 1), bool))
    with pytest.raises(ValueError, match="finite"):
        photo.with_pixels(torch.full((3, 2, 3), torch.nan))


# Masks


@pytest.mark.parametrize("level", [1, 128, 255])
def test_mask_is_whatever_is_not_black(tmp_path: Path, level: int) -> None:
    wanted = np.random.default_rng(0).random((6, 5)) < 0.4
    gray = (wanted * level).astype(np.uint8)
    files = [
        saved(tmp_path / "gray.png", Image.fromarray(gray)),
        saved(tmp_path / "red.png", Image.fromarray(np.stack([gray, 0 * gray, 0 * gray], axis=2))),
        saved(tmp_path / "bits.png", Image.fromarray(wanted)),
        saved(tmp_path / "opaque.png", Image.fromarray(gray).convert("LA")),
        stored(tmp_path / "deep.png", png_format.encode(gray[..., None].astype(np.uint16))),
    ]
    for file in files:
        np.testing.assert_array_equal(masks.read_mask_file(file, (6, 5)), wanted)


def test_mask_in_a_lossy_file_needs_half_the_brightness(tmp_path: Path) -> None:
    wanted = np.zeros((32, 32), bool)
    wanted[5:21, 9:30] = True
    path = saved(tmp_path / "a.jpg", Image.fromarray((wanted * 255).astype(np.uint8)), quality=60)
    assert (io.read(path).pixels[..., 0] > 0).sum() > wanted.sum()  # ringing in the black
    np.testing.assert_array_equal(masks.read_mask_file(path, (32, 32)), wanted)


def test_mask_of_another_size_or_with_transparency_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (5, 6)))
    with pytest.raises(ImageFileError, match=r"a\.png: .*5 x 6 pixels for an image of 7 x 4"):
        masks.read_mask_file(path, (4, 7))
    path = saved(tmp_path / "b.png", Image.new("RGBA", (5, 6), (255, 255, 255, 0)))
    with pytest.raises(ImageFileError, match="transparent parts"):
        masks.read_mask_file(path, (6, 5))
    with pytest.raises(ImageFileError, match=r"none\.png") as caught:
        masks.read_mask_file(tmp_path / "none.png", (6, 5))
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
        return stored(path, png_format.encode(noise(40, 40, 3, np.uint16))[:-3000])
    if kind == "deep.tif":
        data = bytearray(tiff.encode(noise(40, 40, 3, np.uint16)))
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
        io.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "; " in message
    assert "\n" not in message


def test_flipped_bits_in_a_png_are_noticed(tmp_path: Path) -> None:
    for pixels in (noise(40, 40, 3), noise(40, 40, 3, np.uint16)):
        data = bytearray(png_format.encode(pixels))
        data[len(data) // 2] ^= 0x10
        with pytest.raises(UnreadableError):
            io.read(stored(tmp_path / "a.png", bytes(data)))


SAYING_MUCH = Photo(noise(9, 9, 3), None, Metadata(xmp=XMP, iptc=b"\x1c\x02\x78\0\3Ann" * 9))
SOUND = {
    ".png": png_format.encode(noise(9, 9, 3), exif=exif_block(6).removeprefix(b"Exif\0\0")),
    ".deep.png": png_format.encode(noise(9, 9, 4, np.uint16)),
    ".deep.tif": tiff.encode(noise(9, 9, 1, np.uint16), exif=exif_block(1).removeprefix(b"Exif\0\0")),
    **{
        f".said{suffix}": io.encode(SAYING_MUCH, suffix)
        for suffix in (".jpg", ".webp", ".png", ".tif", *([".avif"] if features.check("avif") else []))
    },
}


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
    with pytest.raises(UnreadableError, match="rare form"):
        io.read(tmp_path / "signed.tif")


def test_bombs_are_refused_and_pillows_own_limit_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    path = stored(tmp_path / "bomb.png", png(b"\0", (30000, 20000), 8, 0))
    with pytest.raises(UnreadableError, match="30000 x 20000 pixels are more than 250 megapixels"):
        io.read(path)
    assert Image.MAX_IMAGE_PIXELS == 12345


def test_max_pixels_is_the_largest_image_that_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (4, 4)))
    with pytest.raises(UnreadableError, match=r"4 x 4 pixels .* raise max_pixels to read it"):
        io.decode(path.read_bytes(), path, max_pixels=15)
    assert io.decode(path.read_bytes(), path, max_pixels=16).pixels.shape == (4, 4, 1)


def test_large_scans_below_our_limit_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # as if Pillow's limit were exceeded
    for suffix in (".png", ".tif", ".webp", ".jpg"):
        io.write(tmp_path / f"a{suffix}", Photo(noise(20, 20, 3)))
        assert io.read(tmp_path / f"a{suffix}").pixels.shape == (20, 20, 3)


def test_odd_metadata_is_no_reason_to_talk(tmp_path: Path) -> None:
    exif = exif_block(1)[:-20]  # its last values are cut off
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = io.read(path)
        assert photo.metadata.exif == exif.removeprefix(b"Exif\0\0")
        io.write(tmp_path / "a.tif", photo)  # what can be read of it is kept
        assert io.read(tmp_path / "a.tif").pixels.shape == (4, 8, 3)


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
        io.write(tmp_path / name, Photo(pixels), overwrite=True)
        assert_same(io.read(tmp_path / name), Photo(pixels))
    with pytest.raises(ImageFileError) as caught:
        io.write(tmp_path / name, Photo(pixels))
    assert "exists; pass `overwrite=True` or choose another output" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_existing_file_is_only_replaced_on_request(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.png"
    first, second = Photo(noise(4, 4, 3)), Photo(noise(4, 4, 3, seed=1))
    io.write(path, first)
    with pytest.raises(ImageFileError, match="exists"):
        io.write(path, second)
    assert_same(io.read(path), first)
    io.write(path, second, overwrite=True)
    assert_same(io.read(path), second)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    monkeypatch.setattr(os, "fsync", lambda descriptor: path.write_bytes(b"another program's"))
    with pytest.raises(ImageFileError, match="exists"):
        io.write(path, Photo(noise(4, 4, 3)))
    assert path.read_bytes() == b"another program's"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_files_are_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    io.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert io.read(tmp_path / "a.png").pixels.shape == (4, 4, 3)


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    io.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
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
        io.write(path, Photo(noise(40, 40, 3)), overwrite=overwrite)
    if seen is ImageFileError:
        assert f"{path}: cannot be written ({failure.strerror})" in str(caught.value)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([b"the older file"] if overwrite else [])


def test_a_disk_that_is_really_full_leaves_nothing_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    photo = Photo(noise(100, 100, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # a file may grow to 4 kB: the write stops half way
    try:
        with pytest.raises(ImageFileError, match=r"cannot be written \(File too large\)"):
            io.write(tmp_path / "a.png", photo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    stored(tmp_path / "file", b"")
    with pytest.raises(ImageFileError, match="cannot be written"):
        io.write(tmp_path / "file" / "a.png", Photo(noise(4, 4, 3)))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageFileError, match="cannot be written"):
        io.write(tmp_path / "folder.png", Photo(noise(4, 4, 3)), overwrite=True)


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
    assert all(io.is_image_name(Path(name)) for name in ("a.png", "B.JPG", "c.d.jpeg", "e.TIFF", "f.webp"))
    assert not any(io.is_image_name(Path(name)) for name in ("png", "a.txt", "a.gif", ".png", "a.png.part"))
