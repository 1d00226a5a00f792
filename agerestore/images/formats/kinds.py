"""Kinds of files that are not read, found by what a file says of itself before anything is decoded.

So a sound file of another kind is never called damaged, and a decoder never makes of it what it can: a preview instead
of the photograph, white instead of numbers beyond 255.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

from agerestore.errors import ImageFileError
from agerestore.images.formats.pillow import relaxed_limits

RAW = "a camera's raw file; develop it to TIFF or PNG with a raw converter first"
OTHER = "{}, which is not read; save it as PNG or TIFF with a program that reads it"
SIGNATURES = (  # place, bytes, what a file is that has them there
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"FOVb", RAW),  # Sigma
    (0, b"IIRO", RAW),  # Olympus
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),  # Panasonic
    (0, b"\0MRM", RAW),  # Minolta
    (4, b"ftypcrx ", RAW),  # Canon
    (8, b"CR\2\0", RAW),
    (8, b"IIII", RAW),  # Phase One
    (8, b"MMMM", RAW),
    (0, b"GIF8", OTHER.format("a GIF")),
    (0, b"8BPS", OTHER.format("a Photoshop document")),
    (0, b"gimp xcf", OTHER.format("a GIMP document")),
    (0, b"\0\0\0\x0cJXL ", OTHER.format("a JPEG XL")),
    (0, b"\xff\x0a", OTHER.format("a JPEG XL")),
    (0, b"\0\0\0\x0cjP  ", OTHER.format("a JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", OTHER.format("a JPEG 2000")),
    (0, b"v/1\x01", OTHER.format("an OpenEXR file")),
    (0, b"#?RADIANCE", OTHER.format("a Radiance file")),
    (0, b"II\xbc", OTHER.format("a JPEG XR")),
    (0, b"qoif", OTHER.format("a QOI")),
    (0, b"\0\0\1\0", OTHER.format("an icon")),
    (0, b"DDS ", OTHER.format("a DDS texture")),
    *((0, b"P%d%c" % (kind, space), OTHER.format("a Netpbm file")) for kind in range(1, 8) for space in b"\n\r\t "),
    (0, b"%PDF", OTHER.format("a PDF")),
    (12, b"CgBI", OTHER.format("a PNG of Apple's own kind (CgBI)")),
)
TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF
FRAMES = frozenset(bytes([each]) for each in range(0xC0, 0xD0) if each not in (0xC4, 0xC8, 0xCC))  # markers SOF0 to 15
PAGES = 16  # of a TIFF that are looked at, and images that the first refers to

WIDTH, HEIGHT, DEPTHS, COMPRESSION, PHOTOMETRIC, CHANNELS, PLANES = 256, 257, 258, 259, 262, 277, 284
SUBDIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, PHOTOSHOP_LAYERS, DNG_VERSION = 330, 338, 339, 37724, 50706
COLOR_FILTER_ARRAY, LINEAR_RAW = 32803, 34892  # TIFF/EP and DNG 1.4: what PhotometricInterpretation is in raw files
COMPRESSIONS = {  # names of those that people meet
    6: "old JPEG", 7: "JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34661: "JBIG", 34887: "LERC",
    34892: "lossy JPEG", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
DEEP_COMPRESSIONS = (1, 5, 8, 32773, 32946)  # in which OpenCV reads 16-bit color: none, LZW, Deflate, PackBits
FORMATS = {2: "signed numbers", 3: "floating-point numbers", 5: "complex numbers", 6: "complex numbers"}
LAYERS = tuple(mark for key in (b"Layr", b"Lr16", b"Lr32") for mark in (b"8BIM" + key, b"MIB8" + key[::-1]))

Tags = Mapping[int, Any]


class _Directory(ImageFileDirectory_v2):
    """Also reads what in a BigTIFF refers to other images (type 18), which Pillow skips."""

    def __init__(self, header: bytes) -> None:
        super().__init__(header)
        self._load_dispatch = {**self._load_dispatch, 18: self._load_dispatch[16]}


def refuse_other_kinds(data: bytes) -> None:
    """Refuse a file of a kind that is not read, whatever a decoder would make of it.

    Args:
        data: The whole file.

    Raises:
        ImageFileError: It is of such a kind; without path.
    """
    for place, mark, what in SIGNATURES:
        if data.startswith(mark, place):
            raise ImageFileError(what)
    if data[:4] in TIFF_HEADERS:
        _refuse_pages(data)
        _refuse_tiff(*_directories(data))
    elif data.startswith(b"\xff\xd8\xff"):
        _refuse_jpeg(data)


def unidentified(data: bytes) -> str:
    """Say what a file is that no decoder takes for its own."""
    if data[:4] in TIFF_HEADERS and WIDTH in (tags := _directories(data)[0]):
        depths = "/".join(map(str, tags.get(DEPTHS, (1,))))
        kind = (
            f"PhotometricInterpretation {tags.get(PHOTOMETRIC)}, {depths} bits, SamplesPerPixel {tags.get(CHANNELS, 1)}"
        )
        return f"a TIFF of a kind that is not read ({kind}); save it as RGB or gray with an image editor"
    if data[4:8] == b"ftyp":
        return "a video, or a kind of HEIC or AVIF that is not read; save it as PNG or JPEG"
    return "no PNG, JPEG, TIFF, WebP, BMP, AVIF or HEIC, or a rare or damaged one; save it with an image editor"


def _refuse_jpeg(data: bytes) -> None:
    """Refuse a JPEG of other than 8 bits a channel, by its frame header (ITU-T T.81, B.2.2), and JPEG-LS."""
    at = 2
    while data[at : at + 1] == b"\xff" and (marker := data[at + 1 : at + 2]) != b"\xda":  # the scan begins there
        if marker == b"\xf7":
            raise ImageFileError(OTHER.format("a JPEG-LS"))
        if marker in FRAMES and (depth := int.from_bytes(data[at + 4 : at + 5])) != 8:
            raise ImageFileError(f"{depth} bits a channel; save it as PNG or TIFF with 8 or 16 bits a channel")
        at += 1 if marker == b"\xff" else 2 + int.from_bytes(data[at + 2 : at + 4])


def _refuse_pages(data: bytes) -> None:
    """Refuse a TIFF of many pages before a decoder counts them, which takes the square of their number."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    head, entry, width = (8, 20, 8) if 43 in data[2:4] else (2, 12, 4)  # bytes, in a BigTIFF or in any other
    at, seen = int.from_bytes(data[width : 2 * width], order), set[int]()
    while at and at not in seen:
        if len(seen) == PAGES:
            raise ImageFileError(
                f"holds more than {PAGES} pages or frames; save the one to restore as a file of its own"
            )
        seen.add(at)
        end = at + head + entry * int.from_bytes(data[at : at + head], order)
        at = int.from_bytes(data[end : end + width], order)


