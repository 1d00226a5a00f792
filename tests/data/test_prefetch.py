"""What is drawn ahead by worker processes is what the run would draw itself."""

import pytest
import torch

from agerestore.config.training import train_config
from agerestore.data.augment import AugmentedBatches, augment
from agerestore.data.batches import BatchSpec, batches
from agerestore.data.datasets import ImageSet
from agerestore.data.prefetch import Prefetcher
from agerestore.data.seeds import batch_indices, derive_seed

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images():
    return torch.randint(0, 256, (20, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_augmented_batches_are_the_same_whatever_the_number_of_workers(images, workers):
    dataset, prefetcher = AugmentedBatches(images, 4, 32, seed=3, key="game"), Prefetcher(workers, CPU)
    for step in (0, 1, 2, 7, 8, 3):  # in order, after a resume, and back
        found = prefetcher.get(dataset, "game", step, 10)["images"]
        chosen = batch_indices(20, 4, step, 3)
        assert torch.equal(found, augment(images[chosen], 32, derive_seed(3, "game", step)))


def test_a_run_with_augmentation_sees_the_same_with_more_workers_and_in_the_next_stage(images):
    first, second = BatchSpec("game", 4, 6), BatchSpec("robust", 4, 6)
    settings = ("augment=true", "network.width=2", "batch_size=4")
    one, other = (
        batches(train_config("age", (*settings, f"workers={workers}")), ImageSet(images), CPU) for workers in (0, 2)
    )
    for spec, step in ((first, 0), (first, 1), (second, 0), (first, 4)):
        for player in ("encoder", "generator"):
            expected, found = (each.draw(spec, step, player, 0) for each in (one, other))
            assert torch.equal(expected.x, found.x)
            assert torch.equal(expected.z, found.z)


def test_all_players_of_an_iteration_see_the_same_augmented_images(images):
    drawn = batches(train_config("age", ("augment=true", "network.width=2", "flip=false")), ImageSet(images), CPU)
    spec = BatchSpec("game", 4, 2)
    encoder, generator = (drawn.draw(spec, 0, player, 0) for player in ("encoder", "generator"))
    assert torch.equal(encoder.x, generator.x)
    assert not torch.equal(encoder.z, generator.z)
    assert not torch.equal(encoder.x, drawn.draw(spec, 1, "encoder", 0).x)
