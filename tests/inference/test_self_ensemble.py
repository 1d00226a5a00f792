"""The mean over the positions of a picture."""

import pytest
import torch

from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError
from agerestore.inference import self_ensemble
from agerestore.models.layers.estimator import NO_MARGIN, Margin


def picture(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("position", self_ensemble.DIHEDRAL)
def test_every_position_is_undone(position):
    x = picture(2, 3, 5, 7)
    assert torch.equal(self_ensemble.undo_d4(self_ensemble.apply_d4(x, *position), *position), x)


def test_the_positions_are_all_eight():
    x = picture(1, 1, 4, 4)
    assert (
        len({tuple(self_ensemble.apply_d4(x, *position).flatten().tolist()) for position in self_ensemble.DIHEDRAL})
        == 8
    )


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_what_does_not_depend_on_the_position_stays(count):
    x, mask = picture(1, 3, 5, 7), picture(1, 1, 5, 7).round()
    mean, deviation = self_ensemble.mean_estimate(
        lambda image, mask, margin: (image * (1 - mask), image), x, mask, NO_MARGIN, count, multiple=4
    )
    torch.testing.assert_close(mean, x * (1 - mask))
    torch.testing.assert_close(deviation, x)


@pytest.mark.parametrize(("count", "expected"), [(1, (0, 1)), (2, (0.5, 0.5)), (4, (0.5, 0.5)), (8, (0.5, 0.5))])
def test_a_ramp_that_every_answer_has_averages_out(count, expected):
    ramp = torch.linspace(0, 1, 8).expand(1, 3, 8, 8)
    mean, _ = self_ensemble.mean_estimate(
        lambda image, mask, margin: (image + ramp, image), torch.zeros(1, 3, 8, 8), None, NO_MARGIN, count
    )
    assert (float(mean[0, 0, 3, 0]), float(mean[0, 0, 3, -1])) == pytest.approx(expected)


def test_sides_are_continued_so_that_a_coarse_grid_fits_in_every_position():
    seen = []

    def estimate(image, mask, margin):
        seen.append(image.shape[2:])
        return image, image

    self_ensemble.mean_estimate(estimate, picture(1, 3, 5, 7), None, NO_MARGIN, 8, multiple=4)
    assert set(seen) == {(8, 8)}


def test_a_margin_is_cut_off_in_every_position():
    x, margin = picture(1, 3, 9, 8), Margin(2, 1, 3, 0)
    once, _ = self_ensemble.mean_estimate(lambda x, mask, margin: (margin.cut(x), margin.cut(x)), x, None, margin, 1)
    mean, _ = self_ensemble.mean_estimate(lambda x, mask, margin: (margin.cut(x), margin.cut(x)), x, None, margin, 8)
    torch.testing.assert_close(mean, x[:, :, 2:6, 1:])
    torch.testing.assert_close(once, mean)


def test_other_numbers_of_positions_are_refused():
    with pytest.raises(UsageError, match="`ensemble` 3"):
        RestoreSettings(ensemble=3)
