"""Compression, AVIF and HEIC, IPTC and texts outlive the restoring of a picture; defects in anchors.md, A."""

import importlib.util
import io
import shutil
import struct
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import DISPLAY_P3_LIKE, XMP, assert_same, exif_block, facts, noise, png, saved, stored
from PIL import Image, ImageOps, IptcImagePlugin, features

from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io as image_io
from agerestore.images.formats import catalog, iptc, tiff
from agerestore.images.formats import png as png_format
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo
from agerestore.inference.chroma_upsampling import with_chroma

PHOTOGRAPH = Path(__file__).parents[3] / "examples" / "photographs" / "photo-chelsea.png"
avif_at_hand = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
UPRIGHT_XMP = XMP.replace(b"6", b"1")


def patches(height: int = 64, width: int = 48, samples: int = 3) -> np.ndarray:
    """Colors in patches of 16 pixels, which survive compression."""
    return np.kron(noise(height // 16, width // 16, samples), np.ones((16, 16, 1), np.uint8))


def sampling(path: Path) -> tuple[int, int]:
    """How many blocks of luminance stand across and above one another for one of chroma, as the file says."""
    with Image.open(path) as image:
        return image.layer[0][1] // image.layer[1][1], image.layer[0][2] // image.layer[1][2]


def tables(path: Path) -> list[list[int]]:
    with Image.open(path) as image:
        return [list(image.quantization[layer[3]]) for layer in image.layer]


# JPEG


@pytest.mark.parametrize(
    ("factor", "inside", "expected"),
    [("411", (4, 1), (2, 1)), ("420", (2, 2), (2, 2)), ("422", (2, 1), (2, 1)), ("440", (1, 2), (1, 1)),
     ("444", (1, 1), (1, 1))],
)  # fmt: skip
def test_chroma_is_never_sampled_more_coarsely(
    tmp_path: Path, factor: str, inside: tuple[int, int], expected: tuple[int, int]
) -> None:
    option = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{factor}")
    cv2.imwrite(str(tmp_path / "a.jpg"), patches(), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, option])
    assert sampling(tmp_path / "a.jpg") == inside
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg"))
    assert sampling(tmp_path / "b.jpg") == expected


@pytest.mark.parametrize(("orientation", "transposed"), [(1, False), (3, False), (6, True), (8, True)])
def test_a_jpeg_on_its_side_takes_its_tables_and_sampling_with_it(
    tmp_path: Path, orientation: int, transposed: bool
) -> None:
    steps = [np.arange(1, 65).reshape(8, 8), np.arange(101, 165).reshape(8, 8)]
    qtables = [table.ravel().tolist() for table in steps]
    image = Image.fromarray(patches())
    saved(tmp_path / "a.jpg", image, exif=exif_block(orientation), qtables=qtables, subsampling=1)
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg"))
    expected = [(table.T if transposed else table).ravel().tolist() for table in steps]
    assert tables(tmp_path / "b.jpg") == [expected[0], expected[1], expected[1]]
    assert sampling(tmp_path / "b.jpg") == ((1, 1) if transposed else (2, 1))


def test_tables_of_other_encoders_go_to_their_components(tmp_path: Path) -> None:
    steps = [[value] * 64 for value in (7, 90, 30)]
    saved(tmp_path / "three.jpg", Image.fromarray(patches()), qtables=steps)
    image_io.write(tmp_path / "three.again.jpg", image_io.read(tmp_path / "three.jpg"))
    assert tables(tmp_path / "three.again.jpg") == tables(tmp_path / "three.jpg") == steps
    data = bytearray(saved(tmp_path / "swapped.jpg", Image.fromarray(patches()), qtables=steps[:2]).read_bytes())
    frame = data.index(b"\xff\xc0") + 10  # components of three bytes each: number, sampling, table
    data[frame + 2], data[frame + 5], data[frame + 8] = 1, 0, 0  # luminance names the second table
    stored(tmp_path / "swapped.jpg", bytes(data))
    photo = image_io.read(tmp_path / "swapped.jpg")
    assert photo.metadata.jpeg_tables == (tuple(steps[1]), tuple(steps[0]))
    image_io.write(tmp_path / "swapped.again.jpg", photo)
    assert tables(tmp_path / "swapped.again.jpg") == [steps[1], steps[0], steps[0]]


def test_steps_that_only_some_programs_read_become_the_largest_of_all_others(tmp_path: Path) -> None:
    photo = Photo(patches(), None, Metadata(format="JPEG", jpeg_tables=((255, *[9] * 63),)))
    coarse = saved(tmp_path / "a.jpg", Image.fromarray(patches()), qtables=[[400, *[9] * 63]])
    assert image_io.read(coarse).metadata.jpeg_tables == photo.metadata.jpeg_tables
    image_io.write(tmp_path / "b.jpg", image_io.read(coarse))
    assert tables(tmp_path / "b.jpg")[0][0] == 255


def test_a_cmyk_jpeg_becomes_a_color_jpeg_of_its_quality(tmp_path: Path) -> None:
    saved(tmp_path / "a.jpg", Image.fromarray(patches()).convert("CMYK"), quality=88)
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg"))
    assert tables(tmp_path / "b.jpg") == tables(tmp_path / "a.jpg")[:3]
    assert sampling(tmp_path / "b.jpg") == (1, 1)


def test_a_jpeg_stays_progressive_and_keeps_its_comment(tmp_path: Path) -> None:
    saved(tmp_path / "a.jpg", Image.fromarray(patches()), progressive=True, comment="from the attic")
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "b.jpg") as again:
        assert (again.info["progressive"], again.info["comment"]) == (1, b"from the attic")
    saved(tmp_path / "c.jpg", Image.fromarray(patches()))
    image_io.write(tmp_path / "d.jpg", image_io.read(tmp_path / "c.jpg"))
    with Image.open(tmp_path / "d.jpg") as again:
        assert not {"progressive", "comment"} & again.info.keys()


