"""All published plans of AGE, each trained and measured: weights, a contact sheet for each, and one table.

The folder of the experiment holds ``schedule.json`` (what is trained, how long, decided once), ``sets/`` (decoded
images), ``runs/PLAN/`` (with ``final.safetensors``), ``PLAN.png``, ``PLAN.json``, and the table ``age-paper.md``, with
``age-paper.json``. A run that was killed goes on with all of that.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from agerestore import device as devices
from agerestore import files
from agerestore.config.training import TrainConfig, train_config
from agerestore.data.datasets import ImageSet
from agerestore.data.layouts import find_set
from agerestore.errors import AgeRestoreError, NothingReadableError, UsageError
from agerestore.images.grid import contact_sheet
from agerestore.research.experiments.context import Context
from agerestore.research.experiments.measured_plans import measure, table
from agerestore.research.experiments.plans import PLANS, Plan, divide_hours, find_plan
from agerestore.training.cost import flops_per_iteration, seconds_per_iteration

NAME = "age-paper"
BRIEF = ("network.width=8",)
BRIEF_ITERATIONS = 300
PETA = 1e15


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        data: folder of the sets, see `agerestore.data.layouts.find_set`.
        out: folder of the experiment.
        full: train each plan as long as it was published.
        budget: hours of training to divide among the plans; None for none.
        settings: ``key=value`` for every run, applied last.
        limit: most test images; None for those of the experiment.
        seed: of the runs.
        precision: ``fp32`` or ``bf16``; ``auto`` takes the faster one on the device.
        device: for training; figures are computed on the CPU.
        report: called with a line on what is estimated, left out and trained.
        stop: asked after every iteration; once true, the state of the run is saved and KeyboardInterrupt raised.
    """

    data: Path
    out: Path
    full: bool = False
    budget: float | None = None
    settings: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0
    precision: str = "auto"
    device: torch.device | str = "cpu"
    report: Callable[[str], None] = lambda line: None
    stop: Callable[[], bool] = lambda: False

    @property
    def decided(self) -> dict[str, Any]:
        """What the schedule depends on: another request needs a folder of its own."""
        return {"full": self.full, "budget": self.budget, "settings": list(self.settings), "seed": self.seed}


@dataclass(frozen=True)
class Scheduled:
    """How one plan is trained.

    Attributes:
        plan: its name.
        settings: ``key=value`` that differ from its preset, without those that a run may change.
        iterations: to train.
        published: iterations of the published plan.
        gigaflop: operations of an iteration, in units of 1e9.
        seconds: of an iteration, as they were measured.
    """

    plan: str
    settings: list[str]
    iterations: int
    published: int
    gigaflop: float
    seconds: float

    def __str__(self) -> str:
        hours, petaflop = self.iterations * self.seconds / 3600, self.iterations * self.gigaflop * 1e9 / PETA
        length = f"{self.iterations:,} of {self.published:,} iterations"
        return f"{self.plan}: {length}, {petaflop:.3g} PFLOP, about {hours:.3g} hours"


def age_paper(request: Request) -> dict[str, dict[str, Any]]:
    """Train and measure every published plan whose set is there.

    Returns:
        Figures by plan.

    Raises:
        NothingReadableError: no set is there.
        UsageError: the folder was begun with another request, or a setting does not fit.
        AgeRestoreError: a plan failed; the others are finished first.
        KeyboardInterrupt: `Request.stop` said so.
    """
    if request.full and request.budget is not None:
        raise UsageError("`full` trains all to the end, and `budget` as far as the hours go: leave one of them out")
    sets = _found_sets(request)
    schedule = _schedule(request, [plan for plan in PLANS if plan.set in sets])
    for row in schedule:
        request.report(str(row))
    hours = sum(row.iterations * row.seconds for row in schedule) / 3600
    request.report(f"in all about {hours:.3g} hours on this device, and some minutes for figures")
    figures: dict[str, dict[str, Any]] = {}
    failed = []
    for row in schedule:
        try:
            figures[row.plan] = _finished(request, row, sets[find_plan(row.plan).set])
        except AgeRestoreError as error:
            failed.append(f"{row.plan}: {error}")
            request.report(f"{row.plan}: failed: {error}")
        _write_table(request, schedule, figures)
    if failed:
        raise AgeRestoreError(f"{len(failed)} of {len(schedule)} plans failed. The first: {failed[0]}")
    return figures


def _found_sets(request: Request) -> dict[str, Path]:
    """Where each set is; those that are not there are named.

    Raises:
        NothingReadableError: none is.
    """
    names = list(dict.fromkeys(plan.set for plan in PLANS))
    found = {name: path for name in names if (path := find_set(request.data, name))}
    if not found:
        sets = ", ".join(names)
        raise NothingReadableError(f"{request.data}: none of the sets is there; name folders in it {sets}")
    for name in names:
        if name not in found:
            plans = " and ".join(plan.name for plan in PLANS if plan.set == name)
            request.report(f"{plans}: left out: {request.data} has no set {name}")
    return found


