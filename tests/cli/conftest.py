"""Models and folders for the tests of the command."""

import numpy as np
import pytest

from agerestore.config.networks import AutoencoderConfig, PhotoConfig
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import weights as checkpoint
from agerestore.models.registry import build


@pytest.fixture
def weights(tmp_path):
    """An untrained model that takes every picture for its own."""
    path = tmp_path / "model.safetensors"
    model = build(AutoencoderConfig(channels=1, latent_dim=4, width=2)).eval()
    checkpoint.save_weights(path, model, {"domain": {"unexplained": 1e9, "reencoding": 1e9}})
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pictures in a tree, one with a mask next to it."""
    root = tmp_path / "in"
    for number, name in enumerate(("a.png", "sub/b.png", "sub/c.tif")):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 1), np.uint8)
        io.write(root / name, Photo(pixels))
    hole = np.zeros((32, 32, 1), np.uint8)
    hole[8:16, 8:16] = 255
    io.write(root / "a.mask.png", Photo(hole))
    return root


@pytest.fixture(scope="module")
def photo_weights(tmp_path_factory):
    """Networks for photographs that know nothing: their estimate is the picture."""
    path = tmp_path_factory.mktemp("photo") / "photo.safetensors"
    networks = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=4))
    checkpoint.save_weights(path, networks, {"domain": {}, "kind": "photo"})
    return path
