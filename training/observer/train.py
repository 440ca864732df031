"""Train the observer.

    python -m training.observer.train RUN --people DIR --labels people.npz --sprites DIR --minutes 90

Resumes from RUN/last.pt if it is there; writes RUN/last.pt, RUN/best.pt, RUN/log.jsonl and RUN/options.json. The
learning rate falls to nothing over the whole time: say with --total-minutes how long that is when it is done in parts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.observer.losses import WEIGHTS, landmark_error, losses
from training.observer.model import Observation, Observer
from training.observer.replay import PICTURES, Replay, replayed
from training.observer.samples import Sample, Studio
from training.runs import begin_with, log, store

__all__ = ["Batches", "Student", "canonical_face", "evaluate", "examination", "main", "observe", "to_tensors"]

DRAWN = 32  # samples that a worker draws before it hands them over
EXAM, EXAM_SEED = 16, 99  # batches of held-out samples
MANY = 2  # workers
WARM_UP, LEAST_RATE = 150, 1e-6  # steps until the learning rate is reached, and what is left of it in the end


class Batches(IterableDataset[dict[str, Tensor]]):
    """Endless batches of fresh samples; the same seed gives the same ones."""

    def __init__(self, studio: Studio, size: int, seed: int, *, bare: bool = True) -> None:
        self._studio, self._size, self._seed, self._bare = studio, size, seed, bare

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        random = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            batch = to_tensors([self._studio.draw(random) for _ in range(self._size)])
            yield batch if self._bare else {name: value for name, value in batch.items() if name != "bare"}


def to_tensors(samples: list[Sample]) -> dict[str, Tensor]:
    """Stack samples; pictures stay bytes until they are used."""
    stacked = {name: torch.from_numpy(np.stack([getattr(s, name) for s in samples])) for name in Sample._fields}
    for name in PICTURES:
        stacked[name] = stacked[name].permute(0, 3, 1, 2)
    return stacked


def observe(
    model: Callable[..., Observation], batch: dict[str, Tensor], *, fast: bool = False, bare: bool = False
) -> Observation:
    """Show a batch to the network, covered or `bare`; `fast` is in bfloat16."""
    crop, reference = (batch[name].float() / 255 for name in ("bare" if bare else "crop", "reference"))
    with torch.autocast(crop.device.type, torch.bfloat16, enabled=fast):
        said = model(crop, reference, batch["known"], batch["prior"])
    return Observation(*(part.float() for part in said))


def taught(teacher: Observer, batch: dict[str, Tensor], *, fast: bool = False) -> dict[str, Tensor]:
    """Return the batch with the landmarks that another network has on the bare crops.

    What that one is off by, it is off by in a person's references as well, and they cancel: nothing to be unlearned.
    Left to be learned is to answer the same whatever covers the face.
    """
    with torch.no_grad():
        told = observe(teacher, batch, fast=fast, bare=True)
    face = (batch["face"] == 1)[:, None, None]
    return {**batch, "points": torch.where(face, told.points, batch["points"])}


def canonical_face(studio: Studio, seed: int = 0, count: int = 400) -> Tensor:
    """Return the mean face (468, 3) in the crop."""
    random = np.random.default_rng(seed)
    drawn = [studio.draw(random, cover=False) for _ in range(count)]
    return torch.from_numpy(np.mean([sample.points for sample in drawn if sample.face == 1], axis=0)).float()


class Student:
    """A network that learns, and the running average of its weights, which is what is kept in the end."""

    def __init__(self, canonical: Tensor | None, *, device: str, memory: float = 0.998, fast: bool = False) -> None:
        """`memory` is what the average keeps of itself at each step; `fast` learns in bfloat16."""
        self._fast = fast
        self.model = Observer(canonical).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(memory)
        self.slow = torch.optim.swa_utils.AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=0.0, weight_decay=0.02, fused=True)
        self.network: Callable[..., Observation] = self.model
        self.step = 0
        self._window: dict[str, Tensor] = {}

    def learn(self, batch: dict[str, Tensor], rate: float) -> None:
        """Take one step on a batch, at a learning rate that is reached within the first steps."""
        self.step += 1
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, self.step / WARM_UP) + LEAST_RATE
        said = observe(self.network, batch, fast=self._fast)
        parts = losses(said, {**batch, "mask": batch["mask"].float() / 255})
        loss = torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 4.0)
        self.optimiser.step()
        self.slow.update_parameters(self.model)
        for name, value in parts.items():
            self._window[name] = self._window.get(name, 0.0) + value.detach()

    def window(self, steps: int) -> dict[str, float]:
        """Return the mean losses of the last `steps`, and begin to count anew."""
        window, self._window = self._window, {}
        return {name: round(float(value) / steps, 5) for name, value in window.items()}

    def state(self) -> dict[str, object]:
        """Return all that it takes to go on."""
        parts = {"model": self.model, "slow": self.slow, "optimiser": self.optimiser}
        return {name: part.state_dict() for name, part in parts.items()} | {"step": self.step}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.slow.load_state_dict(state["slow"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


@torch.no_grad()
def evaluate(model: Observer, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """Measure: errors in eye distances (all, covered, uncovered; with and without reference), the mask's IoU.

    "drawn" is by how far what covers a face moves the landmarks that are still seen.
    """
    model.eval()
    rows: dict[str, list[Tensor]] = {}

    def note(name: str, values: Tensor) -> None:
        if values.numel():
            rows.setdefault(name, []).append(values.flatten())

    for batch in batches:
        said = observe(model, batch)
        face = batch["face"] == 1
        error, seen = landmark_error(said.points, batch["points"]), batch["visible"] > 0.5
        drawn = landmark_error(said.points, observe(model, batch, bare=True).points)
        for known, name in ((1, "known"), (0, "unknown")):
            which = face & (batch["known"] == known)
            clear = which & (batch["visible"].mean(1) > 0.999)
            note(f"error {name}", error[which])
            note(f"covered {name}", error[which][~seen[which]])
            note(f"clear {name}", error[clear])
            partly = which & (batch["visible"].mean(1) < 0.95)
            note(f"drawn {name}", drawn[partly][seen[partly]])
            truth, belief = batch["mask"][which] > 127, said.mask[which] > 0
            either = (truth | belief).sum((1, 2)).float()
            some = truth.sum((1, 2)) > 90
            note(f"iou {name}", ((truth & belief).sum((1, 2)) / either.clamp_min(1))[some])
            none = truth.sum((1, 2)) == 0
            note(f"false {name}", belief[none].float().mean((1, 2)))
        told = batch["face"] >= 0
        note("face", ((said.face > 0) == (batch["face"] == 1))[told].float())
        told = batch["same"] >= 0
        note("same", ((said.same > 0) == (batch["same"] == 1))[told].float())
    model.train()
    return {name: round(float(torch.cat(values).float().mean()), 5) for name, values in sorted(rows.items())}


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--sprites", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="how long this part may take")
    parser.add_argument("--total-minutes", type=float, default=None, help="how long all parts together will take")
    parser.add_argument("--start", type=Path, help="weights to begin with, such as training/observer/weights.pt")
    parser.add_argument("--teacher", type=Path, help="learn to answer on covered faces as these weights do on bare")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--echoes", type=float, default=2, help="how many times a sample is used: a GPU waits for more")
    parser.add_argument("--kept", type=int, default=1536, help="samples that are kept to be used again, on the device")
    parser.add_argument("--change", action="store_true", help="move, light and patch them each time")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--memory", type=float, default=0.998, help="what the running average keeps at each step")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="fuse the network: minutes at the start, then faster")
    parser.add_argument("--bf16", action="store_true", help="learn in bfloat16: 1.7 times as fast with AVX-512 BF16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "options.json").write_text(json.dumps({k: str(v) for k, v in vars(options).items()}, indent=1))
    train(options)


def train(options: argparse.Namespace) -> None:
    """Train until the time is over."""
    cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork of the workers
    began = time.monotonic()
    studio = Studio.open(options.people, options.labels, options.sprites)
    if options.workers > MANY:
        studio.people.prepare()  # each of them would build its own
    exam = examination(options)
    canonical = None if options.start else canonical_face(studio)
    student = Student(canonical, device=options.device, memory=options.memory, fast=options.bf16)
    if options.start is not None:
        begin_with(options.start, student.model, student.slow)
    teacher = None
    if options.teacher is not None:
        teacher = Observer().to(options.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        begin_with(options.teacher, teacher)
        teacher.eval()
    used, best = 0.0, float("inf")
    last = options.run / "last.pt"
    if last.exists():
        stored = torch.load(last, map_location=options.device, weights_only=True)
        student.resume(stored)
        used, best = stored["used"], stored["best"]
    if options.compile:
        student.network = torch.compile(student.model)
    seed = options.seed + student.step
    memory = Replay(options.kept, device=options.device, seed=seed, changed=options.change)
    drawn = _loader(studio, options, seed=seed)
    before, total = used, 60 * (options.total_minutes or options.minutes)
    for batch in replayed(drawn, memory, size=options.batch, echoes=options.echoes):
        used = before + time.monotonic() - began
        if teacher is not None:
            batch = taught(teacher, batch, fast=options.bf16)
        rate = options.rate * (0.5 + 0.5 * math.cos(math.pi * min(1.0, used / total)))
        student.learn(batch, rate)
        ends = used - before > 60 * options.minutes
        line = {"step": student.step, "minutes": round(used / 60, 2)}
        if student.step % 50 == 0:
            log(options.run, {**line, "rate": round(rate, 6), **student.window(50)})
        if student.step % 500 == 0 or ends:
            result = evaluate(student.slow.module, exam)
            log(options.run, {**line, **result})
            score = _score(result, "error" if teacher is None else "drawn")
            if score < best:
                store(
                    {"model": student.slow.module.state_dict(), "step": student.step, "result": result},
                    options.run / "best.pt",
                )
            best = min(best, score)
            store({**student.state(), "used": used, "best": best}, last)
        if ends:
            return


def examination(options: argparse.Namespace) -> list[dict[str, Tensor]]:
    """Return what is measured on: the same samples of held-out people each time."""
    studio = Studio.open(options.people, options.labels, options.sprites, part="held out")
    batches = islice(DataLoader(Batches(studio, DRAWN, EXAM_SEED), batch_size=None), EXAM)
    return [{name: value.to(options.device) for name, value in batch.items()} for batch in batches]


def _loader(studio: Studio, options: argparse.Namespace, *, seed: int) -> DataLoader[dict[str, Tensor]]:
    return DataLoader(
        Batches(studio, DRAWN, seed, bare=options.teacher is not None),
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=6 if options.workers else None,
        pin_memory=options.device == "cuda",
    )


def _score(result: dict[str, float], kind: str) -> float:
    errors = [result.get(f"{kind} {name}", 9) for name in ("known", "unknown")]
    return sum(errors) - 0.1 * result.get("iou known", 0)


if __name__ == "__main__":
    main()
