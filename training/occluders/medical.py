"""Tubes, plasters and the boom of a microphone, drawn on landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.occluders.overlay import Layer, Pose, fitted, rounded, superellipse, texel
from training.occluders.textures import noise, paint, vector

__all__ = ["boom", "oxygen", "patch"]

Floats = NDArray[np.float32]
PLASTERS = np.array([(0.85, 0.65, 0.5), (0.93, 0.93, 0.9), (0.55, 0.36, 0.25)], np.float32)  # usual colours
TUBES = np.array([(0.85, 0.9, 0.92), (0.6, 0.85, 0.75), (0.7, 0.82, 0.95)], np.float32)
SILICONE = np.array([(0.82, 0.86, 0.88), (0.75, 0.88, 0.8), (0.7, 0.75, 0.82)], np.float32)
NOSE = (197, 114, 36, 92, 164, 322, 266, 343)  # landmarks around what a breathing mask covers
NOSE_AND_MOUTH = (197, 114, 36, 205, 214, 210, 199, 430, 434, 425, 266, 343)
PLACES = (151, 9, 50, 280, 205, 425, 4, 199, 187, 411, 69, 299)  # where a plaster may stick


def oxygen(layer: Layer, points: Floats, style: int) -> None:
    """Draw a nasal cannula, or a mask over nose and mouth with a hose."""
    random = np.random.default_rng((style, 6))
    if random.random() < 0.5:
        _cannula(layer, points, random)
    else:
        _breathing_mask(layer, points, random)


def patch(layer: Layer, points: Floats, style: int) -> None:
    """Draw one to three plasters or pieces of gauze on the skin, or a bandage around the head."""
    random = np.random.default_rng((style, 7))
    pose = Pose(points)
    if random.random() < 0.2:
        _bandage(layer, points, random)
        return
    for _ in range(int(random.integers(1, 4))):
        place = points[PLACES[int(random.integers(len(PLACES)))]]
        wide = random.uniform(0.1, 0.32)
        high = wide * random.uniform(0.28, 0.8)
        turn = random.uniform(-1.5, 1.5)
        x, y = (superellipse(4, 32) * vector(wide / 2, high / 2)).T
        away = 1.4 * float(place[:2] @ pose.axes[0, :2] - points[4, :2] @ pose.axes[0, :2]) / pose.scale
        across = np.cos(turn) * x - np.sin(turn) * y
        local = np.stack([across, np.sin(turn) * x + np.cos(turn) * y, away * across], 1).astype(np.float32)
        outline = pose.seen(place, local)
        colour = PLASTERS[int(random.integers(3))] if random.random() < 0.7 else paint(random)
        layer.fill(outline + np.float32(0.8), colour=np.zeros(3, np.float32), alpha=0.3, blur=1)
        layer.fill(outline, colour=colour)
        pad = outline.mean(0) + (outline - outline.mean(0)) * vector(0.45, 0.6)
        layer.fill(pad, colour=np.clip(colour * 1.08, 0, 1), blur=0.8)


def boom(layer: Layer, points: Floats, style: int) -> None:
    """Draw the boom and microphone of a headset from an ear to the mouth, and its ear cup."""
    random = np.random.default_rng((style, 8))
    pose, left = Pose(points), bool(random.random() < 0.5)
    side, ear, corner = (-1, 234, 61) if left else (1, 454, 291)
    colour = np.full(3, random.choice([0.05, 0.1, 0.15, 0.8]), np.float32)
    grey = np.asarray(np.clip(colour * 1.3 + 0.04, 0, 1), np.float32)
    cup, size = points[ear] + pose.axes[2] * pose.scale * 0.1, random.uniform(0.16, 0.24)
    across, down = (superellipse(2, 32) * np.float32(size)).T
    rim = np.stack([0.1 * side + 0.4 * across, down, across], 1)
    layer.fill(pose.seen(cup, rim), colour=colour)
    layer.fill(pose.seen(cup, rim * np.float32(0.6)), colour=grey)
    end = pose.at(points[corner], side * random.uniform(-0.05, 0.2), random.uniform(0, 0.12), -0.06)
    bend = pose.at(points[58 if left else 288], side * 0.04, random.uniform(-0.1, 0.1), -0.1)
    layer.tube(rounded(np.stack([cup[:2], bend, end]), times=3, closed=False), max(1.5, 0.025 * pose.scale), colour)
    foam = superellipse(2, 32) * vector(1.25, 1) * np.float32(random.uniform(0.035, 0.07) * pose.scale)
    layer.fill(end + foam, colour=colour * np.float32(0.8))
    layer.fill(end + foam * np.float32(0.5) - np.float32(0.01 * pose.scale), colour=grey, alpha=0.6, blur=1)


def _cannula(layer: Layer, points: Floats, random: np.random.Generator) -> None:
    flat, pose = points[:, :2], Pose(points)
    colour = TUBES[int(random.integers(3))]
    width, clear = max(2.0, pose.scale * random.uniform(0.02, 0.032)), random.uniform(0.55, 0.9)
    low = pose.axes[1, :2] * pose.scale * 0.02
    lip = flat[[167, 164, 393]] - low
    for ear, cheek, by in ((127, 205, 0), (356, 425, 2)):
        sag = low * random.uniform(0, 5)
        path = np.stack([lip[1], lip[by], flat[cheek] + sag, flat[123 if by == 0 else 352], flat[ear]])
        layer.tube(rounded(path.astype(np.float32), closed=False), width, colour, alpha=clear)
    for nostril in (97, 326):
        start = lip[1] * 0.5 + lip[0 if nostril == 97 else 2] * 0.5
        layer.tube(np.stack([start, flat[nostril] - 0.5 * low]).astype(np.float32), width * 1.2, colour, alpha=clear)


def _breathing_mask(layer: Layer, points: Floats, random: np.random.Generator) -> None:
    """Draw a mask of clear plastic or silicone, its straps and its hose."""
    flat, pose = points[:, :2], Pose(points)
    small = random.random() < 0.4  # over the nose alone
    low = 164 if small else 199
    clear = random.uniform(0.3, 0.9)
    colour = SILICONE[int(random.integers(3))]
    ids = NOSE if small else NOSE_AND_MOUTH
    outline = rounded(flat[list(ids)])
    strap, band = paint(random) * np.float32(0.6), pose.scale * random.uniform(0.03, 0.07)
    for ear, start in ((234, ids[3]), (454, ids[-3])):
        layer.band(np.stack([flat[start], flat[ear]]).astype(np.float32), band, strap)
    layer.fill(outline, colour=colour, alpha=clear)
    middle = outline.mean(0)
    front = np.asarray(middle + (outline - middle) * 0.55 + pose.axes[2, :2] * -0.12 * pose.scale, np.float32)
    layer.fill(front, colour=np.clip(colour * 1.1, 0, 1), alpha=0.5, blur=2)
    layer.band(np.concatenate([outline, outline[:1]]), 0.02 * pose.scale, colour * 0.75, alpha=0.8)
    start = front.mean(0)
    end = pose.at(flat[low], random.uniform(-0.6, 0.6), 1.3, -0.2)
    hose = rounded(np.stack([start, pose.at(start, 0, 0.3, -0.2), end]), times=3, closed=False)
    layer.tube(hose, pose.scale * random.uniform(0.07, 0.13), np.clip(colour * 0.95, 0, 1), alpha=max(clear, 0.6))


def _bandage(layer: Layer, points: Floats, random: np.random.Generator) -> None:
    """Draw gauze around the forehead, or slanting over one eye."""
    pose = Pose(points)
    slant, up = random.uniform(-0.35, 0.35), random.uniform(0.2, 0.4)
    high = random.uniform(0.1, 0.2)
    x = np.linspace(-0.53, 0.53, 13)
    y, z = slant * x - up + 0.08 * (x / 0.53) ** 2, 1.4 * x * x
    upper, lower = (np.stack([x, y + s * high, z], 1).astype(np.float32) for s in (-1, 1))
    outline = np.concatenate([pose.seen(points[168], upper), pose.seen(points[168], lower)[::-1]])
    threads = np.sin(np.arange(64, dtype=np.float32) * 1.7)[:, None]
    weave = 0.85 + 0.1 * threads + 0.1 * noise(random, (64, 64), coarse=8)
    weave = weave * (1 - 0.45 * np.linspace(-1, 1, 64, dtype=np.float32) ** 4)
    texture = texel(weave[..., None] * np.array((0.96, 0.93, 0.88), np.float32))
    places = np.array([(0, 0), (0.5, 0), (1, 0), (1, 1), (0.5, 1), (0, 1)], np.float32)
    layer.texture(np.asarray(outline, np.float32), texture, fitted(outline[[0, 6, 12, 13, 19, 25]], places))
