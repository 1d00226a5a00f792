"""Colors that a person gives at points of an image."""

import math

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
from agerestore.inference import color_hints
from agerestore.inference.color_hints import NARROW_PLACE, NARROW_SHARE, PLACE_REACH, HintPoints
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


def points(*hints):
    """Hints (row, column, color) of a grid."""
    rows, columns, colors = zip(*hints, strict=True)
    return HintPoints(torch.tensor(rows), torch.tensor(columns), torch.stack([chroma_of(color) for color in colors]))


class Similar:
    """Networks to which all places of an image are alike, or what ``features`` (1, C, h, w) says."""

    def __init__(self, features=None):
        self.features = features

    def similarity_features(self, lightness):
        height, width = (side // 2 for side in lightness.shape[2:])
        return torch.zeros(1, 1, height, width) if self.features is None else self.features


def test_a_hint_lies_in_the_cell_of_its_pixel_and_several_in_one_have_their_mean():
    found = color_hints.locate([Hint(0, 0, BLUE), Hint(99, 49, RED), Hint(98, 49, RED)], (50, 100), (5, 10))
    assert list(zip(found.rows.tolist(), found.columns.tolist(), strict=True)) == [(0, 0), (4, 9)]
    torch.testing.assert_close(found.chroma, torch.stack([chroma_of(BLUE), chroma_of(RED)]))
    mixed = color_hints.locate([Hint(0, 0, BLUE), Hint(1, 1, RED)], (50, 100), (5, 10))
    torch.testing.assert_close(mixed.chroma[0], (chroma_of(BLUE) + chroma_of(RED)) / 2)


def test_points_of_one_grid_are_found_on_another():
    planes = torch.arange(20.0).view(1, 1, 4, 5).repeat(2, 1, 1, 1)
    found = points((0, 0, BLUE), (7, 9, RED)).of(planes, (8, 10))
    assert found[:, :, 0].tolist() == [[0.0, 19.0]] * 2


def test_one_hint_is_carried_by_the_kernel_in_closed_form():
    """What is missing at the hint, times the kernel over its value at the hint; all places alike but for distance."""
    light, planes = torch.full((1, 1, 40, 60), 50.0), torch.zeros(1, 2, 20, 30)
    carried = color_hints.carry(Similar(), light, points((10, 10, BLUE)), planes)[0]
    share = NARROW_SHARE
    for row, column in [(10, 10), (10, 11), (3, 25)]:
        distance = ((row - 10) ** 2 + (column - 10) ** 2) ** 0.5
        wide = math.exp(-((distance / (PLACE_REACH * 20)) ** 2) / 2)
        narrow = math.exp(-((distance / NARROW_PLACE) ** 2) / 2)
        expected = chroma_of(BLUE) * wide * (1 + share * narrow) / (1 + share)
        torch.testing.assert_close(carried[:, row, column], expected, atol=0.02, rtol=0)


def test_the_colors_at_hints_are_theirs():
    light, planes = torch.full((1, 1, 40, 60), 50.0), torch.randn(3, 2, 20, 30)
    given = points((10, 10, BLUE), (10, 12, RED), (2, 25, BLUE))
    for each in color_hints.carry(Similar(), light, given, planes):
        torch.testing.assert_close(each[:, given.rows, given.columns].mT, given.chroma, atol=0.1, rtol=0)


def test_a_hint_reaches_what_is_similar_and_not_what_is_not():
    features = torch.zeros(1, 1, 20, 20)
    features[..., 10:] = 12
    light = torch.full((1, 1, 40, 40), 50.0)
    carried = color_hints.carry(Similar(features), light, points((10, 8, BLUE)), torch.zeros(1, 2, 20, 20))[0]
    assert float(carried[:, 5, 6].norm()) > 20
    assert float(carried[:, :, 13:].norm(dim=0).max()) < 0.5


def test_hints_choose_the_codes(monkeypatch):
    """Of two codes, one red and one blue all over, a blue hint leaves the blue one; gray is the mean of both."""
    colors = torch.stack([chroma_of(BLUE), chroma_of(RED)])

    class Networks:
        input_multiple = 2

        def generate(self, lightness, code):
            height, width = (side // 2 for side in lightness.shape[2:])
            return colors[code[:, 0].long()][:, :, None, None].expand(-1, -1, height, width)

    monkeypatch.setattr(color_hints.color_codes, "candidates", lambda *_: torch.tensor([[0.0], [1.0]]))
    light = torch.full((1, 1, 40, 60), 50.0)
    (blue,) = color_hints.likely_planes(Networks(), light, points((3, 4, BLUE)), 1, 0)
    torch.testing.assert_close(blue[:, 0, 0], colors[0], atol=0.01, rtol=0)
    between = points((3, 4, BLUE))._replace(chroma=colors.mean(dim=0, keepdim=True))
    first, *others = color_hints.likely_planes(Networks(), light, between, 3, 0)
    assert len(others) == 2
    torch.testing.assert_close(first[:, 0, 0], colors.mean(dim=0), atol=0.01, rtol=0)
    assert {round(float(each[0, 0, 0])) for each in others} == {round(float(each)) for each in colors[:, 0]}


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
    (plain,) = agerestore.colorize(pixels, model=model, saturation=0.0)
    assert np.ptp(plain.astype(int), axis=2).max() <= 1


def test_as_many_versions_as_are_asked_for(model):
    light, count = torch.full((1, 1, 64, 64), 50.0), color_hints.CODES + 6
    planes = color_hints.likely_planes(model.networks, light, points((3, 4, BLUE)), count, 0)
    assert planes.shape == (count, 2, 32, 32)


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
