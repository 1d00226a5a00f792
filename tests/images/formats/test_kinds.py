"""Kinds of files that are not read: named for what they are, by every reader alike, and never called damaged."""

import contextlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import noise, saved, stored
from PIL import Image

from agerestore.analysis import report
from agerestore.batch.masks import read_mask_file
from agerestore.data import sources
from agerestore.errors import AgeRestoreError, UnreadableError
from agerestore.images import arrays, io, masks
from agerestore.images.formats import kinds
from agerestore.images.formats import png as png_format
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo

tifffile = pytest.importorskip("tifffile")
RAMP = (np.indices((24, 32)).sum(0) * 4).astype(np.uint8)
CFA, LINEAR_RAW = 32803, 34892


def with_sub_image(path: Path, first: np.ndarray, second: np.ndarray, photometric: object, **options: object) -> Path:
    """A TIFF whose first image refers to a second one."""
    with tifffile.TiffWriter(path, **options) as tiff:
        tiff.write(first, photometric="minisblack", subifds=1)
        tiff.write(second, photometric=photometric)
    return path


def with_tag(tiff: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF in whose first directory a short tag has another value."""
    (start,) = struct.unpack_from("<I", tiff, 4)
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", tiff, start)[0], 12):
        if struct.unpack_from("<H", tiff, at)[0] == tag:
            return tiff[: at + 8] + struct.pack("<HH", value, 0) + tiff[at + 12 :]
    raise KeyError(tag)


BIG = {"bigtiff": True}


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, BIG])
def test_a_raw_file_is_not_its_preview(tmp_path: Path, options: dict[str, object]) -> None:
    sensor = RAMP.repeat(4, 0).repeat(4, 1).astype(np.uint16)
    path = with_sub_image(tmp_path / "DSC_1.NEF", RAMP, sensor, CFA, **options)
    with pytest.raises(UnreadableError, match=r"DSC_1\.NEF: a camera's raw file; develop it"):
        io.read(path)


def test_raw_files_without_a_preview(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.dng", noise(9, 8, 3, np.uint16), photometric=LINEAR_RAW)
    version = [(kinds.DNG_VERSION, 1, 4, (1, 7, 0, 0), True)]
    tifffile.imwrite(tmp_path / "big.dng", RAMP, photometric="minisblack", bigtiff=True, extratags=version)
    canon = b"II*\0\x10\0\0\0CR\2\0" + bytes(80)
    stored(tmp_path / "b.cr2", canon)
    stored(tmp_path / "c.raf", b"FUJIFILMCCD-RAW")
    for path in tmp_path.iterdir():
        with pytest.raises(UnreadableError, match="a camera's raw file"):
            io.read(path)


@pytest.mark.parametrize("options", [{}, BIG])
def test_of_two_images_the_first_is_read_only_if_it_is_the_larger(tmp_path: Path, options: dict[str, object]) -> None:
    large = RAMP.repeat(2, 0).repeat(2, 1)
    with pytest.raises(UnreadableError, match="of 32 x 24 pixels is a preview of one of 64 x 48; save the large one"):
        io.read(with_sub_image(tmp_path / "preview.tif", RAMP, large, "minisblack", **options))
    pyramid = with_sub_image(tmp_path / "pyramid.tif", large, RAMP, "minisblack", **options)
    np.testing.assert_array_equal(io.read(pyramid).pixels[..., 0], large)


NUMBERS = {
    "float16": (RAMP.astype(np.float16), "holds floating-point numbers"),
    "float64": (RAMP / 255, "64 bits a channel"),
    "int8": ((RAMP.astype(int) - 128).astype(np.int8), "holds signed numbers"),
    "uint32": (RAMP.astype(np.uint32), "32 bits a channel"),
    "stack": (np.stack([RAMP.astype(np.uint16)] * 3), "3 pages or frames"),
}
READERS: dict[str, Callable[[Path], object]] = {
    "restoring": lambda path: io.decode(path.read_bytes(), path),
    "a path in Python": arrays.open_image,
    "inspection": report.inspect,
    "training of small models": lambda path: sources.load_images(path.parent, 32, 3),
    "training and evaluation of photographs": lambda path: sources.load_photographs(path.parent),
    "a mask file": lambda path: read_mask_file(path, RAMP.shape),
    "a mask in Python": lambda path: masks.read_mask(path, torch.zeros(1, 3, *RAMP.shape)),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", NUMBERS)
def test_what_one_reader_refuses_all_refuse(tmp_path: Path, kind: str, reader: str) -> None:
    array, reason = NUMBERS[kind]
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")
    with pytest.raises(AgeRestoreError, match=reason) as caught:
        READERS[reader](tmp_path / "a.tif")
    assert "damaged" not in str(caught.value)
    assert "a.tif" in str(caught.value)


@pytest.mark.parametrize(("compression", "name"), [(34887, "LERC"), (50002, "JPEG XL"), (4711, "number 4711")])
def test_an_unknown_compression_is_no_damage(tmp_path: Path, compression: int, name: str) -> None:
    plain = saved(tmp_path / "plain.tif", Image.fromarray(RAMP)).read_bytes()
    with pytest.raises(UnreadableError, match=rf"its compression \({name}\) is not read; save it with") as caught:
        io.read(stored(tmp_path / "a.tif", with_tag(plain, kinds.COMPRESSION, compression)))
    assert "damaged" not in str(caught.value)


def test_a_compression_that_is_read_at_8_bits_alone_is_named_at_16(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(8, 9, 3, np.uint16), photometric="rgb")
    deep = with_tag((tmp_path / "a.tif").read_bytes(), kinds.COMPRESSION, 50000)
    with pytest.raises(UnreadableError, match=r"compression \(Zstandard\) is not read at 16 bits a channel"):
        io.read(stored(tmp_path / "a.tif", deep))


def test_layers_are_not_dropped(tmp_path: Path) -> None:
    layers = b"Adobe Photoshop Document Data Block\0" + b"MIB8ryaL" + bytes(20)
    tag = [(kinds.PHOTOSHOP_LAYERS, 7, len(layers), layers, True)]
    tifffile.imwrite(tmp_path / "a.tif", RAMP, photometric="minisblack", extratags=tag)
    with pytest.raises(UnreadableError, match="holds layers of Photoshop, which would be lost"):
        io.read(tmp_path / "a.tif")


def test_a_page_of_sensor_values_makes_a_raw_file(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(RAMP, photometric="minisblack")
        tiff.write(RAMP.repeat(2, 0).astype(np.uint16), photometric=CFA)
    with pytest.raises(UnreadableError, match="a camera's raw file"):
        io.read(tmp_path / "a.tif")


def test_a_jpeg_of_another_depth_is_named_by_its_frame_header(tmp_path: Path) -> None:
    jpeg = saved(tmp_path / "a.jpg", Image.fromarray(RAMP)).read_bytes()
    frame = jpeg.index(b"\xff\xc0")
    deep = jpeg[: frame + 4] + bytes([12]) + jpeg[frame + 5 :]
    with pytest.raises(UnreadableError, match="12 bits a channel; save it as PNG or TIFF"):
        io.read(stored(tmp_path / "a.jpg", deep))
    near_lossless = jpeg[:frame] + b"\xff\xf7" + jpeg[frame + 2 :]
    with pytest.raises(UnreadableError, match="a JPEG-LS, which is not read"):
        io.read(stored(tmp_path / "a.jpg", near_lossless))


def test_a_rare_tiff_is_no_damage(tmp_path: Path) -> None:
    plain = saved(tmp_path / "a.tif", Image.fromarray(RAMP)).read_bytes()
    with pytest.raises(UnreadableError, match=r"a TIFF of a kind that is not read \(Photometric.* 9, 8 bits"):
        io.read(stored(tmp_path / "a.tif", with_tag(plain, kinds.PHOTOMETRIC, 9)))


OTHERS = [(b"GIF89a", "a GIF, which"), (b"8BPS\0\1", "a Photoshop document"), (b"%PDF-1", "PDF"), (b"P6\n", "Netpbm")]


@pytest.mark.parametrize(("data", "what"), OTHERS)
def test_other_formats_are_named(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(UnreadableError, match=what):
        io.read(stored(tmp_path / "a.jpg", data + bytes(99)))


def test_what_a_decoder_does_not_support_is_no_damage(tmp_path: Path) -> None:
    bitmap = bytearray(saved(tmp_path / "a.bmp", Image.fromarray(RAMP)).read_bytes())
    bitmap[30] = 4  # a JPEG inside
    with pytest.raises(UnreadableError, match=r"of a kind that is not read \(Unsupported BMP compression"):
        io.read(stored(tmp_path / "a.bmp", bytes(bitmap)))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "group4"])
def test_decoders_print_nothing_of_damage(tmp_path: Path, capfd: pytest.CaptureFixture[str], compression: str) -> None:
    image = Image.fromarray(noise(64, 64, 1)[..., 0])
    image = image.convert("1") if compression == "group4" else image
    data = bytearray(saved(tmp_path / "a.tif", image, compression=compression).read_bytes())
    for at in range(20, 400, 7):
        data[at] ^= 0xFF
    with contextlib.nullcontext() if compression == "group4" else pytest.raises(UnreadableError, match=r"a\.tif"):
        io.read(stored(tmp_path / "a.tif", bytes(data)))  # fax codes hold no sum by which damage is noticed
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "body"),
    [(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")), (b"zTXt", b"k\0\0no deflate"), (b"sRGB", b"\x09")],
)
def test_odd_metadata_of_deep_files_is_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: bytes, body: bytes
) -> None:
    pixels = noise(9, 7, 3, np.uint16)
    whole = png_format.encode(pixels, Metadata())
    head = whole[: png_format.HEADER_BYTES] + png_format.chunk(kind, body)
    path = stored(tmp_path / "a.png", head + whole[png_format.HEADER_BYTES :])
    np.testing.assert_array_equal(io.read(path).pixels, pixels)
    tag = [(42112, 2, 0, "<GDALMetadata/>", True), (33550, 12, 3, (1.0, 1.0, 0.0), True)]
    tifffile.imwrite(tmp_path / "map.tif", pixels, photometric="rgb", compression="deflate", extratags=tag)
    np.testing.assert_array_equal(io.read(tmp_path / "map.tif").pixels, pixels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_under_transparent_pixels_are_not_trained_on(tmp_path: Path, dtype: type) -> None:
    peak = int(np.iinfo(dtype).max)
    pixels = np.full((4, 6, 3), (peak, 0, 0), dtype)
    alpha = np.repeat(np.array([[0, 0, peak, peak, peak // 5, peak // 5]], dtype), 4, 0)
    io.write(tmp_path / "a.png", Photo(pixels, alpha))
    expected = np.array([[255] * 3] * 2 + [[255, 0, 0]] * 2 + [[255, 204, 204]] * 2)  # white - alpha (white - color)
    np.testing.assert_array_equal(io.read_pixels(tmp_path / "a.png"), np.broadcast_to(expected, (4, 6, 3)))
    (image,) = sources.load_photographs(tmp_path).images
    np.testing.assert_array_equal(image.permute(1, 2, 0), io.read_pixels(tmp_path / "a.png"))
