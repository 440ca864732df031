"""What a training run leaves in its folder: checkpoints and a curve."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["begin_with", "computes_bfloat16", "keep", "log", "restore", "resume", "store"]


def computes_bfloat16(device: str) -> bool:
    """Tell whether a device computes in bfloat16; others imitate it, and are slower so."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def store(state: object, path: Path) -> None:
    """Write a checkpoint that is either complete or not there."""
    draft = path.with_suffix(".part")
    torch.save(state, draft)
    draft.replace(path)


def begin_with(weights: Path, model: nn.Module, slow: AveragedModel | None = None) -> None:
    """Start a model, and its running average, from weights as they are kept in the project: halves.

    What has another shape in this model, such as the taps of a shift that it does without, stays as it is, and is said.
    A shift that may look one frame further than that of the weights begins without doing so.
    """
    begun = torch.load(weights, map_location="cpu", weights_only=True)["model"]
    own = model.state_dict()
    for name, value in begun.items():
        if name.endswith(".taps") and name in own and own[name].shape == (len(value) + 1, *value.shape[1:]):
            begun[name] = torch.cat([value, torch.zeros_like(value[:1])])
    other = sorted(name for name, value in begun.items() if name in own and own[name].shape != value.shape)
    if other:
        print(f"begun anew, for their shape is another: {', '.join(other)}", flush=True)
    model.load_state_dict({name: own[name] if name in other else value.float() for name, value in begun.items()})
    if slow is not None:
        slow.module.load_state_dict(model.state_dict())


def resume(
    run: Path, model: nn.Module, slow: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float, float] | None:
    """Take up what a run has left; return its step, the seconds used and its best score, None where it left nothing."""
    path = run / "last.pt"
    if not path.exists():
        return None
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    slow.load_state_dict(stored["slow"])
    optimiser.load_state_dict(stored["optimiser"])
    return stored["step"], stored["used"], stored["best"]


def keep(
    run: Path,
    model: nn.Module,
    slow: AveragedModel,
    optimiser: torch.optim.Optimizer,
    *,
    step: int,
    used: float,
    best: float,
    score: float,
    result: dict[str, float],
) -> float:
    """Leave what `resume` takes up in last.pt, and the running average in best.pt if its `score` is the best so far.

    Return the best score.
    """
    if score > best:
        best = score
        store({"model": slow.module.state_dict(), "step": step, "result": result}, run / "best.pt")
    state = {"model": model.state_dict(), "slow": slow.state_dict(), "optimiser": optimiser.state_dict()}
    store({**state, "step": step, "used": used, "best": best}, run / "last.pt")
    return best


def restore(model: nn.Module, checkpoint: Path) -> int:
    """Give a model the weights of best.pt, or of such a file in halves; return after how many steps they are."""
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict({name: value.float() for name, value in stored["model"].items()})
    return int(stored["step"])


def log(run: Path, line: dict[str, float]) -> None:
    """Add a line to the run's log.jsonl, and print it."""
    with (run / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)
