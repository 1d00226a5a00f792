"""Materials of the car of `render_car.py`: what its surfaces are made of, and the light they send to the camera."""

from typing import NamedTuple

import car_shape as shape
import numpy as np
from car_light import Shape, Surroundings, march
from car_shape import Array, step

PAINT = 0.055, 0.075, 0.085, 0.0  # as `Material`


class Material(NamedTuple):
    """What a point is made of; (N,) each.

    Attributes:
        albedo: share of light scattered.
        flakes: share mirrored roughly, as by flakes in the paint, plastics and rubber.
        mirror: share mirrored sharply where light comes straight, by the clear coat, glass or chrome.
        glass: 1 where light goes through.
    """

    albedo: Array
    flakes: Array
    mirror: Array
    glass: Array

    def put(self, where: Array, albedo: float, flakes: float, mirror: float, glass: float = 0.0) -> "Material":
        """Another material where `where` is 1."""
        new = (albedo, flakes, mirror, glass)
        return Material(*(old + where * (value - old) for old, value in zip(self, new, strict=True)))


def inside(distance: Array, edge: float = 0.002) -> Array:
    """1 inside an outline, 0 outside."""
    return step(-distance, -edge, edge)


def gaps(x: Array, a: Array, z: Array, top: Array) -> Array:
    """How much of a point lies in the gaps between doors, hood, bumper and fenders; `top` is 1 on what faces up."""
    low, line = 0.275 - z, shape.shoulder(x)
    arch = 0.43 - np.hypot(x + 1.30, z - 0.333)
    front = common(x - (0.93 - 0.10 * (z - 0.6)), low)
    rear = common(np.maximum(-0.98 - x - 0.1 * (z - 0.8), arch), low)
    doors = np.minimum(np.abs(np.maximum(front, -0.03 - x)), np.abs(np.maximum(rear, x + 0.03)))
    doors = np.where(z < line + 0.20, doors, 1)
    hood = np.abs(np.maximum(a - (0.735 - 0.10 * (x - 1.0) ** 2), np.maximum(0.92 - x, x - 2.13 + 0.14 * a * a)))
    hood = np.where((x > 0.9) & (top > 0.5), hood, 1)
    bumper = np.abs(x - 1.80 - 0.25 * (z - 0.5))
    bumper = np.where((z < 0.64) & (a > 0.6) & (z > 0.25), bumper, 1)
    flap = np.abs(shape.box(x + 1.42, z - 0.86, 0 * z, (0.075, 0.06, 1), 0.03))
    return step(-np.minimum.reduce([doors, hood, bumper, np.where(top < 0.5, flap, 1)]), -0.0075, -0.0025)


def common(a: Array, b: Array) -> Array:
    """What two outlines share, with a rounded corner."""
    return shape.common(a, b, 0.08)


def shell(p: Array, n: Array) -> Material:
    """Paint, windows, lamps, grille and gaps."""
    x, a, z = p[0], np.abs(p[1]), p[2]
    one = np.ones_like(x)
    m = Material(*(value * one for value in PAINT))
    m = m.put(gaps(x, a, z, step(n[2], 0.3, 0.6)), 0.01, 0, 0)
    m = m.put(inside(z - 0.225), 0.03, 0.02, 0.01)
    m = m.put(inside(np.abs(shape.screen(x, a, z)) - 0.03) * (z > 0.9), 0.02, 0.01, 0.03)
    cab = inside(0.93 - z) * step(a, 0.4, 0.45) * step(np.abs(n[1]), 0.5, 0.6)
    pane = shape.side_window(x, z)
    m = m.put(cab * inside(pane - 0.012), 0.02, 0.1, 0.55)
    m = m.put(cab * inside(pane), 0.012, 0.0, 0.05)
    pillar = np.minimum(np.abs(x + 0.05 + 0.1 * (z - 1)) - 0.055, np.abs(x + 1.02) - 0.012)
    m = m.put(cab * inside(pane + 0.012) * inside(-pillar), 0, 0, 0.045, 1)
    m = windshields(m, x, a, z, n)
    return front(m, x, a, z)


