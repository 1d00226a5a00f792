import numpy as np
import pytest
import torch
from PIL import Image

from agerestore.errors import UsageError
from agerestore.images.arrays import read_form, read_mask

RANDOM = np.random.default_rng(0)
ARRAYS = [
    RANDOM.integers(0, 256, shape, np.uint8) for shape in ((5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4))
] + [
    RANDOM.integers(0, 65536, (5, 7, 3), np.uint16),
    RANDOM.normal(0.5, 1, (5, 7)).astype(np.float32),
    RANDOM.normal(0.5, 1, (5, 7, 3)),
]  # fmt: skip
TENSORS = [
    torch.rand(5, 7), torch.rand(3, 5, 7), torch.rand(2, 1, 5, 7),
    torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8), torch.rand(3, 5, 7, dtype=torch.float64),
]  # fmt: skip


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b)) and np.asarray(a).dtype == np.asarray(b).dtype


@pytest.mark.parametrize("picture", [*ARRAYS, *TENSORS], ids=lambda p: f"{p.dtype}-{list(p.shape)}")
def test_the_way_in_and_out_changes_nothing(picture):
    form = read_form(picture)
    assert form.image.dtype == torch.float32
    back = form.back(form.image, None)
    assert type(back) is type(picture)
    if picture.dtype in (np.float64, torch.float64):  # computed in single precision
        np.testing.assert_allclose(np.asarray(back), np.asarray(picture), rtol=1e-6)
    else:
        assert same(back, picture)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pillow_images_come_back_in_their_mode(mode):
    channels = {"L": 0, "I;16": 0, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    dtype = np.uint16 if mode == "I;16" else np.uint8
    values = RANDOM.integers(0, np.iinfo(dtype).max, (5, 7, channels) if channels else (5, 7)).astype(dtype)
    picture = Image.fromarray(values)
    assert picture.mode == mode
    form = read_form(picture)
    back = form.back(form.image, None)
    assert (back.mode, back.size) == (mode, picture.size)
    assert same(back, picture)


@pytest.mark.parametrize("picture", [*ARRAYS, *TENSORS], ids=lambda p: f"{p.dtype}-{list(p.shape)}")
def test_observed_pixels_and_alpha_are_bit_exact_whatever_was_drawn(picture):
    form = read_form(picture)
    mask = torch.zeros(form.image.shape[0], 1, 5, 7)
    mask[:, :, 1:3, 2:5] = 1
    back = read_form(form.back(torch.full_like(form.image, 0.5), mask)).image
    known = (mask == 0).expand_as(back)
    assert torch.equal(back[known], form.image[known])
    torch.testing.assert_close(back[~known], torch.full_like(back[~known], 0.5), atol=1 / 255, rtol=0)
    if isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] in (2, 4):
        assert same(form.back(form.image * 0, None)[..., -1], picture[..., -1])


def test_a_drawn_value_is_rounded_and_clipped_to_the_depth():
    form = read_form(np.zeros((1, 3), np.uint8))
    assert form.back(torch.tensor([[[[-0.2, 0.499, 1.7]]]]), None).tolist() == [[0, 127, 255]]


EYE = np.eye(4, dtype=np.uint8)


@pytest.mark.parametrize(
    "mask",
    [EYE > 0, EYE * 9.0, Image.fromarray(EYE * 255), torch.eye(4), torch.eye(4)[None, None], EYE[..., None]],
    ids=lambda m: type(m).__name__,
)
def test_a_mask_is_nonzero_where_pixels_are_unknown(mask):
    assert torch.equal(read_mask(mask, torch.zeros(2, 3, 4, 4)), torch.eye(4).expand(2, 1, 4, 4))


@pytest.mark.parametrize("bad", ["a path", np.zeros((2, 2), np.int64), np.zeros((2, 2, 5)), np.zeros((0, 2)),
                                 torch.zeros(2, 4, 3, 3), torch.zeros(3)], ids=str)  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(bad):
    with pytest.raises(UsageError) as error:
        read_form(bad)
    assert "\n" not in str(error.value)


def test_a_mask_of_another_size_names_both_sizes():
    with pytest.raises(UsageError, match="the mask is 4x3, the picture 6x5"):
        read_mask(np.zeros((3, 4)), torch.zeros(1, 1, 5, 6))


def test_sixteen_bits_in_either_order_of_bytes_are_read_and_what_has_no_range_is_refused(tmp_path):
    values = np.array([[0, 1000], [40_000, 65_535]], np.uint16)
    big = tmp_path / "big.tif"
    Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes()).save(big)
    with Image.open(big) as picture:
        form = read_form(picture)
    assert same(form.back(form.image, None), values)
    for mode in ("I", "F"):
        with pytest.raises(UsageError, match=f"mode {mode} has no range"):
            read_form(Image.new(mode, (2, 2)))


def test_a_mask_with_a_palette_is_read_by_its_colors():
    mask = Image.new("P", (2, 1))
    mask.putpalette([255, 255, 255, 0, 0, 0])  # the first color is white, which is unknown
    mask.putdata([0, 1])
    assert read_mask(mask, torch.zeros(1, 3, 1, 2)).flatten().tolist() == [1, 0]
