"""Make docs/gallery.md and its pictures out of the shipped examples: before and after, with the command.

python docs/make_gallery.py
"""

import json
import sys
from pathlib import Path

from torch import Tensor

from agerestore import degradations
from agerestore.batch import masks
from agerestore.config.options import ColorizeSettings
from agerestore.images import grid, io
from agerestore.inference.colorizer import colorize
from agerestore.inference.restorer import restore
from agerestore.metrics.image import psnr
from agerestore.models import zoo

ROOT = Path(__file__).parent.parent
PRINT = "photo-portrait.png"  # an old print: its defects are to be found, and its tone is no damage
DAMAGED, CLEAN = ROOT / "examples" / "damaged", ROOT / "examples" / "photographs"

HEAD = """# Gallery
The shipped photographs, damaged and restored by `photo`; made by `python docs/make_gallery.py`. `examples/README.md`
names their authors, licenses and degradations. Decibels (PSNR) compare the whole image with the undamaged one, before
and after restoring; the portrait with the same print without defects. The detector has learned from other pieces of the
portrait's photograph, among 5,420, with other defects.
"""


def undamaged(path: Path) -> Tensor:
    """What a damaged photograph is compared with, (1, 1 or 3, H, W)."""
    clean = io.read(CLEAN / path.name).to_tensor()
    if path.name != PRINT:
        return clean
    rows = json.loads(path.with_suffix(".damage.json").read_text())
    sound = [row for row in rows if not degradations.KINDS[row["kind"]].defect]
    return degradations.apply(clean, degradations.from_json(sound)).image.clamp(0, 1)


def entry(path: Path, folder: Path) -> str:
    """Restore one photograph, write the pair, and describe it."""
    mask_path = path.with_name(f"{path.stem}.mask.png")
    damaged, clean = io.read(path), undamaged(path)
    mask = masks.read_mask_file(mask_path, damaged).missing if mask_path.exists() else None
    detector = zoo.load("defects") if path.name == PRINT else None
    restored = restore({"photo": zoo.load("photo")}, damaged, mask, detector=detector).image
    before, after = (float(psnr(each.to_tensor(), clean)) for each in (damaged, restored))
    pair = grid.side_by_side(damaged, restored)
    (folder / f"{path.stem}.jpg").write_bytes(io.encode(pair, ".jpg"))
    with_mask = " (with the mask next to it)" if mask is not None else ""
    options = " -m photo --mask auto" if detector else ""
    title, command = (
        path.stem.removeprefix("photo-").capitalize(),
        f"agerestore restore {path.relative_to(ROOT)} out.png{options}",
    )
    return (
        f"\n## {title}\n`{command}`{with_mask}: {before:.1f} dB, {after:.1f} dB\n\n"
        f"![damaged and restored](gallery/{path.stem}.jpg)\n"
    )


def colorings(path: Path, folder: Path, title: str, note: str, count: int = 5) -> str:
    """Color a gray image, write a sheet, and describe it."""
    gray = io.read(path)
    drawn = colorize(zoo.load_automatic("colorize"), gray, ColorizeSettings(samples=count))
    name = f"{path.stem}-colors.jpg"
    (folder / name).write_bytes(io.encode(grid.photo_grid([gray.as_rgb(), *drawn.samples]), ".jpg"))
    command = f"agerestore colorize {path.relative_to(ROOT)} -n {count} --compare"
    return (
        f"\n## {title}\n`{command}`: {note}, colored by `{drawn.model}`.\n\n"
        f"![gray, and {count} color versions](gallery/{name})\n"
    )


def main(docs: Path) -> None:
    """Write gallery.md and gallery/NAME.jpg."""
    folder = docs / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    photographs = [path for path in sorted(DAMAGED.glob("photo-*.png")) if not path.name.endswith(".mask.png")]
    entries = [entry(path, folder) for path in photographs] + [
        colorings(
            ROOT / "examples" / "car.jpg", folder, "A car that does not exist", "rendered by `examples/render_car.py`"
        ),
        *(
            colorings(
                path, folder, f"{path.stem.removeprefix('photo-').capitalize()}, made gray", "never seen in training"
            )
            for path in sorted((ROOT / "examples" / "gray").glob("*.png"))
        ),
    ]
    (docs / "gallery.md").write_text(HEAD + "".join(entries))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
