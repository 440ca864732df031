"""ONNX Runtime: runs a network's file on the CPU, everywhere.

The state of a stream stays with the network, in two sets of buffers that are read and written by turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime import OrtValue

from livefill.backends.engines import parse_contract, parse_states, threads
from livefill.backends.network import Port, Stream
from livefill.errors import BackendError
from livefill.types import Tensor

__all__ = ["OnnxNetwork"]

onnxruntime.disable_telemetry_events()  # for Windows; elsewhere `discreet` has done it

TYPES = {
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


class OnnxNetwork:
    """A `Network` on the CPU, in the precision that its file has: 32 bits, unless it says otherwise."""

    runtime, where = "onnx", "cpu"
    place = "cpu"  # where the state is, in ONNX Runtime's words
    providers: tuple[Any, ...] = ("CPUExecutionProvider",)

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = ()) -> None:
        """Open the file of a network of this `kind`, which must say `keys` about itself."""
        options = onnxruntime.SessionOptions()
        self.threads = options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads spin within a run, where that is faster; between runs they would take the cores from everybody else.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=list(self.providers))
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise BackendError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error
        self.contract = parse_contract(dict(self.session.get_modelmeta().custom_metadata_map), kind, keys, path=path)
        self.said = {out.name: Port(tuple(out.shape), TYPES[out.type]) for out in self.session.get_outputs()}
        self.outputs = list(self.said)
        self.device = f"{self.where}, {self.contract.get('precision', 'float32')}"
        ports = {port.name: Port(tuple(port.shape), TYPES[port.type]) for port in self.session.get_inputs()}
        self.states = {name: ports.pop(name) for name in parse_states(self.contract)}
        self.inputs = ports

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return dict(zip(self.outputs, self.session.run(self.outputs, dict(inputs)), strict=True))

    def stream(self) -> Stream:
        """Begin a video."""
        return _Stream(self)


class _Stream:
    def __init__(self, network: OnnxNetwork) -> None:
        self._said = [name for name in network.outputs if name.removeprefix("next_") not in network.states]
        self._session, self.steps = network.session, 0
        self._kept = [
            {
                name: OrtValue.ortvalue_from_numpy(np.zeros(port.shape, port.dtype), network.place, 0)
                for name, port in network.states.items()
            }
            for _ in range(2)
        ]
        self._turns = cycle(
            [self._bound(read, write) for read, write in zip(self._kept, reversed(self._kept), strict=True)]
        )

    def _bound(self, read: dict[str, OrtValue], write: dict[str, OrtValue]) -> Any:
        binding = self._session.io_binding()
        for name in self._said:
            binding.bind_output(name)
        for name, value in read.items():
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(f"next_{name}", write[name])
        return binding

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        binding = next(self._turns)
        for name, value in inputs.items():
            binding.bind_cpu_input(name, np.ascontiguousarray(value))
        self._session.run_with_iobinding(binding)
        self.steps += 1
        # What ONNX Runtime hands out it writes over in the next run.
        return {name: value.numpy().copy() for name, value in zip(self._said, binding.get_outputs(), strict=False)}

    def state(self) -> dict[str, Tensor]:
        return {name: value.numpy().copy() for name, value in self._kept[self.steps % 2].items()}
