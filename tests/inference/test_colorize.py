"""The verb that colors: on arrays, on people's pictures, and as a command."""

import json
import shutil

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from PIL import Image
from tiny_runs import fit
from typer.testing import CliRunner

from agerestore.analysis.color_mode import color_mode
from agerestore.api.colorization import colorize
from agerestore.config.networks import AutoencoderConfig, ColorizerConfig, PhotoConfig
from agerestore.config.options import ColorizeSettings
from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.errors import AgeRestoreError, OutOfDomainError, OutOfDomainWarning, UsageError
from agerestore.images import grid, io
from agerestore.images.color import lightness, rgb_to_lab
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo
from agerestore.inference import chroma_upsampling, colorizer, ood_features
from agerestore.models import weights as checkpoint
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.models.registry import build

LEVEL = 100 / 255  # of lightness


def colorized(model, image, *options, **others):
    """Colorize with one model."""
    return colorizer.colorize({model.name: model}, image, *options, **others)


def tiny(**header):
    """Networks with something in every weight, those that start at zero included."""
    networks = build(ColorizerConfig(width=4, latent_dim=4)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in networks.parameters():
        if not parameter.any():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return Model(networks, {"kind": "color", "domain": {}, **header})


@pytest.fixture(scope="module")
def colors():
    return tiny()


@pytest.fixture(scope="module")
def knows_ramps():
    """The same, knowing pictures that grow darker downwards and no others."""
    model, generator = tiny(), torch.Generator().manual_seed(0)
    known = torch.from_numpy(chroma_upsampling.lightness(ramp()))[None, None]
    known = known + torch.randn(40, 1, 64, 64, generator=generator)
    return tiny(domain=ood_features.calibrate(model.networks, [known]))


def ramp(height=64, width=64):
    """Darker downwards."""
    return np.linspace(220, 30, height).round().astype(np.uint8)[:, None, None].repeat(width, 1)


def gray(height, width, dtype=np.uint8, seed=0):
    peak = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, peak + 1, (height, width, 1)).astype(dtype)


