"""What surrounds the car of `render_car.py`: sky, trees, houses and road, and how much light they give.

The surroundings are a picture on an upright cylinder, in azimuth and elevation as seen from its middle, and a road that
ends at it. Directions and points are (3, N) float32; light is luminance, about 1 at the horizon.
"""

from collections.abc import Callable

import numpy as np
from car_shape import Array, car, step
from numpy.typing import NDArray

RADIUS = 22.0  # meters, of the cylinder
WIDE, HIGH = 2048, 640  # pixels of the picture: all azimuths, elevations 0 to 90 degrees
SUN = (np.radians(130.0), np.radians(46.0), np.radians(11.0))  # azimuth and elevation of the sun's haze; its size
GRID, CELL = ((-4.4, 4.4), (-3.4, 3.4)), 0.08  # part of the road that the car darkens, in meters

HOUSES = (  # azimuth of the middle, half the width, height of the eaves, in degrees; light of the walls
    (203, 9, 7, 0.85), (152, 10, 9, 0.95), (238, 8, 8, 0.60), (20, 11, 14, 0.7), (110, 8, 12, 0.6),
    (300, 9, 12, 0.75), (338, 6, 15, 0.5),
)  # fmt: skip
Shape = Callable[[Array], Array]  # distances (N,) to a shape of points (3, N)


def march(
    shape: Shape, origin: Array, way: Array, start: Array, end: Array, steps: int = 80
) -> tuple[Array, NDArray[np.bool_]]:
    """Go along rays to the first surface.

    Returns:
        The length (N,) gone, and whether there was a surface before `end`.
    """
    length = start.copy()
    hit = np.zeros(len(length), bool)
    going = np.flatnonzero(start < end)
    for _ in range(steps):
        distance = shape(origin[:, going] + way[:, going] * length[going])
        length[going] += 0.8 * distance
        near = distance < 0.0006
        hit[going[near]] = True
        going = going[~near & (length[going] < end[going])]
        if not len(going):
            break
    hit[going] = True
    return length, hit


def soften(picture: Array, across: float, down: float, wrap: bool = True) -> Array:
    """Blur by a Gaussian; around the cylinder if `wrap`, and with the edge repeated above and below."""
    pad = int(4 * down) + 1
    tall = np.pad(picture, ((pad, pad), (0, 0) if wrap else (pad, pad)), "edge")
    rows, columns = (np.fft.fftfreq(n) for n in tall.shape)
    gain = np.exp(-2 * np.pi**2 * ((rows[:, None] * down) ** 2 + (columns * across) ** 2))
    soft = np.fft.ifft2(np.fft.fft2(tall) * gain).real.astype(np.float32)
    return soft[pad:-pad] if wrap else soft[pad:-pad, pad:-pad]


def cloudy(rng: np.random.Generator, shape: tuple[int, int], power: float, stretch: float = 1.0) -> Array:
    """Noise of mean 0 and std 1 whose spectrum falls with a power of the frequency; it repeats at its edges."""
    rows, columns = np.fft.fftfreq(shape[0]) * shape[0], np.fft.fftfreq(shape[1]) * shape[0]
    frequency = np.hypot(rows[:, None], columns * stretch)
    frequency[0, 0] = np.inf
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) * frequency**-power).real
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


