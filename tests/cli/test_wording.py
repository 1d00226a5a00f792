"""The library names keywords and functions, the command options and verbs: held against the sources."""

import pytest
from agerestore_cli._wording import in_options


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("exists; pass `overwrite=True` or choose", "exists; pass --overwrite or choose"),
        ("`in_place` needs a `suffix`", "--in-place needs a --suffix"),
        ("take `model='photo'`", "take -m photo"),
        ("use `colorize()`, or `samples=2`", "use agerestore colorize, or -n 2"),
        ("`age-mnist` is a preset", "`age-mnist` is a preset"),
    ],
)
def test_keywords_become_options_and_functions_verbs(message: str, said: str) -> None:
    assert in_options(message) == said
