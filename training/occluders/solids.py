"""Draw solids without a renderer: an outline, the way its surface faces, and a light.

Coordinates are pixels of the canvas, x to the right, y down, z towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.occluders.textures import Image, vector

__all__ = ["FINAL", "SIDE", "Canvas", "Surface", "ellipse", "light", "pillow", "plate", "revolve", "sample", "tube"]

SIDE = 384  # pixels of the canvas things are drawn on
FINAL = 256  # pixels of that canvas in the end
Vector = NDArray[np.float32]  # (3,)


@dataclass(frozen=True, slots=True)
class Surface:
    """A part of a thing, as seen: each (h, w[, 3])."""

    alpha: Image  # how much of the pixel it covers, 0..1
    normal: Image  # where it faces, of length 1
    u: Image  # place across the surface, 0..1
    v: Image  # place along the surface, 0..1


def light(random: np.random.Generator) -> Vector:
    """Return the direction (3,) towards a light: mostly from above and from the viewer's side."""
    turn = random.uniform(-np.pi, np.pi) if random.random() < 0.2 else random.normal(-np.pi / 2, 0.9)
    rise = random.uniform(0.4, 1.2)
    return np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)], np.float32)


class Canvas:
    """A picture with alpha, on which parts are laid from back to front."""

    def __init__(self, size: int, towards: Vector, *, ambient: float = 0.5) -> None:
        """`size` is the side in pixels; `towards` is the direction of the key light; `ambient` is 0..1."""
        self.size, self.towards, self.ambient = size, towards, ambient
        self.layer = np.zeros((size, size, 4), np.float32)  # colour times alpha, and alpha

    def lay(
        self, part: Surface, colour: Image, *, gloss: float = 0.0, sharp: float = 30, alpha: Image | float = 1.0
    ) -> None:
        """Lay a part of some `colour` (3,) or (h, w, 3) over the picture; `gloss` is a highlight's strength, 0..1."""
        box = _box(part.alpha)
        normal, cover = part.normal[box], part.alpha[box]
        colour = colour[box] if colour.ndim > 1 else colour
        facing = np.clip(normal @ self.towards * 0.85 + 0.15, 0, 1)
        sky = 0.8 - 0.2 * normal[..., 1]
        half = self.towards + vector(0, 0, 1)
        shine = gloss * np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** np.float32(sharp)
        lit = colour * (self.ambient * sky + (1.1 - self.ambient) * facing)[..., None] + shine[..., None]
        clear = np.asarray(alpha)[box] if np.ndim(alpha) else alpha
        cover = np.clip(cover * np.clip(clear + 1.5 * shine, 0, 1), 0, 1)
        layer = self.layer[box]
        layer *= 1 - cover[..., None]
        layer[..., :3] += np.clip(lit, 0, 1) * cover[..., None]
        layer[..., 3] += cover

    def shade(self, alpha: Image, *, blur: float, shift: tuple[float, float] = (0, 0), depth: float = 0.5) -> None:
        """Darken what is there where a thing of this outline throws its shadow."""
        box = _box(alpha, margin=int(3 * blur + max(map(abs, shift))) + 2)
        part = np.ascontiguousarray(alpha[box])
        moved = cv2.warpAffine(part, np.array([(1.0, 0, shift[0]), (0, 1.0, shift[1])]), part.shape[::-1])
        self.layer[box][..., :3] *= 1 - depth * np.asarray(cv2.GaussianBlur(moved, (0, 0), blur))[..., None]

    def finish(self, side: int) -> tuple[NDArray[np.uint8], Image]:
        """Return the picture RGB (h, w, 3) and its alpha (h, w), cut to what is drawn, `side` pixels for the canvas."""
        small = np.asarray(cv2.resize(self.layer, (side, side), interpolation=cv2.INTER_AREA), np.float32)
        rows, columns = (np.flatnonzero(small[..., 3].max(axis) > 0.02) for axis in (1, 0))
        if len(rows):
            small = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        alpha = np.clip(small[..., 3], 0, 1)
        colour = small[..., :3] / np.maximum(alpha, 1e-3)[..., None]
        return np.asarray(np.rint(255 * np.clip(colour, 0, 1)), np.uint8), np.ascontiguousarray(alpha)


