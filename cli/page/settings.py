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
SUFFIXES = {"restore": ".restored", "colorize": ".colorized"}
COMMON = {"model", "ext", "overwrite", "force"}
# `tile` and `precision` are the server's business.
RESTORE = {each.name for each in fields(RestoreSettings)} - {"tile", "precision"}
COLORIZE = {each.name for each in fields(ColorizeSettings)} - {"precision", "force"}


@dataclass(frozen=True)
class Wanted:
    """What a client asks for.

    Attributes:
        verb: "restore" or "colorize".
        model: "auto" or the name of a shipped model.
        mask: "none", "auto" or "given"; of restoring.
        settings: Options of the verb.
        extras: Likewise.
        ext: Ending of the result; None for that of the source.
        overwrite: Whether a file in the folder of the results may be replaced that this server did not make.
    """

    verb: str
    model: str
    mask: str
    settings: RestoreSettings | ColorizeSettings
    extras: RestoreFileSettings | ColorizeFileSettings
    ext: str | None
    overwrite: bool

    @property
    def files(self) -> FileOptions:
        """How results are written."""
        return FileOptions(ext=self.ext)

    def command(self, source: Path, target: Path, mask: Path | None) -> str:
        """The command that writes the same bytes.

        Args:
            source: The file or folder.
            target: Of the result.
            mask: The file of the mask that was given.
        """
        words = ["agerestore", self.verb, _argument(source), _argument(target)]
        words += [] if self.model == "auto" else ["-m", self.model]
        if self.verb == "restore":
            automatic = "auto" if self.model == "auto" else "none"
            option = str(mask) if self.mask == "given" else self.mask
            words += [] if option == automatic == "auto" else ["--mask", option]
        for group in (self.settings, self.extras):
            for each in fields(group):
                if each.name not in ("precision", "tile", "max_pixels"):
                    words += _options(each.name, getattr(group, each.name), each.default)
        return shlex.join(words)


def read_wanted(verb: str, body: Any, has_mask: bool, max_pixels: int, precision: str) -> Wanted:
    """Read the body of a request.

    Args:
        verb: "restore" or "colorize".
        body: JSON.
        has_mask: Whether there is a mask, which is then the default.
        max_pixels: Larger images are refused.
        precision: Of the networks.

    Raises:
        UsageError: Something that is not understood.
    """
    if not isinstance(body, Mapping):
        raise UsageError("the settings must be an object of JSON")
    known = RESTORE | COMMON | {"mask", "colorize"} if verb == "restore" else COLORIZE | COMMON
    if unknown := sorted(set(body) - known):
        raise UsageError(f"{unknown[0]!r} is no setting of {verb}; those are {', '.join(sorted(known))}")
    given = {name: value for name, value in body.items() if value is not None}
    if not _is_whole(given.get("samples", 1)) or given.get("samples", 1) > MOST_SAMPLES:
        raise UsageError(f"`samples` must be a whole number up to {MOST_SAMPLES}")
    if verb == "restore":
        return _restore(given, has_mask, max_pixels, precision)
    return _colorize(given, max_pixels, precision)


def _restore(given: dict[str, Any], has_mask: bool, max_pixels: int, precision: str) -> Wanted:
    forced = _flag(given, "force") and given.get("model", "auto") == "auto"  # the model does what it would leave alone
    model = "photo" if forced else _model(given)
    mask = given.get("mask", "given" if has_mask else "auto" if model == "auto" else "none")
    if mask not in ("none", "auto", "given") or (mask == "given" and not has_mask):
        raise UsageError("`mask` must be auto, none, or given, once a mask was sent")
    settings = RestoreSettings(**{n: given[n] for n in RESTORE & given.keys()}, precision=precision)
    extras = RestoreFileSettings(colorize=_flag(given, "colorize"), max_pixels=max_pixels)
    return Wanted("restore", model, mask, settings, extras, _ext(given), _flag(given, "overwrite"))


def _colorize(given: dict[str, Any], max_pixels: int, precision: str) -> Wanted:
    own = {n: given[n] for n in COLORIZE & given.keys()}
    if "hints" in own:
        own["hints"] = read_hints([_hint(each) for each in own["hints"]])
    settings = ColorizeSettings(**own, force=_flag(given, "force"), precision=precision)
    extras = ColorizeFileSettings(max_pixels=max_pixels)
    return Wanted("colorize", _model(given), "none", settings, extras, _ext(given), _flag(given, "overwrite"))


def _hint(each: Any) -> Any:
    return (each.get("x"), each.get("y"), each.get("color")) if isinstance(each, Mapping) else each


def _model(given: dict[str, Any]) -> str:
    """The model; only a shipped one, as its name could else be the path of any file."""
    from agerestore.models import zoo

    model = given.get("model", "auto")
    if model != "auto" and model not in zoo.names():
        raise UsageError(f"no model {model!r}; choose auto or one of {', '.join(zoo.names())}")
    return str(model)


def _ext(given: dict[str, Any]) -> str | None:
    from agerestore.batch.jobs import checked_ext

    ext = given.get("ext")
    if ext is not None and not isinstance(ext, str):
        raise UsageError(f"`ext` {ext!r} is no ending such as .png")
    return checked_ext(ext)


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise UsageError(f"`{name}` must be true or false")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _options(name: str, value: Any, default: Any) -> list[str]:
    if value == default:
        return []
    if value is True:
        return [as_option(name)]
    values = value if isinstance(value, tuple) and name == "hints" else [value]
    return [word for each in values for word in (as_option(name), str(each))]


def _argument(path: Path) -> str:
    return f"./{path}" if str(path).startswith("-") else str(path)
