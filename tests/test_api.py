"""The public functions: what comes back, how they agree with the command, and what they refuse."""

import inspect
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.main import get_command

import agerestore
from agerestore.errors import AgeRestoreError, OutOfDomainWarning, RestoreWarning, UsageError
from agerestore.images import io
from agerestore.images.photo import Photo

EXAMPLES = Path(__file__).parents[1] / "examples"
DIGIT, HOLE = EXAMPLES / "damaged" / "digit-2.png", EXAMPLES / "damaged" / "digit-2.mask.png"
NOISY, CAR = EXAMPLES / "damaged" / "photo-chelsea.png", EXAMPLES / "car.jpg"

# What only one of the two has: the command writes files and says things, a function answers.
COMMAND_ONLY = {
    "restore": {"inputs", "out", "resize_mask", "colorize", "max_pixels", "compare", "save_mask"},
    "colorize": {"paths", "max_pixels", "compare"},
    "sample": {"out", "overwrite"},
    "interpolate": {"out", "overwrite"},
    "train": set(),
    "evaluate": set(),
}
EVERYWHERE = {
    "device", "threads", "quiet", "verbose", "as_json", "report", "dry_run", "help", "suffix", "ext", "quality",
    "in_place", "backup", "overwrite", "fail_fast", "workers", "cluster", "shared_disk", "part",
}  # fmt: skip
PYTHON_ONLY = {
    "restore": {"image", "details", "progress", "degradation"},
    "colorize": {"image", "details", "progress"},
    "sample": set(),
    "interpolate": set(),
    "restore_files": {"progress"},
    "train": {"progress", "stop", "device", "threads"},
    "evaluate": {"report", "notify", "device", "workers"},
}
# A value that the command spells otherwise.
SPELLED = {("restore", "tile"): (None, "auto"), ("colorize", "hints"): ((), None), ("evaluate", "workers"): (0, "0")}


def options(verb):
    """The parameters of a verb of the command, with their defaults."""
    from agerestore_cli.app import app

    command = get_command(app).commands[verb]
    return {parameter.name: parameter.default for parameter in command.params}


def keywords(function):
    return {name: each.default for name, each in inspect.signature(function).parameters.items()}


@pytest.mark.parametrize("verb", ["restore", "colorize", "sample", "interpolate", "train", "evaluate"])
def test_a_function_has_the_options_of_its_command_with_the_same_defaults(verb):
    offered, given = options(verb), keywords(getattr(agerestore, verb))
    assert given.keys() - PYTHON_ONLY[verb] == offered.keys() - COMMAND_ONLY[verb] - EVERYWHERE
    for name in given.keys() & offered.keys():
        if given[name] is inspect.Parameter.empty:  # what the function must be given
            continue
        spelled = SPELLED.get((verb, name), (given[name], offered[name]))
        assert spelled == (given[name], offered[name])
        if (verb, name) not in SPELLED:
            assert given[name] == offered[name] or not (given[name] or offered[name]), name  # () and None are nothing


def test_restoring_files_has_all_options_of_the_command():
    offered, given = options("restore"), keywords(agerestore.restore_files)
    assert given.keys() - PYTHON_ONLY["restore_files"] == offered.keys() - {
        "threads", "quiet", "verbose", "as_json", "report", "help"}  # fmt: skip
    for name in given.keys() & offered.keys() - {"inputs", "out", "tile", "workers"}:
        assert given[name] == offered[name], name
    assert str(given["workers"]) == offered["workers"]  # a number or a word


def test_the_type_that_comes_in_comes_back():
    model, digit = agerestore.load("mnist", device="cpu"), io.read(DIGIT)
    array = digit.pixels[..., 0]
    restored = agerestore.restore(array, HOLE, model=model)
    assert (restored.dtype, restored.shape) == (np.uint8, array.shape)
    for image in (Image.fromarray(array), torch.from_numpy(array), digit, str(DIGIT), DIGIT):
        answer = agerestore.restore(image, HOLE, model=model)
        assert type(answer) is (np.ndarray if isinstance(image, str | Path) else type(image))
        pixels = answer.pixels[..., 0] if isinstance(answer, Photo) else np.asarray(answer)
        assert np.array_equal(pixels, restored)
    known = io.read(HOLE).pixels[..., 0] == 0
    assert np.array_equal(restored[known], array[known])
    progress: list[tuple[int, int]] = []
    agerestore.restore(array, HOLE, model=model, progress=lambda *numbers: progress.append(numbers))
    assert progress == [(0, 1), (1, 1)]


