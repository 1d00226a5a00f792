"""Renders `car.jpg`, as a black-and-white photograph of a car that does not exist, to be colored by `agerestore`.

Rays are followed from the lens to a shape given by signed distances (`car_shape.py`), through glass and off the clear
coat (`car_paint.py`) to sky, trees, houses and road (`car_light.py`). Nothing of it is a photograph.

    python examples/render_car.py [FILE] [WIDTH] [SAMPLES]
"""

import sys
from pathlib import Path

import car_paint
import car_shape
import numpy as np
from car_light import Surroundings, march, soften
from car_shape import Array
from numpy.typing import NDArray
from PIL import Image

ASPECT = 1.6  # width to height
EYE, AIM = (5.6, 2.6, 1.50), (0.557, -0.129, 0.555)  # meters: of the camera, and what is in the middle of the picture
ANGLE = 0.270  # half the width of the picture, at distance 1
LENS, FOCUS = 0.006, 5.0  # meters: radius of the lens's opening, and distance that is sharp
CHUNK = 16384  # rays followed together


def camera(columns: Array, rows: Array, lens: Array) -> tuple[Array, Array]:
    """Rays through places of the picture, -1 to 1 across, and of the lens (2, N): origins and ways (3, N)."""
    eye, aim = np.array(EYE), np.array(AIM)
    ahead = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(ahead, (0, 0, 1)) / np.linalg.norm(np.cross(ahead, (0, 0, 1)))
    up = np.cross(right, ahead)
    sharp = FOCUS * (ahead[:, None] + ANGLE * (right[:, None] * columns - up[:, None] * rows / ASPECT))
    shift = LENS * (right[:, None] * lens[0] + up[:, None] * lens[1])
    way = sharp - shift
    return (eye[:, None] + shift).astype(np.float32), (way / np.linalg.norm(way, axis=0)).astype(np.float32)


def trace(around: Surroundings, origin: Array, way: Array) -> Array:
    """Luminance along rays."""
    low, high = (np.array(each, np.float32)[:, None] for each in car_shape.BOUNDS)
    ends = np.stack([(low - origin) / way, (high - origin) / way])
    start, end = ends.min(0).max(0), ends.max(0).min(0)
    length, hit = march(car_shape.car, origin, way, np.maximum(start, 0), end)
    seen = around.light(origin, way, around.blurred)
    if hit.any():
        seen[hit] = car_paint.shade(around, origin[:, hit] + way[:, hit] * length[hit], way[:, hit])
    return seen


def expose(around: Surroundings, width: int, samples: int, rng: np.random.Generator) -> Array:
    """Luminance of the pixels, each the mean of `samples` rays, squared, spread over pixel and lens."""
    height = round(width / ASPECT)
    total = np.zeros(width * height, np.float32)
    row, column = (each.ravel() for each in np.mgrid[:height, :width])
    for k in range(samples**2):
        place = (np.array([[k % samples], [k // samples]]) + rng.random((2, len(total)))) / samples
        radius, turn = np.sqrt(rng.random(len(total))), 2 * np.pi * rng.random(len(total))
        lens = radius * np.stack([np.cos(turn), np.sin(turn)])
        x, y = 2 * (column + place[0]) / width - 1, 2 * (row + place[1]) / height - 1
        for first in range(0, len(total), CHUNK):
            part = slice(first, first + CHUNK)
            seen = trace(around, *camera(x[part], y[part], lens[:, part]))
            total[part] += np.minimum(seen, 3.5) / samples**2  # the sun in chrome would outshine a pixel's other rays
    return total.reshape(height, width)


def develop(light: Array, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A black-and-white picture of 8 bit: softness and glow of the lens, the curve of the film, noise of the sensor."""
    share = light.shape[1] / 640
    glow, sharp = (soften(light, size * share, size * share, wrap=False) for size in (9.0, 1.0))
    light = 0.975 * sharp + 0.025 * glow
    y, x = (np.linspace(-1, 1, side) for side in light.shape)
    light = light * (1 - 0.10 * (x**2 + y[:, None] ** 2))
    exposed = 1.6 * np.maximum(light, 0)
    film = exposed * (1 + exposed / 3.2) / (1 + exposed)  # straight in the shadows, and a long shoulder
    gray = np.where(film < 0.0031308, 12.92 * film, 1.055 * np.maximum(film, 1e-6) ** (1 / 2.4) - 0.055)
    gray = gray - 0.055 * np.sin(2 * np.pi * gray)  # a paper of normal contrast
    gray = gray + soften(rng.standard_normal(gray.shape).astype(np.float32), 0.45, 0.45, wrap=False) * 0.008
    result: NDArray[np.uint8] = (255 * np.clip(gray, 0, 1)).round().astype(np.uint8)
    return result


def render(width: int = 640, samples: int = 3) -> NDArray[np.uint8]:
    """The picture, (width / 1.6, width) uint8."""
    rng = np.random.default_rng(7)
    around = Surroundings(11)
    return develop(expose(around, width, samples, rng), rng)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("car.jpg")
    Image.fromarray(render(*(int(number) for number in sys.argv[2:4]))).save(target, quality=92)
