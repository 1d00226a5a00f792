"""Images and masks of any type and dtype: what comes in comes back, and what cannot be understood is refused."""

import numpy as np
import pytest
import torch
from pictures import SRGB
from PIL import Image

from agerestore.errors import UsageError
from agerestore.images.arrays import open_image, to_photo
from agerestore.images.io import read, write
from agerestore.images.masks import read_mask
from agerestore.images.photo import Photo

RANDOM = np.random.default_rng(0)
CPU, WHOLE = torch.device("cpu"), (slice(None), slice(None))
ARRAYS = [
    RANDOM.integers(0, 256, shape, np.uint8) for shape in ((5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4))
] + [
    RANDOM.integers(0, 65536, (5, 7, 3), np.uint16),
    RANDOM.normal(0.5, 0.3, (5, 7)).astype(np.float32),
    RANDOM.normal(0.5, 0.3, (5, 7, 3)),
    RANDOM.random((5, 7, 3)).astype(np.float16),
    RANDOM.random((5, 7)).astype(np.longdouble),
    RANDOM.random((5, 7)) < 0.5,
    *(RANDOM.integers(0, high, (5, 7, 3)).astype(dtype) for high, dtype in (
        (128, np.int8), (256, np.int16), (32768, np.int16), (65536, np.int32), (256, np.int64), (65536, np.uint32),
        (65536, np.uint64),
    )),
]  # fmt: skip
TENSORS = [
    torch.rand(5, 7), torch.rand(3, 5, 7), torch.rand(2, 1, 5, 7),
    torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8), torch.rand(3, 5, 7, dtype=torch.float64),
    torch.rand(3, 5, 7).to(torch.bfloat16), torch.randint(0, 65536, (3, 5, 7)), torch.rand(5, 7) < 0.5,
]  # fmt: skip


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b)) and np.asarray(a).dtype == np.asarray(b).dtype


def whole(raster):
    """All of a raster, as float32 with white at 1."""
    return raster.read(WHOLE, CPU).image


def back(image, values=None, mask=None):
    """The image that comes back if these values, or its own, are written into it."""
    raster = open_image(image, mask)
    made = raster.copy()
    made.write(WHOLE, whole(raster) if values is None else values, raster.mask)
    return raster.to_original(made.values, "restored")


@pytest.mark.parametrize("image", [*ARRAYS, *TENSORS], ids=lambda p: f"{p.dtype}-{list(p.shape)}")
def test_the_way_in_and_out_changes_nothing(image):
    assert whole(open_image(image)).dtype == torch.float32
    found = back(image)
    assert type(found) is type(image)
    assert found.dtype == image.dtype
    if image.dtype in (np.float64, np.longdouble, torch.float64):  # computed in single precision
        np.testing.assert_allclose(np.asarray(found), np.asarray(image), rtol=1e-6)
    elif isinstance(image, torch.Tensor):
        assert torch.equal(found, image)
    else:
        assert same(found, image)


@pytest.mark.parametrize(
    "image", [each for each in ARRAYS if each.ndim == 3], ids=lambda p: f"{p.dtype}-{list(p.shape)}"
)
def test_byte_order_and_strides_do_not_matter(image):
    expected = whole(open_image(image))
    swapped = image.astype(image.dtype.newbyteorder())
    assert swapped.dtype.itemsize == 1 or swapped.dtype != image.dtype
    frozen = image.copy()
    frozen.flags.writeable = False
    flipped, spread = np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1], image.repeat(2, 1)[:, ::2]
    assert min(flipped.strides) < 0
    for other in (swapped, flipped, spread, np.asfortranarray(image), frozen):
        assert torch.equal(whole(open_image(other)), expected)
        if image.dtype != np.float64:  # computed in single precision
            assert same(back(other), other)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pillow_images_come_back_in_their_mode(mode):
    channels = {"L": 0, "I;16": 0, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    dtype = np.uint16 if mode == "I;16" else np.uint8
    values = RANDOM.integers(0, np.iinfo(dtype).max, (5, 7, channels) if channels else (5, 7)).astype(dtype)
    image = Image.fromarray(values)
    assert image.mode == mode
    found = back(image)
    assert (found.mode, found.size) == (mode, image.size)
    assert same(found, image)


def test_a_path_comes_back_as_an_array_of_the_depth_of_its_file(tmp_path):
    photo = Photo(RANDOM.integers(0, 65536, (5, 7, 3), np.uint16), RANDOM.integers(0, 65536, (5, 7), np.uint16))
    write(tmp_path / "a.png", photo)
    assert same(back(tmp_path / "a.png"), np.dstack([photo.pixels, photo.alpha]))
    write(tmp_path / "b.png", Photo(photo.pixels[..., :1]))
    assert same(back(str(tmp_path / "b.png")), photo.pixels[..., 0])
    assert same(back(photo).pixels, photo.pixels)


@pytest.mark.parametrize("image", [*ARRAYS[:8], *TENSORS[:5]], ids=lambda p: f"{p.dtype}-{list(p.shape)}")
def test_known_pixels_and_alpha_are_bit_exact_whatever_was_generated(image):
    mask = np.zeros((5, 7), bool)
    mask[1:3, 2:5] = True
    raster = open_image(image)
    found = back(image, torch.full_like(whole(raster), 0.5), mask)
    values, missing = whole(open_image(found)), torch.from_numpy(mask).expand_as(whole(raster))
    assert torch.equal(values[~missing], whole(raster)[~missing])
    torch.testing.assert_close(values[missing], torch.full_like(values[missing], 0.5), atol=1 / 255, rtol=0)
    if isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] in (2, 4):
        assert same(back(image, whole(raster) * 0)[..., -1], image[..., -1])