class Surroundings:
    """Sky, trees, houses and road."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.azimuth = (np.arange(WIDE, dtype=np.float32) + 0.5) / WIDE * 360
        self.elevation = ((np.arange(HIGH, dtype=np.float32) + 0.5) / HIGH * 90)[:, None]
        picture = self._trees(rng, self._houses(self._sky(rng)))
        self.sharp = closed(soften(picture, 1.2, 1.5))
        self.blurred = closed(soften(picture, 2.4, 3.0))  # out of the lens's focus
        self.rough = closed(soften(picture, 20, 25))  # as flakes in the paint and rough plastics mirror it
        self.asphalt = self._asphalt(rng)
        self.harmonics = self._harmonics()
        self.shade = self._shade()

    def _sky(self, rng: np.random.Generator) -> Array:
        clouds = cloudy(rng, (HIGH, WIDE), 1.7, 0.5) + 0.25 * cloudy(rng, (HIGH, WIDE), 1.0, 0.6)
        sky = 0.42 + 0.60 * np.exp(-self.elevation / 22)
        sky = sky + (1.75 - sky) * step(clouds, -0.4, 1.2) * np.exp(-((self.elevation / 85) ** 4))
        turn = (np.radians(self.azimuth) - SUN[0] + np.pi) % (2 * np.pi) - np.pi
        high = np.radians(self.elevation)
        cosine = np.sin(high) * np.sin(SUN[1]) + np.cos(high) * np.cos(SUN[1]) * np.cos(turn)
        return (sky + 9.0 * np.exp((cosine - 1) / SUN[2] ** 2)).astype(np.float32)

    def _houses(self, picture: Array) -> Array:
        a, e = self.azimuth, self.elevation
        for middle, half, eaves, light in HOUSES:
            across = np.abs(a - middle)
            roof = (across < half + 0.8) & (e < eaves + 4 * np.clip((half + 0.8 - across) / half * 2, 0, 1))
            picture = np.where(roof, 0.26, picture)
            wall = (across < half) & (e < eaves)
            window = ((a - middle) % 3.0 < 1.2) & ((e + 0.9) % 3.4 < 1.7) & (across < half - 0.6)
            picture = np.where(wall, np.where(window, 0.14, light), picture)
        return picture.astype(np.float32)

    def _trees(self, rng: np.random.Generator, picture: Array) -> Array:
        outline = cloudy(rng, (64, WIDE), 1.2)[0]
        for far, (mean, deep, light) in enumerate(((6.0, 2.6, 0.26), (2.4, 2.6, 0.13))):
            leaves = cloudy(rng, (HIGH, WIDE), 0.9, 0.8)
            height = mean + deep * np.roll(outline, 700 * far) + 0.5 * cloudy(rng, (64, WIDE), 0.4)[0]
            crown = step(height + 0.45 * leaves - self.elevation, 0, 0.25)
            shine = light * (1 + 0.42 * leaves + 0.5 * step(self.elevation / np.maximum(height, 1), 0.5, 1.0))
            picture = picture + crown * (np.clip(shine, 0.03, 1) - picture)
        hedge = step(1.5 + 0.12 * cloudy(rng, (HIGH, WIDE), 0.8) - self.elevation, 0, 0.3)
        return (picture + hedge * (0.13 + 0.05 * cloudy(rng, (HIGH, WIDE), 0.5) - picture)).astype(np.float32)

    def _asphalt(self, rng: np.random.Generator) -> Array:
        """Albedo of the road, 3 mm a pixel."""
        grain = soften(rng.standard_normal((1024, 1024)).astype(np.float32), 0.9, 0.9)
        grain = grain / grain.std()
        chips = step(grain, 1.6, 2.6)
        patches = cloudy(rng, (1024, 1024), 1.3)
        return np.clip(0.19 + 0.035 * grain + 0.14 * chips + 0.014 * patches, 0.04, 0.6).astype(np.float32)

    def _harmonics(self) -> Array:
        """Light on surfaces by their normal, in spherical harmonics of order 2 (Ramamoorthi and Hanrahan, 2001)."""
        e, a = np.radians(self.elevation[::8]), np.radians(self.azimuth[::8])
        small = self.rough[::8, :WIDE:8]
        upper = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e) + 0 * a])
        lower = upper * np.array([1, 1, -1])[:, None, None]
        weight = np.cos(e) * np.radians(90 / len(e)) * np.radians(360 / len(a)) + 0 * a
        bases = np.stack([basis(upper.reshape(3, -1)), basis(lower.reshape(3, -1))])
        light = np.stack([(small * weight).ravel(), (0.26 * weight).ravel()])
        found: Array = np.einsum("ukn,un->k", bases, light) * np.repeat([1, 2 / 3, 1 / 4], (1, 3, 5))
        return found.astype(np.float32)

    def diffuse(self, normal: Array) -> Array:
        """Light that a white surface sends back, by its normal."""
        return np.maximum(self.harmonics @ basis(normal), 0.02)

    def _shade(self) -> Array:
        """How much of the light of the open road is left near the car."""
        (x0, x1), (y0, y1) = GRID
        x, y = np.arange(x0, x1 + CELL, CELL), np.arange(y0, y1 + CELL, CELL)
        at = np.stack([each.ravel() for each in (*np.meshgrid(x, y, indexing="ij"),)]).astype(np.float32)
        at = np.concatenate([at, np.full_like(at[:1], 0.004)])
        left, total = np.zeros(at.shape[1], np.float32), 0.0
        golden = np.pi * (3 - np.sqrt(5))
        for k in range(64):  # spread evenly over the sky, as much as each part lights the road
            rise = np.sqrt((k + 0.5) / 64)
            flat = np.sqrt(1 - rise**2)
            way = np.array([[flat * np.cos(k * golden)], [flat * np.sin(k * golden)], [rise]], np.float32)
            light = float(look(self.rough, way)[0])
            ways = np.repeat(way, at.shape[1], 1)
            zero = np.zeros(at.shape[1], np.float32)
            _, hit = march(car, at, ways, zero, np.full_like(zero, 2.6 / rise if rise > 0.5 else 4.5), 40)
            left += light * ~hit
            total += light
        return soften((left / total).reshape(len(x), len(y)), 0.8, 0.8, wrap=False)

    def road(self, x: Array, y: Array, far: Array) -> Array:
        """Luminance of the road at points (N,), seen from so far."""
        texel = self.asphalt[(x / 0.003).astype(np.int32) % 1024, (y / 0.003).astype(np.int32) % 1024]
        albedo = 0.2 + (texel - 0.2) * np.exp(-((far / 14) ** 2))
        line = step(0.06 - np.abs(y + 2.05 - 0.02 * x), -0.008, 0.008) * step(texel, 0.09, 0.17)
        albedo = albedo + line * (0.62 - albedo)
        (x0, _), (y0, _) = GRID
        return albedo * self.open_road() * bilinear(self.shade, (x - x0) / CELL, (y - y0) / CELL)

    def open_road(self) -> float:
        """Light on the road far from the car."""
        return float(self.diffuse(np.array([[0], [0], [1]], np.float32))[0])

    def light(self, origin: Array, way: Array, picture: Array) -> Array:
        """Luminance seen along rays that hit no car; `picture` is `sharp`, `blurred` or `rough`."""
        flat = np.maximum(way[0] ** 2 + way[1] ** 2, 1e-6)
        along = origin[0] * way[0] + origin[1] * way[1]
        rest = origin[0] ** 2 + origin[1] ** 2 - RADIUS**2
        wall = (-along + np.sqrt(np.maximum(along**2 - flat * rest, 0))) / flat
        down = np.where(way[2] < -1e-4, -origin[2] / np.minimum(way[2], -1e-4), np.inf)
        at = origin + way * wall
        seen = look(picture, at)
        ground = down < wall
        if ground.any():
            x, y = (origin[k, ground] + way[k, ground] * down[ground] for k in (0, 1))
            far = down[ground] if picture is self.blurred else down[ground] + 20  # mirrors show no grain
            seen[ground] = self.road(x, y, far)
        return seen


def basis(n: Array) -> Array:
    """Real spherical harmonics up to order 2 of directions (3, N), (9, N)."""
    x, y, z = n
    one = np.ones_like(x)
    found: Array = np.stack([
        0.282095 * one, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
        0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
    ])  # fmt: skip
    return found


def bilinear(table: Array, row: Array, column: Array) -> Array:
    """Values between those of a table, and at its edge beyond it."""
    r = np.clip(row, 0, table.shape[0] - 1.001)
    c = np.clip(column, 0, table.shape[1] - 1.001)
    i, j = r.astype(np.int32), c.astype(np.int32)
    r, c = (r - i).astype(np.float32), (c - j).astype(np.float32)
    above = table[i, j] * (1 - c) + table[i, j + 1] * c
    return above * (1 - r) + (table[i + 1, j] * (1 - c) + table[i + 1, j + 1] * c) * r


def look(picture: Array, way: Array) -> Array:
    """The picture of the surroundings in directions (3, N)."""
    azimuth = np.arctan2(way[1], way[0]) % np.float32(2 * np.pi)
    elevation = np.arctan2(way[2], np.hypot(way[0], way[1]))
    row = elevation * np.float32(HIGH / (np.pi / 2)) - 0.5
    column = azimuth * np.float32(WIDE / (2 * np.pi)) - 0.5
    return bilinear(picture, row, np.where(column < 0, column + WIDE, column))


def closed(picture: Array) -> Array:
    """The picture of the surroundings, with its first columns again after its last."""
    return np.concatenate([picture, picture[:, :2]], 1)
