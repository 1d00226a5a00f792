"""Colors that a person gives at points of an image."""

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from typer.testing import CliRunner

import agerestore
from agerestore.config.hints import MOST_HINTS, Hint, read_hints
from agerestore.config.networks import PhotoColorizerConfig
from agerestore.config.options import ColorizeSettings
from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.images.color import rgb_to_lab
from agerestore.images.photo import Photo
from agerestore.inference.color_hints import hint_planes
from agerestore.models.base import Model
from agerestore.models.registry import build
from agerestore.models.weights import save_weights

BLUE, RED = "#2040c0", "#c04030"


@pytest.fixture(scope="module")
def model():
    networks = build(PhotoColorizerConfig(widths=(4, 6, 8, 8, 8), latent_dim=4, prior_components=2)).eval()
    return Model(networks.requires_grad_(False), {"kind": "color", "domain": {}})


def chroma_of(color):
    rgb = torch.tensor([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]).view(1, 3, 1, 1)
    return rgb_to_lab(rgb)[0, 1:, 0, 0]


def test_a_hint_lies_in_the_cell_of_its_pixel_and_several_in_one_have_their_mean():
    found = hint_planes([Hint(0, 0, BLUE), Hint(99, 49, RED), Hint(98, 49, RED)], (50, 100), (5, 10)).planes[0]
    assert found[0].nonzero().tolist() == [[0, 0], [4, 9]]
    torch.testing.assert_close(found[1:, 0, 0], chroma_of(BLUE))
    torch.testing.assert_close(found[1:, 4, 9], chroma_of(RED))
    mixed = hint_planes([Hint(0, 0, BLUE), Hint(1, 1, RED)], (50, 100), (5, 10)).planes[0]
    torch.testing.assert_close(mixed[1:, 0, 0], (chroma_of(BLUE) + chroma_of(RED)) / 2)


def test_the_colors_at_hints_are_theirs_and_far_away_they_stay():
    hints = hint_planes([Hint(10, 10, BLUE), Hint(30, 20, RED)], (40, 60), (40, 60))
    drawn, light = torch.randn(2, 40, 60), torch.full((40, 60), 50.0)
    bound = hints.bind(drawn, light)
    torch.testing.assert_close(bound[:, 10, 10], chroma_of(BLUE), atol=0.05, rtol=0)
    torch.testing.assert_close(bound[:, 20, 30], chroma_of(RED), atol=0.05, rtol=0)
    torch.testing.assert_close(bound[:, :, 45:], drawn[:, :, 45:], atol=0.01, rtol=0)


def test_a_hint_does_not_cross_an_edge_of_lightness():
    light = torch.full((20, 20), 20.0)
    light[:, 10:] = 90
    bound = hint_planes([Hint(9, 10, BLUE)], (20, 20), (20, 20)).bind(torch.zeros(2, 20, 20), light)
    assert float(bound[:, 10, 8].norm()) > 20
    assert float(bound[:, :, 10:].abs().max()) < 0.1


def test_a_hint_holds_at_its_point_under_every_code(model):
    pixels = np.full((64, 96, 1), 120, np.uint8)
    for colored in agerestore.colorize(pixels, model=model, hints=[(40, 30, BLUE)], samples=3):
        lab = rgb_to_lab(torch.from_numpy(colored[30, 40] / 255).view(1, 3, 1, 1).float())[0, 1:, 0, 0]
        wanted = chroma_of(BLUE)  # some of it is beyond sRGB at this lightness: the hue stays
        cosine = torch.nn.functional.cosine_similarity(lab, wanted, dim=0)
        assert float(cosine) > 0.995
        assert float(lab.norm()) > 0.6 * float(wanted.norm())


def test_without_saturation_a_hint_still_holds(model):
    pixels = np.full((64, 64, 1), 120, np.uint8)
    (colored,) = agerestore.colorize(pixels, model=model, hints=[(32, 32, RED)], saturation=0.0)
    assert np.ptp(colored[32, 32].astype(int)) > 40
    assert np.ptp(colored[2, 2].astype(int)) <= 1


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ([(96, 0, BLUE)], "lies outside the image of 96x64"),
        ([(0, 64, BLUE)], "lies outside the image of 96x64"),
        ([(0, 0, BLUE)] * (MOST_HINTS + 1), "more than 1000"),
        ([(1.5, 0, BLUE)], "must be a whole number"),
        ([(0, 0, "#12345")], "is no color"),
        ("0,0,#123456", "is not of the form"),
    ],
)
def test_hints_that_make_no_sense_are_refused(model, hints, words):
    with pytest.raises(UsageError, match=words):
        agerestore.colorize(np.full((64, 96), 120, np.uint8), model=model, hints=hints)


def test_hints_are_part_of_what_was_done_before():
    assert read_hints([(1, 2, "#A0522D")]) == (Hint(1, 2, "#a0522d"),)
    from agerestore.batch.cache_key import cache_key

    keys = {
        cache_key("colorize", ColorizeSettings(hints=read_hints(each))) for each in ([], [(1, 2, BLUE)], [(1, 2, RED)])
    }
    assert len(keys) == 3


def test_the_command_takes_hints_of_the_image_as_it_is_shown(model, tmp_path):
    weights = tmp_path / "colors.safetensors"
    save_weights(weights, model.networks, model.header)
    io.write(tmp_path / "in.png", Photo(np.full((64, 96, 1), 120, np.uint8)))
    arguments = ["colorize", str(tmp_path / "in.png"), str(tmp_path / "out.png"), "-m", str(weights)]
    result = CliRunner().invoke(app, [*arguments, "--hint", f"90,5,{BLUE}", "--hint", f"5,60,{RED}"])
    assert result.exit_code == 0, result.output
    pixels = io.read(tmp_path / "out.png").pixels.astype(int)
    assert pixels[5, 90, 2] > pixels[5, 90, 0] + 40
    assert pixels[60, 5, 0] > pixels[60, 5, 2] + 40
    outside = CliRunner().invoke(app, [*arguments, "--overwrite", "--hint", f"96,5,{BLUE}"])
    assert outside.exit_code != 0
    assert "lies outside" in outside.stderr
