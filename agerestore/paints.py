"""The paints of real pictures: the codes that a model which colours draws from.

The game spreads the codes of real pictures over the whole sphere, but not every point of it is the code of a paint:
drawn from anywhere, colours are too strong and now and then lie in bands. So codes are drawn from those of pictures
held out from training, and so that the paints of one picture complement each other: where most cars are grey, a second
grey rarely comes closer to the truth than the first.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agerestore.latent import project
from agerestore.monitor import centre_of, chroma_of, chroma_psnr
from agerestore.networks import ColorModel

CANVASES = 12  # pictures whose colours say what paint a code is
CANDIDATES = 64  # of which the paint is taken that adds most to those before
APART = 0.007  # what a unit of Lab between tints is worth, in dB: by PSNR alone a grey would follow a grey
CHUNK = 100


@torch.no_grad()
def collect(model: ColorModel, pictures: Tensor) -> dict[str, Any]:
    """The codes of pictures and the paints that they are, for the header of a model.

    Args:
        model: networks in eval mode.
        pictures: (N, 3, S, S) Lab.

    Returns:
        ``codes`` (N, M); ``tints`` (N, 2), a and b in the middle of pictures so painted; ``fits`` (N, N), the PSNR in
        dB of a and b of each picture in the paint of each, its own left out. Base64 of float32, fits of float16.
    """
    codes = torch.cat([model.encode(part) for part in pictures.split(CHUNK)])
    lightness = pictures[:CANVASES, :1]
    tints = [centre_of(chroma_of(model, lightness, code.expand(len(lightness), -1))).mean(dim=0) for code in codes]
    fits = torch.stack([_fit(model, pictures, code) for code in codes], dim=1)
    fits.fill_diagonal_(-torch.inf)
    fits = torch.maximum(fits, fits.masked_fill(fits.isinf(), torch.inf).min(dim=1, keepdim=True).values)
    return {"codes": _written(codes), "tints": _written(torch.stack(tints)), "fits": _written(fits, "<f2"),
            "dimensions": codes.shape[1]}  # fmt: skip


def _fit(model: ColorModel, pictures: Tensor, code: Tensor) -> Tensor:
    """PSNR in dB (N,) of a and b of pictures painted with one code (M,)."""
    parts = pictures.split(CHUNK)
    return torch.cat([chroma_psnr(chroma_of(model, x[:, :1], code.expand(len(x), -1)), x[:, 1:]) for x in parts])


def choose(paints: Mapping[str, Any], count: int, seed: int) -> Tensor:
    """Draw codes (K, M) of paints that complement each other; of one seed the first ones are the same for every K.

    The first is any; each one after it is that of `CANDIDATES` which, beside those before, brings the held-out
    pictures closest to their own colours (greedy facility location), its distance from their tints counted in.

    Args:
        paints: see `collect`.
        count: K.
        seed: of the draw.
    """
    codes, tints = _read(paints["codes"], int(paints["dimensions"])), _read(paints["tints"], 2)
    # Weights of before fits were kept have tints alone: then the farthest follows.
    fits = _read(paints["fits"], len(codes), "<f2") if "fits" in paints else torch.zeros(1, len(codes))
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(codes), (1,), generator=generator)
    while len(chosen) < count:
        candidates = torch.randperm(len(codes), generator=generator)[:CANDIDATES]
        best = fits[:, chosen].max(dim=1, keepdim=True).values
        closer = (fits[:, candidates] - best).clamp_min(0).mean(dim=0)
        apart = torch.cdist(tints[candidates], tints[chosen]).min(dim=1).values
        chosen = torch.cat([chosen, candidates[(closer + APART * apart).argmax()][None]])
    return project(codes[chosen])


def _written(values: Tensor, kind: str = "<f4") -> str:
    return base64.b64encode(values.cpu().numpy().astype(kind).tobytes()).decode()


def _read(text: str, columns: int, kind: str = "<f4") -> Tensor:
    values = np.frombuffer(base64.b64decode(text), kind).astype(np.float32)
    return torch.from_numpy(values).view(-1, columns)
