"""Write the images that a training run held out, which a card is measured on, as PNG files.

    python benchmarks/held_out.py MODEL DATA OUT

DATA is the folder that the run of MODEL read. Where the weights say which images those were, others are refused. The
names are numbers in a random order, so that a part of them is a random one.
"""

import sys
from pathlib import Path

from agerestore.data.datasets import ImageSet, split_validation
from agerestore.data.sources import load_images
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import zoo


def held_out(name: str, data: Path) -> ImageSet:
    """The images (N, C, S, S) uint8 that training of a model of one size did not see.

    Raises:
        SystemExit: DATA is not what the model was trained on.
    """
    model = zoo.load(name)
    images = load_images(data, model.networks.config.image_size, model.networks.config.channels)
    known = model.header.get("data_digest")
    if known not in (None, images.digest()):
        raise SystemExit(f"{data}: not the images that {name} was trained on; give the same folder")
    return split_validation(images, model.header["training"]["validation"])[1]


def main(name: str, data: Path, out: Path) -> None:
    """Write them."""
    out.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(held_out(name, data).images):
        io.write(out / f"{number:04}.png", Photo(image.permute(1, 2, 0).numpy()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
