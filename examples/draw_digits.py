"""Draw handwritten digits of our own: pen strokes, neither MNIST nor a font, in the form MNIST gives digits.

White ink on black: the digit fills a 20x20 box, placed by its center of mass in the middle of 28x28 pixels,
which zeros pad to 32x32. Run it to draw the pictures of examples/clean anew:

    python examples/draw_digits.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]

BOX, SIZE = 20, 32  # pixels
FINE = 8  # the pen is drawn this many times finer than the picture, then averaged to soft edges
STEPS = 20  # positions of the pen from one given point to the next

# A stroke lists points the pen swings through, (x to the right, y down) in units of the digit's height; one
# that starts where the last ended makes a sharp corner.
STYLES: dict[tuple[int, str], list[list[tuple[float, float]]]] = {
    (0, ""): [
        [(.40, .07), (.17, .22), (.06, .56), (.17, .90), (.40, .96), (.62, .76), (.68, .40), (.55, .10),
         (.35, .04)],
    ],
    (1, ""): [[(.30, .02), (.26, .35), (.20, .68), (.15, .99)]],
    (2, ""): [
        [(.08, .24), (.22, .05), (.46, .03), (.58, .20), (.48, .46), (.26, .72), (.04, .94)],
        [(.04, .94), (.30, .90), (.66, .93)],
    ],
    (2, "loop"): [
        [(.10, .20), (.28, .04), (.52, .08), (.54, .32), (.36, .66), (.14, .94), (.02, .86), (.12, .74),
         (.30, .82), (.48, .94), (.70, .86)],
    ],
    (3, ""): [
        [(.10, .12), (.30, .02), (.52, .08), (.54, .26), (.40, .42), (.24, .46)],
        [(.24, .46), (.48, .50), (.60, .66), (.52, .88), (.28, .98), (.04, .90)],
    ],
    (4, ""): [
        [(.22, .04), (.15, .28), (.06, .52)], [(.06, .52), (.30, .55), (.64, .49)],
        [(.58, .06), (.52, .40), (.46, .70), (.42, .99)],
    ],
    (4, "closed"): [
        [(.54, .02), (.30, .32), (.04, .64)], [(.04, .64), (.34, .65), (.70, .61)],
        [(.54, .02), (.50, .40), (.47, .70), (.45, .99)],
    ],
    (5, ""): [
        [(.22, .06), (.18, .22), (.13, .42)],
        [(.13, .42), (.34, .36), (.54, .48), (.56, .72), (.40, .93), (.18, .98), (.03, .88)],
        [(.22, .06), (.42, .07), (.68, .03)],
    ],
    (6, ""): [
        [(.52, .03), (.30, .20), (.13, .48), (.08, .76), (.20, .95), (.42, .93), (.54, .74), (.44, .58),
         (.26, .60), (.11, .76)],
    ],
    (7, ""): [[(.04, .14), (.28, .10), (.58, .05)], [(.58, .05), (.44, .36), (.32, .66), (.26, .99)]],
    (7, "bar"): [
        [(.06, .12), (.30, .09), (.60, .04)], [(.60, .04), (.46, .36), (.34, .66), (.28, .99)],
        [(.18, .54), (.38, .51), (.60, .46)],
    ],
    (8, ""): [
        [(.56, .14), (.40, .03), (.20, .08), (.16, .26), (.32, .44), (.50, .62), (.52, .84), (.34, .97),
         (.14, .88), (.14, .70), (.34, .48), (.52, .30), (.58, .12)],
    ],
    (9, ""): [
        [(.54, .16), (.38, .04), (.18, .12), (.10, .32), (.22, .46), (.42, .40), (.54, .14)],
        [(.54, .14), (.50, .46), (.42, .74), (.36, .99)],
    ],
}  # fmt: skip


def draw(digit: int, seed: int, style: str = "") -> NDArray[np.uint8]:
    """Draw a digit, (32, 32) gray; seeds are different hands and pens, `style` another way to write it."""
    hand = np.random.default_rng(seed)
    plan = np.concatenate([_swing(np.array(stroke)) for stroke in STYLES[digit, style]])
    path = _slant(_tremble(plan, hand), hand)
    radius = hand.uniform(0.95, 1.45) * _pressure(len(path), hand)  # pixels
    return _center(_ink(_fit(path, BOX - 2 * radius.max()), radius))


def _swing(points: Array) -> Array:
    """A smooth curve through the points (N, 2): a Catmull-Rom spline."""
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.vstack([before, points, after])
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, STEPS)[None, :, None]
    curve = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.reshape(-1, 2)


def _tremble(path: Array, hand: np.random.Generator) -> Array:
    """Bend the paper a little, in waves about as long as the digit: strokes that meet still meet."""
    waves = hand.normal(0, 4, (3, 2))
    amplitudes = hand.normal(0, 0.022, (3, 2))
    return path + np.sin(path @ waves.T + hand.uniform(0, 2 * np.pi, 3)) @ amplitudes


def _slant(path: Array, hand: np.random.Generator) -> Array:
    """Lean to the right, turn and stretch a little, differently with every hand."""
    lean, turn, stretch = hand.uniform(-0.05, 0.35), hand.normal(0, 0.04), hand.uniform(0.95, 1.3)
    return path @ np.array([[stretch, turn], [-lean - turn, 1.0]])


def _pressure(length: int, hand: np.random.Generator) -> Array:
    """Relative width of the pen along its way."""
    time = np.linspace(0, 1, length)
    return 1 + 0.18 * np.sin(2 * np.pi * (hand.uniform(1, 2) * time + hand.uniform()))


def _fit(path: Array, size: float) -> Array:
    """Scale to a square of `size` pixels in the middle of the box."""
    low, high = path.min(0), path.max(0)
    return (path - (low + high) / 2) * size / (high - low).max() + BOX / 2


def _ink(path: Array, radius: Array) -> Array:
    """Coverage, 0 to 1, of the BOX x BOX pixels by round dots along the path."""
    grid = (np.arange(BOX * FINE) + 0.5) / FINE
    inside = np.zeros((len(grid), len(grid)), dtype=bool)
    for (x, y), r in zip(path, radius, strict=True):
        inside |= (grid - x) ** 2 + (grid[:, None] - y) ** 2 < r * r
    return inside.reshape(BOX, FINE, BOX, FINE).mean((1, 3))


def _center(ink: Array) -> NDArray[np.uint8]:
    """Put the center of mass in the middle of the picture, to the nearest whole pixel."""
    index = np.arange(BOX) + 0.5
    mass = np.array([ink.sum(1) @ index, ink.sum(0) @ index]) / ink.sum()
    top, left = np.clip(np.round(SIZE / 2 - mass).astype(int), 2, SIZE - 2 - BOX)
    picture = np.zeros((SIZE, SIZE), np.uint8)
    picture[top : top + BOX, left : left + BOX] = np.round(255 * ink)
    return picture


def main(folder: Path) -> None:
    """Write one picture of every style as digit-N.png or digit-N-STYLE.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (digit, style) in enumerate(STYLES):
        name = f"digit-{digit}-{style}" if style else f"digit-{digit}"
        Image.fromarray(draw(digit, seed, style)).save(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "clean")
