"""Write the finder as ONNX.

    python -m export.finder RUN/best.pt engines/finder.onnx

The network takes a frame as the runtime has fitted it, bytes as they are, and gives places in pixels.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from export.half import LARGE
from export.to_onnx import write_network
from livefill.finder import SIZE, THRESHOLD
from training.finder.model import STRIDE, Finder, places

__all__ = ["Deployed", "export", "main"]

TOLERANCE = 1e-4  # of what ONNX Runtime says against torch; places are compared in shares of the picture's width


class Deployed(nn.Module):
    """The finder with what belongs before and after it, its weights folded and rounded to 16 bits."""

    def __init__(self, model: Finder) -> None:
        super().__init__()
        self.model = _rounded(_folded(copy.deepcopy(model).eval()))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return score (1, h, w) and place (1, h, w, 4) of a picture uint8 (1, H, W, 3)."""
        said = self.model(picture.float().permute(0, 3, 1, 2) / 255)
        return torch.sigmoid(said.heat), places(said)


def export(model: Finder, path: Path, *, step: int = 0) -> None:
    """Write `model`, check the file, and compare what it says with what the model says."""
    width, height = SIZE
    deployed = Deployed(model).eval()
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    contract = {
        "kind": "finder",
        "size": f"{width}x{height}",
        "stride": str(STRIDE),
        "threshold": str(THRESHOLD),
        "place": "x y radius angle",
        "steps": str(step),
    }
    example = (torch.from_numpy(picture),)
    write_network(deployed, example, path, inputs=["picture"], outputs=["score", "place"], contract=contract)
    _compare(deployed, path, picture)


def _folded(model: Finder) -> Finder:
    """Fold each normalisation into the convolution before it."""
    for part in list(model.modules()):
        if not isinstance(part, nn.Sequential):
            continue
        for index in range(len(part) - 1):
            first, second = part[index], part[index + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                part[index], part[index + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
    return model


@torch.no_grad()
def _rounded(model: Finder) -> Finder:
    for weight in model.parameters():
        if weight.numel() >= LARGE:
            weight.copy_(weight.half().float())
    return model


def _compare(deployed: Deployed, path: Path, picture: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    score, place = session.run(None, {"picture": picture})
    with torch.no_grad():
        wanted_score, wanted_place = (value.numpy() for value in deployed(torch.from_numpy(picture)))
    scale = np.array([SIZE[0], SIZE[0], SIZE[0], 1], np.float32)
    apart = max(np.abs(score - wanted_score).max(), np.abs((place - wanted_place) / scale).max())
    if not apart < TOLERANCE:
        raise RuntimeError(f"{path} says other than the model it was made of: they are {apart:.2g} apart.")


def main() -> None:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    stored = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    model = Finder()
    model.load_state_dict(stored["model"])
    export(model, options.output, step=stored["step"])
    sys.stdout.write(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