@pytest.mark.parametrize("quality", [30, 75, 92])
def test_compressing_as_before_changes_little_and_takes_no_more_room(tmp_path: Path, quality: int) -> None:
    original = cv2.imread(str(PHOTOGRAPH)).astype(int)
    saved(tmp_path / "a.jpg", Image.open(PHOTOGRAPH).convert("RGB"), quality=quality)
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg"))
    before, after = (cv2.imread(str(tmp_path / name)).astype(int) for name in ("a.jpg", "b.jpg"))
    first, second = np.abs(original - before).mean(), np.abs(before - after).mean()
    assert second < 0.05 * first
    assert (tmp_path / "b.jpg").stat().st_size < 1.02 * (tmp_path / "a.jpg").stat().st_size


# --quality


def test_a_quality_that_is_asked_for_replaces_the_sources(tmp_path: Path) -> None:
    image = Image.fromarray(patches())
    for subsampling in (0, 2):
        source = image_io.read(saved(tmp_path / "a.jpg", image, quality=40, subsampling=subsampling))
        reference = image_io.read(saved(tmp_path / "b.jpg", image, quality=83, subsampling=subsampling))
        image_io.write(tmp_path / "c.jpg", source, quality=83, overwrite=True)
        found = image_io.read(tmp_path / "c.jpg").metadata
        assert found.jpeg_tables == reference.metadata.jpeg_tables
        assert found.jpeg_subsampling == subsampling
    for suffix in (".png", ".tif", ".bmp"):
        assert image_io.encode(source, suffix, 5) == image_io.encode(source, suffix)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", pytest.param(".avif", marks=avif_at_hand)])
def test_a_lower_quality_makes_a_smaller_file(suffix: str) -> None:
    photo = Photo(noise(64, 64, 3))
    sizes = [len(image_io.encode(photo, suffix, quality)) for quality in (20, 60, 90)]
    assert sizes == sorted(sizes)
    assert len(image_io.encode(photo, suffix)) >= sizes[-1]


# AVIF and HEIC


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
def test_odd_exif_is_no_reason_to_talk_in_an_avif(tmp_path: Path) -> None:
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


# IPTC and texts

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
    whole = tiff.encode(noise(4, 4, 3), iptc_record=padded)
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
    path = stored(tmp_path / "a.png", png_format.encode(noise(4, 4, 3), chunks=raw))
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
    whole = png_format.encode(noise(4, 4, 3, dtype), xmp=UPRIGHT_XMP, chunks=before)
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
    path = stored(tmp_path / "a.png", png_format.encode(noise(4, 7, 3), chunks=raw))
    photo = image_io.read(path)
    assert photo.pixels.shape == (7, 4, 3)
    image_io.write(tmp_path / "b.png", photo)
    assert b"Raw profile" not in (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "b.png") as again:
        assert (again.getexif()[0x0112], again.getexif()[0x010F]) == (1, "Leica")
    for odd in (b"", b"\nexif\n", b"\nexif\n 3\nxyz"):
        stored(path, png(b"\0\x10", (1, 1), 8, 0, (b"tEXt", b"Raw profile type exif\0" + odd)))
        assert image_io.read(path).metadata.exif is None


def test_a_restored_jpeg_is_compressed_as_a_new_one_unless_it_was_finer(tmp_path: Path) -> None:
    usual = Image.fromarray(patches())
    usual.save(tmp_path / "95.jpg", quality=95)
    for quality in (20, 95, 99):
        usual.save(tmp_path / "a.jpg", quality=quality)
        image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "a.jpg").with_default_quality(), overwrite=True)
        finer = np.minimum(tables(tmp_path / "a.jpg"), tables(tmp_path / "95.jpg"))
        assert np.array_equal(tables(tmp_path / "b.jpg"), finer)
    Image.fromarray(patches(samples=1)[..., 0]).save(tmp_path / "gray.jpg", quality=20)
    image_io.write(tmp_path / "b.jpg", image_io.read(tmp_path / "gray.jpg").with_default_quality(), overwrite=True)
    assert tables(tmp_path / "b.jpg") == tables(tmp_path / "95.jpg")[:1]


@pytest.mark.parametrize("samples", [1, 3])
def test_new_colors_are_compressed_as_in_a_new_jpeg_and_the_lightness_as_before(tmp_path: Path, samples: int) -> None:
    usual = patches(samples=samples)
    Image.fromarray(usual.squeeze()).save(tmp_path / "a.jpg", quality=20)
    Image.fromarray(patches()).save(tmp_path / "95.jpg", quality=95)
    colored = with_chroma(image_io.read(tmp_path / "a.jpg"), np.full((2, 1, 1), 20, np.float32))
    image_io.write(tmp_path / "b.jpg", colored)
    assert tables(tmp_path / "b.jpg") == [tables(tmp_path / "a.jpg")[0], *tables(tmp_path / "95.jpg")[1:]]
