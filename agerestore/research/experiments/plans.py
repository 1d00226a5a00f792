"""The published plans of AGE: which set, which preset, how long; and how hours are divided among them.

Where the code has a command, the plan is that of the command; else it is the paper's. Lengths are iterations of the
published set, so that a smaller set is gone through more often.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agerestore.config.training import TrainConfig, train_config
from agerestore.data.datasets import num_held_out
from agerestore.research.experiments.context import DataRequirements
from agerestore.training.stages import Stage, stages

DIGITS = DataRequirements(32, 1, labels=False)
SMALL = DataRequirements(32, 3, labels=False)
FACES = DataRequirements(64, 3, labels=False)
CARS = DataRequirements(64, 3, labels=False, stretch=True)


@dataclass(frozen=True)
class Plan:
    """A published plan.

    Attributes:
        name: of the plan.
        set: name of its set, see `agerestore.data.layouts.find_set`.
        preset: its settings.
        images: of the published training set.
        requirements: the images that it is made on.
        source: where its numbers are from.
    """

    name: str
    set: str
    preset: str
    images: int
    requirements: DataRequirements
    source: str

    def adversarial_stage(self, config: TrainConfig, images: int | None = None) -> Stage:
        """The adversarial stage on so many images, of which a part is held out; on the published set without them."""
        count = self.images if images is None else images
        return stages(config, count - num_held_out(count, config.validation))[0]

    @property
    def iterations(self) -> int:
        """The published length."""
        return self.adversarial_stage(train_config(self.preset)).steps

    def step_epochs(self, config: TrainConfig, images: int) -> int:
        """Epochs of a set of so many images in which the learning rate falls as after those of the published one."""
        published, here = (
            max((count - num_held_out(count, config.validation)) // config.batch_size, 1)
            for count in (self.images, images)
        )
        return max(1, round(config.lr_step_epochs * published / here))


PLANS = (
    Plan("mnist", "mnist", "age-mnist-paper", 60_000, DIGITS, "paper, section 3.1; 100 epochs are ours"),
    Plan("svhn", "svhn", "age-svhn-paper", 73_257, SMALL, "paper, section 3.1; 150 epochs are ours"),
    Plan("cifar10", "cifar10", "age-cifar10", 50_000, SMALL, "paper, section 3.1, and README of the code"),
    Plan("celeba", "celeba", "age-celeba", 162_770, FACES, "paper, section 3.1, and README of the code"),
    Plan("tinyimagenet", "tinyimagenet", "age-tinyimagenet-paper", 100_000, SMALL,
         "paper, section 3.1; three times as long as cifar10, as its hours there"),
    Plan("cars", "cars", "cars-color-paper", 8_144, CARS, "cars.cmd, branch cAGE of the code"),
    Plan("cars-reconstruction", "cars", "cars-color-paper-reconstruction", 8_144, CARS,
         "cars_reconstruction.cmd, branch cAGE of the code"),
)  # fmt: skip


def divide_hours(hours: float, costs: Mapping[str, float]) -> dict[str, float]:
    """Divide hours equally; what a plan does not need goes to the others, in equal parts.

    Args:
        hours: to divide.
        costs: hours that each plan needs for its whole length.

    Returns:
        Hours of each plan, in the order of ``costs``; no more than it needs.

    >>> divide_hours(12, {"long": 10, "short": 1, "longer": 20})
    {'long': 5.5, 'short': 1, 'longer': 5.5}
    """
    shares = {}
    for number, name in enumerate(sorted(costs, key=costs.__getitem__)):
        shares[name] = min(costs[name], hours / (len(costs) - number))
        hours -= shares[name]
    return {name: shares[name] for name in costs}


def find_plan(name: str, plans: Iterable[Plan] = PLANS) -> Plan:
    """The plan of a name; a KeyError if there is none."""
    return {plan.name: plan for plan in plans}[name]
