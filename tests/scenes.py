"""Scenes of sharp-edged discs, and what may happen to them: noise, blur, JPEG."""

import io

import cv2
import numpy as np
from PIL import Image


def noisy(level, sigma, shape=(128, 128, 1), seed=0):
    drawn = level + sigma * np.random.default_rng(seed).standard_normal(shape)
    return np.clip(np.round(drawn), 0, 255).astype(np.uint8)


def scene(channels=3, side=192, seed=0):
    """Overlapping discs of drawn colors on a ramp: flat parts, slopes and sharp edges."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    picture = np.repeat((60 + 100 * rows / side)[:, :, None], channels, axis=2)
    for _ in range(60):
        center, radius = generator.uniform(0, side, 2), generator.uniform(6, 30)
        inside = np.hypot(rows - center[0], columns - center[1]) < radius
        picture[inside] = generator.uniform(20, 235, channels)
    return picture.round().astype(np.uint8)


def blurred(picture, sigma):
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma).reshape(picture.shape).round().astype(np.uint8)


def as_jpeg(picture, quality, **options):
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(
        file, "JPEG", quality=quality, **options
    )
    return file.getvalue()


def decoded(picture, quality):
    pixels = np.asarray(Image.open(io.BytesIO(as_jpeg(picture, quality))))
    return pixels.reshape(picture.shape)
