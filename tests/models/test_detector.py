"""The detector of defects: probabilities of kinds, and a receptive field of the size it says."""

import pytest
import torch

from agerestore.config.networks import DetectorConfig
from agerestore.models.registry import build


def detector(**settings):
    torch.manual_seed(0)
    return build(DetectorConfig(**settings)).eval().requires_grad_(False)


def test_the_kinds_sum_to_the_probability_of_any_defect():
    networks, image = detector(), torch.rand(2, 3, 45, 70)
    kinds = networks(image)
    assert kinds.shape == (2, 5, 45, 70)
    padded = torch.nn.functional.pad(image, (0, -70 % 16, 0, -45 % 16), mode="replicate")
    any_defect = torch.sigmoid(networks.detector(padded)[:, 0, :45, :70])
    torch.testing.assert_close(kinds.sum(1), any_defect)
    share = kinds / kinds.sum(1, keepdim=True)  # the same for the pixels of a cell of 2x2
    torch.testing.assert_close(share[:, :, ::2, ::2][:, :, :22], share[:, :, 1::2, ::2])


@pytest.mark.parametrize("blocks", [(0, 1, 2, 2), (1, 0, 1), (0, 0)])
def test_a_pixel_depends_on_its_receptive_field_alone_and_on_all_of_it(blocks):
    networks = detector(widths=(3,) * len(blocks), blocks=blocks).double()
    for each in networks.modules():  # positive weights: no path cancels another, and no ReLU is off
        if isinstance(each, torch.nn.Conv2d):
            each.weight.abs_()
    stride, halo = networks.stride, networks.halo
    side = -(-(2 * halo + 3 * stride) // stride) * stride
    center = side // 2 // stride * stride
    reached = set()
    for offset in range(stride):  # the first and the last pixel of a cell reach differently far
        image = torch.full((1, 3, side, 1 * stride), 0.6, dtype=torch.float64, requires_grad=True)
        networks.detector(image)[0, 0, center + offset, 0].backward()
        rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
        reached |= {center + offset - int(rows.min()), int(rows.max()) - center - offset}
    assert max(reached) == halo


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"network.blocks a number for each"):
        DetectorConfig(widths=(4, 8), blocks=(1,))
