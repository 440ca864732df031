"""Face masks and scarves, drawn on landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB
from training.occluders.overlay import Layer, Pose, fitted, ribbon, rounded, spline, texel
from training.occluders.textures import Image, knit, noise, paint, pattern, vector

__all__ = ["mask", "scarf"]

Floats = NDArray[np.float32]
SIDE = 80  # pixels of a texture
BLACK = np.zeros(3, np.float32)
# landmarks from the nose to the lower corner, and where they move to when a mask reaches to the ears
EDGE = {"left": (188, 100, 50, 123, 147, 213, 138), "right": (412, 329, 280, 352, 376, 433, 367)}
EARS = {"left": (188, 101, 117, 137, 177, 132, 58), "right": (412, 330, 346, 366, 401, 361, 288)}
JAW = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
# landmarks and where they lie on a mask, 0..1: in its middle, and on the left and right of it
MIDDLE = {197: 0.0, 4: 0.26, 0: 0.48, 17: 0.66, 152: 0.97}
BESIDE = {
    (123, 352): (0.02, 0.16),
    (147, 376): (0.04, 0.36),
    (213, 433): (0.08, 0.56),
    (136, 365): (0.16, 0.82),
    (101, 330): (0.27, 0.14),
    (205, 425): (0.23, 0.36),
    (212, 432): (0.27, 0.62),
    (176, 400): (0.36, 0.94),
}
ANCHORS = (*MIDDLE, *(landmark for pair in BESIDE for landmark in pair))
PLACES = np.array(
    [*((0.5, v) for v in MIDDLE.values()), *((x, v) for u, v in BESIDE.values() for x in (u, 1 - u))], np.float32
)
ROWS = (0.0, 0.12, 0.5, 1.0)  # of a scarf, from its upper to its lower edge
USUAL = np.array(  # colours of masks from a box
    [(0.55, 0.75, 0.88), (0.6, 0.8, 0.84), (0.93, 0.94, 0.95), (0.95, 0.95, 0.95), (0.1, 0.1, 0.11), (0.95, 0.75, 0.8)],
    np.float32,
)


@dataclass(frozen=True)
class MaskStyle:
    """One mask and how it is worn."""

    kind: str  # surgical, folded, cloth, respirator
    texture: RGB  # (SIDE, SIDE, 3)
    colour: Floats
    loop: Floats  # colour of what holds it
    width: float  # of the loops, face widths
    rise: float  # 0 on the nose's tip .. 1 high on its bridge; below 0 it has slipped, in face heights
    reach: float  # 0 ends on the cheek .. 1 at the ears
    drop: float  # how far it lies below the jaw, face heights
    slack: float  # how far the sides stand out, face widths


@dataclass(frozen=True)
class ScarfStyle:
    """One scarf and how it is worn."""

    texture: RGB
    rise: float  # 0 at the chin .. 1 on the nose
    half: float  # half its width below the chin, face widths
    sag: float  # of its upper edge, face widths


def mask(layer: Layer, points: Floats, style: int) -> None:
    """Draw a surgical, folded (FFP2), cloth or rubber mask; now and then the nose is bare, or it is at the chin."""
    what, flat = _mask_style(style), points[:, :2]
    outline, corners = _mask_outline(points, what)
    _loops(layer, flat, corners, what)
    layer.fill(outline, colour=BLACK, alpha=0.35, blur=1.5)
    layer.texture(outline, what.texture, fitted(flat[list(ANCHORS)] + _slip(points, what), PLACES))
    if what.kind == "respirator":
        _filters(layer, points, what)


def scarf(layer: Layer, points: Floats, style: int) -> None:
    """Draw a scarf or collar over the mouth or the chin, and down to below the chin."""
    what = _scarf_style(style)
    net = _scarf_net(points, what)
    outline = rounded(np.concatenate([net[0], net[1:, 4], net[3, -2::-1], net[2:0:-1, 0]]))
    u, v = np.meshgrid(np.linspace(0, 1, 5), ROWS)
    fit = fitted(net.reshape(-1, 2), np.stack([u.ravel(), v.ravel()], 1))
    layer.fill(outline - vector(0, 2), colour=BLACK, alpha=0.35, blur=2)
    layer.texture(outline, what.texture, fit, blur=0.6)


def _scarf_net(points: Floats, what: ScarfStyle) -> Floats:
    """Return pixels (4, 5, 2) all over a scarf, from its upper edge down and from left to right."""
    flat, pose, fall = points[:, :2], Pose(points), 1 - what.rise
    chin, middle = flat[152], flat[195] + (flat[200] - flat[195]) * fall
    corners = [flat[a] + (flat[b] - flat[a]) * fall for a, b in ((227, 172), (447, 397))]
    net = np.empty((len(ROWS), 5, 2), np.float32)
    for row, t in zip(net, ROWS, strict=True):
        row[2] = pose.at((1 - t) * middle + t * chin, 0, 0.8 * t)
        for place, corner, side in ((0, corners[0], -1), (4, corners[1], 1)):
            row[place] = pose.at((1 - t) * corner + t * chin, side * (0.03 + t**0.6 * what.half), 0.75 * t)
            row[2 + side] = pose.at((row[place] + row[2]) / 2, 0, (0.05 + 0.3 * what.sag) * (1 - t))
    return net


@lru_cache(maxsize=64)
def _mask_style(style: int) -> MaskStyle:
    random = np.random.default_rng((style, 1))
    kind = str(random.choice(["surgical", "folded", "cloth", "respirator"], p=[0.42, 0.2, 0.28, 0.1]))
    fit = random.random()
    rise = random.uniform(0.25, 1) if fit < 0.8 or kind == "respirator" else random.uniform(-0.2, -0.12)
    if fit > 0.94 and kind != "respirator":
        rise = random.uniform(-0.5, -0.38)
    colour = paint(random) if kind == "cloth" or random.random() < 0.15 else USUAL[int(random.integers(len(USUAL)))]
    if kind == "respirator":
        colour = np.full(3, random.uniform(0.06, 0.4), np.float32)
    loop = colour if kind == "cloth" else np.full(3, 0.1 if kind == "respirator" else 0.92, np.float32)
    return MaskStyle(
        kind=kind,
        texture=texel(_SURFACES[kind](random, colour)),
        colour=colour,
        loop=loop,
        width=0.06 if kind == "respirator" else float(random.uniform(0.012, 0.024)),
        rise=float(rise),
        reach=float(random.uniform(0, 0.9) if kind == "cloth" else random.uniform(0, 0.35)),
        drop=float(random.uniform(0.02, 0.08)),
        slack=float(random.uniform(0, 0.025)),
    )


def _slip(points: Floats, what: MaskStyle) -> Floats:
    """Return how far a mask has been pulled down (2,), pixels."""
    down = (points[152] - points[10])[:2]
    return np.asarray(down * max(0.0, -what.rise), np.float32)


def _mask_outline(points: Floats, what: MaskStyle) -> tuple[Floats, Floats]:
    """Return the outline (n, 2), and the corners (4, 2) the loops start from: upper and lower left, then right."""
    flat, pose = points[:, :2], Pose(points)
    down, slip = (points[152] - points[10])[:2], _slip(points, what)
    nose = flat[4] + (flat[6] - flat[4]) * (0.35 + 0.6 * max(what.rise, 0.0))
    left, right = (flat[list(EDGE[side])] * (1 - what.reach) + flat[list(EARS[side])] * what.reach for side in EDGE)
    for edge, side in ((left, -1), (right, 1)):
        edge[0] += nose - flat[197] + 0.03 * down
        edge[1] += (nose - flat[197]) * 0.35
        edge[3:] += side * pose.axes[0, :2] * pose.scale * what.slack
        edge[:4] += slip
        edge[4:] += slip * np.linspace(0.85, 0.5, len(edge) - 4)[:, None]
    jaw = flat[list(JAW)] + (down * what.drop + 0.35 * slip) * np.sin(np.linspace(0.3, np.pi - 0.3, len(JAW)))[:, None]
    outline = np.concatenate([[nose + slip], right, jaw[::-1], left[::-1]]).astype(np.float32)
    return spline(outline), np.stack([left[3], left[-1], right[3], right[-1]]).astype(np.float32)


def _loops(layer: Layer, flat: Floats, corners: Floats, what: MaskStyle) -> None:
    scale = float(np.linalg.norm(flat[454] - flat[234]))
    middle, loops = (flat[234] + flat[454]) / 2, []
    for (top, low), (ear, lobe) in (((0, 1), (127, 93)), ((2, 3), (356, 323))):
        away = (flat[ear] - middle) * 0.1
        ends = flat[ear] * 0.6 + flat[lobe] * 0.4 + away, flat[lobe] + away
        for start, end in zip(corners[[top, low]], ends, strict=True):
            bow = (start + end) / 2 + vector(0, 0.02 * scale)
            path = rounded(np.stack([start, bow, end]).astype(np.float32), closed=False)
            loops.append(ribbon(path, max(what.width * scale, 1.0)))
    layer.fill(*loops, colour=what.loop)


def _filters(layer: Layer, points: Floats, what: MaskStyle) -> None:
    """Draw the discs of a respirator beside the mouth, and the valve before it."""
    pose, t = Pose(points), np.linspace(0, 2 * np.pi, 28, endpoint=False)
    for x, y, r, z in ((-0.3, 0.06, 0.16, -0.08), (0.3, 0.06, 0.16, -0.08), (0, 0.24, 0.12, -0.28)):
        for grow, light, near in ((1.05, 0.45, 0.0), (1.0, 0.8, 0.05), (0.85, 1.3, 0.05), (0.6, 1.0, 0.05)):
            across = r * grow * np.cos(t)
            local = np.stack(
                [x * (1 + near) + 0.8 * across, y + r * grow * np.sin(t), z - near + 2.2 * x * across / r * 0.17], 1
            )
            colour = np.clip(what.colour * light + 0.03 * light, 0, 1)
            layer.fill(pose.seen(points[164], local), colour=np.asarray(colour, np.float32))


def _lit(random: np.random.Generator, ground: Image, height: Image) -> Image:
    """Return a texture with folds `height` (SIDE, SIDE), pixels, under a light from some side."""
    down, right = np.gradient(height)
    x, y = _grid()
    side, top = random.uniform(-0.4, 0.4), random.uniform(0.1, 0.5)
    light = 1 + 0.5 * (side * x - top * (y - 0.35)) - 0.22 * x * x - 0.3 * np.clip(y - 0.75, 0, 1)
    light = light - 0.9 * side * right - 0.6 * top * down + 0.05 * noise(random, (SIDE, SIDE), coarse=6, octaves=4)
    return np.asarray(np.clip(ground * (random.uniform(0.7, 1) * light)[..., None], 0, 1), np.float32)


def _grid() -> tuple[Floats, Floats]:
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE, dtype=np.float32), np.linspace(0, 1, SIDE, dtype=np.float32))
    return x, y


def _plain(colour: Floats) -> Image:
    return np.broadcast_to(colour, (SIDE, SIDE, 3))


def _surgical(random: np.random.Generator, colour: Floats) -> Image:
    x, y = _grid()
    height, crease = noise(random, (SIDE, SIDE), coarse=4, octaves=3) * 4, np.zeros_like(x)
    for place in np.linspace(0.34, 0.74, int(random.integers(3, 5))) + random.normal(0, 0.012):
        off = y - place - 0.06 * (1 - x * x) * (place - 0.45)
        height = height + 2.4 / (1 + np.exp(np.clip(-45 * off, -30, 30)))
        crease += np.exp(-((off / 0.012) ** 2)) * (1 - 0.5 * (1 - x * x))
    image = _lit(random, _plain(colour), height)
    wire = np.exp(-(((y - 0.07) / 0.015) ** 2)) + np.exp(-(((np.abs(x) - 0.93) / 0.02) ** 2))
    return np.asarray(image * (1 - 0.22 * crease - 0.1 * wire)[..., None], np.float32)


def _folded(random: np.random.Generator, colour: Floats) -> Image:
    x, y = _grid()
    ridge = 14 * (1 - np.abs(x)) ** 0.9 + noise(random, (SIDE, SIDE), coarse=4, octaves=3) * 3
    if random.random() < 0.5:  # folded across instead of along the nose
        ridge = 12 * np.exp(-(((y - 0.45) / 0.22) ** 4)) + noise(random, (SIDE, SIDE), coarse=4, octaves=3) * 3
        seam = 0.15 * (np.exp(-(((y - 0.22) / 0.012) ** 2)) + np.exp(-(((y - 0.68) / 0.012) ** 2)))
    else:
        seam = np.exp(-((x / 0.015) ** 2)) * 0.15 + 0.1 * (np.abs(np.abs(x) - 0.86) < 0.02)
    return np.asarray(_lit(random, _plain(colour), ridge) * (1 - seam[..., None]), np.float32)


def _cloth(random: np.random.Generator, colour: Floats) -> Image:
    ground = pattern(random, (SIDE, SIDE), plain=0) if random.random() < 0.6 else _plain(colour)
    x, y = _grid()
    image = _lit(random, ground, noise(random, (SIDE, SIDE), coarse=5, octaves=4) * 6 + 5 * (1 - np.abs(x)))
    hem = np.exp(-(((y - 0.1) / 0.01) ** 2))
    return np.asarray(image * (1 - 0.15 * hem)[..., None], np.float32)


def _rubber(random: np.random.Generator, colour: Floats) -> Image:
    image = _lit(random, _plain(colour), noise(random, (SIDE, SIDE), coarse=2, octaves=2) * 9)
    spot = np.zeros((SIDE, SIDE), np.float32)
    spot[18:28, 40:48] = 0.35
    return np.asarray(np.clip(image + cv2.GaussianBlur(spot, (0, 0), 6)[..., None], 0, 1), np.float32)


_SURFACES = {"surgical": _surgical, "folded": _folded, "cloth": _cloth, "respirator": _rubber}


@lru_cache(maxsize=64)
def _scarf_style(style: int) -> ScarfStyle:
    random = np.random.default_rng((style, 2))
    size = (112, 112)
    ground = knit(random, size) if random.random() < 0.5 else pattern(random, size, plain=0.5)
    x, y = np.meshgrid(np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(0, 1, size[1], dtype=np.float32))
    bend = (
        y * random.uniform(1.5, 4)
        + random.uniform(-0.4, 0.4) * x
        + 0.5 * x * x
        + noise(random, size, coarse=3, octaves=3)
    )
    fold = np.abs(np.sin(np.pi * bend)) ** random.uniform(0.5, 1.2)  # round on top, deep between
    light = 0.55 + 0.45 * fold - 0.3 * x * x + random.uniform(-0.2, 0.2) * x
    texture = texel(np.clip(ground * light[..., None], 0, 1))
    return ScarfStyle(
        texture, float(random.uniform(0.2, 1)), float(random.uniform(0.1, 0.35)), float(random.uniform(-0.1, 0.25))
    )
