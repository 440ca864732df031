"""Train the settler.

    python -m training.settling.train RUN --clips CLIPS --exam EXAM --minutes 40

CLIPS and EXAM are what `training.clips.record` has recorded; EXAM of held-out people. Expected pictures are moved and
lit a little more than they were, as drawn faces fit better than real ones; in every other clip the truth itself is
moved, and how it must be moved back is known. Resumes from RUN/last.pt if it is there; writes that, RUN/best.pt and
RUN/log.jsonl. With --total-minutes the learning rate falls over parts that are trained one by one.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from livefill.settler import SIDE
from training import losses
from training.clips.dataset import Batch, Clips, recordings
from training.critic import face_of
from training.networks import channels_last
from training.runs import begin_with, computes_bfloat16, keep, log, resume
from training.settling.model import FIELD, LIGHT, Settler, moved

__all__ = ["Seen", "evaluate", "loss", "main", "misled", "seen_in", "settled", "train"]

WARM = 300  # steps until the learning rate is full
LOOK = 500  # steps from one evaluation to the next
MEMORY = 0.998  # of the running average
EXAMS, EXAM = 12, 9  # batches of the exam, and frames of a clip in it
APART, STEADY, SMOOTH, FOUND = 6.0, 4.0, 0.02, 0.3  # what counts in the loss, beside 1 - SSIM
NEAR, FAR, ROOM = 0.5, 1.6, 4.0  # pixels by which expected pictures, true ones and rooms are moved, about
TALL = 1.25  # heights of a head, in widths


class Seen(NamedTuple):
    """What the settler looks at, and what it should see; 0..1, n frames of s pixels a side."""

    crop: Tensor  # (n, 3, s, s)
    mask: Tensor  # (n, 1, s, s)
    expected: Tensor  # (n, 3, s, s)
    drawing: Tensor  # (n, 2, s, s)
    truth: Tensor  # (n, 3, s, s)


def seen_in(batch: Batch) -> Seen:
    """Return recorded clips at the size at which it looks at them."""
    parts = (batch.crop, batch.mask, batch.expected, batch.drawing, batch.truth)
    return Seen(*(F.avg_pool2d(part.float() / 255, part.shape[-1] // SIDE) for part in parts))


def settled(model: Settler, seen: Seen, frames: int, *, fast: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return displacements (n, 2, m, m), the expected pictures (n, 3, s, s) so moved, and the same in their light."""
    known = torch.cat(seen[:4], 1).contiguous(memory_format=torch.channels_last)
    with torch.autocast(known.device.type, torch.bfloat16, enabled=fast):
        said = model.forward_clip(known, frames)
    place, light = said.float().split((2, 3), 1)
    shown = moved(seen.expected, place)
    lit = F.interpolate(light, size=shown.shape[-2:], mode="bilinear", align_corners=False)
    return place, shown, shown + LIGHT * lit


def loss(place: Tensor, lit: Tensor, seen: Seen, frames: int, *, wanted: Tensor, known: Tensor) -> Tensor:
    """Return what is wrong: in the hole structure, colour, change over time; rough fields; and those that are `known`.

    `wanted` are the displacements (n, 2, m, m) where it is `known` (n, 1, m, m) what they should be.
    """
    truth, mask = seen.truth, seen.mask
    off = (place - wanted).abs() * known * (1 + F.adaptive_avg_pool2d(mask, place.shape[-1]))
    rough = (place[:, :, 1:] - place[:, :, :-1]).abs().mean() + (place[..., 1:] - place[..., :-1]).abs().mean()
    return (
        losses.dissimilarity(face_of(lit), face_of(truth), face_of(mask))
        + APART * losses.hole(lit, truth, mask)
        + STEADY * losses.temporal(lit, truth, mask, frames)
        + SMOOTH * rough
        + FOUND * off.mean()
    )


def misled(seen: Seen, frames: int) -> tuple[Seen, Tensor, Tensor]:
    """Let the expected pictures of clips fit worse; return also displacements (n, 2, m, m), and where they are known.

    They are moved and lit a little, smoothly and nearly the same over a clip, and crops become noisy. In a half of the
    clips it is the truth itself that is moved, by more: there it is known (n, 1, m, m), on the head, by how much to
    move it back. Beside the head they are moved otherwise, or show what is seen: a room says nothing about a face.
    """
    clips, device = len(seen.crop) // frames, seen.crop.device

    def each(values: Tensor) -> Tensor:
        return values.repeat_interleave(frames, 0)

    def some(share: float) -> Tensor:
        """Return a size for each clip; 0 for all but this share."""
        chosen = torch.rand(clips, 1, 1, 1, device=device) < share
        return torch.randn(clips, 1, 1, 1, device=device).abs() * chosen

    def waves(count: int, channels: int, cells: int) -> Tensor:
        coarse = torch.randn(count, channels, cells, cells, device=device)
        return F.interpolate(coarse, size=(FIELD, FIELD), mode="bicubic", align_corners=False)

    def field(count: int) -> Tensor:
        return 0.5 * waves(count, 2, 3) + 0.4 * waves(count, 2, 5) + 0.5 * torch.randn(count, 2, 1, 1, device=device)

    known = torch.rand(clips, 1, 1, 1, device=device) < 0.5
    reach = torch.where(known, FAR * some(0.9), NEAR * some(0.6))
    place = each(reach * field(clips)) + 0.15 * each(reach) * field(clips * frames)
    strong = 0.03 * some(0.6)
    light = F.interpolate(strong * waves(clips, 1, 4) + 0.4 * strong * waves(clips, 3, 3), size=(SIDE, SIDE))
    base = torch.where(each(known), seen.truth, seen.expected)
    room = place + each(ROOM * some(0.7) * torch.randn(clips, 2, 1, 1, device=device))
    beside = each(_beside(clips, device))
    expected = (1 - beside) * moved(base, place) + beside * moved(base, room) + each(light)
    crop = (seen.crop + each(0.008 * some(0.6).clamp(max=1)) * torch.randn_like(seen.crop)).clamp(0, 1)
    shut = beside * each(torch.rand(clips, 1, 1, 1, device=device) < 0.7) * (1 - seen.mask)
    worse = seen._replace(crop=crop, expected=torch.lerp(expected.clamp(0, 1), crop, shut))
    return worse, -place, each(known) * (1 - F.interpolate(beside, size=(FIELD, FIELD), mode="area"))


