import numpy as np
import torch
from scenes import scene

from agerestore.analysis.stains import MOST, stain_gain
from agerestore.images.color import to_encoded, to_linear

GRAY = 100 + 0.6 * scene(1, seed=2).astype(np.float32)
SEPIA = GRAY * np.array([1, 0.86, 0.62], np.float32)


def stained(pixels, density, radius=45):
    """Pixels whose linear light within a disc is less by densities of red, green and blue (natural logarithms)."""
    rows, columns = np.mgrid[:192, :192]
    thick = 1 / (1 + np.exp((np.hypot(rows - 110, columns - 80) - radius) / 3))[..., None]
    light = to_linear(torch.from_numpy(pixels / 255)) * torch.from_numpy(np.exp(-thick * np.array(density)))
    return (255 * to_encoded(light)).numpy().astype(np.float32)


def test_a_stain_is_undone_where_it_is():
    for pixels in (GRAY.repeat(3, 2), SEPIA):
        gain = stain_gain(stained(pixels, (0.1, 0.3, 0.5)))
        assert gain.shape == (96, 96, 3)
        np.testing.assert_allclose(np.log(gain[50:60, 35:45]).mean((0, 1)), (0.1, 0.3, 0.5), rtol=0.25)
        assert gain[:20].max() < 1.02


def test_what_is_sound_gray_small_or_of_a_strong_color_is_no_stain():
    assert stain_gain(GRAY.repeat(3, 2)) is None
    assert stain_gain(SEPIA) is None
    assert stain_gain(stained(SEPIA, (0.4, 0.4, 0.4))) is None  # a shadow
    assert stain_gain(stained(SEPIA, (0.1, 0.3, 0.5), radius=6)) is None
    thing = stain_gain(stained(SEPIA, (0.1, 1.5, 3 * MOST)))
    assert thing is None or thing[50:60, 35:45].max() < 1.02
