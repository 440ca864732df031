"""Phones and microphones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from livefill.types import RGB
from training.occluders.grip import Grip
from training.occluders.solids import FINAL, SIDE, Canvas, Surface, ellipse, light, plate, revolve, sample, tube
from training.occluders.textures import Image, noise, paint, pattern, photograph, vector

__all__ = ["microphone", "phone"]


def phone(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a phone from its back or front, maybe with fingers around it, as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.4, 0.6))
    tall = SIDE * random.uniform(0.75, 0.9)
    wide = tall / random.uniform(1.9, 2.15) * random.uniform(0.75, 1)  # seen from aside it is narrower
    corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)]) / 2
    corners *= 1 + random.uniform(-0.06, 0.06) * np.array([(1, 1), (-1, -1), (-1, -1), (1, 1)])
    held = random.random() < 0.6
    corners = np.asarray(corners * (0.8 if held else 1) + SIDE * np.array((0.5, 0.4 if held else 0.5)), np.float32)
    ratio, rounding = 2.05, random.uniform(0.06, 0.17)
    grip = Grip(canvas, random, (float(corners[[0, 3], 0].mean()), float(corners[1:3, 0].mean())), float(held))
    grip.behind()
    body = plate(SIDE, corners, rounding=rounding, ratio=ratio)
    side = plate(
        SIDE, corners + vector(random.choice([-1, 1]) * random.uniform(2, 7), 2), rounding=rounding, ratio=ratio
    )
    frame = paint(random)
    canvas.lay(side, frame * 0.7, gloss=0.3)
    if random.random() < 0.3:
        _screen(canvas, random, body, frame)
    else:
        canvas.lay(body, sample(pattern(random, (192, 384), plain=0.55), body), gloss=random.uniform(0, 0.35), sharp=6)
        _cameras(canvas, random, body, ratio)
    _glare(canvas, random, body)
    grip.before()
    return canvas.finish(FINAL)


def _screen(canvas: Canvas, random: np.random.Generator, body: Surface, frame: Image) -> None:
    canvas.lay(body, frame * 0.15, gloss=0.4)
    inner = np.clip((0.5 - np.maximum(np.abs(body.u - 0.5) / 0.94, np.abs(body.v - 0.5) / 0.97)) * 150, 0, 1)
    shown = photograph(random, (128, 256)) if random.random() < 0.6 else np.full((256, 128, 3), 0.03, np.float32)
    canvas.lay(replace(body, alpha=body.alpha * inner), sample(shown, body), gloss=0.3)


def _cameras(canvas: Canvas, random: np.random.Generator, body: Surface, ratio: float) -> None:
    """Draw a bump with one to four lenses into an upper corner."""
    left, count = random.choice([0.06, 0.5 - 0.2, 0.5]), int(random.integers(1, 5))
    wide, high = random.uniform(0.3, 0.42), random.uniform(0.3, 0.46)
    u, v = (body.u - left - 0.02) / wide, (body.v * ratio - 0.08) / high
    gap = np.maximum(np.abs(u - 0.5), np.abs(v - 0.5)) - 0.5
    bump = replace(body, alpha=body.alpha * np.clip(0.5 - gap * 60, 0, 1))
    canvas.shade(bump.alpha, blur=4, shift=(2, 3), depth=0.5)
    canvas.lay(bump, paint(random), gloss=0.2)
    for k in range(count):
        x, y = (0.28 + 0.44 * (k % 2), 0.27 + 0.46 * (k // 2)) if count > 1 else (0.5, 0.5)
        far = np.hypot((u - x) * wide, (v - y) * high) / 0.075
        canvas.lay(
            replace(body, alpha=body.alpha * np.clip((1 - far) * 7, 0, 1)), np.array((0.3, 0.3, 0.32), np.float32)
        )
        canvas.lay(
            replace(body, alpha=body.alpha * np.clip((0.8 - far) * 7, 0, 1)), np.array((0.03, 0.03, 0.05), np.float32)
        )
        spot = np.hypot((u - x + 0.05) * wide, (v - y + 0.05) * high) / 0.02
        canvas.lay(body, np.array((0.7, 0.75, 0.9), np.float32), alpha=0.8 * np.clip(1 - spot, 0, 1))


def _glare(canvas: Canvas, random: np.random.Generator, body: Surface) -> None:
    band = (body.u + random.uniform(-1.5, 1.5) * body.v - random.uniform(-0.5, 1)) / random.uniform(0.1, 0.5)
    canvas.lay(body, np.ones(3, np.float32), alpha=random.uniform(0, 0.3) * np.exp(-(band**2)))


def microphone(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a microphone with its handle, arm or stand as RGB (h, w, 3) and alpha (h, w)."""
    canvas = Canvas(SIDE, light(random), ambient=random.uniform(0.35, 0.6))
    (_foam, _condenser, _gooseneck)[int(random.integers(3))](canvas, random)
    return canvas.finish(FINAL)


def _arm(canvas: Canvas, random: np.random.Generator, start: tuple[float, float], thick: float) -> None:
    """Draw an arm or stand from `start` out of the picture."""
    ends = [
        (random.uniform(0, SIDE), SIDE * 1.1),
        (-20, SIDE * random.uniform(0.6, 1)),
        (SIDE + 20, SIDE * random.uniform(0.6, 1)),
    ]
    end = ends[int(random.integers(3))]
    arm = tube(SIDE, np.array([start, end], np.float32), np.array([thick, thick], np.float32))
    canvas.lay(arm, np.full(3, random.choice([0.06, 0.12, 0.6]), np.float32), gloss=0.4)