def _box(alpha: Image, *, margin: int = 0) -> tuple[slice, slice]:
    """Return the part of the canvas that is covered, and `margin` pixels around it."""
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    low = max(top - margin, 0), max(left - margin, 0)
    return slice(low[0], top + height + margin), slice(low[1], left + width + margin)


def revolve(size: int, x: float, profile: ArrayLike, *, open_top: float = 0, round_low: float = 0) -> Surface:
    """Return a turned solid with an upright axis at `x`.

    `profile` (n, 2) holds y and radius from top to bottom. `open_top` and `round_low` bend the upper and lower edges:
    how far their middle lies lower than their ends, in radii.
    """
    profile = np.asarray(profile, np.float32)
    columns, rows = np.meshgrid(np.arange(size, dtype=np.float32) - x, np.arange(size, dtype=np.float32))
    top, low = profile[0], profile[-1]
    bend_top, bend_low = open_top * top[1], round_low * low[1]
    guess = np.interp(rows, profile[:, 0], profile[:, 1]).astype(np.float32)
    across = np.clip(columns / np.maximum(guess, 1e-3), -1, 1)
    front = np.sqrt(1 - across**2)
    share = np.clip((rows - top[0]) / (low[0] - top[0]), 0, 1)
    y = rows - front * (bend_top + share * (bend_low - bend_top))
    radius = np.interp(y, profile[:, 0], profile[:, 1]).astype(np.float32)
    outline = np.interp(np.arange(size), profile[:, 0], profile[:, 1]).astype(np.float32)
    slope = np.gradient(cv2.GaussianBlur(outline[:, None], (1, 0), sigmaX=1, sigmaY=size / 120)[:, 0])
    tilt = np.interp(y, np.arange(size), slope).astype(np.float32)
    alpha = np.clip(radius - np.abs(columns) + 0.5, 0, 1)
    alpha *= np.clip(y - top[0] + 0.5, 0, 1) * np.clip(low[0] - y + 0.5, 0, 1)
    across = np.clip(columns / np.maximum(radius, 1e-3), -1, 1)
    normal = np.stack([across, -tilt, np.sqrt(1 - across**2)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
    return Surface(
        np.asarray(alpha, np.float32),
        np.asarray(normal, np.float32),
        np.asarray(0.5 + np.arcsin(across) / np.pi, np.float32),
        np.asarray(np.clip((y - top[0]) / (low[0] - top[0]), 0, 1), np.float32),
    )


def ellipse(centre: tuple[float, float], axes: tuple[float, float]) -> Surface:
    """Return a flat disc on the canvas of SIDE pixels, as seen from a little above; `axes` are its half axes."""
    u = (np.arange(SIDE, dtype=np.float32)[None] - centre[0]) / axes[0]
    v = (np.arange(SIDE, dtype=np.float32)[:, None] - centre[1]) / axes[1]
    gap = (np.sqrt(u * u + v * v) - 1) * min(axes)
    normal = np.broadcast_to(vector(0, -0.6, 0.8), (SIDE, SIDE, 3))
    across, down = np.broadcast_arrays(np.clip(u / 2 + 0.5, 0, 1), np.clip(v / 2 + 0.5, 0, 1))
    return Surface(np.asarray(np.clip(0.5 - gap, 0, 1), np.float32), normal, across, down)


def tube(size: int, points: NDArray[np.float32], radii: NDArray[np.float32]) -> Surface:
    """Return a tube through `points` (n, 2) with `radii` (n,)."""
    low = np.floor(points.min(0) - radii.max() - 2).clip(0, size - 1).astype(int)
    high = np.ceil(points.max(0) + radii.max() + 2).clip(low + 1, size).astype(int)
    box = slice(low[1], high[1]), slice(low[0], high[0])
    columns, rows = np.meshgrid(*(np.arange(a, b, dtype=np.float32) for a, b in zip(low, high, strict=True)))
    gaps, offs, places, thick = [], [], [], []
    for (a, b), (ra, rb) in zip(pairwise(points), pairwise(radii), strict=True):
        way = b - a
        t = np.clip(((columns - a[0]) * way[0] + (rows - a[1]) * way[1]) / (way @ way + np.float32(1e-6)), 0, 1)
        off, radius = (columns - a[0] - t * way[0], rows - a[1] - t * way[1]), ra + t * (rb - ra)
        gaps.append(np.hypot(*off) - radius)
        offs.append(off)
        places.append(t)
        thick.append(radius)
    nearest = np.argmin(gaps, 0)[None]
    best, along, radius = (np.take_along_axis(np.asarray(values), nearest, 0)[0] for values in (gaps, places, thick))
    side = np.stack([np.take_along_axis(np.asarray(values), nearest, 0)[0] for values in zip(*offs, strict=True)], -1)
    side /= np.maximum(radius, 1e-3)[..., None]
    flat = np.minimum((side**2).sum(-1), 1)
    normal = np.concatenate([side, np.sqrt(1 - flat)[..., None]], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + np.float32(1e-6)
    u = np.clip(0.5 + 0.5 * np.sign(side[..., 0]) * np.sqrt(flat), 0, 1)
    parts = np.clip(0.5 - best, 0, 1), normal, u, (nearest[0] + along) / (len(points) - 1)
    return Surface(*(_within(size, box, part) for part in parts))


def _within(size: int, box: tuple[slice, slice], part: Image) -> Image:
    """Return a picture of the canvas' size that is 0 but for `part` at `box`."""
    whole = np.zeros((size, size, *part.shape[2:]), np.float32)
    whole[box] = part
    return whole


def plate(size: int, corners: NDArray[np.float32], *, rounding: float = 0.0, ratio: float = 1.0) -> Surface:
    """Return a flat plate whose `corners` (4, 2) run clockwise from the upper left; `ratio` is its height by width.

    `rounding` is the radius of its corners in units of its width.
    """
    inner = 256
    shape = np.array([(0, 0), (1, 0), (1, ratio), (0, ratio)], np.float32)
    to_plate = cv2.getPerspectiveTransform(corners.astype(np.float32), shape)
    columns, rows = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    flat = np.stack([columns, rows, np.ones_like(rows)], -1) @ to_plate.T.astype(np.float32)
    depth = np.where(np.abs(flat[..., 2]) < 1e-6, 1e-6, flat[..., 2])
    u, v = flat[..., 0] / depth, flat[..., 1] / depth
    du, dv = np.abs(u - 0.5) - 0.5 + rounding, np.abs(v - ratio / 2) - ratio / 2 + rounding
    gap = np.hypot(np.maximum(du, 0), np.maximum(dv, 0)) + np.minimum(np.maximum(du, dv), 0) - rounding
    width = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    alpha = np.clip(0.5 - gap * width, 0, 1) * (depth > 0)
    edge = np.clip(1 + gap * inner / 6, 0, 1)[..., None]
    normal = np.concatenate(
        [edge * 0.5 * np.stack([np.sign(u - 0.5), np.sign(v - ratio / 2)], -1), np.ones_like(edge)], -1
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return Surface(
        np.asarray(alpha, np.float32),
        np.asarray(normal, np.float32),
        np.asarray(np.clip(u, 0, 1), np.float32),
        np.asarray(np.clip(v / ratio, 0, 1), np.float32),
    )


def pillow(alpha: Image, *, thickness: float, bumps: Image | None = None) -> Surface:
    """Return a puffed-up thing with this outline (h, w): its edge is round over `thickness` pixels."""
    inside = np.asarray(cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    depth = np.clip(inside / thickness, 0, 1)
    height = thickness * np.sqrt(1 - (1 - depth) ** 2) + (0 if bumps is None else bumps)
    height = np.asarray(cv2.GaussianBlur(np.asarray(height, np.float32), (0, 0), 1.5))
    down, right = np.gradient(height)
    normal = np.stack([-right, -down, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    rows, columns = np.indices(alpha.shape, np.float32)
    size = np.float32(max(alpha.shape))
    return Surface(alpha, np.asarray(normal, np.float32), columns / size, rows / size)


def sample(texture: Image, part: Surface) -> Image:
    """Return the colours (h, w, 3) of a texture that is wrapped around a part."""
    height, width = texture.shape[:2]
    return np.asarray(
        cv2.remap(
            texture, part.u * (width - 1), part.v * (height - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ),
        np.float32,
    )
