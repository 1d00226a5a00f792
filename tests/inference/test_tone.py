import numpy as np
import pytest
import torch
from scenes import scene

from agerestore.images.arrays import open_image
from agerestore.images.color import to_encoded, to_linear
from agerestore.images.raster import Raster
from agerestore.inference.result import Result
from agerestore.inference.tone import MOST_GAIN, Tones, apply_tones, correct_tones, measure_tones

PEAKS = {np.uint8: 255, np.uint16: 65535, np.int32: 65535, np.float32: 1}
SEPIA = np.array([1.0, 0.86, 0.62])  # of white


def corrected(pixels, *options):
    raster = open_image(pixels)
    return apply_tones(raster, [measure_tones(raster, 0, *options)]).pixels()


def photograph(seed=0):
    """A scene in color with black and white, float from 0 to 1."""
    image = scene(seed=seed) / 255
    image[20:40, 20:40], image[60:80, 60:90] = 0, 1
    return image


def print_of_one_tone(gray, faded=0.0):
    """Sepia of gray (H, W) from 0 to 1, uint8; a fraction of its black and white is faded."""
    level = faded + (1 - 2 * faded) * gray
    return (255 * level[..., None] * SEPIA).round().astype(np.uint8)


def hues(pixels):
    """(green - blue) / (red - blue): the hue of warm colors in HSV, of 60 degrees."""
    red, green, blue = np.moveaxis(pixels.astype(float), -1, 0)
    return (green - blue) / (red - blue)


