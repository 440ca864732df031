"""What the runtimes on a GPU have in common: a comparison with the CPU, and memory that streams take over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

import numpy as np

from livefill.backends.network import Network, examples
from livefill.errors import BackendError
from livefill.types import Tensor

__all__ = ["APART", "Slot", "SlotStream", "compare"]

APART = 0.03  # of full scale, that a GPU may be from the CPU: it computes in float16


class Slot(Protocol):
    """Memory on the GPU for one stream at a time, and the way through the network."""

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]: ...

    def state(self) -> dict[str, Tensor]: ...


S = TypeVar("S", bound=Slot)


class SlotStream(Generic[S]):
    """A stream in a slot, which goes back to the `free` ones with it."""

    def __init__(self, slot: S, free: list[S]) -> None:
        self._slot, self._free = slot, free
        self.steps = 0

    def __del__(self) -> None:
        self._free.append(self._slot)  # whoever comes next uses its memory and its graphs

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run one frame."""
        said = self._slot.run(inputs)
        self.steps += 1
        return said

    def state(self) -> dict[str, Tensor]:
        """Return the state that the next frame will read."""
        return self._slot.state()


def compare(network: Network, twin: Network, *, frames: int, gpu: str, library: str) -> None:
    """Raise `BackendError` where a network on a GPU gives something else than its `twin` on the CPU."""
    mine, theirs = network.stream(), twin.stream()
    for seed in range(frames):
        inputs = examples(twin, seed)
        said, wanted = mine.run(inputs), theirs.run(inputs)
        for name, value in wanted.items():
            apart = float(np.abs(said[name] - value).max()) / max(float(np.abs(value).max()), 1.0)
            if not apart < APART:
                raise BackendError(
                    f"{name} on {gpu} is {apart:.3f} from what the CPU gives, more than {APART}: "
                    f"the GPU is not used. Please report it with the versions of driver and {library}"
                )
