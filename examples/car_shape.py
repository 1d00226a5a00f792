"""The shape of the car of `render_car.py`: signed distances, in meters, of points to its parts.

The car is no maker's: a sedan 4.5 m long with a wheelbase of 2.7 m. x runs forward, y to the left, z up from the road.
Points are (3, N) float32. Distances are positive outside, and right to first order near the surface.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Curve = Callable[[Array], Array]

AXLES, HUB, TIRE, RIM = (1.40, -1.30), 0.318, 0.318, 0.222  # x of the axles; height of the hubs; radii
BOUNDS = ((-2.35, -1.04, 0.0), (2.35, 1.04, 1.50))  # a box that holds the car


def curve(points: list[tuple[float, float]], soft: float) -> Curve:
    """A smooth curve near points (place, value): their polygon, blurred over `soft` meters, as a cubic B-spline."""
    places, values = (np.array(each) for each in zip(*points, strict=True))
    step = soft / 2
    low, count = places[0] - 4 * soft, int(np.ceil((places[-1] - places[0] + 8 * soft) / step)) + 1
    kernel = np.exp(-0.5 * np.linspace(-3, 3, 61) ** 2)
    offsets = np.linspace(-3 * soft, 3 * soft, 61)
    at = low + step * np.arange(count)
    ends = np.array([places[0] - 9 * soft, *places, places[-1] + 9 * soft])
    slopes = [(values[1] - values[0]) / (places[1] - places[0]), (values[-1] - values[-2]) / (places[-1] - places[-2])]
    outer = np.array([values[0] - 9 * soft * slopes[0], *values, values[-1] + 9 * soft * slopes[1]])
    control = (np.interp(at[:, None] + offsets, ends, outer) @ kernel / kernel.sum()).astype(np.float32)
    a, b, c, d = control[:-3], control[1:-2], control[2:-1], control[3:]
    table = np.stack([(a + 4 * b + c) / 6, (c - a) / 2, (a - 2 * b + c) / 2, (d - a + 3 * (b - c)) / 6])

    def evaluate(x: Array) -> Array:
        t = np.clip((x - np.float32(low + step)) / np.float32(step), 0, np.float32(count - 3.01))
        cell = t.astype(np.int32)
        t = t - cell.astype(np.float32)
        k = table[:, cell]
        result: Array = ((k[3] * t + k[2]) * t + k[1]) * t + k[0]
        return result

    return evaluate


def union(a: Array, b: Array, soft: float) -> Array:
    """Smooth minimum: the union of two shapes, with a fillet about `soft` wide."""
    h = np.maximum(soft - np.abs(a - b), 0)
    result: Array = np.minimum(a, b) - h * h / np.float32(4 * soft)
    return result


def common(a: Array, b: Array, soft: float) -> Array:
    """Smooth maximum: what two shapes share, with edges rounded over about `soft`."""
    return -union(-a, -b, soft)


def step(x: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def box(x: Array, y: Array, z: Array, half: tuple[float, float, float], bevel: float) -> Array:
    """A box with rounded edges, about the origin."""
    q = [np.abs(each) - np.float32(side - bevel) for each, side in zip((x, y, z), half, strict=True)]
    outside = np.sqrt(sum(np.maximum(each, 0) ** 2 for each in q))
    return outside + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0) - np.float32(bevel)


PLAN = curve(  # half the width, along the length
    [(-2.3, .75), (-1.8, .815), (-1.2, .86), (-.4, .882), (.5, .882), (1.2, .868), (1.7, .835), (2.3, .76)], .15
)  # fmt: skip
TOP = curve(  # height of hood, waist and trunk lid
    [(-2.3, .955), (-2.1, .995), (-1.6, 1.01), (-1.0, .975), (.2, .955), (.95, .945), (1.3, .905), (1.7, .845),
     (2.05, .765), (2.3, .64)], .09
)  # fmt: skip
SECTION = curve(  # how far the side is drawn in, against the height over the shoulder line
    [(-.68, .10), (-.56, .035), (-.47, .018), (-.415, .016), (-.37, -.006), (-.22, .004), (-.10, .016), (-.045, .014),
     (-.012, 0), (.0, 0), (.06, .03), (.14, .085), (.25, .19)], .014
)  # fmt: skip
NOSE = curve(  # how far the front is drawn back, against the height
    [(.10, .16), (.20, .06), (.27, .015), (.36, .0), (.50, .0), (.56, .028), (.66, .065), (.75, .13), (.85, .28)], .03
)  # fmt: skip
TAIL = curve([(0.10, 0.2), (0.25, 0.04), (0.40, 0.0), (0.60, 0.0), (0.75, 0.06), (0.95, 0.08), (1.05, 0.11)], 0.04)


def shoulder(x: Array) -> Array:
    """Height of the line along the side."""
    return np.float32(0.80) - np.float32(0.022) * x


def front_recess(a: Array, z: Array) -> Array:
    """How deep grille and lower intake lie behind the front, and the plate before it."""
    grille = step(-front_grille(a, z), -0.008, 0.008)
    intake = step(-front_intake(a, z), -0.008, 0.008)
    return 0.025 * grille + 0.05 * intake


def front_grille(a: Array, z: Array) -> Array:
    """Distance to the outline of the grille, in the plane of the front."""
    return common(a - (0.44 + 0.55 * (z - 0.60)), np.abs(z - 0.605) - 0.058, 0.03)


def front_intake(a: Array, z: Array) -> Array:
    """Distance to the outline of the lower intake."""
    return common(a - (0.52 + 0.5 * (0.30 - z)), np.abs(z - 0.285) - 0.052, 0.03)


def lamp_place(x: Array, a: Array) -> Array:
    """Length along the front and round the corner, from the middle."""
    return a + 0.8 * (2.25 - x)


def lamp(x: Array, a: Array, z: Array) -> Array:
    """Distance to the outline of the headlights, on the body."""
    s = lamp_place(x, a)
    low, high = 0.585 + 0.11 * (s - 0.55), 0.672 + 0.13 * (s - 0.55)
    return common(common(low - z, z - high, 0.02), common(0.56 - s, s - 1.16, 0.02), 0.04)


def body(x: Array, a: Array, z: Array) -> Array:
    """Everything below the windows, but the wheels; `a` is the distance from the plane of symmetry."""
    arch = [np.hypot(x - np.float32(axle), z - np.float32(HUB + 0.015)) for axle in AXLES]
    flare = sum(np.exp(-(((r - 0.39) / 0.04) ** 2)) for r in arch)
    side = a - (PLAN(x) - SECTION(z - shoulder(x)) + np.float32(0.010) * flare)
    crease = 0.014 * step(a - 0.04 * (x - 1.0), 0.47, 0.55) * step(x, 0.7, 1.1)
    top = z - (TOP(x) - np.float32(0.07) * a * a - crease)
    nose = x - (2.25 - 0.14 * a * a - 0.24 * a**4 - NOSE(z) - front_recess(a, z))
    tail = -x - (2.25 - 0.10 * a * a - 0.14 * a**4 - TAIL(z))
    shape = common(side, top, 0.09)
    shape = common(shape, nose, 0.10)
    shape = common(shape, tail, 0.10)
    shape = common(shape, 0.185 - z, 0.05)
    for r in arch:
        shape = common(shape, np.minimum(np.float32(0.372) - r, a - 0.50), 0.02)
    return shape


def screen(x: Array, a: Array, z: Array) -> Array:
    """Distance to the plane of the windshield, bent about an upright axis."""
    return 0.515 * (x - 1.02 + 0.22 * a * a) + 0.857 * (z - 0.93) + 0.16 * (z - 0.93) * (z - 1.40)


def rear_screen(x: Array, a: Array, z: Array) -> Array:
    """Distance to the plane of the rear window."""
    return -0.447 * (x + 1.62 - 0.16 * a * a) + 0.894 * (z - 0.985)


def cabin(x: Array, a: Array, z: Array) -> Array:
    """Pillars, windows and roof."""
    side = 0.93 * (a - (0.765 - 0.30 * (z - 0.93) - 0.20 * (z - 0.93) ** 2 - 0.05 * (x + 0.1) ** 2))
    roof = z - (1.452 - 0.055 * (x + 0.20) ** 2 - 0.11 * a * a)
    shape = common(common(screen(x, a, z), rear_screen(x, a, z), 0.05), roof, 0.10)
    shape = common(shape, side, 0.10)
    return common(shape, 0.7 - z, 0.05) + 0.006 * step(-side_window(x, z), -0.004, 0.004) * step(a, 0.45, 0.5)


def side_window(x: Array, z: Array) -> Array:
    """Distance to the outline of the side windows, seen from the side."""
    low, high = (0.965 - 0.012 * x) - z, z - (1.372 - 0.075 * (x + 0.20) ** 2)
    front = 0.53 * (x - 0.80) + 0.85 * (z - 0.965)
    rear = -0.72 * (x + 1.30) + 0.70 * (z - 0.98)
    return common(common(low, high, 0.04), common(front, rear, 0.04), 0.05)


def wheels(x: Array, a: Array, z: Array) -> Array:
    """Tires with rims of five double spokes; at both axles."""
    u = np.where(x > 0.05, x - np.float32(AXLES[0]), x - np.float32(AXLES[1]))
    w, v = z - np.float32(HUB), a - np.float32(0.755)
    r = np.hypot(u, w)
    side = np.sqrt(np.maximum(np.abs(r - 0.268) - 0.024, 0) ** 2 + np.maximum(np.abs(v) - 0.078, 0) ** 2) - 0.026
    groove = np.minimum(np.abs(np.abs(v) - 0.025), np.abs(np.abs(v) - 0.060))
    tire = side + 0.006 * step(-groove, -0.008, -0.003) * step(r, 0.28, 0.31)
    lip = np.hypot(r - RIM, v - 0.093) - 0.010
    turn = np.arctan2(w, u) + np.float32(0.35)
    folded = np.abs(np.mod(turn, np.float32(2 * np.pi / 5)) - np.float32(np.pi / 5))
    across = np.abs(r * np.sin(folded) - (0.020 + 0.11 * r)) - (0.0125 + 0.012 * (1 - r / RIM))
    face = np.abs(v - (0.092 - 0.022 * (1 - (r / RIM) ** 2) ** 2)) - 0.016
    spokes = common(common(across, face, 0.012), r - RIM, 0.01)
    hub = common(r - 0.062, np.abs(v - 0.060) - 0.028, 0.02)
    barrel = np.maximum(np.abs(r - 0.232) - 0.014, np.abs(v) - 0.095)
    disc = np.maximum(r - 0.20, np.abs(v - 0.01) - 0.02)
    metal = np.minimum(np.minimum(union(spokes, hub, 0.02), lip), np.minimum(barrel, disc))
    return np.minimum(tire, metal)


def handles(x: Array, a: Array, z: Array) -> Array:
    """The handles of the doors."""
    near = np.where(x > -0.4, x - 0.12, x + 0.86)
    return box(near, a - (PLAN(x) + 0.012), z - (shoulder(x) + 0.008 + 0.03 * near), (0.095, 0.012, 0.014), 0.010)


def mirrors(x: Array, a: Array, z: Array) -> Array:
    """The mirrors, and their feet."""
    k = ((x - 0.66) / 0.09) ** 2 + (((a - 0.925) / 0.105) ** 4 + ((z - 1.015) / 0.068) ** 4 + 1e-9) ** 0.5
    shell = common(0.068 * (np.sqrt(k) - 1), 0.61 - x, 0.02)
    foot = box(x - 0.66, a - 0.83, z - 0.975, (0.035, 0.08, 0.014), 0.012)
    return union(shell, foot, 0.03)


def plate(x: Array, a: Array, z: Array) -> Array:
    """The number plate, before the bumper."""
    return box(x - 2.262 + 0.14 * a * a, a, z - 0.435, (0.012, 0.26, 0.056), 0.006)


def parts(p: Array) -> list[Array]:
    """Distances to shell, wheels, mirrors, handles and plate, in this order."""
    x, a, z = p[0], np.abs(p[1]), p[2]
    shell = union(body(x, a, z), cabin(x, a, z), 0.035)
    return [shell, wheels(x, a, z), mirrors(x, a, z), handles(x, a, z), plate(x, a, z)]


def car(p: Array) -> Array:
    """Distance to the car."""
    return np.minimum.reduce(parts(p))


def furniture(p: Array) -> Array:
    """Distance to seats, headrests, wheel and dashboard."""
    x, a, z = p[0], np.abs(p[1]), p[2]
    lean = x + 0.20 * (z - 0.9)
    seat = box(lean + 0.16, a - 0.36, z - 0.85, (0.07, 0.23, 0.30), 0.06)
    rest = box(lean + 0.18, a - 0.36, z - 1.215, (0.05, 0.13, 0.075), 0.05)
    bench = box(lean + 1.02, a - 0.30, z - 0.80, (0.08, 0.36, 0.28), 0.06)
    rear = box(lean + 1.06, a - 0.34, z - 1.13, (0.04, 0.12, 0.055), 0.04)
    dash = np.maximum(z - (0.955 - 0.15 * (x - 0.85) ** 2), 0.40 - x)
    tilt = 0.88 * (x - 0.33) - 0.47 * (z - 0.96)
    ring = np.hypot(np.hypot(p[1] - 0.36, 0.47 * (x - 0.33) + 0.88 * (z - 0.96)) - 0.18, tilt) - 0.017
    return np.minimum.reduce([seat, rest, bench, rear, dash, ring, z - 0.72])


def interior(p: Array) -> Array:
    """Distance, from inside the cabin, to its walls and what is in it."""
    return np.minimum(-cabin(p[0], np.abs(p[1]), p[2]), furniture(p))