def windshields(m: Material, x: Array, a: Array, z: Array, n: Array) -> Material:
    """Front and rear windows with their black edges, and wipers."""
    for plane, top, wide in ((shape.screen(x, a, z), 1.375, 0.70), (shape.rear_screen(x, a, z), 1.35, 0.66)):
        edge = np.maximum(np.maximum(z - top + 0.10 * a * a, 0.945 - z), a - (wide - 0.36 * (z - 0.95)))
        on = inside(np.abs(plane) - 0.05) * step(n[2], 0.3, 0.4) * step(np.abs(n[0]), 0.2, 0.3)
        m = m.put(on * inside(edge), 0.012, 0, 0.05)
        m = m.put(on * inside(edge + 0.022), 0, 0, 0.045, 1)
    return m


def front(m: Material, x: Array, a: Array, z: Array) -> Material:
    """Grille, intake, fog lamps and headlights."""
    ahead = step(x, 1.70, 1.75)
    grille = shape.front_grille(a, z)
    bars = step(np.cos((z - 0.605) * np.float32(2 * np.pi / 0.029)), 0.1, 0.6)
    m = m.put(ahead * inside(np.abs(grille + 0.002) - 0.011), 0.05, 0.25, 0.6)
    m = m.put(ahead * inside(grille + 0.012), 0.008, 0.01, 0.01)
    m = m.put(ahead * inside(grille + 0.012) * bars, 0.04, 0.2, 0.3)
    badge = np.hypot(a / 1.5, z - 0.605) - 0.036
    m = m.put(ahead * inside(badge), 0.02, 0.1, 0.2)
    intake = shape.front_intake(a, z)
    mesh = step(np.cos((z - 0.285) * np.float32(2 * np.pi / 0.034)), 0.2, 0.7)
    m = m.put(ahead * inside(intake), 0.012, 0.01, 0.01)
    m = m.put(ahead * inside(intake) * mesh, 0.035, 0.03, 0.02)
    fog = np.hypot(shape.lamp_place(x, a) - 0.80, z - 0.30) - 0.038
    m = m.put(ahead * inside(fog - 0.018), 0.02, 0.03, 0.03)
    m = m.put(ahead * inside(fog), 0.12, 0.30, 0.12)
    return lamps(m, x, a, z)


def lamps(m: Material, x: Array, a: Array, z: Array) -> Material:
    """Headlights: a clear cover over bright reflectors, two lenses and an indicator."""
    edge, s = shape.lamp(x, a, z), shape.lamp_place(x, a)
    on = step(x, 1.60, 1.65)
    m = m.put(on * inside(edge - 0.008), 0.01, 0, 0.01)
    m = m.put(on * inside(edge), 0.04, 0.13, 0.07)
    m = m.put(on * inside(edge + 0.008) * step(np.cos(s * 120), 0.3, 0.8), 0.04, 0.08, 0.07)
    for place, high, size in ((0.70, 0.650, 0.042), (0.86, 0.668, 0.046)):
        disc = np.hypot(s - place, z - high) - size
        m = m.put(on * inside(disc - 0.010) * inside(edge), 0.03, 0.05, 0.07)
        m = m.put(on * inside(disc) * inside(edge), 0.06, 0.20, 0.25)
        core = np.hypot(s - place - 0.006, z - high + 0.010) - 0.62 * size
        m = m.put(on * inside(core) * inside(edge), 0.02, 0.05, 0.25)
    return m


def wheel(p: Array) -> Material:
    """Tires of rubber and rims of aluminum, dark behind their spokes."""
    x, a, z = p[0], np.abs(p[1]), p[2]
    u = np.where(x > 0.05, x - np.float32(shape.AXLES[0]), x - np.float32(shape.AXLES[1]))
    r = np.hypot(u, z - np.float32(shape.HUB))
    one = np.ones_like(x)
    m = Material(0.035 * one, 0.05 * one, 0.004 * one, 0 * one)
    m = m.put(inside(np.abs(r - 0.292) - 0.002), 0.02, 0.02, 0)
    m = m.put(inside(r - 0.232), 0.22, 0.42, 0.12)
    m = m.put(inside(r - 0.232) * inside(a - 0.805), 0.03, 0.04, 0.01)
    turn = np.arctan2(z - np.float32(shape.HUB), u)
    nuts = np.hypot(r * np.sin(np.mod(turn, 1.2566) - 0.628), r * np.cos(np.mod(turn, 1.2566) - 0.628) - 0.04) - 0.009
    return m.put(inside(nuts) * step(a, 0.80, 0.81), 0.03, 0.05, 0.02)


