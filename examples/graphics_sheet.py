"""What `draw_graphics.py` draws with: a surface with text, lines and shapes, colors, and words that mean nothing."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]  # (H, W, 3)
Points = NDArray[np.floating]  # (N, 2), x and y in pixels of the result
Color = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the result
Font = ImageFont.FreeTypeFont

LETTERS = "eeeeetttaaaooiinnsshhrrddllccuummwwffggyyppbbvk"  # nearly as often as English has them


class Sheet:
    """A drawing surface that is reduced to the size of the result.

    Attributes:
        rng: the only source of randomness.
        size: width and height of the result.
        fine: pixels of the drawing to one of the result; 1 leaves the anti-aliasing to the renderer.
        draw: Pillow's.
        ink, ground: colors of text and background.
    """

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], fonts: list[Path]) -> None:
        self.rng, self.size, self.fonts = rng, size, fonts
        self.fine = int(rng.choice([1, 1, 1, 2, 3, 4]))
        self.ground, self.ink = two_colors(rng)
        self.image = Image.new("RGB", (size[0] * self.fine, size[1] * self.fine), self.ground)
        self.draw = ImageDraw.Draw(self.image)

    def face(self, pixels: float, font: Path | None = None) -> Font:
        """A font of a height in pixels of the result."""
        return ImageFont.truetype(str(font or self.pick_font()), max(round(pixels * self.fine), 5))

    def pick_font(self) -> Path:
        """One of the fonts."""
        return self.fonts[int(self.rng.integers(len(self.fonts)))]

    def text(self, place: tuple[float, float], text: str, face: Font, color: Color) -> None:
        """Write a line, its upper left corner at a place."""
        self.draw.text((place[0] * self.fine, place[1] * self.fine), text, color, font=face)

    def width(self, text: str, face: Font) -> float:
        """How long a line of text is, in pixels of the result."""
        return face.getlength(text) / self.fine

    def box(self, box: Box, fill: Color | None, line: Color | None = None, width: float = 1, radius: float = 0) -> None:
        """A rectangle, filled or not, with a line around it or not."""
        scaled = [side * self.fine for side in box]
        thick = max(round(width * self.fine), 1)
        self.draw.rounded_rectangle(scaled, radius * self.fine, fill, line, thick if line else 0)

    def line(self, points: Points | list[tuple[float, float]], color: Color, width: float) -> None:
        """A polyline: smooth where OpenCV draws it, which one in two sheets of full size has, else Pillow's."""
        path = np.asarray(points, float) * self.fine
        thick = max(round(width * self.fine), 1)
        if self.fine == 1 and self.rng.random() < 0.5:
            pixels = np.array(self.image)
            cv2.polylines(pixels, [np.round(path * 16).astype(np.int32)], False, color, thick, cv2.LINE_AA, 4)
            self.image.paste(Image.fromarray(pixels))
        else:
            self.draw.line([tuple(point) for point in path], color, thick, joint="curve")

    def shape(self, points: Points, fill: Color | None, line: Color | None, width: float) -> None:
        """A closed outline."""
        if fill is not None:
            self.draw.polygon([tuple(point) for point in points * self.fine], fill)
        if line is not None:
            self.line(np.concatenate([points, points[:2]]), line, width)

    def reduced(self) -> Pixels:
        """The result; a few as a camera or a scanner sees them, some with the colored edges of text on a screen."""
        filters = [Image.Resampling.BOX, Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.HAMMING]
        if self.fine == 3 and self.rng.random() < 0.4:  # red and blue lie a third of a pixel to the sides
            planes = [np.roll(np.asarray(self.image)[..., k], 1 - k, 1) for k in range(3)]
            self.image = Image.fromarray(np.stack(planes, 2))
        image = self.image if self.fine == 1 else self.image.resize(self.size, self.rng.choice(filters))
        return _photographed(self.rng, np.asarray(image)) if self.rng.random() < 0.12 else np.asarray(image)


