"""Train the finder.

    python -m training.finder.train RUN --people DIR --labels people.npz --sprites DIR --minutes 15

Resumes from RUN/last.pt if it is there; writes RUN/last.pt, RUN/best.pt, RUN/log.jsonl and RUN/options.json. The
learning rate falls to nothing over the whole time: say with --total-minutes how long that is when it comes in parts.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.finder.evaluate import evaluate
from training.finder.losses import WEIGHTS, losses, target
from training.finder.model import STRIDE, Finder
from training.finder.scenes import Scene, Stage
from training.runs import begin_with, keep, log, resume

__all__ = ["Batches", "main", "to_tensors", "train"]

WARM = 150  # steps until the learning rate is full
LOOK = 500  # steps from one evaluation to the next


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless batches of fresh scenes; the same seed gives the same ones."""

    def __init__(self, stage: Stage, size: int, seed: int) -> None:
        self._stage, self._size, self._seed = stage, size, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        import cv2

        cv2.setNumThreads(1)
        worker = get_worker_info()
        random = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            yield to_tensors([self._stage.draw(random) for _ in range(self._size)])


def to_tensors(scenes: list[Scene]) -> tuple[Tensor, Tensor]:
    """Stack scenes: pictures (n, 3, h, w), still bytes, and faces (n, m, 6)."""
    pictures = torch.from_numpy(np.stack([scene.picture for scene in scenes])).permute(0, 3, 1, 2)
    return pictures, torch.from_numpy(np.stack([scene.faces for scene in scenes]))


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--sprites", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15, help="how long this part may take")
    parser.add_argument("--total-minutes", type=float, default=None, help="how long all parts together will take")
    parser.add_argument("--start", type=Path, help="weights to begin with, such as training/finder/weights.pt")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of the network; one is best on a busy computer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "options.json").write_text(json.dumps({k: str(v) for k, v in vars(options).items()}, indent=1))
    train(options)


def train(options: argparse.Namespace) -> None:
    """Train until the time is over."""
    began = time.monotonic()
    total = 60 * (options.total_minutes or options.minutes)
    torch.set_num_threads(options.threads)
    stage = Stage.open(options.people, options.labels, options.sprites)
    held_out = Stage.open(options.people, options.labels, options.sprites, part="held out")
    random = np.random.default_rng(99)
    exam = [held_out.draw(random) for _ in range(250)]
    model = Finder()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    slow = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99), use_buffers=True
    )
    if options.start is not None:
        begin_with(options.start, model, slow)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.02)
    step, before, best = resume(options.run, model, slow, optimiser) or (0, 0.0, -float("inf"))
    batches = Batches(stage, options.batch, options.seed + step)
    data = DataLoader(
        batches, batch_size=None, num_workers=options.workers, prefetch_factor=8 if options.workers else None
    )
    window: dict[str, float] = {}
    for pictures, faces in data:
        used = before + time.monotonic() - began
        rate = (
            options.rate * min(1.0, (step + 1) / WARM) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, used / total))) + 1e-6
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        height, width = pictures.shape[2] // STRIDE, pictures.shape[3] // STRIDE
        parts = losses(model(pictures.float() / 255), target(faces, height, width))
        loss = torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        slow.update_parameters(model)
        step += 1
        for name, value in parts.items():
            window[name] = window.get(name, 0.0) + float(value.detach())
        ends = time.monotonic() - began > 60 * options.minutes
        line = {"step": step, "minutes": round(used / 60, 2), "rate": round(rate, 6)}
        if step % 50 == 0:
            log(options.run, {**line, **{name: round(value / 50, 4) for name, value in window.items()}})
            window = {}
        if step % LOOK == 0 or ends:
            result = evaluate(slow.module, exam)
            log(options.run, {**line, **result})
            score = result["clear"] + result["covered"] - result["false"]
            reached = {"step": step, "used": used, "best": best, "score": score}
            best = keep(options.run, model, slow, optimiser, **reached, result=result)
        if ends:
            return


if __name__ == "__main__":
    main()