def _directories(data: bytes) -> tuple[Tags, list[Tags], list[Tags]]:
    """Return the tags of a TIFF's first image, of those that it refers to, and of further pages; none if unreadable."""
    first: Tags = {}
    others: list[Tags] = []
    pages: list[Tags] = []
    with relaxed_limits(), suppress(Exception):  # what is damaged is for the decoder to say
        header = data[:16] if 43 in data[2:4] else data[:8]  # of a BigTIFF, or of any other
        first, offset = _tags(header, data, _Directory(header).next)
        others = [_tags(header, data, each)[0] for each in first.get(SUBDIRECTORIES, ())[:PAGES]]
        while offset and len(pages) < PAGES:
            tags, offset = _tags(header, data, offset)
            pages.append(tags)
    return first, others, pages


def _tags(header: bytes, data: bytes, offset: int) -> tuple[Tags, int]:
    """Return the tags of a directory, and where the next one is; 0 for none."""
    directory, file = _Directory(header), io.BytesIO(data)
    file.seek(offset)
    directory.load(file)
    return dict(directory), directory.next


def _refuse_tiff(first: Tags, others: list[Tags], pages: list[Tags]) -> None:
    photometric = {tags.get(PHOTOMETRIC) for tags in (first, *others, *pages)}
    if DNG_VERSION in first or photometric & {COLOR_FILTER_ARRAY, LINEAR_RAW}:
        raise ImageFileError(RAW)
    if any(_area(other) > _area(first) for other in others):
        largest = max(others, key=_area)
        sizes = f"{_size(first)} pixels is a preview of one of {_size(largest)}"
        raise ImageFileError(f"the first image, of {sizes}; save the large one as a file of its own")
    document = first.get(PHOTOSHOP_LAYERS)
    if isinstance(document, bytes) and any(mark in document for mark in LAYERS):
        raise ImageFileError("holds layers of Photoshop, which would be lost; save it with all layers merged into one")
    _refuse_numbers(first)
    _refuse_compression(first)


def _refuse_numbers(tags: Tags) -> None:
    """Refuse all but whole numbers from 0 up, of one depth that is read."""
    depths = set(tags.get(DEPTHS, (1,)))
    if len(depths) > 1 or not depths <= {1, 2, 4, 8, 16}:
        raise ImageFileError(f"{max(depths)} bits a channel; save it with 8 or 16 bits a channel")
    kinds = [FORMATS[each] for each in tags.get(SAMPLE_FORMAT, ()) if each in FORMATS]
    if kinds:
        raise ImageFileError(f"holds {kinds[0]}; save it with whole numbers, 8 or 16 bits a channel")
    if 0 in tags.get(EXTRA_SAMPLES, ()):
        what = "holds a channel besides color and transparency, which would be lost; save it without, or as alpha"
        raise ImageFileError(what)


def _refuse_compression(tags: Tags) -> None:
    compression, is_deep = tags.get(COMPRESSION, 1), max(tags.get(DEPTHS, (1,))) == 16
    name = COMPRESSIONS.get(compression, f"number {compression}")
    if compression not in COMPRESSION_INFO or compression == 50001:  # libtiff in Pillow has no WebP
        raise ImageFileError(f"its compression ({name}) is not read; save it with LZW or Deflate")
    if not is_deep or tags.get(CHANNELS, 1) == 1:
        return
    if tags.get(PHOTOMETRIC) != 2 or tags.get(PLANES) == 2:  # Lab, CMYK, gray with alpha; one plane a channel
        raise ImageFileError("16 bits a channel in a rare form; save it as interleaved RGB or as grayscale")
    if compression not in DEEP_COMPRESSIONS:
        what = f"its compression ({name}) is not read at 16 bits a channel; save it with LZW or Deflate"
        raise ImageFileError(what)


def _area(tags: Tags) -> int:
    return int(tags.get(WIDTH, 0)) * int(tags.get(HEIGHT, 0))


def _size(tags: Tags) -> str:
    return f"{tags.get(WIDTH)} x {tags.get(HEIGHT)}"
