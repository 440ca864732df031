"""Learn more than once from what was drawn: the last samples, each time seen a little differently.

Drawing a sample costs a processor more than learning from it costs a GPU. So the last ones are kept on the device and
handed out again (data echoing, Choi 2019): as a mirror shows them, and, if asked for, a little elsewhere, in another
light, and behind a piece of another sample's picture (CutMix, Yun 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from training.faces.labels import mirror_pairs
from training.observer.samples import FACE_SHARE, SIZE

__all__ = ["PICTURES", "Replay", "lit", "mirrored", "moved", "patched", "replayed"]

Batch = dict[str, Tensor]
PICTURES = ("crop", "bare", "reference")
TURN, GROW, SHIFT = 0.04, 0.03, 0.015  # radians, natural logarithm, crop sides: of the face below its prior
GAIN, TINT, CURVE, SHADE = 0.12, 0.05, 0.15, 0.1  # natural logarithms
NOISE = 4.0  # levels
SHARE = 0.2  # of the samples that get a patch
LEAST = 0.05  # of the landmarks that must be seen for a face to be called one


class Replay:
    """The last samples that were drawn, on a device."""

    def __init__(self, capacity: int, *, device: str, seed: int, changed: bool = True) -> None:
        """Keep `capacity` samples; `changed` ones are moved, lit and patched each time, others only mirrored."""
        self._capacity, self._device, self._changed = capacity, device, changed
        self._kept: Batch = {}
        self._next = self._count = 0
        self._random = torch.Generator(device).manual_seed(seed)

    def add(self, batch: Batch) -> None:
        """Keep a batch instead of the oldest samples."""
        count = len(batch["face"])
        if not self._kept:
            self._kept = {
                name: torch.empty((self._capacity, *value.shape[1:]), dtype=value.dtype, device=self._device)
                for name, value in batch.items()
            }
        places = (self._next + torch.arange(count)) % self._capacity
        for name, value in batch.items():
            self._kept[name][places.to(self._device)] = value.to(self._device, non_blocking=True)
        self._next = int(places[-1]) + 1
        self._count = min(self._capacity, self._count + count)

    def draw(self, count: int) -> Batch:
        """Return `count` of them, half as a mirror shows them."""
        chosen = torch.randint(self._count, (count,), generator=self._random, device=self._device)
        batch = {name: value[chosen] for name, value in self._kept.items()}
        half = count // 2
        image = mirrored({name: value[:half] for name, value in batch.items()})
        batch = {name: torch.cat([image[name], value[half:]]) for name, value in batch.items()}
        if not self._changed:
            return batch
        return lit(moved(patched(batch, self._random), self._random), self._random)


def replayed(drawn: Iterable[Batch], memory: Replay, *, size: int, echoes: float) -> Iterator[Batch]:
    """Give batches of `size` samples out of `memory`, which keeps what is drawn; each is used `echoes` times."""
    owed = 0.0
    for batch in drawn:
        memory.add(batch)
        owed += echoes * len(batch["face"])
        while owed >= size:
            owed -= size
            yield memory.draw(size)


def mirrored(batch: Batch) -> Batch:
    """Return the batch as a mirror shows it; its landmarks are the teacher's of the mirror image."""
    pairs = torch.from_numpy(mirror_pairs()).to(batch["prior"].device)
    flipped = {name: batch[name].flip(-1) for name in (*PICTURES, "mask") if name in batch}
    # The mirror stands between the middles of two pixels.
    ends = batch["prior"].new_tensor([-1.0, 1.0]), batch["prior"].new_tensor([1 / SIZE, 0])
    prior = batch["prior"][:, pairs] * ends[0] - ends[1]
    visible = batch["visible"][:, pairs]
    return {**batch, **flipped, "prior": prior, "visible": visible, "points": batch["twin"], "twin": batch["points"]}


def moved(batch: Batch, random: torch.Generator) -> Batch:
    """Move what the crop shows below prior and reference, as if the tracker had been off by so much more.

    `twin` stays as it was: a moved batch is not to be mirrored.
    """
    points = batch["points"]
    count = len(points)
    angle, size = _normal((count,), TURN, points, random), _normal((count,), GROW, points, random).exp()
    shift = _normal((count, 2), SHIFT, points, random)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # of what is shown
    back = turn.transpose(1, 2) / size[:, None, None]
    look = torch.cat([back, -2 * (back @ shift[:, :, None])], 2)  # sampling counts from -1 to 1
    grid = F.affine_grid(look, [count, 1, SIZE, SIZE], align_corners=False)
    result = dict(batch)
    for name in PICTURES[:2]:
        if name in batch:
            result[name] = F.grid_sample(batch[name].float(), grid, padding_mode="reflection", align_corners=False)
    mask = batch["mask"][:, None].float()
    coarse = F.affine_grid(look, list(mask.shape), align_corners=False)
    result["mask"] = F.grid_sample(mask, coarse, padding_mode="border", align_corners=False)[:, 0]
    middle = 0.5 / SIZE  # of a pixel, from which sampling counts
    flat = size[:, None, None] * ((points[..., :2] + middle) @ turn.transpose(1, 2)) + shift[:, None] - middle
    result["points"] = torch.cat([flat, size[:, None, None] * points[..., 2:]], 2)
    inside = (flat.abs() < 0.5).all(-1)
    result["visible"] = batch["visible"] * inside
    return result


