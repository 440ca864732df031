"""What covers the eyes, drawn on landmarks: headsets, goggles, sleep masks, eye patches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB
from training.occluders.overlay import Layer, Pose, fitted, ribbon, rounded, superellipse, texel
from training.occluders.textures import Image, noise, paint, pattern, vector

__all__ = ["eyepatch", "headset"]

Floats = NDArray[np.float32]
SIDE = 64  # pixels of a texture
SIZES = (  # of goggles and sleep masks, and of headsets: the least and most of half, top, low, depth
    ((0.4, 0.15, 0.18, 0.16), (0.47, 0.24, 0.28, 0.22)),
    ((0.44, 0.2, 0.2, 0.3), (0.54, 0.3, 0.32, 0.5)),
)
FRAME = np.array([(-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0)], np.float32)  # of a texture


@dataclass(frozen=True)
class Visor:
    """A headset, goggles or a sleep mask; lengths are in face widths."""

    kind: str  # visor, goggles, sleep
    texture: RGB
    lens: RGB  # of goggles
    body: Floats  # colour
    strap: Floats  # colour
    half: float  # of its width
    top: float  # above the nose's bridge
    low: float  # below it
    depth: float  # it stands out
    band: float  # the strap's width
    over: bool  # has a strap over the head


def headset(layer: Layer, points: Floats, style: int) -> None:
    """Draw a headset, ski goggles or a sleep mask over the eyes."""
    what, pose, centre = _visor(style), Pose(points), points[168]
    _straps(layer, points, pose, what)
    back, front = (pose.seen(centre, _face(what, z)) for z in (0.02, -what.depth))
    whole = front
    if what.kind == "visor":
        whole = np.asarray(cv2.convexHull(np.concatenate([back, front]))[:, 0], np.float32)
    layer.fill(whole + vector(0, 0.02 * pose.scale), colour=np.zeros(3, np.float32), alpha=0.35, blur=2)
    if what.kind == "visor":
        layer.fill(whole, colour=what.body * np.float32(0.55))
    x, y = FRAME.T
    net = np.stack([x * what.half, y * np.where(y < 0, what.top, what.low), _bow(what, x * what.half) - what.depth], 1)
    fit = fitted(pose.seen(centre, net), (FRAME + 1) / 2)
    layer.texture(front, what.texture, fit)
    if what.kind == "goggles":
        layer.texture(pose.seen(centre, _face(what, -what.depth, shrink=0.86)), what.lens, fit)


def eyepatch(layer: Layer, points: Floats, style: int) -> None:
    """Draw a patch over one eye, with its string or stuck on."""
    random = np.random.default_rng((style, 4))
    pose, left = Pose(points), bool(random.random() < 0.5)
    eye = points[[33, 133, 159, 145]].mean(0) if left else points[[263, 362, 386, 374]].mean(0)
    wide, high, square = random.uniform(0.15, 0.2), random.uniform(0.13, 0.19), random.uniform(2, 3.5)
    stuck = random.random() < 0.35
    colour = np.array((0.92, 0.88, 0.8), np.float32) if stuck else paint(random) * np.float32(random.choice([0.15, 1]))
    side = -1 if left else 1
    x, y = (superellipse(square) * vector(wide, high)).T
    outline = pose.seen(eye, np.stack([x, y, 0.9 * side * x], 1).astype(np.float32))
    if not stuck:
        near = pose.at(points[127 if left else 356], side * 0.05, 0.02, 0.1)
        far = pose.at(points[356 if left else 127], -side * 0.1, -random.uniform(0.35, 0.5))
        path = np.stack([near, outline.mean(0), (outline.mean(0) + far) / 2 + pose.axes[1, :2], far])
        layer.band(path, pose.scale * random.uniform(0.015, 0.03), colour * np.float32(0.8))
    layer.fill(outline + vector(1, 2), colour=np.zeros(3, np.float32), alpha=0.35, blur=2)
    layer.fill(outline, colour=colour)
    light = outline.mean(0) + (outline - outline.mean(0)) * 0.55 - vector(0.02, 0.03) * pose.scale
    layer.fill(light.astype(np.float32), colour=np.clip(colour + 0.12, 0, 1), alpha=0.5, blur=0.02 * pose.scale)


def _bow(what: Visor, x: Floats) -> Floats:
    """Return how far back the front lies at `x`: it is curved around the head."""
    return np.asarray((0.25 if what.kind == "visor" else 0.9) * x * x, np.float32)


def _face(what: Visor, z: float, *, shrink: float = 1.0) -> Floats:
    """Return the outline (n, 3) of its front, at `z`."""
    x, y = superellipse(4.5, 72).T
    y = y * np.where(y < 0, what.top, what.low) * shrink
    notch = np.exp(-((x / 0.25) ** 2)) * (y > 0) * (0.22 if what.kind == "visor" else 0.6)
    y = y * (1 - notch)
    x = x * what.half * shrink
    return np.asarray(np.stack([x, y, _bow(what, np.asarray(x, np.float32)) + z], 1), np.float32)


def _straps(layer: Layer, points: Floats, pose: Pose, what: Visor) -> None:
    straps, gleams = [], []
    wide = what.band * pose.scale
    for side, ear in ((-1, 127), (1, 356)):
        start = pose.at(points[168], side * what.half * 0.95, 0, 0.22 * what.half)
        path = np.stack([start, pose.at(points[ear], side * 0.06, 0, 0.25)])
        straps.append(ribbon(path, wide))
        gleams.append(ribbon(path - vector(0, 0.2 * wide), 0.2 * wide))
    if what.over:
        local = np.array([(0, -what.top * 0.8, -0.1), (0, -0.5, 0), (0, -0.72, 0.15), (0, -0.85, 0.4)], np.float32)
        straps.append(ribbon(rounded(pose.seen(points[168], local), closed=False), 0.9 * wide))
    layer.fill(*straps, colour=what.strap)
    layer.fill(*gleams, colour=np.asarray(np.clip(what.strap * 1.3 + 0.03, 0, 1), np.float32))


@lru_cache(maxsize=64)
def _visor(style: int) -> Visor:
    random = np.random.default_rng((style, 3))
    kind = str(random.choice(["visor", "goggles", "sleep"], p=[0.5, 0.25, 0.25]))
    body = paint(random)
    if kind == "visor":
        body = np.full(3, random.choice([0.06, 0.12, 0.9, 0.8]), np.float32)
    low, high = SIZES[kind == "visor"]
    half, top, below, depth = (float(value) for value in random.uniform(low, high))
    return Visor(
        kind=kind,
        texture=texel(_front(kind, body, random)),
        lens=texel(_lens(random)),
        body=body,
        strap=paint(random) * np.float32(0.7),
        half=half,
        top=top,
        low=below,
        depth=depth,
        band=float(random.uniform(0.08, 0.16)),
        over=bool(kind == "visor" and random.random() < 0.6),
    )


def _front(kind: str, body: Floats, random: np.random.Generator) -> Image:
    """Return what its front looks like (SIDE, SIDE, 3)."""
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE, dtype=np.float32), np.linspace(-1, 1, SIDE, dtype=np.float32))
    ground = np.broadcast_to(body, (SIDE, SIDE, 3))
    if kind != "visor" and random.random() < 0.5:
        ground = pattern(random, (SIDE, SIDE), plain=0.2)
    light = 0.95 - random.uniform(0.05, 0.25) * y + random.uniform(-0.2, 0.2) * x
    light -= 0.25 * (np.square(np.square(np.square(x))) + np.square(np.square(np.square(y))))
    if kind == "sleep":
        bulge = sum(np.exp(-(((x - c) / 0.3) ** 2) - ((y / 0.6) ** 2)) for c in (-0.45, 0.45))
        light += 0.12 * bulge + 0.25 * (noise(random, (SIDE, SIDE), coarse=5, octaves=3) - 0.5)
    if kind == "visor":
        for _ in range(int(random.integers(0, 5))):  # cameras
            across, down, size = random.uniform((-0.8, -0.7, 0.03), (0.8, 0.7, 0.09))
            far = np.hypot(x - across, (y - down) * 0.6) / size
            light *= 1 - 0.8 * np.clip((1 - far) * 4, 0, 1)
    image = ground * light[..., None]
    if kind != "sleep":
        band = (x + random.uniform(-1, 1) * y - random.uniform(-0.6, 0.6)) / random.uniform(0.1, 0.4)
        image += random.uniform(0, 0.25) * np.exp(-(band**2))[..., None]
    return np.asarray(np.clip(image, 0, 1), np.float32)


def _lens(random: np.random.Generator) -> Image:
    """Return the mirrored lens of goggles (SIDE, SIDE, 3)."""
    y = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    first, second = paint(random), paint(random)
    clouds = noise(random, (SIDE, SIDE), coarse=3, octaves=3)[..., None]
    return np.asarray(np.clip(0.8 * (first + (second - first) * y) + 0.35 * (clouds - 0.4), 0, 1), np.float32)
