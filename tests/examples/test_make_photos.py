import json
import runpy
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agerestore.degradations import KINDS, apply, from_json
from agerestore.degradations.defects import LEAST_SEEN
from agerestore.images import io

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = runpy.run_path(str(EXAMPLES / "make_photos.py"))
SHIPPED, PHOTOS = EXAMPLE["FOLDER"], EXAMPLE["PHOTOS"]


def pixels(path):
    return np.asarray(Image.open(path), dtype=float)


def pictures(folder):
    return {path.relative_to(folder) for path in folder.glob("*/photo-*")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    EXAMPLE["main"](folder)
    return folder


def test_shipped_photographs_are_the_made_ones(made):
    assert pictures(made) == pictures(SHIPPED)
    for name in pictures(made):
        if name.suffix == ".json":
            assert json.loads((made / name).read_text()) == json.loads((SHIPPED / name).read_text())
        else:  # another Pillow may round otherwise, and JPEG makes more of it
            assert np.abs(pixels(made / name) - pixels(SHIPPED / name)).mean() < 0.5, name


@pytest.mark.parametrize("name", PHOTOS)
def test_damage_shows_and_spares_the_pixels_that_are_known(made, name):
    clean, damaged = (pixels(made / state / f"photo-{name}.png") for state in ("photographs", "damaged"))
    mask = made / "damaged" / f"photo-{name}.mask.png"
    kind = PHOTOS[name].kind
    assert mask.exists() == ("known=1" in kind or "missing" in kind)
    if mask.exists():
        known = pixels(mask) == 0
        assert np.array_equal(damaged[known], clean[known])
        assert not damaged[~known].any()
    else:
        assert np.abs(damaged - clean).mean() > 3


def test_the_mask_of_the_print_marks_its_defects_and_nothing_else(made):
    clean, damaged = (made / state / "photo-portrait.png" for state in ("photographs", "damaged"))
    rows = json.loads(damaged.with_suffix(".damage.json").read_text())
    steps = from_json([row for row in rows if not KINDS[row["kind"]].defect])
    sound = 255 * apply(io.read(clean).to_tensor(), steps).image.clamp(0, 1)[0].movedim(0, 2).numpy()
    apart = np.abs(pixels(damaged) - sound).max(axis=2)
    marked = pixels(made / "defects" / "photo-portrait.png") > 0
    assert 0.03 < marked.mean() < 0.1
    assert apart[marked].min() > 255 * LEAST_SEEN - 1
    assert np.sqrt((apart[~marked] ** 2).mean()) < 0.15 * np.sqrt((apart[marked] ** 2).mean())


def test_photographs_are_varied_small_and_nothing_but_pixels():
    sizes = {photo.size for photo in PHOTOS.values()}
    assert all(256 <= side <= 460 for size in sizes for side in size)
    assert any(width % 2 and height % 2 for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert sum((SHIPPED / name).stat().st_size for name in pictures(SHIPPED)) < 2.3e6
    for path in (SHIPPED / "photographs").glob("photo-*.png"):
        with Image.open(path) as image:
            assert image.mode == ("L" if path.stem == "photo-camera" else "RGB")
            assert not image.info


def test_adobe_rgb_is_brought_to_srgb():
    photo = PHOTOS["rocket"]._replace(corner=(0, 0), scale=1, size=(640, 427))
    stored = pixels(Path(str(files("skimage"))) / "data" / photo.source)
    assert np.asarray(EXAMPLE["take"](photo), dtype=float).std() > 1.02 * stored.std()  # a wider gamut, so more color


def test_readme_says_what_happened_to_each_and_whose_it_is():
    lines = (EXAMPLES / "README.md").read_text().splitlines()
    for name, photo in PHOTOS.items():
        rows = [line for line in lines if line.startswith(f"| photo-{name} ")]
        assert len(rows) == 2
        assert "{}x{}".format(*photo.size) in rows[0]
        assert f"`{photo.kind}`" in rows[0]
        assert f"`{photo.source}`" in rows[1]
        assert "CC0" in rows[1] or "public domain" in rows[1]
