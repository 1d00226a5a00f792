"""Public names keep to the words of CONTRIBUTING.md."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("agerestore", "cli") for path in (ROOT / folder).rglob("*.py"))
LEGACY = {"config/legacy.py"}  # whose business are the words that files of version 0.1 hold


def unwanted_words():
    """The words of the first column, whose second says what to say instead."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return {
        word.strip(): instead.strip()
        for words, instead in rows if words.strip() not in ("not", "---")
        for word in re.sub(r"\(.*?\)", "", words).split(",")
    }  # fmt: skip


def public_names(tree):
    """Names of functions, classes, their parameters and fields, and constants, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for name in (each for target in targets if target is not None for each in ast.walk(target)):
                if isinstance(name, ast.Name):
                    yield name.id, node.lineno


def words_of(name):
    """The parts of snake_case and CamelCase, in lower case."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_the_words_of_a_name_are_told_apart():
    assert words_of("LowResFill") == ["low", "res", "fill"]
    assert words_of("_UNKNOWN_VALUE") == ["unknown", "value"]


def test_the_table_is_read():
    assert unwanted_words()["grey"] == "gray"
    assert len(unwanted_words()) > 30


@pytest.mark.parametrize("folder", ["agerestore", "cli"])
def test_public_names_keep_to_the_words_of_the_field(folder):
    unwanted = unwanted_words()
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}, say {unwanted[word]!r}"
        for path in SOURCES
        if path.is_relative_to(ROOT / folder) and not path.as_posix().endswith(tuple(LEGACY))
        for name, line in public_names(ast.parse(path.read_text())) if not name.startswith("_")
        for word in words_of(name) if word in unwanted
    ]  # fmt: skip
    assert not found, "\n".join(found)


def test_no_module_is_named_for_nothing():
    assert not [path for path in SOURCES if path.stem in ("utils", "core", "helpers", "manager")]
