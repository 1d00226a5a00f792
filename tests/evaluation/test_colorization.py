"""Colorization measured next to simpler methods, in closed form where there is one."""

import math

import pytest
import torch

from agerestore.config.networks import ColorizerConfig
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluation.colorization import (
    HUES,
    _rotated,
    _with_hues,
    benchmark_colorization,
    train_color_transformation_network,
)
from agerestore.images.color import rgb_to_lab
from agerestore.models.registry import build


def colored(count, seed=0):
    """Pictures (N, 3, 64, 64) of one color each, on a gray ground."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.full((count, 3, 64, 64), 128, dtype=torch.uint8)
    images[:, :, 16:48, 16:48] = torch.randint(0, 256, (count, 3, 1, 1), generator=generator).to(torch.uint8)
    return ImageSet(images)


@pytest.fixture(scope="module")
def rows():
    gray = build(ColorizerConfig(width=4, latent_dim=4)).eval()  # untrained, it draws no color
    found = benchmark_colorization(gray, colored(12), colored(40, 1), regression=gray, samples=2)
    return {row.method.split(",")[0] if "hues" not in row.method else "hues": row for row in found}


def test_a_model_without_colors_is_as_good_as_gray(rows):
    for name in ("regression", "agerestore"):
        assert rows[name].best == pytest.approx(rows["gray"].best)
        assert rows[name].mean == pytest.approx(rows["gray"].mean)
        assert rows[name].frechet == pytest.approx(rows["gray"].frechet, abs=1e-3)
    assert rows["gray"].colorfulness == pytest.approx(0, abs=1e-3)
    assert rows["gray"].gap == pytest.approx(1, abs=1e-3)
    assert rows["agerestore"].spread == 0


def test_pictures_themselves_have_no_error(rows):
    images = rows["ground truth"]
    assert images.best == 100
    assert images.gap == 0
    assert images.spread > 0
    assert images.frechet == pytest.approx(0, abs=1e-6)
    assert rows["gray"].frechet > 0


def test_gray_scores_by_what_color_there_is(rows):
    lab = rgb_to_lab(colored(12).images.float() / 255)
    expected = (10 * torch.log10(255**2 / lab[:, 1:].square().mean(dim=(1, 2, 3)))).clamp(max=100)
    assert rows["gray"].best == pytest.approx(float(expected.mean()), abs=1e-3)
    least, middle, most = rows["gray"].best_by_saturation
    assert least > middle > most


def test_one_of_several_hues_is_better_than_none(rows):
    assert rows["hues"].samples == HUES
    assert rows["hues"].best_by_saturation[2] > rows["gray"].best_by_saturation[2]


def test_hues_lie_on_a_circle_and_hues_turn():
    shifts = _with_hues(lambda light: torch.zeros(len(light), 1, 2, 2, 2), 10.0, torch.zeros(1, 1, 2, 2))
    assert shifts.shape == (1, HUES, 2, 2, 2)
    torch.testing.assert_close(shifts.square().sum(dim=2).sqrt(), torch.full((1, HUES, 2, 2), 10.0))
    a = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(_rotated(a, 1 / 3).flatten(), torch.tensor([-0.5, math.sqrt(3) / 2]))


def test_the_classifier_is_the_same_for_the_same_seed():
    lab = rgb_to_lab(colored(20).images.float() / 255)
    first, second = (train_color_transformation_network(lab, torch.Generator().manual_seed(3)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_too_few_pictures_are_refused():
    model = build(ColorizerConfig(width=4, latent_dim=4)).eval()
    with pytest.raises(UsageError, match="too few"):
        benchmark_colorization(model, colored(2), colored(8))