def _foam(canvas: Canvas, random: np.random.Generator) -> None:
    radius, x, y = SIDE * random.uniform(0.14, 0.2), SIDE * 0.5, SIDE * 0.24
    stretch = random.uniform(1, 1.35)
    handle = [(y + radius * 0.6, radius * 0.62), (y + radius * 1.6, radius * 0.5), (SIDE * 0.98, radius * 0.36)]
    body = revolve(SIDE, x, handle, round_low=0.2)
    canvas.lay(body, paint(random) * 0.6, gloss=0.4, sharp=12)
    t = np.linspace(-1, 1, 24)
    ball = revolve(
        SIDE,
        x,
        np.stack([y + radius * stretch * t, radius * np.sqrt(np.maximum(1 - t * t, 0.001))], 1).tolist(),
    )
    canvas.shade(ball.alpha, blur=6, shift=(0, 8), depth=0.5)
    colour = paint(random) if random.random() < 0.4 else np.full(3, 0.09, np.float32)
    if random.random() < 0.6:
        grain = 0.75 + 0.5 * noise(random, (SIDE, SIDE), coarse=120, octaves=2)
        canvas.lay(ball, colour * grain[..., None], gloss=0.02)
    else:
        mesh = 0.35 + 0.65 * np.clip(np.sin(ball.u * 90) * np.sin(ball.v * 60) * 2 + 0.5, 0, 1)
        canvas.lay(ball, np.float32(0.7) * mesh[..., None] * np.ones(3, np.float32), gloss=0.5, sharp=15)


def _condenser(canvas: Canvas, random: np.random.Generator) -> None:
    radius, height, x, top = (
        SIDE * random.uniform(0.09, 0.14),
        SIDE * random.uniform(0.4, 0.55),
        SIDE * 0.5,
        SIDE * 0.12,
    )
    _arm(canvas, random, (x, top + height * 0.8), SIDE * random.uniform(0.012, 0.024))
    points = [
        (0, 0.3),
        (0.03, 0.7),
        (0.08, 0.95),
        (0.12, 1),
        (0.45, 1),
        (0.46, 1.04),
        (0.5, 1.04),
        (0.51, 1),
        (0.95, 1),
        (1, 0.85),
    ]
    body = revolve(SIDE, x, [(top + height * v, radius * r) for v, r in points], round_low=0.15)
    metal = paint(random)
    canvas.lay(body, metal, gloss=0.5, sharp=14)
    mesh = 0.45 + 0.4 * np.clip(np.sin(body.u * 120) * np.sin(body.v * 130) * 2, -1, 1)
    grille = replace(body, alpha=body.alpha * np.clip((0.45 - body.v) * 90, 0, 1))
    canvas.lay(grille, mesh[..., None] * (0.4 + 0.6 * metal), gloss=0.25, sharp=10)
    if random.random() < 0.5:
        centre = (x + random.uniform(-0.1, 0.1) * SIDE, top + height * 0.25)
        size = SIDE * random.uniform(0.16, 0.22)
        net = ellipse(centre, (size * random.uniform(0.6, 1), size))
        weave = 0.45 + 0.15 * noise(random, (SIDE, SIDE), coarse=60, octaves=2)
        canvas.lay(net, np.full(3, 0.05, np.float32), alpha=weave + random.uniform(0, 0.35))
        t = np.linspace(0, 2 * np.pi, 30)
        across = float(np.ptp(np.flatnonzero(net.alpha.max(0) > 0.5))) / 2
        ring = np.stack([centre[0] + across * np.cos(t), centre[1] + size * np.sin(t)], 1).astype(np.float32)
        canvas.lay(tube(SIDE, ring, np.full(30, SIDE * 0.011, np.float32)), np.full(3, 0.08, np.float32), gloss=0.4)


def _gooseneck(canvas: Canvas, random: np.random.Generator) -> None:
    bend, lean = random.uniform(-0.35, 0.35) * SIDE, random.uniform(-0.2, 0.2) * SIDE
    t = np.linspace(0, 1, 16)
    path = np.stack([SIDE * 0.5 + bend * np.sin(np.pi * t) + lean * t, SIDE * (0.18 + 0.95 * t)], 1).astype(np.float32)
    neck = tube(SIDE, path, np.full(16, SIDE * random.uniform(0.01, 0.02), np.float32))
    rings = 0.6 + 0.4 * np.sin(neck.v * 300)
    canvas.lay(neck, rings[..., None] * np.full(3, random.choice([0.1, 0.5]), np.float32), gloss=0.5, sharp=10)
    way = path[0] - path[2]
    way /= np.linalg.norm(way) + 1e-6
    head = np.stack([path[0] + way * SIDE * 0.1, path[0] - way * SIDE * 0.02])
    foam = tube(SIDE, head.astype(np.float32), np.array([1, 0.9], np.float32) * SIDE * random.uniform(0.035, 0.075))
    grain = 0.75 + 0.5 * noise(random, (SIDE, SIDE), coarse=130, octaves=2)
    canvas.lay(foam, grain[..., None] * (np.full(3, 0.1, np.float32) if random.random() < 0.7 else paint(random)))
