"""Presets: published values, how rows combine, and that what repeats papers is reached by name alone."""

import subprocess
import sys

import pytest

from agerestore.config import presets
from agerestore.config.training import train_config
from agerestore.errors import UsageError


def test_users_presets_come_first_and_each_says_in_one_line_what_it_is_for():
    users, everything = presets.presets(research=False), presets.presets()
    assert list(everything)[: len(users)] == list(users)
    assert {"age", "age-mnist", "photo", "color", "age-cifar10"} <= users.keys()
    assert {"aae-mnist-semi", "vae-celeba", "age-celeba-paper"} <= everything.keys() - users.keys()
    for about in everything.values():
        assert 10 < len(about) < 100
        assert "\n" not in about


@pytest.mark.parametrize(
    ("name", "steps", "mu", "lam"),
    [  # README of the code and section 3.1 of the paper
        ("age-celeba", 3, 10, 1000),
        ("age-celeba-finetune", 3, 15, 1000),
        ("age-cifar10", 2, 10, 1000),
        ("age-tinyimagenet", 2, 10, 2000),
        ("age-svhn-paper", 2, 10, 1000),
    ],
)
def test_the_published_plan_is_that_of_equations_5_and_6(name, steps, mu, lam):
    updates = train_config(name).updates
    assert updates["encoder"].weights == {"kl_real": 1, "kl_fake": -1, "match_x": mu}
    assert updates["generator"].weights == {"kl_fake": 1, "match_z": lam}
    assert (updates["encoder"].steps, updates["generator"].steps) == (1, steps)


def test_a_row_replaces_settings_of_its_base_and_leaves_the_others(monkeypatch):
    rows = {
        "a": presets.Preset("", {"network.width": 3, "network.latent_dim": 5, "updates": {"encoder": {"steps": 2}}}),
        "b": presets.Preset("", {"network.width": 4, "updates.encoder.steps": 7}, base="a"),
    }
    monkeypatch.setattr(presets, "PRESETS", rows)
    assert presets.settings_of("b") == {
        "network": {"width": 4, "latent_dim": 5},
        "updates": {"encoder": {"steps": 7}},
    }
    assert presets.settings_of("a")["updates"] == {"encoder": {"steps": 2}}  # which b did not change


def test_another_objective_keeps_sizes_and_schedule_and_brings_networks_and_update_steps():
    row = {
        "network": {"width": 3, "latent_dim": 5, "classes": 9, "prior": "mixture"},
        "steps": 7, "lr": 1, "views": True, "updates": {"encoder": {}},
    }  # fmt: skip
    found = presets.with_objective(row, "vae")
    assert found["network"] == {"width": 3, "latent_dim": 5, "prior": "gaussian", "posterior": "gaussian"}
    assert found["updates"] == {"encoder+generator": {"weights": {"kl": 1, "nll": 1}}}
    assert (found["steps"], found["lr"], found["objective"]) == (7, 1e-3, "vae")
    assert "views" not in found


def test_an_unknown_preset_is_answered_with_those_that_are_spelled_alike():
    with pytest.raises(UsageError, match="no preset 'aae-mnist-sem'; choose one such as aae-mnist-semi"):
        train_config("aae-mnist-sem")
    with pytest.raises(UsageError, match="no preset 'zzz'; choose one such as age, age-mnist"):
        train_config("zzz")


LOADED = """
import sys
from agerestore.config.training import train_config
from agerestore.losses.registry import build_objective
build_objective(train_config({!r}))
print(*(name for name in sys.modules if name.startswith("agerestore.research.objectives.")))
"""


@pytest.mark.parametrize(("preset", "loaded"), [("age", False), ("vae-mnist", True)])
def test_objectives_of_papers_are_loaded_when_one_is_named(preset, loaded):
    done = subprocess.run([sys.executable, "-c", LOADED.format(preset)], capture_output=True, text=True, check=True)
    assert ("agerestore.research.objectives.vae" in done.stdout) == loaded