def test_a_generated_value_is_rounded_and_clipped_to_the_depth():
    values = torch.tensor([[[[-0.2, 0.499, 1.7]]]])
    assert back(np.zeros((1, 3), np.uint8), values).tolist() == [[0, 127, 255]]
    with pytest.raises(ValueError, match="not finite"):
        back(np.zeros((1, 3), np.uint8), values * torch.nan)


# ---------------------------------------------------------------------------------------------- the range of floats


def scene(shape=(64, 96, 3)):
    """Smooth, from 0 to 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.repeat(((y / shape[0] + x / shape[1]) / 2)[..., None], shape[2], 2).astype(np.float32)


@pytest.mark.parametrize("sigma", [0, 25, 50, 128])
@pytest.mark.parametrize("level", [0.0, 1.0, None])
@pytest.mark.parametrize("size", [(1, 1), (3, 9), (64, 96), (1030, 1030)])
def test_unclipped_noise_is_taken_as_it_is(sigma, level, size):
    clean = scene((*size, 3)) if level is None else np.full((*size, 3), level, np.float32)
    noise = np.random.default_rng(1).normal(0, sigma / 255, clean.shape)
    noisy = (clean + noise).astype(np.float32)
    assert torch.equal(whole(open_image(noisy))[0].permute(1, 2, 0), torch.from_numpy(noisy))


@pytest.mark.parametrize(
    "image",
    [
        scene() * 255, scene() * 65535, scene() * 2 - 1, (scene() - 0.45) / 0.22, np.round(scene() * 2),
        np.pad([[200.0]], 50), np.round(scene() * 255).astype(np.float64), 127.5 * np.ones((1, 1)), scene() - 0.6,
    ],
    ids=["0..255", "0..65535", "-1..1", "normalized", "whole numbers", "a star", "levels", "one pixel", "too dark"],
)  # fmt: skip
def test_other_ranges_are_refused_with_the_one_that_is_expected(image):
    for each in (image, torch.from_numpy(image)):
        if isinstance(each, torch.Tensor) and each.dim() == 3:
            each = each.permute(2, 0, 1)
        with pytest.raises(UsageError, match=r"must be in \[0, 1\], and this one goes from") as error:
            open_image(each)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_but_where_the_mask_is(value):
    image = scene()
    image[20, 30, 1] = value
    with pytest.raises(UsageError, match="NaN or infinite"):
        open_image(image)
    mask = np.zeros(image.shape[:2], bool)
    mask[20, 30] = True
    assert np.isfinite(back(image, torch.full((1, 3, 64, 96), 0.5), mask)).all()
    with pytest.raises(UsageError, match="the mask holds NaN"):
        open_image(scene(), np.full((64, 96), np.nan))


@pytest.mark.parametrize("bad", ["none.png", 3, np.zeros((2, 2), np.complex64), np.zeros((2, 2, 5)), np.zeros((0, 2)),
                                 torch.zeros(2, 4, 3, 3), torch.zeros(3), np.array([[1, 70000]]), np.array([[-1, 5]]),
                                 np.array([["a"]]), torch.zeros(2, 2, dtype=torch.complex64)], ids=str)  # fmt: skip
def test_what_is_no_image_is_refused_in_one_line(bad):
    with pytest.raises(Exception, match=r".") as error:
        open_image(bad)
    assert isinstance(error.value, UsageError) or isinstance(bad, str)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------------------------------------- masks

EYE = np.eye(4, dtype=np.uint8)
DTYPES = [bool, *"bBhHiIlLqQefdg"]


@pytest.mark.parametrize(
    "mask",
    [EYE * 9.0, Image.fromarray(EYE * 255), torch.eye(4), torch.eye(4)[None, None], torch.eye(4)[None], EYE[..., None],
     EYE.tolist(), EYE[::-1][::-1], np.asfortranarray(EYE), EYE * 0.2, Photo(EYE[..., None] * 255),
     EYE.astype(">u2"), EYE.astype(">f4"), np.dstack([EYE * 0, EYE, EYE * 0]), torch.eye(4, dtype=torch.bfloat16),
     *(EYE.astype(dtype) for dtype in DTYPES), *(EYE.astype(dtype).astype(np.dtype(dtype).newbyteorder())
                                                 for dtype in DTYPES)],
    ids=lambda m: f"{type(m).__name__}-{getattr(m, 'dtype', '')}",
)  # fmt: skip
def test_a_mask_of_any_type_is_nonzero_where_pixels_are_missing(mask):
    found = read_mask(mask, torch.zeros(2, 3, 4, 4)).missing
    assert found.dtype == torch.bool
    assert torch.equal(found.expand(2, 1, 4, 4), torch.eye(4).bool().expand(2, 1, 4, 4))


def test_a_mask_of_another_size_names_both_sizes():
    with pytest.raises(UsageError, match="the mask is 4x3, the image 6x5"):
        read_mask(np.zeros((3, 4)), torch.zeros(1, 1, 5, 6))


def test_a_mask_may_be_a_file_and_a_lossy_one_is_read_at_half_the_brightness(tmp_path):
    mask = np.zeros((32, 32, 1), np.uint8)
    mask[8:16, 8:16] = 255
    for name in ("mask.png", "mask.jpg"):
        write(tmp_path / name, Photo(mask))
        assert np.array_equal(read_mask(tmp_path / name, torch.zeros(1, 3, 32, 32)).missing[0, 0], mask[..., 0] > 0)
    assert read(tmp_path / "mask.jpg").pixels.min() >= 0


def test_sixteen_bits_in_either_order_of_bytes_are_read_and_what_has_no_range_is_refused(tmp_path):
    values = np.array([[0, 1000], [40_000, 65_535]], np.uint16)
    big = tmp_path / "big.tif"
    Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes()).save(big)
    with Image.open(big) as image:
        assert same(back(image), values)
    for mode in ("I", "F"):
        with pytest.raises(UsageError, match=f"mode {mode} has no range"):
            open_image(Image.new(mode, (2, 2)))


def test_a_mask_with_a_palette_is_read_by_its_colors():
    mask = Image.new("P", (2, 1))
    mask.putpalette([255, 255, 255, 0, 0, 0])  # the first color is white, which is missing
    mask.putdata([0, 1])
    assert read_mask(mask, torch.zeros(1, 3, 1, 2)).missing.flatten().tolist() == [True, False]


def test_an_image_of_any_type_becomes_a_photo():
    for image in ARRAYS[:6]:
        photo = to_photo(image)
        assert photo.pixels.dtype == image.dtype
        assert (photo.alpha is not None) == (image.ndim == 3 and image.shape[2] in (2, 4))
    assert to_photo(np.full((3, 4), 0.5, np.float32)).pixels.tolist() == np.full((3, 4, 1), 32768).tolist()
    with pytest.raises(UsageError, match="a batch of 2"):
        to_photo(torch.zeros(2, 1, 3, 4))


@pytest.mark.parametrize("tensor", [torch.zeros(3, 4, 4).to_sparse(), torch.zeros(3, 4, 4, device="meta")])
def test_a_tensor_without_values_in_memory_is_refused(tensor: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="convert it to a dense one"):
        open_image(tensor)


# ---------------------------------------------------------------------------------------------- masks with alpha, lossy

HOLE = np.zeros((32, 48), bool)
HOLE[8:16, 8:24] = True


def masked(mask):
    return read_mask(mask, torch.zeros(1, 3, 32, 48)).missing[0, 0].numpy()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}), ("WEBP", {"quality": 60}), ("TIFF", {"compression": "jpeg", "quality": 60}), ("AVIF", {}),
        ("WEBP", {"quality": 60, "icc_profile": SRGB}),
    ],
)  # fmt: skip
def test_a_lossy_mask_in_any_container_is_read_at_half_the_brightness(form, options, tmp_path):
    shades = HOLE * 255 + ~HOLE * np.linspace(0, 40, 48)  # compression leaves no pure black
    mask = Image.fromarray(shades.astype(np.uint8)).convert("RGB")
    path = tmp_path / f"mask.{form.lower()}"
    try:
        mask.save(path, form, **options)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {form}")
    np.testing.assert_array_equal(masked(path), HOLE)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(masked(opened), HOLE)


@pytest.mark.parametrize(("form", "options"), [("WEBP", {"lossless": True}), ("TIFF", {"compression": "tiff_lzw"})])
def test_a_lossless_mask_is_read_exactly(form, options, tmp_path):
    path = tmp_path / f"mask.{form.lower()}"
    Image.fromarray(HOLE.astype(np.uint8)).convert("RGB").save(path, form, **options)
    np.testing.assert_array_equal(masked(path), HOLE)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float32, bool])
@pytest.mark.parametrize("channels", [1, 3])
def test_strokes_on_a_transparent_ground_are_missing(dtype, channels, tmp_path):
    white = 1 if np.dtype(dtype).kind in "fb" else np.iinfo(dtype).max
    samples = np.dstack([HOLE * white] * (channels + 1)).astype(dtype)
    np.testing.assert_array_equal(masked(samples), HOLE)
    if dtype == np.uint8:
        mode = "LA" if channels == 1 else "RGBA"
        image = Image.fromarray(samples, mode)
        np.testing.assert_array_equal(masked(image), HOLE)
        image.save(tmp_path / "mask.png")
        np.testing.assert_array_equal(masked(tmp_path / "mask.png"), HOLE)


def test_equal_opacity_says_nothing():
    for opacity in (1, 255):
        for channels in (1, 3):
            np.testing.assert_array_equal(masked(np.dstack([HOLE * 255] * channels + [HOLE * 0 + opacity])), HOLE)


def test_transparent_parts_that_could_mean_either_are_refused(tmp_path):
    black_on_nothing = np.dstack([HOLE * 0] * 3 + [HOLE * 255]).astype(np.uint8)
    cut_out_of_an_image = np.dstack([RANDOM.integers(1, 256, (32, 48, 3)), ~HOLE * 255]).astype(np.uint8)
    nothing = np.zeros((32, 48, 4), np.uint8)
    for samples in (black_on_nothing, cut_out_of_an_image, nothing):
        Image.fromarray(samples).save(tmp_path / "mask.png")
        for mask in (samples, Image.fromarray(samples), tmp_path / "mask.png"):
            with pytest.raises(UsageError, match="this mask has transparent parts; save it without alpha"):
                masked(mask)


@pytest.mark.parametrize("mode", ["1", "P", "I", "F", "I;16", "I;16B", "CMYK"])
def test_pillow_masks_of_any_mode(mode):
    if mode == "I;16B":
        image = Image.frombytes(mode, (48, 32), (HOLE * 300).astype(">u2").tobytes())
    elif mode == "I;16":
        image = Image.fromarray((HOLE * 300).astype(np.uint16))
    else:
        image = Image.fromarray(HOLE.astype(np.uint8) * 255).convert(mode)
    np.testing.assert_array_equal(masked(image), HOLE)


@pytest.mark.parametrize(
    "mask",
    [
        np.full((32, 48), "x"), np.full((32, 48), None), np.full((32, 48), 1j), 7, [], [[1], [1, 2]],
        np.zeros((0, 48)), np.datetime64("2020-01-01"), torch.zeros(32, 48).to_sparse(),
        torch.zeros(32, 48, device="meta"),
    ],
    ids=lambda mask: type(mask).__name__,
)  # fmt: skip
def test_what_is_no_mask_is_refused_in_one_line(mask):
    with pytest.raises(UsageError, match=r"mask .* not understood") as error:
        masked(mask)
    assert "\n" not in str(error.value)
