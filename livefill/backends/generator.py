"""The session that fills with the learned generator; docs/model.md describes its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from livefill.backends.onnx import Network, open_network
from livefill.backends.reference import Light, lit
from livefill.types import Bank, Inputs, ModelSpec, Outputs, State, Tensor

__all__ = ["KEYS", "GeneratorSession"]

Run = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
KEYS = ("name", "size", "face_share", "references")  # that both files must say about themselves


@dataclass(frozen=True, slots=True)
class _Memory:
    light: Light | None
    features: dict[str, Tensor]  # what each shifted layer keeps of the last frame


class GeneratorSession:
    """Gives what the network makes of crop, mask, landmarks and the expected picture in the crop's light."""

    def __init__(self, frame: Network, bank: Network) -> None:
        """`frame` fills a frame, `bank` encodes references; both come from one checkpoint."""
        contract = frame.contract
        self.spec = ModelSpec(
            name=contract["name"],
            backend="onnx",
            device="cpu",
            size=int(contract["size"]),
            face_share=float(contract["face_share"]),
            references=int(contract["references"]),
        )
        self._shapes: dict[str, list[int]] = json.loads(contract["states"])
        self._frame: Run = frame.run
        self._encode: Run = bank.run

    @classmethod
    def open(cls, name: str = "fast") -> GeneratorSession:
        """Open a generator that ships."""
        frame = open_network(name, kind="generator", keys=(*KEYS, "states"))
        return cls(frame, open_network(f"{name}-bank", kind="bank", keys=KEYS))

    def remember(self, references: Sequence[Inputs]) -> Bank:
        """Encode a profile's references; a bank of fewer than the network takes repeats them."""
        chosen = [references[i % len(references)] for i in range(self.spec.references)]
        return self._encode({name: np.stack([one[name] for one in chosen]) for name in ("crop", "drawing")})

    def initial_state(self) -> State:
        """Return the state before the first frame: no light known, and zeros."""
        return _Memory(None, {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()})

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Take `crop`, `expected`, `mask`, `drawing` and `bank`; give `fill` and `trust`."""
        expected, light = lit(inputs, state.light)
        seen = {name: inputs[name][None] for name in ("crop", "mask", "drawing")}
        said = self._frame({**seen, "expected": expected[None], **inputs["bank"], **state.features})
        features = {name: said[f"next_{name}"] for name in self._shapes}
        fill = np.clip(said["fill"][0], 0, 1)
        return {"fill": fill, "trust": said["trust"][0]}, _Memory(light, features)