def paints(height=64, width=64):
    """Smooth and colorful."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    return (np.stack([x, 1 - y, (x + y) % 1], axis=2) * 200 + 20).astype(np.uint8)


def light_of(pixels):
    peak = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    rgb = torch.from_numpy(np.broadcast_to(pixels[..., :3] / peak, (*pixels.shape[:2], 3)).copy())
    return lightness(rgb.permute(2, 0, 1)[None])[0, 0].numpy()


# ------------------------------------------------------------------------------------------------ pictures in memory


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (64, 64), (131, 70)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_size_and_depth_keeps_its_lightness(colors, size, dtype):
    pixels = gray(*size, np.uint16 if dtype != np.uint8 else dtype)
    pixels = (pixels / 65535).astype(dtype) if dtype == np.float32 else pixels
    (colored,) = colorize(pixels, model=colors)
    assert (colored.shape, colored.dtype) == ((*size, 3), dtype)
    assert np.abs(light_of(colored) - light_of(pixels)).max() <= LEVEL
    assert np.ptp(colored, axis=2).max() > 0


def test_samples_differ_and_the_same_seed_repeats_them_whatever_their_number(colors):
    pixels = gray(30, 40)
    four, again, two = (colorize(pixels, model=colors, samples=count) for count in (4, 4, 2))
    assert all(np.array_equal(*pair) for pair in [*zip(four, again, strict=True), *zip(four[:2], two, strict=True)])
    assert all((a != b).any() for number, a in enumerate(four) for b in four[:number])
    assert (colorize(pixels, model=colors, seed=1)[0] != four[0]).any()


def test_a_reference_gives_the_code_that_the_encoder_finds_in_it(colors):
    pixels, reference = gray(64, 64), paints()
    code = colors.networks.encode(rgb_to_lab(torch.from_numpy(reference / np.float32(255)).permute(2, 0, 1)[None]))
    light = torch.from_numpy(chroma_upsampling.lightness(pixels))[None, None]
    expected = chroma_upsampling.color_pixels(pixels, colors.networks.generate(light, code)[0].numpy())
    (colored,) = colorize(pixels, model=colors, reference=reference)
    assert np.abs(colored.astype(int) - expected).max() <= 1
    assert (colored != colorize(pixels, model=colors, reference=paints()[:, ::-1].copy())[0]).any()


def test_saturation_scales_the_colors_and_without_any_the_picture_is_as_it_was(colors):
    pixels = (gray(30, 40) // 8 + 112).astype(np.float32) / 255  # mid-gray, where every chroma can be displayed
    none, half, whole = (colorize(pixels, model=colors, saturation=saturation)[0] for saturation in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(none, pixels.repeat(3, 2), atol=1e-5)
    planes = [rgb_to_lab(torch.from_numpy(each).permute(2, 0, 1)[None])[:, 1:].numpy() for each in (half, whole)]
    np.testing.assert_allclose(2 * planes[0], planes[1], atol=0.05)
    eight = gray(30, 40)
    assert np.array_equal(colorize(eight, model=colors, saturation=0.0)[0], eight.repeat(3, 2))


def test_each_form_of_picture_is_answered_in_kind_with_colors(colors):
    plane = gray(20, 30)[..., 0]
    (array,) = colorize(plane, model=colors)
    assert array.shape == (20, 30, 3)
    with_alpha = np.dstack([plane, plane[::-1]])
    (four,) = colorize(with_alpha, model=colors)
    assert np.array_equal(four[..., 3], with_alpha[..., 1])
    assert np.array_equal(four[..., :3], array)
    for mode, expected in (("L", "RGB"), ("LA", "RGBA"), ("RGB", "RGB"), ("I;16", "RGB")):
        (image,) = colorize(Image.fromarray(plane if mode != "I;16" else plane.astype(np.uint16) * 257)
                            .convert(mode), model=colors)  # fmt: skip
        assert (image.mode, image.size) == (expected, (30, 20))
        assert np.abs(np.asarray(image)[..., :3].astype(int) - array).max() <= 1
    batch = torch.from_numpy(np.stack([plane, plane[::-1]]))[:, None] / 255
    first, second = colorize(batch, model=colors, samples=2)
    assert first.shape == second.shape == (2, 3, 20, 30)
    np.testing.assert_allclose(first[0].permute(1, 2, 0) * 255, array, atol=0.51)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 0}, "`samples` 0 is below 1"),
        ({"saturation": 2.5}, "`saturation` 2.5 is not within"),
        ({"hints": [(1, 2)]}, "is not of the form"),
        ({"hints": [(1, 2, "red")]}, "is no color"),
        ({"hints": [(-1, 2, "#ff0000")]}, "is below 0"),
        ({"hints": [(1, 2, "#ff0000")]}, "does not support `hints`"),
        ({"reference": np.zeros((4, 4), np.uint8)}, "no colors to take"),
        ({"reference": np.zeros((4, 4, 3), np.uint8), "samples": 2}, "gives one colorization"),
    ],
)
def test_what_makes_no_sense_is_refused(colors, options, words):
    with pytest.raises(UsageError, match=words):
        colorize(ramp(), model=colors, **options)


def test_a_model_that_restores_colors_nothing():
    model = Model(build(AutoencoderConfig(width=2, latent_dim=4)).eval(), {"domain": {}})
    with pytest.raises(UsageError, match="is not for"):
        colorize(ramp(), model=model)


# ------------------------------------------------------------------------------------------------ people's pictures


def test_a_picture_keeps_its_alpha_depth_and_metadata(colors):
    photo = Photo(gray(20, 30, np.uint16), gray(20, 30, np.uint16, 1)[..., 0], Metadata(dpi=(300.0, 300.0)))
    made = colorized(colors, photo, ColorizeSettings(samples=2))
    assert len(made.samples) == 2
    for colored in made.samples:
        assert (colored.pixels.shape, colored.pixels.dtype) == ((20, 30, 3), np.uint16)
        assert np.array_equal(colored.alpha, photo.alpha)
        assert colored.metadata == photo.metadata
    assert (made.score, made.remarks) == (0.0, [])


def test_colors_are_refused_and_taken_for_their_lightness_by_force(colors):
    photo = Photo(paints())
    with pytest.raises(AgeRestoreError, match="has colors already"):
        colorized(colors, photo)
    (colored,) = colorized(colors, photo, ColorizeSettings(force=True)).samples
    assert np.abs(light_of(colored.pixels) - light_of(photo.pixels)).max() <= LEVEL
    assert np.array_equal(colored.pixels, colorize(photo.pixels, model=colors, force=True)[0])


def test_a_toned_picture_is_taken_for_gray_if_asked(colors):
    ramp = np.linspace(20, 235, 64)[:, None, None].repeat(64, 1)
    toned = Photo((ramp + np.array([20, 0, -25]) * (1 - (ramp / 127.5 - 1) ** 2)).clip(0, 255).astype(np.uint8))
    assert color_mode(toned.pixels) == "sepia"
    with pytest.raises(AgeRestoreError, match=r"`colorize\(sepia=True\)` to take it for gray"):
        colorized(colors, toned)
    assert len(colorized(colors, toned, ColorizeSettings(sepia=True)).samples) == 1
    with pytest.raises(UsageError, match="no colors to take"):
        colorized(colors, Photo(ramp.astype(np.uint8)), reference=toned)


def test_what_is_out_of_the_domain_is_refused_and_colored_by_force(knows_ramps):
    foreign = Photo(ramp(90, 70)[::-1].copy())
    assert colorized(knows_ramps, Photo(ramp(90, 70))).score <= 1
    with pytest.raises(OutOfDomainError, match="x its limit"):
        colorized(knows_ramps, foreign)
    made = colorized(knows_ramps, foreign, ColorizeSettings(force=True))
    assert made.score > 1
    assert "out of the model's domain" in made.remarks[0]
    with pytest.warns(OutOfDomainWarning, match="x its limit"):
        colorize(foreign.pixels, model=knows_ramps, force=True)


# ------------------------------------------------------------------------------------------------ the domain


def test_the_score_of_gaussian_features_in_closed_form():
    """Of two round clouds apart along the first axis, the limit is the quantile of a normal distribution there."""
    generator = torch.Generator().manual_seed(0)
    apart, units = torch.tensor([5.0, 0, 0, 0]), torch.tensor([1e-3, 1.0, 50.0, 1.0])
    inside, outside = (torch.randn(count, 4, generator=generator) for count in (20_000, 40_000))
    statistics = json.loads(json.dumps(ood_features.fit([(inside + 7) * units], [(outside + apart + 7) * units])))
    quantile = 1.8808  # of 0.97
    points = torch.tensor([[0.0, 0, 0, 0], [quantile, 0, 0, 0], [2 * quantile, 3, -3, 3], [-9, 0, 0, 0]])
    scores = ood_features.score(statistics, (points + 7) * units)
    torch.testing.assert_close(scores, torch.tensor([0.0, 1.0, 2.0, 0.0]), atol=0.1, rtol=0)
    refused = (ood_features.score(statistics, (torch.randn(20_000, 4) + 7) * units) > 1).float().mean()
    assert refused == pytest.approx(0.03, abs=0.005)


def test_sets_weigh_alike():
    """Of ten thousand pictures at 0 and a hundred at 2, the middle is at 1."""
    generator = torch.Generator().manual_seed(0)
    many, few = torch.randn(10_000, 1, generator=generator), torch.randn(100, 1, generator=generator) + 2
    found = ood_features.fit([many, few], [many + 9, few + 9, few + 9])
    scores = ood_features.score(found, torch.tensor([[1.0], [9.0], [11.0]]))
    assert float(scores[0]) == pytest.approx(0, abs=0.15)
    assert float(scores[2] / scores[1]) == pytest.approx(10 / 8, abs=0.03)


def test_the_limit_is_that_of_pictures_that_were_not_seen():
    """Forty features of forty pictures that differ in nothing from the foreign ones: a direction is found by chance."""
    generator = torch.Generator().manual_seed(0)
    inside, outside = (torch.randn(40, 40, generator=generator) for _ in range(2))
    statistics = ood_features.fit([inside], [outside])
    assert (ood_features.score(statistics, inside) > 1).sum() == 0
    fresh = torch.randn(2000, 40, generator=generator)
    assert (ood_features.score(statistics, fresh) > 1).float().mean() < 0.1


def test_a_handful_of_pictures_tells_nothing():
    features = torch.randn(ood_features.FEWEST, 5, generator=torch.Generator().manual_seed(0))
    assert ood_features.fit([features[1:]], [features[1:] + 1]) == {}
    assert ood_features.fit([features], [features + 1]) != {}


def test_pictures_made_foreign():
    picture = torch.arange(64.0).view(1, 1, 8, 8)
    quarter, upside_down, interchanged, enlarged = (each[0] for each in ood_features.synthetic_outliers(picture))
    assert quarter[0, 0].tolist() == picture[0, 0, :, 7].tolist()
    assert torch.equal(upside_down.flip(1), picture[0])
    assert interchanged[0, :4, :4].tolist() == picture[0, 0, 4:, 4:].tolist()
    assert float(enlarged.mean()) == pytest.approx(float(picture[0, 0, 1:5, 1:5].mean()))


def test_a_run_finds_its_domain_and_a_finished_one_finds_it_anew(tmp_path):
    random = np.random.default_rng(0)

    def known():
        """A ramp of any contrast and brightness, with noise."""
        pixels = 125 + (ramp(80, 80) - 125.0) * random.uniform(0.6, 1) + random.uniform(-20, 20)
        return (pixels + random.normal(0, 2, pixels.shape)).round().astype(np.uint8)

    images = ImageSet(torch.from_numpy(np.stack([known().repeat(3, 2) for _ in range(100)])).permute(0, 3, 1, 2))
    settings = ("steps=1", "batch_size=8", "network.width=4", "augment=false", "precision=fp32", "validation=0.4")
    config = train_config("color-regression", settings)
    first, again = (
        checkpoint.load_weights(fit(config, images, tmp_path / "run", resume=resume)) for resume in (False, True)
    )
    assert first.header["domain"] == again.header["domain"]
    force = ColorizeSettings(force=True)
    scores = [colorized(again, Photo(picture), force).score for picture in (known(), known(), known())]
    assert min(scores) <= 1
    assert colorized(again, Photo(known()[::-1].copy()), force).score > max(1, *scores)


@pytest.mark.parametrize("architecture", ["color", "color-resnet"])
def test_features_do_not_depend_on_the_neighbors(architecture):
    networks = build(ColorizerConfig(architecture=architecture, width=4, latent_dim=4)).eval()
    light = 100 * torch.rand(3, 1, 64, 64)
    with torch.no_grad():
        features = networks.features(light)
        torch.testing.assert_close(networks.features(light[1:2]), features[1:2], atol=1e-4, rtol=1e-4)
    assert features.dim() == 2


# ------------------------------------------------------------------------------------------------ the command


def run(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def tree(folder):
    """All files but the manifest of a batch."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")
                  if path.is_file() and not path.name.startswith("."))  # fmt: skip


