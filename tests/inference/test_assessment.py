"""What is done with an image: its defects are filled, the rest is restored, or nothing is done at all."""

import numpy as np
import pytest
import torch
from detectors import white_is_damage
from scenes import decoded, noisy, scene

from agerestore.config.networks import PhotoConfig
from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError
from agerestore.images.photo import Photo
from agerestore.inference.restorer import restore
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.models.registry import build


@pytest.fixture(scope="module")
def detector() -> Model:
    return white_is_damage()


@pytest.fixture(scope="module")
def photo() -> Model:
    networks = build(PhotoConfig(widths=(4, 4, 4), blocks=(1, 1, 1), latent_dim=0))
    with torch.no_grad():  # so that it changes what it restores
        networks.estimator.head.bias[:3] = 0.02  # type: ignore[union-attr, index]
    return Model(networks.eval().requires_grad_(False), {}, "photo")


def print_with(*boxes: tuple[slice, slice]) -> np.ndarray:
    """A photograph (192, 192, 3) darker than white, with white boxes."""
    image = np.minimum(scene(), 240)
    for box in boxes:
        image[box] = 255
    return image


SPECK = (slice(50, 56), slice(90, 97))
FLAKE = (slice(100, 160), slice(20, 90))


def test_defects_are_filled_and_the_rest_is_restored(photo: Model, detector: Model) -> None:
    image = print_with(SPECK)
    result = restore({"photo": photo}, image, detector=detector)
    assert result.remarks == ["filled 0.2%: specks"]
    expected = np.zeros((192, 192), bool)
    expected[SPECK] = True
    assert result.mask[expected].all()
    assert result.mask.sum() == 8 * 9 - 4  # with a rim of one pixel
    assert result.image[SPECK].max() < 250
    assert (result.image != image)[~result.mask].mean() > 0.9
    given = restore({"photo": photo}, image, result.mask)
    np.testing.assert_array_equal(given.image[result.mask], result.image[result.mask])  # filled alike
    np.testing.assert_array_equal(given.image[~result.mask], image[~result.mask])


def test_strength_holds_for_known_pixels_alone(photo: Model, detector: Model) -> None:
    image = print_with(SPECK)
    whole = restore({"photo": photo}, image, detector=detector)
    none = restore({"photo": photo}, image, None, RestoreSettings(strength=0), detector=detector)
    np.testing.assert_array_equal(none.image[~none.mask], image[~none.mask])
    np.testing.assert_array_equal(none.image[none.mask], whole.image[none.mask])


def test_sigma_is_measured_without_the_defects(photo: Model, detector: Model) -> None:
    image = print_with(SPECK)
    settings = RestoreSettings(sigma=0.5)
    clean = restore({"photo": photo}, np.minimum(scene(), 240), None, settings)
    result = restore({"photo": photo}, image, None, settings, detector=detector)
    difference = np.abs(result.image.astype(int) - clean.image)[~result.mask]
    assert (difference <= 1).mean() > 0.99


def test_what_is_large_is_shown_and_filled_when_asked(photo: Model, detector: Model) -> None:
    image = print_with(SPECK, FLAKE)
    left = restore({"photo": photo}, image, None, RestoreSettings(strength=0), detector=detector)
    assert left.mask[FLAKE].all()
    assert (left.image[FLAKE] == 255).all()
    assert left.image[SPECK].max() < 250
    assert "more than 40 pixels across" in left.remarks[1]
    assert "`fill_large=True`" in left.remarks[1]
    filled = restore({"photo": photo}, image, None, RestoreSettings(fill_large=True), detector=detector)
    assert filled.image[FLAKE].max() < 250
    assert len(filled.remarks) == 1


def test_a_mask_of_more_than_a_third_is_not_used_but_named(photo: Model, detector: Model) -> None:
    image = print_with((slice(0, 100), slice(0, 192)))
    result = restore({"photo": photo}, image, detector=detector)
    (remark,) = result.remarks
    assert "53% of the image looks like defects" in remark
    assert "none was filled" in remark
    assert (result.image[:100] == restore({"photo": photo}, image).image[:100]).all()


def test_a_sound_print_has_no_mask(photo: Model, detector: Model) -> None:
    image = print_with()
    result = restore({"photo": photo}, image, detector=detector)
    assert result.mask is None
    assert result.remarks == []
    np.testing.assert_array_equal(result.image, restore({"photo": photo}, image).image)


def test_a_batch_of_tensors_has_a_mask_each(photo: Model, detector: Model) -> None:
    images = torch.stack([torch.from_numpy(print_with(*boxes)).permute(2, 0, 1) for boxes in ((), (SPECK,))])
    result = restore({"photo": photo}, images, detector=detector)
    assert result.mask.shape == (2, 1, 192, 192)
    assert not result.mask[0].any()
    assert result.mask[1, 0][SPECK].all()


# ---------------------------------------------------------------------------------------------- nothing to do


@pytest.fixture(scope="module")
def several(photo: Model) -> dict[str, Model]:
    return {"mnist": zoo.load("mnist", device="cpu"), "photo": photo}


def test_a_selected_model_leaves_an_image_alone_in_which_nothing_is_found(
    several: dict[str, Model], detector: Model
) -> None:
    image = print_with()
    result = restore(several, image, detector=detector)
    assert not result.changed
    assert result.remarks[0].startswith("nothing was found to restore")
    np.testing.assert_array_equal(result.image, image)
    assert restore(several, image, None, RestoreSettings(always=True)).changed
    assert restore({"photo": several["photo"]}, image).changed  # it was named


@pytest.mark.parametrize("option", [{"sigma": 5}, {"uncertainty": True}])
def test_options_that_ask_for_more_restore_anyway(several: dict[str, Model], option: dict[str, float]) -> None:
    assert restore(several, print_with(), None, RestoreSettings(**option)).changed  # type: ignore[arg-type]


def test_noise_and_compression_are_found(several: dict[str, Model]) -> None:
    assert restore(several, noisy(128, 12, (128, 128, 3))).changed
    assert restore(several, Photo(decoded(scene(), 30))).changed


def test_defects_alone_are_filled_and_all_other_pixels_stay(several: dict[str, Model], detector: Model) -> None:
    image = print_with(SPECK)
    result = restore(several, image, detector=detector)
    assert result.remarks == ["filled 0.2%: specks"]
    np.testing.assert_array_equal(result.image[~result.mask], image[~result.mask])
    assert result.image[SPECK].max() < 250


def test_models_of_one_size_take_no_automatic_mask(several: dict[str, Model]) -> None:
    zoo.refuse_detection(several)
    with pytest.raises(UsageError, match=r"'mnist' takes no automatic mask.*`model='photo'`"):
        zoo.refuse_detection({"mnist": several["mnist"]})


def test_hardly_a_mark_is_no_reason_to_touch_an_image_that_was_not_named_for_it(
    several: dict[str, Model], detector: Model
) -> None:
    image = print_with((slice(50, 53), slice(90, 93)))  # with its rim 21 of 36,864 pixels
    assert not restore(several, image, detector=detector).changed
    assert restore(several, image, None, RestoreSettings(always=True), detector=detector).mask is not None
    assert restore({"photo": several["photo"]}, image, detector=detector).mask is not None
