"""The library names keywords and functions, the command options and verbs: held against the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from agerestore_cli._wording import KEYWORD, in_options
from agerestore_cli.app import app

import agerestore

LIBRARY = Path(agerestore.__file__).parent
COMMAND = re.compile(
    r"(?<![\w-])--[a-z]|(?<![\w-])-[a-z] |(?<!reinstall )agerestore [a-z]|std(in|out)\b|standard (in|out)put"
)


def strings() -> Iterator[tuple[str, str]]:
    """Every string of the library that is no docstring, and where it is."""
    for path in sorted(LIBRARY.rglob("*.py")):
        tree = ast.parse(path.read_text())
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield f"{path.relative_to(LIBRARY)}:{node.lineno}", node.value


def options() -> set[str]:
    """The options of all verbs."""
    found: set[str] = set()
    groups = [typer.main.get_command(app)]
    while groups:
        for command in groups.pop().commands.values():
            if hasattr(command, "commands"):
                groups.append(command)
            found.update(name for parameter in command.params for name in parameter.opts)
    return found


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("exists; pass `overwrite=True` or choose", "exists; pass --overwrite or choose"),
        ("`in_place` needs a `suffix`", "--in-place needs a --suffix"),
        ("take `model='photo'`", "take -m photo"),
        ("use `colorize(force=True)` to", "use agerestore colorize --force to"),
        ("use `colorize()`, or `samples=2`", "use agerestore colorize, or -n 2"),
        ("`age-mnist` is a preset", "`age-mnist` is a preset"),
    ],
)
def test_keywords_become_options_and_functions_verbs(message: str, said: str) -> None:
    assert in_options(message) == said


def test_no_string_of_the_library_names_an_option_or_a_verb_of_the_command() -> None:
    assert [(where, text) for where, text in strings() if COMMAND.search(text)] == []


def test_every_keyword_in_a_message_is_an_option_of_the_command() -> None:
    known = options() | {"agerestore", "--details"}  # which only Python has
    unknown = [
        (where, found.group())
        for where, text in strings()
        for found in KEYWORD.finditer(text)
        if in_options(found.group()).split()[0] not in known
    ]
    assert unknown == []
