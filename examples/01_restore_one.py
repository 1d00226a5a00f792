"""Restore one damaged digit, with and without optimization of its code, and say how far from the domain it is."""

from pathlib import Path

import numpy as np
from PIL import Image

import agerestore

HERE = Path(__file__).parent


def main(out: Path = Path("restored.png")) -> None:
    """Fill the hole of a shipped image and write the result to ``out``."""
    model = agerestore.load("mnist")
    image = Image.open(HERE / "damaged" / "digit-2.png")
    mask = Image.open(HERE / "damaged" / "digit-2.mask.png")

    fast = agerestore.restore(image, mask, model=model)  # a Pillow image goes in, a Pillow image comes out
    refined = agerestore.restore(image, mask, model=model, latent_steps=100)
    refined.save(out)
    score = agerestore.restore(image, mask, model=model, details=True).score

    known = np.asarray(mask) == 0
    print("out-of-distribution score:", round(score, 2), "(at most 1 inside the domain)")
    print("known pixels unchanged:", np.array_equal(np.asarray(refined)[known], np.asarray(image)[known]))
    print("pixels that the optimization changed:", int((np.asarray(fast) != np.asarray(refined)).sum()))


if __name__ == "__main__":
    main()
