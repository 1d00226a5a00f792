"""`Result`: what restoring or coloring an image gives."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Image = TypeVar("Image")


class Remark(str):
    """A sentence for people about what was done.

    Attributes:
        once: whether it holds for every image that is restored in this way, so that a program may show it once.
    """

    once: bool

    def __new__(cls, text: str, once: bool = False) -> "Remark":
        """Make a remark of its text."""
        remark = super().__new__(cls, text)
        remark.once = once
        return remark


@dataclass(frozen=True)
class Result(Generic[Image]):
    """What restoring or coloring an image gives.

    Attributes:
        image: of the type, dtype and size of the damaged image; of a colorization the first sample.
        std: expected standard deviation of the error of ``image``, in units of white: float32 array (H, W), for tensors
            a tensor with one channel. None if it was not asked for.
        samples: other plausible images, of the same type; of a colorization all.
        score: out-of-distribution score; above 1 the image is unlike those the model was trained on. Of a batch the
            largest. 0 if the model cannot tell.
        model: name of the model.
        remarks: what people should know.
        mask: the defects that the detector found, bool array (H, W), for tensors a tensor (B, 1, H, W); None where it
            found none, or was not asked.
        changed: whether anything was done; else ``image`` is what came in, bit for bit.
    """

    image: Image
    std: Any = None
    samples: list[Image] = field(default_factory=list)
    score: float = 0.0
    model: str = ""
    remarks: list[Remark] = field(default_factory=list)
    mask: Any = None
    changed: bool = True
