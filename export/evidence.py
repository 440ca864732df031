"""Write what weighs the evidence as ONNX.

python -m export.evidence RUN/best.pt engines/evidence.onnx
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from export.to_onnx import write_network
from livefill.evidence import FEATURES
from livefill.observer import MASK
from training.evidence.model import Evidence
from training.runs import restore

__all__ = ["export", "main"]

TOLERANCE = 0.05  # log-odds, of ten: what halves may cost


def export(model: nn.Module, path: Path, *, step: int = 0) -> float:
    """Write `model` and return the largest difference from PyTorch; raises ValueError if it is too large."""
    random = torch.Generator().manual_seed(0)
    known = torch.rand(1, len(FEATURES), MASK, MASK, generator=random)
    contract = {"kind": "evidence", "size": str(MASK), "features": " ".join(FEATURES), "steps": str(step)}
    write_network(model.eval(), (known,), path, inputs=["known"], outputs=["odds"], contract=contract)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        worst = float(np.abs(session.run(None, {"known": known.numpy()})[0] - model(known).numpy()).max())
    if not worst < TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {worst:.4f}, more than {TOLERANCE}")
    return worst


def main() -> None:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path, nargs="?", default=Path("engines/evidence.onnx"))
    options = parser.parse_args()
    model = Evidence()
    worst = export(model, options.output, step=restore(model, options.checkpoint))
    sys.stdout.write(
        f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB, at most {worst:.4f} from PyTorch\n"
    )


if __name__ == "__main__":
    main()
