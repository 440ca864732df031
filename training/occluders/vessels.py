"""What is drunk from: mugs, paper cups, cans, glasses, bottles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from livefill.types import RGB
from training.occluders.grip import Grip
from training.occluders.solids import FINAL, SIDE, Canvas, ellipse, light, revolve, sample, tube
from training.occluders.textures import Image, paint, pattern

__all__ = ["mug"]


def mug(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a mug, cup, can, glass or bottle as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.35, 0.6))
    draw = (_mug, _paper_cup, _can, _glass, _bottle)[int(random.choice(5, p=(0.34, 0.2, 0.14, 0.16, 0.16)))]
    wide = {_mug: 0.25, _paper_cup: 0.21, _can: 0.175, _glass: 0.19, _bottle: 0.14}[draw]
    grip = Grip(canvas, random, (SIDE * (0.5 - wide), SIDE * (0.5 + wide)), 0.4)
    grip.behind()
    draw(canvas, random)
    grip.before()
    return canvas.finish(FINAL)


def _mug(canvas: Canvas, random: np.random.Generator) -> None:
    height, radius = SIDE * random.uniform(0.5, 0.72), SIDE * random.uniform(0.23, 0.29)
    top, x, tilt = SIDE * 0.16, SIDE * 0.5, random.uniform(-0.12, 0.3)
    taper = random.uniform(0.75, 1.02)
    profile = [(top, radius), (top + 0.7 * height, radius * (0.3 + 0.7 * taper)), (top + height, radius * taper)]
    if random.random() < 0.8:
        side = random.choice([-1, 1])
        t = np.linspace(-1.35, 1.35, 14)
        reach = SIDE * random.uniform(0.12, 0.17)
        arc = np.stack(
            [x + side * (radius * 0.93 + reach * np.cos(t)), top + height * 0.47 + height * 0.3 * np.sin(t)], 1
        )
        handle = tube(SIDE, arc.astype(np.float32), np.full(14, SIDE * random.uniform(0.022, 0.035), np.float32))
    else:
        handle = None
    ground = pattern(random, (256, 256), plain=0.5)
    outside = revolve(SIDE, x, profile, open_top=max(tilt, 0), round_low=abs(tilt) + 0.06)
    gloss = random.uniform(0.1, 0.6)
    if handle is not None:
        canvas.lay(handle, ground[0, 0], gloss=gloss)
    canvas.lay(outside, sample(ground, outside), gloss=gloss, sharp=random.uniform(10, 60))
    if tilt > 0.03:
        _mouth(canvas, random, (x, top), (radius, radius * tilt), ground[0, 0])


def _mouth(
    canvas: Canvas, random: np.random.Generator, centre: tuple[float, float], axes: tuple[float, float], rim: Image
) -> None:
    """Draw the open top of a vessel: its rim, the inside, and maybe what it holds."""
    for grow, colour in ((1.0, np.clip(rim * 1.2 + 0.05, 0, 1)), (0.92, rim * 0.45)):
        canvas.lay(ellipse(centre, (axes[0] * grow, axes[1] * grow)), colour, gloss=0.1)
    if random.random() < 0.5:
        drink = np.array([(0.2, 0.1, 0.05), (0.45, 0.3, 0.2), (0.5, 0.3, 0.08)][int(random.integers(3))], np.float32)
        canvas.lay(ellipse((centre[0], centre[1] + axes[1] * 0.12), (axes[0] * 0.88, axes[1] * 0.72)), drink, gloss=0.3)


def _paper_cup(canvas: Canvas, random: np.random.Generator) -> None:
    radius, height, x, top = (
        SIDE * random.uniform(0.2, 0.25),
        SIDE * random.uniform(0.58, 0.74),
        SIDE * 0.5,
        SIDE * 0.14,
    )
    low = radius * random.uniform(0.65, 0.8)
    body = revolve(SIDE, x, [(top, radius), (top + height, low)], round_low=0.15, open_top=0.1)
    canvas.lay(body, sample(pattern(random, (256, 256), plain=0.6), body), gloss=0.08, sharp=8)
    if random.random() < 0.5:
        a, b = 0.3, random.uniform(0.6, 0.8)
        mantle = replace(body, alpha=body.alpha * np.clip((body.v - a) * 90, 0, 1) * np.clip((b - body.v) * 90, 0, 1))
        canvas.lay(mantle, np.array((0.6, 0.43, 0.28), np.float32) * random.uniform(0.6, 1.2))
    if random.random() < 0.75:
        lid = [
            (top - 18, radius * 0.8),
            (top - 15, radius * 0.95),
            (top - 2, radius),
            (top, 1.06 * radius),
            (top + 9, 1.06 * radius),
        ]
        canvas.lay(revolve(SIDE, x, lid, round_low=0.1, open_top=0.03), paint(random), gloss=0.25, sharp=20)
    else:
        _mouth(canvas, random, (x, top + 2), (radius, radius * 0.12), np.array((0.9, 0.9, 0.9), np.float32))


def _can(canvas: Canvas, random: np.random.Generator) -> None:
    radius, height, x, top = (
        SIDE * random.uniform(0.15, 0.2),
        SIDE * random.uniform(0.55, 0.72),
        SIDE * 0.5,
        SIDE * 0.12,
    )
    points = [(0, 0.82), (0.02, 0.84), (0.07, 1), (0.93, 1), (0.98, 0.86), (1, 0.8)]
    body = revolve(SIDE, x, [(top + height * v, radius * r) for v, r in points], open_top=0.12, round_low=0.2)
    canvas.lay(body, sample(pattern(random, (256, 256), plain=0.15), body), gloss=0.6, sharp=25)
    metal = replace(body, alpha=body.alpha * np.clip((np.abs(body.v - 0.5) - 0.45) * 120, 0, 1))
    canvas.lay(metal, np.array((0.72, 0.72, 0.74), np.float32), gloss=0.5, sharp=10)
    canvas.lay(
        ellipse((x, top + 2), (radius * 0.8, radius * 0.13)), np.array((0.62, 0.62, 0.65), np.float32), gloss=0.2
    )


def _glass(canvas: Canvas, random: np.random.Generator) -> None:
    radius, height, x, top = (
        SIDE * random.uniform(0.16, 0.23),
        SIDE * random.uniform(0.5, 0.72),
        SIDE * 0.5,
        SIDE * 0.14,
    )
    body = revolve(
        SIDE,
        x,
        [(top, radius), (top + height, radius * random.uniform(0.75, 1))],
        open_top=0.14,
        round_low=0.2,
    )
    level = random.uniform(0.2, 0.7)
    drink = np.array(
        [(0.75, 0.45, 0.1), (0.35, 0.12, 0.06), (0.9, 0.9, 0.88), (0.8, 0.25, 0.2)][int(random.integers(4))], np.float32
    )
    filled = np.clip((body.v - level) * 60, 0, 1) * np.clip((0.95 - body.v) * 90, 0, 1)
    canvas.lay(replace(body, alpha=body.alpha * filled), drink, alpha=random.uniform(0.35, 0.95), gloss=0.1)
    rim = np.abs(body.u - 0.5) * 2
    canvas.lay(body, np.array((0.8, 0.84, 0.86), np.float32), alpha=0.12 + 0.5 * rim**6, gloss=0.8, sharp=60)
    streak = (
        np.exp(-(((body.u - random.uniform(0.2, 0.8)) / 0.04) ** 2))
        * np.clip(body.v * 8, 0, 1)
        * np.clip((1 - body.v) * 8, 0, 1)
    )
    canvas.lay(body, np.ones(3, np.float32), alpha=0.6 * streak)


def _bottle(canvas: Canvas, random: np.random.Generator) -> None:
    radius, height, x, top = (
        SIDE * random.uniform(0.11, 0.16),
        SIDE * random.uniform(0.72, 0.85),
        SIDE * 0.5,
        SIDE * 0.08,
    )
    neck, shoulder = random.uniform(0.3, 0.6), random.uniform(0.25, 0.4)
    points = [(0, neck), (shoulder * 0.5, neck), (shoulder, 0.97), (shoulder + 0.08, 1), (0.97, 1), (1, 0.9)]
    body = revolve(SIDE, x, [(top + height * v, radius * r) for v, r in points], round_low=0.12, open_top=0.05)
    clear = random.uniform(0.3, 0.8) if random.random() < 0.5 else 1.0
    canvas.lay(body, paint(random), alpha=clear, gloss=0.6, sharp=30)
    low = shoulder + random.uniform(0.08, 0.2)
    label = replace(
        body, alpha=body.alpha * np.clip((body.v - low) * 120, 0, 1) * np.clip((low + 0.3 - body.v) * 120, 0, 1)
    )
    canvas.lay(label, sample(pattern(random, (256, 256), plain=0.1), body), gloss=0.15)
    cap = revolve(SIDE, x, [(top - 6, radius * neck * 1.1), (top + 22, radius * neck * 1.12)], round_low=0.1)
    canvas.lay(cap, paint(random), gloss=0.3)
