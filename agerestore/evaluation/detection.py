"""How well defects are found: drawn ones, whose places are known, and marks on images that have none.

Protocol: a degradation is drawn with a seed, of each further image with the next one, and rounded to
uint8, as files are. The truth is where the defects can still be seen (`agerestore.degradations.find_defects`); what is
too faint counts neither way. A pixel is found if a mark is at most `TOLERANCE` pixels away, and a mark is right if a
defect is. Pixels of all images are counted together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import degradations
from agerestore.data.datasets import TrainingSet
from agerestore.degradations.defects import DEFECT_NAMES
from agerestore.degradations.defects import find_defects as truth_of
from agerestore.evaluation.rows import Row
from agerestore.images.raster import Raster
from agerestore.inference.defects import find_defects
from agerestore.metrics.image import quantize
from agerestore.models.base import Model

TOLERANCE = 2  # pixels
SENSITIVITIES = tuple(step / 8 for step in range(9))


@dataclass(frozen=True)
class DetectionRow(Row):
    """What is found at one sensitivity.

    Attributes:
        degradation: its specification; empty for images as they are.
        sensitivity: see `agerestore.restore`.
        precision: share of marks at a defect; None where nothing was drawn or marked.
        recall: share of the defects that is found; None where none can be seen.
        recall_of: the same by kind of defect.
        marked: share of the pixels in the mask, mean over images.
        most_marked: the same, of the image that has most.
    """

    degradation: str
    sensitivity: float
    precision: float | None
    recall: float | None
    recall_of: dict[str, float]
    marked: float
    most_marked: float

    def __str__(self) -> str:
        marks = f"marked {self.marked:.3%}, at most {self.most_marked:.2%}"
        if self.recall is None:
            return f"sensitivity {self.sensitivity:<5g} {marks}"
        kinds = "  ".join(f"{kind} {share:.2f}" for kind, share in self.recall_of.items())
        precision = "  -  " if self.precision is None else f"{self.precision:.3f}"
        return f"sensitivity {self.sensitivity:<5g} precision {precision}  recall {self.recall:.3f}  {kinds}  {marks}"


@dataclass
class _Counts:
    """Pixels at one sensitivity."""

    marked: int = 0
    right: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)

    def add(self, mask: Tensor, truth: dict[str, Tensor], faint: Tensor) -> None:
        """Count one image; masks are (1, 1, H, W) bool."""
        self.shares.append(int(mask.count_nonzero()) / mask.numel())
        defects = torch.stack([*truth.values(), torch.zeros_like(mask)]).any(0)
        near_defects, near_marks = _grown(defects), _grown(mask)
        counted = mask & ~(_grown(faint) & ~near_defects)
        self.marked += int(counted.count_nonzero())
        self.right += int((counted & near_defects).count_nonzero())
        for name, where in truth.items():
            self.asked[name] = self.asked.get(name, 0) + int(where.count_nonzero())
            self.found[name] = self.found.get(name, 0) + int((where & near_marks).count_nonzero())

    def row(self, degradation: str, sensitivity: float) -> DetectionRow:
        """The shares."""
        asked = sum(self.asked.values())
        return DetectionRow(
            degradation,
            sensitivity,
            precision=self.right / self.marked if degradation and self.marked else None,
            recall=sum(self.found.values()) / asked if asked else None,
            recall_of={name: self.found[name] / count for name, count in sorted(self.asked.items()) if count},
            marked=sum(self.shares) / len(self.shares),
            most_marked=max(self.shares),
        )


def benchmark_detection(
    model: Model,
    test: TrainingSet,
    degradation: Sequence[str] = (),
    *,
    seed: int = 0,
    report: Callable[[DetectionRow], None] = lambda row: None,
) -> list[DetectionRow]:
    """Measure a detector: on images as they are, or under each of several degradations.

    Args:
        model: one that detects.
        test: clean images.
        degradation: specifications such as ``old-print``; none for the marks on the images themselves.
        seed: of the degradations.
        report: called with every row as soon as it is ready.
    """
    rows: list[DetectionRow] = []
    for specification in degradation or [""]:
        counts = {sensitivity: _Counts() for sensitivity in SENSITIVITIES}
        images = [image[None].float() / 255 for group in test.groups() for image in group]
        for number, image in enumerate(images):
            degraded, truth, faint = _drawn(image, specification, seed + number)
            found = find_defects(model, Raster(degraded))
            for sensitivity, each in counts.items():
                each.add(found.mask(sensitivity), truth, faint)
        for sensitivity, each in counts.items():
            rows.append(each.row(specification, sensitivity))
            report(rows[-1])
    return rows


def _drawn(image: Tensor, specification: str, seed: int) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """An image (1, C, H, W) in [0, 1] with defects, where each kind is, and where some are too faint to count."""
    if not specification:
        return image, {}, torch.zeros_like(image[:, :1], dtype=torch.bool)
    steps, generator = degradations.parse(specification), torch.Generator().manual_seed(seed)
    size = (image.shape[2], image.shape[3])
    found = truth_of(image, degradations.draw(steps, 1, size, generator))
    truth: dict[str, Tensor] = {}
    for kind, where in found.masks.items():
        name = DEFECT_NAMES.get(kind, kind)
        truth[name] = truth.get(name, torch.zeros_like(where)) | where
    return quantize(found.observation.image), truth, found.faint


def _grown(mask: Tensor) -> Tensor:
    """A mask (1, 1, H, W) that reaches `TOLERANCE` pixels further."""
    return F.max_pool2d(mask.float(), 2 * TOLERANCE + 1, 1, TOLERANCE) > 0
