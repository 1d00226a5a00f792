"""Damage clean digits in a way that can be replayed, restore them, and measure what was gained."""

from pathlib import Path

import torch

import agerestore
from agerestore import degradations
from agerestore.images import io
from agerestore.metrics.image import psnr

HERE = Path(__file__).parent


def main() -> float:
    """Return the mean gain in dB over all shipped clean digits."""
    files = sorted((HERE / "clean").glob("digit-*.png"))
    clean = torch.cat([io.read(file).to_tensor() for file in files])  # (N, 1, 32, 32) in [0, 1]

    drawn = degradations.draw(
        degradations.parse("noise:sigma=100:clip=1"), len(clean), (32, 32), torch.Generator().manual_seed(0)
    )
    damaged = degradations.apply(clean, drawn).image
    print("what happened to the first:", degradations.to_json(drawn, 0))

    restored = agerestore.restore(damaged, model="mnist")
    before, after = psnr(damaged, clean).mean().item(), psnr(restored, clean).mean().item()
    print(f"PSNR {before:.1f} dB damaged, {after:.1f} dB restored")
    return after - before


if __name__ == "__main__":
    main()
