"""Noise of a camera removed by a model and by OpenCV's non-local means, each photograph at its best strength.

    python benchmarks/camera_noise.py MODEL DIR [MOST]

DIR holds clean photographs; at most MOST are taken, the 320 pixels in the middle of each. The camera: pixels are made
linear (sRGB's curve), multiplied by the inverse of its white balance, laid out as a Bayer mosaic, counted as photons
(Poisson) with Gaussian noise of reading; then white balance, demosaicing (OpenCV's edge-aware method), sRGB's curve, 8
bits and JPEG. The truth went through the same camera without noise and without JPEG.
"""

import io
import sys
from pathlib import Path
from statistics import mean

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from side_by_side import tell
from torch import Tensor

from agerestore.batch import folders
from agerestore.evaluation.baselines.classical import non_local_means
from agerestore.images import io as image_io
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.metrics.image import psnr, quantize
from agerestore.models import zoo

SIDE = 320
BALANCE = np.array([2.0, 1.0, 1.6], np.float32)  # gains of red, green and blue
CAMERAS = {  # electrons at white, electrons of noise in reading, quality of the JPEG
    "weak noise": (2000, 6, 95), "medium noise": (500, 6, 92), "strong noise": (120, 4, 90)
}  # fmt: skip
STRENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20)

Floats = NDArray[np.float32]


def to_linear(image: Floats) -> Floats:
    """SRGB's curve undone."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(image: Floats) -> Floats:
    """SRGB's curve."""
    image = np.clip(image, 0, 1)
    return np.where(image <= 0.0031308, 12.92 * image, 1.055 * image ** (1 / 2.4) - 0.055).astype(np.float32)


def developed(image: Floats, electrons: float, reading: float, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """What the camera makes of a photograph (H, W, 3) in [0, 1]; without ``rng`` no noise."""
    scene = to_linear(image) / BALANCE
    mosaic = scene[..., 1].copy()
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = scene[0::2, 0::2, 0], scene[1::2, 1::2, 2]
    if rng is not None:
        mosaic = rng.poisson(mosaic * electrons) + reading * rng.standard_normal(mosaic.shape)
        mosaic = (mosaic / electrons).astype(np.float32)
    mosaic[0::2, 0::2] *= BALANCE[0]
    mosaic[1::2, 1::2] *= BALANCE[2]
    counts = (np.clip(mosaic, 0, 1) * 65535).round().astype(np.uint16)
    linear = cv2.cvtColor(counts, cv2.COLOR_BayerRGGB2RGB_EA).astype(np.float32) / 65535
    return (to_srgb(linear) * 255).round().astype(np.uint8)


def compressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """After saving as a JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def main(name: str, folder: Path, most: int) -> None:
    """Print the mean PSNR in dB for each camera."""
    model, figures = zoo.load(name), {}
    paths = folders.search(folder).images[:most]
    for camera, (electrons, reading, quality) in CAMERAS.items():
        levels: dict[str, list[float]] = {"input": [], "NLM": [], name: []}
        for number, path in enumerate(paths):
            image = image_io.read(path).to_tensor()[0].expand(3, -1, -1).permute(1, 2, 0).numpy()
            top, left = ((side - SIDE) // 2 * (side > SIDE) for side in image.shape[:2])
            image = image[top : top + SIDE, left : left + SIDE]
            truth = tensor(developed(image, electrons, reading, None))
            noisy = developed(image, electrons, reading, np.random.default_rng(number))
            seen = Observation(tensor(compressed(noisy, quality)))
            levels["input"].append(float(psnr(seen.image, truth)))
            levels["NLM"].append(max(float(psnr(quantize(non_local_means(seen, h)), truth)) for h in STRENGTHS))
            levels[name].append(float(psnr(quantize(restore_observation(model, seen).image), truth)))
        figures[camera] = ", ".join(f"{who} {mean(values):.2f}" for who, values in levels.items())
    tell(figures)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