def _photographed(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """A little turned, soft and unevenly lit."""
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 1.5), rng.uniform(1, 1.1))
    turned = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(turned, (0, 0), rng.uniform(0.3, 1.1))
    corners = rng.uniform(0.75, 1, (2, 2)).astype(np.float32)
    light = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return (soft * light).round().astype(np.uint8)


def random_color(rng: np.random.Generator, low: int = 0, high: int = 255) -> Color:
    """Any color; a third are pure, as programs and cartoons have them."""
    values = rng.integers(low, high + 1, 3)
    if rng.random() < 0.33:
        values = rng.choice([low, high], 3)
    return int(values[0]), int(values[1]), int(values[2])


def two_colors(rng: np.random.Generator) -> tuple[Color, Color]:
    """Ground and ink: black on white, cream paper, dark mode or any two colors that can be told apart."""
    form = rng.random()
    if form < 0.35:
        return (255, 255, 255), random_gray(rng, 0, 70)
    if form < 0.6:
        warm = int(rng.integers(0, 40))
        white = int(rng.integers(225, 256))
        return (white, white - warm // 3, white - warm), random_color(rng, 0, 90)
    if form < 0.75:
        return random_color(rng, 0, 50), random_color(rng, 160, 255)
    return (
        (random_color(rng, 180, 255), random_color(rng, 0, 110))
        if rng.random() < 0.6
        else (random_color(rng), random_color(rng))
    )


def random_gray(rng: np.random.Generator, low: int, high: int) -> Color:
    """A gray within limits."""
    value = int(rng.integers(low, high + 1))
    return value, value, value


def random_word(rng: np.random.Generator) -> str:
    """Letters or a number, with or without a mark after it."""
    form = rng.random()
    if form < 0.12:
        return str(rng.choice(["%.2f", "%d", "%d%%", "$%.2f", "(%d)", "%d.", "§%d"])) % (10 ** rng.uniform(0, 4))
    word = "".join(rng.choice(list(LETTERS), int(rng.integers(1, 11))))
    if form > 0.7:
        word = word.upper() if rng.random() < 0.3 else word.capitalize()
    return word + str(rng.choice(["", "", "", "", ",", ".", ";", ":", "-", "!", "?"]))


def random_phrase(rng: np.random.Generator, words: int) -> str:
    """Some words."""
    return " ".join(random_word(rng) for _ in range(words))


def paragraph(sheet: Sheet, box: Box, face: Font, pixels: float, color: Color) -> None:
    """Lines of text that fill a box."""
    left, top, right, bottom = box
    leading = pixels * sheet.rng.uniform(1.1, 1.7)
    while top + pixels < bottom:
        line = ""
        short = sheet.rng.random() < 0.12
        end = left + (right - left) * (sheet.rng.uniform(0.2, 0.8) if short else 1)
        while sheet.width(line, face) < end - left and len(line) < 400:
            line += random_word(sheet.rng) + " "
        sheet.text((left, top), line.rstrip().rpartition(" ")[0], face, color)
        top += leading * (1.6 if short else 1)


def random_text_size(rng: np.random.Generator) -> float:
    """Pixels from line to line, 8 to 30."""
    return float(np.exp(rng.uniform(np.log(8), np.log(30))))


def random_blob(rng: np.random.Generator, center: Points, radius: float) -> Points:
    """A smooth closed outline (60, 2) around a place."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    waves = sum(rng.normal(0, 0.3 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (1, 2, 3, 5))
    ray = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.5, 1.2)], 1)
    return center + radius * np.clip(1 + waves, 0.2, 2)[:, None] * ray


def random_curve(rng: np.random.Generator, size: tuple[int, int]) -> Points:
    """A wandering line (80, 2)."""
    heading = rng.uniform(0, 6.3) + np.cumsum(np.cumsum(rng.normal(0, 0.01, 80)))
    steps = rng.uniform(1, 8) * np.stack([np.cos(heading), np.sin(heading)], 1)
    return rng.uniform(0, 1, 2) * size + np.cumsum(steps, 0)


def random_line_width(rng: np.random.Generator) -> float:
    """Pixels; thin ones are likely."""
    return float(rng.choice([1, 1, 1, 1.5, 2, 3, 5]))