def _beside(clips: int, device: torch.device) -> Tensor:
    """Return for each clip (clips, 1, SIDE, SIDE) where a head of some size, in the crop's middle, is not, softly."""
    radius = 0.27 + 0.14 * torch.rand(clips, 1, 1, device=device)
    places = (torch.arange(SIDE, device=device) + 0.5) / SIDE - 0.5
    away = torch.hypot(places[None, :], places[:, None] / TALL)
    return ((away - radius) / 0.04).clamp(0, 1)[:, None]


@torch.no_grad()
def evaluate(model: Settler, exam: list[Seen], frames: int, *, fast: bool = False) -> dict[str, float]:
    """Measure in the hole: PSNR, SSIM and flicker of what was expected, before and after it was moved."""
    rows: dict[str, list[float]] = {}
    for seen in exam:
        _, shown, _ = settled(model, seen, frames, fast=fast)
        truth, mask = seen.truth, seen.mask
        for name, picture in (("", shown), ("expected ", seen.expected)):
            squares = ((picture - truth).square() * mask).unflatten(0, (-1, frames)).sum((1, 2, 3, 4))
            count = 3 * mask.unflatten(0, (-1, frames)).sum((1, 2, 3, 4)).clamp_min(1)
            measured = {
                "psnr": float((-10 * torch.log10(squares / count + 1e-6)).mean()),
                "ssim": 1 - float(losses.dissimilarity(picture, truth, mask)),
                "flicker": 255 * float(losses.temporal(picture, truth, mask, frames)),
            }
            for key, value in measured.items():
                rows.setdefault(name + key, []).append(value)
    return {name: round(float(np.mean(values)), 4) for name, values in rows.items()}


def train(options: argparse.Namespace) -> None:
    """Train until the time is over."""
    cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork of the workers
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    paths = [path for folder in options.clips for path in recordings(folder)]
    held_out = Clips([path for folder in options.exam for path in recordings(folder)], clips=2, frames=EXAM, seed=99)
    exam = [Seen(*(part.to(options.device) for part in seen_in(batch))) for batch in islice(iter(held_out), EXAMS)]
    model = channels_last(Settler().to(options.device))
    slow = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(MEMORY))
    if options.start is not None:
        begin_with(options.start, model, slow)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=1e-3)
    step, before, best = resume(options.run, model, slow, optimiser) or (0, 0.0, -1.0)
    total, fast = max(60 * (options.total_minutes or options.minutes), 1.0), computes_bfloat16(options.device)
    batches = DataLoader(
        Clips(paths, clips=options.batch, frames=options.frames, seed=options.seed + step),
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=4 if options.workers else None,
    )
    began, summed = time.monotonic(), 0.0
    for raw in batches:
        used = before + time.monotonic() - began
        falling = 0.5 + 0.5 * math.cos(math.pi * min(1.0, used / total))
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1.0, (step + 1) / WARM) * falling + 1e-6
        recorded = seen_in(Batch(*(part.to(options.device) for part in raw)))
        seen, wanted, known = misled(recorded, options.frames)
        place, _, lit = settled(model, seen, options.frames, fast=fast)
        value = loss(place, lit, seen, options.frames, wanted=wanted, known=known)
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        slow.update_parameters(model)
        step, summed = step + 1, summed + float(value.detach())
        ends = time.monotonic() - began > 60 * options.minutes
        if step % LOOK and not ends:
            continue
        result = evaluate(slow.module, exam, EXAM, fast=fast)
        mean = summed / (step % LOOK or LOOK)
        log(options.run, {"step": step, "minutes": round(used / 60, 2), "loss": round(mean, 4), **result})
        summed = 0.0
        reached = {"step": step, "used": used, "best": best, "score": result["ssim"]}
        best = keep(options.run, model, slow, optimiser, **reached, result=result)
        if ends:
            return


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--clips", type=Path, nargs="+", required=True, help="recordings to learn from")
    parser.add_argument("--exam", type=Path, nargs="+", required=True, help="recordings of people who are held out")
    parser.add_argument("--minutes", type=float, default=40, help="how long this part may take")
    parser.add_argument("--total-minutes", type=float, default=None, help="how long all parts together will take")
    parser.add_argument("--start", type=Path, help="weights to begin with, such as training/settling/weights.pt")
    parser.add_argument("--batch", type=int, default=4, help="clips")
    parser.add_argument("--frames", type=int, default=9, help="of a clip")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
