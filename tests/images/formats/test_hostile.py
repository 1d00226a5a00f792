"""What reading hostile files has shown, a test for each fault (see tests/fuzz)."""

import io as memory
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from fuzz.bombs import long_chain, tiff_of
from fuzz.metadata import Entry
from pictures import SRGB, noise, png
from PIL import Image

from agerestore.analysis import report
from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io
from agerestore.images.formats import png as png_format
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableError) as caught:
        io.decode(data, Path("a"))
    return str(caught.value)


def deep_rows(height: int, width: int) -> bytes:
    pixels = noise(height, width, 3, np.uint16)
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)


@pytest.mark.parametrize("extra", [b"\0", bytes(5000), b"\0" * 2**21])
def test_nothing_is_printed_of_bytes_after_the_pixels_of_a_png(extra: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    rows = deep_rows(9, 7)
    expected = io.decode(png(rows, (7, 9), 16, 2), Path("a")).pixels
    found = io.decode(png(rows + extra, (7, 9), 16, 2), Path("a"))
    np.testing.assert_array_equal(found.pixels, expected)
    header = struct.pack(">IIBBBBB", 7, 9, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows) + extra[:999]), (b"IEND", b""))
    after = png_format.SIGNATURE + b"".join(png_format.chunk(*each) for each in chunks)
    np.testing.assert_array_equal(io.decode(after, Path("a")).pixels, expected)
    assert capfd.readouterr() == ("", "")


def test_a_step_of_zero_in_a_quantization_table_is_a_step_of_one() -> None:
    file = memory.BytesIO()
    Image.fromarray(noise(16, 16, 3)).save(file, "JPEG", quality=75)
    data = bytearray(file.getvalue())
    table = data.index(b"\xff\xdb") + 5
    data[table : table + 9] = bytes(9)
    photo = io.decode(bytes(data), Path("a"))
    assert photo.metadata.jpeg_tables is not None
    assert min(min(steps) for steps in photo.metadata.jpeg_tables) == 1
    assert report.inspect(photo).jpeg_quality_from == "file"
    io.encode(photo, ".jpg")


@pytest.mark.parametrize("kind", [1, 2, 7])
def test_a_color_profile_of_any_type_is_kept_in_bytes(kind: int) -> None:
    photo = io.decode(tiff_of(Entry(34675, kind, SRGB + b"\0")), Path("a"))
    assert photo.metadata.icc_profile is not None
    assert photo.metadata.icc_profile.startswith(SRGB.rstrip(b"\0"))
    assert "sRGB" in str(report.inspect(photo).profile)


@pytest.mark.parametrize(("tag", "kind"), [(34675, 4), (34675, 12), (700, 4)])
def test_blocks_that_are_numbers_are_left_out(tag: int, kind: int) -> None:
    metadata = io.decode(tiff_of(Entry(tag, kind, [2**31, 1])), Path("a")).metadata
    assert not metadata.icc_profile
    assert not metadata.xmp


def test_an_xmp_packet_that_is_typed_as_text_is_kept_in_bytes() -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    assert io.decode(tiff_of(Entry(700, 2, packet + b"\0")), Path("a")).metadata.xmp == packet


def test_a_number_in_place_of_layers_takes_no_memory() -> None:
    assert io.decode(tiff_of(Entry(37724, 4, [2**32 - 1])), Path("a")).pixels.shape == (20, 20, 1)


def test_a_file_puts_neither_control_characters_nor_long_texts_into_messages() -> None:
    message = refusal(tiff_of(Entry(262, 2, b"\x1b[31m" * 9000)))
    assert message.isprintable()
    assert len(message) < 400
    assert message.endswith("save it as RGB or gray with an image editor")


def test_many_pages_are_refused_before_they_are_counted() -> None:
    assert (
        refusal(long_chain(17)) == "a: holds more than 16 pages or frames; save the one to restore as a file of its own"
    )
    assert "holds 16 pages" in refusal(long_chain(16))


def test_pages_in_a_circle_are_one() -> None:
    at = 8 + 400  # where the directory is: after the header and the pixels
    assert io.decode(tiff_of(following=at), Path("a")).pixels.shape == (20, 20, 1)


@pytest.mark.parametrize("methods", [(1, 0, 0), (0, 1, 0), (0, 0, 2)])
def test_methods_that_png_has_not_are_refused_in_silence(
    methods: tuple[int, int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    header = struct.pack(">IIBBBBB", 7, 9, 16, 2, *methods)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(deep_rows(9, 7))), (b"IEND", b""))
    refusal(png_format.SIGNATURE + b"".join(png_format.chunk(*each) for each in chunks))
    assert capfd.readouterr() == ("", "")


def test_missing_rows_of_a_png_are_refused_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    for rows in (deep_rows(8, 7), deep_rows(9, 7)[:-1]):
        refusal(png(rows, (7, 9), 16, 2))
    header = struct.pack(">IIBBBBB", 7, 9, 16, 2, 0, 0, 0)
    stream = zlib.compress(deep_rows(9, 7))
    whole, cut = ((b"IDAT", stream), (b"IDAT", stream[:-5]))
    for chunks in ([cut, (b"ATxy", b"")], [(b"IHDR", header), whole], [whole, (b"IHDR", header)]):
        parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
        refusal(png_format.SIGNATURE + b"".join(png_format.chunk(*part) for part in parts))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("side", [590, 591, 1000])
def test_pixels_that_compress_well_are_read_whole(side: int) -> None:
    rows = (b"\0" + bytes(6 * side)) * side
    assert not io.decode(png(rows, (side, side), 16, 2), Path("a")).pixels.any()


