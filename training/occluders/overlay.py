"""Draw quickly over a face: filled outlines, bands, and textures that follow its landmarks.

Points are pixels (n, 2), x then y. Colours are sRGB (3,), 0..1. Textures are RGB uint8 (h, w, 3).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.occluders.textures import vector

__all__ = ["Layer", "Pose", "fitted", "ribbon", "rounded", "spline", "superellipse", "texel"]

Floats = NDArray[np.float32]
Box = tuple[slice, slice]
SHIFT = 4  # bits of a pixel's fraction
STEP = 8  # pixels between the places where a texture's coordinates are worked out


class Layer:
    """A transparent picture to draw on."""

    def __init__(self, size: tuple[int, int]) -> None:
        """`size` is (width, height)."""
        self.image: RGB = np.zeros((size[1], size[0], 3), np.uint8)
        self.alpha: Mask = np.zeros((size[1], size[0]), np.float32)

    def fill(self, *outlines: Floats, colour: Floats, alpha: float = 1.0, blur: float = 0.0) -> None:
        """Fill outlines with a colour; `blur` (pixels) softens their edge."""
        found = self._cover(outlines, blur)
        if found is not None:
            box, cover = found
            ink = np.empty((*cover.shape, 3), np.uint8)
            ink[:] = np.tile(texel(colour), (cover.shape[1], 1))  # row by row is fast, pixel by pixel is not
            self._over(box, ink, cover if alpha == 1 else cover * np.float32(alpha))

    def texture(
        self, outline: Floats, texture: RGB, to_texture: Floats, *, alpha: float = 1.0, blur: float = 0.0
    ) -> None:
        """Fill an outline with a texture; `to_texture` (6, 2) is what `fitted` returns."""
        found = self._cover((outline,), blur)
        if found is None:
            return
        (rows, columns), cover = found
        x, y = np.meshgrid(
            np.arange(columns.start, columns.stop + STEP, STEP, dtype=np.float32),
            np.arange(rows.start, rows.stop + STEP, STEP, dtype=np.float32),
        )
        coarse = _terms(np.stack([x.ravel(), y.ravel()], 1)) @ to_texture
        coarse *= vector(texture.shape[1] - 1, texture.shape[0] - 1)
        finer = np.array([(1 / STEP, 0, 0), (0, 1 / STEP, 0)], np.float32)
        size, way = (cover.shape[1], cover.shape[0]), cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        where = cv2.warpAffine(coarse.reshape(*x.shape, 2), finer, size, flags=way, borderMode=cv2.BORDER_REPLICATE)
        ink = cv2.remap(texture, where, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self._over((rows, columns), np.asarray(ink, np.uint8), cover if alpha == 1 else cover * np.float32(alpha))

    def band(self, path: Floats, width: float | Floats, colour: Floats, *, alpha: float = 1.0) -> None:
        """Draw a line along `path` of `width` pixels, one or (n,); below one pixel it fades."""
        alpha *= min(1.0, float(np.mean(width)))
        self.fill(ribbon(path, np.maximum(width, 1)), colour=colour, alpha=alpha)

    def tube(self, path: Floats, width: float, colour: Floats, *, alpha: float = 1.0, shine: float = 0.5) -> None:
        """Draw a round tube: a band with a darker edge and a lighter middle."""
        self.band(path, width, np.asarray(colour * 0.62, np.float32), alpha=alpha)
        self.band(path, width * 0.65, colour, alpha=alpha)
        light = np.asarray(colour + (1 - colour) * shine, np.float32)
        self.band(path - vector(0.1 * width, 0.18 * width), width * 0.25, light, alpha=alpha)

    def finish(self) -> tuple[RGB, Mask]:
        """Return the drawing as RGB (h, w, 3), and its alpha (h, w)."""
        return self.image, self.alpha

    def _cover(self, outlines: tuple[Floats, ...], blur: float) -> tuple[Box, Mask] | None:
        """Return where outlines are in the picture, and how much of each pixel there lies inside."""
        every = np.concatenate(outlines)
        if not np.isfinite(every).all():
            return None
        margin = 2 + int(3 * blur)
        height, width = self.alpha.shape
        left, top = (max(int(low) - margin, 0) for low in every.min(0))
        right, bottom = (
            min(int(high) + margin + 1, end) for high, end in zip(every.max(0), (width, height), strict=True)
        )
        if right <= left or bottom <= top:
            return None
        mask = np.zeros((bottom - top, right - left), np.uint8)
        corner = vector(left, top)
        for outline in outlines:
            points = np.rint((outline - corner) * (1 << SHIFT)).astype(np.int32)
            cv2.fillPoly(mask, [points], (255,), cv2.LINE_AA, SHIFT)
        if blur:
            mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.uint8)
        return (slice(top, bottom), slice(left, right)), mask * np.float32(1 / 255)

    def _over(self, box: Box, ink: RGB, cover: Mask) -> None:
        below = self.alpha[box] * (1 - cover)
        if not below.any():
            self.image[box], self.alpha[box] = ink, cover
            return
        self.image[box] = cv2.blendLinear(np.ascontiguousarray(self.image[box]), ink, below, cover)
        self.alpha[box] = below + cover


def ribbon(path: Floats, width: float | Floats) -> Floats:
    """Return the outline (2 n, 2) of a line along `path` (n, 2) of `width` pixels, one or (n,)."""
    way = np.empty_like(path)
    way[1:-1] = path[2:] - path[:-2]
    way[0], way[-1] = path[1] - path[0], path[-1] - path[-2]
    side = np.stack([-way[:, 1], way[:, 0]], 1) / (np.hypot(way[:, 0], way[:, 1])[:, None] + 1e-6)
    offset = side * (np.reshape(width, (-1, 1)) / 2)
    return np.asarray(np.concatenate([path + offset, (path - offset)[::-1]]), np.float32)


def texel(colour: Floats) -> RGB:
    """Return colours (..., 3), 0..1, as bytes."""
    return np.asarray(np.clip(np.asarray(colour, np.float32) * 255 + 0.5, 0, 255), np.uint8)


def _terms(points: Floats) -> Floats:
    """Return the terms (n, 6) of a polynomial of the second degree."""
    x, y = points[:, 0] / 128, points[:, 1] / 128
    return np.asarray(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1), np.float32)


def fitted(points: Floats, places: Floats) -> Floats:
    """Return the polynomial (6, 2) that takes `points` (n, 2) of the picture to `places` (n, 2) of a texture, 0..1."""
    terms = _terms(points).astype(np.float64)
    weight = np.diag([0, 0, 0, 1, 1, 1.0]) * 1e-3 * len(points)
    return np.asarray(np.linalg.solve(terms.T @ terms + weight, terms.T @ places), np.float32)


def rounded(outline: Floats, *, times: int = 2, closed: bool = True) -> Floats:
    """Return an outline or path (n, 2) with its corners cut (Chaikin 1974)."""
    for _ in range(times):
        after = np.roll(outline, -1, 0) if closed else outline[1:]
        before = outline if closed else outline[:-1]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], 1).reshape(-1, 2)
        outline = cut if closed else np.concatenate([outline[:1], cut, outline[-1:]])
    return np.asarray(outline, np.float32)


def _basis() -> Floats:
    t = np.linspace(0, 1, 5)[:-1, None]
    weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3)
    return np.asarray(np.concatenate(weights, 1) / 2, np.float32)


BASIS = _basis()  # of a Catmull-Rom spline, at four places of each piece


def spline(points: Floats, *, closed: bool = True) -> Floats:
    """Return a smooth outline or path through `points` (n, 2), with four points for each."""
    if not closed:
        ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
        around = np.stack([ends[:-3], ends[1:-2], ends[2:-1], ends[3:]], 1)
        return np.asarray(np.concatenate([(BASIS @ around).reshape(-1, 2), points[-1:]]), np.float32)
    around = np.stack([np.roll(points, shift, 0) for shift in (1, 0, -1, -2)], 1)
    return np.asarray((BASIS @ around).reshape(-1, 2), np.float32)


def superellipse(power: float, count: int = 40) -> Floats:
    """Return an outline (count, 2) within -1..1 clockwise from the right: `power` 2 is a circle, more is squarer."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    way = np.stack([np.cos(t), np.sin(t)], 1)
    return np.asarray(way / (np.abs(way) ** power).sum(1, keepdims=True) ** (1 / power), np.float32)


class Pose:
    """The head as a rigid body: where a point near it is seen."""

    def __init__(self, points: Floats) -> None:
        """`points` are landmarks (468, 3)."""
        right = points[454] - points[234]
        self.scale = float(np.linalg.norm(right)) + 1e-6  # pixels: the face's width
        right = right / self.scale
        down = points[152] - points[10]
        down = down - right * (down @ right)
        down = down / (np.linalg.norm(down) + 1e-6)
        self.axes = np.stack([right, down, np.cross(right, down)]).astype(np.float32)  # right, down, away

    def seen(self, centre: Floats, local: Floats) -> Floats:
        """Return the pixels (n, 2) of points that lie `local` (n, 3) from `centre` (2 or 3,).

        `local` is in face widths to the right, down, and away from the viewer.
        """
        return np.asarray(centre[:2] + (np.asarray(local, np.float32) @ self.axes)[:, :2] * self.scale, np.float32)

    def at(self, centre: Floats, right: float, down: float, away: float = 0.0) -> Floats:
        """Return the pixel (2,) of one point; see `seen`."""
        return np.asarray(self.seen(centre, vector(right, down, away)[None])[0])