def material(p: Array, n: Array) -> Material:
    """What the car is made of at points of its surface (3, N) with normals (3, N)."""
    part = np.argmin(shape.parts(p), 0)
    x, a, z = p[0], np.abs(p[1]), p[2]
    one = np.ones_like(x)
    chrome = Material(0.03 * one, 0.3 * one, 0.6 * one, 0 * one)
    paint = Material(*(value * one for value in PAINT))
    mirror = paint.put(inside(z - 0.972), 0.02, 0.02, 0.02)
    frame = np.maximum(np.abs(a) - 0.25, np.abs(z - 0.435) - 0.046)
    plate = Material(0.02 * one, 0.02 * one, 0.03 * one, 0 * one).put(inside(frame), 0.72, 0, 0.04)
    each = [shell(p, n), wheel(p), mirror, chrome, plate]
    return Material(*(np.choose(part, values).astype(np.float32) for values in zip(*each, strict=True)))


def normal(solid: Shape, p: Array, size: float = 0.0012) -> Array:
    """Directions in which the distance to a shape grows."""
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    n = sum(corner[:, None] * solid(p + np.float32(size) * corner[:, None]) for corner in corners)
    return n / np.maximum(np.sqrt((n * n).sum(0)), 1e-12)


def openness(p: Array, n: Array) -> Array:
    """Share of the surroundings that a point sees past the car and the road, from distances along its normal."""
    closed = np.zeros_like(p[0])
    for height, weight in ((0.03, 0.45), (0.08, 0.30), (0.20, 0.2), (0.45, 0.12)):
        q = p + np.float32(height) * n
        closed += weight * np.clip(1 - np.minimum(shape.car(q), q[2]) / height, 0, 1)
    return np.clip(1 - closed, 0.03, 1)


def reflect(way: Array, n: Array) -> Array:
    """The way that a mirror of normal `n` sends on."""
    turned: Array = way - 2 * (way * n).sum(0) * n
    return turned


def shade(around: Surroundings, p: Array, way: Array, bounces: int = 1) -> Array:
    """Luminance of points of the car (3, N) seen along `way` (3, N)."""
    n = normal(shape.car, p)
    m, free = material(p, n), openness(p, n)
    cosine = np.clip(-(way * n).sum(0), 0, 1)
    out = np.minimum(reflect(way, n), 9)
    seen = m.albedo * around.diffuse(n) * free
    seen += m.flakes * around.light(p, out, around.rough) * free
    mirror = m.mirror + (np.minimum(1, m.mirror * 25) - m.mirror) * (1 - cosine) ** 5
    start = p + 0.004 * n
    sharp = around.light(start, out, around.sharp) * np.sqrt(free) if bounces == 0 else follow(around, start, out)
    through = np.zeros_like(cosine)
    clear = m.glass > 0.5
    if clear.any():
        through[clear] = 0.72 * cabin_light(around, p[:, clear], way[:, clear])
    result: Array = seen + mirror * sharp + (1 - mirror) * m.glass * through
    return result


def follow(around: Surroundings, start: Array, out: Array) -> Array:
    """Luminance seen in a mirror: of the surroundings, or of the car itself."""
    zero = np.zeros_like(start[0])
    length, hit = march(shape.car, start, out, zero, np.full_like(zero, 3.0), 40)
    seen = around.light(start, out, around.sharp)
    if hit.any():
        seen[hit] = shade(around, start[:, hit] + out[:, hit] * length[hit], out[:, hit], 0)
    return seen


def cabin_light(around: Surroundings, p: Array, way: Array) -> Array:
    """Luminance seen through the windows: of seats, or of the surroundings beyond the windows opposite."""
    start = p + 0.02 * way
    zero = np.zeros_like(p[0])
    length, _ = march(shape.interior, start, way, zero, np.full_like(zero, 4.0), 60)
    q = start + length * way
    n = normal(shape.interior, q)
    wall = -shape.cabin(q[0], np.abs(q[1]), q[2]) < shape.furniture(q)
    clear = material(q, -n).glass * wall
    lit = (0.10 + 0.10 * np.maximum(n[2], 0) + 0.05 * np.maximum(n[0], 0)) * np.where(wall, 0.10, 0.2)
    result: Array = lit + clear * (0.72 * around.light(q, way, around.blurred) - lit)
    return result