def saved(path, model):
    checkpoint.save_weights(path, model.networks, model.header)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory, colors):
    return saved(tmp_path_factory.mktemp("weights") / "cars.safetensors", colors)


@pytest.fixture
def folder(tmp_path):
    """A tree of gray pictures of several kinds."""
    root = tmp_path / "in"
    io.write(root / "a.jpg", Photo(gray(30, 40)))
    io.write(root / "sub" / "b.png", Photo(gray(20, 30, np.uint16), gray(20, 30, np.uint16, 1)[..., 0]))
    io.write(root / "sub" / "c.tif", Photo(gray(20, 30).repeat(3, 2)))
    return root


def test_a_single_picture_without_out_is_colored_beside_itself(weights, folder):
    result = run("colorize", folder / "a.jpg", "-m", weights, "-n", 3, "--compare")
    assert result.exit_code == 0, result.output
    names = ["a.colorized.compare.png", "a.colorized.jpg", "a.colorized.sample-2.jpg", "a.colorized.sample-3.jpg"]
    assert [name for name in tree(folder) if "colorized" in name] == names
    one, two = (io.read(folder / name).pixels for name in names[1:3])
    assert one.shape == two.shape == (30, 40, 3)
    assert (one != two).any()
    assert io.read(folder / names[0]).pixels.shape == (2 * 30 + 8, 2 * 40 + 8, 3)
    again = run("colorize", folder / "a.jpg", "-m", weights)
    assert (again.exit_code, "exists; pass --overwrite" in again.stderr) == (1, True)
    other = run("colorize", folder / "a.jpg", folder / "x.jpg", "-m", weights, "--compare")
    assert other.exit_code == 0, other.output
    assert (folder / "x.jpg").read_bytes() == (folder / "a.colorized.jpg").read_bytes()
    assert io.read(folder / "x.compare.png").pixels.shape == (30, 40 + 8 + 40, 3)


