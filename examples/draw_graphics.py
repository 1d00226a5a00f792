"""Draws pages of text, tables, diagrams, cartoons, slides, screenshots and line art that do not exist.

    python examples/draw_graphics.py OUT --count 700 --fonts DIR

They teach `photo` to give such images back as they are: the recipe of `agerestore train --preset photo` has them among
its photographs. ``--only`` draws with some of the fonts alone, so that others are left to measure with. Needs Pillow
and OpenCV; also takes the fonts that matplotlib has, where that is installed.
"""

import argparse
import importlib.util
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from graphics_sheet import (
    Box,
    Pixels,
    Sheet,
    paragraph,
    random_blob,
    random_color,
    random_curve,
    random_gray,
    random_line_width,
    random_phrase,
    random_text_size,
    random_word,
)
from PIL import Image, ImageFont


def text_page(sheet: Sheet) -> None:
    """One to three columns with headings."""
    rng, (width, height) = sheet.rng, sheet.size
    pixels, columns, margin = random_text_size(rng), int(rng.integers(1, 4)), rng.uniform(4, 30)
    body, step = sheet.pick_font(), (width - margin) / columns
    for column in range(columns):
        top, left = margin, margin + column * step
        while top < height - margin:
            large = pixels * rng.uniform(1.2, 2.5)
            if rng.random() < 0.6:
                sheet.text((left, top), random_phrase(rng, 3), sheet.face(large), sheet.ink)
                top += 1.5 * large
            end = top + rng.uniform(4, 20) * pixels
            paragraph(sheet, (left, top, left + step - margin, end), sheet.face(pixels, body), pixels, sheet.ink)
            top = end + pixels


def table(sheet: Sheet) -> None:
    """Rows and columns of words and numbers, with rules, stripes or both."""
    rng, (width, height) = sheet.rng, sheet.size
    pixels = min(random_text_size(rng), 20)
    face, row = sheet.face(pixels), pixels * rng.uniform(1.3, 2.2)
    edges = np.concatenate([[rng.uniform(0, 12)], np.cumsum(rng.uniform(3, 11, 20)) * pixels])
    edges = edges[edges < width - 4]
    tops = np.arange(rng.uniform(0, 2 * row), height - 4, row)
    thick, rules, stripes = rng.choice([1, 1, 1, 2, 3]), rng.random() < 0.8, rng.random() < 0.3
    if stripes:
        tint = tuple(int(0.85 * a + 0.15 * b) for a, b in zip(sheet.ground, sheet.ink, strict=True))
        for top in tops[::2]:
            sheet.box((0, top, width, top + row), tint)
    for top in tops:
        for left, right in zip(edges, [*edges[1:], width], strict=True):
            text = random_phrase(rng, 3)
            while text and sheet.width(text, face) > right - left - 6:
                text = text[:-1]
            sheet.text((left + 3, top + 0.15 * row), text, face, sheet.ink)
        if rules:
            sheet.line([(0, top), (width, top)], sheet.ink, thick)
    for left in edges if rules and rng.random() < 0.8 else []:
        sheet.line([(left, tops[0]), (left, height)], sheet.ink, thick)


