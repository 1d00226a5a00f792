"""Experiments of the founding papers: each writes one contact sheet, NAME.png, and its figures, NAME.json.

They train what they need into a folder of runs and go on with what lies there, so that repeating one that was killed
costs little. With ``full`` the runs are as their presets say, but for ``systems``, whose runs are all as small as
`agerestore.research.experiments.context.EQUAL` makes them; without it as short as ``BRIEF`` there makes them, to see
that a system learns at all: such figures are no results. `age_paper` stands apart, since it
takes several sets.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agerestore import files
from agerestore.errors import UsageError
from agerestore.images.grid import contact_sheet
from agerestore.research.experiments.aae import (
    aae_clusters,
    aae_labels,
    aae_likelihood,
    aae_priors,
    aae_reduction,
    aae_semi,
    aae_style,
)
from agerestore.research.experiments.ablations import age_ablations, age_improvements, age_lambda
from agerestore.research.experiments.context import Context, DataRequirements, ExperimentResult
from agerestore.research.experiments.features import svhn_features
from agerestore.research.experiments.paper_runs import NAME as AGE_PAPER
from agerestore.research.experiments.paper_runs import Request, age_paper
from agerestore.research.experiments.systems import systems

__all__ = [
    "AGE_PAPER", "EXPERIMENTS", "Context", "DataRequirements", "ExperimentResult", "Request", "age_paper",
    "requirements_of", "run_experiment",
]  # fmt: skip

EXPERIMENTS: dict[str, Callable[[Context], ExperimentResult]] = {
    "aae-priors": aae_priors,
    "aae-labels": aae_labels,
    "aae-likelihood": aae_likelihood,
    "aae-semi": partial(aae_semi, labels=1000),
    "aae-semi-100": partial(aae_semi, labels=100),
    "aae-clusters": partial(aae_clusters, preset="aae-mnist-clusters"),
    "aae-clusters-30": partial(aae_clusters, preset="aae-mnist-clusters-30"),
    "aae-reduction": partial(aae_reduction, preset="aae-mnist-reduction"),
    "aae-reduction-labels": partial(aae_reduction, preset="aae-mnist-reduction-labels"),
    "aae-style": aae_style,
    "systems": partial(systems, presets="mnist"),
    "systems-celeba": partial(systems, presets="faces"),
    "age-ablations": age_ablations,
    "age-improvements": age_improvements,
    "age-lambda": age_lambda,
    "svhn-features": svhn_features,
}
# those that are not made on MNIST
REQUIREMENTS = {
    "systems-celeba": DataRequirements(64, 3, labels=False),
    "age-improvements": DataRequirements(32, 3, labels=False),
    "age-lambda": DataRequirements(32, 3, labels=False),
    "svhn-features": DataRequirements(32, 3, most=None),
}


def requirements_of(name: str) -> DataRequirements:
    """The images that an experiment needs.

    Raises:
        UsageError: no such experiment.
    """
    if name not in EXPERIMENTS:
        raise UsageError(f"no experiment {name!r}; choose one of {', '.join((*EXPERIMENTS, AGE_PAPER))}")
    return REQUIREMENTS.get(name, DataRequirements())


def run_experiment(name: str, context: Context, out: Path) -> ExperimentResult:
    """Run one of `EXPERIMENTS`, and write OUT/NAME.png and OUT/NAME.json.

    Raises:
        UsageError: no such experiment, or images that it cannot be made on.
    """
    for images in (context.training, context.test):
        requirements_of(name).check(name, images)
    result = EXPERIMENTS[name](context)
    out.mkdir(parents=True, exist_ok=True)
    contact_sheet(result.rows, out / f"{name}.png")
    made_with = {"full": context.full, "seed": context.seed, "settings": context.settings}
    report = {"experiment": name, **made_with, "figures": result.figures}
    report |= {"note": result.note} if result.note else {}
    files.write(out / f"{name}.json", (json.dumps(report, indent=1) + "\n").encode())
    return result
