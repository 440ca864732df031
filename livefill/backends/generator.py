"""The session that fills with the learned generator; docs/model.md describes its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from livefill.backends.network import Network, Stream
from livefill.backends.runtimes import Choice, choose, open_network
from livefill.errors import BackendError
from livefill.types import Bank, Inputs, ModelSpec, Outputs, State

__all__ = ["KEYS", "GeneratorSession"]

KEYS = ("name", "size", "face_share", "references")  # that both files must say about themselves
HEAVY = 3e9  # multiplications a frame that a CPU does not do thirty times a second


@dataclass(frozen=True, slots=True)
class _Memory:
    stream: Stream  # keeps what each shifted layer hands on, wherever the network runs
    steps: int  # of the stream, when this was handed out


class GeneratorSession:
    """Gives what the network makes of crop, mask, landmarks and the expected picture."""

    def __init__(self, frame: Network, bank: Network, *, reason: str = "") -> None:
        """`frame` fills a frame, `bank` encodes references; both come from one checkpoint. `reason` is for the user."""
        contract = frame.contract
        slow = frame.threads > 0 and float(contract.get("macs", 0)) > HEAVY
        self.spec = ModelSpec(
            name=contract["name"],
            backend=frame.runtime,
            device=frame.device,
            size=int(contract["size"]),
            face_share=float(contract["face_share"]),
            references=int(contract["references"]),
            reason=reason,
            warning=f"{contract['name']} is made for GPUs; on a CPU it falls behind a camera." if slow else "",
        )
        self._frame, self._bank = frame, bank

    @classmethod
    def open(cls, name: str = "fast", *, runtime: str = "auto") -> GeneratorSession:
        """Open a generator that ships; of several runtimes "auto" takes the quickest."""
        choice = choose() if runtime == "auto" else Choice(runtime, "")
        frame = open_network(name, kind="generator", keys=(*KEYS, "states"), runtime=choice.runtime)
        # The bank is encoded once: in 32 bits, which every machine can.
        return cls(frame, open_network(f"{name}-bank", kind="bank", keys=KEYS), reason=choice.reason)

    def remember(self, references: Sequence[Inputs]) -> Bank:
        """Encode a profile's references; a bank of fewer than the network takes repeats them."""
        chosen = [references[i % len(references)] for i in range(self.spec.references)]
        return self._bank.run({name: np.stack([one[name] for one in chosen]) for name in ("crop", "drawing")})

    def initial_state(self) -> State:
        """Return the state before the first frame: zeros."""
        return _Memory(self._frame.stream(), 0)

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Take `crop`, `expected`, `mask`, `drawing` and `bank`; give `fill` and `trust`.

        The state is spent: raises `BackendError` when it is stepped from again.
        """
        if state.steps != state.stream.steps:
            raise BackendError("a state was used twice: hand in the one that the last step gave, or the initial one")
        seen = {name: inputs[name][None] for name in ("crop", "mask", "expected", "drawing")}
        said = state.stream.run({**seen, **inputs["bank"]})
        return {"fill": said["fill"][0], "trust": said["trust"][0]}, _Memory(state.stream, state.stream.steps)