def diagram(sheet: Sheet) -> None:
    """Labeled boxes and ellipses, joined by arrows."""
    rng, size = sheet.rng, np.array(sheet.size)
    pixels, width = min(random_text_size(rng), 22), random_line_width(rng)
    face = sheet.face(pixels)
    centers = rng.uniform(0.08, 0.92, (int(rng.integers(4, 14)), 2)) * size
    for start, end in pairwise(centers):
        path = np.array([start, [end[0], start[1]], end]) if rng.random() < 0.5 else np.array([start, end])
        sheet.line(path, sheet.ink, width)
        along = (path[-1] - path[-2]) / (np.linalg.norm(path[-1] - path[-2]) + 1e-6)
        tip = path[-2] + 0.6 * (path[-1] - path[-2])
        wing = np.array([-along[1], along[0]]) * 4
        sheet.shape(np.array([tip + along * 8, tip + wing, tip - wing]), sheet.ink, None, 1)
    for center in centers:
        label = random_phrase(rng, int(rng.integers(1, 3)))
        half = np.array([sheet.width(label, face) / 2 + 6, pixels * rng.uniform(0.8, 1.6)])
        fill = random_color(rng, 150, 255) if rng.random() < 0.5 else sheet.ground
        if rng.random() < 0.75:
            box = (*(center - half), *(center + half))
            sheet.box(box, fill, sheet.ink, width, float(rng.choice([0, 0, 4, 9])))
        else:
            angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
            sheet.shape(center + 1.3 * half * np.stack([np.cos(angle), np.sin(angle)], 1), fill, sheet.ink, width)
        dark = sum(fill) < 380
        color = sheet.ink if fill == sheet.ground else ((255, 255, 255) if dark else (0, 0, 0))
        sheet.text((center[0] - half[0] + 6, center[1] - 0.6 * pixels), label, face, color)


def chart(sheet: Sheet, box: Box | None = None) -> None:
    """Axes with ticks and numbers; curves, bars or points, with a grid or without."""
    rng = sheet.rng
    left, top, right, bottom = box or (34, 10, sheet.size[0] - 10, sheet.size[1] - 24)
    face, count, width = sheet.face(rng.uniform(8, 13)), int(rng.integers(4, 12)), random_line_width(rng)
    xs, ys = np.linspace(left, right, count), np.linspace(bottom, top, count)
    pale = tuple(int(0.8 * a + 0.2 * b) for a, b in zip(sheet.ground, sheet.ink, strict=True))
    for x, y in zip(xs, ys, strict=True):
        if count % 2:
            sheet.line([(x, top), (x, bottom)], pale, 1)
            sheet.line([(left, y), (right, y)], pale, 1)
        sheet.text((x - 6, bottom + 4), f"{10 * x / right:.1f}", face, sheet.ink)
        sheet.text((left - 30, y - 6), f"{y:.0f}", face, sheet.ink)
    for _ in range(int(rng.integers(1, 5))):
        color, values = random_color(rng), np.clip(np.cumsum(rng.normal(0, 0.1, 60)) + rng.uniform(0.2, 0.8), 0, 1)
        path = np.stack([np.linspace(left, right, 60), bottom - values * (bottom - top)], 1)
        if rng.random() < 0.6:
            sheet.line(path, color, width)
        else:
            for x, y in path[:: int(rng.integers(2, 8))]:
                bar = (x, y, x + 5, bottom) if count % 3 else (x - 2, y - 2, x + 2, y + 2)
                sheet.box(bar, color)
    sheet.line([(left, top), (left, bottom), (right, bottom)], sheet.ink, width)


def cartoon(sheet: Sheet) -> None:
    """Flat shapes with outlines, faces, wires across, speech in bubbles."""
    rng, size, width = sheet.rng, np.array(sheet.size), float(sheet.rng.choice([1, 1.5, 2, 3, 4]))
    outline = (0, 0, 0) if rng.random() < 0.7 else random_color(rng, 0, 120)
    sheet.box((0, size[1] * rng.uniform(0.4, 0.9), *size), random_color(rng))
    for _ in range(int(rng.integers(5, 22))):
        center, radius = rng.uniform(0, 1, 2) * size, float(np.exp(rng.uniform(1.5, 4.8)))
        sheet.shape(
            random_blob(rng, center, radius), random_color(rng), outline if rng.random() < 0.85 else None, width
        )
        for side in (-0.3, 0.3) if rng.random() < 0.4 else ():
            eye = center + np.array([side, -0.2]) * radius
            sheet.shape(random_blob(rng, eye, 0.2 * radius), (255, 255, 255), outline, min(width, 2))
            sheet.shape(random_blob(rng, eye, 0.07 * radius), (0, 0, 0), None, 1)
    for _ in range(int(rng.integers(0, 8))):
        sheet.line(random_curve(rng, sheet.size), outline, width)
    if rng.random() < 0.5:
        left, top = rng.uniform(0, 0.6, 2) * size
        sheet.box((left, top, left + 120, top + 50), (255, 255, 255), outline, width, 12)
        pixels = float(rng.uniform(9, 16))
        paragraph(sheet, (left + 8, top + 6, left + 112, top + 46), sheet.face(pixels), pixels, (0, 0, 0))


