"""The kinds: what is drawn for each, and the list of them."""

import pytest
from degraded import rng

from agerestore.degradations import ALIASES, KINDS, describe, draw, parse


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_drawn_within_their_ranges(kind):
    (drawn,) = draw(parse(kind), 200, (32, 32), rng())
    for name, parameter in KINDS[kind].parameters.items():
        values = drawn.parameters[name].float()
        values = values[values > 0] if name in KINDS[kind].listed else values  # a size of 0 is no box
        assert values.min() >= parameter.low
        assert values.max() <= parameter.high
        spread = parameter.high - parameter.low
        assert values.max() - values.min() >= 0.8 * spread


def test_describe_has_a_line_for_each_kind_parameter_and_alias():
    entries = {entry.name: entry for entry in describe()}
    kinds = [name for name in entries if name in KINDS]
    assert kinds == sorted(KINDS)
    assert set(entries) == {*KINDS, *ALIASES, *(f"{name}:{key}" for name in KINDS for key in KINDS[name].parameters)}
    assert entries["noise:sigma"][1:3] == ("0..55", "0..255")
    assert entries["hole:size"].default == "14"
    for name, _, _, text in entries.values():
        assert text
        assert parse(name.partition(":")[0])  # every name is a degradation
    for name, default, limits, _ in entries.values():
        for value in filter(None, (default, limits)):
            assert parse(f"{name}={value}")
