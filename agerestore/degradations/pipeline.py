"""Chains of degradations: draw their parameters, apply them to a batch, store and replay them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agerestore.degradations.parser import Step
from agerestore.degradations.registry import KINDS, Kind
from agerestore.errors import UsageError
from agerestore.images.observation import Observation


@dataclass(frozen=True)
class Drawn:
    """One step with its parameters drawn, for some pictures of a batch.

    Attributes:
        kind: a key of KINDS.
        parameters: name -> (n,) or (n, K), float64 or int64, on the CPU.
        seed: (n,) int64; the random fields and marks of a picture are remade from its seed.
        pictures: (n,) int64, which pictures of the batch, ascending.
    """

    kind: str
    parameters: Mapping[str, Tensor]
    seed: Tensor
    pictures: Tensor


def draw(steps: Sequence[Step], batch: int, size: tuple[int, int], generator: torch.Generator) -> list[Drawn]:
    """Draw the parameters of a batch.

    Args:
        steps: as `parse` gives them. Of several alternatives each picture gets one, all equally likely.
        batch: number of pictures.
        size: height and width of the pictures.
        generator: a CPU generator; the only source of randomness.

    Returns:
        The drawn steps in their order; a step that fell to no picture is left out.
    """
    alternatives = 1 + max((step.alternative for step in steps), default=0)
    choice = torch.randint(alternatives, (batch,), generator=generator)
    drawn = []
    for step in steps:
        pictures = (choice == step.alternative).nonzero().flatten()
        if len(pictures):
            kind = KINDS[step.kind]
            parameters = kind.draw(kind.parameters, step.ranges, len(pictures), size, generator)
            # 32 bits: the CPU's generator takes no more of a seed
            seed = torch.randint(2**32, (len(pictures),), generator=generator)
            drawn.append(Drawn(step.kind, parameters, seed, pictures))
    return drawn


def apply(image: Tensor, drawn: Sequence[Drawn], mask: Tensor | None = None) -> Observation:
    """Degrade a batch.

    The same drawn parameters give the same bits on the CPU, whatever else is in the batch; another device has
    other random fields, but the same boxes and marks. Unknown pixels are collected over the chain and set to
    0 at its end, wherever in the chain they became unknown.

    Args:
        image: (B, C, H, W) float32 in [0, 1], C 1 or 3, on any device.
        drawn: from `draw` or `from_json`.
        mask: (B, 1, H, W), nonzero where pixels are unknown already.

    Returns:
        The damaged pictures and their unknown pixels; unclipped noise leaves [0, 1].
    """
    unknown = None if mask is None else (mask != 0).to(image)
    image = image.clone()  # pictures are put back into it one step after the other
    with torch.autocast(image.device.type, enabled=False):
        for step in drawn:
            image, hidden = _apply_step(image, step)
            if hidden is not None:
                unknown = hidden if unknown is None else torch.maximum(unknown, hidden)
    if unknown is not None:
        image = image.masked_fill(unknown > 0, 0)
    return Observation(image, unknown)


def damage(image: Tensor, steps: Sequence[Step], generator: torch.Generator) -> Observation:
    """Draw and apply at once.

    Args:
        image: (B, C, H, W) float32 in [0, 1], C 1 or 3, on any device.
        steps: as `parse` gives them.
        generator: a CPU generator; the only source of randomness.
    """
    return apply(image, draw(steps, len(image), (image.shape[2], image.shape[3]), generator))


def _apply_step(image: Tensor, step: Drawn) -> tuple[Tensor, Tensor | None]:
    """One step on its pictures, the others untouched; ``image`` is overwritten where no gradient needs it."""
    kind = KINDS[step.kind]
    if len(step.pictures) == len(image):
        return kind.apply(image, step.parameters, step.seed)
    there = step.pictures.to(image.device)
    part, hidden = kind.apply(image[there], step.parameters, step.seed)
    if hidden is not None:
        nothing = torch.zeros_like(image[:, :1])
        hidden = nothing.index_copy(0, there, hidden)
    put = image.index_copy if image.requires_grad else image.index_copy_
    return put(0, there, part), hidden


def to_json(drawn: Sequence[Drawn], index: int) -> list[dict[str, Any]]:
    """The steps of one picture as plain numbers, to be stored.

    Args:
        drawn: from `draw`.
        index: the picture's place in its batch.

    Returns:
        One row per step: "kind", "seed" and the parameters by name; what `from_json` reads.
    """
    rows = []
    for step in drawn:
        for i in (step.pictures == index).nonzero().flatten().tolist():
            values = {name: value[i].tolist() for name, value in step.parameters.items()}
            rows.append({"kind": step.kind, "seed": int(step.seed[i]), **values})
    return rows


def from_json(rows: Sequence[Mapping[str, Any]]) -> list[Drawn]:
    """Read the steps of one picture, to be applied to a batch of one.

    Args:
        rows: from `to_json`.

    Raises:
        UsageError: a row that no picture's degradation can have.
    """
    if not isinstance(rows, list | tuple):
        raise UsageError("the stored degradation is no list of steps; draw it anew")
    return [_from_row(number, row) for number, row in enumerate(rows, start=1)]


def _from_row(number: int, row: Mapping[str, Any]) -> Drawn:
    kind = KINDS.get(str(row.get("kind"))) if isinstance(row, Mapping) else None
    if kind is None:
        kinds = ", ".join(KINDS)
        raise UsageError(f"step {number} of the stored degradation is of no known kind; there are: {kinds}")
    try:
        names = ("seed", *kind.parameters, *kind.listed)
        values = {name: _read(kind, name, _stored(kind, name, row)) for name in names}
        if len({values[name].shape for name in kind.listed}) > 1:
            raise ValueError(f"{', '.join(kind.listed)} are not equally many")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"step {number} ({row['kind']}) of the stored degradation is damaged: {error}; draw it anew"
        ) from error
    seed = values.pop("seed")
    return Drawn(row["kind"], values, seed, torch.zeros(1, dtype=torch.int64))


def _stored(kind: Kind, name: str, row: Mapping[str, Any]) -> Any:
    """A value of a row; where it was stored before there was such a parameter, what had been so until then."""
    parameter = kind.parameters.get(name)
    return row[name] if parameter is None or parameter.before is None else row.get(name, parameter.before)


def _read(kind: Kind, name: str, value: Any) -> Tensor:
    """One stored parameter as (1,) or (1, K), refused if it is out of its limits."""
    parameter = kind.parameters.get(name)
    read = torch.tensor([value], dtype=parameter.dtype if parameter else torch.int64)
    if read.ndim != 1 + (name in kind.listed):
        raise ValueError(f"{name} has the wrong number of values")
    if parameter and not ((read >= parameter.least) & (read <= parameter.most)).all():
        raise ValueError(f"{name} is not within {parameter.least:g} to {parameter.most:g}")
    return read
