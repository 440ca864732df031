"""ONNX Runtime: runs a network's file on the CPU, everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from livefill.backends.engines import parse_contract, parse_states, threads
from livefill.backends.network import Port
from livefill.errors import BackendError
from livefill.types import Tensor

__all__ = ["OnnxNetwork"]

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class OnnxNetwork:
    """A `Network` in 32 bits."""

    runtime, device = "onnx", "cpu, float32"

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = ()) -> None:
        """Open the file of a network of this `kind`, which must say `keys` about itself."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads spin within a run, where that is faster; between runs they would take the cores from everybody else.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise BackendError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error
        self.contract = parse_contract(dict(self._session.get_modelmeta().custom_metadata_map), kind, keys, path=path)
        self._outputs = [output.name for output in self._session.get_outputs()]
        ports = {port.name: Port(tuple(port.shape), TYPES[port.type]) for port in self._session.get_inputs()}
        self._states = {name: ports.pop(name) for name in parse_states(self.contract)}
        self.inputs = ports

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def stream(self) -> _Stream:
        """Begin a video."""
        return _Stream(self, {name: np.zeros(port.shape, port.dtype) for name, port in self._states.items()})


class _Stream:
    def __init__(self, network: OnnxNetwork, state: dict[str, Tensor]) -> None:
        self._network, self._state = network, state
        self.steps = 0

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        said = self._network.run({**inputs, **self._state})
        self._state = {name: said.pop(f"next_{name}") for name in self._state}
        self.steps += 1
        return said

    def state(self) -> dict[str, Tensor]:
        return dict(self._state)