def test_a_folder_is_mirrored_resumed_and_bad_files_are_named(weights, folder, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    io.write(folder / "red.png", Photo(paints()))
    out, arguments = tmp_path / "out", ("colorize", folder, tmp_path / "out", "-m", weights)
    planned = run(*arguments, "--dry-run")
    assert (planned.exit_code, out.exists()) == (0, False)
    result = run(*arguments, "--report", tmp_path / "r.jsonl")
    assert result.exit_code == 1
    assert tree(out) == ["a.jpg", "sub/b.png", "sub/c.tif"]
    assert f"{folder / 'bad.png'}: " in result.stderr
    assert f"{folder / 'red.png'}: has colors already" in result.stderr
    assert "3 of 5 files written, 2 failed" in result.stderr
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert {row["domain_score"] for row in rows if row["status"] == "done"} == {0.0}
    deep = io.read(out / "sub" / "b.png")
    assert (deep.pixels.dtype, deep.pixels.shape) == (np.uint16, (20, 30, 3))
    assert np.array_equal(deep.alpha, io.read(folder / "sub" / "b.png").alpha)
    assert "0 of 5 files written, 3 skipped (done before), 2 failed" in run(*arguments).stderr
    assert "with other settings" in run(*arguments, "--seed", 1).stderr
    assert run(*arguments, "--force", "--overwrite").stderr.count("failed") == 1  # only that which is no picture


def test_a_folder_without_out_is_colored_in_its_own_place_and_only_once(weights, folder):
    arguments = ("colorize", folder, "-m", weights, "-n", 2)
    assert run(*arguments).exit_code == 0
    assert {"a.colorized.jpg", "sub/b.colorized.sample-2.png"} <= set(tree(folder))
    assert "0 of 3 files written, 3 skipped" in run(*arguments).stderr


def test_a_folder_is_colored_in_place_with_the_originals_kept(weights, folder):
    original = (folder / "a.jpg").read_bytes()
    arguments = ("colorize", folder, "-m", weights, "--in-place", "--backup", "-n", 2)
    assert run(*arguments).exit_code == 0
    assert (folder / "a.jpg.orig").read_bytes() == original
    assert io.read(folder / "a.jpg").pixels.shape == (30, 40, 3)
    assert "0 of 3 files written, 3 skipped" in run(*arguments).stderr


def test_the_first_line_of_the_help_says_what_is_colored():
    text = run("colorize", "--help", env={"COLUMNS": "200", "TERM": "dumb"}).stdout
    assert text.split("Usage:")[1].splitlines()[2].strip().startswith("Color black-and-white photographs")


def test_the_reference_decides_the_colors_and_what_was_done_before(weights, folder, tmp_path):
    reference = folder / "like.png"  # in the folder itself, and no picture to color
    io.write(reference, Photo(paints()))
    arguments = ("colorize", folder, tmp_path / "out", "-m", weights, "--reference", reference)
    assert run(*arguments).exit_code == 0
    first = (tmp_path / "out" / "a.jpg").read_bytes()
    assert "3 skipped" in run(*arguments).stderr
    io.write(reference, Photo(paints()[:, ::-1]), overwrite=True)
    assert "3 failed" in run(*arguments).stderr
    assert run(*arguments, "--overwrite").exit_code == 0
    assert (tmp_path / "out" / "a.jpg").read_bytes() != first
    io.write(reference, Photo(gray(9, 9)), overwrite=True)
    refused = run(*arguments)
    assert (refused.exit_code, "no colors to take" in refused.stderr) == (2, True)


def test_a_picture_goes_from_standard_input_to_standard_output(weights, folder, tmp_path):
    result = run("colorize", "-", "-m", weights, input=(folder / "a.jpg").read_bytes())
    assert result.exit_code == 0, result.output
    (tmp_path / "piped.jpg").write_bytes(result.stdout_bytes)
    assert io.read(tmp_path / "piped.jpg").pixels.shape == (30, 40, 3)


def test_a_foreign_picture_is_refused_in_one_line_and_colored_by_force(knows_ramps, tmp_path):
    weights = saved(tmp_path / "weights.safetensors", knows_ramps)
    io.write(tmp_path / "in.png", Photo(ramp()[::-1].copy()))
    arguments = ("colorize", tmp_path / "in.png", tmp_path / "out.png", "-m", weights)
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "in.png: is unlike anything this model was trained on" in refused.stderr
    assert not (tmp_path / "out.png").exists()
    forced = run(*arguments, "--force", "--json")
    assert forced.exit_code == 0
    assert json.loads(forced.stdout)["domain_score"] > 1
    assert "out of the model's domain" in forced.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere.jpg",), 3, "nowhere.jpg: no such file"),
        (("in", "out", "--saturation", "3"), 2, "is not within 0 to 2"),
        (("in", "out", "--hint", "3,4,red"), 2, "is no color"),
        (("in", "out", "--hint", "3,#ff0000"), 2, "is not of the form"),
        (("in", "out", "--hint", "3,4,#ff0000"), 2, "does not support"),
        (("in", "out", "--reference", "nothing.jpg"), 2, "nothing.jpg: no such reference"),
        (("in", "out", "--reference", "in/a.jpg", "-n", "2"), 2, "--reference gives one color"),
        (("in", "out", "-n", "0"), 2, "-n"),
        (("in", "out", "-m", "photo"), 2, "is not for"),
        (("in", "out", "-m", "unknown"), 4, "no model 'unknown'"),
        (("in/sub/b.png", "b.jpg"), 1, "JPEG cannot hold its transparency"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line_and_a_documented_exit_code(
    weights, folder, tmp_path, monkeypatch, arguments, code, words
):
    monkeypatch.chdir(tmp_path)
    given = () if "-m" in arguments else ("-m", weights)
    result = run("colorize", *arguments, *given)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["CMYK", "animated", "empty"])
def test_other_kinds_of_files_are_colored_or_refused_in_one_line(weights, tmp_path, kind):
    path, plane = tmp_path / "in.tif", gray(20, 30)[..., 0]
    if kind == "CMYK":
        Image.merge("CMYK", [Image.new("L", (30, 20))] * 3 + [Image.fromarray(plane)]).save(path)
    elif kind == "animated":
        frames = [Image.fromarray(plane), Image.fromarray(plane[::-1])]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    else:
        path.write_bytes(b"")
    result = run("colorize", path, tmp_path / "out.png", "-m", weights)
    assert result.exit_code == (0 if kind == "CMYK" else 3), result.output
    assert (tmp_path / "out.png").exists() == (kind == "CMYK")
    assert kind == "CMYK" or f"{path}: " in result.stderr


# ------------------------------------------------------------------------------------------------ beside restoring


@pytest.fixture
def shipped(tmp_path, monkeypatch, colors):
    """Shipped models: the digits', one for photographs that changes nothing, and one that colors."""
    pretrained = tmp_path / "pretrained"
    pretrained.mkdir()
    shutil.copy(zoo.folder() / "mnist.safetensors", pretrained)
    rows = {name: row for name, row in zoo.index().items() if name in ("mnist", "photo", "cars-color")}
    (pretrained / "index.json").write_text(json.dumps(rows))
    networks = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=0))
    checkpoint.save_weights(pretrained / "photo.safetensors", networks, {"domain": {}, "kind": "photo"})
    checkpoint.save_weights(pretrained / "cars-color.safetensors", colors.networks, {**colors.header, "terms": "none"})
    zoo.write_index(pretrained)
    monkeypatch.setattr(zoo, "folder", lambda: pretrained)


