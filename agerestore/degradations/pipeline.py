"""Draw the parameters of a degradation, apply them to a batch, store and replay them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agerestore.degradations.kind import Kind
from agerestore.degradations.parser import Step, parse
from agerestore.degradations.registry import KINDS
from agerestore.errors import UsageError
from agerestore.images.observation import Observation


@dataclass(frozen=True)
class Drawn:
    """One step with its parameters drawn, for some images of a batch.

    Attributes:
        kind: A key of KINDS.
        parameters: Name -> (n,) or (n, K), float64 or int64, on the CPU.
        seeds: (n,) int64; the random fields and marks of an image are drawn again from its seed.
        indices: (n,) int64, the images of the batch it applies to, ascending.
        version: Of the kind; a record of an earlier one is replayed as it was.
    """

    kind: str
    parameters: Mapping[str, Tensor]
    seeds: Tensor
    indices: Tensor
    version: int


def draw(steps: Sequence[Step], batch: int, size: tuple[int, int], generator: torch.Generator) -> list[Drawn]:
    """Draw the parameters for a batch.

    Args:
        steps: From `parse`. Of several alternatives each image gets one, all equally likely.
        batch: Number of images.
        size: Height and width of the images.
        generator: A CPU generator; the only source of randomness.

    Returns:
        The drawn steps in their order; a step that no image got is left out.
    """
    alternatives = 1 + max((step.alternative for step in steps), default=0)
    choice = torch.randint(alternatives, (batch,), generator=generator)
    drawn = []
    for step in steps:
        chosen = choice == step.alternative
        if step.chance < 1:  # and nothing is drawn where it is 1: a seed means what it meant before there were chances
            chosen &= torch.rand(batch, generator=generator, dtype=torch.float64) < step.chance
        indices = chosen.nonzero().flatten()
        if len(indices):
            kind = KINDS[step.kind]
            parameters = kind.draw(kind.parameters, step.ranges, len(indices), size, generator)
            # 32 bits: the CPU's generator takes no more of a seed
            seeds = torch.randint(2**32, (len(indices),), generator=generator)
            drawn.append(Drawn(step.kind, parameters, seeds, indices, step.version))
    return drawn


def apply(image: Tensor, drawn: Sequence[Drawn], mask: Tensor | None = None) -> Observation:
    """Degrade a batch with parameters that are drawn.

    The same parameters give the same bits on the CPU, whatever else is in the batch; another device has other random
    fields, but the same boxes and marks. Missing pixels are collected over the steps and set to 0 at the end,
    whichever step they come from.

    Args:
        image: (B, C, H, W) float32 in [0, 1], C 1 or 3, on any device.
        drawn: From `draw` or `from_json`.
        mask: (B, 1, H, W), nonzero where pixels are missing already.

    Returns:
        The degraded images and their masks; unclipped noise leaves [0, 1].
    """
    missing = [] if mask is None else [(mask != 0).to(image)]
    image = image.clone()  # apply_step writes into it
    with torch.autocast(image.device.type, enabled=False):
        for step in drawn:
            image, hidden = apply_step(image, step)
            missing += [] if hidden is None else [hidden]
    return hide(image, missing)


def hide(image: Tensor, missing: Sequence[Tensor]) -> Observation:
    """Return the images with what is missing according to any of the masks (B, 1, H, W) set to 0."""
    if not missing:
        return Observation(image)
    mask = torch.stack(list(missing)).amax(0)
    return Observation(image.masked_fill(mask > 0, 0), mask)


def degrade(image: Tensor, degradation: str | Sequence[Step], generator: torch.Generator) -> Observation:
    """Draw a degradation and apply it.

    Args:
        image: (B, C, H, W) float32 in [0, 1], C 1 or 3, on any device.
        degradation: Such as ``"noise:sigma=50"``, or what `parse` makes of it.
        generator: A CPU generator; the only source of randomness.

    Returns:
        See `apply`.

    Raises:
        UsageError: See `parse`.
    """
    steps = parse(degradation) if isinstance(degradation, str) else degradation
    return apply(image, draw(steps, len(image), (image.shape[2], image.shape[3]), generator))


def apply_step(image: Tensor, step: Drawn) -> tuple[Tensor, Tensor | None]:
    """Apply one step to its images; ``image`` is overwritten where no gradient needs it."""
    operator = KINDS[step.kind].operator(step.version)
    if len(step.indices) == len(image):
        return operator(image, step.parameters, step.seeds)
    there = step.indices.to(image.device)
    part, hidden = operator(image[there], step.parameters, step.seeds)
    if hidden is not None:
        nothing = torch.zeros_like(image[:, :1])
        hidden = nothing.index_copy(0, there, hidden)
    put = image.index_copy if image.requires_grad else image.index_copy_
    return put(0, there, part), hidden


def to_json(drawn: Sequence[Drawn], index: int) -> list[dict[str, Any]]:
    """Return the steps of one image as plain values, to be stored as JSON.

    Args:
        drawn: From `draw`.
        index: The image's index in its batch.

    Returns:
        One row per step: "kind", "version", "seed" and the parameters by name; what `from_json` reads.
    """
    rows = []
    for step in drawn:
        for i in (step.indices == index).nonzero().flatten().tolist():
            values = {name: value[i].tolist() for name, value in step.parameters.items()}
            rows.append({"kind": step.kind, "version": step.version, "seed": int(step.seeds[i]), **values})
    return rows


def from_json(rows: Sequence[Mapping[str, Any]]) -> list[Drawn]:
    """Read the stored steps of one image, to be applied to a batch of one.

    Args:
        rows: From `to_json`; rows without "version", of release 0.1, are version 1.

    Raises:
        UsageError: A row that no image's degradation can have.
    """
    if not isinstance(rows, list | tuple):
        raise UsageError("the stored degradation is no list of steps; draw it anew")
    return [_from_row(number, row) for number, row in enumerate(rows, start=1)]


def _from_row(number: int, row: Mapping[str, Any]) -> Drawn:
    kind = KINDS.get(str(row.get("kind"))) if isinstance(row, Mapping) else None
    if kind is None:
        kinds = ", ".join(sorted(KINDS))
        raise UsageError(f"step {number} of the stored degradation is of no known kind; there are: {kinds}")
    if "version" not in row:
        row = {"version": 1, **kind.added, **row}
    if row["version"] not in range(1, kind.version + 1):
        what = f"step {number} of the stored degradation is version {row['version']} of {row['kind']}"
        raise UsageError(f"{what}, this package knows versions up to {kind.version}; update agerestore")
    try:
        values = {name: _read(kind, name, row[name]) for name in ("seed", *kind.parameters, *kind.listed)}
        if len({values[name].shape for name in kind.listed}) > 1:
            raise ValueError(f"{', '.join(kind.listed)} are not equally many")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"step {number} ({row['kind']}) of the stored degradation is damaged: {error}; draw it anew"
        ) from error
    seeds = values.pop("seed")
    return Drawn(row["kind"], values, seeds, torch.zeros(1, dtype=torch.int64), int(row["version"]))


def _read(kind: Kind, name: str, value: Any) -> Tensor:
    """Return one stored value as (1,) or (1, K).

    Raises:
        ValueError: The wrong number of values, or one out of its limits.
    """
    parameter = kind.parameters.get(name)
    read = torch.tensor([value], dtype=parameter.dtype if parameter else torch.int64)
    if read.ndim != 1 + (name in kind.listed):
        raise ValueError(f"{name} has the wrong number of values")
    if parameter and not ((read >= parameter.least) & (read <= parameter.most)).all():
        raise ValueError(f"{name} is not within {parameter.least:g} to {parameter.most:g}")
    return read
