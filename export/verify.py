"""Compare what every runtime gives with what PyTorch gives, step after step, the state included.

python -m export.verify [--weights training/weights/fast.pt] [--config training/configs/fast.toml] [--engines engines]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from export.generator import COARSE, DETAIL, SEEN, example_inputs, load, without_grain
from livefill.backends.network import Network
from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.errors import BackendError
from training.model import Bank, Generator, Inputs, read_config

__all__ = ["STEPS", "TOLERANCE", "Difference", "compare", "main", "verify"]

STEPS = 32  # recurrent steps
TOLERANCE = {"float32": 4e-3, "float16": 0.02, "bfloat16": 0.05}  # the weights are stored as halves; of full scale


class Difference(NamedTuple):
    """The largest differences from PyTorch over all steps, of full scale; of the state, of its largest value."""

    fill: float
    trust: float
    state: float

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max(self)


@torch.no_grad()
def compare(generator: Generator, network: Network, *, steps: int = STEPS) -> Difference:
    """Run both side by side on noise, each with its own state."""
    random = torch.Generator().manual_seed(1)
    past, stream = generator.initial_state(), network.stream()
    worst = np.zeros(3)
    for _ in range(steps):
        seen = example_inputs(generator.config, random)
        image, trust, past = _fill(generator, seen, past)
        said = stream.run(dict(zip(SEEN, (part.numpy() for part in seen), strict=True)))
        kept = [value.astype(np.float32) for value in stream.state().values()]
        apart = [float(np.abs(mine.numpy() - yours).max()) for mine, yours in zip(past, kept, strict=True)]
        scale = max(float(value.abs().max()) for value in past)
        now = (
            np.abs(image.numpy() - said["fill"]).max(),
            np.abs(trust.numpy() - said["trust"]).max(),
            max(apart) / scale,
        )
        worst = np.maximum(worst, now)
    return Difference(*(float(value) for value in worst))


def _fill(generator: Generator, seen: Sequence[Tensor], past: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Fill a frame as in training, from inputs as the runtime gives them; nothing of this is what was exported."""
    crop, mask, expected, drawing, *bank = seen
    crop, expected, drawing = (picture.permute(0, 3, 1, 2) for picture in (crop, expected, drawing))
    fill, kept = generator.forward_frame(Inputs(crop, mask[:, None], expected, drawing), Bank(*bank), past)
    if generator.config.size > COARSE:
        fill = fill._replace(image=expected + without_grain(fill.image - expected, generator.config.fold))
    return fill.image.permute(0, 2, 3, 1).clamp(0, 1), torch.sigmoid(fill.trust[:, 0]) ** DETAIL, kept


def verify(generator: Generator, network: Network) -> Difference:
    """Return how far a network is from PyTorch; raises ValueError if that is more than its precision allows."""
    difference = compare(generator, network)
    allowed = TOLERANCE[network.device.rpartition(" ")[2]]
    if not difference.worst < allowed:
        where = f"{network.contract.get('name', 'the network')} in {network.runtime} ({network.device})"
        raise ValueError(f"{where} differs from PyTorch by {difference.worst:.4f}, more than {allowed}")
    return difference


def networks(name: str, engines: Path) -> Iterator[tuple[str, Network | BackendError]]:
    """Open the files of a generator in every runtime that there is."""
    for runtime in RUNTIMES:
        try:
            yield runtime, open_network(name, kind="generator", keys=("states",), runtime=runtime, folder=engines)
        except BackendError as error:
            yield runtime, error


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path("training/weights/fast.pt"))
    parser.add_argument("--config", type=Path, default=Path("training/configs/fast.toml"))
    parser.add_argument("--engines", type=Path, default=Path("engines"))
    options = parser.parse_args()
    generator = load(options.weights, read_config(options.config))[0]
    print(
        f"largest difference from PyTorch over {STEPS} steps\n{'':28}{'fill':>9}{'trust':>9}{'state':>9}{'allowed':>9}"
    )
    for runtime, network in networks(generator.config.name, options.engines):
        if isinstance(network, BackendError):
            print(f"{runtime:28}{network}")
            continue
        title, difference = f"{runtime} ({network.device})", verify(generator, network)
        allowed = TOLERANCE[network.device.rpartition(" ")[2]]
        print(f"{title:28}" + "".join(f"{value:9.5f}" for value in (*difference, allowed)))


if __name__ == "__main__":
    main()
