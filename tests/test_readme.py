"""The README tells the truth: its Python runs, its options exist, CI runs its test command."""

import re
from pathlib import Path

import pytest
from agerestore_cli.app import app
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_runs(code, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})


def test_its_options_exist():
    commands = [line.split("#")[0].split() for block in blocks("") for line in block.splitlines()]
    ours = [words for words in commands if words[:1] == ["agerestore"]]
    assert len(ours) >= 5
    for words in ours:
        shown = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.exit_code == 0, words
        options = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", shown.stdout))
        assert {word for word in words if re.match("-.", word)} <= options


def test_ci_runs_exactly_its_test_command():
    command = "pip install '.[test]' && pytest -n 2 --dist worksteal"
    assert f"```\n{command}\n```" in README
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()