def slide(sheet: Sheet) -> None:
    """A title, points, and a chart on a plain or graded ground."""
    rng, (width, height) = sheet.rng, sheet.size
    if rng.random() < 0.4:
        ends = np.array(
            [sheet.ground, random_color(rng, 120, 255) if sum(sheet.ground) > 380 else random_color(rng, 0, 120)]
        )
        t = np.linspace(0, 1, sheet.image.height)[:, None, None]
        ramp = np.repeat(ends[0] * (1 - t) + ends[1] * t, sheet.image.width, 1)
        sheet.image.paste(Image.fromarray(ramp.round().astype(np.uint8)))
    large, pixels = rng.uniform(20, 48), rng.uniform(11, 24)
    sheet.text(
        (20, 14), random_phrase(rng, 4), sheet.face(large), sheet.ink if rng.random() < 0.5 else random_color(rng)
    )
    face, top, color = sheet.face(pixels), 30 + 1.3 * large, random_color(rng)
    while top < height - pixels:
        sheet.box((24, top + 0.35 * pixels, 24 + 0.4 * pixels, top + 0.75 * pixels), color)
        sheet.text((40, top), random_phrase(rng, int(rng.integers(2, 9))), face, sheet.ink)
        top += pixels * rng.uniform(1.4, 2.2)
    if rng.random() < 0.5:
        chart(sheet, (0.55 * width, 0.45 * height, 0.95 * width, 0.85 * height))


