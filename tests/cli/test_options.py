"""The form of the verbs: panels of `--help`, options where they have an effect, values that the shell completes."""

import json
import re

import pytest
import typer
from agerestore_cli import _completion
from agerestore_cli._options import PANELS
from agerestore_cli.app import app
from command import NOISE, run
from typer.testing import CliRunner

from agerestore.models import zoo

VERBS = {name: command for name, command in typer.main.get_command(app).commands.items() if name != "models"}


def help_of(*verb: str) -> str:
    return CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}).stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_a_panel_and_the_panels_keep_their_order(verb: str) -> None:
    shown = re.findall(r"^╭─ (.*?) ─", help_of(verb), re.MULTILINE)
    own = [panel for panel in shown if panel in PANELS]
    assert own == sorted(own, key=PANELS.index)
    assert set(shown) - set(own) <= {"Arguments", "Options"}
    options = help_of(verb).partition("╭─ Options")[2].partition("╰")[0]
    assert re.findall(r"--[a-z-]+", options) == ["--help"]  # the rest has a panel


@pytest.mark.parametrize("verb", VERBS)
def test_paragraphs_of_the_help_are_not_wrapped_by_hand(verb: str) -> None:
    prose = help_of(verb).partition("╭")[0].splitlines()
    assert all(line.rstrip().endswith((".", ":")) or len(line.rstrip()) > 150 for line in prose[2:] if line.strip())


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "list", "--device", "cpu"),
        ("models", "verify", "--device", "cpu"),
        ("models", "info", "mnist", "--seed", "1"),
        ("inspect", "in", "--device", "cpu"),
        ("inspect", "in", "--precision", "fp32"),
        ("degrade", "in", "out", *NOISE, "--precision", "fp32"),
        ("export", "x.onnx", "-m", "mnist", "--device", "cpu"),
        ("interpolate", "a.png", "b.png", "c.png", "--seed", "1"),
        ("sample", "a.png", "--verbose"),
        ("presets", "--device", "cpu"),
    ],
    ids=" ".join,
)
def test_options_without_effect_are_unknown(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_degradations_are_completed_step_by_step() -> None:
    assert _completion.degradations("noise:sigma=5,ho") == ["noise:sigma=5,hole", "noise:sigma=5,holes"]
    assert _completion.degradations("jpeg|poi") == ["jpeg|poisson"]


def test_presets_are_listed_and_completed() -> None:
    rows = [json.loads(line) for line in run("presets", "--json").stdout.splitlines()]
    assert {"age", "photo", "cars-color"} <= {row["name"] for row in rows}
    assert _completion.presets("photo-color-r") == ["photo-color-regression"]
    assert len(run("presets").stdout.splitlines()) == len(rows)


def test_models_are_completed() -> None:
    assert _completion.models("") == zoo.names()
    assert _completion.models_or_auto("a") == ["auto"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("agerestore restore -m ph", "photo"), ("agerestore train x --preset age-mn", "age-mnist"),
     ("agerestore degrade a b --degradation pois", "poisson"), ("agerestore restore --precision bf", "bf16")],
)  # fmt: skip
def test_the_shell_completes_values(words: str, expected: str) -> None:
    environment = {"_ROOT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner().invoke(app, [], prog_name="root", env=environment)
    assert expected in result.stdout.split()


def test_errors_have_a_code_for_scripts() -> None:
    missing = run("restore", "nowhere", "out", "--json")
    assert json.loads(missing.stdout)["code"] == "NothingReadableError"
    assert missing.exit_code == 3
    assert json.loads(run("models", "info", "unknown", "--json").stdout)["code"] == "WeightsError"
