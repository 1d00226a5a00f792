"""Where the masks of a batch come from: the option `mask`, and the mask of each job."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Self

from agerestore.batch.jobs import Job
from agerestore.batch.masks import Masks
from agerestore.errors import UsageError
from agerestore.files import printable


class MaskSource(NamedTuple):
    """Where the masks of images come from.

    Attributes:
        path: the mask of all images, or a folder of masks; None for those next to the images.
        detect: whether defects are found in images that have none.
        ignore: whether masks next to the images are left alone.
    """

    path: Path | None = None
    detect: bool = False
    ignore: bool = False

    @classmethod
    def of(cls, mask: str | PathLike[str] | None, selects: bool) -> Self:
        """Read the option ``mask``: a path, ``auto``, ``none``, or None.

        Args:
            mask: the option.
            selects: whether models are selected for the images; None then stands for ``auto``.
        """
        if mask is None or str(mask) in ("auto", "none"):
            return cls(detect=str(mask) == "auto" or (mask is None and selects), ignore=str(mask) == "none")
        return cls(Path(mask))

    @property
    def folder(self) -> Path | None:
        """The folder of masks; None if they are not in a folder."""
        return self.path if self.path is not None and self.path.is_dir() else None


def with_masks(jobs: Sequence[Job], source: MaskSource) -> list[Job]:
    """The jobs, each with the mask of its image as an extra input, if there is one.

    Args:
        jobs: what is to be restored.
        source: where masks come from.

    Raises:
        UsageError: the folder does not exist, or holds no mask for any of the images.
    """
    if source.ignore:
        return list(jobs)
    masks = {job.root: Masks(source.path, job.root) for job in jobs}
    found = [(job, masks[job.root].of(job.source)) for job in jobs]
    if source.folder and not any(path for _, path in found):
        raise UsageError(f"{printable(source.folder)}: holds no mask for any of these images; call them NAME.mask.png")
    return [job if path is None else replace(job, extra_inputs=(path,)) for job, path in found]
