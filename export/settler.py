"""Write the settler as ONNX.

python -m export.settler RUN/best.pt engines/settler.onnx
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from export.to_onnx import named_states, write_network
from livefill.settler import SIDE
from training.runs import restore
from training.settling.model import Settler

__all__ = ["Deployed", "export", "main"]

TOLERANCE = 0.02  # pixels of SIDE: what halves may cost
SEEN = {"crop": 3, "mask": 0, "expected": 3, "drawing": 2}  # channels, last; 0 without that axis
TRIALS = 3  # frames


class Deployed(nn.Module):
    """The settler as the runtime calls it: pictures with channels last, one frame, the state in and out."""

    def __init__(self, settler: Settler) -> None:
        super().__init__()
        self.settler = settler

    def forward(
        self, crop: Tensor, mask: Tensor, expected: Tensor, drawing: Tensor, *past: Tensor
    ) -> tuple[Tensor, ...]:
        """Take crop, expected (1, s, s, 3), mask (1, s, s), drawing (1, s, s, 2) and state; give the displacement."""
        seen = torch.cat([crop, mask[..., None], expected, drawing], -1).permute(0, 3, 1, 2)
        said, kept = self.settler.forward_frame(seen, past)
        return said[:, :2].permute(0, 2, 3, 1), *kept


def export(model: Settler, path: Path, *, step: int = 0) -> float:
    """Write `model` and return the largest difference from PyTorch; raises ValueError if it is too large."""
    deployed, states = Deployed(model.eval()), model.initial_state()
    names, told = named_states(model.state_shapes())
    contract = {"kind": "settler", "size": str(SIDE), "states": told, "steps": str(step)}
    random = torch.Generator().manual_seed(0)
    frames = [
        [torch.rand(1, SIDE, SIDE, *([channels] if channels else []), generator=random) for channels in SEEN.values()]
        for _ in range(TRIALS)
    ]
    write_network(
        deployed,
        (*frames[0], *states),
        path,
        inputs=[*SEEN, *names],
        outputs=["displacement", *(f"next_{name}" for name in names)],
        contract=contract,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    kept, worst = [state.numpy() for state in states], 0.0
    for frame in frames:
        given = dict(zip(SEEN, (part.numpy() for part in frame), strict=True))
        said, *kept = session.run(None, given | dict(zip(names, kept, strict=True)))
        with torch.no_grad():
            wanted, *states = deployed(*frame, *states)
        worst = max(worst, float(np.abs(said - wanted.numpy()).max()))
    if not worst < TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {worst:.4f} pixels, more than {TOLERANCE}")
    return worst


def main() -> None:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path, nargs="?", default=Path("engines/settler.onnx"))
    options = parser.parse_args()
    model = Settler()
    worst = export(model, options.output, step=restore(model, options.checkpoint))
    sys.stdout.write(
        f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB, at most {worst:.4f} pixels from PyTorch\n"
    )


if __name__ == "__main__":
    main()
