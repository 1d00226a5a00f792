"""The networks for photographs: estimator, encoder and generator of samples."""

import pytest
import torch
from torch import nn

from agerestore.config.networks import PhotoConfig
from agerestore.config.training import train_config
from agerestore.losses.base import Batch
from agerestore.models import weights as checkpoint
from agerestore.models.latent import project
from agerestore.models.layers.estimator import Margin
from agerestore.models.registry import build
from agerestore.training import stages


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (33, 50)])
def test_an_untrained_estimator_is_the_identity_at_any_size(size):
    image = drawn(2, 3, *size)
    estimate, std = build(PhotoConfig(widths=(2, 3, 4))).estimate(image)
    torch.testing.assert_close(estimate, image)
    torch.testing.assert_close(std, torch.full_like(image, 0.05))


def test_values_of_missing_pixels_do_not_matter(model):
    image, mask = drawn(1, 3, 24, 24), (drawn(1, 1, 24, 24, seed=1) < 0.3).float()
    other = torch.where(mask > 0, drawn(1, 3, 24, 24, seed=2), image)
    torch.testing.assert_close(model.estimate(image, mask), model.estimate(other, mask), rtol=0, atol=0)


def test_tiles_with_enough_overlap_equal_the_whole(model):
    image = drawn(1, 3, 256, 64)
    whole, _ = model.estimate(image)
    part, _ = model.estimate(image[:, :, 64:])  # 64 is a multiple of 8
    torch.testing.assert_close(part[:, :, 96:], whole[:, :, 160:], rtol=0, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("box", [(0, 0, 100, 70), (112, 92, 117, 111), (101, 0, 233, 130), (120, 90, 233, 218)])
def test_the_estimate_without_a_margin_is_that_of_the_whole(model, box, masked):
    image, mask = drawn(1, 3, 233, 218), (drawn(1, 1, 233, 218, seed=1) < 0.1).float() if masked else None
    top, left, bottom, right = box
    halo = model.halo(masked)
    above, before = max(top - halo, 0) // 4 * 4, max(left - halo, 0) // 4 * 4
    below, after = min(bottom + halo, 233), min(right + halo, 218)
    rows, columns = slice(above, below), slice(before, after)
    part = image[:, :, rows, columns], None if mask is None else mask[:, :, rows, columns]
    found = model.estimate(*part, Margin(top - above, left - before, below - bottom, after - right))
    for each, whole in zip(found, model.estimate(image, mask), strict=True):
        torch.testing.assert_close(each, whole[:, :, top:bottom, left:right], rtol=0, atol=1e-5)


def test_features_are_computed_no_further_than_they_count():
    model, sizes = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 4))), []
    for block in (model.estimator.down[2][-1], model.estimator.up[0][-1]):
        block.register_forward_hook(lambda module, given, out: sizes.append(tuple(out.shape[2:])))
    halo = model.halo(False)
    side = 32 + 2 * halo
    model.estimate(drawn(1, 3, side, side), None, Margin(halo, halo, halo, halo))
    assert sizes[0][0] < side // 4 - 8
    assert sizes[1][0] < 32 + 2 * 24


def test_zero_codes_give_the_point_estimate_and_residuals_grow_with_the_code_up_to_a_bound(model):
    condition = model.condition(drawn(1, 3, 32, 48))
    code = project(torch.randn(1, 2, 3, 6, generator=torch.Generator().manual_seed(0))).movedim(-1, 1)
    estimate = model.generate(torch.zeros_like(code), condition)
    torch.testing.assert_close(estimate, (condition.estimate.image + 1) / 2, rtol=0, atol=0)
    near, far, bound = (model.generator(scale * code, condition) for scale in (1e-4, 2e-4, 1e6))
    assert far.abs().max() > 0
    torch.testing.assert_close(2 * near, far, rtol=1e-3, atol=1e-9)
    assert bound.abs().max().item() == pytest.approx(4)


def test_opposite_codes_give_opposite_residuals_so_that_the_mean_of_all_samples_is_the_estimate(model):
    condition = model.condition(drawn(1, 3, 32, 48))
    code = project(torch.randn(1, 2, 3, 6, generator=torch.Generator().manual_seed(0))).movedim(-1, 1)
    there, back = model.generator(code, condition), model.generator(-code, condition)
    assert there.abs().max() > 0
    torch.testing.assert_close(back, -there, rtol=0, atol=0)


def test_codes_lie_on_the_sphere_one_for_each_region(model):
    code = model.encode(drawn(2, 3, 32, 48, seed=1), model.condition(drawn(2, 3, 32, 48)))
    assert code.shape == (2, 6, 2, 3)
    torch.testing.assert_close(code.norm(dim=1), torch.ones(2, 2, 3))


def test_samples_have_the_size_of_the_image_and_depend_on_their_codes(model):
    image, mask = drawn(1, 3, 21, 30), torch.ones(1, 1, 21, 30)
    maps, again, other = (
        model.sample_latent_maps(21, 30, 2, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert maps.shape == (2, 6, 2, 2)
    assert torch.equal(maps, again)
    first, second = model.samples(image, mask, maps), model.samples(image, mask, other)
    assert first.shape == (2, 3, 21, 30)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first[0], first[1])


def test_every_trained_parameter_gets_a_gradient():
    config = train_config("photo", ("network.widths=[6,8,10]", "network.latent_dim=4"))
    model, generator = build(config.network), torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # zeros pass no gradient on
        nn.init.normal_(parameter, std=0.1, generator=generator)
    x, y, mask = drawn(4, 3, 32, 32) * 2 - 1, drawn(4, 3, 32, 32, seed=1) * 2 - 1, torch.zeros(4, 1, 32, 32)
    batch = Batch(x, project(torch.randn(16, 4, generator=generator)), y, mask)
    for stage in stages.stages(config, 100):
        for player, turn in stage.updates.items():
            model.zero_grad()
            terms = stage.losses.compute(player, dict(model.named_children()), batch, list(turn.weights))
            assert set(terms) == set(turn.weights)
            sum(terms.values()).backward()
            without = [name for name, p in getattr(model, player).named_parameters() if not p.grad.any()]
            assert without == []


def test_weights_come_back_with_their_configuration(model, tmp_path):
    checkpoint.save_weights(tmp_path / "w.safetensors", model, {"domain": {}})
    loaded = checkpoint.load_weights(tmp_path / "w.safetensors")
    assert loaded.networks.config == model.config
    image = drawn(1, 3, 16, 16)
    torch.testing.assert_close(loaded.networks.estimate(image), model.estimate(image), rtol=0, atol=1e-3)