def _schedule(request: Request, plans: Sequence[Plan]) -> list[Scheduled]:
    """How the plans are trained: as it was decided once, or decided now.

    Raises:
        UsageError: it was decided for another request.
    """
    path = request.out / "schedule.json"
    known: dict[str, Any] = {}
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["request"] != request.decided:
            raise UsageError(
                f"{request.out}: begun {_described(known['request'])}; ask for the same, or choose another folder"
            )
    rows = [Scheduled(**row) for row in known.get("plans", [])]
    missing = [plan for plan in plans if plan.name not in {row.plan for row in rows}]
    if rows and request.budget is not None:
        for plan in missing:
            request.report(f"{plan.name}: left out: its set was not there when the hours were divided")
        missing = []
    rows += _decided(request, missing)
    text = json.dumps({"request": request.decided, "plans": [asdict(row) for row in rows]}, indent=1)
    files.write(path, (text + "\n").encode())
    there = {plan.name for plan in plans}
    return [row for row in rows if row.plan in there]


def _described(decided: Mapping[str, Any]) -> str:
    settings = [f"`settings={setting}`" for setting in decided["settings"]]
    others = [f"`{name}={decided[name]}`" for name in ("full", "budget", "seed") if decided[name]]
    return f"with {' '.join([*others, *settings])}" if others or settings else "as brief runs"


def _decided(request: Request, plans: Sequence[Plan]) -> list[Scheduled]:
    """Measure an iteration of each plan, and decide its length."""
    precision = request.precision
    if precision == "auto":
        precision = devices.fastest(torch.device(request.device))
    settings = [
        *(() if request.full or request.budget is not None else BRIEF),
        f"precision={precision}", f"seed={request.seed}", *request.settings,
    ]  # fmt: skip
    rows = {}
    for plan in plans:
        config = train_config(plan.preset, (*settings, *_graph(request)))
        stage = plan.adversarial_stage(config)
        rows[plan.name] = Scheduled(
            plan.name, settings, stage.steps if request.full else min(stage.steps, BRIEF_ITERATIONS), plan.iterations,
            flops_per_iteration(config, [stage])[stage.name] / 1e9,
            seconds_per_iteration(config, request.device, [stage])[stage.name],
        )  # fmt: skip
        if request.budget is not None:
            rows[plan.name] = _of_length(rows[plan.name], stage.steps)
    if request.budget is None:
        return list(rows.values())
    hours = divide_hours(request.budget, {name: row.iterations * row.seconds / 3600 for name, row in rows.items()})
    return [_of_length(row, max(1, int(hours[name] * 3600 / row.seconds + 1e-9))) for name, row in rows.items()]


def _of_length(row: Scheduled, iterations: int) -> Scheduled:
    return Scheduled(**(asdict(row) | {"iterations": iterations}))


def _graph(request: Request) -> tuple[str, ...]:
    """On a CUDA device steps are recorded as graphs, which changes no result."""
    return ("cuda_graph=true",) if torch.device(request.device).type == "cuda" else ()


def _finished(request: Request, row: Scheduled, data: Path) -> dict[str, Any]:
    """The figures of a plan, trained and measured unless that is done."""
    plan, run, about = find_plan(row.plan), request.out / "runs" / row.plan, request.out / f"{row.plan}.json"
    if figures := _measured_before(run / "final.safetensors", about):
        request.report(f"{row.plan}: finished before")
        return figures
    training, test = _images(request, plan, data)
    config = _config(row, plan, len(training))
    context = Context(
        training, test, request.out / "runs", True, report=request.report, device=request.device, stop=request.stop
    )
    settings = (*_settings(row, config), *_graph(request))
    model = context.model(plan.preset, f"seed={request.seed}", *settings, name=row.plan)
    rows, found = measure(model, config, training, test)
    passes = row.iterations * config.batch_size / len(training)
    figures = {"iterations": row.iterations, "published": row.published, "passes": passes, **found}
    contact_sheet(rows, request.out / f"{row.plan}.png")
    report = {"plan": row.plan, "preset": plan.preset, "source": plan.source, "settings": list(settings),
              "weights": _digest(run / "final.safetensors"), "figures": figures}  # fmt: skip
    files.write(about, (json.dumps(report, indent=1) + "\n").encode())
    return figures


def _images(request: Request, plan: Plan, data: Path) -> tuple[ImageSet, ImageSet]:
    """Training and test images, without labels: all sets are measured alike."""
    images = plan.requirements.load(data, request.limit, request.report, plan.set, request.out / "sets")
    for part in images:
        plan.requirements.check(plan.name, part)
    return ImageSet(images[0].images), ImageSet(images[1].images)


def _settings(row: Scheduled, config: TrainConfig) -> tuple[str, ...]:
    """What a run is given: its settings, its length, nothing but the game, and when its learning rate falls."""
    return (*row.settings, f"steps={row.iterations}", "robust.steps=0", f"lr_step_epochs={config.lr_step_epochs}")


def _config(row: Scheduled, plan: Plan, images: int) -> TrainConfig:
    config = train_config(plan.preset, tuple(row.settings))
    return config.model_copy(update={"lr_step_epochs": plan.step_epochs(config, images)})


def _measured_before(weights: Path, about: Path) -> dict[str, Any]:
    """The figures of these very weights; empty where there are none."""
    try:
        known: Mapping[str, Any] = json.loads(about.read_text(encoding="utf-8"))
        return dict(known["figures"]) if known["weights"] == _digest(weights) else {}
    except (OSError, ValueError, KeyError):
        return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_table(request: Request, schedule: Sequence[Scheduled], figures: Mapping[str, Mapping[str, Any]]) -> None:
    report = {"experiment": NAME, **request.decided, "figures": figures}
    files.write(request.out / f"{NAME}.json", (json.dumps(report, indent=1) + "\n").encode())
    left_out = [plan.name for plan in PLANS if plan.name not in {row.plan for row in schedule}]
    files.write(request.out / f"{NAME}.md", table(figures, left_out).encode())
