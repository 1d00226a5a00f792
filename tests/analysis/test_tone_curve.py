import numpy as np

from agerestore.analysis.tone_curve import distances


def test_a_stain_does_not_bend_the_curve():
    level = np.linspace(0, 1, 500)
    values = np.stack([0.2 * level * (1 - level), -0.1 * level], axis=1)
    values[::4] -= 0.3
    apart = distances(level, values, lambda apart: np.hypot(*apart.T).clip(1e-6) ** -0.5)
    np.testing.assert_allclose(apart[1::4], 0, atol=1e-5)
    np.testing.assert_allclose(apart[::4], -0.3, atol=1e-5)
