"""The paints of real pictures: the codes that a model which colours draws from.

The game spreads the codes of real pictures over the whole sphere, but not every point of it is the code of a paint:
drawn from anywhere, colours are too strong and now and then lie in bands. So codes are drawn from those of pictures
held out from training, and so that the paints of one picture differ.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agerestore.latent import project
from agerestore.monitor import centre_of, chroma_of
from agerestore.networks import ColorModel

CANVASES = 12  # pictures whose colours say what paint a code is
CANDIDATES = 4  # of which the paint is taken that differs most from those before


@torch.no_grad()
def collect(model: ColorModel, pictures: Tensor) -> dict[str, Any]:
    """The codes of pictures and the paints that they are, for the header of a model.

    Args:
        model: networks in eval mode.
        pictures: (N, 3, S, S) Lab.

    Returns:
        ``codes`` (N, M) and ``tints`` (N, 2), a and b in the middle of pictures so painted; base64 of float32.
    """
    codes = torch.cat([model.encode(part) for part in pictures.split(100)])
    lightness = pictures[:CANVASES, :1]
    tints = [centre_of(chroma_of(model, lightness, code.expand(len(lightness), -1))).mean(dim=0) for code in codes]
    return {"codes": _written(codes), "tints": _written(torch.stack(tints)), "dimensions": codes.shape[1]}


def choose(paints: Mapping[str, Any], count: int, seed: int) -> Tensor:
    """Draw codes (K, M) of paints that differ; of one seed the first ones are the same for every K.

    Args:
        paints: see `collect`.
        count: K.
        seed: of the draw.
    """
    codes, tints = _read(paints["codes"], int(paints["dimensions"])), _read(paints["tints"], 2)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(codes), (1,), generator=generator)
    while len(chosen) < count:
        candidates = torch.randint(len(codes), (CANDIDATES,), generator=generator)
        apart = torch.cdist(tints[candidates], tints[chosen]).min(dim=1).values
        chosen = torch.cat([chosen, candidates[apart.argmax()][None]])
    return project(codes[chosen])


def _written(values: Tensor) -> str:
    return base64.b64encode(values.cpu().numpy().astype("<f4").tobytes()).decode()


def _read(text: str, columns: int) -> Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").copy()).view(-1, columns)