def test_interlaced_pixels_of_16_bits_have_the_length_of_all_passes() -> None:
    """Of 3 x 2 pixels passes 1, 4, 6 and 7 have 1, 1, 1 and 3, each row with its filter byte (section 8.2)."""
    assert png_format._filtered_length(bytes(16) + struct.pack(">IIBBBBB", 3, 2, 16, 0, 0, 0, 1)) == 3 * (1 + 2) + (
        1 + 6
    )


@pytest.mark.parametrize("size", [(60000, 3), (1, 5000), (3, 60000), (1, 1)])
def test_images_of_extreme_shapes_are_measured(size: tuple[int, int]) -> None:
    assert report.inspect(Photo(np.zeros((*size, 1), np.uint8))).scratch_share == 0


def test_a_resolution_that_no_format_holds_is_none() -> None:
    resolution = struct.pack(">IIB", 2**32 - 1, 2**31, 1)
    photo = io.decode(png(b"\0\7", (1, 1), 8, 0, (b"pHYs", resolution)), Path("a"))
    assert photo.metadata.dpi is None
    for suffix in (".png", ".jpg", ".tif", ".bmp"):
        io.encode(photo, suffix)


@pytest.mark.parametrize(
    "block", [b"II*\0\x08\0\0\0\2\0", b"MM\0*\0\0\0\x08\0\1\x01\x0f", b"II", b"II*\0\xff\xff\xff\xff"]
)
def test_a_damaged_exif_block_does_not_keep_an_image_from_being_saved(block: bytes) -> None:
    photo = Photo(noise(5, 5, 3), None, Metadata(exif=block))
    np.testing.assert_array_equal(io.decode(io.encode(photo, ".tif"), Path("a")).pixels, photo.pixels)


def test_a_tiff_is_not_turned_by_its_xmp_packet_alone() -> None:
    plain = io.decode(tiff_of(), Path("a")).pixels
    for number in (b"6", b"6.0"):
        packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="%s"/>' % number
        photo = io.decode(tiff_of(Entry(700, 1, packet)), Path("a"))
        np.testing.assert_array_equal(photo.pixels, plain)
        np.testing.assert_array_equal(io.decode(io.encode(photo, ".tif"), Path("b")).pixels, plain)


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65501), (".webp", 16384)])
def test_sides_that_a_format_cannot_hold_are_refused_before_work_is_spent(
    suffix: str, side: int, capfd: pytest.CaptureFixture[str]
) -> None:
    for shape in ((1, side, 1), (side, 1, 1)):
        photo = Photo(np.zeros(shape, np.uint8))
        for refusing in (io.refuse_unfit, io.encode):
            with pytest.raises(ImageFileError, match=f"holds {side - 1} a side; choose a name ending in .png"):
                refusing(photo, suffix)
    io.encode(Photo(np.zeros((1, side - 1, 1), np.uint8)), suffix)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "length", [0, 1, png_format.PART - 1, png_format.PART, png_format.PART + 1, 3 * png_format.PART]
)
def test_a_stream_is_measured_whole_cut_off_and_with_more_behind_it(length: int) -> None:
    for data in (bytes(length), np.random.default_rng(0).bytes(length)):
        stream = zlib.compress(data)
        assert png_format._inflated(stream, length) == (length, True, len(stream))
        assert png_format._inflated(stream + b"more", length) == (length, True, len(stream))
        assert not png_format._inflated(stream[:-1], length)[1]
    assert png_format._inflated(zlib.compress(bytes(10**8)), length)[0] <= length + png_format.PART


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("place", [(1, 1, 0, 0), (3, 9, 4, 0), (7, 9, 0, 0)])
def test_the_frame_of_an_animation_of_one_is_no_part_of_the_image(
    dtype: type, place: tuple[int, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    photo = Photo(noise(9, 7, 3, dtype))
    plain = io.encode(photo, ".png")
    frame = struct.pack(">5IHHBB", 0, *place, 1, 1, 0, 0)
    animated = plain[:33] + png_format.chunk(b"acTL", struct.pack(">II", 1, 0)) + png_format.chunk(b"fcTL", frame)
    found = io.decode(animated + plain[33:], Path("a"))
    np.testing.assert_array_equal(found.pixels, photo.pixels)
    rows = b"\x09" + deep_rows(9, 7)[1:]  # a filter that there is not
    broken = png(rows, (7, 9), 16, 2)
    start = png_format.chunk(b"acTL", struct.pack(">II", 1, 0)) + png_format.chunk(b"fcTL", frame)
    assert "damaged" in refusal(broken[:33] + start + broken[33:])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("names", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_the_name_of_an_exif_block_may_stand_before_it_more_than_once(names: int, suffix: str) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    block = b"Exif\0\0" * names + tags.tobytes()[6:]
    made = Photo(noise(9, 7, 3))
    if suffix == ".png":
        plain = io.encode(made, ".png")
        data = plain[:33] + png_format.chunk(b"eXIf", block) + plain[33:]
    else:
        file = memory.BytesIO()
        Image.fromarray(made.pixels).save(file, suffix[1:].replace("jpg", "jpeg"), exif=block)
        data = file.getvalue()
    read = io.decode(data, Path("a"))
    assert (read.metadata.orientation, read.pixels.shape) == (6, (7, 9, 3))
    assert read.metadata.exif is not None
    assert read.metadata.exif[:2] in (b"II", b"MM")
    for other in (".png", ".webp", ".jpg", ".tif"):
        assert io.decode(io.encode(read, other), Path("a")).pixels.shape == (7, 9, 3)
