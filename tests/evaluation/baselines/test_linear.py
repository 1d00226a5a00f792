import pytest
import torch

from agerestore.errors import UsageError
from agerestore.evaluation.baselines.linear import RIDGE, ConditionalMean, LinearEstimator, PrincipalComponents
from agerestore.images.observation import Observation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def low_rank(count, rank, seed=0, size=6):
    """Pictures (count, size*size) of exactly `rank` components around 0.5, well inside [0, 1]."""
    basis = torch.linalg.qr(torch.randn(size * size, rank, generator=generator(99)))[0]
    return 0.5 + (torch.rand(count, rank, generator=generator(seed)) - 0.5) * 0.5 @ basis.T


def as_pictures(vectors, size=6):
    return vectors.reshape(-1, 1, size, size)


def random_mask(count, size=6, share=0.5):
    return (torch.rand(count, 1, size, size, generator=generator(5)) < share).float()


def test_linear_estimator_of_a_signal_in_noise_has_wiener_gain():
    signal, noise = (
        torch.tensor([0.2, 0.2, -0.2, -0.2]),
        torch.tensor([0.1, -0.1, 0.1, -0.1]),
    )  # exact moments
    fitted = LinearEstimator.fit((0.5 + signal + noise)[:, None], (0.4 + signal)[:, None], ridge=0.01)
    gain = 0.04 / (0.04 + 0.01 + 0.01)
    restored = fitted(Observation(torch.full((1, 1, 1, 1), 0.7)))
    torch.testing.assert_close(restored, torch.full((1, 1, 1, 1), 0.4 + gain * 0.2))


def test_linear_estimator_undoes_an_affine_damage():
    clean = torch.rand(300, 36, generator=generator())
    mixing = torch.eye(36) + 0.1 * torch.randn(36, 36, generator=generator(1))
    damaged = clean @ mixing.T + 0.3
    restored = LinearEstimator.fit(damaged, clean, ridge=1e-9)(Observation(as_pictures(damaged)))
    torch.testing.assert_close(restored, as_pictures(clean), atol=1e-4, rtol=0)


def test_linear_estimator_sums_blocks_like_one_covariance():
    clean = torch.rand(5000, 3, generator=generator())
    damaged = clean + 0.1 * torch.randn(5000, 3, generator=generator(1))
    both = torch.cov(torch.cat([damaged, clean], 1).T.double(), correction=0)
    expected = both[3:, :3] @ torch.linalg.inv(both[:3, :3] + RIDGE * torch.eye(3))
    torch.testing.assert_close(LinearEstimator.fit(damaged, clean).matrix, expected)


def test_conditional_mean_of_two_pixels():
    covariance = 0.04 * torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)
    prior = ConditionalMean(torch.tensor([0.3, 0.6], dtype=torch.float64), covariance, noise=0.01)
    observation = Observation(torch.tensor([[[[0.5, 9.0]]]]), torch.tensor([[[[0.0, 1.0]]]]))
    gain = 0.04 / (0.04 + 0.01)
    torch.testing.assert_close(prior(observation), torch.tensor([[[[0.3 + gain * 0.2, 0.6 + 0.8 * gain * 0.2]]]]))


def test_conditional_mean_fills_what_the_components_determine():
    prior, truth = ConditionalMean.fit(low_rank(500, 4), noise=1e-9), low_rank(20, 4, seed=1)
    mask = random_mask(20)
    damaged = as_pictures(truth).masked_fill(mask > 0.5, float("nan"))
    torch.testing.assert_close(prior(Observation(damaged, mask)), as_pictures(truth), atol=1e-3, rtol=0)


def test_conditional_mean_restores_every_picture_by_its_own_mask():
    prior, mask = ConditionalMean.fit(torch.rand(200, 36, generator=generator())), random_mask(8)
    mask[4] = mask[1]  # a shared one, out of order
    images = torch.rand(8, 1, 6, 6, generator=generator(2))
    alone = [prior(Observation(images[i : i + 1], mask[i : i + 1])) for i in range(8)]
    torch.testing.assert_close(prior(Observation(images, mask)), torch.cat(alone))


def test_conditional_mean_with_a_common_hole_equals_the_fitted_affine_map():
    clean, mask = low_rank(400, 30), random_mask(1).expand(400, -1, -1, -1)
    damaged = as_pictures(clean) * (1 - mask)
    affine = LinearEstimator.fit(damaged.flatten(1), clean, ridge=1e-6)
    observation = Observation(damaged, mask)
    torch.testing.assert_close(
        ConditionalMean.fit(clean, noise=1e-6)(observation), affine(observation), atol=1e-5, rtol=0
    )


def test_picture_without_any_known_pixel_becomes_the_mean():
    clean = low_rank(50, 4)
    restored = ConditionalMean.fit(clean)(Observation(torch.zeros(1, 1, 6, 6), torch.ones(1, 1, 6, 6)))
    torch.testing.assert_close(restored, as_pictures(clean.mean(0)))


def test_one_mask_covers_all_channels():
    prior = ConditionalMean.fit(torch.rand(100, 12, generator=generator()))
    images, mask = torch.rand(1, 3, 2, 2, generator=generator(1)), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    other = images.clone()
    other[:, :, 0, 0] = 0.123
    assert torch.equal(prior(Observation(images, mask)), prior(Observation(other, mask)))


def test_principal_components_remove_exactly_what_is_outside_them():
    clean = low_rank(500, 4)
    basis = PrincipalComponents.fit(clean)
    outside = 0.02 * torch.randn(10, 36, dtype=torch.float64, generator=generator(3))
    outside -= outside @ basis.components[:, :4] @ basis.components[:, :4].T
    restored = basis(Observation(as_pictures((clean[:10] + outside).float())), count=4)
    torch.testing.assert_close(restored, as_pictures(clean[:10]), atol=1e-5, rtol=0)


def test_all_components_under_a_mask_are_the_conditional_mean():
    clean, mask = torch.rand(200, 36, generator=generator()), random_mask(5)
    observation = Observation(torch.rand(5, 1, 6, 6, generator=generator(1)), mask)
    expected = ConditionalMean.fit(clean, noise=0.01)(observation)
    torch.testing.assert_close(PrincipalComponents.fit(clean, noise=0.01)(observation, count=36), expected)


def test_few_components_under_a_mask_are_the_conditional_mean_of_their_covariance():
    basis = PrincipalComponents.fit(torch.rand(300, 36, generator=generator()), noise=0.02)
    variances = basis.variances.clone()
    variances[5:] = variances[5:].mean()
    truncated = basis.components @ variances.diag() @ basis.components.T
    observation = Observation(torch.rand(5, 1, 6, 6, generator=generator(1)), random_mask(5))
    expected = ConditionalMean(basis.mean, truncated, noise=0.02)(observation)
    torch.testing.assert_close(basis(observation, count=5), expected)


@pytest.mark.parametrize("fit", [ConditionalMean.fit, lambda clean: LinearEstimator.fit(clean, clean)])
def test_pictures_of_another_size_are_refused(fit):
    with pytest.raises(UsageError, match="fitted to images of 36 values"):
        fit(low_rank(50, 4))(Observation(torch.zeros(1, 1, 8, 8)))
