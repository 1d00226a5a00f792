"""The language of degradations: ``noise:sigma=0..55,jpeg|holes:count=2:size=14``.

A comma puts one step after the other, a bar separates alternatives (each image gets one of them, all equally likely),
a colon separates a kind from its parameters and these from each other. A parameter takes a number or a range
``low..high`` that is drawn from uniformly; those not named keep their defaults. Every kind takes ``chance=0.3`` too:
then so many of the images get the step. ``jpeg@1`` is an earlier version of a kind, as it was in its release.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agerestore.degradations.kind import Parameter
from agerestore.degradations.registry import ALIASES, KINDS
from agerestore.errors import UsageError

_CHANCE = Parameter(1, 1, 0, 1, "probability that an image gets this step")


@dataclass(frozen=True)
class Step:
    """One step of a degradation.

    Attributes:
        kind: A key of KINDS.
        ranges: Every parameter of the kind -> (low, high).
        alternative: The number of the alternative it belongs to, 0 where there is but one.
        version: Of the kind.
        chance: The probability that an image gets it.
    """

    kind: str
    ranges: Mapping[str, tuple[float, float]]
    alternative: int = 0
    version: int = 1
    chance: float = 1.0


def parse(degradation: str) -> tuple[Step, ...]:
    """Parse a degradation.

    Args:
        degradation: Such as ``"noise:sigma=50,holes:count=2"``, ``"noise|saltpepper|hole"`` or ``"old-photo"``.

    Returns:
        The steps in their order, each with the alternative it belongs to.

    Raises:
        UsageError: An unknown kind or parameter, or a value that is no number or out of its limits.

    >>> [step.kind for step in parse("noise:sigma=50,holes")]
    ['noise', 'holes']
    >>> parse("noise:sigma=0..25")[0].ranges["sigma"]
    (0.0, 25.0)
    """
    return tuple(
        _step(part.strip(), number)
        for number, chain in enumerate(degradation.split("|"))
        for word in chain.split(",")
        for part in ALIASES.get(word.strip(), word).split(",")
    )


def _step(text: str, alternative: int) -> Step:
    named_kind, *settings = (part.strip() for part in text.split(":"))
    name, at, version = named_kind.partition("@")
    if name not in KINDS:
        if name in ALIASES:
            raise UsageError(f"degradation '{name}' takes no parameters; it stands for '{ALIASES[name]}'")
        known = ", ".join([*sorted(KINDS), *sorted(ALIASES)])
        raise UsageError(f"unknown degradation '{name}'; there are: {known}")
    if at and version not in map(str, range(1, KINDS[name].version + 1)):
        raise UsageError(f"'{named_kind}': there are versions 1 to {KINDS[name].version} of '{name}'")
    parameters = KINDS[name].parameters
    ranges = {key: (parameter.low, parameter.high) for key, parameter in parameters.items()}
    chance, named = 1.0, set()
    for setting in settings:
        key, _, value = (part.strip() for part in setting.partition("="))
        if key not in parameters and key != "chance":
            raise UsageError(f"'{name}' has no parameter '{key}'; it has: {', '.join(parameters)}")
        if key in named:
            raise UsageError(f"'{text}' sets '{key}' twice; name it once")
        named.add(key)
        if key == "chance":
            chance = _number(f"{name}:chance", value, _CHANCE)
            continue
        ranges[key] = _range(f"{name}:{key}", value, parameters[key])
    return Step(name, ranges, alternative, int(version) if at else KINDS[name].version, chance)


def _range(what: str, text: str, parameter: Parameter) -> tuple[float, float]:
    """Parse a number or low..high, within the parameter's limits."""
    ends = [_number(what, end, parameter) for end in text.split("..", 1)]
    if ends[0] > ends[-1]:
        raise UsageError(f"{what}={text} runs backwards; write {ends[-1]:g}..{ends[0]:g}")
    return ends[0], ends[-1]


def _number(what: str, text: str, parameter: Parameter) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not parameter.least <= value <= parameter.most or (parameter.whole and value != int(value)):
        sort = "a whole number" if parameter.whole else "a number"
        raise UsageError(
            f"{what}={text or '(nothing)'} is not valid; it takes {sort} from {parameter.least:g} to"
            f" {parameter.most:g}, or a range low..high"
        )
    return value
