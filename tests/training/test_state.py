"""Stages, players and what networks learn; compiled networks."""

import json
import shutil

import pytest
import torch
from tiny_runs import TINY, equal, fit, weights

from agerestore.config.training import train_config
from agerestore.errors import UsageError
from agerestore.models import weights as checkpoint
from agerestore.training import state as training

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of the compiler itself
def test_compiled_networks_learn_the_same(images, tmp_path):
    """In single precision sums in another order are all that differs."""
    settings = (
        *TINY,
        "finetune.steps=0",
        "robust.steps=0",
        "steps=2",
        "network.architecture=mlp",
        "updates.generator.steps=1",
    )
    eager, compiled = (
        weights(fit(train_config("age-mnist", (*settings, f"compiled={each}")), images, tmp_path / each))
        for each in ("false", "true")
    )
    torch.testing.assert_close(compiled, eager, rtol=1e-2, atol=1e-3)
    made = training.Training(train_config("age-mnist", (*settings, "compiled=true")), images, torch.device("cpu"))
    assert all(network._compiled_call_impl is not None for network in made.model.children())


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of the compiler itself
def test_what_objectives_ask_besides_answers_is_compiled_too(images):
    """A VAE asks its encoder for a posterior and never for a code."""
    settings = (*TINY, "network.architecture=mlp", "robust.steps=0")
    eager, compiled = (
        training.Training(train_config("vae-mnist", (*settings, f"compiled={each}")), images, torch.device("cpu"))
        for each in ("false", "true")
    )
    for state in (eager, compiled):
        state.iterate()
    torch.testing.assert_close(compiled.iterate(), eager.iterate(), rtol=1e-3, atol=1e-4)  # after a step of each
    assert compiled.model.encoder.posterior._torchdynamo_orig_callable.__name__ == "posterior"
    assert not hasattr(eager.model.encoder.posterior, "_torchdynamo_orig_callable")


def test_without_a_compiler_nothing_is_compiled(images, tmp_path, monkeypatch):
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "no-such-compiler"))
    with pytest.raises(UsageError, match="needs a C\\+\\+ compiler"):
        fit(train_config("age-mnist", (*TINY, "compiled=true")), images, tmp_path / "run")


def test_a_graph_needs_a_gpu(images, tmp_path):
    with pytest.raises(UsageError, match="cuda_graph=true is for a CUDA device and one process"):
        fit(train_config("age-mnist", (*TINY, "cuda_graph=true")), images, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_term_that_does_not_exist_is_named_instead_of_ignored(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "updates.encoder.weights.match_y=1"))
    with pytest.raises(UsageError, match=r"updates\.encoder\.weights: no term 'match_y'; there are kl_real, kl_fake"):
        fit(config, images, tmp_path / "run")


def test_a_player_with_nothing_to_minimize_sits_out(images, tmp_path):
    nothing = (
        "updates.generator.weights.kl_fake=0",
        "updates.generator.weights.match_z=0",
        "updates.generator.weights.match_x=0",
    )
    state = training.Training(train_config("age-mnist", (*TINY, *nothing)), images, torch.device("cpu"))
    assert state.stage.players == ["encoder"]
    assert {name.split("/")[0] for name in state.iterate()} == {"encoder"}


def test_the_robust_stage_leaves_encoder_and_generator_alone(images, tmp_path):
    config = train_config("age-mnist", TINY)
    state = training.Training(config, images, torch.device("cpu"))
    state.enter(2)
    before = {name: value.clone() for name, value in state.average.state_dict().items()}
    for _ in range(3):
        state.iterate()
    changed = {name.split(".")[0] for name, value in state.average.state_dict().items()
               if not torch.equal(value, before[name])}  # fmt: skip
    assert changed == {"robust_encoder"}


def test_training_learns_to_reconstruct(images, tmp_path):
    longer = ("steps=80", "network.width=8", "network.latent_dim=8", "lr=5e-3", "log_every=10", "state_minutes=9")
    config = train_config("age-mnist", (*TINY, *longer, "finetune.steps=0", "robust.steps=0"))
    fit(config, images, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    match_x = [row["encoder/match_x"] for row in rows if "encoder/match_x" in row]
    assert match_x[-1] < 0.6 * match_x[0]


def test_weights_with_spectral_norms_are_plain_in_a_file_and_gone_on_with(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "network.spectral=true"))
    path = fit(config, images, tmp_path / "run")
    assert not [name for name in weights(path) if "parametrizations" in name]
    trained = checkpoint.load_weights(path)
    further = training.Training(config, images, torch.device("cpu"))
    further.start_from(trained)
    x = images.images[:5].float() / 255
    torch.testing.assert_close(further.average.encode(x), trained.networks.encode(x), atol=1e-3, rtol=1e-3)


def test_a_robust_encoder_can_be_tuned_alone(images, tmp_path):
    path = fit(train_config("age-mnist", TINY), images, tmp_path / "run")
    alone = train_config("age-mnist", (*TINY, "steps=0", "finetune.steps=0"))
    again = weights(fit(alone, images, tmp_path / "again", init=checkpoint.load_weights(path)))
    before = weights(path)
    kept = [name for name in before if not name.startswith("robust_encoder")]
    assert all(torch.equal(again[name], before[name]) for name in kept)
    assert again.keys() == before.keys()
    assert not equal(again, before)
