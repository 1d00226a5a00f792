"""The experiments of the founding papers: each leaves one picture, NAME.png, and one file of figures, NAME.json.

They train what they need into a folder of runs and go on with what lies there, so that a killed experiment is repeated
for little. At full scale runs are as their presets say, but those of ``systems`` as small as `EQUAL` makes all of them;
else as short as `BRIEF` makes them, to see that a system learns at all: their figures are no results.
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
from agerestore.research.experiments.ablations import age_ablations, age_improvements
from agerestore.research.experiments.context import Context, DataRequirements, ExperimentResult
from agerestore.research.experiments.features import svhn_features
from agerestore.research.experiments.systems import systems

__all__ = ["EXPERIMENTS", "Context", "DataRequirements", "ExperimentResult", "requirements_of", "run_experiment"]

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
    "svhn-features": svhn_features,
}
# those that are not made on MNIST
PICTURES = {
    "systems-celeba": DataRequirements(64, 3, labels=False),
    "age-improvements": DataRequirements(32, 3, labels=False),
    "svhn-features": DataRequirements(32, 3),
}


def requirements_of(name: str) -> DataRequirements:
    """What an experiment is made on.

    Raises:
        UsageError: no such experiment.
    """
    if name not in EXPERIMENTS:
        raise UsageError(f"no experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}")
    return PICTURES.get(name, DataRequirements())


def run_experiment(name: str, context: Context, out: Path) -> ExperimentResult:
    """Run one of `EXPERIMENTS`, and write OUT/NAME.png and OUT/NAME.json.

    Raises:
        UsageError: no such experiment, or pictures that it cannot be made on.
    """
    for pictures in (context.training, context.test):
        requirements_of(name).check(name, pictures)
    outcome = EXPERIMENTS[name](context)
    out.mkdir(parents=True, exist_ok=True)
    contact_sheet(outcome.rows, out / f"{name}.png")
    made_with = {"full": context.full, "seed": context.seed, "settings": context.settings}
    about = {"experiment": name, **made_with, "figures": outcome.figures}
    about |= {"note": outcome.note} if outcome.note else {}
    files.write(out / f"{name}.json", (json.dumps(about, indent=1) + "\n").encode())
    return outcome
