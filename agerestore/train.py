"""The one training loop: turns -> terms -> steps, for every system; exact resume.

A run is a sequence of stages (the game, then the tuning of the robust encoder); a stage is a table of turns, a
function of terms and a schedule. The random state of every step derives from (seed, stage, step), so a killed run
continued equals an uninterrupted one, bit for bit on one machine, thread count and set of versions.
"""

import contextlib
import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from agerestore import checkpoint, degrade, domain
from agerestore.composite import fill_unknown
from agerestore.config import TrainConfig, Turn, read_config
from agerestore.data import ImageSet, batch_indices, derive_seed, resize, split_validation
from agerestore.divergence import DIVERGENCES, ideal
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.latent import sample
from agerestore.monitor import balance, reconstruction_psnr
from agerestore.networks import Autoencoder, build
from agerestore.objectives import AGE, Batch, Objective, robust_terms
from agerestore.sheet import contact_sheet


@dataclass(frozen=True)
class Stage:
    """A part of a run that is trained with one table of turns."""

    name: str
    objective: Objective
    turns: dict[str, Turn]
    steps: int
    batch_size: int
    lr: Callable[[int], float]
    damage: tuple[degrade.Step, ...] | None = None
    batch_statistics: bool = True  # of the batch norms of those who learn; else they keep the running ones

    @property
    def players(self) -> list[str]:
        """The networks that learn in this stage."""
        return [player for player, turn in self.turns.items() if turn.steps]


@dataclass(frozen=True)
class Progress:
    """Where a run stands: iterations of the current stage, and the weighed terms of the last ones."""

    stage: str
    step: int
    steps: int
    images_per_second: float
    terms: dict[str, float]


