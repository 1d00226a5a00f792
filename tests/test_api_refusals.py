"""What the public functions refuse, and how they name it."""

from pathlib import Path

import numpy as np
import pytest
import torch

import agerestore
from agerestore.errors import NothingReadableError, UsageError

EXAMPLES = Path(__file__).parents[1] / "examples"
DIGIT, NOISY, CAR = (
    EXAMPLES / "damaged" / "digit-2.png",
    EXAMPLES / "damaged" / "photo-chelsea.png",
    EXAMPLES / "car.jpg",
)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"strength": "1"}, "`strength` must be a number, not '1'"),
        ({"strength": float("nan")}, "`strength` nan is not within 0 to 1"),
        ({"sigma": "much"}, "`sigma` must be a number, not 'much'"),
        ({"ensemble": 2.0}, "`ensemble` must be a whole number, not 2.0"),
        ({"tile": "auto"}, "`tile` must be a whole number, not 'auto'"),
        ({"samples": -1}, "`samples` -1 is below 0"),
        ({"seed": 1.5}, "`seed` must be a whole number, not 1.5"),
        ({"model": 3}, "`model` must be a name, a path or a Model, not int"),
        ({"model": "photo", "degradation": torch.relu}, "model 'photo' does not support `degradation`; leave that out"),
    ],
)
def test_a_wrong_option_is_named(option, message):
    with pytest.raises(UsageError) as error:
        agerestore.restore(NOISY, **option)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: agerestore.sample(-1), "`num_samples` -1 is below 0"),
        (lambda: agerestore.sample(1.5), "`num_samples` must be a whole number, not 1.5"),
        (lambda: agerestore.interpolate(DIGIT, DIGIT, steps=2.5), "`steps` must be a whole number, not 2.5"),
        (lambda: agerestore.interpolate(DIGIT, DIGIT, spacing="pixel"),
         "`spacing` 'pixel' is unknown; choose image or code"),
        (lambda: agerestore.interpolate(torch.zeros(2, 1, 8, 8), DIGIT), "this is a batch of 2 images; give one"),
        (lambda: agerestore.degrade(DIGIT, None), "`degradation` must be a text such as noise:sigma=50, not None"),
        (lambda: agerestore.degrade(DIGIT, "noise", seed=1.5), "`seed` must be a whole number, not 1.5"),
        (lambda: agerestore.restore_files(NOISY, "out.jpg", quality=300), "`quality` 300 is not within 1 to 100"),
        (lambda: agerestore.restore_files(NOISY, "out.jpg", max_pixels=0), "`max_pixels` 0 is below 1"),
        (lambda: agerestore.restore_files(NOISY, "out.jpg", precision="fp8"),
         "precision 'fp8' is unknown; choose auto, fp32 or bf16"),
        (lambda: agerestore.evaluate("mnist", EXAMPLES, degradation="noise", limit=0), "`limit` 0 is below 1"),
        (lambda: agerestore.evaluate(3, EXAMPLES, degradation="noise"),
         "`model` must be a name, a path or a Model, not int"),
        (lambda: agerestore.train(EXAMPLES, out="run", settings="steps=2"),
         "`settings` is a list of texts such as ['steps=2'], not one text"),
        (lambda: agerestore.colorize(CAR, samples=1.5), "`samples` must be a whole number, not 1.5"),
    ],
)  # fmt: skip
def test_what_the_other_verbs_refuse(call, message):
    with pytest.raises(UsageError) as error:
        call()
    assert str(error.value) == message


def test_no_inputs_are_nothing_to_restore(tmp_path):
    with pytest.raises(NothingReadableError, match="no inputs; give an image file or a folder"):
        agerestore.restore_files([], tmp_path)


NOT_FINITE = np.full((40, 48, 3), 0.5)
NOT_FINITE[20, 20] = np.inf
GRAY = NOT_FINITE[..., 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: agerestore.restore(NOT_FINITE, model="photo"),
        lambda: agerestore.restore(torch.from_numpy(GRAY), model="mnist"),
        lambda: agerestore.colorize(GRAY),
        lambda: agerestore.colorize(CAR, reference=NOT_FINITE, force=True),
        lambda: agerestore.inspect(NOT_FINITE),
        lambda: agerestore.degrade(GRAY.astype(np.float16), "noise:sigma=5"),
        lambda: agerestore.interpolate(GRAY, GRAY),
    ],
)
def test_values_that_are_not_finite_are_refused_by_every_verb(call):
    with pytest.raises(UsageError, match="the image holds NaN or infinite values; replace them"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda image: agerestore.colorize(image[..., 0]),
        lambda image: agerestore.inspect(image),
        lambda image: agerestore.degrade(torch.from_numpy(image).permute(2, 0, 1), "noise:sigma=5"),
        lambda image: agerestore.interpolate(DIGIT, image[..., 0]),
    ],
)
def test_floats_of_0_to_255_are_refused_by_every_verb_with_the_range(call):
    with pytest.raises(UsageError, match=r"must be in \[0, 1\], and this one goes from 0 to 200"):
        call(np.linspace(0, 200, 40 * 48 * 3).reshape(40, 48, 3))
