"""The features of a network that predicts transformations."""

import pytest
import torch

from agerestore.errors import UsageError
from agerestore.metrics.distribution import frechet_distance
from agerestore.research.pretext import train_transformation_classifier, transformed

pytestmark = pytest.mark.usefixtures("one_thread")


def scenes(count, seed, size=32):
    """Bright above, dark below, with a spot in the middle: uint8."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.linspace(1, 0, size)[None, None, :, None] * torch.rand(count, 3, 1, size, generator=generator)
    images[:, :, size // 2 - 3 : size // 2 + 3, size // 2 - 3 : size // 2 + 3] = 1
    return (images * 255).to(torch.uint8)


def test_pictures_are_tampered_with_as_said():
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    kinds = transformed(images, torch.Generator().manual_seed(1))
    assert len(kinds) == 8
    assert torch.equal(kinds[0], images)
    assert torch.equal(kinds[1][:, :, 0], images[:, :, -1])
    assert kinds[2][0, 0, 5, 5].item() == pytest.approx(images[0, 0, 4:7, 4:7].mean().item(), abs=1e-6)
    assert (kinds[3] - images).std().item() == pytest.approx(0.1, rel=0.05)
    assert kinds[4].std().item() == pytest.approx(images.std().item() / 2)
    assert torch.equal(kinds[5][1], torch.cat([images[1, ..., :16], images[0, ..., 16:]], 2))
    assert torch.equal(kinds[6][..., :16], images[..., 16:])
    assert torch.equal(kinds[7][1], (images[1] + images[0]) / 2)


def test_it_tells_kinds_and_its_features_tell_pictures_from_spoilt_ones():
    network = train_transformation_classifier(scenes(500, 0), torch.Generator().manual_seed(0))
    first, other = (scenes(80, seed).float() / 255 for seed in (1, 2))
    with torch.no_grad():
        kinds = transformed(first, torch.Generator().manual_seed(3))
        right = torch.stack([(network.predict(each) == number).float().mean() for number, each in enumerate(kinds)])
        assert right.mean() > 0.5  # of eight
        features = [network.features(each) for each in (first, other, other.flip(2), torch.rand_like(other))]
    same, turned, noise = (float(frechet_distance(features[0], each)) for each in features[1:])
    assert min(turned, noise) > 5 * same


def test_pictures_of_another_size_are_named():
    with pytest.raises(UsageError, match="3 images of 48x48: give two or more of 32 or 64 pixels"):
        train_transformation_classifier(torch.zeros(3, 3, 48, 48, dtype=torch.uint8), torch.Generator())
