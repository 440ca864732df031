"""Render a hand and forearm in numpy: ray-marched capsules, soft light, skin.

Distances and the smooth union follow Inigo Quilez' articles on signed distance functions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.occluders.anatomy import Anatomy, Bone, HandPose, anatomy, distance

__all__ = ["HandLook", "HandPlace", "render_hand"]

Image = NDArray[np.float32]
GRID = 256  # side of the noise that textures are made of
STEPS, HIT = 120, 0.01  # of a ray; centimetres at which it meets the skin
NEAR, FAR = 3.5, -8.0  # centimetres: the slab in which the hand lies
SKY, KEY = 0.52, 0.66  # strength of light from everywhere and of the key light


@dataclass(frozen=True, slots=True)
class HandLook:
    """What the hand looks like."""

    skin: tuple[int, int, int] = (205, 160, 140)  # sRGB of lit skin
    pose: HandPose = field(default_factory=HandPose)
    seed: int = 0  # of the skin's texture
    light: tuple[float, float, float] = (-0.6, -0.5, 0.62)  # towards the key light; picture axes, y down
    bare: bool = True  # without it a glove: no joints, no nails


@dataclass(frozen=True, slots=True)
class HandPlace:
    """Where the hand is in the picture."""

    wrist: tuple[float, float]  # pixels
    scale: float = 24.0  # pixels per centimetre
    turn: float = 0.0  # radians, clockwise; at 0 the fingers point up
    roll: float = 0.0  # radians about the forearm; more than 0 turns the thumb's side away
    pitch: float = 0.0  # radians about the wrist; more than 0 brings the fingers nearer


def render_hand(size: tuple[int, int], look: HandLook, place: HandPlace) -> tuple[RGB, Mask]:
    """Return the picture (height, width, 3) of a hand and its alpha; `size` is width, height."""
    hand, axes = anatomy(look.pose), _axes(place)
    near, far = _slab(hand, axes[2])
    origins = _origins(size, place, axes, near)
    width, height = size
    image, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    rows, columns = np.nonzero(_roughly(hand, origins, axes[2], 4 / place.scale, near - far))
    if len(rows):
        start = origins[rows, columns]
        points, closest = _march(hand, start, axes[2], near - far)
        alpha[rows, columns] = np.clip(1 - (closest - HIT) * place.scale, 0, 1)
        image[rows, columns] = _shade(hand, look, points, axes, 1 / place.scale)
    return np.asarray(np.rint(255 * _to_srgb(image)), np.uint8), alpha


def _axes(place: HandPlace) -> NDArray[np.float32]:
    """Return the picture's axes (right, down, towards the viewer) in the hand's coordinates."""
    c, s = np.cos(place.turn), np.sin(place.turn)
    flat = np.array([[c, s, 0], [s, -c, 0], [0, 0, 1]])
    c, s = np.cos(place.roll), np.sin(place.roll)
    rolled = flat @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    if place.pitch == 0:
        return np.asarray(rolled, np.float32)
    c, s, forearm = np.cos(place.pitch), np.sin(place.pitch), np.array([[0, 1, 0]]) @ rolled.T
    up, forward = forearm[0, :2] / (np.linalg.norm(forearm[0, :2]) + 1e-9), rolled[2]
    along = up[0] * rolled[0] + up[1] * rolled[1]
    across = up[1] * rolled[0] - up[0] * rolled[1]
    along, forward = c * along - s * forward, s * along + c * forward
    return np.asarray([up[0] * along + up[1] * across, up[1] * along - up[0] * across, forward], np.float32)


def _slab(hand: Anatomy, forward: NDArray[np.float32]) -> tuple[float, float]:
    """Return how near to the viewer and how far away rays have to look, in centimetres."""
    bones = (*hand.palm, *(bone for finger in hand.fingers for bone in finger))
    ends = [(float(end @ forward), radius) for bone in bones for end, radius in ((bone.a, bone.ra), (bone.b, bone.rb))]
    return max(NEAR, *(z + radius + 0.3 for z, radius in ends)), min(FAR, *(z - radius - 0.3 for z, radius in ends))


def _origins(size: tuple[int, int], place: HandPlace, axes: NDArray[np.float32], near: float) -> Image:
    """Return where each pixel's ray starts (height, width, 3), in the hand's coordinates."""
    x = (np.arange(size[0], dtype=np.float32) - place.wrist[0]) / place.scale
    y = (np.arange(size[1], dtype=np.float32) - place.wrist[1]) / place.scale
    return np.asarray(x[None, :, None] * axes[0] + y[:, None, None] * axes[1] + near * axes[2], np.float32)


def _roughly(
    hand: Anatomy, origins: Image, forward: NDArray[np.float32], margin: float, depth: float
) -> NDArray[np.bool_]:
    """Return which pixels may see the hand, found on every eighth pixel."""
    step = 8
    coarse = origins[::step, ::step]
    _, closest = _march(hand, coarse.reshape(-1, 3), forward, depth)
    pitch = float(np.linalg.norm(coarse[0, 1] - coarse[0, 0])) if coarse.shape[1] > 1 else 1.0
    near = (closest < margin + 1.5 * pitch).reshape(coarse.shape[:2])
    return np.kron(near, np.ones((step, step), bool))[: origins.shape[0], : origins.shape[1]]


def _march(hand: Anatomy, start: Image, forward: NDArray[np.float32], depth: float) -> tuple[Image, Image]:
    """Return where rays meet the hand, or come closest to it, and how close they come (negative: they meet)."""
    reach = np.zeros(len(start), np.float32)
    best, closest = reach.copy(), np.full(len(start), np.inf, np.float32)
    active = np.arange(len(start))
    for _ in range(STEPS):
        gap = distance(hand, start[active] - reach[active, None] * forward)
        nearer = gap < closest[active]
        closest[active[nearer]], best[active[nearer]] = gap[nearer], reach[active[nearer]]
        reach[active] += np.maximum(0.9 * gap, 2 * HIT)
        active = active[(gap > HIT) & (reach[active] < depth)]
        if not len(active):
            break
    closest[closest <= HIT] = -1
    return start - best[:, None] * forward, closest


def _shade(hand: Anatomy, look: HandLook, points: Image, axes: NDArray[np.float32], pixel: float) -> Image:
    """Return the linear colour of the skin at `points`."""
    normal = _normals(hand, points, pixel)
    colour, bump, gloss = _skin(hand, look, points, normal)
    seen = normal @ axes.T
    seen[:, 1:2] += bump[:, None]
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    light = np.asarray(look.light, np.float32) / np.float32(np.linalg.norm(look.light))
    facing = (seen @ light)[:, None]
    wrap = np.array([0.45, 0.28, 0.22], np.float32)  # light spreads under the skin, red the farthest
    diffuse = np.clip((facing + wrap) / (1 + wrap), 0, 1) ** 1.2
    sky = (0.75 + 0.25 * np.clip(-seen[:, 1:2], -1, 1)) * _openness(hand, points, normal)
    half = light + np.array([0, 0, 1], np.float32)
    shine = np.clip(seen @ (half / np.linalg.norm(half)), 0, 1)
    rim = 1 - 0.15 * (1 - np.clip(seen[:, 2:3], 0, 1)) ** 2
    specular = gloss * (0.05 * shine**14 + 0.03 * shine**45)
    lit = colour * (SKY * sky + KEY * diffuse * np.sqrt(sky)) * rim + specular[:, None]
    return np.asarray(np.clip(lit, 0, 1), np.float32)


def _normals(hand: Anatomy, points: Image, step: float) -> Image:
    """Return the gradient of the distance from four corners of a tetrahedron."""
    result = np.zeros_like(points)
    for corner in np.array([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)], np.float32):
        result += corner * distance(hand, points + corner * step)[:, None]
    return np.asarray(result / (np.linalg.norm(result, axis=1, keepdims=True) + 1e-9), np.float32)


def _openness(hand: Anatomy, points: Image, normal: Image) -> Image:
    """Return how open the surroundings are, 1 for free skin, with a red bounce where they are not."""
    closed = np.zeros(len(points), np.float32)
    for reach, weight in ((0.25, 0.9), (0.6, 0.6), (1.3, 0.35)):
        closed += weight * np.clip(reach - distance(hand, points + reach * normal), 0, None) / reach
    free = np.exp(-0.9 * np.clip(closed - 0.05, 0, None))[:, None]
    return np.asarray(free ** np.array([0.8, 1.1, 1.15], np.float32), np.float32)


def _skin(hand: Anatomy, look: HandLook, points: Image, normal: Image) -> tuple[Image, Image, Image]:
    """Return the skin's linear colour, the tilt of its wrinkles, and its gloss."""
    colour = np.tile(_to_linear(np.array(look.skin, np.float32) / 255), (len(points), 1))
    mottle = _texture(points, look.seed, 0.55) * 0.6 + _texture(points, look.seed + 1, 0.12) * 0.4
    colour *= 1 + mottle[:, None] * np.array([0.06, 0.11, 0.11], np.float32)
    tilt = 0.07 * _texture(points, look.seed + 2, 0.05) + 0.05 * _texture(points, look.seed + 3, 0.16)
    gloss = np.ones(len(points), np.float32)
    if not look.bare:
        return np.asarray(colour, np.float32), tilt, gloss
    for number, finger in enumerate(hand.fingers):
        for joint, (bone, strength) in enumerate(zip(finger, (0.5, 1.0, 0.8), strict=True)):
            flush, crease = _joint(bone, points, normal, number * 3 + joint)
            if number < 4 or joint:
                colour *= 1 - strength * flush[:, None] * np.array([0.1, 0.27, 0.25], np.float32)
                tilt += strength * crease
        nail, edge, free = _nail(finger[-1], points, normal)
        tip = np.exp(-(((finger[-1].along(points) - 1) / 0.5) ** 2)) * (_beside(finger[-1], points) < 1.3)
        colour *= 1 - 0.7 * tip[:, None] * np.array([0.02, 0.13, 0.1], np.float32)
        colour *= 1 + nail[:, None] * np.array([0.1, 0.15, 0.2], np.float32) - 0.22 * edge[:, None]
        colour *= 1 + free[:, None] * np.array([0.1, 0.3, 0.35], np.float32)
        gloss += 4 * nail
    return np.asarray(colour, np.float32), tilt, gloss