def test_details_answer_with_everything():
    photo = io.read(EXAMPLES / "damaged" / "photo-astronaut.png").pixels[100:180, 100:180]
    mask = np.zeros((80, 80), bool)
    mask[30:50, 30:50] = True
    progress = []
    result = agerestore.restore(
        photo, mask, samples=2, uncertainty=True, details=True, progress=lambda *numbers: progress.append(numbers)
    )
    assert isinstance(result, agerestore.Result)
    assert result.model == "photo"
    assert (result.score, result.remarks) == (0.0, [])
    assert len(result.samples) == 2
    assert result.std.shape == (80, 80)
    assert result.std[mask].mean() > result.std[~mask].mean()
    assert all(np.array_equal(each[~mask], photo[~mask]) for each in (result.image, *result.samples))
    assert progress[-1] == (1, 1)
    again = agerestore.restore(photo, mask, samples=2, seed=1, details=True)
    assert np.array_equal(again.image, result.image)
    assert not np.array_equal(again.samples[0], result.samples[0])
    with pytest.raises(UsageError, match="`details=True`"):
        agerestore.restore(photo, samples=2)


def test_the_automatic_model_suits_the_image_and_its_choice_is_said():
    with pytest.warns(RestoreWarning, match="taken for one of its kind by 'mnist'"):
        agerestore.restore(io.read(EXAMPLES / "clean" / "digit-3.png").pixels)
    assert agerestore.restore(NOISY, details=True).model == "photo"


def test_a_foreign_image_is_restored_with_a_warning():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    with pytest.warns(OutOfDomainWarning, match="out of the domain of 'mnist'"):
        agerestore.restore(noise, model="mnist")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: agerestore.restore(np.zeros((32, 32)), model="mnist", sigma=10), "does not support `sigma`"),
        (lambda: agerestore.restore(NOISY, model="photo", latent_steps=5), "does not support `latent_steps`"),
        (lambda: agerestore.restore(NOISY, model="cars-color"), "is not for `restore"),
        (lambda: agerestore.colorize(CAR, model="photo"), "is not for `colorize"),
        (lambda: agerestore.sample(model="photo"), "is not for `sample"),
        (lambda: agerestore.restore(io.read(NOISY).pixels.astype(np.float32)), r"must be in \[0, 1\]"),
        (lambda: agerestore.colorize(io.read(CAR).pixels.astype(np.float64)), r"must be in \[0, 1\]"),
        (lambda: agerestore.restore(NOISY, np.zeros((3, 4))), "the mask is 4x3, the image 319x257"),
        (lambda: agerestore.restore(NOISY, strength=2), "`strength` 2 is not within"),
        (lambda: agerestore.restore(None), "an image must be"),
        (lambda: agerestore.load("photo", device="nosuch"), "nosuch"),
        (lambda: agerestore.degrade(NOISY, "nosuch"), "nosuch"),
    ],
    ids=range(12),
)
def test_what_makes_no_sense_is_an_error_that_names_the_keyword(call, words):
    with pytest.raises(UsageError, match=words) as error:
        call()
    assert "--" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_gray_image_is_colorized_in_its_own_type():
    gray = io.read(CAR).pixels[..., 0]
    first, second = agerestore.colorize(gray, samples=2, seed=3)
    assert (first.shape, first.dtype) == ((*gray.shape, 3), np.uint8)
    assert not np.array_equal(first, second)
    (again,) = agerestore.colorize(Image.fromarray(gray), seed=3)
    assert np.array_equal(np.asarray(again), first)
    progress = []
    options = {"seed": 3, "details": True, "progress": lambda *each: progress.append(each)}
    result = agerestore.colorize(str(CAR), samples=2, **options)
    assert np.array_equal(result.samples[0], first)
    assert result.image is result.samples[0]
    assert (result.model, progress) == ("cars-color", [(0, 2), (1, 2), (2, 2)])
    assert result.score <= 1
    with pytest.raises(AgeRestoreError, match=r"has colors already; use `colorize\(force=True\)`"):
        agerestore.colorize(NOISY)
    (by_reference,) = agerestore.colorize(gray, reference=EXAMPLES / "photographs" / "photo-coffee.png")
    assert not np.array_equal(by_reference, first)


