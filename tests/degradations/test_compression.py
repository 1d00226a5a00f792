"""JPEG and WebP as degradations, held against the files of Pillow."""

import io

import numpy as np
import pytest
import torch
from degraded import degrade
from PIL import Image

from agerestore.errors import UsageError
from agerestore.metrics.image import psnr, quantize


def smooth_picture(height=100, width=130):
    """Color gradients, a disc and stripes: what JPEG is made for, with edges."""
    row, col = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    disc = ((row - 0.5) ** 2 + (col - 0.4) ** 2 < 0.06).float()
    stripes = 0.5 + 0.5 * torch.sin(40 * col + 25 * row**2)
    return torch.stack([0.7 * row + 0.3 * disc, 0.5 * col + 0.4 * stripes * row, 0.9 - 0.6 * disc * col])[None]


def decoded(image, suffix, quality):
    """What Pillow makes of an image (1, C, H, W) that it writes and reads."""
    pixels = (255 * image[0]).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, suffix, quality=quality)
    back = np.asarray(Image.open(file).convert("RGB" if suffix == "webp" else None))
    back = back.reshape(*pixels.shape[:2], -1)[..., : image.shape[1]]
    return torch.from_numpy(back.copy()).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("quality", [1, 10, 30, 75, 95, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(quality, channels):
    image = smooth_picture()[:, :channels]  # 100 x 130: no multiple of 16
    assert torch.equal(degrade(f"jpeg:quality={quality}", image).image, decoded(image, "jpeg", quality))


@pytest.mark.parametrize("quality", [10, 30, 75, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_with_a_gradient_is_like_pillows_and_as_lossy(quality, channels):
    image = smooth_picture()[:, :channels].requires_grad_()
    found = degrade(f"jpeg:quality={quality}", image).image
    found.square().sum().backward()
    assert image.grad.isfinite().all()
    assert image.grad.abs().max() > 0
    image, ours = image.detach(), quantize(found.detach())
    real = decoded(image, "jpeg", quality)
    assert psnr(ours, real).item() > 35
    assert psnr(ours, image).item() == pytest.approx(psnr(real, image).item(), abs=0.5)


@pytest.mark.parametrize("quality", [2, 30, 75, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_webp_is_pillows(quality, channels):
    image = smooth_picture()[:, :channels]
    assert torch.equal(degrade(f"webp:quality={quality}", image).image, decoded(image, "webp", quality))


def test_what_is_too_long_for_webp_is_refused():
    with pytest.raises(UsageError, match="webp: such files have at most 16383 pixels a side"):
        degrade("webp", torch.zeros(1, 1, 2, 16384))
    assert degrade("webp", torch.zeros(1, 1, 2, 16383)).image.shape == (1, 1, 2, 16383)


@pytest.mark.parametrize(("file", "alike"), [("jpeg", 35), ("webp", 33)])  # the whole picture tells WebP its steps
def test_a_picture_cropped_after_it_was_compressed_has_its_blocks_elsewhere(file, alike):
    pixels = (255 * smooth_picture()[0]).round().byte().permute(1, 2, 0).numpy()
    coded = io.BytesIO()
    Image.fromarray(np.pad(pixels, ((3, 29), (5, 25), (0, 0)), "edge")).save(coded, file, quality=20)
    real = torch.from_numpy(np.asarray(Image.open(coded))[3:103, 5:135].copy()).permute(2, 0, 1)[None] / 255
    cropped, whole = (degrade(f"{file}:quality=20{cut}", smooth_picture()).image for cut in (":top=3:left=5", ""))
    assert psnr(cropped, real).item() > alike
    assert psnr(whole, real).item() < psnr(cropped, real).item() - 3


@pytest.mark.parametrize("file", ["jpeg", "webp"])
def test_a_picture_enlarged_after_it_was_compressed_is_pillows(file):
    bicubic = Image.Resampling.BICUBIC
    picture = Image.fromarray((255 * smooth_picture()[0]).round().byte().permute(1, 2, 0).numpy())
    coded = io.BytesIO()
    picture.resize((65, 50), bicubic).save(coded, file, quality=20)
    larger = np.asarray(Image.open(coded).resize(picture.size, bicubic)).copy()
    real = torch.from_numpy(larger).permute(2, 0, 1)[None] / 255
    enlarged = degrade(f"{file}:quality=20:enlarged=2", smooth_picture()).image
    assert psnr(enlarged, real).item() > 35
    assert psnr(degrade(f"{file}:quality=20", smooth_picture()).image, real).item() < 30
