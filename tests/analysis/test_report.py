"""What `agerestore inspect` says of a picture: estimates against what was drawn, then the verb."""

import io
import json
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from agerestore_cli.app import app
from agerestore_cli.inspect import command
from pictures import DISPLAY_P3_LIKE, exif_block
from PIL import Image
from typer.testing import CliRunner

from agerestore.analysis.blur import blur_sigma
from agerestore.analysis.color_mode import color_mode
from agerestore.analysis.documents import is_document
from agerestore.analysis.jpeg import luminance_table, quality_of_pixels, quality_of_tables
from agerestore.analysis.noise import noise_sigma
from agerestore.analysis.report import inspect
from agerestore.analysis.scratches import scratch_share
from agerestore.errors import UsageError
from agerestore.images import io as image_io
from agerestore.images.photo import Photo
from agerestore.models import zoo


def run(*arguments):
    return CliRunner().invoke(app, ["inspect", *(str(argument) for argument in arguments)])


def noisy(level, sigma, shape=(128, 128, 1), seed=0):
    drawn = level + sigma * np.random.default_rng(seed).standard_normal(shape)
    return np.clip(np.round(drawn), 0, 255).astype(np.uint8)


def scene(channels=3, side=192, seed=0):
    """Overlapping discs of drawn colors on a ramp: flat parts, slopes and sharp edges."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    picture = np.repeat((60 + 100 * rows / side)[:, :, None], channels, axis=2)
    for _ in range(60):
        center, radius = generator.uniform(0, side, 2), generator.uniform(6, 30)
        inside = np.hypot(rows - center[0], columns - center[1]) < radius
        picture[inside] = generator.uniform(20, 235, channels)
    return picture.round().astype(np.uint8)


def blurred(picture, sigma):
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma).reshape(picture.shape).round().astype(np.uint8)


def as_jpeg(picture, quality, **options):
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(
        file, "JPEG", quality=quality, **options
    )
    return file.getvalue()


def decoded(picture, quality):
    pixels = np.asarray(Image.open(io.BytesIO(as_jpeg(picture, quality))))
    return pixels.reshape(picture.shape)


# ------------------------------------------------------------------------------------------------ noise


@pytest.mark.parametrize("sigma", [1, 5, 15, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_on_a_constant_picture(sigma, channels):
    assert noise_sigma(noisy(128, sigma, (128, 128, channels))) == pytest.approx(sigma, rel=0.04, abs=0.1)


@pytest.mark.parametrize(("level", "error"), [(0, 0.2), (20, 0.05), (235, 0.05), (255, 0.2)])
def test_noise_that_is_cut_off_at_black_or_white_is_put_back(level, error):
    assert noise_sigma(noisy(level, 25)) == pytest.approx(25, rel=error)


@pytest.mark.parametrize("sigma", [0, 10, 30])
def test_noise_on_a_scene(sigma):
    assert noise_sigma(noisy(scene(), sigma, (192, 192, 3))) == pytest.approx(sigma, abs=2)


def test_no_noise_and_too_few_pixels():
    assert noise_sigma(np.full((64, 64, 1), 7, np.uint8)) == pytest.approx(0, abs=0.05)
    assert noise_sigma(np.zeros((28, 28, 1), np.uint8)) is None
    assert noise_sigma(np.zeros((3, 500, 3), np.uint8)) is None


# ------------------------------------------------------------------------------------------------ JPEG


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 95, 100])
def test_the_table_is_the_one_that_libjpeg_writes(quality):
    tables = Image.open(io.BytesIO(as_jpeg(scene(), quality))).quantization
    assert tables[0] == luminance_table(quality).ravel().tolist()
    assert quality_of_tables([tables[0]]) == quality


@pytest.mark.parametrize("quality", [20, 50, 75, 90])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_quality_of_a_jpeg_is_seen_in_its_pixels(quality, channels):
    texture = noisy(scene(channels), 6, (192, 192, channels))
    assert quality_of_pixels(decoded(texture, quality)) == pytest.approx(quality, abs=1)


def test_what_never_was_a_jpeg_has_no_quality():
    assert quality_of_pixels(noisy(scene(), 6, (192, 192, 3))) is None
    assert quality_of_pixels(np.full((64, 64, 1), 128, np.uint8)) is None
    assert quality_of_pixels(np.zeros((5, 5, 3), np.uint8)) is None


# ------------------------------------------------------------------------------------------------ colors


def test_gray_sepia_and_color():
    color = scene()
    gray = np.repeat(scene(1), 3, axis=2)
    sepia = (gray * np.array([1, 0.89, 0.69])).round().astype(np.uint8)
    assert [color_mode(each) for each in (color, gray, sepia, scene(1))] == ["color", "gray", "sepia", "gray"]
    assert [color_mode(decoded(each, 60)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]
    assert [color_mode(noisy(each, 25, each.shape)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]


def test_a_cold_tint_is_a_color():
    gray = np.repeat(scene(1), 3, axis=2)
    assert color_mode((gray * np.array([0.6, 0.8, 1])).round().astype(np.uint8)) == "color"


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (5, 5, 3)])
def test_small_pictures_have_colors_too(shape):
    assert color_mode(np.full(shape, 100, np.uint8)) == "gray"
    assert color_mode(np.full(shape, 100, np.uint8) * np.array([1, 2, 0], np.uint8)) == "color"


# ------------------------------------------------------------------------------------------------ blur, lines


@pytest.mark.parametrize("sigma", [1.5, 2, 3])
def test_the_blur_of_sharp_edges(sigma):
    assert blur_sigma(blurred(scene(), sigma), 0) == pytest.approx(sigma, abs=0.3)


def test_sharp_edges_have_no_blur_and_noise_hides_it():
    assert blur_sigma(scene(), 0) < 0.5
    assert blur_sigma(scene(), 40) is None
    assert blur_sigma(np.zeros((200, 200, 1), np.uint8), 0) is None


def test_the_share_of_a_scratch():
    scratched = blurred(scene(), 3)
    assert scratch_share(scratched) == 0
    scratched[10:180, 100:102] = 250
    assert scratch_share(scratched) == pytest.approx(170 * 2 / 192**2, rel=0.1)


# ------------------------------------------------------------------------------------------------ a file


def test_what_a_jpeg_says_of_itself(tmp_path):
    path = tmp_path / "a.jpg"
    data = as_jpeg(scene()[:100], 60, icc_profile=DISPLAY_P3_LIKE, exif=exif_block(6))
    path.write_bytes(data)
    found = inspect(path)
    assert (found.width, found.height, found.orientation) == (100, 192, 6)
    assert (found.depth, found.channels, found.alpha, found.format) == (8, 3, False, "JPEG")
    assert (found.jpeg_quality, found.jpeg_quality_from) == (60, "file")
    assert found.profile
    assert any("quality 60" in each for each in found.findings)


def test_sixteen_bits_and_alpha(tmp_path):
    pixels = np.clip(32768 + 257 * 10 * np.random.default_rng(0).standard_normal((96, 96, 1)), 0, 65535)
    alpha = np.full((96, 96), 30000, np.uint16)
    image_io.write(tmp_path / "a.png", Photo(pixels.astype(np.uint16), alpha))
    found = inspect(tmp_path / "a.png")
    assert (found.depth, found.channels, found.alpha, found.orientation, found.profile) == (16, 1, True, None, None)
    assert found.noise_sigma == pytest.approx(10, rel=0.05)
    assert (found.jpeg_quality, found.jpeg_quality_from) == (None, None)


def test_a_photo_in_memory_is_inspected_like_its_file(tmp_path):
    photo = Photo(scene())
    image_io.write(tmp_path / "a.png", photo)
    assert inspect(photo, model="photo") == inspect(str(tmp_path / "a.png"), model="photo")
    assert inspect(photo).model is None
    with pytest.raises(UsageError, match="a mask of 5 x 4 pixels for an image of 192 x 192"):
        inspect(photo, np.zeros((4, 5), bool))


# ------------------------------------------------------------------------------------------------ the verb


@pytest.fixture
def folder(tmp_path):
    """A noisy scene, a digit with a mask, and a file that is no picture."""
    root = tmp_path / "the pictures"
    image_io.write(root / "a scene.png", Photo(noisy(scene(), 20, (192, 192, 3))))
    digit, hole = np.zeros((28, 28, 1), np.uint8), np.zeros((28, 28, 1), np.uint8)
    digit[4:24, 13:16], hole[12:16] = 255, 255
    image_io.write(root / "sub" / "one.png", Photo(np.where(hole > 0, 0, digit).astype(np.uint8)))
    image_io.write(root / "sub" / "one.mask.png", Photo(hole))
    (root / "bad.png").write_bytes(b"no picture")
    return root


def test_a_folder_is_a_line_of_json_for_each_picture(folder):
    result = run(folder, "--json")
    assert result.exit_code == 1
    rows = {row["input"]: row for row in map(json.loads, result.stdout.splitlines())}
    bad, picture, one = (rows.pop(str(folder / name)) for name in ("bad.png", "a scene.png", "sub/one.png"))
    assert rows == {}
    assert bad["status"] == "failed"
    assert bad["error"] in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (picture["status"], picture["error"], picture["color_mode"]) == ("done", None, "color")
    assert picture["noise_sigma"] == pytest.approx(20, abs=2)
    assert picture["model"] == ("photo" if "photo" in zoo.names() else None)
    assert (picture["command"] is None) == (picture["model"] is None)
    assert one["missing"] == pytest.approx(4 / 28, abs=1e-4)
    assert (one["mask"], one["model"]) == (str(folder / "sub" / "one.mask.png"), "mnist")


def test_the_proposed_command_can_be_run(folder):
    row = json.loads(run(folder / "sub" / "one.png", "--json").stdout)
    program, *arguments = shlex.split(row["command"])
    assert program == "agerestore"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert image_io.read(folder / "sub" / "one.restored.png").pixels.shape == (28, 28, 1)
    assert len(run(folder / "sub", "--json").stdout.splitlines()) == 1  # what was restored is not looked at again


def test_a_block_for_people(folder):
    result = run(folder / "a scene.png")
    assert result.exit_code == 0, result.output
    assert f"{folder / 'a scene.png'}: PNG, 192 x 192 pixels" in result.stdout
    assert "color mode color" in result.stdout
    assert "noise of sigma" in result.stdout


def test_a_restored_jpeg_is_proposed_without_loss(tmp_path):
    path = tmp_path / "-a.jpg"
    path.write_bytes(as_jpeg(scene(), 20))
    found = inspect(path, model="photo")
    proposed = shlex.split(command(Path("-a.jpg"), found))
    assert proposed == ["agerestore", "restore", "./-a.jpg", "./-a.jpg.restored.png", "-m", "photo"]


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["bad.png"], 3, "bad.png: "),
        (["nowhere.png"], 3, "nowhere.png: "),
        (["nowhere.png", "a scene.png"], 1, "nowhere.png: "),
        (["empty"], 3, "empty: holds no picture"),
        (["empty", "a scene.png"], 1, "empty: holds no picture"),
        ([], 2, "IN"),
    ],
)
def test_bad_input_is_one_line_and_a_documented_exit_code(names, code, words, folder):
    (folder / "empty").mkdir()
    result = run(*(folder / name for name in names))
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_mask_of_another_size_is_named(folder):
    image_io.write(folder / "a scene.mask.png", Photo(np.zeros((8, 9, 1), np.uint8)))
    result = run(folder / "a scene.png")
    assert result.exit_code == 1
    assert "a mask of 9 x 8 pixels" in result.stderr


@pytest.mark.parametrize(("ends", "is_one"), [((0, 255), True), ((1, 255), False), ((0, 254), False)])
def test_a_drawing_is_nearly_all_pure_black_and_white(ends, is_one):
    page = np.full((50, 50, 1), ends[1], np.uint8)
    page[::8] = ends[0]
    page[1::8, :40] = 128  # gray edges
    assert is_document(page) == is_one
    assert is_document(page.astype(np.uint16) * 257) == is_one
    assert not is_document(np.full((9, 9, 3), 255, np.uint8))
    assert not is_document(scene())


def test_what_is_unknown_is_not_measured(tmp_path):
    picture, mask = tmp_path / "a.png", tmp_path / "a.mask.png"
    hole = np.zeros((192, 192), bool)
    hole[::16, 3:] = True  # black lines on what has no noise and no line of its own
    pixels = blurred(scene(), 1.0)
    clean = scratch_share(pixels)
    image_io.write(mask, Photo(hole[..., None] * np.uint8(255)))
    pixels[hole] = 0
    image_io.write(picture, Photo(pixels))
    assert scratch_share(pixels) > clean + 0.02
    found = inspect(picture, hole)
    assert found.scratch_share <= clean + 0.002
    assert found.noise_sigma == pytest.approx(noise_sigma(blurred(scene(), 1.0)), abs=0.5)
    assert found.missing == pytest.approx(hole.mean())
    assert noise_sigma(pixels, np.ones((192, 192), bool)) is None


def test_for_blur_alone_there_is_no_command_and_for_what_is_too_small_no_verdict(tmp_path):
    image_io.write(tmp_path / "soft.png", Photo(blurred(scene(), 3)))
    soft = inspect(tmp_path / "soft.png", model="photo")
    assert [finding.split(" by ")[0] for finding in soft.findings] == ["blurred"]
    assert command(tmp_path / "soft.png", soft) is None
    image_io.write(tmp_path / "small.png", Photo(scene(1, 24)))
    told = CliRunner().invoke(app, ["inspect", str(tmp_path)]).stdout
    assert "no shipped model removes it" in told
    assert "nothing; too small or too noisy to measure noise" in told
