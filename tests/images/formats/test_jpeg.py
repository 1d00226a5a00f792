"""JPEG tables, subsampling and quality when a file is written again."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import exif_block, noise, saved, stored
from PIL import Image, features

from agerestore.images import io as image_io
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo
from agerestore.inference.chroma_upsampling import color_pixels

PHOTOGRAPH = Path(__file__).parents[3] / "examples" / "photographs" / "photo-chelsea.png"


avif_at_hand = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")


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
    photo = image_io.read(tmp_path / "a.jpg")
    colored = photo.recolored(color_pixels(photo.pixels, np.full((2, 1, 1), 20, np.float32)))
    image_io.write(tmp_path / "b.jpg", colored)
    assert tables(tmp_path / "b.jpg") == [tables(tmp_path / "a.jpg")[0], *tables(tmp_path / "95.jpg")[1:]]
