"""The cache key: that of the first manifests whatever options are called since; every option declares itself."""

import hashlib
import inspect
import json
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from agerestore_cli import colorize, degrade, restore

from agerestore.batch.cache_key import cache_key
from agerestore.config.hints import Hint
from agerestore.config.options import (
    KEY,
    ColorizeFileSettings,
    ColorizeSettings,
    DegradeSettings,
    FileOptions,
    RestoreFileSettings,
    RestoreSettings,
)
from agerestore.models import zoo

# Read off manifests that the command of the first manifests wrote, with the weights that still ship; but "restore" is
# of this version, since automatic selection has one more model to choose from.
RECORDED = {
    "restore": "1141b14ec18e55d77e99ed00c8d34089cb2208da9ddd89143a41f0bdfa691b58",
    "restore photo": "0d94dec4415b321a185c1bb37fd7576225cf0892cf14f99945359e7a265d57d7",
    "degrade": "40b09d0f58b7393560732d658be5edae802f78abe2737c49bfbc1849ea7074fa",
    "colorize": "1d3501a163a6183843b27f15c0cd960ebdbf04fdfad9b8170e85778c52301b11",
}
GROUPS = {
    "restore": (RestoreSettings(), RestoreFileSettings(), FileOptions()),
    "colorize": (ColorizeSettings(), ColorizeFileSettings(), FileOptions()),
    "degrade": (DegradeSettings("noise"), FileOptions()),
}


def of(values: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def test_options_have_the_names_and_values_of_the_first_manifests() -> None:
    settings = RestoreSettings(
        latent_steps=3,
        strength=0.5,
        sigma=12,
        tones=1,
        ensemble=2,
        tile=64,
        samples=1,
        seed=7,
        uncertainty=True,
    )
    extras = RestoreFileSettings(compare=True, resize_mask=True, max_pixels=10)
    made_with = {"model": (False, ["abc"]), "device": "cpu"}
    expected = {
        "verb": "restore", "refine": 3, "strength": 0.5, "sigma": 12.0, "preset": "tones=1.0", "ensemble": 2,
        "precision": "auto", "samples": 1, "seed": 7, "uncertainty": True, "compare": True, "colorize": False,
        "quality": 88, **made_with,
    }  # fmt: skip
    assert cache_key("restore", settings, extras, FileOptions(quality=88), **made_with) == of(expected)
    colored = cache_key("colorize", ColorizeSettings(), ColorizeFileSettings(reference=Path("a.jpg")), FileOptions())
    assert colored == of({
        "verb": "colorize", "strength": 1.0, "sepia": False, "force": False, "precision": "auto", "samples": 1,
        "seed": 0, "like": "a.jpg", "compare": False, "quality": None,
    })  # fmt: skip
    degraded = cache_key("degrade", DegradeSettings("noise", 3), FileOptions())
    assert degraded == of({"verb": "degrade", "kind": "noise", "seed": 3, "quality": None})


def test_what_was_recorded_with_the_shipped_weights_is_found_again() -> None:
    automatic = (True, [zoo.fingerprint(name) for name in zoo.automatic()])
    assert cache_key("restore", *GROUPS["restore"], model=automatic, device="cpu") == RECORDED["restore"]
    settings = RestoreSettings(strength=0.5, sigma=12, precision="fp32", seed=7, uncertainty=True)
    extras, files = RestoreFileSettings(), FileOptions(ext=".jpg", quality=88)
    photo = (False, [zoo.fingerprint("photo")])
    assert cache_key("restore", settings, extras, files, model=photo, device="cpu") == RECORDED["restore photo"]
    degradation = DegradeSettings("noise:sigma=5,holes:count=1", 3)
    found = cache_key("degrade", degradation, FileOptions(), device="cpu", precision="auto")
    assert found == RECORDED["degrade"]
    settings, extras = ColorizeSettings(samples=2), ColorizeFileSettings(compare=True)
    color = "d8fbb1d8d4196b447f1c773ebc95f3200fc89b897f26ef4c83a31de6a68e2a2d"  # cars-color as it was then
    found = cache_key("colorize", settings, extras, FileOptions(), model=color, device="cpu")
    assert found == RECORDED["colorize"]


def test_one_number_has_one_key() -> None:
    assert cache_key("x", RestoreSettings(strength=1, sigma=5)) == cache_key("x", RestoreSettings(sigma=5.0))


@pytest.mark.parametrize("verb", GROUPS)
def test_exactly_the_options_that_affect_the_output_change_the_key(verb: str) -> None:
    other = {bool: True, int: 2, float: 0.25, str: "bf16", tuple: (Hint(1, 2, "#a0522d"),)}
    optional = {"tile": 128, "sigma": 9.0, "quality": 9, "ext": ".png", "reference": Path("b"), "degradation": "jpeg"}
    key = cache_key(verb, *GROUPS[verb])
    for number, group in enumerate(GROUPS[verb]):
        for each in fields(group):
            if each.name in ("in_place", "backup"):  # which only go together
                continue
            value = optional[each.name] if each.default is None else other[type(each.default)]
            groups = list(GROUPS[verb])
            groups[number] = replace(group, **{each.name: value})
            assert (cache_key(verb, *groups) != key) == (each.metadata[KEY] is not None), each.name


def test_an_option_that_does_not_declare_itself_is_a_defect() -> None:
    @dataclass(frozen=True)
    class Forgetful:
        sharpness: float = 1.0

    with pytest.raises(TypeError, match=r"Forgetful\.sharpness: say whether the output depends on it"):
        cache_key("restore", Forgetful())


@pytest.mark.parametrize("verb", [restore.restore, colorize.colorize, degrade.degrade], ids=lambda verb: verb.__name__)
def test_every_option_of_a_verb_that_writes_images_has_declared_itself(verb: object) -> None:
    declared = {each.name for group in GROUPS[verb.__name__] for each in fields(group)}
    # Files that are read count by their contents, weights and the kind of device by themselves; the rest is no option
    # of the result: where it goes, what is printed, how many threads, processes and machines compute it.
    others = {"inputs", "out", "paths", "mask", "replay", "model", "device", "threads"}
    others |= {"workers", "cluster", "shared_disk", "part"}
    others |= {"dry_run", "report", "verbose", "quiet", "as_json"}
    assert set(inspect.signature(verb).parameters) <= declared | others
