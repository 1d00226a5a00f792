"""One process of a tiny training in float64; run by test_distributed.py, alone and as one of several.

    python one_of_several.py OUT.pt

Plays 20 iterations of the game with every term for both players, then the stages after it, and a few of each of the
other systems, and writes all that is learned. Two processes are to leave what one leaves that was given the same
batches.
"""

import dataclasses
import sys

import torch

from agerestore import distributed
from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.losses.colorization import _colorfulness
from agerestore.training.state import Training

EVERY_TERM = ("kl_real=1", "kl_fake=-1", "match_x=10", "match_z=20")
SMALL = ("network.width=2", "network.latent_dim=4", "batch_size=8", "precision=fp32", "robust.batch_size=8")
GAME = (
    "steps=20", "finetune.steps=3", "robust.steps=3", "clip=1", "flip=true",
    *(f"updates.encoder.weights.{term}" for term in EVERY_TERM),
    *(f"updates.generator.weights.{term.replace('-', '')}" for term in EVERY_TERM),
)  # fmt: skip
OTHERS = ("vae", "dcgan", "ali", "aae", "aae-clusters", "aaae")


class Double:
    """The same batches in float64."""

    def __init__(self, batches):
        self.batches = batches

    def draw(self, *where):
        """See `agerestore.data.batches.Batches`."""
        batch = self.batches.draw(*where)
        fields = {each.name: getattr(batch, each.name) for each in dataclasses.fields(batch)}
        return type(batch)(**{name: None if value is None else value.double() for name, value in fields.items()})


def learned(*settings):
    """Everything that is learned, and the terms of the last iterations of each stage."""
    pictures = torch.randint(0, 256, (60, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = train_config("age-mnist", (*SMALL, *settings))
    training = Training(config, ImageSet(pictures), torch.device("cpu"))
    training.batches = Double(training.batches)
    training.model.double()
    training.average.double()
    found = {}
    for number, stage in enumerate(training.stages):
        if number:
            training.enter(number)
        for _ in range(stage.steps):
            terms = training.iterate()
        where = f"{settings[-1]} {stage.name}"
        found |= {f"{where} {name}": value for name, value in (terms | training.tensors()).items()}
    return found


def colorfulness():
    """How far drawn colors are from real ones in strength, and what that asks of them."""
    chance = torch.Generator().manual_seed(0)
    both = torch.randn(2, 8, 3, 4, 4, dtype=torch.float64, generator=chance)
    drawn, real = both.chunk(distributed.world_size(), 1)[distributed.rank()]
    drawn.requires_grad_()
    distance = _colorfulness(drawn, 3 * real, ["colorfulness"])["colorfulness"]
    (slope,) = torch.autograd.grad(distance, drawn)
    return {"colorfulness": distance.detach(), "its slope": distributed.gather(slope) / distributed.world_size()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with distributed.init():
        found = colorfulness()
        for divergence in ("age_code", "nearest"):
            found |= learned(*GAME, f"divergence={divergence}")
        found |= learned(
            "steps=3",
            "robust.steps=0",
            "objective=aae",
            "updates.code_critic.weights.code_gradient_penalty=1",
            "finetune.steps=0",
        )
        for objective in OTHERS:
            found |= learned("steps=3", "robust.steps=0", "finetune.steps=0", f"objective={objective}")
        torch.save(found, sys.argv[1].replace("RANK", str(distributed.rank())))
