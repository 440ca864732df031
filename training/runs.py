"""What a training run leaves in its folder: checkpoints and a curve."""

from __future__ import annotations

import json
from pathlib import Path

import torch

__all__ = ["log", "store"]


def store(state: object, path: Path) -> None:
    """Write a checkpoint that is either complete or not there."""
    draft = path.with_suffix(".part")
    torch.save(state, draft)
    draft.replace(path)


def log(run: Path, line: dict[str, float]) -> None:
    """Add a line to the run's log.jsonl, and print it."""
    with (run / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)
