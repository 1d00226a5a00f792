"""Encode two digits and walk the great circle between their codes: every point on it is an image."""

from pathlib import Path

import torch

import agerestore
from agerestore.images import io
from agerestore.images.grid import contact_sheet
from agerestore.models.latent import slerp

HERE = Path(__file__).parent


def main(out: Path = Path("walk.png"), steps: int = 9) -> None:
    """Write a row of ``steps`` images to ``out``."""
    networks = agerestore.load("mnist").networks
    ends = [io.read(HERE / "clean" / f"digit-{digit}.png").to_tensor() for digit in (3, 8)]
    a, b = networks.encode(torch.cat(ends))
    codes = torch.stack([slerp(a, b, t.item()) for t in torch.linspace(0, 1, steps)])
    contact_sheet([networks.generate(codes)], out, scale=4)
    print(f"{steps} images between a 3 and an 8 in {out}")


if __name__ == "__main__":
    main()