def lit(batch: Batch, random: torch.Generator) -> Batch:
    """Show crop and reference in another light, and a little in two: gain, tint, curve, a slope, noise."""
    shape = (len(batch["face"]), 3, 1, 1)
    like = batch["prior"]
    both = _normal((shape[0], 1, 1, 1), GAIN, like, random) + _normal(shape, TINT, like, random)
    curve = _normal((shape[0], 1, 1, 1), CURVE, like, random).exp()
    result = dict(batch)
    for name in ("crop", "reference"):
        gain = both + _normal(shape, TINT, like, random)
        shade = _normal((shape[0], 1, 3, 3), SHADE, like, random)
        gain = gain + F.interpolate(shade, size=(SIZE, SIZE), mode="bilinear", align_corners=True)
        picture = 255 * (batch[name].float() / 255).clamp(0, 1).pow(curve) * gain.exp()
        strength = NOISE * torch.rand((shape[0], 1, 1, 1), generator=random, device=like.device).square()
        noise = torch.randn(picture.shape, generator=random, device=like.device) * strength
        result[name] = (picture + noise).clamp(0, 255)
    result["reference"] = result["reference"] * batch["known"][:, None, None, None]
    return result


def patched(batch: Batch, random: torch.Generator) -> Batch:
    """Put before some of the faces a piece of another sample's picture: what is there need not be a thing one knows."""
    count, device = len(batch["face"]), batch["prior"].device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=random, device=device)

    # An ellipse or a strip about one of the landmarks.
    chosen = torch.randint(batch["points"].shape[1], (count,), generator=random, device=device)
    center = 2 * batch["points"][torch.arange(count, device=device), chosen, :2]
    radii = FACE_SHARE * torch.exp(uniform(-1.8, 0.2, count, 2))
    radii[:, 0] *= torch.where(uniform(0, 1, count) < 0.3, 8.0, 1.0)
    angle = uniform(-torch.pi, torch.pi, count)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    squeeze = turn / radii[:, :, None]
    own = F.affine_grid(
        torch.cat([squeeze, -(squeeze @ center[:, :, None])], 2), [count, 1, SIZE, SIZE], align_corners=False
    )
    soft = uniform(0.01, 0.08, count, 1, 1)
    alpha = torch.sigmoid((1 - own.square().sum(-1).sqrt()) / soft)
    alpha = alpha * (uniform(0, 1, count) < SHARE)[:, None, None]
    # From any part of the next sample, at any angle.
    size, way = torch.exp(uniform(-0.9, 0.3, count)), uniform(-torch.pi, torch.pi, count)
    a, b = size * torch.cos(way), size * torch.sin(way)
    look = torch.stack([torch.stack([a, -b], 1), torch.stack([b, a], 1)], 1)
    look = torch.cat([look, uniform(-0.6, 0.6, count, 2, 1)], 2)
    crop = batch["crop"].float()
    places = F.affine_grid(look, [count, 1, SIZE, SIZE], align_corners=False)
    piece = F.grid_sample(crop.roll(1, 0), places, padding_mode="reflection", align_corners=False)
    result = {**batch, "crop": crop + alpha[:, None] * (piece - crop)}
    small = F.interpolate(alpha[:, None], size=batch["mask"].shape[-2:], mode="area")[:, 0]
    over = 255 * (1.6 * small - 0.1).clamp(0, 1)
    result["mask"] = torch.maximum(batch["mask"].float(), over)
    at = (2 * batch["points"][:, :, None, :2] + 1 / SIZE).clamp(-1, 1)
    hidden = F.grid_sample(alpha[:, None], at, padding_mode="border", align_corners=False)[:, 0, :, 0] >= 0.5
    result["visible"] = batch["visible"] * ~hidden
    lost = (batch["face"] == 1) & (result["visible"].mean(1) < LEAST)
    result["face"] = torch.where(lost, -1.0, batch["face"])
    result["same"] = torch.where(lost, -1.0, batch["same"])
    return result


def _normal(shape: tuple[int, ...], spread: float, like: Tensor, random: torch.Generator) -> Tensor:
    return spread * torch.randn(shape, generator=random, device=like.device)