def test_models_that_color_are_listed_and_restore_nothing(shipped, tmp_path):
    assert zoo.names() == ["cars-color", "mnist", "photo"]
    assert zoo.automatic() == ["mnist", "photo"] == sorted(zoo.load_automatic())
    assert "cars-color" in run("models", "list").stdout
    io.write(tmp_path / "in.png", Photo(gray(40, 50)))
    refused = run("restore", tmp_path / "in.png", tmp_path / "out.png", "-m", "cars-color")
    assert refused.exit_code == 2
    assert "is not for" in refused.stderr


def test_restoring_may_end_in_colors(shipped, tmp_path):
    picture, colored = tmp_path / "in.png", tmp_path / "out.png"
    io.write(picture, Photo(gray(40, 50)))
    without = run("restore", picture, colored, "--colorize")
    assert (without.exit_code, "or pass --mask none" in without.stderr) == (4, True)  # no detector is shipped here
    result = run("restore", picture, colored, "--colorize", "--strength", 0, "--compare", "--mask", "none", "--always")
    assert result.exit_code == 0, result.output
    alone = run("colorize", picture, tmp_path / "alone.png")
    assert alone.exit_code == 0, alone.output
    assert np.array_equal(io.read(colored).pixels, io.read(tmp_path / "alone.png").pixels)
    assert io.read(tmp_path / "out.compare.png").pixels.shape == (40, 50 + 8 + 50, 3)
    io.write(picture, Photo(paints()), overwrite=True)
    refused = run("restore", picture, tmp_path / "red.png", "--colorize", "--mask", "none")
    assert (refused.exit_code, "has colors already" in refused.stderr) == (1, True)
    both = run("restore", picture, tmp_path / "red.png", "--colorize", "--samples", 2, "--mask", "none")
    assert (both.exit_code, "do not go together" in both.stderr) == (2, True)