@pytest.mark.parametrize("dtype", PEAKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_faded_ramp_gets_its_black_and_white_back(dtype, channels):
    peak = PEAKS[dtype]
    ramp = np.linspace(0, 1, 1000)[:, None, None].repeat(20, 1).repeat(channels, 2)
    ramp = np.concatenate([np.zeros_like(ramp[:100]), ramp, np.ones_like(ramp[:100])])  # black and white are there
    levels = (0.2 + 0.6 * ramp) * peak
    back = corrected((levels if dtype is np.float32 else levels.round()).astype(dtype)) / peak
    np.testing.assert_allclose(back, ramp, atol=0.012)
    assert back.min() == 0
    assert back.max() == 1


def test_faded_colors_come_back_and_hues_stay():
    clean = photograph()
    faded = (255 * (0.2 + 0.55 * clean)).round().astype(np.uint8)
    cold = clean[..., 0] <= clean[..., 2]  # no skin
    assert np.abs(corrected(faded) / 255 - clean)[cold].max() < 0.02
    half = corrected(faded, 0.5) / 255
    np.testing.assert_allclose(half[cold], ((faded / 255 + clean) / 2)[cold], atol=0.02)
    colorful = np.ptp(clean, axis=2) > 0.3
    turn = np.angle(np.exp(1j * (angle(corrected(faded)) - angle(faded))))[colorful]
    assert np.abs(turn).max() < 0.03


def angle(pixels):
    """The hue as an angle around gray."""
    red, green, blue = np.moveaxis(pixels.astype(float), -1, 0)
    return np.arctan2(3**0.5 * (green - blue), 2 * red - green - blue)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("kind", ["color", "gray", "sepia", "night", "pale", "flat"])
def test_what_has_not_faded_stays_bit_for_bit(dtype, kind):
    clean, dark = photograph(), 0.15 ** (1 / 2.2)
    image = {
        "color": clean, "gray": clean[..., :1], "sepia": clean[..., :1] * SEPIA, "night": dark * clean,
        "pale": 0.6 + 0.4 * clean, "flat": np.full((9, 9, 3), 0.3),
    }[kind]  # fmt: skip
    values = PEAKS[dtype] * image
    pixels = (values if dtype is np.float32 else values.round()).astype(dtype)
    assert (corrected(pixels) == pixels).all()


def test_sepia_keeps_its_hue_and_its_brown_and_is_gray_if_asked():
    gray = photograph()[..., 0]
    faded = print_of_one_tone(gray, 0.2)
    back = corrected(faded)
    assert back.max() > 250  # its paper is as light as red can be, and still paper
    assert np.ptp(back.max(axis=2)) > 1.3 * np.ptp(faded.max(axis=2))
    inside = np.ptp(back, axis=2) > 15
    np.testing.assert_allclose(hues(back)[inside], hues(faded)[inside], atol=0.06)
    assert (np.ptp(back, axis=2) <= np.ptp(faded, axis=2) + 1).all()  # no lurid orange
    assert np.ptp(corrected(faded, 1.0, True), axis=2).max() == 0
    assert np.ptp(corrected(faded, 0.0, True), axis=2).max() == 0


def test_a_gain_of_linear_light_is_undone_exactly():
    clean = torch.rand(1, 3, 40, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    gain = torch.tensor([0.9, 0.7, 0.5])[:, None, None]
    stained = Raster(to_encoded(to_linear(clean) * gain))
    torch.testing.assert_close(apply_tones(stained, [Tones(gain=1 / gain)]).values, clean, atol=2e-6, rtol=0)


def test_a_field_of_gains_is_enlarged_evenly():
    gray = Raster(torch.full((1, 3, 64, 64), 0.5))
    field = torch.linspace(1, 1.5, 8).expand(3, 8, 8)  # from left to right
    light = to_linear(apply_tones(gray, [Tones(gain=field)]).values)[0, 0] / to_linear(torch.tensor(0.5))
    torch.testing.assert_close(light, light[:1].expand(64, -1))
    torch.testing.assert_close(light[0, 4:60].diff(), torch.full((55,), 0.5 / 7 / 8), atol=1e-5, rtol=0)


def test_a_brown_stain_on_a_print_is_removed_and_the_rest_left():
    clean = torch.tensor(photograph()[..., :1] * SEPIA, dtype=torch.float32)
    rows, columns = torch.meshgrid(torch.arange(192.0), torch.arange(192.0), indexing="ij")
    thick = 0.4 * torch.sigmoid((45 - torch.hypot(rows - 120, columns - 70)) / 3)[..., None]
    dye = torch.tensor([0.25, 0.75, 1.25])  # of red a quarter of what of blue is taken more than of red
    stained = 255 * to_encoded(to_linear(clean) * torch.exp(-thick * dye))
    back = corrected(stained.round().numpy().astype(np.uint8))
    inside, outside = thick[..., 0].numpy() > 0.39, thick[..., 0].numpy() < 0.01
    error = np.abs(back - 255 * clean.numpy())
    assert (255 * clean - stained).numpy()[inside].mean() > 10
    assert error[inside].mean() < 3
    assert error[outside].mean() < 1


def test_a_cast_of_a_faded_photograph_becomes_less_and_all_of_it_goes_if_asked():
    clean = (photograph() + photograph()[..., :1]) / 2
    yellow = (255 * (0.2 + 0.55 * clean) * np.array([1, 0.92, 0.6])).round().astype(np.uint8)
    white = (slice(62, 78), slice(62, 88))

    def lack_of_blue(pixels):
        return 1 - pixels[white][..., 2].mean() / pixels[white].max()

    assert lack_of_blue(corrected(yellow)) < 0.9 * lack_of_blue(yellow)
    assert lack_of_blue(corrected(yellow, 1.0, True)) < 0.1


def test_skin_does_not_become_more_colored_than_skin_is():
    image = np.stack([np.full((4, 4), 0.72), np.full((4, 4), 0.45), np.full((4, 4), 0.27)])[None].astype(np.float32)
    blue = np.ascontiguousarray(image[:, ::-1])
    skin, other = (
        apply_tones(Raster(torch.from_numpy(each)), [Tones(slope=1.6, offset=-0.3, chroma=1.6)]).values.amax()
        - apply_tones(Raster(torch.from_numpy(each)), [Tones(slope=1.6, offset=-0.3, chroma=1.6)]).values.amin()
        for each in (image, blue)
    )
    assert skin == pytest.approx(0.5, abs=1e-5)
    assert other == pytest.approx(1.6 * 0.45, abs=1e-5)


def test_the_gain_is_bounded():
    ramp = np.linspace(110, 150, 256)[None, :, None].repeat(256, 0).round().astype(np.uint8)
    assert measure_tones(open_image(ramp)).slope == MOST_GAIN


def test_the_expected_error_is_stretched_and_a_batch_has_a_correction_for_each():
    clean = photograph().transpose(2, 0, 1)
    batch = torch.from_numpy(np.stack([clean, 0.2 + 0.6 * clean]).astype(np.float32))
    result = correct_tones(Result(Raster(batch), std=torch.full((2, 1, 192, 192), 0.03)), 1.0)
    assert torch.equal(result.image.values[0], batch[0])
    torch.testing.assert_close(result.image.values[1], batch[0], atol=0.1, rtol=0)
    assert (result.image.values[1] - batch[0]).abs().mean() < 0.01
    assert result.std[0].unique() == pytest.approx(0.03)
    assert result.std[1].unique() == pytest.approx(0.03 / 0.6, rel=0.02)
    untouched = Result(Raster(batch[:1]))
    assert correct_tones(untouched, 1.0) is untouched


def test_transparent_pixels_do_not_count():
    faded = (255 * (0.2 + 0.55 * photograph())).round().astype(np.uint8)
    framed = np.zeros((240, 240, 4), np.uint8)  # black, and not to be seen
    framed[24:216, 24:216, :3], framed[24:216, 24:216, 3] = faded, 255
    raster = open_image(framed)
    assert measure_tones(raster).slope == pytest.approx(measure_tones(open_image(faded)).slope, rel=0.05)
