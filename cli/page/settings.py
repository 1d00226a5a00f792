"""What clients may ask for: JSON to the options of the verbs, and to the command that does the same."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agerestore.config.hints import read_hints
from agerestore.config.options import (
    ColorizeFileSettings,
    ColorizeSettings,
    FileOptions,
    RestoreFileSettings,
    RestoreSettings,
)
from agerestore.errors import UsageError

from .._wording import as_option

MOST_SAMPLES = 16  # which are held in memory
SERVER = {"precision", "tile", "max_pixels"}  # options that are the server's own
SETTINGS = {"restore": RestoreSettings, "colorize": ColorizeSettings}
OPTIONS = {verb: {each.name for each in fields(kind)} - SERVER for verb, kind in SETTINGS.items()}
FLAGS = {"force", "overwrite", "colorize"}
KNOWN = {
    "restore": OPTIONS["restore"] | FLAGS | {"model", "ext", "mask"},
    "colorize": OPTIONS["colorize"] | {"model", "ext", "overwrite"},
}


@dataclass(frozen=True)
class Wanted:
    """What a client asks for, as the command would take it."""

    verb: str
    model: str
    mask: str  # none, auto or given
    settings: Any
    extras: Any
    ext: str | None = None  # of the result; None for that of the source
    overwrite: bool = False  # replace a file in the folder of the results that was not made here

    @property
    def files(self) -> FileOptions:
        """How results are written."""
        return FileOptions(ext=self.ext)

    def command(self, source: Path, target: Path, mask: Path | None = None) -> str:
        """The command that writes the same bytes; `mask` is the file of the one that was given."""
        options = {} if self.model == "auto" else {"model": self.model}
        if self.verb == "restore" and (self.mask, self.model) != ("auto", "auto"):
            options["mask"] = str(mask) if self.mask == "given" else self.mask
        for group in (self.settings, self.extras):
            options |= {each.name: getattr(group, each.name) for each in fields(group) if _is_said(group, each)}
        words = [word for name, value in options.items() for word in _words(name, value)]
        paths = [f"./{path}" if str(path).startswith("-") else str(path) for path in (source, target)]
        return shlex.join(["agerestore", self.verb, *paths, *words])


def _is_said(group: Any, option: Any) -> bool:
    return option.name not in SERVER and getattr(group, option.name) != option.default


def _words(name: str, value: Any) -> list[str]:
    if value is True:
        return [as_option(name)]
    values = value if name == "hints" else [value]
    return [word for each in values for word in (as_option(name), str(each))]


def read_wanted(verb: str, body: Any, has_mask: bool, max_pixels: int, precision: str) -> Wanted:
    """Read the settings in a request.

    Args:
        verb: restore or colorize.
        body: JSON.
        has_mask: Whether a mask was given, which is then the default.
        max_pixels: Larger images are refused.
        precision: Of the networks.

    Raises:
        UsageError: Something that is not understood.
    """
    if not isinstance(body, Mapping):
        raise UsageError("the settings must be an object of JSON")
    given = {name: value for name, value in body.items() if value is not None}
    if unknown := sorted(given.keys() - KNOWN[verb]):
        raise UsageError(f"{unknown[0]!r} is no setting of {verb}; those are {', '.join(sorted(KNOWN[verb]))}")
    flags = {name: given.get(name, False) for name in FLAGS}
    if wrong := [name for name, value in flags.items() if not isinstance(value, bool)]:
        raise UsageError(f"`{wrong[0]}` must be true or false")
    options = {name: given[name] for name in OPTIONS[verb] & given.keys()} | {"precision": precision}
    model, ext = _model(given), _ext(given)
    mask = "none"
    extras: Any = ColorizeFileSettings(max_pixels=max_pixels)
    if "hints" in options:
        options["hints"] = read_hints([_hint(each) for each in _items(options["hints"])])
    if verb == "restore":
        model = "photo" if flags["force"] and model == "auto" else model  # which leaves nothing alone
        mask = _mask(given, has_mask, model)
        extras = RestoreFileSettings(colorize=flags["colorize"], max_pixels=max_pixels)
    settings = SETTINGS[verb](**options)
    if settings.samples > MOST_SAMPLES:
        raise UsageError(f"`samples` {settings.samples} are more than {MOST_SAMPLES}; draw fewer at a time")
    return Wanted(verb, model, mask, settings, extras, ext, flags["overwrite"])


def _model(given: Mapping[str, Any]) -> str:
    """The model; a shipped one, as any other name could be the path of a file."""
    from agerestore.models import zoo

    model = given.get("model", "auto")
    if model not in ("auto", *zoo.names()):
        raise UsageError(f"no model {model!r}; choose auto or one of {', '.join(zoo.names())}")
    return str(model)


def _mask(given: Mapping[str, Any], has_mask: bool, model: str) -> str:
    mask = given.get("mask", "given" if has_mask else "auto" if model == "auto" else "none")
    if mask not in ("none", "auto", "given") or (mask == "given" and not has_mask):
        raise UsageError("`mask` must be auto, none, or given, once a mask was sent")
    return str(mask)


def _ext(given: Mapping[str, Any]) -> str | None:
    from agerestore.batch.jobs import checked_ext

    ext = given.get("ext")
    if ext is not None and not isinstance(ext, str):
        raise UsageError(f"`ext` {ext!r} is no ending such as .png")
    return checked_ext(ext)


def _items(hints: Any) -> list[Any]:
    return hints if isinstance(hints, list) else [hints]


def _hint(each: Any) -> Any:
    return [each.get(name) for name in ("x", "y", "color")] if isinstance(each, Mapping) else each
