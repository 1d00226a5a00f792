"""The cache key of results: the SHA-256 of everything they depend on besides the files that are read.

An option joins the key by declaration: a field of a dataclass of options is made with `option`, which says whether
the output depends on it, and `cache_key` refuses fields that do not say so. The names and values in the key are those
of the first manifests, whatever an option is called since, and an option that is younger joins when it is not at its
default, so that a folder begun then is still known.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agerestore.config.options import KEY


def cache_key(verb: str, *options: Any, **inputs: object) -> str:
    """Compute the cache key of the results of a verb.

    Args:
        verb: What is done, such as "restore".
        options: Instances of dataclasses whose fields are made with `option`.
        inputs: What else results depend on: digests of weights, the kind of device.

    Returns:
        Hexadecimal SHA-256.

    Raises:
        TypeError: A field does not say whether the output depends on it.
    """
    values: dict[str, object] = {"verb": verb}
    for group in options:
        values |= _values(group)
    return hashlib.sha256(json.dumps(values | inputs, sort_keys=True, default=str).encode()).hexdigest()


def _values(group: Any) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for each in fields(group):
        if KEY not in each.metadata:
            raise TypeError(f"{type(group).__name__}.{each.name}: say whether the output depends on it, with option()")
        declared, chosen = each.metadata[KEY], getattr(group, each.name)
        if declared is not None and not (declared.later and chosen == each.default):
            found[declared.name or each.name] = declared.value(chosen)
    return found