def screenshot(sheet: Sheet) -> None:
    """Windows of a program: title bars, buttons, menus, a list, code in colors."""
    rng, (width, height) = sheet.rng, sheet.size
    sheet.box((0, 0, width, height), random_color(rng))
    for _ in range(int(rng.integers(1, 4))):
        left, top = int(rng.integers(-40, width // 2)), int(rng.integers(-20, height // 2))
        right, bottom = left + int(rng.integers(160, width)), top + int(rng.integers(120, height))
        bar, pixels, accent = int(rng.integers(18, 34)), rng.uniform(9, 16), random_color(rng)
        face, small = sheet.face(pixels), sheet.face(pixels * 0.9)
        sheet.box((left, top, right, bottom), sheet.ground, random_gray(rng, 60, 180), 1, float(rng.choice([0, 0, 6])))
        sheet.box((left + 1, top + 1, right - 1, top + bar), accent)
        sheet.text(
            (left + 8, top + 4), random_phrase(rng, 3), face, (255, 255, 255) if sum(accent) < 380 else (0, 0, 0)
        )
        for k in range(3):
            sheet.box((right - 16 - 15 * k, top + 6, right - 6 - 15 * k, top + 16), random_color(rng), None, 1, 5)
        colors = [sheet.ink, *(random_color(rng) for _ in range(4))]
        for row in np.arange(top + bar + 6, bottom - 34, pixels * 1.4):
            x = left + 8 + 14 * int(rng.integers(0, 5))
            while x < right - 60 and rng.random() < 0.85:
                word = random_word(rng)
                sheet.text((x, row), word, face, colors[int(rng.integers(5))])
                x += sheet.width(word + " ", face)
        for x in range(left + 8, right - 80, 90):
            fill = random_gray(rng, 190, 240)
            sheet.box(
                (x, bottom - 28, x + 76, bottom - 6), fill, random_gray(rng, 60, 150), 1, float(rng.choice([0, 3, 8]))
            )
            sheet.text((x + 8, bottom - 25), random_word(rng), small, (0, 0, 0))


def line_art(sheet: Sheet) -> None:
    """Curves, hatching, dots, staves, nets and outlines."""
    rng, size, width = sheet.rng, np.array(sheet.size), random_line_width(sheet.rng)
    for _ in range(int(rng.integers(6, 30))):
        form, center, radius = rng.integers(5), rng.uniform(0, 1, 2) * size, rng.uniform(10, 120)
        if form == 0:
            sheet.line(random_curve(rng, sheet.size), sheet.ink, width)
        elif form == 1:
            sheet.shape(random_blob(rng, center, radius), None, sheet.ink, width)
        elif form == 2:
            angle, gap = rng.uniform(0, np.pi), rng.uniform(2.5, 9)
            along = np.array([np.cos(angle), np.sin(angle)])
            for k in np.arange(-radius / 2, radius / 2, gap):
                middle = center + k * np.array([-along[1], along[0]])
                sheet.line(np.array([middle - radius * along / 2, middle + radius * along / 2]), sheet.ink, width)
        elif form == 3:
            for x, y in center + rng.normal(0, radius / 2, (int(rng.integers(10, 120)), 2)):
                sheet.box((x, y, x + width, y + width), sheet.ink)
        else:
            for k in range(5):
                sheet.line([(0, center[1] + 7 * k), (size[0], center[1] + 7 * k)], sheet.ink, 1)


KINDS: dict[str, Callable[[Sheet], None]] = {
    "text": text_page, "table": table, "diagram": diagram, "chart": chart, "cartoon": cartoon, "slide": slide,
    "screenshot": screenshot, "line-art": line_art,
}  # fmt: skip


def draw(kind: str, seed: int, fonts: list[Path]) -> Pixels:
    """One drawing (H, W, 3) uint8 of a kind, a function of ``seed`` and the fonts."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    width, height = (int(side) for side in rng.integers(320, 720, 2))
    sheet = Sheet(rng, (width, height), fonts)
    KINDS[kind](sheet)
    return sheet.reduced()


def find_fonts(folders: list[Path], only: list[str], without: list[str]) -> list[Path]:
    """Font files with the letters that are drawn, whose paths hold one of ``only`` and none of ``without``."""
    if found := importlib.util.find_spec("matplotlib"):
        folders = [*folders, Path(str(found.origin)).parent / "mpl-data/fonts/ttf"]
    files = [file for folder in folders for kind in ("ttf", "otf", "woff2") for file in folder.rglob(f"*.{kind}")]
    taken = [file for file in files if not only or any(name in str(file) for name in only)]
    taken = [file for file in taken if not any(name in str(file) for name in without)]
    return sorted(file for file in taken if _has_letters(file))


def _has_letters(file: Path) -> bool:
    face = ImageFont.truetype(str(file), 20)
    return bytes(face.getmask("e")) != bytes(face.getmask("t")) and face.getlength("e") > 0


def main() -> None:
    """Draw, see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=80, help="drawings; every kind in turn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fonts", type=Path, nargs="*", default=[Path("/usr/share/fonts")], help="folders of fonts")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the paths of the fonts to draw with")
    parser.add_argument("--without", nargs="*", default=[], help="parts of the paths of fonts to leave out")
    options = parser.parse_args()
    fonts = find_fonts(options.fonts, options.only, options.without)
    if not fonts:
        parser.error("no font found; name a folder that has some with --fonts")
    options.out.mkdir(parents=True, exist_ok=True)
    for number in range(options.count):
        kind = list(KINDS)[number % len(KINDS)]
        drawing = draw(kind, options.seed + number, fonts)
        Image.fromarray(drawing).save(options.out / f"{kind}-{number:04d}.png")


if __name__ == "__main__":
    main()
