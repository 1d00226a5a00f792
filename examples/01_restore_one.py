"""Restore one damaged digit, with and without refinement of its code, and say how far from the domain it is."""

from pathlib import Path

import numpy as np
from PIL import Image

import agerestore

HERE = Path(__file__).parent


def main(out: Path = Path("restored.png")) -> None:
    """Fill the hole of a shipped picture and write the result to ``out``."""
    model = agerestore.load("mnist")
    picture = Image.open(HERE / "damaged" / "digit-2.png")
    mask = Image.open(HERE / "damaged" / "digit-2.mask.png")

    fast = agerestore.restore(model, picture, mask)  # a Pillow image goes in, a Pillow image comes out
    refined = agerestore.restore(model, picture, mask, refine=100)
    refined.save(out)

    known = np.asarray(mask) == 0
    print("domain score:", round(agerestore.domain_score(model, picture, mask)[0], 2), "(at most 1 inside)")
    print("observed pixels untouched:", np.array_equal(np.asarray(refined)[known], np.asarray(picture)[known]))
    print("pixels that refinement changed:", int((np.asarray(fast) != np.asarray(refined)).sum()))


if __name__ == "__main__":
    main()
