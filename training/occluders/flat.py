"""Paper, food, hair and shapes that come before a face."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB
from training.occluders.grip import Grip
from training.occluders.solids import FINAL, SIDE, Canvas, Surface, light, pillow, plate, revolve, sample, tube
from training.occluders.textures import Image, noise, paint, pattern, photograph, skin, vector

__all__ = ["food", "paper", "shape", "strands"]

HAIR = np.array(
    (
        ((0.06, 0.05, 0.05), (0.09, 0.07, 0.06), (0.18, 0.12, 0.08), (0.3, 0.2, 0.13)),
        ((0.38, 0.2, 0.11), (0.66, 0.53, 0.36), (0.5, 0.39, 0.27), (0.6, 0.6, 0.6)),
    ),
    np.float32,
).reshape(-1, 3)


def paper(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a card, book, sheet or tissue as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.45, 0.65))
    if random.random() < 0.25:
        _tissue(canvas, random)
        return canvas.finish(FINAL)
    ratio = random.uniform(0.6, 1.5)
    half = 0.42 * SIDE * np.array([min(1, 1 / ratio), min(1, ratio)])
    corners = SIDE / 2 + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) + random.normal(0, 0.025 * SIDE, (4, 2))
    corners = np.asarray(corners, np.float32)
    grip = Grip(canvas, random, (float(corners[[0, 3], 0].mean()), float(corners[1:3, 0].mean())), 0.5)
    grip.behind()
    if random.random() < 0.4:  # a book: its pages, then its cover
        pages = plate(SIDE, corners + vector(random.choice([-1, 1]) * random.uniform(6, 16), 6), ratio=ratio)
        canvas.lay(pages, np.array((0.9, 0.87, 0.8), np.float32) * (0.85 + 0.1 * np.sin(pages.u * 500))[..., None])
    sheet = plate(SIDE, corners, rounding=random.choice([0, 0.03]), ratio=ratio)
    bend = random.uniform(-0.5, 0.5) * np.cos(np.pi * sheet.u)
    normal = sheet.normal + np.stack([bend, 0 * bend, 0 * bend], -1).astype(np.float32)
    sheet = replace(sheet, normal=normal / np.linalg.norm(normal, axis=-1, keepdims=True))
    if random.random() < 0.5:
        canvas.lay(sheet, sample(_page(random), sheet))
    else:
        canvas.lay(sheet, sample(pattern(random, (256, 256), plain=0.2), sheet), gloss=random.choice([0, 0.2]), sharp=8)
    grip.before()
    return canvas.finish(FINAL)


def _page(random: np.random.Generator) -> Image:
    """Return a page of text (256, 192, 3)."""
    page = np.full((256, 192, 3), random.uniform(0.8, 0.98), np.float32) * np.array((1, 0.99, 0.96), np.float32)
    pitch, ink = int(random.integers(6, 14)), float(random.uniform(0.05, 0.4))
    for y in range(20, 240, pitch):
        x = 14
        end = 178 if random.random() < 0.8 else int(random.integers(40, 178))
        while x < end:
            word = int(random.integers(5, 26))
            cv2.rectangle(page, (x, y), (min(x + word, end), y + pitch // 3), (ink, ink, ink), -1)
            x += word + 4
    if random.random() < 0.4:
        page[30:110, 20:172] = photograph(random, (152, 80))
    return page


def _tissue(canvas: Canvas, random: np.random.Generator) -> None:
    outline = _blob(random, lobes=7, rough=0.17)
    creases = np.abs(noise(random, (SIDE, SIDE), coarse=4, octaves=4) - 0.5) * 60
    canvas.lay(pillow(outline, thickness=40, bumps=creases), np.full(3, random.uniform(0.88, 1), np.float32))


def food(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a sandwich, apple, biscuit, spoon or fork as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.4, 0.6))
    what = (_sandwich, _apple, _biscuit, _spoon)[int(random.integers(4))]
    wide = {_sandwich: 0.42, _apple: 0.28, _biscuit: 0.34, _spoon: 0.03}[what]
    grip = Grip(canvas, random, (SIDE * (0.5 - wide), SIDE * (0.5 + wide)), 0.5)
    grip.behind()
    what(canvas, random)
    grip.before()
    return canvas.finish(FINAL)


def _sandwich(canvas: Canvas, random: np.random.Generator) -> None:
    wide, y = SIDE * random.uniform(0.32, 0.42), SIDE * random.uniform(0.3, 0.4)
    bread = np.array((0.78, 0.55, 0.3), np.float32) * random.uniform(0.7, 1.2)
    fillings = np.array(
        [(0.35, 0.6, 0.2), (0.8, 0.2, 0.15), (0.95, 0.75, 0.25), (0.45, 0.25, 0.15), (0.9, 0.6, 0.55)], np.float32
    )
    thick = SIDE * random.uniform(0.06, 0.1)
    x = np.linspace(SIDE / 2 - wide, SIDE / 2 + wide, 12)
    layers = [(y + thick * 2.6, thick, bread)]
    layers += [(y + thick * (1.0 + 0.5 * k), thick * 0.42, fillings[int(random.integers(5))]) for k in (2, 1, 0)]
    layers.append((y, thick * random.uniform(1, 1.6), bread))
    for height, radius, colour in layers:
        wave = random.normal(0, 0.18 * thick, 12)
        part = tube(SIDE, np.stack([x, height + wave], 1).astype(np.float32), np.full(12, radius, np.float32))
        grain = 0.8 + 0.4 * noise(random, (SIDE, SIDE), coarse=25, octaves=4)
        canvas.shade(part.alpha, blur=5, shift=(0, 4), depth=0.35)
        canvas.lay(part, np.clip(colour * grain[..., None], 0, 1), gloss=0.08, sharp=10)


def _apple(canvas: Canvas, random: np.random.Generator) -> None:
    radius, t = SIDE * random.uniform(0.24, 0.34), np.linspace(0, np.pi, 30)
    y = SIDE * 0.5 - radius * (np.cos(t) - 0.12 * np.cos(2 * t))
    r = radius * (np.sin(t) ** random.uniform(0.75, 1) * (1 + 0.12 * np.cos(t)) + 0.01)
    body = revolve(SIDE, SIDE * 0.5, np.stack([y, r], 1).astype(np.float32))
    ramp = np.array([(0.75, 0.12, 0.1), (0.5, 0.68, 0.2), (0.95, 0.55, 0.1), (0.85, 0.75, 0.25)], np.float32)
    first, second = ramp[int(random.integers(4))], ramp[int(random.integers(4))]
    blush = np.clip(noise(random, (SIDE, SIDE), coarse=3, octaves=6) * 1.6 - 0.4, 0, 1)[..., None]
    stem = tube(
        SIDE, np.array([(SIDE * 0.5, y[0] + 8), (SIDE * 0.52, y[0] - 22)], np.float32), np.array([3, 4], np.float32)
    )
    canvas.lay(stem, np.array((0.3, 0.2, 0.1), np.float32))
    canvas.lay(body, first + blush * (second - first), gloss=0.45, sharp=25)


def _biscuit(canvas: Canvas, random: np.random.Generator) -> None:
    outline = _blob(random, lobes=int(random.integers(3, 12)), rough=0.06)
    colour = np.array([(0.75, 0.52, 0.28), (0.35, 0.2, 0.1), (0.9, 0.75, 0.5), (0.9, 0.6, 0.2)], np.float32)[
        int(random.integers(4))
    ]
    grain = noise(random, (SIDE, SIDE), coarse=14, octaves=5)
    crumbs = np.clip(0.75 + 0.5 * grain, 0, 1.3)[..., None]
    canvas.lay(
        pillow(outline, thickness=SIDE * 0.08, bumps=grain * 10), np.clip(colour * crumbs, 0, 1), gloss=0.05, sharp=6
    )


def _spoon(canvas: Canvas, random: np.random.Generator) -> None:
    metal = np.full(3, random.uniform(0.55, 0.8), np.float32) if random.random() < 0.7 else paint(random)
    t = np.linspace(0, 1, 12)
    path = np.stack([SIDE * (0.5 + random.uniform(-0.2, 0.2) * t**2), SIDE * (0.24 + 0.76 * t)], 1).astype(np.float32)
    canvas.lay(tube(SIDE, path, (SIDE * (0.012 + 0.014 * t)).astype(np.float32)), metal, gloss=0.7, sharp=8)
    wide = SIDE * random.uniform(0.07, 0.1)
    head = tube(
        SIDE,
        np.array([(SIDE * 0.5, SIDE * 0.13), (SIDE * 0.5, SIDE * 0.2)], np.float32),
        np.array([0.8, 1], np.float32) * wide,
    )
    hollow = replace(head, normal=head.normal * vector(-1, -1, 1))
    canvas.lay(hollow if random.random() < 0.6 else head, metal, gloss=0.8, sharp=8)
    if random.random() < 0.4:
        canvas.lay(
            replace(head, alpha=head.alpha * np.clip((head.normal[..., 2] - 0.5) * 8, 0, 1)), paint(random), gloss=0.3
        )


def strands(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return strands of hair that hang from the top as RGB (h, w, 3) and alpha (h, w)."""
    base = HAIR[int(random.integers(len(HAIR)))] if random.random() < 0.93 else paint(random)
    layer = np.zeros((SIDE, SIDE, 4), np.float32)
    t = np.linspace(0, 1, 24)
    for _ in range(int(random.integers(2, 7))):  # locks
        root, bend = random.uniform(0.1, 0.9), random.normal(0, 0.22, 2)
        length, spread = random.uniform(0.5, 1), random.uniform(0.003, 0.035)
        wave, turns, phase = random.uniform(0, 0.025), random.uniform(0.7, 3), random.uniform(0, 6)
        for _ in range(int(random.choice([1, 5, 12, 25, 45]))):
            own = random.normal(0, 1, 4)
            together = 1 - 0.6 * t * min(1, abs(own[3]))  # hairs of a lock meet at its end
            x = root + spread * own[0] * together + (bend[0] + 0.03 * own[1]) * t + bend[1] * t**2
            x = (
                x
                + wave * np.sin(turns * 2 * np.pi * t + phase + 0.3 * own[0])
                + 0.006 * own[2] * np.sin(9 * t + own[1])
            )
            y = -0.03 + (length + 0.06 * own[1]) * t
            _hair(layer, np.stack([x, y], 1) * SIDE, random.uniform(0.9, 2.0), base * random.uniform(0.6, 1.4))
    gleam = np.exp(-(((np.arange(SIDE) / SIDE - random.uniform(0.15, 0.6)) / 0.12) ** 2))
    layer[..., :3] *= 1 + random.uniform(0, 0.6) * gleam[:, None, None]
    canvas = Canvas(SIDE, light(random))
    canvas.layer = layer
    return canvas.finish(FINAL)


