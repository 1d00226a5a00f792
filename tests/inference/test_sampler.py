"""Samples and walks: what they are in closed form, and that those of the shipped model are smooth."""

import itertools
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.config.networks import AutoencoderConfig, PhotoConfig
from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.inference import sampler
from agerestore.models import weights, zoo
from agerestore.models.latent import interpolate_codes
from agerestore.models.registry import build

CLEAN = Path(__file__).parents[2] / "examples" / "clean"


@pytest.fixture(scope="module")
def mnist():
    return zoo.load("mnist")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_way_between_two_codes_bends_on_the_sphere_and_nowhere_else():
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    half, straight = math.sqrt(0.5), torch.tensor([[0.5, 0.5]])
    torch.testing.assert_close(interpolate_codes(AutoencoderConfig(latent_dim=2), a, b, 0.5), torch.full((1, 2), half))
    torch.testing.assert_close(
        interpolate_codes(AutoencoderConfig(latent_dim=2, prior="gaussian"), a, b, 0.5), straight
    )
    with_class = AutoencoderConfig(latent_dim=2, classes=1)
    ends = torch.cat([torch.zeros(1, 1), a], 1), torch.cat([torch.ones(1, 1), b], 1)
    torch.testing.assert_close(interpolate_codes(with_class, *ends, 0.5), torch.tensor([[0.5, half, half]]))


def digit(number):
    return io.read(CLEAN / f"digit-{number}.png").to_tensor()


def unevenness(walk):
    """The largest step between neighbors over the median one."""
    steps = (walk[1:] - walk[:-1]).square().mean(dim=(1, 2, 3)).sqrt()
    return float(steps.max() / steps.median())


def test_walks_between_digits_are_smooth_and_end_at_their_reconstructions(mnist):
    pairs = [(digit(a), digit(b)) for a, b in itertools.combinations(range(10), 2)]
    walks = [sampler.interpolate(mnist, *pair, 9) for pair in pairs]
    assert statistics.median(map(unevenness, walks)) <= 2
    even = [sampler.interpolate(mnist, *pair, 9, even=True) for pair in pairs]
    assert max(map(unevenness, even)) <= 2
    for pair, *both in zip(pairs, walks, even, strict=True):
        ends = sampler.interpolate(mnist, *pair, 2)
        for walk in both:
            assert walk.shape == (9, 1, 32, 32)
            torch.testing.assert_close(walk[[0, -1]], ends, atol=1e-3, rtol=0)


def test_even_places_are_those_of_a_known_way():
    places = torch.linspace(0, 1, 101)
    pictures = places.square()[:, None, None, None]  # changes as the square: half of it is done at sqrt(1/2)
    found = sampler._even_places(places, pictures, 3)
    torch.testing.assert_close(found, torch.tensor([0.0, math.sqrt(0.5), 1.0]), atol=1e-3, rtol=0)


def test_samples_differ_and_depend_on_the_seed_alone(mnist):
    one, again = (sampler.sample(mnist, 20, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(one, again)
    assert one.shape == (20, 1, 32, 32)
    assert torch.pdist(one.flatten(1)).min() > 1


def test_the_verbs_write_sheets_and_replace_none(tmp_path):
    out = tmp_path / "samples.png"
    result = run("sample", out, "-n", 20)
    assert result.exit_code == 0, result.output
    assert io.read(out).pixels.shape[:2] == (3 * 34 * 2, 8 * 34 * 2)  # three rows, two-pixel gaps, twofold
    assert run("sample", out).exit_code == 2
    refused = run("sample", tmp_path / "samples.gif")
    assert (refused.exit_code, "samples.gif: '.gif'" in refused.stderr) == (2, True)
    assert run("sample", out, "-n", 3, "--overwrite").exit_code == 0
    walk = tmp_path / "walk.png"
    result = run("interpolate", CLEAN / "digit-3.png", CLEAN / "digit-8.png", walk, "--steps", 5)
    assert result.exit_code == 0, result.output
    assert io.read(walk).pixels.shape[:2] == (34 * 2, 5 * 34 * 2)
    nowhere = run("interpolate", CLEAN / "digit-3.png", tmp_path / "none.png", tmp_path / "new.png")
    assert (nowhere.exit_code, "none.png: cannot be read" in nowhere.stderr) == (3, True)


def test_a_folder_gets_the_samples_of_the_sheet_each_in_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(sampler, "BATCH", 2)
    assert run("sample", tmp_path / "sheet.png", "-n", 3).exit_code == 0
    result = run("sample", tmp_path / "new" / "samples", "-n", 3)
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "new" / "samples").iterdir())
    assert [path.name for path in files] == ["00000.png", "00001.png", "00002.png"]
    sheet = io.read(tmp_path / "sheet.png").pixels[::2, ::2]
    for number, path in enumerate(files):
        assert np.array_equal(io.read(path).pixels, sheet[:32, 34 * number : 34 * number + 32])
    again = run("sample", tmp_path / "new" / "samples", "-n", 3)
    assert (again.exit_code, "not an empty folder" in again.stderr) == (2, True)
    refused = run("sample", tmp_path / "other", "-n", 3, "--overwrite")
    assert (refused.exit_code, "does not support --overwrite" in refused.stderr) == (2, True)
    assert run("sample", tmp_path / "other", "-m", "photo").exit_code == 2  # which generates nothing from a code
    assert not (tmp_path / "other").exists()
    (tmp_path / "v1.0").mkdir()
    assert run("sample", tmp_path / "v1.0", "-n", 1).exit_code == 0
    assert [path.name for path in (tmp_path / "v1.0").iterdir()] == ["00000.png"]
    (tmp_path / "file").write_text("in the way")
    refused = run("sample", tmp_path / "file" / "samples", "-n", 3)
    assert (refused.exit_code, "file/samples: cannot be written" in refused.stderr) == (1, True)


def test_the_verbs_compute_in_the_precision_they_are_told(tmp_path):
    ends = CLEAN / "digit-3.png", CLEAN / "digit-8.png"
    for verb, given, count in (("sample", (), "-n"), ("interpolate", ends, "--steps")):
        sheets = []
        for precision in ("auto", "fp32", "bf16"):
            out = tmp_path / f"{verb}-{precision}.png"
            assert run(verb, *given, out, count, 3, "--precision", precision).exit_code == 0
            sheets.append(io.read(out).pixels.astype(int))
        assert (sheets[0] == sheets[1]).all()
        assert 0 < abs(sheets[2] - sheets[1]).mean() < 2
        assert run(verb, *given, tmp_path / "other.png", "--precision", "fp8").exit_code == 2


def test_a_walk_replaces_neither_of_its_ends(tmp_path):
    end = tmp_path / "digit.png"
    end.write_bytes(before := (CLEAN / "digit-3.png").read_bytes())
    result = run("interpolate", CLEAN / "digit-8.png", end, end, "--overwrite")
    assert result.exit_code == 2
    assert "is one of the two images" in result.stderr
    assert end.read_bytes() == before


def test_networks_that_need_a_picture_draw_none_without(tmp_path):
    model = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=4))
    weights.save_weights(tmp_path / "photo.safetensors", model, {})
    with pytest.raises(UsageError, match="is not for"):
        sampler.sample(zoo.load(tmp_path / "photo.safetensors"), 2, torch.Generator())


def test_a_walk_from_what_the_model_does_not_know_says_so(tmp_path):
    foreign = CLEAN.parent / "photographs" / "photo-coffee.png"
    result = run("interpolate", CLEAN / "digit-3.png", foreign, tmp_path / "walk.png")
    assert result.exit_code == 0, result.output
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [str(foreign)]
