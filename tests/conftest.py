"""What all tests share."""

import pytest
from hypothesis import settings

# The first example pays for imports; times are the benchmarks' business.
settings.register_profile("agerestore", deadline=None)
settings.load_profile("agerestore")


@pytest.fixture
def model():
    """Networks for photographs with something in every weight, those that start at zero included."""
    import torch

    from agerestore.config.networks import PhotoConfig
    from agerestore.models.registry import build

    networks = build(PhotoConfig(widths=(3, 4, 6), blocks=(1, 1, 1), latent_dim=6)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in networks.parameters():
        if not parameter.any():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return networks


@pytest.fixture
def photographs():
    """Six small photographs of noise, of different sizes."""
    from tiny_runs import drawn

    from agerestore.data.datasets import PhotoSet

    return PhotoSet(tuple((drawn(3, 40 + i, 50 - i, seed=i) * 255).byte() for i in range(6)))


@pytest.fixture
def one_thread():
    """Two threads may add in another order, and small networks are no faster in them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
