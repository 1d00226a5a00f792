"""Degradations: a language, random parameters that can be stored and replayed, and the operators.

Three things are kept apart: the degradation as text (`parse`: which kinds, in which ranges), the drawn parameters
(`draw`: one value per image, from the caller's own generator; `to_json` and `from_json` store them) and the operators
(`apply`: on the batch, on its device). `degrade` does all three; `describe` lists the kinds and their parameters;
`find_defects` applies them and tells where cracks, scratches, specks, tears and creases can be seen.

    >>> import torch
    >>> steps = parse("noise:sigma=25,holes:count=2:size=8")
    >>> drawn = draw(steps, 4, (32, 32), torch.Generator().manual_seed(0))
    >>> damaged = apply(torch.rand(4, 1, 32, 32), drawn)
    >>> damaged.image.shape, damaged.mask.shape
    (torch.Size([4, 1, 32, 32]), torch.Size([4, 1, 32, 32]))
    >>> to_json(drawn, 3)[0]["sigma"]
    25.0
"""

from agerestore.degradations.defects import Defects, find_defects
from agerestore.degradations.kind import Kind, Parameter
from agerestore.degradations.parser import Step, parse
from agerestore.degradations.pipeline import Drawn, apply, degrade, draw, from_json, to_json
from agerestore.degradations.registry import ALIASES, KINDS, describe

__all__ = [
    "ALIASES",
    "KINDS",
    "Defects",
    "Drawn",
    "Kind",
    "Parameter",
    "Step",
    "apply",
    "degrade",
    "describe",
    "draw",
    "find_defects",
    "from_json",
    "parse",
    "to_json",
]
