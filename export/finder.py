"""Write the finder as ONNX.

    python -m export.finder RUN/best.pt engines/finder.onnx

The network takes a frame as the runtime has fitted it, bytes as they are, and gives places in pixels. Weights are
stored as 16-bit numbers and cast to 32 bits when the file is loaded: half the size, and the arithmetic stays exact.
"""

from __future__ import annotations

import argparse
import copy
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from livefill.finder import SIZE, THRESHOLD
from training.finder.model import STRIDE, Finder, places

__all__ = ["Deployed", "export", "main"]

OPSET = 17
SMALL = 64  # numbers: smaller weights are stored as they are
TOLERANCE = 1e-4  # of what ONNX Runtime says against torch; places are compared in shares of the picture's width


class Deployed(nn.Module):
    """The finder with what belongs before and after it, its weights folded and rounded to 16 bits."""

    def __init__(self, model: Finder) -> None:
        super().__init__()
        self.model = _rounded(_folded(copy.deepcopy(model).eval()))

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return score (1, h, w) and place (1, h, w, 4) of a picture uint8 (1, H, W, 3)."""
        said = self.model(picture.permute(0, 3, 1, 2).float() / 255)
        return torch.sigmoid(said.heat), places(said)


def export(model: Finder, path: Path, *, step: int = 0) -> None:
    """Write `model`, check the file, and compare what it says with what the model says."""
    width, height = SIZE
    deployed = Deployed(model).eval()
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (1, height, width, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            deployed,
            (torch.from_numpy(picture),),
            str(path),
            input_names=["picture"],
            output_names=["score", "place"],
            opset_version=OPSET,
            dynamo=False,
        )
    graph = _halved(onnx.load(str(path)))
    helper.set_model_props(
        graph,
        {
            "livefill.contract": "1",
            "livefill.kind": "finder",
            "livefill.size": f"{width}x{height}",
            "livefill.stride": str(STRIDE),
            "livefill.threshold": str(THRESHOLD),
            "livefill.place": "x y radius angle",
            "livefill.step": str(step),
        },
    )
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))
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
        if weight.numel() >= SMALL:
            weight.copy_(weight.half().float())
    return model


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as 16-bit numbers, and cast them where they are used."""
    kept, casts = [], []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALL:
            kept.append(weight)
            continue
        kept.append(numpy_helper.from_array(values.astype(np.float16), f"{weight.name}.half"))
        casts.append(helper.make_node("Cast", [f"{weight.name}.half"], [weight.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
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
