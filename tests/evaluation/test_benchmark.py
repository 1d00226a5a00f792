import math
from concurrent.futures import Future

import pytest
import torch

from agerestore.batch.processing import Processed
from agerestore.config.networks import AutoencoderConfig, PhotoConfig
from agerestore.data.datasets import ImageSet, PhotoSet
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.evaluation import benchmark
from agerestore.models.base import Model
from agerestore.models.registry import build


@pytest.fixture
def model():
    networks = build(AutoencoderConfig(channels=1, latent_dim=8, width=2)).eval().requires_grad_(False)
    return Model(networks, {"domain": {"unexplained": 1.0, "reencoding": 1.0}})


@pytest.fixture
def digits():
    """Ten classes that anyone can tell apart: a bar at one of ten heights."""
    labels = torch.arange(40) % 10
    images = torch.zeros(40, 1, 32, 32, dtype=torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, 3 * label : 3 * label + 3, 4:28] = 255
    return ImageSet(images, labels)


def rows(model, test, damage, **options):
    return {row.method.split(" ")[0]: row for row in benchmark.benchmark_restoration(model, test, [damage], **options)}


def test_the_input_row_is_what_the_damage_predicts(model, digits):
    # Unclipped noise of sigma 51 of 255, clipped only when it is scored, on pictures that are half as far from
    # the ends of the range as they can be: E min(n, 0)^2 = sigma^2 / 2, so 3 dB above 10 log10(1 / 0.2^2).
    row = rows(model, digits, "noise:sigma=51")["input"]
    assert row.psnr == pytest.approx(-20 * math.log10(0.2) + 10 * math.log10(2), abs=0.2)
    assert row.hole_psnr is None


def test_unclipped_noise_stays_unclipped_and_files_are_rounded(digits):
    truth = digits.images.float() / 255
    assert benchmark.degraded(truth, "noise:sigma=50", 0).image.max() > 1
    clipped = benchmark.degraded(truth, "noise:sigma=50:clip=1", 0).image * 255
    torch.testing.assert_close(clipped, clipped.round(), atol=1e-4, rtol=0)


def test_the_same_damage_for_all_methods_and_a_seed(digits):
    truth = digits.images.float() / 255
    first, second, other = (benchmark.degraded(truth, "missing", seed) for seed in (0, 0, 1))
    assert torch.equal(first.image, second.image)
    assert not torch.equal(first.mask, other.mask)


def test_with_a_mask_only_the_hole_can_be_wrong(model):
    drawn = torch.randint(0, 256, (80, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    test, training = ImageSet(drawn[:40]), ImageSet(drawn[40:])  # which cannot be predicted
    found = rows(model, test, "hole:size=8", baselines=["telea", "median", "pca"], training=training)
    assert set(found) == {"input", "agerestore", "telea", "pca"}  # a median fills no holes
    for row in found.values():
        # 64 of 1024 pixels are unknown, everything else is observed: 12.04 dB between hole and whole, on average.
        assert row.psnr == pytest.approx(row.hole_psnr + 10 * math.log10(16), abs=0.05)


def test_pictures_that_lose_nothing_count_100_db_and_have_no_hole(model, digits):
    found = rows(model, digits, "holes:count=0..1:size=8")["input"]
    mask = benchmark.degraded(digits.images.float() / 255, "holes:count=0..1:size=8", 0).mask
    whole = [not each.any() for each in mask]
    assert 0 < sum(whole) < len(whole)
    assert math.isfinite(found.hole_psnr)
    assert 100 * sum(whole) / len(whole) < found.psnr < 100
    untouched = rows(model, digits, "holes:count=0:size=8")["input"]
    assert (untouched.psnr, untouched.hole_psnr) == (100, None)


def test_each_photograph_has_damage_of_its_own():
    networks = build(PhotoConfig(widths=(4, 4, 4), blocks=(1, 1, 1), latent_dim=0)).eval().requires_grad_(False)
    gray = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    one, twelve = (
        rows(Model(networks, {}), PhotoSet((gray,) * count), "noise:sigma=0..55")["input"] for count in (1, 12)
    )
    levels = torch.linspace(0.5, 55, 1000)  # of which one is drawn for each
    assert twelve.psnr == pytest.approx(float((-20 * (levels / 255).log10()).mean()), abs=4)
    assert abs(twelve.psnr - one.psnr) > 0.1


def test_recognition_is_measured_where_there_are_labels(model, digits):
    found = rows(
        model, digits, "noise:sigma=0", training=ImageSet(digits.images.repeat(40, 1, 1, 1), digits.labels.repeat(40))
    )
    assert found["input"].accuracy > 0.95
    assert found["agerestore"].accuracy < 0.5  # an untrained model draws no digit
    assert rows(model, ImageSet(digits.images), "noise:sigma=0")["input"].accuracy is None


@pytest.mark.parametrize(
    ("baselines", "words"), [(["magic"], "no baseline 'magic'"), (["wiener"], "need training images")]
)
def test_what_cannot_be_measured_is_named(model, digits, baselines, words):
    with pytest.raises(UsageError, match=words):
        benchmark.benchmark_restoration(model, digits, ["noise"], baselines=baselines)


def test_a_photograph_that_no_worker_can_measure_ends_it_in_one_line(tmp_path):
    class Dying:
        width = 1

        def submit(self, item):
            future = Future()
            future.set_result(
                Processed(None, 0.0, f"{item.job.source}: its worker process ended 2 times", "WorkerError")
            )
            return future

    cases = [benchmark._Case("noise:sigma=9", 0, torch.zeros(1, 3, 8, 8, dtype=torch.uint8))] * 3
    with pytest.raises(AgeRestoreError, match="image 1 under noise:sigma=9: its worker process ended 2 times"):
        list(benchmark._measured(cases, None, Dying()))


def test_workers_are_for_photographs_of_a_model_that_has_a_file(model, digits):
    with pytest.raises(UsageError, match="`workers` divide photographs of any size; leave it out"):
        benchmark.benchmark_restoration(model, digits, ["noise"], workers=1)
    gray = PhotoSet((torch.full((3, 64, 64), 128, dtype=torch.uint8),))
    with pytest.raises(UsageError, match="is in memory alone, where `workers` cannot load it"):
        benchmark.benchmark_restoration(model, gray, ["noise"], workers=1)
