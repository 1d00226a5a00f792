"""What clients may ask for: JSON to the options of the verbs, and to the command that does the same."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agerestore.api.processors import colorize_processor, restore_processor
from agerestore.batch.mask_source import MaskSource
from agerestore.config import hints, options
from agerestore.errors import UsageError
from agerestore.inference.tiling import Progress
from agerestore.models import zoo

from .._wording import command_line

MOST_SAMPLES = 16  # which are held in memory
SERVER = {"precision", "tile", "max_pixels"}  # options that are the server's own
SETTINGS = {"restore": options.RestoreSettings, "colorize": options.ColorizeSettings}
OPTIONS = {verb: {each.name for each in fields(kind)} - SERVER for verb, kind in SETTINGS.items()}
FLAGS = {"force", "overwrite", "colorize"}
KNOWN = {
    "restore": OPTIONS["restore"] | FLAGS | {"model", "mask"},
    "colorize": OPTIONS["colorize"] | {"model", "overwrite"},
}


@dataclass(frozen=True)
class Wanted:
    """What a client asks for, as the command would take it."""

    verb: str
    model: str
    mask: str  # none, auto or given
    settings: Any
    extras: Any
    overwrite: bool = False  # replace a file in the folder of the results that was not made here

    def command(self, source: Path, target: Path, mask: Path | None = None) -> str:
        """The command that writes the same bytes; `mask` is the file of the one that was given."""
        given: dict[str, Any] = {} if self.model == "auto" else {"model": self.model}
        if self.verb == "restore" and (self.mask, self.model) != ("auto", "auto"):
            given["mask"] = str(mask) if self.mask == "given" else self.mask
        for group in (self.settings, self.extras):
            chosen = [(each, getattr(group, each.name)) for each in fields(group) if each.name not in SERVER]
            given |= {each.name: value for each, value in chosen if value != each.default}
        return command_line(self.verb, [source, target], given)

    def processor(self, device: str, progress: Progress) -> Any:
        """The processor of the command."""
        common = (self.settings, self.extras, options.FileOptions(), device, progress)
        if self.verb == "colorize":
            return colorize_processor(self.model, *common)
        return restore_processor(self.model, MaskSource(detect=self.mask == "auto"), *common)


def read_wanted(verb: str, body: Any, held_mask: str, max_pixels: int, precision: str) -> Wanted:
    """Read the settings in a request, which are JSON; `held_mask` is the kind of the mask that there is, or empty.

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
    own = {name: given[name] for name in OPTIONS[verb] & given.keys()}
    if "hints" in own:
        own["hints"] = hints.read_hints(own["hints"] if isinstance(own["hints"], list) else [own["hints"]])
    settings = SETTINGS[verb](**own, precision=precision)
    if settings.samples > MOST_SAMPLES:
        raise UsageError(f"`samples` {settings.samples} are more than {MOST_SAMPLES}; draw fewer at a time")
    model = _model(given)
    if verb == "colorize":
        return Wanted(
            verb, model, "none", settings, options.ColorizeFileSettings(max_pixels=max_pixels), flags["overwrite"]
        )
    model = "photo" if flags["force"] and model == "auto" else model  # which leaves nothing alone
    extras = options.RestoreFileSettings(colorize=flags["colorize"], max_pixels=max_pixels)
    return Wanted(verb, model, _mask(given, held_mask, model), settings, extras, flags["overwrite"])


def _model(given: Mapping[str, Any]) -> str:
    """The model; a shipped one, as any other name could be the path of a file."""
    model = given.get("model", "auto")
    if model not in ("auto", *zoo.names()):
        raise UsageError(f"no model {model!r}; choose auto or one of {', '.join(zoo.names())}")
    return str(model)


def _mask(given: Mapping[str, Any], held: str, model: str) -> str:
    mask = given.get("mask", "given" if held in ("given", "edited") else "auto" if model == "auto" else "none")
    if mask not in ("none", "auto", "given") or (mask == "given" and not held):
        raise UsageError("`mask` must be auto, none, or given, once a mask was sent")
    return str(mask)
