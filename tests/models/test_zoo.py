import json
import shutil
from pathlib import Path

import pytest
import torch
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.batch import masks
from agerestore.config.options import RestoreSettings
from agerestore.config.training import train_config
from agerestore.errors import WeightsError
from agerestore.evaluation.baselines import classical
from agerestore.images import io
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.restorer import restore_observation
from agerestore.inference.selection import select_model
from agerestore.metrics.autoencoder import moment_statistics, reconstruction_psnr
from agerestore.metrics.image import psnr, quantize
from agerestore.metrics.uncertainty import uncertainty_metrics
from agerestore.models import zoo
from agerestore.models.latent import sample_latents
from agerestore.models.weights import sha256

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the shipped weights that a test may damage."""
    folder = tmp_path / "pretrained"
    shutil.copytree(zoo.folder(), folder)
    monkeypatch.setattr(zoo, "folder", lambda: folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("name", zoo.names())
def test_a_shipped_model_is_whole_described_and_small(name):
    zoo.verify(name)
    info = zoo.info(name)
    assert info["data_license"] != "not stated"
    assert info["purpose"]
    assert info["bytes"] < 8e6
    card = (zoo.folder() / f"{name}.md").read_text()
    assert all(word in card for word in ("Trained on", "Terms", "fails"))


@pytest.mark.parametrize("name", ["photo", "cars-color", "photo-color"])
def test_a_run_of_the_preset_can_begin_with_the_shipped_weights(name):
    calibrated = {"estimate_saturation"}  # after training
    shipped, trained = (config.model_dump(exclude=calibrated) for config in (
        zoo.load(name).networks.config, train_config(name).network
    ))  # fmt: skip
    assert shipped == trained


def test_all_shipped_files_are_listed_and_stay_under_the_limit():
    files = sorted(path.stem for path in zoo.folder().glob("*.safetensors"))
    assert files == sorted([*zoo.names(), "backbone"])
    assert sum(path.stat().st_size for path in zoo.folder().iterdir() if path.is_file()) < 52e6


def test_a_tampered_file_is_refused(copy):
    path = copy / "mnist.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # one bit of one weight
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="not the file that was shipped"):
        zoo.load("mnist")
    for command in (("models", "verify"), ("restore", str(ROOT / "examples" / "damaged"), str(copy / "out"))):
        result = run(*command)
        assert result.exit_code == 4
        assert "SHA-256 differs" in result.stderr
    assert not (copy / "out").exists()


def test_a_missing_file_and_a_missing_index_are_named(copy):
    (copy / "mnist.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"mnist\.safetensors: missing; reinstall"):
        zoo.load("mnist")
    (copy / "index.json").unlink()
    with pytest.raises(WeightsError, match=r"index\.json: unreadable"):
        zoo.names()


def test_the_index_is_brought_up_to_date_and_keeps_what_people_wrote(copy):
    shutil.copy(copy / "mnist.safetensors", copy / "another.safetensors")
    zoo.write_index(copy)
    rows = json.loads((copy / "index.json").read_text())
    assert rows["another"]["sha256"] == rows["mnist"]["sha256"] == sha256(copy / "mnist.safetensors")
    assert rows["mnist"]["purpose"]


# ------------------------------------------------------------------------------------------------ mnist


@pytest.mark.slow
def test_codes_of_generated_digits_cover_the_sphere_evenly():
    """The balance the paper asks for, over 10,000 prior codes: |m_j| <= 0.1/sqrt(M), v_j within 15 % of 1/M."""
    networks = zoo.load("mnist").networks
    measured = moment_statistics(
        networks, sample_latents(10_000, networks.config.latent_dim, torch.Generator().manual_seed(1))
    )
    assert measured["mean_max"] <= 0.1
    assert measured["variance_min"] >= 0.85
    assert measured["variance_max"] <= 1.15


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """What the README's first command answers: a row for each picture, with its restored one's folder."""
    folder = tmp_path_factory.mktemp("restored")
    answer = run("restore", str(ROOT / "examples" / "damaged"), str(folder), "--json", "-q")
    assert answer.exit_code == 0, answer.output
    return folder, [json.loads(line) for line in answer.stdout.splitlines()]


def gained(row, folder, clean):
    """Decibels of one picture, before and after."""
    name = Path(row["input"]).name
    truth, before, after = (
        io.read(place / name).to_tensor()
        for place in (ROOT / "examples" / clean, ROOT / "examples" / "damaged", folder)
    )
    return psnr(before, truth).item(), psnr(after, truth).item()


def test_drawn_digits_are_restored(restored):
    folder, rows = restored
    digits = [row for row in rows if "digit" in row["input"]]
    assert len(digits) >= 6
    assert {row["model"] for row in digits} == {"mnist"}  # by -m auto
    assert sum(row["mask"] is not None for row in digits) >= 2
    for row in digits:  # every one of them comes nearer to the digit that was drawn
        before, after = gained(row, folder, "clean")
        assert after > before + 3, row["input"]


def test_bf16_costs_digits_next_to_nothing():
    model, names = zoo.load("mnist"), [f"digit-{number}.png" for number in (0, 1, 4, 5, 8)]
    damaged, clean = (
        torch.cat([io.read(ROOT / "examples" / folder / name).to_tensor() for name in names])
        for folder in ("damaged", "clean")
    )
    exact, fast = (
        restore_observation(model, Observation(damaged), RestoreSettings(precision=precision)).image
        for precision in ("fp32", "bf16")
    )
    assert 255 * (exact - fast).square().mean().sqrt() < 1.5
    torch.testing.assert_close(psnr(quantize(fast), clean), psnr(quantize(exact), clean), rtol=0, atol=0.15)


# ------------------------------------------------------------------------------------------------ small pictures

# Those that -m auto does not ask; and what they gain at least, in decibels, where what they drew is damaged: under
# noise of 50, and in a hole, over the mean color; and the least variance of a number of e(g(Z)), in units of 1/M.
GENERAL = {"celeba": (8, 7, 0.8), "cifar10": (7, 1.5, 0.72), "svhn": (8, 2, 0.7), "tinyimagenet": (7, 1.5, 0.7)}


def drawn_by(networks, count):
    """Samples (N, C, S, S) of a model, as a file would hold them."""
    return quantize(
        networks.generate(sample_latents(count, networks.config.latent_dim, torch.Generator().manual_seed(0)))
    )


@pytest.mark.parametrize("name", GENERAL)
def test_what_a_model_draws_comes_back_from_noise_and_from_behind_a_hole(name):
    model = zoo.load(name)
    clean = drawn_by(model.networks, 64)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    noisy = quantize((clean + 50 / 255 * noise).clamp(0, 1))
    restored = quantize(restore_observation(model, Observation(noisy)).image)
    under_noise, in_a_hole, _ = GENERAL[name]
    assert psnr(restored, clean).mean() > psnr(noisy, clean).mean() + under_noise
    side = clean.shape[3]
    hole = torch.zeros_like(clean[:, :1])
    hole[:, :, side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = 1
    filled = restore_observation(model, Observation(clean * (1 - hole), hole)).image
    gray = torch.where(hole > 0, clean.mean(dim=(2, 3), keepdim=True), clean)
    assert torch.equal(filled * (1 - hole), clean * (1 - hole))
    assert psnr(quantize(filled), clean, hole).mean() > psnr(gray, clean, hole).mean() + in_a_hole


@pytest.mark.parametrize("name", GENERAL)
def test_codes_of_samples_cover_the_sphere(name):
    networks = zoo.load(name).networks
    measured = moment_statistics(
        networks, sample_latents(2000, networks.config.latent_dim, torch.Generator().manual_seed(1))
    )
    assert measured["mean_max"] <= 0.2
    assert measured["variance_min"] >= GENERAL[name][2]
    assert measured["variance_max"] <= 1.15


def test_models_that_are_used_by_name_are_all_tested_and_never_chosen():
    chosen = {name for verb in ("restore", "colorize", "detect") for name in zoo.automatic(verb)}
    assert set(zoo.names()) - chosen == {"cifar10", "svhn", "tinyimagenet"} <= set(GENERAL)


def test_only_what_is_left_of_a_face_is_given_to_the_model_of_faces():
    """Faces that it draws, and parts of the shipped photographs, with the same hole."""
    models = zoo.load_automatic()
    faces = (drawn_by(models["celeba"].networks, 10) * 255).round().to(torch.uint8)
    photographs = [io.read(path).to_tensor() for path in sorted((ROOT / "examples" / "photographs").glob("*.png"))]
    parts = [part for image in photographs for part in (image[..., :64, :64], image[..., -64:, -64:])]
    hole = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    hole[..., 20:44, 20:44] = True
    of_faces = [select_model(models, Raster(each, 255.0, hole)).name for each in faces.split(1)]
    of_parts = [select_model(models, Raster(each, mask=hole)).name for each in parts]
    assert of_faces.count("celeba") >= 8
    assert of_parts.count("celeba") <= 1  # a coffee cup, by a little
    assert {select_model(models, Raster(each, 255.0)).name for each in faces.split(1)} == {"photo"}


# ------------------------------------------------------------------------------------------------ photo

# Decibels that each shipped photograph gains at least.
GAINS = {"chelsea": 11, "coffee": 20, "retina": 24, "astronaut": 23, "rocket": 0.5}


@pytest.mark.parametrize("name", GAINS)
def test_photographs_are_restored(restored, name):
    folder, rows = restored
    row = next(row for row in rows if name in row["input"])
    assert row["model"] == "photo"
    before, after = gained(row, folder, "photographs")
    assert after > before + GAINS[name]


def test_photo_beats_classical_methods_on_the_shipped_photographs():
    model = zoo.load("photo")

    def shipped(name):
        damaged_file, clean_file = (
            ROOT / "examples" / folder / f"photo-{name}.png" for folder in ("damaged", "photographs")
        )
        damaged, clean = (io.read(path).to_tensor() for path in (damaged_file, clean_file))
        mask = ROOT / "examples" / "damaged" / f"photo-{name}.mask.png"
        unknown = masks.read_mask_file(mask, io.read(damaged_file)).missing if mask.exists() else None
        return Observation(damaged, None if unknown is None else torch.from_numpy(unknown)[None, None].float()), clean

    for name, method, margin in (
        ("chelsea", classical.non_local_means, 2), ("coffee", classical.median, 2),
        ("astronaut", classical.navier_stokes, 0.5), ("retina", classical.navier_stokes, 0.5),
    ):  # fmt: skip
        observation, clean = shipped(name)
        settings = classical.BASELINES["non-local-means"].settings if name == "chelsea" else ({},)
        theirs = classical.tune(method, settings, observation, clean).psnr
        assert psnr(restore_observation(model, observation).image, clean).item() > theirs + margin, name


@pytest.mark.parametrize("name", ["photograph", "flat", "gradient"])
def test_tiles_of_a_photograph_show_no_seam(name):
    model = zoo.load("photo")
    image = {
        "photograph": io.read(ROOT / "examples" / "damaged" / "photo-chelsea.png").to_tensor(),
        "flat": torch.full((1, 3, 257, 319), 0.4),
        "gradient": torch.linspace(0, 1, 319).expand(1, 3, 257, 319),
    }[name]
    for precision, most, mean in (("fp32", 1, 0.01), ("bf16", 3, 0.15)):  # gray levels
        whole, tiled = (
            restore_observation(model, Observation(image), RestoreSettings(tile=tile, precision=precision)).image
            for tile in (1024, 128)
        )
        apart = 255 * (whole - tiled).abs()
        assert apart.max() <= most
        assert apart.mean() <= mean


def test_a_clean_photograph_comes_back_over_40_db():
    clean = io.read(ROOT / "examples" / "photographs" / "photo-chelsea.png").to_tensor()
    answer = restore_observation(zoo.load("photo"), Observation(clean)).image
    assert psnr(quantize(answer), clean).item() > 40


def test_the_expected_error_is_larger_where_the_error_is():
    photographs = [io.read(path).to_tensor()[0].expand(3, -1, -1)
                   for path in sorted((ROOT / "examples" / "photographs").glob("*.png"))]  # fmt: skip

    def noisy(image):
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
        return Observation(image + 25 / 255 * noise)

    figures = uncertainty_metrics(zoo.load("photo").networks, photographs, noisy)
    assert figures["blocks"] > 0.5


@pytest.mark.skipif(not DATA.is_dir(), reason="needs MNIST in ../shared/data, which users do not have")
def test_digits_of_the_test_set_are_reconstructed():
    import gzip

    data = gzip.decompress((DATA / "mnist_t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    digits = torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(-1, 1, 28, 28)[:1000].float() / 255
    truth = torch.nn.functional.pad(digits, (2, 2, 2, 2))
    assert reconstruction_psnr(zoo.load("mnist").networks, truth) >= 20
