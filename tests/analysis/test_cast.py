import numpy as np
import torch
from scenes import scene

from agerestore.analysis.cast import LEAST, cast_gain
from agerestore.images.color import RGB_TO_XYZ, to_encoded, to_linear

WHITE = np.array(RGB_TO_XYZ[1]) / sum(RGB_TO_XYZ[1])


def photograph():
    """Muted colors, whose shadows, lights and edges are gray."""
    gray = scene(1, seed=3) / 255
    image = (0.9 * gray + 0.1 * scene(3, seed=3) / 255).astype(np.float32)
    image[20:60, 20:60], image[60:100, 60:100] = 0.02, 1
    return image


def cast(image, gain):
    return (255 * to_encoded(to_linear(torch.from_numpy(image)) * torch.tensor(gain, dtype=torch.float32))).numpy()


def test_a_cast_is_undone_wholly_or_less_what_scenes_have():
    gain = np.array([1.0, 0.8, 0.3])
    undone = cast_gain(cast(photograph(), gain), certain=False)
    np.testing.assert_allclose(np.diff(np.log(undone)), -np.diff(np.log(gain)), rtol=0.1)
    np.testing.assert_allclose(undone @ WHITE, 1)
    careful = np.log(cast_gain(cast(photograph(), gain)))
    wholly = np.log(undone)
    assert 0 < (careful - careful[1])[2] < (wholly - wholly[1])[2] - 0.5 * LEAST


def test_without_a_strong_cast_nothing_is_done():
    assert cast_gain(255 * photograph()) is None
    assert cast_gain(cast(photograph(), [1, 0.95, 0.85])) is None


def test_lights_that_are_white_say_that_there_is_no_cast():
    image = cast(photograph(), [1.0, 0.8, 0.3])
    image[60:100, 60:100] = 255
    assert cast_gain(image) is None
