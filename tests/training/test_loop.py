import json
import math
import shutil

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet, PhotoSet
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.models import weights as checkpoint
from agerestore.models import zoo
from agerestore.models.fuse import fuse
from agerestore.training import cost, session, stages
from agerestore.training import state as training
from agerestore.training.resume import load_state

TINY = (
    "network.width=2", "network.latent_dim=4", "batch_size=8", "steps=6", "finetune.steps=2", "robust.steps=4",
    "robust.batch_size=8", "validation=0.2", "log_every=2", "sheet_every=4", "state_minutes=0", "precision=fp32",
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    """Squares of several sizes and places: something to learn."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.zeros(60, 1, 32, 32, dtype=torch.uint8)
    for picture in pictures:
        side, top, left = torch.randint(4, 16, (3,), generator=generator).tolist()
        picture[0, top : top + side, left : left + side] = 255
    return ImageSet(pictures)


def weights(path):
    return checkpoint.load_weights(path).networks.state_dict()


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_leaves_weights_a_log_sheets_and_its_configuration(images, tmp_path):
    seen = []
    path = session.fit(train_config("age-mnist", TINY), images, tmp_path / "run", progress=seen.append,
                       provenance={"data_license": "drawn here"})  # fmt: skip
    header = checkpoint.read_header(path)
    assert header["data_license"] == "drawn here"
    assert header["images_seen"] == (6 + 2 + 4) * 8
    assert set(header["domain"]) == {"unexplained", "reencoding"}
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    logged = [row for row in rows if "encoder/kl_real" in row]
    assert [(row["stage"], row["step"]) for row in logged] == [
        ("adversarial", 2),
        ("adversarial", 4),
        ("adversarial", 6),
        ("finetune", 2),
    ]
    assert any("robust_encoder/image" in row for row in rows)
    assert {path.name for path in (tmp_path / "run" / "sheets").iterdir()} == {
        "adversarial-0000004.png", "adversarial-0000006.png", "finetune-0000002.png", "robust-0000004.png"}  # fmt: skip
    assert (seen[-1].stage, seen[-1].step, seen[-1].steps) == ("robust", 4, 4)


@pytest.mark.parametrize("killed_after", [1, 3, 6, 7, 10])
def test_killed_and_resumed_equals_the_uninterrupted_run_bit_for_bit(images, tmp_path, killed_after):
    config = train_config("age-mnist", TINY)
    whole = session.fit(config, images, tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) == killed_after

    run = tmp_path / "run"
    if killed_after == 6:  # the last iteration of the game: asked to stop there, the stage is done and goes on
        session.fit(config, images, run, stop=stop)
    else:
        with pytest.raises(KeyboardInterrupt):
            session.fit(config, images, run, stop=stop)
        assert not (run / "final.safetensors").exists()
        session.fit(config, images, run, resume=True)
    assert equal(weights(whole), weights(run / "final.safetensors"))


def test_the_log_of_a_resumed_run_is_that_of_an_uninterrupted_one(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "state_minutes=9", "log_every=1"))  # saved at the end of each stage
    session.fit(config, images, tmp_path / "whole")
    calls, run = [], tmp_path / "run"

    def killed():
        calls.append(None)
        if len(calls) == 11:  # in the third stage: the last state is that of the end of the second
            raise OSError("the machine is gone")

    with pytest.raises(OSError, match="gone"):
        session.fit(config, images, run, stop=killed)
    with (run / "log.jsonl").open("a") as file:
        file.write('{"stage": "robust", "st')
    session.fit(config, images, run, resume=True)
    assert (run / "log.jsonl").read_text() == (tmp_path / "whole" / "log.jsonl").read_text()


def test_bf16_resumes_exactly_too(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "precision=bf16", "finetune.steps=0"))
    whole = session.fit(config, images, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        session.fit(config, images, tmp_path / "run", stop=lambda: True)
    assert equal(weights(whole), weights(session.fit(config, images, tmp_path / "run", resume=True)))


def test_spectral_norms_resume_exactly_too_and_are_1_in_the_average(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "network.spectral=true", "lr=0.02"))
    whole = session.fit(config, images, tmp_path / "whole")
    encoder = fuse(checkpoint.load_weights(whole).networks.encoder)
    layers = [layer for layer in encoder.modules() if isinstance(layer, torch.nn.Conv2d)]
    norms = torch.stack([torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in layers])
    torch.testing.assert_close(norms, torch.ones(len(layers)), atol=0.1, rtol=0)
    calls = []
    with pytest.raises(KeyboardInterrupt):
        session.fit(config, images, tmp_path / "run", stop=lambda: calls.append(None) or len(calls) == 3)
    assert equal(weights(whole), weights(session.fit(config, images, tmp_path / "run", resume=True)))


def test_layers_that_draw_resume_exactly_too(tmp_path):
    """The stage of paints has dropout; a sheet is drawn between its iterations, from torch's own generator."""
    pictures = torch.randint(0, 256, (24, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    config = train_config("cars-color", (
        "network.width=4", "network.latent_dim=4", "network.prior_components=3", "steps=2", "code_prior.steps=4",
        "batch_size=4", "precision=fp32", "augment=false", "sheet_every=3"))  # fmt: skip
    whole = session.fit(config, ImageSet(pictures), tmp_path / "whole")
    calls = []
    with pytest.raises(KeyboardInterrupt):
        session.fit(config, ImageSet(pictures), tmp_path / "run", stop=lambda: calls.append(None) or len(calls) == 4)
    torch.rand(7)
    assert equal(weights(whole), weights(session.fit(config, ImageSet(pictures), tmp_path / "run", resume=True)))


def test_a_run_from_given_weights_that_was_killed_at_once_resumes_from_them(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "finetune.steps=0", "robust.steps=0"))
    init = checkpoint.load_weights(session.fit(config, images, tmp_path / "first"))
    whole = session.fit(config, images, tmp_path / "whole", init=init)

    def killed():
        raise OSError("the machine is gone")

    with pytest.raises(OSError, match="gone"):
        session.fit(config, images, tmp_path / "run", init=init, stop=killed)
    path = session.fit(config, images, tmp_path / "run", resume=True)
    assert equal(weights(whole), weights(path))
    assert checkpoint.read_header(path)["images_seen"] == 2 * init.header["images_seen"]


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
        weights(session.fit(train_config("age-mnist", (*settings, f"compiled={each}")), images, tmp_path / each))
        for each in ("false", "true")
    )
    torch.testing.assert_close(compiled, eager, rtol=1e-2, atol=1e-3)
    made = training.Training(train_config("age-mnist", (*settings, "compiled=true")), images, torch.device("cpu"))
    assert all(network._compiled_call_impl is not None for network in made.model.children())


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of the compiler itself
def test_what_objectives_ask_beside_answers_is_compiled_too(images):
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
        session.fit(train_config("age-mnist", (*TINY, "compiled=true")), images, tmp_path / "run")


def test_a_graph_needs_a_gpu(images, tmp_path):
    with pytest.raises(UsageError, match="cuda_graph=true is for a CUDA device and one process"):
        session.fit(train_config("age-mnist", (*TINY, "cuda_graph=true")), images, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_seeds_matter(images, tmp_path):
    a = session.fit(train_config("age-mnist", TINY), images, tmp_path / "a")
    b = session.fit(train_config("age-mnist", (*TINY, "seed=1")), images, tmp_path / "b")
    assert not equal(weights(a), weights(b))


def test_resuming_with_other_settings_is_refused(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        session.fit(train_config("age-mnist", TINY), images, tmp_path, stop=lambda: True)
    with pytest.raises(UsageError, match="begun with other settings"):
        session.fit(train_config("age-mnist", (*TINY, "lr=1e-5")), images, tmp_path, resume=True)
    quicker = train_config("age-mnist", (*TINY, "log_every=7", "state_minutes=9"))
    with pytest.raises(KeyboardInterrupt):  # which is not refused
        session.fit(quicker, images, tmp_path, resume=True, stop=lambda: True)


def test_a_run_folder_in_use_is_refused(images, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(UsageError, match="not empty; pass `resume=True`"):
        session.fit(train_config("age-mnist", TINY), images, tmp_path)


def test_a_set_smaller_than_a_batch_is_refused(images, tmp_path):
    with pytest.raises(UsageError, match="fewer than one batch"):
        session.fit(train_config("age-mnist", (*TINY, "batch_size=64")), images, tmp_path / "run")


def test_a_term_that_does_not_exist_is_named_instead_of_ignored(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "updates.encoder.weights.match_y=1"))
    with pytest.raises(UsageError, match=r"updates\.encoder\.weights: no term 'match_y'; there are kl_real, kl_fake"):
        session.fit(config, images, tmp_path / "run")


def test_a_player_with_nothing_to_minimize_sits_out(images, tmp_path):
    nothing = (
        "updates.generator.weights.kl_fake=0",
        "updates.generator.weights.match_z=0",
        "updates.generator.weights.match_x=0",
    )
    state = training.Training(train_config("age-mnist", (*TINY, *nothing)), images, torch.device("cpu"))
    assert state.stage.players == ["encoder"]
    assert {name.split("/")[0] for name in state.iterate()} == {"encoder"}


def test_nan_ends_the_run_and_never_reaches_the_state(images, tmp_path, monkeypatch):
    config = train_config("age-mnist", TINY)
    iterate = training.Training.iterate

    def poisoned(self):
        terms = iterate(self)
        return {name: value * math.nan for name, value in terms.items()} if self.step == 4 else terms

    monkeypatch.setattr(training.Training, "iterate", poisoned)
    with pytest.raises(AgeRestoreError, match=r"adversarial iteration 4: .* is not finite; lower the learning rate"):
        session.fit(config, images, tmp_path / "run")
    assert load_state(tmp_path / "run")[1]["step"] == 3


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
    longer = ("steps=200", "network.width=8", "network.latent_dim=8", "lr=5e-3", "log_every=10", "state_minutes=9")
    config = train_config("age-mnist", (*TINY, *longer, "finetune.steps=0", "robust.steps=0"))
    session.fit(config, images, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    match_x = [row["encoder/match_x"] for row in rows if "encoder/match_x" in row]
    assert match_x[-1] < 0.6 * match_x[0]


@pytest.mark.parametrize(("kind", "expected"), [
    ("constant", [1, 1, 1]), ("linear", [1, 1, 0.5]), ("cosine", [1, 0.5, 0.5 * (1 - math.sqrt(0.5))]),
    ("step", [1, 0.25, 0.125]),
])  # fmt: skip
def test_schedules_at_the_start_the_middle_and_three_quarters(kind, expected):
    rate = stages.learning_rate(kind, 1.0, 100, epoch=5, every=5)
    assert [rate(0), rate(50), rate(75)] == pytest.approx([*expected])


def test_flops_of_an_encoder_step_are_those_counted_by_hand():
    # The official encoder at 32 pixels, layer by layer: output pixels x outputs x inputs x 16 weights.
    layers = [16 * 16 * 64 * 3 * 16, 8 * 8 * 128 * 64 * 16, 4 * 4 * 256 * 128 * 16, 2 * 2 * 128 * 256 * 16]
    # Forward and gradients of the weights take that each, gradients of the inputs all but the first layer's.
    multiply_adds = 3 * sum(layers) - layers[0]
    only_real = ("updates.encoder.weights.kl_fake=0", "updates.encoder.weights.match_x=0", "updates.generator.steps=0")
    config = train_config("age-cifar10", only_real)
    assert cost.flops_per_iteration(config)["adversarial"] == 2 * 64 * multiply_adds


def test_flops_of_the_estimator_are_those_counted_by_hand():
    config = train_config("photo", ("steps=0", "network.widths=[2,3,5]", "network.blocks=[1,1,2]"))
    # Inputs x outputs x weights of a kernel at full, half and quarter resolution: two blocks of two convolutions at the
    # first two, halving and doubling between them.
    full = 9 * 4 * 2 + 4 * 9 * 2 * 2 + 9 * 2 * 6
    half = 4 * 2 * 3 * 2 + 4 * 9 * 3 * 3
    quarter = 4 * 3 * 5 * 2 + 4 * 9 * 5 * 5
    pixels = 8 * 64 * 64
    multiply_adds = pixels * (3 * (full + half / 4 + quarter / 16) - 9 * 4 * 2)  # no gradient of the picture
    assert cost.flops_per_iteration(config) == {"estimate": 2 * multiply_adds}


SMALL_PHOTO = ("network.widths=[2,3,5]", "network.blocks=[1,1,1]", "network.latent_dim=4", "estimate.batch_size=2",
               "estimate.steps=1", "batch_size=4", "steps=1", "precision=fp32",
               "degradation=noise:sigma=25")  # fmt: skip


@pytest.mark.parametrize(("preset", "settings"), [
    ("age-mnist", (*TINY, "robust.degradation=noise:sigma=25")), ("ali-mnist", (*TINY, "robust.steps=0")),
    ("photo", SMALL_PHOTO),
])  # fmt: skip
def test_flops_are_those_of_a_true_iteration(images, preset, settings):
    config = train_config(preset, settings)
    pictures = PhotoSet(tuple(torch.zeros(3, 3, 64, 64, dtype=torch.uint8))) if preset == "photo" else images
    state, found = training.Training(config, pictures, torch.device("cpu")), {}
    for number, stage in enumerate(state.stages):
        state.enter(number)
        with FlopCounterMode(display=False) as counter:
            state.iterate()
        found[stage.name] = counter.get_total_flops()
    assert cost.flops_per_iteration(config) == found


def test_a_run_is_resumed_on_its_own_pictures_only(images, tmp_path):
    config = train_config("age-mnist", TINY)
    with pytest.raises(KeyboardInterrupt):
        session.fit(config, images, tmp_path, stop=lambda: True)
    with pytest.raises(UsageError, match="begun on other images"):
        session.fit(config, ImageSet(images.images.flip(0)), tmp_path, resume=True)
    header = checkpoint.read_header(session.fit(config, images, tmp_path, resume=True))
    assert header["training_images"] + header["held_out_images"] == 60
    assert header["held_out_images"] == round(60 * config.validation)
    assert "validation_of" not in header


def test_figures_of_training_pictures_are_called_so(images, tmp_path):
    header = checkpoint.read_header(session.fit(train_config("age-mnist", (*TINY, "validation=0")), images, tmp_path))
    assert (header["held_out_images"], header["validation_of"]) == (0, "training pictures")


def test_a_run_without_any_step_is_refused(images, tmp_path):
    nothing = train_config("age-mnist", (*TINY, "steps=0", "finetune.steps=0", "robust.steps=0"))
    with pytest.raises(UsageError, match="nothing to train"):
        session.fit(nothing, images, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_folder_of_a_run_is_its_model(images, tmp_path):
    path = session.fit(train_config("age-mnist", TINY), images, tmp_path / "run")
    assert equal(weights(path), zoo.load(tmp_path / "run").networks.state_dict())


def test_weights_with_spectral_norms_are_plain_in_a_file_and_gone_on_with(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "network.spectral=true"))
    path = session.fit(config, images, tmp_path / "run")
    assert not [name for name in weights(path) if "parametrizations" in name]
    trained = checkpoint.load_weights(path)
    further = training.Training(config, images, torch.device("cpu"))
    further.start_from(trained)
    x = images.images[:5].float() / 255
    torch.testing.assert_close(further.average.encode(x), trained.networks.encode(x), atol=1e-3, rtol=1e-3)


def test_a_robust_encoder_can_be_tuned_alone(images, tmp_path):
    path = session.fit(train_config("age-mnist", TINY), images, tmp_path / "run")
    alone = train_config("age-mnist", (*TINY, "steps=0", "finetune.steps=0"))
    again = weights(session.fit(alone, images, tmp_path / "again", init=checkpoint.load_weights(path)))
    before = weights(path)
    kept = [name for name in before if not name.startswith("robust_encoder")]
    assert all(torch.equal(again[name], before[name]) for name in kept)
    assert again.keys() == before.keys()
    assert not equal(again, before)