def test_a_sheet_of_photographs_is_about_a_square():
    photos = [Photo(np.full((1000, 2000, 1 if number else 3), 10 * number, np.uint8)) for number in range(5)]
    pixels = grid.photo_grid(photos).pixels
    assert pixels.shape == (2 * 320 + 8, 3 * 640 + 2 * 8, 3)
    assert (pixels[400, [300, 900, 1600]] == [[30] * 3, [40] * 3, [255] * 3]).all()


def test_a_domain_is_found_anew_beside_foreign_pictures(weights, tmp_path):
    """Cars are ramps that grow darker downwards, all else such that grow darker upwards."""
    random = np.random.default_rng(0)
    for kind, turn in (("cars", 1), ("rest", -1)):
        (tmp_path / kind).mkdir()
        for number in range(30):
            noisy = (ramp(70, 90)[::turn] * random.uniform(0.6, 1) + random.uniform(0, 30, (70, 90, 1))).astype(
                np.uint8
            )
            io.write(tmp_path / kind / f"{number}.png", Photo(noisy))
    asked = ("models", "calibrate", weights, tmp_path / "new.safetensors", "--data", tmp_path / "cars",
             "--negatives", tmp_path / "rest")  # fmt: skip
    result = run(*asked)
    assert result.exit_code == 0, result.output
    loaded = checkpoint.load_weights(tmp_path / "new.safetensors")
    force = ColorizeSettings(force=True)
    scores = {
        kind: [colorized(loaded, io.read(path), force).score for path in (tmp_path / kind).iterdir()]
        for kind in ("cars", "rest")
    }
    assert sum(score > 1 for score in scores["cars"]) <= 2
    assert sum(score > 1 for score in scores["rest"]) >= 28
    again = run(*asked)
    assert (again.exit_code, "exists; pass --overwrite" in again.stderr) == (2, True)


def test_the_samples_of_a_single_picture_are_no_pictures_of_its_folder(weights, folder):
    assert run("colorize", folder / "a.jpg", "-m", weights, "-n", 3, "--compare").exit_code == 0
    result = run("colorize", folder, "-m", weights)
    assert "2 of 3 files written, 1 failed" in result.stderr  # the one that is colored already
    assert not list(folder.glob("*.colorized.*.colorized.*"))
