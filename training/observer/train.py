"""Train the observer.

    python -m training.observer.train RUN --people DIR --labels people.npz --sprites DIR --minutes 90

Resumes from RUN/last.pt if it is there; writes RUN/last.pt, RUN/best.pt, RUN/log.jsonl and RUN/options.json. The
learning rate falls to nothing over the whole time: say with --total-minutes how long that is when it is done in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.faces.labels import mirror_pairs
from training.observer.losses import WEIGHTS, landmark_error, losses
from training.observer.model import Observation, Observer
from training.observer.samples import SIZE, Sample, Studio
from training.runs import begin_with, log, store

__all__ = ["Batches", "canonical_face", "evaluate", "main", "observe", "to_tensors"]


DELAY = 24  # batches until one is used again
PICTURES = ("crop", "bare", "reference")


class Batches(IterableDataset[dict[str, Tensor]]):
    """Endless batches of fresh samples; the same seed gives the same ones."""

    def __init__(self, studio: Studio, size: int, seed: int) -> None:
        self._studio, self._size, self._seed = studio, size, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        random = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            yield to_tensors([self._studio.draw(random) for _ in range(self._size)])


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
    parser.add_argument("--rate", type=float, default=1.5e-3)
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
    total = 60 * (options.total_minutes or options.minutes)
    studio = Studio.open(options.people, options.labels, options.sprites)
    held_out = Studio.open(options.people, options.labels, options.sprites, part="held out")
    random = np.random.default_rng(99)
    exam = [to_tensors([held_out.draw(random) for _ in range(32)]) for _ in range(16)]
    exam = [{name: value.to(options.device) for name, value in batch.items()} for batch in exam]
    model = Observer(canonical_face(studio)).to(options.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    slow = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    if options.start is not None:
        begin_with(options.start, model, slow)
    teacher = None
    if options.teacher is not None:
        teacher = Observer().to(options.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        begin_with(options.teacher, teacher)
        teacher.eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.02, fused=True)
    step, used, best = 0, 0.0, float("inf")
    last = options.run / "last.pt"
    if last.exists():
        stored = torch.load(last, map_location=options.device, weights_only=True)
        model.load_state_dict(stored["model"])
        slow.load_state_dict(stored["slow"])
        optimiser.load_state_dict(stored["optimiser"])
        step, used, best = stored["step"], stored["used"], stored["best"]
    network = torch.compile(model) if options.compile else model
    data = DataLoader(
        Batches(studio, options.batch, options.seed + step),
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=6 if options.workers else None,
        pin_memory=options.device == "cuda",
    )
    window: dict[str, float] = {}
    before = used
    for raw in _twice(data):
        batch = {name: value.to(options.device, non_blocking=True) for name, value in raw.items()}
        used = before + time.monotonic() - began
        progress = min(1.0, used / total)
        rate = float(options.rate * min(1.0, (step + 1) / 150) * (0.5 + 0.5 * np.cos(np.pi * progress)) + 1e-6)
        for group in optimiser.param_groups:
            group["lr"] = rate
        if teacher is not None:
            batch = taught(teacher, batch, fast=options.bf16)
        said = observe(network, batch, fast=options.bf16)
        parts = losses(said, {**batch, "mask": batch["mask"].float() / 255})
        loss = sum(WEIGHTS[name] * value for name, value in parts.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 4.0)
        optimiser.step()
        slow.update_parameters(model)
        step += 1
        for name, value in parts.items():
            window[name] = window.get(name, 0.0) + float(value.detach())
        ends = time.monotonic() - began > 60 * options.minutes
        if step % 50 == 0:
            line = {"step": step, "minutes": round(used / 60, 2), "rate": round(rate, 6)}
            log(options.run, {**line, **{name: round(value / 50, 5) for name, value in window.items()}})
            window = {}
        if step % 500 == 0 or ends:
            result = evaluate(slow.module, exam)
            log(options.run, {"step": step, "minutes": round(used / 60, 2), **result})
            kind = "error" if teacher is None else "drawn"
            score = sum(result.get(f"{kind} {name}", 9) for name in ("known", "unknown"))
            score -= 0.1 * result.get("iou known", 0)
            state = {"model": model.state_dict(), "slow": slow.state_dict(), "optimiser": optimiser.state_dict()}
            better = score < best
            best = min(best, score)
            store({**state, "step": step, "used": used, "best": best}, last)
            if better:
                store({"model": slow.module.state_dict(), "step": step, "result": result}, options.run / "best.pt")
        if ends:
            return


def _twice(data: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Use every batch twice, the second time some batches later and as a mirror shows it (data echoing, Choi 2019)."""
    waiting: deque[dict[str, Tensor]] = deque()
    for batch in data:
        yield batch
        waiting.append(mirrored_batch(batch))
        if len(waiting) > DELAY:
            yield waiting.popleft()


def mirrored_batch(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the batch as a mirror shows it: drawing a sample anew costs as much as learning from it."""
    pairs = torch.from_numpy(mirror_pairs())
    flipped = {name: batch[name].flip(-1) for name in (*PICTURES, "mask")}
    # The mirror stands between the middles of two pixels.
    prior = batch["prior"][:, pairs] * torch.tensor([-1.0, 1.0]) - torch.tensor([1 / SIZE, 0])
    visible = batch["visible"][:, pairs]
    return {**batch, **flipped, "prior": prior, "visible": visible, "points": batch["twin"], "twin": batch["points"]}


if __name__ == "__main__":
    main()