def schedule(kind: str, lr: float, steps: int, halve_every: int = 1) -> Callable[[int], float]:
    """Learning rate as a function of the iteration.

    Args:
        kind: ``constant``; ``linear`` or ``cosine``, which reach 0 at ``steps`` (linear only falls in the second
            half); ``halve``, halved every ``halve_every`` iterations.
        lr: the rate at iteration 0.
        steps: length of the stage.
        halve_every: iterations.
    """
    return {
        "constant": lambda step: lr,
        "linear": lambda step: lr * min(1.0, 2 * (1 - step / steps)),
        "cosine": lambda step: lr * (1 + math.cos(math.pi * step / steps)) / 2,
        "halve": lambda step: lr * 0.5 ** (step // halve_every),
    }[kind]


def iterations(config: TrainConfig, images: int) -> int:
    """How many iterations the game takes on a training part of ``images`` images."""
    return config.steps or max(1, int(config.epochs * max(images // config.batch_size, 1)))


def stages(config: TrainConfig, images: int) -> list[Stage]:
    """The stages of a run on a training part of ``images`` images."""
    steps, robust = iterations(config, images), config.robust
    best = ideal(config.divergence, config.network.latent_dim)
    ceiling = math.inf if config.margin is None else best + config.margin
    halve_every = config.lr_halve_every * max(images // config.batch_size, 1)
    game = Stage(
        name="game",
        objective=AGE(DIVERGENCES[config.divergence], config.match_x, config.match_z, ceiling),
        turns=config.turns,
        steps=steps,
        batch_size=config.batch_size,
        lr=schedule(config.lr_decay, config.lr, steps, halve_every),
    )
    settling = Stage(
        name="settle",
        objective=game.objective,
        turns={"encoder": config.settle.turn},
        steps=config.settle.steps,
        batch_size=config.batch_size,
        lr=schedule("cosine", config.settle.lr, max(config.settle.steps, 1)),
        batch_statistics=False,
    )
    tuning = Stage(
        name="robust",
        objective=robust_terms,
        turns={"robust_encoder": robust.turn},
        steps=robust.steps,
        batch_size=robust.batch_size,
        lr=schedule("cosine", robust.lr, max(robust.steps, 1)),
        damage=degrade.parse(robust.damage),
    )
    return [stage for stage in (game, settling, tuning) if stage.steps]


class Training:
    """The state of a run, and one iteration of it.

    Attributes:
        model: the networks that learn.
        average: their exponential moving average, which is what a run leaves behind.
        stage: the current stage.
        step: iterations of it that are done.
    """

    def __init__(self, config: TrainConfig, images: ImageSet, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.images = images.images.to(device)
        self.stages = stages(config, len(images))
        self.model = build(config.network, derive_seed("weights", config.seed)).to(device)
        self.model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model)
        self.enter(0)

    def enter(self, number: int) -> None:
        """Begin stage ``number`` with fresh optimisers; every stage after the first starts from the averages."""
        self.number, self.stage, self.step = number, self.stages[number], 0
        if "robust_encoder" in self.stage.players:
            self.average.add_robust_encoder()
        if number:
            self.model = copy.deepcopy(self.average)
        for name, network in self.model.named_children():
            learns = name in self.stage.players
            network.train(learns and self.stage.batch_statistics).requires_grad_(False)
        self.average.eval().requires_grad_(False)
        self.optimizers = {
            player: torch.optim.Adam(self._network(player).parameters(), betas=self.config.betas, fused=True)
            for player in self.stage.players
        }

    def _network(self, player: str) -> nn.Module:
        network = getattr(self.model, player, None)
        if not isinstance(network, nn.Module):
            raise UsageError(f"turns: no player {player!r}; choose from encoder, generator")
        return network

    def iterate(self) -> dict[str, Tensor]:
        """All turns once; returns the terms of each player's last step, as ``player/term``, on the device."""
        seen: dict[str, Tensor] = {}
        lr = self.stage.lr(self.step)
        for player in self.stage.players:
            turn = self.stage.turns[player]
            wanted = [name for name, weight in turn.weights.items() if weight]
            for k in range(turn.steps):
                terms = self._play(player, turn, wanted, self._batch(player, k), lr)
            seen |= {f"{player}/{name}": value.detach() for name, value in terms.items()}
        self._update_average()
        self.step += 1
        return seen

    def _play(self, player: str, turn: Turn, wanted: list[str], batch: Batch, lr: float) -> dict[str, Tensor]:
        network, optimizer = self._network(player), self.optimizers[player]
        for group in optimizer.param_groups:
            group["lr"] = lr
        network.requires_grad_(True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            terms = self.stage.objective(player, dict(self.model.named_children()), batch, wanted)
        loss = torch.stack([turn.weights[name] * value for name, value in terms.items()]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        network.requires_grad_(False)
        return terms

    def _batch(self, player: str, k: int) -> Batch:
        """The batch of one step: all players see the same images in an iteration, and codes of their own."""
        config, stage = self.config, self.stage
        seed = derive_seed(config.seed, stage.name, self.step, player, k)
        generator = torch.Generator(self.device).manual_seed(seed)
        indices = batch_indices(len(self.images), stage.batch_size, self.step, config.seed)
        pixels = self.images[indices.to(self.device)]
        if config.augment:
            from agerestore.augment import augment

            pixels = augment(pixels, config.network.image_size, derive_seed(config.seed, stage.name, self.step))
        x = pixels.float() / 255
        if config.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, generator=generator, device=self.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        damaged = None
        if stage.damage:
            size = (config.network.image_size,) * 2
            drawn = degrade.draw(stage.damage, len(x), size, torch.Generator().manual_seed(seed))
            damaged = fill_unknown(degrade.apply(x, drawn)) * 2 - 1
        z = sample(len(x), config.network.latent_dim, generator, config.network.prior)
        return Batch(x * 2 - 1, z, damaged)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and batch statistics; short at first, when all is change."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for name, network in self.model.named_children():
            if name not in self.stage.players:
                continue
            for mean, value in zip(_floats(getattr(self.average, name)), _floats(network), strict=True):
                mean.lerp_(value, 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, flat."""
        flat = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        flat |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for player, optimizer in self.optimizers.items():
            flat |= checkpoint.flatten_optimizer(optimizer, f"adam.{player}.")
        return flat

    def restore(self, tensors: dict[str, Tensor], stage: int, step: int) -> None:
        """Undo `tensors`."""
        self.enter(stage)
        for prefix, network in (("model.", self.model), ("average.", self.average)):
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for player, optimizer in self.optimizers.items():
            checkpoint.restore_optimizer(optimizer, tensors, f"adam.{player}.")
        self.step = step


def _floats(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from (buffer for buffer in network.buffers() if buffer.is_floating_point())


def train(
    config: TrainConfig,
    images: ImageSet,
    run: Path,
    *,
    device: torch.device | str = "cpu",
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = lambda progress: None,
    provenance: dict[str, Any] | None = None,
) -> Path:
    """Train a model and leave ``run/final.safetensors``.

    Beside it the run folder holds ``config.json``, ``log.jsonl`` (one line of terms every ``log_every``
    iterations), ``sheets/`` (samples and reconstructions) and, until the end, ``state/``, from which it resumes.

    Args:
        config: see `agerestore.config.train_config`.
        images: the whole training set; ``config.validation`` of it is held out.
        run: the folder to fill; must be new or empty unless ``resume``.
        device: where to train.
        resume: go on from the last good state in ``run``.
        stop: asked after every iteration; once true, the state is saved and KeyboardInterrupt raised.
        report: told the progress every ``log_every`` iterations.
        provenance: JSON values for the header of the weights, such as the name and terms of the training data.

    Returns:
        The path of the weights.

    Raises:
        UsageError: ``run`` is in use, or the set is smaller than one batch.
        AgeRestoreError: a loss became NaN or infinite; the last good state stays.
        KeyboardInterrupt: ``stop`` said so.
    """
    part, validation = split_validation(images, config.validation)
    if len(part) < max(config.batch_size, config.robust.batch_size):
        raise UsageError(f"{len(part)} images are fewer than one batch; add images or --set batch_size={len(part)}")
    run.mkdir(parents=True, exist_ok=True)
    training = Training(config, part, torch.device(device))
    journal = Journal(run, training, validation, report)
    if resume:
        _resume(training, run)
    elif any(run.iterdir()):
        raise UsageError(f"{run}: not empty; pass --resume to go on with it, or choose another --out")
    else:
        checkpoint.write_atomic(run / "config.json", config.model_dump_json(indent=1).encode())
    for number in range(training.number, len(training.stages)):
        if number != training.number:
            training.enter(number)
        _run_stage(training, journal, stop)
    weights = run / "final.safetensors"
    checkpoint.save_weights(weights, training.average, describe(training, validation, provenance or {}))
    return weights


def _resume(training: Training, run: Path) -> None:
    if read_config(run / "config.json") != training.config:
        raise UsageError(f"{run}: begun with other settings; resume with those in {run / 'config.json'}")
    found = checkpoint.load_state(run)
    if found is not None:
        tensors, index = found
        training.restore(tensors, index["stage"], index["step"])


def _run_stage(training: Training, journal: "Journal", stop: Callable[[], bool]) -> None:
    """Iterate to the end of the current stage, writing the journal and the state as it goes."""
    config, stage = training.config, training.stage
    saved = time.monotonic()
    while training.step < stage.steps:
        terms = training.iterate()
        last, stopping = training.step == stage.steps, stop()
        if training.step % config.log_every == 0 or last:
            journal.note(terms)
        if training.step % config.sheet_every == 0 or last:
            journal.draw()
        if last or stopping or time.monotonic() - saved > 60 * config.state_minutes:
            _check_finite(terms, stage.name, training.step)  # a state that holds NaN would be no good state
            checkpoint.save_state(journal.run, training.tensors(), {"stage": training.number, "step": training.step})
            saved = time.monotonic()
        if stopping and not last:
            raise KeyboardInterrupt


def _check_finite(terms: dict[str, Tensor], stage: str, step: int) -> None:
    wrong = [name for name, value in terms.items() if not torch.isfinite(value)]
    if wrong:
        raise AgeRestoreError(
            f"{stage} iteration {step}: {wrong[0]} is not finite; lower the learning rate (--set lr=...) "
            "or raise the reconstruction weights, then start again or --resume from the last good state"
        )


def held_out(training: Training, validation: ImageSet) -> Tensor:
    """Validation pictures (N, C, S, S) uint8 on the device; of a run that holds none out, training pictures."""
    pixels = validation.images if len(validation) else training.images[:1000]
    return resize(pixels, training.config.network.image_size).to(training.device)


class Journal:
    """What a run writes about itself: log lines, contact sheets, progress."""

    def __init__(self, run: Path, training: Training, validation: ImageSet, report: Callable[[Progress], None]) -> None:
        self.run, self.training, self.report = run, training, report
        self.held_out = held_out(training, validation)
        self.clock, self.clock_step = time.monotonic(), 0

    def note(self, terms: dict[str, Tensor]) -> None:
        """Append the terms to the log and report the progress."""
        t = self.training
        _check_finite(terms, t.stage.name, t.step)
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        now, done = time.monotonic(), max(t.step - self.clock_step, 1)
        rate = done * t.stage.batch_size / max(now - self.clock, 1e-9)
        self.clock, self.clock_step = now, t.step % t.stage.steps
        self._write({"stage": t.stage.name, "step": t.step, "images": t.step * t.stage.batch_size, **values})
        self.report(Progress(t.stage.name, t.step, t.stage.steps, rate, values))

    def draw(self) -> None:
        """Write a contact sheet and the balance of the game on the averaged networks."""
        t = self.training
        model, truth = t.average, self.held_out[:512].float() / 255
        generator = torch.Generator(t.device).manual_seed(0)
        codes = sample(1000, t.config.network.latent_dim, generator, t.config.network.prior)
        with torch.no_grad():
            rows = [truth[:16], model.generate(model.encode(truth[:16])), model.generate(codes[:16])]
            measured = balance(model, codes) | {"reconstruction_psnr": reconstruction_psnr(model, truth)}
        if t.stage.damage:
            rows[2:] = self._restored(model, truth[:16], t.stage.damage)
        (self.run / "sheets").mkdir(exist_ok=True)
        contact_sheet(rows, self.run / "sheets" / f"{t.stage.name}-{t.step:07d}.png")
        self._write({"stage": t.stage.name, "step": t.step, "ideal": ideal("official", codes.shape[1]), **measured})

    @staticmethod
    def _restored(model: Autoencoder, truth: Tensor, damage: tuple[degrade.Step, ...]) -> list[Tensor]:
        drawn = degrade.draw(damage, len(truth), (truth.shape[2], truth.shape[3]), torch.Generator().manual_seed(0))
        damaged = fill_unknown(degrade.apply(truth, drawn))
        with torch.no_grad():
            return [damaged, model.generate(model.encode(damaged, robust=True))]

    def _write(self, row: dict[str, Any]) -> None:
        with (self.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")


def describe(training: Training, validation: ImageSet, provenance: dict[str, Any]) -> dict[str, Any]:
    """The header of the weights a run leaves: how it was trained, and what it scores on the validation part."""
    model, config = training.average, training.config
    truth = held_out(training, validation).float() / 255
    codes = sample(10_000, config.network.latent_dim, torch.Generator(training.device).manual_seed(0))
    with torch.no_grad():
        metrics = balance(model, codes) | {"reconstruction_psnr": reconstruction_psnr(model, truth)}
        limits = domain.calibrate(model, truth, degrade.parse(config.robust.damage))
    return {
        "kind": "age",
        "training": config.model_dump(mode="json"),
        "images_seen": sum(stage.steps * stage.batch_size for stage in training.stages),
        "validation": metrics,
        "domain": limits,
        **provenance,
    }


def flops_per_iteration(config: TrainConfig) -> float:
    """Floating-point operations of one iteration of the game, forward and backward, counted without computing."""
    from torch.utils.flop_counter import FlopCounterMode

    network, stage = config.network, stages(config, 10**6)[0]
    with torch.device("meta"), contextlib.suppress(KeyError), FlopCounterMode(display=False) as counter:
        model = build(network)
        x = torch.empty(config.batch_size, network.channels, network.image_size, network.image_size)
        batch = Batch(x, torch.empty(config.batch_size, network.latent_dim))
        for player in stage.players:
            turn = stage.turns[player]
            wanted = [name for name, weight in turn.weights.items() if weight]
            for _ in range(turn.steps):
                terms = stage.objective(player, dict(model.named_children()), batch, wanted)
                sum(terms.values(), torch.zeros(())).backward()
    return float(counter.get_total_flops())


def matrix_rate(precision: str) -> float:
    """Floating-point operations a second of a 3x3 convolution of middling size here, forward and backward.

    About what training reaches; measured on the CPU in a fraction of a second, for the estimate of ``--dry-run``.
    """
    layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.zeros(64, 64, 16, 16).to(memory_format=torch.channels_last).requires_grad_(True)
    flops = 3 * 2 * x.numel() * 64 * 9
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            layer(x).sum().backward()
        seconds.append(time.perf_counter() - start)
    return flops / min(seconds)
