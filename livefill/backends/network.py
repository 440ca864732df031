"""What every runtime makes of a network's file, and what the rest of livefill may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from livefill.types import Tensor

__all__ = ["Network", "Port", "Stream", "examples"]


class Port(NamedTuple):
    """An input of a network."""

    shape: tuple[int, ...]
    dtype: DTypeLike


class Stream(Protocol):
    """One video's way through a network: hands on what the network keeps from frame to frame."""

    steps: int  # how many frames went through

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the next frame; give every output but the state."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return what is handed on to the next frame, by name, in order; for tests."""
        ...


class Network(Protocol):
    """Weights with named inputs and outputs. Holds nothing of any stream, and may serve several, one after another."""

    contract: dict[str, str]  # what the file says about itself
    runtime: str  # "onnx", "openvino"
    device: str  # where it runs, and in which precision
    threads: int  # of the CPU that it runs on; 0 on a GPU
    inputs: dict[str, Port]  # but for the state

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run a network without a state once."""
        ...

    def stream(self) -> Stream:
        """Begin a video: the state is zero."""
        ...


def examples(network: Network, seed: int = 0) -> dict[str, Tensor]:
    """Return inputs for trials: noise of the right shapes."""
    random = np.random.default_rng(seed)
    return {
        name: (random.random(port.shape) * (255 if np.dtype(port.dtype) == np.uint8 else 1)).astype(port.dtype)
        for name, port in network.inputs.items()
    }
