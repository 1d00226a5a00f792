"""Color profiles that say what the chunks gAMA, cHRM and cICP of a PNG say (W3C PNG specification, section 11.3.2).

Few other formats and programs know those chunks; all know an ICC profile (ICC.1:2022).
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

D65 = (0.3127, 0.329)
BT709 = (*D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x and y of white, red, green and blue
# Code points of H.273, tables 2 and 3. Curves are powers, or the parameters of ICC's third kind.
PRIMARIES = {
    1: BT709,
    5: (*D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
VIDEO_CURVE = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
CURVES = dict.fromkeys((1, 6, 14, 15), VIDEO_CURVE) | {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}
HDR = (16, 18)  # PQ and HLG, whose brightness no profile of this kind describes
SAME_POWER, SAME_PLACE = 0.05, 0.01  # differences from sRGB that are none: of 1 / 2.2 in proportion, of x and y
POWERS = (0.2, 5.0)  # others are mistakes
D50 = np.array([0.9642, 1.0, 0.8249])  # the white of profiles
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
LEAST, LARGEST = 1e-3, 4.0  # determinant of primaries that are not in a line; coefficients of sound ones


def is_hdr(cicp: bytes) -> bool:
    """Return whether the body of a cICP chunk describes HDR."""
    return len(cicp) == 4 and cicp[1] in HDR


def profile(info: Mapping[Any, Any], cicp: bytes, is_gray: bool) -> bytes | None:
    """Return an ICC profile with what a PNG says of its colors; None where that is sRGB, HDR, nothing, or nonsense.

    Args:
        info: Notes of a Pillow image: gamma, chromaticity and srgb.
        cicp: The body of the cICP chunk, or empty.
        is_gray: Whether the profile is for gray.
    """
    curve, places = _described(info, cicp)
    if len(curve) == 1 and abs(curve[0] / 2.2 - 1) < SAME_POWER:
        curve = SRGB_CURVE
    if len(places) != 8 or np.abs(np.subtract(places, BT709)).max() < SAME_PLACE or _matrix(places) is None:
        places = BT709
    if curve == SRGB_CURVE and (is_gray or places == BT709):
        return None
    name = _text("chunks of a PNG")
    tags = {b"desc": name, b"cprt": name, b"wtpt": _numbers(b"XYZ ", D50)}
    if is_gray:
        return _written(b"GRAY", tags | {b"kTRC": _curve(curve)})
    matrix = _matrix(places)
    assert matrix is not None  # checked above
    for letter, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
        tags |= {letter + b"XYZ": _numbers(b"XYZ ", column), letter + b"TRC": _curve(curve)}
    return _written(b"RGB ", tags)


def _described(info: Mapping[Any, Any], cicp: bytes) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the curve and the places: cICP goes before a profile, that before sRGB, and that before the others."""
    if len(cicp) == 4:
        is_known = cicp[0] in PRIMARIES and cicp[1] in CURVES and cicp[2] == 0
        return (CURVES[cicp[1]], PRIMARIES[cicp[0]]) if is_known else (SRGB_CURVE, BT709)
    if info.get("icc_profile") or "srgb" in info:
        return SRGB_CURVE, BT709
    gamma = info.get("gamma", 0)
    is_sound = gamma > 0 and POWERS[0] <= 1 / gamma <= POWERS[1]
    return (1 / gamma,) if is_sound else SRGB_CURVE, info.get("chromaticity", BT709)


def _matrix(places: tuple[float, ...]) -> Floats | None:
    """Return the matrix (3, 3) from linear RGB to XYZ under D50; None if primaries or white are nonsense."""
    x, y = np.reshape(places, (4, 2)).T.astype(np.float64)
    lights = np.stack([x, y, 1 - x - y])
    if y[0] < LEAST or abs(np.linalg.det(lights[:, 1:])) < LEAST:
        return None
    white = lights[:, 0] / y[0]
    to_d50 = np.linalg.inv(BRADFORD) @ np.diag(BRADFORD @ D50 / (BRADFORD @ white)) @ BRADFORD
    matrix: Floats = to_d50 @ (lights[:, 1:] * np.linalg.solve(lights[:, 1:], white))
    return matrix if np.isfinite(matrix).all() and np.abs(matrix).max() < LARGEST else None


def _curve(parameters: tuple[float, ...]) -> bytes:
    """Return a parametric curve (section 10.18): a power, or one with a straight part near black."""
    return b"para" + bytes(4) + struct.pack(">HH", 0 if len(parameters) == 1 else 3, 0) + _fixed(parameters)


def _numbers(kind: bytes, values: Any) -> bytes:
    return kind + bytes(4) + _fixed(values)


def _fixed(values: Any) -> bytes:
    return b"".join(struct.pack(">i", round(65536 * float(each))) for each in values)


def _text(text: str) -> bytes:
    body = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(body), 28) + body


def _written(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile with these tags (section 7), for a display."""
    start, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x04300000, b"mntr", space, b"XYZ ", b"acsp")
    return (head + bytes(28) + _fixed(D50)).ljust(128, b"\0") + table + body