def test_files_are_restored_once_and_as_the_command_does(tmp_path):
    from agerestore_cli.app import app
    from typer.testing import CliRunner

    (tmp_path / "in").mkdir()
    for name in ("digit-2.png", "digit-2.mask.png", "digit-0.png"):
        shutil.copy(EXAMPLES / "damaged" / name, tmp_path / "in")
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    progress = []
    summary = agerestore.restore_files(
        tmp_path / "in", tmp_path / "out", latent_steps=3, progress=lambda *numbers: progress.append(numbers)
    )
    assert (summary.total, summary.done, summary.failed) == (3, 2, 1)
    assert "bad.png" in summary.failures[0].error
    assert progress == [(1, 3), (2, 3), (3, 3)]
    again = agerestore.restore_files([tmp_path / "in" / "digit-0.png"], tmp_path / "single.png", latent_steps=3)
    assert again.done == 1
    assert (tmp_path / "single.png").read_bytes() == (tmp_path / "out" / "digit-0.png").read_bytes()
    # The command goes on with what the function has begun: they share manifest and cache key.
    result = CliRunner().invoke(app, ["restore", str(tmp_path / "in"), str(tmp_path / "out"), "--latent-steps", "3"])
    assert "0 of 3 files written, 2 skipped" in result.stderr
    with pytest.raises(UsageError, match="`in_place` and `backup`"):
        agerestore.restore_files(tmp_path / "in", tmp_path / "in", in_place=True)


class Canceled(Exception):
    """Raised by a progress callback that cancels."""


def test_what_progress_raises_cancels_an_image_and_a_batch(tmp_path):
    def cancel(done, total):
        raise Canceled

    for image, model in ((NOISY, "photo"), (DIGIT, "mnist")):
        with pytest.raises(Canceled):
            agerestore.restore(image, model=model, progress=cancel)
    with pytest.raises(Canceled):
        agerestore.colorize(CAR, progress=cancel)
    with pytest.raises(Canceled):
        agerestore.restore_files(EXAMPLES / "damaged", tmp_path / "out", model="mnist", progress=cancel)
    assert 1 <= len(list((tmp_path / "out").glob("*.png"))) <= 3


def test_images_are_inspected_and_degraded():
    report = agerestore.inspect(NOISY)
    assert report.model == "photo"
    assert report.noise_sigma > 20
    pixels = io.read(EXAMPLES / "photographs" / "photo-chelsea.png").pixels
    degraded = agerestore.degrade(pixels, "noise:sigma=25", seed=3)
    assert np.array_equal(agerestore.degrade(pixels, "noise:sigma=25", seed=3), degraded)
    assert agerestore.inspect(degraded).noise_sigma == pytest.approx(25, abs=2)
    floats = agerestore.degrade(pixels.astype(np.float32) / 255, "noise:sigma=25", seed=3)
    assert floats.max() > 1  # noise is not clipped
    torn, mask = agerestore.degrade(pixels, "holes:count=2:size=30", details=True)
    assert mask.dtype == bool
    assert (torn[mask] == 0).all()
    assert np.array_equal(torn[~mask], pixels[~mask])
    assert agerestore.degrade(pixels, "noise", details=True)[1] is None
    assert agerestore.inspect(torn, mask).missing == pytest.approx(mask.mean())


def test_images_are_sampled_and_interpolated():
    images = agerestore.sample(5, model="mnist", seed=1)
    assert (images.shape, images.dtype) == ((5, 32, 32, 1), np.uint8)
    assert np.array_equal(agerestore.sample(5, model="mnist", seed=1), images)
    between = agerestore.interpolate(images[0], images[1], steps=4)
    assert between.shape == (4, 32, 32, 1)
    assert np.abs(between[0].astype(int) - images[0]).mean() < np.abs(between[0].astype(int) - images[1]).mean()


def test_a_model_says_what_it_is_and_can():
    model = agerestore.load("photo", device="cpu")
    assert (model.name, model.task) == ("photo", "restoration")
    assert model.license
    assert {"sigma", "tile", "samples"} <= model.supports
    image = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    assert model(image).shape == image.shape


def test_the_package_shows_its_names_without_loading_anything_heavy():
    assert set(agerestore.__all__) <= set(dir(agerestore))


def test_one_mask_is_for_all_images_of_a_batch():
    images = torch.from_numpy(np.random.default_rng(0).random((2, 3, 40, 48), np.float32))
    hole = torch.zeros(40, 48, dtype=torch.bool)
    hole[10:20, 10:20] = True
    together = agerestore.restore(images, hole, model="photo")
    for image, restored in zip(images, together, strict=True):
        assert torch.allclose(restored, agerestore.restore(image, hole, model="photo"), atol=1e-4)
    with pytest.raises(UsageError, match="there are 2 masks and 3 images"):
        agerestore.restore(torch.zeros(3, 1, 40, 48), hole.expand(2, 1, -1, -1), model="photo")
