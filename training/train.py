"""Train the generator.

    python -m training.train RUN --clips CLIPS --exam HELD_OUT --minutes 90 [--config training/configs/fast.toml]

Two stages, as in LGTSM: at first reconstruction, then, after `--sharpen` of the time, also against a discriminator.
Resumes from RUN/last.pt if it is there; writes that, RUN/best.pt, RUN/log.jsonl, RUN/options.json, curves and sheets
of samples for TensorBoard. The learning rate falls to nothing over the whole time: say with --total-minutes how long
that is when it is done in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from training import losses
from training.clips.dataset import Batch, Clips, recordings
from training.critic import Critic
from training.discriminator import Discriminator
from training.examine import examine, fill_clips, sheet
from training.model import Inputs
from training.networks import NETWORKS, build, channels_last
from training.runs import begin_with, computes_bfloat16, log, store

__all__ = ["main", "train"]

PARTS = ("reference", "landmarks", "attention", "shift", "expression", "adversarial")  # what a run may do without
EXAMS, EXAM = 12, 9  # batches of the exam, and frames of a clip in it
LATE = 18  # frames of a clip in the second stage: more than the network looks back
EVERY = 50  # steps between two lines of the log
WARM = 100  # steps over which the learning rate rises
KEEP = 0.998  # of the running average, each step


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--clips", type=Path, required=True, help="recordings to learn from")
    parser.add_argument("--exam", type=Path, required=True, help="recordings of people who are held out")
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs" / "fast.toml")
    parser.add_argument("--network", default="ours", choices=NETWORKS)
    parser.add_argument("--width", type=int, default=16, help="channels of a network that is not ours")
    parser.add_argument("--minutes", type=float, default=60, help="how long this part may take")
    parser.add_argument("--batches", type=int, help="how many batches instead: for comparisons")
    parser.add_argument("--total-minutes", type=float, default=None, help="how long all parts together will take")
    parser.add_argument("--sharpen", type=float, default=0.7, help="share of the time before the discriminator joins")
    parser.add_argument("--start", type=Path, help="weights to begin with, such as training/weights/fast.pt")
    parser.add_argument("--batch", type=int, default=2, help="clips")
    parser.add_argument("--frames", type=int, default=9, help="of a clip; twice as many once the discriminator joins")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=500, help="steps between two exams")
    parser.add_argument("--without", nargs="*", default=[], choices=PARTS, help="for ablations")
    parser.add_argument("--compile", action="store_true", help="fuse the network: minutes at the start, then faster")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "options.json").write_text(json.dumps({k: str(v) for k, v in vars(options).items()}, indent=1))
    train(options)


class Trainer:
    """One run: networks, optimisers, and how far it has come."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.without = frozenset(options.without)
        made = build(options.network, config=options.config, width=options.width, without=self.without)
        self.model: Any = channels_last(made.to(options.device))
        self.judge = channels_last(Discriminator().to(options.device))
        self.network = torch.compile(self.model.forward_clip) if options.compile else self.model.forward_clip
        self.slow = AveragedModel(self.model, avg_fn=_averaged)
        if options.start is not None:
            begin_with(options.start, self.model, self.slow)
        self.critic = Critic().to(options.device)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=options.rate, betas=(0.9, 0.99), weight_decay=1e-3
        )
        self.judging = torch.optim.AdamW(self.judge.parameters(), lr=2e-4, betas=(0.5, 0.99))
        self.weights = losses.Weights(expression=0.0 if "expression" in self.without else losses.Weights().expression)
        self.step, self.used, self.best = 0, 0.0, -float("inf")
        self._total = 60 * (options.total_minutes or options.minutes)
        self.fast = computes_bfloat16(options.device)

    @property
    def progress(self) -> float:
        """How far the whole training is, 0..1: by batches where those are counted, else by time."""
        share = self.step / self.options.batches if self.options.batches else self.used / self._total
        return min(1.0, share)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        stored = torch.load(path, map_location=self.options.device, weights_only=True)
        for name in ("model", "judge", "slow", "optimiser", "judging"):
            getattr(self, name).load_state_dict(stored[name])
        self.step, self.used, self.best = stored["step"], stored["used"], stored["best"]

    def save(self, result: dict[str, float]) -> None:
        """Write last.pt, and best.pt if it is."""
        networks = ("model", "judge", "slow", "optimiser", "judging")
        state = {name: getattr(self, name).state_dict() for name in networks}
        score = result["psnr"] + 20 * result["ssim"] - 60 * result["lpips"]
        better, self.best = score > self.best, max(score, self.best)
        store({**state, "step": self.step, "used": self.used, "best": self.best}, self.options.run / "last.pt")
        if better:
            kept = {"model": self.slow.module.state_dict(), "step": self.step, "result": result}
            store(kept, self.options.run / "best.pt")

    def learn(self, batch: Batch, frames: int, *, rate: float, sharpen: bool) -> dict[str, float]:
        """Learn from a batch; return the named terms."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        fill, inputs = fill_clips(self.model, batch, frames, forward=self.network, without=self.without, fast=self.fast)
        truth = batch.truth.float() / 255
        terms = self.critic(fill, inputs, truth, frames, fast=self.fast)
        coarse = getattr(self.model, "last_coarse", None)
        if coarse is not None:
            terms["coarse"] = losses.coarse(coarse, truth, inputs.mask)
        judged = {}
        if sharpen:
            clips = [part.unflatten(0, (-1, frames)) for part in _shown(fill.image, inputs, truth)]
            judged["discriminator"] = float(self._judge(*clips))
            terms["adversarial"] = losses.adversarial(self._scores(clips[0], clips[2]))
        self.optimiser.zero_grad(set_to_none=True)
        self.weights.of(terms).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.slow.update_parameters(self.model)
        self.step += 1
        return {name: float(value.detach()) for name, value in terms.items()} | judged

    def _judge(self, shown: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
        self.judging.zero_grad(set_to_none=True)
        loss = losses.discriminating(self._scores(truth, mask), self._scores(shown.detach(), mask))
        loss.backward()  # type: ignore[no-untyped-call]
        self.judging.step()
        return loss.detach()

    def _scores(self, frames: Tensor, mask: Tensor) -> Tensor:
        with torch.autocast(frames.device.type, torch.bfloat16, enabled=self.fast):
            scores: Tensor = self.judge(frames, mask)
        return scores.float()


def _averaged(mean: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """Average weights over some hundred steps, at the beginning over fewer: the first ones know nothing."""
    keep = min(KEEP, (1 + int(count)) / (10 + int(count)))
    return mean + (value - mean) * (1 - keep)


def _shown(image: Tensor, inputs: Inputs, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return inputs.mask * image + (1 - inputs.mask) * truth, truth, inputs.mask


def _loader(options: argparse.Namespace, *, frames: int, clips: int, seed: int) -> DataLoader[Batch]:
    return DataLoader(
        Clips(recordings(options.clips), clips=clips, frames=frames, seed=seed),
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=4 if options.workers else None,
        pin_memory=options.device == "cuda",
    )


def train(options: argparse.Namespace) -> None:
    """Train until the time is over."""
    cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork of the workers
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    began = time.monotonic()
    trainer = Trainer(options)
    if (options.run / "last.pt").exists():
        trainer.load(options.run / "last.pt")
    before = trainer.used
    held_out = Clips(recordings(options.exam), clips=2, frames=EXAM, seed=99)
    exam = list(islice(iter(held_out), EXAMS))
    exam = [Batch(*(part.to(options.device) for part in batch)) for batch in exam]
    writer = SummaryWriter(str(options.run), purge_step=trainer.step)
    window: dict[str, list[float]] = {}
    ends = False
    while not ends:
        sharpen = trainer.progress >= options.sharpen
        frames, clips = (LATE, max(1, options.batch // 2)) if sharpen else (options.frames, options.batch)
        for raw in _loader(options, frames=frames, clips=clips, seed=options.seed + trainer.step):
            batch = Batch(*(part.to(options.device, non_blocking=True) for part in raw))
            falling = 0.5 + 0.5 * np.cos(np.pi * trainer.progress)
            rate = float(options.rate * min(1.0, (trainer.step + 1) / WARM) * falling + 1e-6)
            terms = trainer.learn(batch, frames, rate=rate, sharpen=sharpen and "adversarial" not in trainer.without)
            trainer.used = before + time.monotonic() - began
            for name, value in terms.items():
                window.setdefault(name, []).append(value)
            ends = trainer.progress >= 1 if options.batches else time.monotonic() - began > 60 * options.minutes
            if trainer.step % EVERY == 0:
                means = {name: round(float(np.mean(values)), 5) for name, values in window.items()}
                log(options.run, {"step": trainer.step, "minutes": round(trainer.used / 60, 2), "rate": rate, **means})
                for name, value in means.items():
                    writer.add_scalar(name, value, trainer.step)
                window = {}
            if trainer.step % options.every == 0 or ends:
                result = examine(trainer.slow.module, exam, EXAM, trainer.critic, without=trainer.without)
                log(options.run, {"step": trainer.step, "minutes": round(trainer.used / 60, 2), **result})
                for name, value in result.items():
                    writer.add_scalar(f"exam/{name}", value, trainer.step)
                writer.add_image(
                    "exam", sheet(trainer.slow.module, exam[0], EXAM, without=trainer.without), trainer.step
                )
                trainer.save(result)
            if ends or (not sharpen and trainer.progress >= options.sharpen):
                break
    writer.close()


if __name__ == "__main__":
    main()