def _hair(layer: Image, points: NDArray[np.float64], width: float, colour: NDArray[np.float64]) -> None:
    """Draw one tapered line over `layer`; `points` (n, 2) and `width` in pixels."""
    way = np.gradient(points, axis=0)
    side = np.stack([-way[:, 1], way[:, 0]], 1) / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-6)
    half = width / 2 * np.clip(1.15 - np.linspace(0, 1, len(points)) ** 3, 0.15, 1)[:, None]
    ribbon = np.concatenate([points + side * half, (points - side * half)[::-1]])
    low = np.clip(np.floor(ribbon.min(0)).astype(int) - 2, 0, SIDE)
    high = np.clip(np.ceil(ribbon.max(0)).astype(int) + 3, 0, SIDE)
    if (high <= low).any():
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.rint((ribbon - low) * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    cover = mask[..., None] / np.float32(255)
    part = layer[low[1] : high[1], low[0] : high[0]]
    part *= 1 - cover
    part += cover * np.array([*colour, 1], np.float32)


def shape(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return some shape with some texture as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.3, 0.8))
    kind = int(random.integers(3))
    if kind == 0:
        outline = _blob(random, lobes=int(random.integers(3, 10)), rough=random.uniform(0.05, 0.35))
    else:
        outline = np.zeros((SIDE, SIDE), np.float32)
        if kind == 1:
            points = SIDE * random.uniform(0.05, 0.95, (int(random.integers(3, 8)), 2))
            points = points[np.argsort(np.arctan2(*(points - points.mean(0)).T))]
            cv2.fillPoly(outline, [np.rint(points * 16).astype(np.int32)], (1.0,), cv2.LINE_8, 4)
        else:
            axes = (int(SIDE * random.uniform(0.1, 0.45)), int(SIDE * random.uniform(0.1, 0.45)))
            cv2.ellipse(outline, (SIDE // 2, SIDE // 2), axes, random.uniform(0, 180), 0, 360, (1.0,), -1)
        outline = np.asarray(cv2.GaussianBlur(outline, (0, 0), random.choice([1, 1, 4])))
    part = _flat(outline) if random.random() < 0.4 else pillow(outline, thickness=SIDE * random.uniform(0.03, 0.25))
    if random.random() < 0.25:
        texture = skin(random) * (0.85 + 0.3 * noise(random, (SIDE, SIDE), coarse=6))[..., None]
    else:
        texture = pattern(random, (SIDE, SIDE), plain=0.15)
    canvas.lay(
        part, np.clip(texture, 0, 1).astype(np.float32), gloss=random.uniform(0, 0.4), sharp=random.uniform(5, 40)
    )
    return canvas.finish(FINAL)


def _flat(outline: Image) -> Surface:
    part = pillow(outline, thickness=1)
    return replace(part, normal=np.tile(vector(0, 0, 1), (*outline.shape, 1)))


def _blob(random: np.random.Generator, *, lobes: int, rough: float) -> Image:
    """Return the outline (h, w) of a round thing with `lobes` of relative height `rough`."""
    turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    waves = np.arange(1, lobes + 1)
    amount = random.normal(0, rough, lobes) / np.sqrt(waves)
    radius = 1 + (amount[:, None] * np.cos(waves[:, None] * turn + random.uniform(0, 6.3, lobes)[:, None])).sum(0)
    radius = np.clip(radius, 0.2, None) / np.clip(radius, 0.2, None).max() * SIDE * 0.46
    squeeze = random.uniform(0.6, 1, 2)
    points = SIDE / 2 + np.stack([squeeze[0] * radius * np.cos(turn), squeeze[1] * radius * np.sin(turn)], 1)
    outline = np.zeros((SIDE, SIDE), np.float32)
    cv2.fillPoly(outline, [np.rint(points * 16).astype(np.int32)], (1.0,), cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(outline, (0, 0), 1))
