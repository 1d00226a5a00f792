import pytest
import torch
from torch import nn

from agerestore.errors import UsageError
from agerestore.metrics.features import Classifier, accuracy, train_classifier


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def bars(count, seed):
    """Noisy pictures with one bright bar whose height tells the class."""
    labels = torch.randint(10, (count,), generator=generator(seed))
    images = 0.2 * torch.rand(count, 1, 32, 32, generator=generator(seed + 1))
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 3] += 0.8
    return images, labels


@pytest.fixture(scope="module")
def trained():
    return train_classifier(*bars(1280, 0), generator(), epochs=4)


def test_learns_what_tells_the_classes_apart(trained):
    assert accuracy(trained, *bars(300, 7)) > 0.99


def test_features_are_what_the_decision_is_made_of(trained):
    images, _ = bars(5, 7)
    features = trained.features(images)
    assert features.shape == (5, 64)
    assert features.min() >= 0
    torch.testing.assert_close(trained.head(features), trained(images))


def test_answer_for_a_picture_does_not_depend_on_its_batch(trained):
    images, _ = bars(6, 7)
    torch.testing.assert_close(trained(images)[:1], trained(images[:1]), atol=1e-4, rtol=1e-4)


def test_generator_alone_decides_the_weights():
    images, labels = bars(300, 0)
    state = torch.get_rng_state()
    first, again, other = (train_classifier(images, labels, generator(seed), epochs=1) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)


def test_every_parameter_gets_a_gradient():
    classifier = Classifier(channels=3)
    classifier(torch.rand(4, 3, 32, 32, generator=generator())).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in classifier.parameters())


class FirstPixel(nn.Module):
    """Reads the class off the first pixel."""

    def forward(self, images):
        return nn.functional.one_hot((images[:, 0, 0, 0] * 10).round().long(), 10).float()


def test_recognized_counts_over_several_batches():
    images = torch.full((2500, 1, 1, 1), 0.3)
    labels = torch.full((2500,), 3)
    labels[::4] = 5
    assert accuracy(FirstPixel(), images, labels) == pytest.approx(0.75)


@pytest.mark.parametrize(("shape", "labels"), [((4, 1, 28, 28), 4), ((4, 1, 32, 32), 3)])
def test_wrong_pictures_or_labels_are_refused(shape, labels):
    with pytest.raises(UsageError, match="32x32 images and a label for each"):
        train_classifier(torch.zeros(shape), torch.zeros(labels, dtype=torch.long), generator())
