"""Train what weighs the evidence.

    python -m training.evidence.train RUN --cases CASES --exam EXAM --minutes 15

CASES and EXAM are what `training.evidence.cases` has recorded; EXAM of held-out people. Every other case is learned as
it is, the rest with an observer that believes less or a reference that fits worse. Resumes from RUN/last.pt if it is
there; writes that, RUN/best.pt and RUN/log.jsonl. With --total-minutes the learning rate falls over parts that are
trained one by one.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from livefill.evidence import FEATURES, LEAN
from training.evidence.cases import Case, known, load, misled, relit, weakened
from training.evidence.model import Evidence
from training.runs import begin_with, computes_bfloat16, keep, log, resume

__all__ = ["Samples", "changed", "evaluate", "loss", "main", "train"]

Random = np.random.Generator
WARM = 200  # steps until the learning rate is full
LOOK = 500  # steps from one evaluation to the next
MEMORY = 0.998  # of the running average
FACE = FEATURES.index("face")
BESIDE, EDGE, COVERED, OVERLAP = 0.3, 1.0, 0.5, 0.3  # what counts in the loss, beside what a face's pixel does
LEAST = 0.02  # share of the face that must be covered for a case to be measured


class Samples:
    """Cases as the network sees them, in halves."""

    def __init__(self, cases: Iterable[Case], *, seed: int | None = None) -> None:
        """Take them as they are, or with a `seed` every other one changed."""
        random = None if seed is None else np.random.default_rng(seed)
        self._seen, self._truth = [], []
        for case in cases:
            one = case if random is None or random.random() < 0.5 else changed(case, random)
            self._seen.append(torch.from_numpy(known(one.view).astype(np.float16)))
            self._truth.append(torch.from_numpy(one.truth.astype(np.float16)))

    def __len__(self) -> int:
        return len(self._seen)

    def some(self, places: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Return what is known (b, len(FEATURES), n, n) and the truth (b, n, n)."""
        chosen = list(places)
        seen, truth = (torch.stack([values[i] for i in chosen]).float() for values in (self._seen, self._truth))
        return seen, truth


def changed(case: Case, random: Random) -> Case:
    """Take away some of the observer's belief, or let the reference fit worse, or both; and exchange the light."""
    view, which = case.view, random.random()
    mask = weakened(view.mask, random) if which < 2 / 3 else view.mask
    expected = misled(view.expected, random) if which > 1 / 3 else view.expected
    crop = relit(view.crop, random) if random.random() < 0.5 else view.crop
    return case._replace(view=replace(view, crop=crop, expected=expected, mask=mask))


def loss(odds: Tensor, truth: Tensor, face: Tensor) -> Tensor:
    """Return cross entropy, more of it at edges and where something is missed, and what lacks in overlap (Dice)."""
    high, low = F.max_pool2d(truth[:, None], 5, 1, 2), -F.max_pool2d(-truth[:, None], 5, 1, 2)
    weight = (BESIDE + (1 - BESIDE) * face) * (1 + EDGE * (high - low)[:, 0]) * (1 + COVERED * truth)
    entropy = (F.binary_cross_entropy_with_logits(odds, truth, reduction="none") * weight).mean()
    said, wanted = torch.sigmoid(odds) * face, truth * face
    common, both = (said * wanted).sum((1, 2)), (said + wanted).sum((1, 2))
    return entropy + OVERLAP * (1 - (2 * common + 20) / (both + 20)).mean()


@torch.no_grad()
def evaluate(model: torch.nn.Module, exam: Samples, *, lean: float = LEAN) -> dict[str, float]:
    """Return the mask's mean IoU in the face, and the shares of the face called covered wrongly, and missed."""
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(exam), 64):
        seen, truth = exam.some(range(start, min(start + 64, len(exam))))
        face = seen[:, FACE] > 0
        said, wanted = (model(seen) + lean > 0) & face, (truth > 0.5) & face
        area = face.sum((1, 2)).clamp(min=1)
        common, either = (said & wanted).sum((1, 2)), (said | wanted).sum((1, 2)).clamp(min=1)
        parts = (common / either, (said & ~wanted).sum((1, 2)) / area, (wanted & ~said).sum((1, 2)) / area)
        rows.append(torch.stack(parts, 1)[wanted.sum((1, 2)) > LEAST * area].numpy())
    iou, wrong, missed = np.concatenate(rows).mean(0)
    return {"iou": round(float(iou), 4), "wrong": round(float(wrong), 5), "missed": round(float(missed), 5)}


def train(options: argparse.Namespace) -> None:
    """Train until the time is over."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    samples, exam = Samples(_read(options.cases), seed=options.seed), Samples(_read(options.exam))
    print(f"{len(samples)} samples, {len(exam)} to be examined with", flush=True)
    model = Evidence().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    slow = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(MEMORY))
    if options.start is not None:
        begin_with(options.start, model, slow)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=1e-3)
    step, before, best = resume(options.run, model, slow, optimiser) or (0, 0.0, -1.0)
    began, total = time.monotonic(), max(60 * (options.total_minutes or options.minutes), 1.0)
    summed, quick = 0.0, computes_bfloat16("cpu")
    while True:
        used = before + time.monotonic() - began
        share = min(1.0, used / total)
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1.0, (step + 1) / WARM) * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-5
        seen, truth = samples.some(torch.randint(len(samples), (options.batch,)).tolist())
        if torch.rand(()) < 0.5:
            seen, truth = seen.flip(-1), truth.flip(-1)
        with torch.autocast("cpu", torch.bfloat16, enabled=quick):
            odds = model(seen.contiguous(memory_format=torch.channels_last))
        value = loss(odds.float(), truth, seen[:, FACE])
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        slow.update_parameters(model)
        step, summed = step + 1, summed + float(value.detach())
        ends = time.monotonic() - began > 60 * options.minutes
        if step % LOOK and not ends:
            continue
        result = evaluate(slow.module, exam)
        mean = summed / (step % LOOK or LOOK)
        log(options.run, {"step": step, "minutes": round(used / 60, 2), "loss": round(mean, 4), **result})
        summed = 0.0
        reached = {"step": step, "used": used, "best": best, "score": result["iou"]}
        best = keep(options.run, model, slow, optimiser, **reached, result=result)
        if ends:
            return


def _read(folders: list[Path]) -> Iterator[Case]:
    for folder in folders:
        for path in sorted(folder.glob("*.npz")):
            yield from load(path)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--cases", type=Path, nargs="+", required=True)
    parser.add_argument("--exam", type=Path, nargs="+", required=True)
    parser.add_argument("--minutes", type=float, default=15, help="how long this part may take")
    parser.add_argument("--total-minutes", type=float, default=None, help="how long all parts together will take")
    parser.add_argument("--start", type=Path, help="weights to begin with, such as training/evidence/weights.pt")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.run.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