def _beside(bone: Bone, points: Image) -> Image:
    """Return the distance of `points` to the bone's line in units of its radius."""
    t = np.clip(bone.along(points), 0, 1)
    off = points - bone.a - t[:, None] * (bone.b - bone.a)
    return np.asarray(np.linalg.norm(off, axis=1) / (bone.ra + t * (bone.rb - bone.ra)), np.float32)


def _joint(bone: Bone, points: Image, normal: Image, seed: int) -> tuple[Image, Image]:
    """Return how much of the joint at the bone's start is here: its flush and its creases across the back."""
    length = float(np.linalg.norm(bone.b - bone.a))
    along = bone.along(points) * length
    near = np.exp(-((along / 0.5) ** 2) - (np.linalg.norm(points - bone.a, axis=1) / (1.25 * bone.ra)) ** 6)
    near = near * np.clip(normal[:, 2], 0, 1)
    across = (points[:, 0] - bone.a[0]) / bone.ra
    waves = np.sin(along * 21 + 1.5 * across**2 + seed) + 0.6 * np.sin(along * 34 - 1.1 * across + 2 * seed)
    return np.asarray(near, np.float32), np.asarray(0.2 * near * waves * (seed % 3 > 0), np.float32)


def _nail(bone: Bone, points: Image, normal: Image) -> tuple[Image, Image, Image]:
    """Return how much of the nail is here, of the line around it, and of its free edge."""
    way = (bone.b - bone.a) / np.linalg.norm(bone.b - bone.a)
    side = np.cross(way, (0, 0, 1)).astype(np.float32)
    side /= np.linalg.norm(side)
    up = np.cross(side, way)
    tip = bone.b + way * bone.rb * 0.15
    u = ((points - tip) @ side) / (0.72 * bone.rb)
    v = ((points - tip) @ way + 0.62 * bone.rb) / (1.05 * bone.rb)
    shape = (np.abs(u) ** 3.2 + np.abs(v) ** 3.2) ** (1 / 3.2)
    back = np.clip(4 * (normal @ up) - 0.6, 0, 1) * (np.linalg.norm(points - tip, axis=1) < 2.5 * bone.rb)
    inside = np.clip((1 - shape) * 8, 0, 1) * back
    line = np.exp(-(((shape - 1.02) / 0.09) ** 2)) * back
    free = inside * np.clip(12 * (v - 0.74), 0, 1)
    return np.asarray(inside, np.float32), np.asarray(line, np.float32), np.asarray(free, np.float32)


def _texture(points: Image, seed: int, grain: float) -> Image:
    """Return smooth noise that sticks to the skin, about -1..1, with features of `grain` centimetres."""
    noise = np.random.default_rng(seed).standard_normal((GRID, GRID)).astype(np.float32)
    x = (points[:, 0] + 0.7 * points[:, 2]) / grain
    y = (points[:, 1] - 0.5 * points[:, 2]) / grain
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = _smooth(x - left), _smooth(y - top)
    upper = noise[top % GRID, left % GRID] * (1 - fx) + noise[top % GRID, (left + 1) % GRID] * fx
    lower = noise[(top + 1) % GRID, left % GRID] * (1 - fx) + noise[(top + 1) % GRID, (left + 1) % GRID] * fx
    return np.asarray(0.6 * (upper * (1 - fy) + lower * fy), np.float32)


def _smooth(t: Image) -> Image:
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _to_linear(srgb: Image) -> Image:
    return np.asarray(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4), np.float32)


def _to_srgb(linear: Image) -> Image:
    curve = 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curve), np.float32)
