"""What the house promises as a whole: cheap start-up, documentation that runs, examples that run."""

import configparser
import doctest
import importlib.util
import inspect
import pkgutil
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import agerestore

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MODULES = ["agerestore", *(m.name for m in pkgutil.walk_packages(agerestore.__path__, "agerestore."))]
HEAVY = ("torchvision", "kornia", "albumentations", "skimage", "scipy")
VERBS = (
    "load", "restore", "colorize", "restore_files", "inspect", "degrade", "train", "evaluate", "sample", "interpolate",
)  # fmt: skip


def source_of(name):
    return Path(importlib.util.find_spec(name).origin).read_text()


def loaded_after(code):
    """Top-level modules that a fresh interpreter has loaded after running ``code``."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stderr.split())


@pytest.mark.parametrize(
    "argument", ["--help", "--version", "restore --help", "colorize --help", "serve --help", "train --help"]
)
def test_help_and_version_load_no_torch(argument):
    code = "from agerestore_cli.app import app\ntry:\n    "
    code += f"app({argument.split()!r})\nexcept SystemExit as e:\n    assert not e.code"
    assert not loaded_after(code) & {"torch", "numpy", "PIL", "cv2", "safetensors", "starlette", "uvicorn", *HEAVY}


def test_completion_loads_no_torch():
    words = {"_AGERESTORE_COMPLETE": "complete_bash", "COMP_WORDS": "agerestore rest", "COMP_CWORD": "1"}
    code = (
        f"import os, sys\nos.environ |= {words}\nsys.argv[:] = ['agerestore']\n"
        "from agerestore_cli.app import main\ntry:\n    main()\nexcept SystemExit as e:\n    assert not e.code"
    )
    assert not loaded_after(code) & {"torch", "numpy", "PIL", "cv2", "safetensors", *HEAVY}


def test_restoring_one_file_loads_nothing_heavy(tmp_path):
    source = EXAMPLES / "clean" / "digit-3.png"
    code = (
        "from agerestore_cli.app import app\ntry:\n"
        f"    app(['restore', {str(source)!r}, {str(tmp_path / 'out.png')!r}, '-q'])\n"
        "except SystemExit as e:\n    assert not e.code"
    )
    loaded = loaded_after(code)
    assert "torch" in loaded
    assert not loaded & set(HEAVY)
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", [name for name in MODULES if ">>>" in source_of(name)])
def test_the_examples_in_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed


def test_every_module_can_be_imported_and_every_verb_called_afterwards(tmp_path):
    """No module may take the place of a function of the same name."""
    for name in MODULES:
        importlib.import_module(name)
    assert not [verb for verb in VERBS if inspect.ismodule(getattr(agerestore, verb))]
    model, digit = agerestore.load("mnist"), EXAMPLES / "clean" / "digit-3.png"
    degraded = agerestore.degrade(digit, "noise:sigma=10", seed=0)
    assert agerestore.inspect(digit).color_mode == "gray"
    assert agerestore.restore(degraded, model=model).shape == degraded.shape
    assert len(agerestore.colorize(EXAMPLES / "car.jpg", samples=1)) == 1
    assert agerestore.restore_files(digit, tmp_path / "out.png", model=model).done == 1
    assert agerestore.sample(2, model=model).dtype == np.uint8
    assert len(agerestore.interpolate(digit, digit, model=model, steps=3)) == 3
    assert agerestore.evaluate(model, EXAMPLES / "clean", degradation="noise:sigma=9", limit=2)
    settings = [
        "network.width=1",
        "network.channels=1",
        "steps=1",
        "batch_size=4",
        "robust.steps=0",
        "finetune.steps=0",
    ]
    weights = agerestore.train(EXAMPLES / "clean", out=tmp_path / "run", preset="age", settings=settings)
    assert weights.name == "final.safetensors"


def test_every_folder_is_in_the_wheel():
    listed = configparser.ConfigParser()
    listed.read(ROOT / "setup.cfg")
    own = [path for folder in ("agerestore", "cli") for path in (ROOT / folder).rglob("__init__.py")]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in own}
    names = {f"agerestore_{name}" if name.startswith("cli") else name for name in folders}
    assert names | {"agerestore_pretrained"} == set(listed["options"]["packages"].split())
    assert listed["options.package_data"]["agerestore_cli.page"] == "static/*"


def test_the_package_has_few_entries():
    entries = {path.name for path in (ROOT / "agerestore").iterdir()} - {"py.typed", "__pycache__"}
    assert len(entries) <= 21
    assert not {Path(name).stem for name in entries} & set(VERBS)


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("0*.py")))
def test_examples_run(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert capsys.readouterr().out


def test_the_example_gains_what_restoring_should():
    assert runpy.run_path(str(EXAMPLES / "02_damage_and_measure.py"))["main"]() > 5


def test_public_names_are_there():
    assert all(getattr(agerestore, name) is not None for name in agerestore.__all__)
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        agerestore.magic  # noqa: B018
