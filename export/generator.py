"""Export the generator: from a checkpoint to engines/NAME.onnx and engines/NAME-bank.onnx, checked against PyTorch.

python -m export.generator RUN/best.pt [--config training/configs/fast.toml] [--out engines]

The first file fills a frame, the second encodes a profile's references, once. docs/model.md describes both.
"""

from __future__ import annotations

import argparse
import io
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from export.half import store_as_half
from export.stamp import commit
from livefill.backends.engines import CONTRACT, PREFIX
from training.clips.record import FACE_SHARE
from training.model import Bank, Config, Generator, Inputs, read_config

__all__ = ["BankEncoder", "Deployed", "export", "main", "verify"]

SEEN = ("crop", "mask", "expected", "drawing", "bank_keys", "bank_values")
TOLERANCE = 4e-3  # of full scale: what halves may cost
# Trust is learned as the share of a detail that is likely to be right where it lies, which on the whole makes the
# picture soft. People rather see it a little displaced: it is shown at more than that share.
DETAIL = 0.4
STEPS = 32  # recurrent steps over which files and PyTorch are compared


class Deployed(nn.Module):
    """The generator as the runtime calls it: pictures with channels last, one frame, the state in and out."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, crop: Tensor, mask: Tensor, expected: Tensor, drawing: Tensor, keys: Tensor, values: Tensor, *past: Tensor
    ) -> tuple[Tensor, ...]:
        """Take crop, expected (1, s, s, 3), mask (1, s, s), drawing (1, s, s, 2), bank and state; docs/model.md."""
        inputs = Inputs(_first(crop), mask[:, None], _first(expected), _first(drawing))
        fill, kept = self.generator.forward_frame(inputs, Bank(keys, values), past)
        return fill.image.permute(0, 2, 3, 1), torch.sigmoid(fill.trust)[:, 0] ** DETAIL, *kept


class BankEncoder(nn.Module):
    """Encodes a profile's references."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, crop: Tensor, drawing: Tensor) -> tuple[Tensor, Tensor]:
        """Take crop (references, s, s, 3) and drawing (references, s, s, 2); give keys and values of one bank."""
        crop, drawing = _first(crop), _first(drawing)
        bank = self.generator.remember(Inputs(crop, 0 * crop[:, :1], crop, drawing), 1)
        return bank.keys, bank.values


def _first(image: Tensor) -> Tensor:
    return image.permute(0, 3, 1, 2)


def export(checkpoint: Path, config: Config, out: Path) -> float:
    """Write both files and return the largest difference from PyTorch; raises ValueError if it is too large."""
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    generator = Generator(config)
    generator.load_state_dict({name: value.float() for name, value in stored["model"].items()})
    generator.eval()
    contract = {
        "contract": CONTRACT,
        "size": str(config.size),
        "face_share": str(FACE_SHARE),
        "references": str(config.references),
        "topology": "mediapipe-468",
        "name": config.name,
        "commit": commit(),
        "steps": str(stored["step"]),
    }
    states = [f"state{number}" for number in range(len(generator.state_shapes()))]
    seen, past = _example(generator, torch.Generator().manual_seed(0))
    shapes = json.dumps({name: [1, *shape] for name, shape in zip(states, generator.state_shapes(), strict=True)})
    _write(
        Deployed(generator),
        (*seen, *past),
        [*SEEN, *states],
        ["fill", "trust", *(f"next_{name}" for name in states)],
        {**contract, "kind": "generator", "states": shapes},
        out / f"{config.name}.onnx",
    )
    side = config.size
    references = (torch.zeros(config.references, side, side, 3), torch.zeros(config.references, side, side, 2))
    path = out / f"{config.name}-bank.onnx"
    names = (["crop", "drawing"], ["bank_keys", "bank_values"])
    _write(BankEncoder(generator), references, *names, {**contract, "kind": "bank"}, path)
    return verify(generator, out)


def _example(generator: Generator, random: torch.Generator) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    config = generator.config
    side, places = config.size, config.references * config.coarse**2
    shapes = ((side, side, 3), (side, side), (side, side, 3), (side, side, 2))
    crop, mask, expected, drawing = (torch.rand(1, *shape, generator=random) for shape in shapes)
    bank = (torch.randn(1, places, width, generator=random) for width in (config.keys, config.widths[2]))
    return (crop, (mask > 0.5).float(), expected, drawing, *bank), generator.initial_state()


def _write(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    contract: dict[str, str],
    path: Path,
) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=17,
            input_names=inputs,
            output_names=outputs,
        )
    network = store_as_half(onnx.load_from_string(buffer.getvalue()))
    onnx.helper.set_model_props(network, {PREFIX + key: value for key, value in contract.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network, path)


@torch.no_grad()
def verify(generator: Generator, out: Path) -> float:
    """Run files and PyTorch side by side, each on its own state, and return the largest difference of any output."""
    name = generator.config.name
    frame, encoder = (
        onnxruntime.InferenceSession(str(out / f"{name}{part}.onnx"), providers=["CPUExecutionProvider"])
        for part in ("", "-bank")
    )
    deployed, random = Deployed(generator), torch.Generator().manual_seed(1)
    side, count = generator.config.size, generator.config.references
    references = [torch.rand(count, side, side, channels, generator=random) for channels in (3, 2)]
    bank = BankEncoder(generator)(*references)
    known = encoder.run(None, {"crop": references[0].numpy(), "drawing": references[1].numpy()})
    worst = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(bank, known, strict=True))
    past: list[Tensor] = generator.initial_state()
    theirs = [state.numpy() for state in past]
    names = [entry.name for entry in frame.get_inputs()]
    for _ in range(STEPS):
        seen = _example(generator, random)[0][:4]
        image, trust, *past = deployed(*seen, *bank, *past)
        fed = dict(zip(names, [*(part.numpy() for part in seen), *known, *theirs], strict=True))
        told_image, told_trust, *theirs = frame.run(None, fed)
        pairs = zip((image, trust, *past), (told_image, told_trust, *theirs), strict=True)
        worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in pairs))
    if worst > TOLERANCE:
        raise ValueError(f"{out / name}.onnx differs from PyTorch by {worst:.4f}, more than {TOLERANCE}")
    return worst


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", type=Path, default=Path("training/configs/fast.toml"))
    parser.add_argument("--out", type=Path, default=Path("engines"))
    options = parser.parse_args()
    config = read_config(options.config)
    worst = export(options.checkpoint, config, options.out)
    size = (options.out / f"{config.name}.onnx").stat().st_size / 1e6
    print(f"{options.out / config.name}.onnx: {size:.2f} MB, at most {worst:.5f} from PyTorch over {STEPS} steps")


if __name__ == "__main__":
    main()
