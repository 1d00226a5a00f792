"""Draws `car.jpg`, a grayscale car that does not exist, to be colored by `agerestore colorize examples/car.jpg`.

Drawn with OpenCV on four times the size, from the outline of nobody's car; nothing of it is a photograph.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]  # (H, W), 0 black to 1 white

WIDTH, HEIGHT, FINE = 640, 400, 4  # pixels; and pixels of the drawing to one of the picture
FRAME = slice(84, 352), slice(24, 624)  # rows and columns that are kept
HORIZON, GROUND = 0.52, 0.80  # of the height: where the wall ends; where the tyres stand
WHEELS, RADIUS = ((0.245, 0.715), (0.765, 0.715)), 0.068  # of the width (and height); of the width
# Outlines, in shares of width and height, from the rear along the roof to the front.
BODY = [
    (.085, .64), (.08, .56), (.095, .50), (.15, .475), (.24, .455), (.32, .345), (.42, .305), (.52, .305), (.60, .34),
    (.685, .44), (.80, .475), (.885, .515), (.925, .575), (.93, .66), (.905, .715), (.5, .735), (.11, .71),
]  # fmt: skip
GLASS = [(.275, .445), (.345, .36), (.425, .33), (.515, .33), (.585, .36), (.65, .445), (.46, .455)]  # fmt: skip
LAMPS = {"rear": ((.098, .545), (.016, .022), .30), "front": ((.893, .56), (.022, .026), .92)}  # fmt: skip


def _curve(points: list[tuple[float, float]], steps: int = 24) -> NDArray[np.int32]:
    """A closed Catmull-Rom spline through points in shares of the picture, in pixels of the drawing."""
    p = np.array(points) * (WIDTH * FINE, HEIGHT * FINE)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 2 * p + (after - before) * t + (2 * before - 5 * p + 4 * after - beyond) * t**2
    curve = (curve + (3 * p - before - 3 * after + beyond) * t**3) / 2
    return curve.swapaxes(0, 1).reshape(-1, 2).round().astype(np.int32)


def _area(points: list[tuple[float, float]]) -> Picture:
    area = np.zeros((HEIGHT * FINE, WIDTH * FINE), np.float32)
    cv2.fillPoly(area, [_curve(points)], 1.0)
    return area


def _disc(center: tuple[float, float], axes: tuple[float, float]) -> Picture:
    """An ellipse; center in shares of width and height, axes in shares of the width."""
    area = np.zeros((HEIGHT * FINE, WIDTH * FINE), np.float32)
    pixels = [round(x * side * FINE) for x, side in zip((*center, *axes), (WIDTH, HEIGHT, WIDTH, WIDTH), strict=True)]
    cv2.ellipse(area, (pixels[0], pixels[1]), (pixels[2], pixels[3]), 0, 0, 360, 1.0, -1)
    return area


def _ramp(stops: list[tuple[float, float]]) -> Picture:
    """Brightness down the picture, between (share of the height, brightness)."""
    places, values = zip(*stops, strict=True)
    column = np.interp(np.linspace(0, 1, HEIGHT * FINE), places, values).astype(np.float32)
    return np.repeat(column[:, None], WIDTH * FINE, 1)


def _soft(area: Picture, share: float) -> Picture:
    blurred: Picture = cv2.GaussianBlur(area, (0, 0), share * WIDTH * FINE)
    return blurred


def _over(picture: Picture, area: Picture, shade: Picture | float) -> Picture:
    return picture * (1 - area) + area * shade


def _scenery(rng: np.random.Generator) -> Picture:
    """A wall and a road."""
    below = HORIZON + 0.004
    picture = _ramp([(0, 0.88), (HORIZON - 0.2, 0.80), (HORIZON, 0.66), (below, 0.40), (0.7, 0.48), (1, 0.38)])
    rough = _soft(rng.standard_normal(picture.shape).astype(np.float32), 0.0015)
    return picture + rough * _ramp([(0, 0.1), (HORIZON, 0.1), (HORIZON + 0.001, 0.5), (1, 0.5)])


def _wheel(picture: Picture, center: tuple[float, float]) -> Picture:
    picture = _over(picture, _disc(center, (RADIUS * 1.16,) * 2) * _ramp([(0, 1), (0.745, 1), (0.746, 0)]), 0.05)
    picture = _over(picture, _disc(center, (RADIUS,) * 2), 0.12)
    picture = _over(
        picture, _disc(center, (RADIUS * 0.68,) * 2), _ramp([(0, 0.9), (0.66, 0.85), (0.72, 0.6), (0.78, 0.45)])
    )
    for angle in np.arange(5) * 2 * np.pi / 5 + 0.3:
        x, y = center[0] + 0.42 * RADIUS * np.cos(angle), center[1] + 0.42 * RADIUS * np.sin(angle) * WIDTH / HEIGHT
        picture = _over(picture, _soft(_disc((x, y), (RADIUS * 0.17,) * 2), 0.001), 0.22)
    return _over(picture, _disc(center, (RADIUS * 0.12,) * 2), 0.5)


def draw() -> NDArray[np.uint8]:
    """The picture, (268, 600) uint8."""
    rng = np.random.default_rng(1)
    picture = _scenery(rng)
    shadow = _soft(_disc((0.505, GROUND + 0.008), (0.43, 0.022)), 0.012)
    picture = _over(picture, 0.85 * shadow, 0.06)
    body, glass = _area(BODY), _area(GLASS)
    paint = _ramp([
        (0, .85), (.30, .80), (.36, .62), (.44, .60), (.475, .78), (.50, .66), (.56, .50), (.60, .56), (.68, .40),
        (.73, .20),
    ])  # fmt: skip
    picture = _over(picture, body, paint)
    edge = body - (_soft(body, 0.004) > 0.8)
    picture = _over(picture, _soft(np.clip(edge, 0, 1), 0.0012) * 0.35 * body, 0.25)
    picture = _over(picture, glass, _ramp([(0, 0.5), (0.33, 0.42), (0.40, 0.24), (0.455, 0.16)]))
    shine = _soft(_area([(0.36, 0.45), (0.42, 0.33), (0.46, 0.33), (0.40, 0.45)]), 0.004)
    picture = _over(picture, shine * glass * 0.3, 0.62)
    for pillar in (
        (0.455, 0.33, 0.46, 0.455),
        (0.462, 0.455, 0.455, 0.70),
        (0.285, 0.455, 0.315, 0.66),
        (0.66, 0.455, 0.672, 0.66),
    ):
        ends = [(round(pillar[k] * WIDTH * FINE), round(pillar[k + 1] * HEIGHT * FINE)) for k in (0, 2)]
        line = np.zeros_like(picture)
        cv2.line(line, ends[0], ends[1], 1.0, 2 * FINE if pillar[1] < 0.4 else FINE, cv2.LINE_AA)
        picture = _over(picture, line * 0.7, 0.18)
    for x in (0.40, 0.60):
        picture = _over(picture, _disc((x, 0.505), (0.018, 0.004)), 0.85)
    for center, axes, shade in LAMPS.values():
        picture = _over(picture, _soft(_disc(center, axes), 0.001) * body, shade)
    picture = _over(picture, _disc((0.675, 0.455), (0.017, 0.013)), 0.5)  # the mirror
    for center in WHEELS:
        picture = _wheel(picture, center)
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    grainy = small[FRAME] + rng.normal(0, 0.006, small[FRAME].shape)
    return (255 * np.clip(grainy, 0, 1)).round().astype(np.uint8)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("car.jpg")
    Image.fromarray(draw()).save(target, quality=93)
