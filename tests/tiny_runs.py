"""Runs of a few iterations of tiny networks, and their weights."""

import torch

from agerestore.models import weights as checkpoint
from agerestore.training.session import Session

TINY = (
    "network.width=2", "network.latent_dim=4", "batch_size=8", "steps=6", "finetune.steps=2", "robust.steps=4",
    "robust.batch_size=8", "validation=0.2", "log_every=2", "sheet_every=4", "state_minutes=0", "precision=fp32",
)  # fmt: skip

TINY_PHOTO = (
    "network.widths=[2,3,4]", "network.sampler_widths=[3,4]", "network.latent_dim=4", "estimate.steps=4", "steps=4",
    "batch_size=4", "crop_size=32", "estimate.batch_size=2", "validation=0.2", "log_every=2", "sheet_every=4",
    "state_minutes=0", "precision=fp32",
)  # fmt: skip


def fit(
    config, images, out, *, init=None, resume=False, progress=lambda progress: None, stop=lambda: False, provenance=None
):
    """Train on the CPU; the path of the weights."""
    return Session(config, images, out, torch.device("cpu"), init, resume).run(progress, stop, provenance or {})


def weights(path):
    return checkpoint.load_weights(path).networks.state_dict()


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))
