"""Export the generator: from a checkpoint to engines/NAME.onnx, NAME-half.onnx and NAME-bank.onnx, checked.

python -m export.generator RUN/best.pt [--config training/configs/fast.toml] [--out engines]

The first fills a frame, the second does in float16, for GPUs; the third encodes a profile's references, once.
docs/model.md describes them.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.to_onnx import named_states, write_network
from training.clips.record import FACE_SHARE
from training.model import Bank, Config, Generator, Inputs, Stream, look, read_config
from training.runs import restore

__all__ = ["SEEN", "BankEncoder", "Deployed", "Halved", "example_inputs", "export", "load", "main", "without_grain"]

SEEN = ("crop", "mask", "expected", "drawing", "bank_keys", "bank_values")
# Trust is learned as the share of a detail that is likely to be right where it lies, which on the whole makes the
# picture soft. People rather see it a little displaced: it is shown at more than that share.
DETAIL = 0.4
# A generator of more pixels than this has the reference's grain before it, and learned to smooth it: so much of that is
# kept.
COARSE, GRAIN = 256, 0.3


class Deployed(nn.Module):
    """The generator as the runtime calls it: pictures with channels last, one frame, the state in and out.

    What it computes is the same; what costs time and need not be is taken out. Pixels seen are not centred around zero,
    the first convolution's bias knows of it. The last one gives its channels in the order in which the numbers of a
    picture with channels last lie in memory, four pixels of a row together: they are moved, not shuffled one by one.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.fold = generator.config.fold
        self.entry, self.exit = copy.deepcopy(generator.entry), copy.deepcopy(generator.exit)
        self.entry.bias.data -= 0.5 * generator.entry.weight.data.sum((1, 2, 3))  # type: ignore[union-attr]
        for old, new in ((generator.exit.weight, self.exit.weight), (generator.exit.bias, self.exit.bias)):
            colours, trust = old.data.unflatten(0, (4, self.fold, self.fold)).split((3, 1))  # type: ignore[union-attr]
            new.data = torch.cat([colours.movedim(0, 2).flatten(0, 2), trust.flatten(0, 2)])  # type: ignore[union-attr]

    def forward(
        self, crop: Tensor, mask: Tensor, expected: Tensor, drawing: Tensor, keys: Tensor, values: Tensor, *past: Tensor
    ) -> tuple[Tensor, ...]:
        """Take crop, expected (1, s, s, 3), mask (1, s, s), drawing (1, s, s, 2), bank and state; docs/model.md."""
        time = Stream(past)
        seen = look(Inputs(_first(crop), mask[:, None], _first(expected), _first(drawing)))
        features = self.generator.features(self.entry(seen), Bank(keys, values), time)
        change = self.exit(features).permute(0, 2, 3, 1)
        colours, trust = change.split((3 * self.fold**2, self.fold**2), -1)
        # The sigmoid's power, by functions that processors have in vectors.
        trust = torch.exp(-DETAIL * F.softplus(-trust))
        picture = self._unfolded(colours, 3)
        if self.generator.config.size > COARSE:
            picture = without_grain(_first(picture), self.fold).permute(0, 2, 3, 1)
        fill = (expected + picture).clamp(0, 1)
        return fill, self._unfolded(trust, 1)[..., 0], *time.kept

    def _unfolded(self, x: Tensor, channels: int) -> Tensor:
        """Turn (1, h, w, fold * fold * channels) into a picture (1, h * fold, w * fold, channels)."""
        _, height, width, _ = x.shape
        rows = x.reshape(1, height, width, self.fold, self.fold * channels).transpose(2, 3)
        return rows.reshape(1, height * self.fold, width * self.fold, channels)


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


def without_grain(change: Tensor, fold: int) -> Tensor:
    """Return a change (1, 3, s, s) to the expected picture without a part of what differs within `fold` pixels."""
    smooth = F.interpolate(F.avg_pool2d(change, fold), scale_factor=float(fold), mode="bilinear")
    return smooth + GRAIN * (change - smooth)


def _first(image: Tensor) -> Tensor:
    return image.permute(0, 3, 1, 2)


class Halved(nn.Module):
    """The generator in float16 but for its pictures and its bank: what a GPU computes fastest in."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.deployed = Deployed(copy.deepcopy(generator)).half()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Take and give what `Deployed` does; the state is float16 as well."""
        fill, trust, *kept = self.deployed(*(value.half() for value in inputs))
        return fill.float(), trust.float(), *kept


def load(checkpoint: Path, config: Config) -> tuple[Generator, int]:
    """Return a generator with the weights of a checkpoint, and after how many steps of training they are."""
    generator = Generator(config)
    step = restore(generator, checkpoint)
    return generator.eval(), step


def export(checkpoint: Path, config: Config, out: Path) -> Generator:
    """Write the files and return the generator they were made of: `export.verify` compares them."""
    generator, step = load(checkpoint, config)
    contract = {
        "size": str(config.size),
        "face_share": str(FACE_SHARE),
        "references": str(config.references),
        "topology": "mediapipe-468",
        "name": config.name,
        "steps": str(step),
    }
    states, told = named_states(generator.state_shapes())
    seen, past = example_inputs(config, torch.Generator().manual_seed(0)), generator.initial_state()
    names = {"inputs": [*SEEN, *states], "outputs": ["fill", "trust", *(f"next_{name}" for name in states)]}
    for precision, module in (("float32", Deployed(generator)), ("float16", Halved(generator))):
        path = out / f"{config.name}{'-half' * (precision == 'float16')}.onnx"
        kept = tuple(value.half() for value in past) if precision == "float16" else tuple(past)
        said = {**contract, "kind": "generator", "states": told, "precision": precision}
        write_network(module, (*seen, *kept), path, **names, contract=said)
    side = config.size
    references = (torch.zeros(config.references, side, side, 3), torch.zeros(config.references, side, side, 2))
    names = {"inputs": ["crop", "drawing"], "outputs": ["bank_keys", "bank_values"]}
    path = out / f"{config.name}-bank.onnx"
    write_network(BankEncoder(generator), references, path, **names, contract={**contract, "kind": "bank"})
    return generator


def example_inputs(config: Config, random: torch.Generator) -> tuple[Tensor, ...]:
    """Return noise of the right shapes, in the order of `SEEN`."""
    side, places = config.size, config.references * config.coarse**2
    shapes = ((side, side, 3), (side, side), (side, side, 3), (side, side, 2))
    crop, mask, expected, drawing = (torch.rand(1, *shape, generator=random) for shape in shapes)
    bank = (torch.randn(1, places, width, generator=random) for width in (config.keys, config.widths[2]))
    return (crop, (mask > 0.5).float(), expected, drawing, *bank)


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", type=Path, default=Path("training/configs/fast.toml"))
    parser.add_argument("--out", type=Path, default=Path("engines"))
    options = parser.parse_args()
    config = read_config(options.config)
    export(options.checkpoint, config, options.out)
    for path in sorted(options.out.glob(f"{config.name}*.onnx")):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    print(f"Now compare them: python -m export.verify --weights {options.checkpoint} --config {options.config}")


if __name__ == "__main__":
    main()
