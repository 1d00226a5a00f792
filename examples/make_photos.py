"""Make the photographs to restore out of those inside scikit-image's wheel; README.md says whose they are.

Each is a part of the picture, scaled down and brought to sRGB, and is then damaged by `agerestore degrade`.
Run it to make those pictures of examples/ anew (it needs scikit-image, and no network):

    python examples/make_photos.py [FOLDER]
"""

import io
import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import torch
from agerestore_cli.app import app
from PIL import Image, ImageCms

from agerestore import degradations
from agerestore.images.io import read

FOLDER = Path(__file__).parent  # in which photographs/ and damaged/ are


class Photo(NamedTuple):
    """What to take and what to do to it."""

    source: str  # the file in skimage/data
    corner: tuple[int, int]  # left and top of the part that is taken
    scale: float  # pixels of the source along one of ours
    size: tuple[int, int]  # width and height
    kind: str  # of damage
    seed: int = 1
    defects: bool = False  # whether its mask is where defects of the print can be seen


PORTRAIT = (
    "film-grain:sigma=9:size=0.7,toning:color=0:warmth=0.7:contrast=0.72:gamma=0.9,vignetting:strength=0.35,"
    "stains:count=3:size=0.25:strength=0.35,border:width=14:bed=0:deckle=0,creases:count=1:width=1.5:wear=0.6,"
    "cracks:width=2.2:coverage=0.025:opacity=0.95:dark=0.1,scuffs:width=0.9:coverage=0.006:opacity=0.8:dark=0.2,"
    "specks:radius=1.3:coverage=0.006:dark=0.3,tears:count=1:reach=60:rim=3,blur:sigma=0.5"
)
OLD_PRINT = (
    "grain:sigma=14:size=0.8,fading:contrast=0.75:lift=0.2,scratches:width=1.5:coverage=0.015,"
    "dust:radius=2:coverage=0.005"
)

PHOTOS = {
    "astronaut": Photo("astronaut.png", (80, 0), 1.1, (256, 320), "scratches:known=1:width=2.5:coverage=0.04"),
    "camera": Photo("camera.png", (0, 0), 1.7, (270, 300), OLD_PRINT),
    "chelsea": Photo("chelsea.png", (15, 0), 1.165, (319, 257), "noise:sigma=30:clip=1"),
    "coffee": Photo("coffee.png", (35, 0), 1.5, (320, 266), "saltpepper:amount=0.2"),
    "portrait": Photo("astronaut.png", (40, 0), 1, (368, 460), PORTRAIT, seed=4, defects=True),
    "retina": Photo("retina.jpg", (0, 0), 4.89, (288, 288), "missing:fraction=0.5"),
    "rocket": Photo("rocket.jpg", (130, 0), 1.33, (272, 320), "jpeg@1:quality=12"),
}

GRAY = ("chelsea", "coffee")  # also made gray, to be colored


def take(photo: Photo) -> Image.Image:
    """The part of the photograph at its size, gray or sRGB, with nothing but pixels."""
    image = Image.open(io.BytesIO((files("skimage") / "data" / photo.source).read_bytes()))
    if profile := image.info.get("icc_profile"):  # one of them is in Adobe RGB
        image = ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    (left, top), (width, height) = photo.corner, photo.size
    box = (left, top, left + width * photo.scale, top + height * photo.scale)
    image = image.resize(photo.size, Image.Resampling.LANCZOS, box)
    image.info.clear()
    return image


def visible_defects(clean: Path, damaged: Path) -> Image.Image:
    """A mask, white where defects of a degraded print can be seen."""
    drawn = degradations.from_json(json.loads(damaged.with_suffix(".damage.json").read_text()))
    masks = degradations.find_defects(read(clean).to_tensor(), drawn).masks
    marked = torch.stack(list(masks.values())).any(0)[0, 0]
    return Image.fromarray(255 * marked.to(torch.uint8).numpy())


def main(folder: Path) -> None:
    """Write photographs/photo-NAME.png and damaged/photo-NAME.png, the latter with its record and its mask.

    Of a print, defects/photo-NAME.png marks the defects that can be seen; gray/photo-NAME.png is for coloring.
    """
    for name in ("photographs", "defects", "gray"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, photo in PHOTOS.items():
        clean, damaged = (folder / state / f"photo-{name}.png" for state in ("photographs", "damaged"))
        take(photo).save(clean, optimize=True)
        options = ["--degradation", photo.kind, "--seed", str(photo.seed), "--overwrite", "--quiet"]
        if failed := app(["degrade", str(clean), str(damaged), *options], standalone_mode=False):
            sys.exit(failed)  # the command has said why
        if photo.defects:
            visible_defects(clean, damaged).save(folder / "defects" / damaged.name, optimize=True)
        if name in GRAY:
            take(photo).convert("L").save(folder / "gray" / clean.name, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
