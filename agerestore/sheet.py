"""Contact sheets: rows of pictures side by side, for people to look at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import imagefile


def contact_sheet(rows: Sequence[Tensor], path: Path, scale: int = 2, gap: int = 2) -> None:
    """Write a PNG of picture rows, enlarged by a whole factor.

    Args:
        rows: each (N, C, H, W) in [0, 1]; clipped. One row of the sheet each, of any N.
        path: the .png; replaced if it is there.
        scale: enlargement.
        gap: white pixels between pictures.
    """
    cells = [F.pad(row.clamp(0, 1), (0, gap, 0, gap), value=1.0).float().cpu() for row in rows]
    lines = [torch.cat([*row], 2) for row in cells]  # each (C, H, N * W)
    longest = max(line.shape[2] for line in lines)
    sheet = torch.cat([F.pad(line, (0, longest - line.shape[2]), value=1.0) for line in lines], 1)
    pixels = (sheet * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    enlarged = np.kron(pixels, np.ones((scale, scale, 1), np.uint8))
    imagefile.write(path, imagefile.Photo(enlarged, None, imagefile.Metadata()), overwrite=True)
