"""The networks of every shipped model compute what they computed at commit e02587b.

forward_e02587b.npz was recorded there, in fp32 on a CPU, with the inputs that are drawn here; of images every fourth
pixel.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from agerestore.models import zoo
from agerestore.models.latent import project

RECORDED = dict(np.load(Path(__file__).with_name("forward_e02587b.npz")))


def generator(seed):
    return torch.Generator().manual_seed(seed)


def of_photo(networks):
    image, mask = torch.rand(1, 3, 36, 44, generator=generator(0)), torch.zeros(1, 1, 36, 44)
    mask[..., 8:20, 10:30] = 1
    estimate, std = networks.estimate(image, mask)
    codes = project(torch.randn(9, 16, generator=generator(1))).view(1, 3, 3, 16).movedim(-1, 1)
    return {"estimate": estimate, "std": std, "sample": networks.samples(image, mask, codes)}


def of_colorizer(networks):
    lightness = 100 * torch.rand(1, 1, 64, 64, generator=generator(0))
    codes = networks.code_distribution(lightness)
    lab = torch.cat([lightness, 20 * torch.randn(1, 2, 64, 64, generator=generator(2))], 1)
    chroma = networks.generate(lightness, torch.zeros(1, 8))
    return {"chroma": chroma, "means": codes.means, "stds": codes.stds, "code": networks.encode(lab)}


def of_autoencoder(networks):
    config = networks.config
    shape = (1, config.channels, config.image_size, config.image_size)
    code = networks.encode(torch.rand(shape, generator=generator(0)), robust=True)
    return {"code": code, "image": networks.generate(code)}


@pytest.mark.parametrize("name", sorted({key.partition("/")[0] for key in RECORDED} - {"cars-color"}))  # is another now
def test_shipped_networks_compute_what_they_did(name):
    model = zoo.load(name, device="cpu")
    answer = {"photo": of_photo, "colorizer": of_colorizer, "autoencoder": of_autoencoder}[model.kind]
    with torch.no_grad():
        found = answer(model.networks)
    for key, value in found.items():
        few = value[..., ::4, ::4] if value.dim() == 4 else value
        expected = torch.from_numpy(RECORDED[f"{name}/{key}"])
        torch.testing.assert_close(few, expected, rtol=1e-4, atol=1e-4, msg=lambda said, key=key: f"{key}: {said}")
