"""Names that were others in files written by version 0.1: the one table of old -> new, applied where files are read.

Headers of weights, ``config.json``, ``provenance.json``, ``log.jsonl`` and training states keep the names they were
written with; each is translated once, on its way in, and everything behind that knows the new names alone. To rename
something that is on disk, add a row here and nowhere else.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")

# Of a training configuration, by the old dotted path: the new last part of it. A stage, such as "settle", is a field.
TRAINING = {
    "grey": "gray",
    "graph": "cuda_graph",
    "enlarged": "upscaled",
    "damage": "degradation",
    "robust.damage": "degradation",
    "turns": "updates",
    "estimate.turn": "update",
    "settle": "finetune",
    "settle.turn": "update",
    "robust.turn": "update",
    "paints": "code_prior",
    "paints.turn": "update",
}
# Kinds of degradations that are others by now; a run goes on with those that it was begun with.
DEGRADATIONS = {
    "jpeg": "jpeg@1",
    "old-photo": "grain,fading,blur:sigma=0..1.2,scratches,dust,jpeg@1:quality=50..95",
}
TRAINING_VALUES = {"divergence": {"official": "age_code"}}
NETWORK = {  # of the configuration of networks, by its field
    "heads": "class_embeddings",
    "spread": "logit_scale",
    "told": "critic_classes",
    "game_widths": "sampler_widths",
    "paints": "prior_components",
}
TERMS = {  # of losses
    "centre": "regression",
    "energy": "variance_ratio",
    "heads_apart": "embedding_margin",
    "code_slope": "code_gradient_penalty",
}
STAGES = {"game": "adversarial", "settle": "finetune", "paints": "code_prior"}
PLAYERS = {"paints": "code_prior"}  # networks by their name, and with that the first part of names of tensors
TENSORS = {  # of weights and states: parts of names within a whole model
    "enter": "stem",
    "shrink": "downsample",
    "grow": "upsample",
    "leave": "head",
    "heads": "class_embeddings",
}
HEADER = {"terms": "data_license", "game": "adversarial_training"}
_DEGRADATION = re.compile(rf"(?<![^,|])({'|'.join(DEGRADATIONS)})(?![^:,|])")
METRICS = {"grey": "gray", "samples_centre": "samples_estimate"}  # of the ``validation`` of a header


def training(values: Mapping[str, Any]) -> dict[str, Any]:
    """A training configuration as JSON has it, under the names of now."""
    found = _renamed(values, "")
    for key, table in TRAINING_VALUES.items():
        if key in found:
            found[key] = table.get(found[key], found[key])
    if isinstance(found.get("network"), Mapping):
        found["network"] = network(found["network"])
    return found


def network(values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of networks as JSON has it, under the names of now."""
    found = _keys(values, NETWORK)
    if isinstance(found.get("players"), list):
        found["players"] = [PLAYERS.get(name, name) for name in found["players"]]
    return found


def header(values: Mapping[str, Any]) -> dict[str, Any]:
    """The header of a weights file, or the provenance of a run, under the names of now."""
    found = _keys(values, HEADER)
    tables = {"network": network, "training": training, "adversarial_training": training, "validation": metrics}
    for key, translate in tables.items():
        if isinstance(found.get(key), Mapping):
            found[key] = translate(found[key])
    return found


def metrics(values: Mapping[str, Value]) -> dict[str, Value]:
    """What was measured of networks, under the names of now."""
    return _keys(values, METRICS)


def stage(name: str) -> str:
    """The name of a stage, such as a line of ``log.jsonl`` gives it."""
    return STAGES.get(name, name)


def tensors(values: Mapping[str, Value]) -> dict[str, Value]:
    """The tensors of a model's weights, under the names of now."""
    return {_tensor(name): value for name, value in values.items()}


def state(values: Mapping[str, Value]) -> dict[str, Value]:
    """The tensors of a training state, under the names of now: of two models, and of an optimizer for each player."""
    found = {}
    for name, value in values.items():
        part, _, rest = name.partition(".")
        if part == "adam":
            player, _, rest = rest.partition(".")
            found[f"adam.{_joined(player)}.{rest}"] = value
        else:
            found[f"{part}.{_tensor(rest)}"] = value
    return found


def random_key(name: str) -> str:
    """The name that the random numbers of a stage or player derive from: the one it had first.

    So that a run that was begun under an old name goes on with the numbers it would have had.
    """
    first = {new: old for table in (STAGES, PLAYERS) for old, new in table.items()}
    return "+".join(first.get(part, part) for part in name.split("+"))


def _keys(values: Mapping[str, Value], table: Mapping[str, str]) -> dict[str, Value]:
    return {table.get(key, key): value for key, value in values.items()}


def _renamed(values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Fields of a configuration; below ``turns`` are players, and below ``weights`` terms."""
    found = {}
    for key, value in values.items():
        new = TRAINING.get(path + key, _joined(key) if path in ("turns.", "updates.") else key)
        if key == "weights" and isinstance(value, Mapping):
            value = _keys(value, TERMS)
        elif key == "damage":
            value = _DEGRADATION.sub(lambda kind: DEGRADATIONS[kind[0]], value)
        elif isinstance(value, Mapping) and key != "network":
            value = _renamed(value, f"{path}{key}.")
        found[new] = value
    return found


def _joined(player: str) -> str:
    """A player, or several joined by +."""
    return "+".join(PLAYERS.get(part, part) for part in player.split("+"))


def _tensor(name: str) -> str:
    """``estimator.enter.weight`` is now ``estimator.stem.weight``."""
    first, *parts = name.split(".")
    return ".".join([PLAYERS.get(first, first), *(TENSORS.get(part, part) for part in parts)])
