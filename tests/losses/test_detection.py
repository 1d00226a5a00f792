"""The loss of a detector, by its closed form."""

import math

import pytest
import torch

from agerestore.errors import UsageError
from agerestore.losses.base import Batch
from agerestore.losses.detection import DEFECT_WEIGHT, EASIEST, FAINT, FEWEST, FINE_WEIGHT, detection_terms

KINDS = ("cracks", "scratches", "specks")


class Constant(torch.nn.Module):
    """Logits that are the same everywhere."""

    kinds = KINDS

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """See `UNet`."""
        assert 0 <= image.min() <= image.max() <= 1
        return self.logits.view(1, -1, 1, 1).expand(len(image), -1, *image.shape[2:])


def terms(label: torch.Tensor, *logits: float) -> dict[str, float]:
    x = torch.rand(1, 3, *label.shape) * 2 - 1
    batch = Batch(x, torch.zeros(1, 1), damaged=x, defects=label[None, None].to(torch.uint8))
    found = detection_terms("detector", {"detector": Constant(*logits)}, batch, ("defect", "kind"))
    return {name: float(value) for name, value in found.items()}


def test_on_sound_patches_it_is_the_focal_cross_entropy() -> None:
    logit = -1.5
    chance = 1 / (1 + math.exp(-logit))
    found = terms(torch.zeros(20, 20), logit, 0, 0, 0)
    assert found["defect"] == pytest.approx(-math.log(1 - chance) * (EASIEST + chance), rel=1e-5)
    assert found["kind"] == 0


@pytest.mark.parametrize(("kind", "weight"), [(1, DEFECT_WEIGHT), (2, DEFECT_WEIGHT * FINE_WEIGHT)])
def test_defects_weigh_more_and_their_neighbors_nothing(kind: int, weight: float) -> None:
    places = torch.zeros(20, 20)
    places[10, 10] = kind
    logit = 0.7
    chance = 1 / (1 + math.exp(-logit))
    at_defect = weight * -math.log(chance) * (EASIEST + 1 - chance)
    sound = -math.log(1 - chance) * (EASIEST + chance)
    full, half = 400 - 25, 25 - 9  # pixels two away count half, those next to the defect not at all
    expected = (at_defect + (full + half / 2) * sound) / (weight + full + half / 2)
    assert terms(places, logit, 0, 0, 0)["defect"] == pytest.approx(expected, rel=1e-5)


def test_faint_defects_count_neither_way() -> None:
    faint = torch.full((20, 20), FAINT)
    faint[0, 0] = 0
    alone = terms(torch.zeros(1, 1), 2.0, 0, 0, 0)["defect"]
    assert terms(faint, 2.0, 0, 0, 0)["defect"] == pytest.approx(alone, rel=1e-5)


def test_the_kind_is_a_cross_entropy_over_the_pixels_of_defects() -> None:
    places = torch.zeros(40, 40)
    places[:10] = 2
    expected = -math.log(math.exp(1) / (math.exp(1) + math.exp(0.5) + 1))
    assert terms(places, 0, 0.5, 1, 0)["kind"] == pytest.approx(expected, rel=1e-5)
    places[:] = 0
    places[0, :10] = 2
    assert terms(places, 0, 0.5, 1, 0)["kind"] == pytest.approx(expected * 10 / FEWEST, rel=1e-5)


def test_without_drawn_defects_there_is_nothing_to_learn() -> None:
    x = torch.zeros(1, 3, 8, 8)
    with pytest.raises(UsageError, match="degradation"):
        detection_terms("detector", {"detector": Constant(0, 0)}, Batch(x, x), ("defect",))
