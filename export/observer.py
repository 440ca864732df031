"""Export the observer: from a checkpoint to engines/observer.onnx, checked against PyTorch.

python -m export.observer RUN/best.pt engines/observer.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from export.to_onnx import write_network
from livefill.observer import FACE_SHARE
from training.observer.model import POINTS, SIZE, Observer

__all__ = ["Deployed", "export", "main"]

INPUTS = ("crop", "reference", "known", "prior")
OUTPUTS = ("points", "visible", "mask", "face", "same", "pose")
TOLERANCE = 5e-3  # of a crop's side, or of a probability: what halves may cost


class Deployed(nn.Module):
    """The observer as the runtime calls it: pictures as bytes, answers as probabilities."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self.observer = observer

    def forward(self, crop: Tensor, reference: Tensor, known: Tensor, prior: Tensor) -> tuple[Tensor, ...]:
        """Take crop and reference (1, SIZE, SIZE, 3) uint8, known (1,), prior (1, 468, 2)."""
        # TensorRT takes bytes into nothing but a cast: that comes first.
        pictures = [image.float().permute(0, 3, 1, 2) / 255 for image in (crop, reference)]
        said = self.observer(pictures[0], pictures[1], known, prior)
        return (
            said.points,
            torch.sigmoid(said.visible),
            torch.sigmoid(said.mask),
            torch.sigmoid(said.face),
            torch.sigmoid(said.same),
            said.pose,
        )


def export(checkpoint: Path, out: Path) -> float:
    """Write the network and return the largest difference from PyTorch; raises ValueError if it is too large."""
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = Observer()
    model.load_state_dict(stored["model"])
    deployed = Deployed(model).eval()
    random = torch.Generator().manual_seed(0)
    pictures = [torch.randint(0, 256, (1, SIZE, SIZE, 3), generator=random, dtype=torch.uint8) for _ in range(2)]
    example = (*pictures, torch.ones(1), 0.3 * torch.randn(1, POINTS, 2, generator=random))
    contract = {
        "kind": "observer",
        "size": str(SIZE),
        "face_share": str(FACE_SHARE),
        "topology": "mediapipe-468",
        "steps": str(stored["step"]),
    }
    write_network(deployed, example, out, inputs=INPUTS, outputs=OUTPUTS, contract=contract)
    return verify(deployed, example, out)


def verify(deployed: Deployed, example: tuple[Tensor, ...], out: Path) -> float:
    """Compare PyTorch and ONNX Runtime, with a reference and without."""
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    worst = 0.0
    for known in (torch.ones(1), torch.zeros(1)):
        inputs = (example[0], example[1], known, example[3])
        with torch.no_grad():
            expected = deployed(*inputs)
        given = session.run(list(OUTPUTS), {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})
        worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(expected, given, strict=True)))
    if worst > TOLERANCE:
        raise ValueError(f"{out} differs from PyTorch by {worst:.4f}, more than {TOLERANCE}")
    return worst


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("engines/observer.onnx"))
    options = parser.parse_args()
    worst = export(options.checkpoint, options.out)
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {size:.2f} MB, at most {worst:.5f} from PyTorch")


if __name__ == "__main__":
    main()
