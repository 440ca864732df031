"""ONNX Runtime's CUDA provider: runs a network's file on an NVIDIA GPU without TensorRT.

Everything that a network reads and writes has its own place on the GPU, the state of a stream two, read and written by
turns; so each turn is one CUDA graph, which ONNX Runtime records when it runs for the third time and starts in one call
from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime import OrtValue

from livefill.backends.gpu import SlotStream, compare
from livefill.backends.network import Stream
from livefill.backends.onnx import OnnxNetwork
from livefill.errors import BackendError, NotInstalledError
from livefill.types import Tensor

__all__ = ["PROVIDER", "CudaNetwork", "FixedSlot"]

# The package for the CPU lies in the same folder as that for GPUs: whichever came last is there.
REMEDY = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'"
PROVIDER = "CUDAExecutionProvider"
FATAL = 4  # of ONNX Runtime's severities
TRIED = 8  # frames that a network runs before it is used: each turn twice plainly, once recorded, once as a graph
log = logging.getLogger(__name__)


class CudaNetwork(OnnxNetwork):
    """A `Network` on the first NVIDIA GPU, in float16 where there is such a file beside the one that is named."""

    runtime, where, place = "cuda", "gpu", "cuda"
    # TF32 rounds factors to ten bits: what is computed would no longer be what the CPU computes.
    settings: Mapping[str, str] = {"use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE", "enable_cuda_graph": "1"}

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = ()) -> None:
        """Open the file of a network; raises `BackendError` where ONNX Runtime would quietly take the CPU instead."""
        if PROVIDER not in onnxruntime.get_available_providers():
            raise NotInstalledError("cuda cannot be used: this ONNX Runtime is for the CPU. Run: " + REMEDY)
        onnxruntime.preload_dlls()  # CUDA and cuDNN come as packages beside it
        # Searching for the quickest convolution, cuDNN complains of each that it cannot take; what matters is raised.
        onnxruntime.set_default_logger_severity(FATAL)
        half = path.with_name(f"{path.stem}-half.onnx")
        self._source, self._kind, self._keys = half if half.exists() else path, kind, keys
        self._free: list[FixedSlot] = []
        self._open()
        if self.session.get_providers()[0] != PROVIDER:
            raise BackendError(
                "ONNX Runtime found no NVIDIA GPU that it can use, or not the CUDA and cuDNN it was made for: "
                "look at what nvidia-smi says of the driver, and run: " + REMEDY
            )
        twin = OnnxNetwork(path, kind, keys=keys)
        try:
            self._compare(twin)
        except _RefusedError as error:
            self._without_graphs(error)
            self._compare(twin)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return self.stream().run(inputs)

    def stream(self) -> Stream:
        """Begin a video."""
        slot = self._free.pop() if self._free else FixedSlot(self)
        slot.reset()
        return SlotStream(slot, self._free)

    def _open(self) -> None:
        self.providers = ((PROVIDER, dict(self.settings)),)
        try:
            super().__init__(self._source, self._kind, keys=self._keys)
        except BackendError as error:
            if "graph" not in str(error).lower() or self.settings["enable_cuda_graph"] == "0":
                raise
            self._without_graphs(error)
        self.threads = 0

    def _without_graphs(self, reason: Exception) -> None:
        log.warning("The network runs without CUDA graphs, which takes longer: %s", str(reason).splitlines()[0])
        self._free = []  # what comes back from now on belongs to the old session
        self.settings = {**self.settings, "enable_cuda_graph": "0"}
        self._open()

    def _compare(self, twin: OnnxNetwork) -> None:
        compare(self, twin, frames=TRIED, gpu="the GPU", library="ONNX Runtime")


class _RefusedError(BackendError):
    """ONNX Runtime could not run what it had opened."""


class FixedSlot:
    """A place for all that a network reads and writes, and two ways through it, for one stream at a time."""

    _graphs = count(1)  # no two ways of a session may have one name

    def __init__(self, network: OnnxNetwork) -> None:
        """Take memory where the network runs."""
        self._session, self._network = network.session, network
        self._seen = {name: self._zeros(port.shape, port.dtype) for name, port in network.inputs.items()}
        self._kept = [
            {name: self._zeros(port.shape, port.dtype) for name, port in network.states.items()} for _ in range(2)
        ]
        self._said = {
            name: self._zeros(port.shape, port.dtype)
            for name, port in network.said.items()
            if name.removeprefix("next_") not in network.states
        }
        self._turns = [
            (self._bound(read, write), self._named())
            for read, write in zip(self._kept, reversed(self._kept), strict=True)
        ]
        self._turn = 0
        self._last: dict[str, Tensor] = {}  # what was uploaded: a bank is the same in every frame

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run one frame; raises `BackendError` where ONNX Runtime cannot."""
        for name, value in inputs.items():
            if self._last.get(name) is value and name.startswith("bank"):
                continue
            self._seen[name].update_inplace(np.ascontiguousarray(value))
            self._last[name] = value
        binding, options = self._turns[self._turn]
        try:
            self._session.run_with_iobinding(binding, options)
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise _RefusedError(f"the network cannot be run: {str(error).splitlines()[0]}") from error
        if self._network.states:
            self._turn = 1 - self._turn
        # On the CPU `numpy` is a view of what the next run writes over.
        return {name: value.numpy().copy() for name, value in self._said.items()}

    def reset(self) -> None:
        """Set the state to zeros."""
        self._turn = 0
        for name, value in self._kept[0].items():
            port = self._network.states[name]
            value.update_inplace(np.zeros(port.shape, port.dtype))

    def state(self) -> dict[str, Tensor]:
        """Return the state that the next frame will read."""
        return {name: value.numpy().copy() for name, value in self._kept[self._turn].items()}

    def _zeros(self, shape: tuple[int, ...], kind: Any) -> OrtValue:
        return OrtValue.ortvalue_from_numpy(np.zeros(shape, kind), self._network.place, 0)

    def _bound(self, read: Mapping[str, OrtValue], write: Mapping[str, OrtValue]) -> Any:
        binding = self._session.io_binding()
        for name, value in (self._seen | dict(read)).items():
            binding.bind_ortvalue_input(name, value)
        for name, value in (self._said | {f"next_{name}": value for name, value in write.items()}).items():
            binding.bind_ortvalue_output(name, value)
        return binding

    def _named(self) -> Any:
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("gpu_graph_id", str(next(self._graphs)))
        return options
