"""The conditional AGE for photographs: networks, game, batches, what is measured, restoring."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from torch import nn
from typer.testing import CliRunner

from agerestore.config.networks import PhotoConfig
from agerestore.config.training import train_config
from agerestore.data import batches, patches
from agerestore.data.datasets import MAX_UPSCALE, PhotoSet
from agerestore.data.sources import load_photographs
from agerestore.errors import NothingReadableError, UsageError
from agerestore.images.formats.metadata import Metadata
from agerestore.images.io import read, write
from agerestore.images.observation import Observation
from agerestore.images.photo import Photo
from agerestore.losses.age import AGE, EPS
from agerestore.losses.base import Batch
from agerestore.losses.conditional_age import VARIANCE_EPS, ConditionalAGE
from agerestore.losses.divergence import age_code_kl
from agerestore.losses.regression import regression_terms
from agerestore.metrics import uncertainty
from agerestore.models import weights as checkpoint
from agerestore.models.latent import project
from agerestore.models.layers.estimator import Estimate
from agerestore.models.photo import Condition
from agerestore.models.registry import build
from agerestore.training import session, stages

EXAMPLES = Path(__file__).parents[2] / "examples"
TINY = ("network.widths=[2,3,4]", "network.sampler_widths=[3,4]", "network.latent_dim=4", "estimate.steps=4", "steps=4",
        "batch_size=4", "crop_size=32", "estimate.batch_size=2", "validation=0.2", "log_every=2", "sheet_every=4",
        "state_minutes=0", "precision=fp32")  # fmt: skip


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def photographs():
    return PhotoSet(tuple((drawn(3, 40 + i, 50 - i, seed=i) * 255).byte() for i in range(6)))


# --- networks


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (33, 50)])
def test_an_untrained_estimator_is_the_identity_at_any_size(size):
    image = drawn(2, 3, *size)
    estimate, deviation = build(PhotoConfig(widths=(2, 3, 4))).estimate(image)
    torch.testing.assert_close(estimate, image)
    torch.testing.assert_close(deviation, torch.full_like(image, 0.05))


def test_what_stands_in_unknown_pixels_does_not_matter(model):
    image, mask = drawn(1, 3, 24, 24), (drawn(1, 1, 24, 24, seed=1) < 0.3).float()
    other = torch.where(mask > 0, drawn(1, 3, 24, 24, seed=2), image)
    torch.testing.assert_close(model.estimate(image, mask), model.estimate(other, mask), rtol=0, atol=0)


def test_tiles_with_enough_overlap_equal_the_whole(model):
    image = drawn(1, 3, 256, 64)
    whole, _ = model.estimate(image)
    part, _ = model.estimate(image[:, :, 64:])  # 64 is a multiple of 8
    torch.testing.assert_close(part[:, :, 96:], whole[:, :, 160:], rtol=0, atol=1e-5)


def test_the_center_is_at_zero_and_the_way_to_the_sphere_is_straight(model):
    condition = model.condition(drawn(1, 3, 32, 48))
    code = project(torch.randn(1, 2, 3, 6, generator=torch.Generator().manual_seed(0))).movedim(-1, 1)
    center = model.generate(torch.zeros_like(code), condition)
    torch.testing.assert_close(center, (condition.estimate.image + 1) / 2, rtol=0, atol=0)
    near, far, bound = (model.generator(scale * code, condition) for scale in (1e-4, 2e-4, 1e6))
    assert far.abs().max() > 0
    torch.testing.assert_close(2 * near, far, rtol=1e-3, atol=1e-9)
    assert bound.abs().max().item() == pytest.approx(4)


def test_opposite_codes_draw_opposite_surprises_so_that_the_mean_of_all_samples_is_the_center(model):
    condition = model.condition(drawn(1, 3, 32, 48))
    code = project(torch.randn(1, 2, 3, 6, generator=torch.Generator().manual_seed(0))).movedim(-1, 1)
    there, back = model.generator(code, condition), model.generator(-code, condition)
    assert there.abs().max() > 0
    torch.testing.assert_close(back, -there, rtol=0, atol=0)


def test_codes_lie_on_the_sphere_one_for_each_region(model):
    code = model.encode(drawn(2, 3, 32, 48, seed=1), model.condition(drawn(2, 3, 32, 48)))
    assert code.shape == (2, 6, 2, 3)
    torch.testing.assert_close(code.norm(dim=1), torch.ones(2, 2, 3))


def test_samples_have_the_size_of_the_picture_and_depend_on_their_codes(model):
    image, mask = drawn(1, 3, 21, 30), torch.ones(1, 1, 21, 30)
    fields, again, other = (
        model.sample_latent_maps(21, 30, 2, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert fields.shape == (2, 6, 2, 2)
    assert torch.equal(fields, again)
    first, second = model.samples(image, mask, fields), model.samples(image, mask, other)
    assert first.shape == (2, 3, 21, 30)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first[0], first[1])


def test_a_gradient_reaches_every_parameter_of_the_players():
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


# --- objectives


def estimator(error, variance):
    return lambda damaged, mask: Estimate(damaged + error, torch.full_like(damaged, math.log(variance)), ())


def test_terms_of_the_estimate_in_closed_form():
    x = drawn(2, 3, 8, 8)
    batch = Batch(x, x, x, x[:, :1])
    terms = regression_terms(
        "estimator", {"estimator": estimator(0.2, 0.1)}, batch, ("estimate", "psnr", "uncertainty")
    )
    assert terms["estimate"].item() == pytest.approx(0.2)
    assert terms["psnr"].item() == pytest.approx(math.log(0.04 + EPS))
    assert terms["uncertainty"].item() == pytest.approx((0.04 / 0.1 + math.log(0.1)) / 2)


def test_without_codes_there_is_no_game():
    config = train_config("photo", ("network.latent_dim=0", "steps=0"))
    assert [stage.name for stage in stages.stages(config, 100)] == ["estimate"]


def test_the_estimator_says_what_it_lacks():
    with pytest.raises(UsageError, match="set degradation"):
        regression_terms("estimator", {}, Batch(torch.zeros(1), torch.zeros(1)), ("estimate",))


class Painter(nn.Module):
    """Writes a code into the first pixels of its region, or nothing."""

    def __init__(self, heeds):
        super().__init__()
        self.heeds = heeds

    def forward(self, code, condition):
        image = torch.zeros_like(condition.damaged)
        if self.heeds:
            image[:, 0, ::16, 0::16], image[:, 0, ::16, 1::16] = code[:, 0], code[:, 1]
        return image


class Reader(nn.Module):
    """Reads what `Painter` wrote."""

    def forward(self, image, condition):
        return torch.stack([image[:, 0, ::16, 0::16], image[:, 0, ::16, 1::16]], dim=1)


@pytest.mark.parametrize("heeds", [True, False])
def test_divergence_within_a_condition_is_that_of_the_codes_around_their_mean(heeds):
    x, z = drawn(8, 3, 32, 32), project(torch.randn(8 * 4, 2, generator=torch.Generator().manual_seed(0)))
    networks = {"estimator": estimator(0, 0.1), "generator": Painter(heeds), "encoder": Reader()}
    game = ConditionalAGE(AGE(), samples=4)
    terms = game("generator", networks, Batch(x, z, x, x[:, :1]), ("kl_within", "match_z", "kl_fake"))
    if heeds:
        around = z.view(2, 4, 4, 2) - z.view(2, 4, 4, 2).mean(dim=1, keepdim=True)  # condition, draw, region
        expected = age_code_kl((around * math.sqrt(4 / 3)).flatten(0, 2))
        torch.testing.assert_close(terms["kl_within"], expected)
        torch.testing.assert_close(terms["kl_fake"], age_code_kl(z))
        assert terms["match_z"].item() == pytest.approx(2 - 1 / 2)
    else:
        assert terms["kl_within"] > 10  # no spread at all


@pytest.mark.parametrize(
    ("asked", "paint", "expected"),
    [
        ((1, 1, 1), (2, 2, 2), math.log(4) / 3),  # one of three axes
        ((1, 1, 1), (1, 1, 1), 0),
        (
            (1, 1, 1),
            (3**0.5, 0, 0),
            math.log(3 * 1.5 * 0.5 / VARIANCE_EPS**2) / 3,
        ),  # as much, but red where all was gray
    ],
)
def test_energy_compares_draws_with_what_the_picture_asks_for(asked, paint, expected):
    x, z = drawn(4, 3, 16, 16), project(torch.randn(4, 2))

    def generator(code, condition):  # as asked where the code was read off the picture
        color = asked if code[:, 0].eq(7).all() else paint
        return torch.tensor(color).float().view(1, 3, 1, 1).expand_as(condition.damaged)

    networks = {
        "estimator": estimator(0, 0.1),
        "generator": generator,
        "encoder": lambda x, y: x[:, :2, :1, :1] * 0 + 7,
    }
    terms = ConditionalAGE(AGE())("generator", networks, Batch(x, z, x, x[:, :1]), ("variance_ratio",))
    assert terms["variance_ratio"].item() == pytest.approx(expected, abs=0.02)


def test_the_condition_is_that_of_each_picture():
    x = drawn(4, 3, 32, 32)
    seen = []

    def generator(code, condition: Condition):
        seen.append(condition.damaged)
        return torch.zeros_like(condition.damaged)

    networks = {"estimator": estimator(0, 0.1), "generator": generator, "encoder": Reader()}
    batch = Batch(x, project(torch.randn(16, 2)), x, x[:, :1])
    ConditionalAGE(AGE(), samples=2)("encoder", networks, batch, ("kl_fake", "kl_within"))
    assert torch.equal(seen[0], x)
    assert torch.equal(seen[1], x[[0, 0, 1, 1]])


# --- photographs in memory


def test_pieces_are_parts_of_the_photographs_turned_and_mirrored():
    code = torch.arange(20 * 30).view(1, 20, 30).expand(3, -1, -1)
    patches = PhotoSet((code,)).crops(40, 8, torch.Generator().manual_seed(0))
    assert patches.shape == (40, 3, 8, 8)
    seen = set()
    for piece in patches[:, 0]:
        steps = (int(piece[1, 0] - piece[0, 0]), int(piece[0, 1] - piece[0, 0]))
        seen.add(steps)
        assert sorted(map(abs, steps)) == [1, 30]  # neighbors are neighbors
        assert len(piece.unique()) == 64
    assert len(seen) == 8  # all symmetries of the square


def test_pieces_that_are_enlarged_are_as_smooth_as_that():
    row, column = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    slope = (2 * row + column).to(torch.uint8).expand(3, -1, -1)  # of 2 and 1 levels a pixel
    photographs = PhotoSet((slope,))
    patches = photographs.crops(200, 30, torch.Generator().manual_seed(0), upscaled=0.5)
    steps = sum(patches[:, 0, 5:25, 5:25].float().diff(dim=axis).mean((1, 2)).abs() for axis in (1, 2))
    as_it_is = steps.isclose(torch.tensor(3.0))  # the sum of both slopes, in whatever position
    assert 0.4 < as_it_is.float().mean() < 0.6
    assert (steps[~as_it_is] > 0.95 * 3 / MAX_UPSCALE).all()
    assert 1.7 < steps[~as_it_is].median() < 2.1  # 3 / sqrt(2.5) = 1.90: as often more as less
    with_none = photographs.crops(9, 30, torch.Generator().manual_seed(0), upscaled=0)
    assert torch.equal(with_none, photographs.crops(9, 30, torch.Generator().manual_seed(0)))


def test_a_folder_of_photographs_keeps_their_sizes_and_leaves_small_ones_out(tmp_path):
    for name, size in (("a", (40, 30)), ("b", (8, 50))):
        write(tmp_path / f"{name}.png", Photo(np.full((*size, 3), 9, np.uint8), None, Metadata()), overwrite=False)
    assert [tuple(image.shape) for image in load_photographs(tmp_path, 16).images] == [(3, 40, 30)]
    with pytest.raises(NothingReadableError, match="at least 64x64"):
        load_photographs(tmp_path, 64)


def test_batches_need_no_history_and_all_players_see_the_same_pieces(photographs):
    config = train_config("photo", TINY)
    stage = stages.stages(config, 6)[1]
    one, other = (batches.batches(config, photographs, torch.device("cpu")) for _ in range(2))
    for step in range(5):
        early = one.draw(stage.batches, step, "encoder", 0)
    late, generator = other.draw(stage.batches, 4, "encoder", 0), other.draw(stage.batches, 4, "generator", 0)
    for name in ("x", "damaged", "mask"):
        assert torch.equal(getattr(early, name), getattr(late, name))
        assert torch.equal(getattr(early, name), getattr(generator, name))
    assert torch.equal(early.z, late.z)
    assert not torch.equal(early.z, generator.z)
    assert early.z.shape == (4 * 4, 4)


def test_workers_draw_the_pieces_that_the_run_would_draw_itself(photographs):
    """Also where a run goes on in the middle of a block, and where the next stage begins."""
    alone, helped = (train_config("photo", (*TINY, "estimate.steps=8", f"workers={count}")) for count in (0, 2))
    first, second = stages.stages(alone, len(photographs))
    alone, helped = (batches.batches(config, photographs, torch.device("cpu")) for config in (alone, helped))
    for stage, step in ((first, 0), (first, patches.BLOCK), (first, 1), (second, 0)):
        expected, found = (each.draw(stage.batches, step, "estimator", 0) for each in (alone, helped))
        assert all(torch.equal(found.tensors[name], value) for name, value in expected.tensors.items())


def test_gray_pieces_stay_gray_under_noise(photographs):
    config = train_config("photo", (*TINY, "gray=1", "degradation=noise:sigma=50"))
    batch = batches.batches(config, photographs, torch.device("cpu")).draw(
        stages.stages(config, 6)[0].batches, 0, "", 0
    )
    for image in (batch.x, batch.damaged):
        torch.testing.assert_close(image, image[:, :1].expand(-1, 3, -1, -1))
    assert (batch.damaged - batch.x).std().item() == pytest.approx(2 * 50 / 255, rel=0.1)


# --- a run


def weights(path):
    return checkpoint.load_weights(path).networks.state_dict()


def test_a_run_can_be_killed_and_continued_bit_for_bit_and_be_started_from(photographs, tmp_path):
    config = train_config("photo", TINY)
    whole = session.fit(config, photographs, tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) in (3, 6)

    for attempt in range(3):
        try:
            path = session.fit(config, photographs, tmp_path / "killed", resume=attempt > 0, stop=stop)
        except KeyboardInterrupt:
            continue
    assert all(torch.equal(a, b) for a, b in zip(weights(whole).values(), weights(path).values(), strict=True))
    header = checkpoint.read_header(whole)
    assert header["kind"] == "photo"
    assert header["images_seen"] == 4 * 2 + 4 * 4
    assert {"psnr_25", "uncertainty_holes_pixels", "samples_spread"} <= set(header["validation"])

    still = train_config("photo", (*TINY, "estimate.steps=1", "estimate.lr=1e-9", "steps=0"))
    alone = session.fit(still, photographs, tmp_path / "alone", init=checkpoint.load_weights(whole))
    header = checkpoint.read_header(alone)
    assert header["images_seen"] == 4 * 2 + 4 * 4 + 2
    assert header["network"]["latent_dim"] == 0  # no game was played on this estimator
    kept = {name: value for name, value in weights(whole).items() if name.startswith("estimator.")}
    torch.testing.assert_close(weights(alone), kept, rtol=1e-2, atol=1e-3)

    game = train_config("photo", (*TINY, "estimate.steps=0"))
    played = weights(session.fit(game, photographs, tmp_path / "game", init=checkpoint.load_weights(alone)))
    torch.testing.assert_close({name: played[name] for name in kept}, weights(alone), rtol=0, atol=0)
    assert len(played) > len(kept)

    deeper = train_config("photo", (*TINY, "network.blocks=[2,3,6]", "steps=0", "estimate.steps=1", "estimate.lr=1e-9"))
    grown = session.fit(deeper, photographs, tmp_path / "deeper", init=checkpoint.load_weights(whole))
    image = drawn(1, 3, 32, 32)
    answers = [checkpoint.load_weights(path).networks.estimate(image)[0] for path in (alone, grown)]
    torch.testing.assert_close(*answers, rtol=1e-2, atol=1e-3)  # what was added is the identity at first
    with pytest.raises(UsageError, match="other networks"):
        session.fit(train_config("photo", (*TINY, "network.blocks=[1,2,3]")), photographs, tmp_path / "shallower",
                    init=checkpoint.load_weights(whole))  # fmt: skip
    with pytest.raises(UsageError, match="other networks"):
        session.fit(train_config("photo", (*TINY, "network.widths=[2,2,4]")), photographs, tmp_path / "other",
                    init=checkpoint.load_weights(whole))  # fmt: skip


# --- what is measured


def test_rank_correlation_heeds_nothing_but_order():
    a = drawn(100)
    assert uncertainty.rank_correlation(a, a.exp()) == 1
    assert uncertainty.rank_correlation(a, -a) == -1
    assert abs(uncertainty.rank_correlation(drawn(5000), drawn(5000, seed=1))) < 0.05


class Known(nn.Module):
    """Stands in for a trained model: a center that is off by a known error, samples that spread by a known width."""

    def __init__(self, error, spread):
        super().__init__()
        self.error, self.spread = error, spread

    def estimate(self, image, mask=None):
        return self.error(image), (self.error(image) - image).abs()

    def sample_latent_maps(self, height, width, count, generator):
        return torch.randn(count, 3, height, width, generator=generator)

    def samples(self, image, mask, noise):
        return self.error(image) + self.spread * noise


def test_figures_of_noise_uncertainty_and_samples_in_closed_form():
    truth = [torch.full((3, 32, 32), 100 / 255)]
    off = Known(lambda image: torch.full_like(image, 110 / 255), 10 / 255)
    assert uncertainty.denoising_psnr(off, truth, 25) == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)

    ramp = torch.linspace(0, 0.5, 32 * 32).view(1, 1, 32, 32).expand(1, 3, -1, -1)
    honest = Known(lambda image: image + ramp, 0.1)
    hole = Observation(truth[0][None], (drawn(1, 1, 32, 32) < 0.5).float())
    figures = uncertainty.uncertainty_metrics(honest, truth, lambda image: hole)
    assert figures["pixels"] == pytest.approx(1, abs=1e-4)
    assert figures["blocks"] == pytest.approx(1, abs=1e-4)

    spread = uncertainty.sample_metrics(off, truth, lambda image: hole, count=400)
    assert spread["estimate"] == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)
    assert spread["mean"] == pytest.approx(spread["estimate"], abs=0.1)
    assert spread["spread"] == pytest.approx(1, abs=0.05)


def test_there_may_be_nothing_to_calibrate(tmp_path):
    asked = ["models", "calibrate", "mnist", str(tmp_path / "new.safetensors"), "--data", str(tmp_path)]
    result = CliRunner().invoke(app, asked)
    assert (result.exit_code, "nothing to calibrate" in result.stderr) == (2, True)


def test_photographs_are_calibrated_in_the_precision_that_is_asked_for(tmp_path):
    photograph = Path(__file__).parents[2] / "examples" / "photographs" / "photo-astronaut.png"
    write(tmp_path / "held-out" / "piece.png", Photo(read(photograph).pixels[100:196, 100:196]))
    figures = []
    for precision in ("fp32", "bf16"):
        out = tmp_path / f"{precision}.safetensors"
        asked = ["models", "calibrate", "photo", str(out), "--data", str(tmp_path / "held-out"),
                 "--precision", precision]  # fmt: skip
        assert CliRunner().invoke(app, asked).exit_code == 0
        figures.append(checkpoint.read_header(out)["validation"])
    assert [each["samples_spread"] for each in figures] == pytest.approx([1, 1], abs=0.05)
    assert figures[0]["samples_estimate"] == pytest.approx(figures[1]["samples_estimate"], abs=0.2)
    assert figures[0]["samples_estimate"] != figures[1]["samples_estimate"]


def test_samples_are_scaled_until_they_spread_as_far_as_the_center_errs():
    truth = [torch.full((3, 32, 32), 100 / 255)]
    hole = Observation(truth[0][None], (drawn(1, 1, 32, 32) < 0.5).float())
    wide = Known(lambda image: torch.full_like(image, 110 / 255), 1.0)
    scale = [35 / 255]
    wide.scale_samples = lambda factor: scale.append(scale.pop() * factor)
    wide.samples = lambda image, mask, noise: wide.error(image) + scale[0] * noise
    assert uncertainty.calibrate_samples(wide, truth, lambda image: hole) == pytest.approx(10 / 35, rel=0.01)
    assert uncertainty.sample_metrics(wide, truth, lambda image: hole)["spread"] == pytest.approx(1, abs=1e-3)
