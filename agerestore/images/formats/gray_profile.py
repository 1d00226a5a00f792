"""ICC profiles for gray (ICC.1:2010, section 8.3.4): one curve from the pixels to the brightness."""

import io
import struct
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms
from torch import Tensor

from agerestore.images.color import lab_to_rgb, to_encoded
from agerestore.images.pixels import Samples

LEVELS = 256  # of the curve that is read out of a profile in another form
# The parametric curves (section 10.15): names of their parameters, in the order in which they are stored.
PARAMETRIC = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}


def to_srgb(samples: Samples, profile: bytes) -> Samples:
    """Convert gray samples, uint8 or uint16 of any shape, to the gray of sRGB that looks the same.

    Args:
        samples: The pixels.
        profile: Their profile; one that cannot be read leaves them as they are, as programs do that show them.
    """
    peak = np.iinfo(samples.dtype).max
    values = np.arange(peak + 1) / peak
    try:
        shown = torch.from_numpy(np.asarray(_curve(profile)(values)).clip(0, 1))
        is_light = profile[20:24] == b"XYZ "  # else the curve leads to the lightness of Lab
        encoded = (to_encoded(shown) if is_light else _of_lightness(shown)).numpy()
    except (ValueError, ArithmeticError, struct.error, KeyError):
        try:
            encoded = _by_pillow(values, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            return samples
    table: Samples = np.rint(encoded * peak).astype(samples.dtype)
    return table[samples]


def _curve(profile: bytes) -> Any:
    """The function from pixels to brightness, both in [0, 1].

    Raises:
        ValueError, struct.error, KeyError: The profile has none, or it is damaged.
    """
    body = _tag(profile, b"kTRC")
    if body[:4] == b"para":
        return _parametric(body)
    if body[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", body, 8)
    if count == 0:
        return lambda x: x
    numbers = np.frombuffer(body, ">u2", count, 12)
    if count == 1:
        return lambda x: x ** (numbers[0] / 256)
    return lambda x: np.interp(x, np.linspace(0, 1, count), numbers / 65535)


def _parametric(body: bytes) -> Any:
    (kind,) = struct.unpack_from(">H", body, 8)
    names = PARAMETRIC[kind]
    numbers = [number / 65536 for number in struct.unpack_from(f">{len(names)}i", body, 12)]
    p = {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0, "e": 0.0, "f": 0.0} | dict(zip(names, numbers, strict=True))
    if kind in (1, 2):  # below -b / a the curve is flat, at c
        p["d"], p["e"], p["f"] = -p["b"] / p["a"], p["c"], p["c"]
        p["c"] = 0.0
    return lambda x: np.where(
        x >= p["d"], np.maximum(p["a"] * x + p["b"], 0) ** p["g"] + p["e"], p["c"] * x + p["f"]
    )  # fmt: skip


def _tag(profile: bytes, name: bytes) -> bytes:
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(min(count, 100)):
        found, start, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if found == name:
            return profile[start : start + length]
    raise KeyError(name)


def _of_lightness(lightness: Tensor) -> Tensor:
    """CIE L* / 100, (N,), to the gray of sRGB."""
    lab = torch.stack([100 * lightness, torch.zeros_like(lightness), torch.zeros_like(lightness)])
    return lab_to_rgb(lab[None, :, None])[0, 0, 0]


def _by_pillow(values: NDArray[np.float64], profile: bytes) -> NDArray[np.float64]:
    """The curve by Little CMS, in steps of 8 bits: for profiles with tables in the place of a curve."""
    ramp = Image.fromarray(np.arange(LEVELS, dtype=np.uint8)[None])
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(ramp, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert shown is not None  # None only when converting in place
    levels = np.asarray(shown, np.float64)[0].mean(axis=1) / 255
    return np.asarray(np.interp(values, np.linspace(0, 1, LEVELS), levels))
