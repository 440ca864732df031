"""What the study compares: each method fills a recorded clip and gives the frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.clips.dataset import to_batch
from training.examine import fill_clips
from training.networks import build

__all__ = ["CONFIG", "TRAINED", "Filled", "Method", "methods", "multiplications"]

Bytes = NDArray[np.uint8]
Clip = dict[str, Bytes]
CONFIG = Path(__file__).parents[1] / "configs" / "study.toml"
RADIUS = 5  # pixels, of cv2.inpaint


@dataclass(frozen=True)
class Method:
    """One row of the tables. `network` and `without` say how it is trained; without a network it is a rule."""

    name: str
    network: str = ""
    without: tuple[str, ...] = ()
    online: bool = True  # whether it could run live


TRAINED = (
    Method("LGTSM", "lgtsm", online=False),
    Method("LGTSM, online", "lgtsm-online"),
    Method("CombCN", "combcn", online=False),
    Method("ours", "ours"),
    Method("ours, offline", "ours-offline", online=False),
    Method("ours without reference", "ours", ("reference",)),
    Method("ours without landmarks", "ours", ("landmarks",)),
    Method("ours without FER", "ours", ("expression",)),
    Method("ours without attention", "ours", ("attention",)),
    Method("ours without shift", "ours", ("shift",)),
    Method("ours without adversary", "ours", ("adversarial",)),
)
RULES = (Method("cv2.inpaint"), Method("warped reference"))


@dataclass(frozen=True)
class Filled:
    """A filled clip: frames (t, s, s, 3), uint8, what was visible left as it was, and the seconds that it took."""

    frames: Bytes
    seconds: float


def methods(runs: Path, *, width: int) -> dict[str, tuple[Method, Callable[[Clip], Filled]]]:
    """Return all methods whose weights are in `runs`, and the rules, by name."""
    found: dict[str, tuple[Method, Callable[[Clip], Filled]]] = {
        RULES[0].name: (RULES[0], _timed(_telea)),
        RULES[1].name: (RULES[1], _timed(lambda clip: clip["expected"])),
    }
    for method in TRAINED:
        weights = runs / folder_of(method) / "best.pt"
        if weights.exists():
            found[method.name] = method, _timed(_Network(method, weights, width))
    return found


def folder_of(method: Method) -> str:
    """Return the name of a method's run."""
    return method.name.replace(",", "").replace(" ", "-").lower()


class _Network:
    def __init__(self, method: Method, weights: Path, width: int) -> None:
        self._without = frozenset(method.without)
        self._model = build(method.network, config=CONFIG, width=width, without=self._without).eval()
        self._model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["model"])

    @torch.no_grad()
    def __call__(self, clip: Clip) -> Bytes:
        batch, frames = to_batch([clip]), len(clip["mask"])
        fill, _ = fill_clips(self._model, batch, frames, without=self._without)  # type: ignore[arg-type]
        return np.asarray((fill.image.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy(), np.uint8)


def _timed(fill: Callable[[Clip], Bytes]) -> Callable[[Clip], Filled]:
    def filled(clip: Clip) -> Filled:
        start = perf_counter()
        image = fill(clip)
        seconds = perf_counter() - start
        hidden = clip["mask"][..., None] > 127
        return Filled(np.where(hidden, image, clip["truth"]), seconds)

    return filled


def _telea(clip: Clip) -> Bytes:
    """Fill every frame by itself (Telea 2004)."""
    hidden = (clip["mask"] > 127).astype(np.uint8)
    pairs = zip(clip["crop"], hidden, strict=True)
    return np.stack([cv2.inpaint(np.ascontiguousarray(crop), mask, RADIUS, cv2.INPAINT_TELEA) for crop, mask in pairs])


def multiplications(method: Method, clip: Clip, *, width: int) -> tuple[int, float]:
    """Return the weights of a network, and its multiplications a frame, of its convolutions and matrix products."""
    model = build(method.network, config=CONFIG, width=width, without=frozenset(method.without)).eval()
    count = 0.0

    def convolved(layer: nn.Module, __seen: tuple[torch.Tensor, ...], given: torch.Tensor) -> None:
        nonlocal count
        kernel = layer.weight[0].numel()  # type: ignore[index, operator]
        count += given.numel() * kernel

    hooks = [
        layer.register_forward_hook(convolved) for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d)
    ]
    frames = len(clip["mask"])
    with torch.no_grad():
        fill_clips(model, to_batch([clip]), frames, without=frozenset(method.without))  # type: ignore[arg-type]
    for hook in hooks:
        hook.remove()
    return sum(weight.numel() for weight in model.parameters()), count / frames
