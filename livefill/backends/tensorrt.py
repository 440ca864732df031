"""TensorRT: runs a network's file on an NVIDIA GPU. TensorRT for RTX or TensorRT, whichever is installed.

The state of a stream stays on the GPU in two sets of buffers, read and written by turns, so that nothing is copied;
each turn is one CUDA graph. A network is compared with the CPU before it is used for the first time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from livefill.backends.cuda import Device
from livefill.backends.engines import parse_states
from livefill.backends.gpu import SlotStream, compare
from livefill.backends.network import Port
from livefill.backends.onnx import OnnxNetwork
from livefill.backends.plan import build, listener, plan_path, store
from livefill.errors import BackendError, NotInstalledError
from livefill.types import Tensor

__all__ = ["LIBRARIES", "TensorRtNetwork", "load_library"]

LIBRARIES = ("tensorrt_rtx", "tensorrt")
TRIED = 3  # frames over which a network is compared with the CPU
log = logging.getLogger(__name__)


def load_library() -> Any:
    """Return the library that is installed; raises `BackendError` with the reason for each that is not."""
    reasons = []
    for name in LIBRARIES:
        try:
            return import_module(name)
        except (ImportError, OSError) as error:
            reasons.append(str(error))
    raise NotInstalledError(f"tensorrt cannot be used: {'; '.join(reasons)}. Run: pip install 'livefill[tensorrt]'")


@lru_cache(maxsize=1)
def _gpu() -> Device:
    return Device()


class TensorRtNetwork:
    """A `Network` on the GPU, in float16 where there is such a file beside the one that is named."""

    runtime, threads = "tensorrt", 0

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = (), library: Any = None) -> None:
        """Open the file of a network of this `kind`; compile it if that was not done yet on this machine."""
        trt = load_library() if library is None else library
        self._gpu = _gpu()
        twin = OnnxNetwork(path, kind, keys=keys)
        self.contract, self.inputs = twin.contract, twin.inputs
        self._states = list(parse_states(self.contract))
        half = path.with_name(f"{path.stem}-half.onnx")
        source = half if half.exists() else path
        self.device = f"{self._gpu.name}, {'float16' if source is half else 'float32'}"
        kept = plan_path(trt, source, self._gpu.name)
        known = kept.exists()
        if not known:
            log.info("TensorRT compiles %s for %s; this is done once.", source.name, self._gpu.name)
        plan = kept.read_bytes() if known else build(trt, source)
        self._logger = listener(trt)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            kept.unlink(missing_ok=True)
            anew = ". Start again to compile it anew" if known else ""
            raise BackendError(f"tensorrt cannot run {source.name} on {self._gpu.name}: {self._logger.reason()}{anew}")
        self._ports = {
            name: Port(tuple(self._engine.get_tensor_shape(name)), trt.nptype(self._engine.get_tensor_dtype(name)))
            for name in (self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors))
        }
        self._free: list[_Slot] = []
        if not known:
            compare(self, twin, frames=TRIED, gpu=self._gpu.name, library="TensorRT")
            store(plan, kept)  # only what was found to be right is kept

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return self.stream().run(inputs)

    def stream(self) -> SlotStream[_Slot]:
        """Begin a video."""
        slot = self._free.pop() if self._free else _Slot(self._gpu, self._engine, self._ports, self._states)
        slot.reset()
        return SlotStream(slot, self._free)


class _Slot:
    """Memory on the GPU, and the way through the network, for one stream at a time."""

    def __init__(self, gpu: Device, engine: Any, ports: Mapping[str, Port], states: list[str]) -> None:
        self._gpu, self._states = gpu, states
        after = [f"next_{name}" for name in states]
        self._kept = [{name: gpu.memory(ports[name]) for name in states} for _ in range(2)]
        held = {*states, *after}
        self._memory = {name: gpu.memory(port) for name, port in ports.items() if name not in held}
        self._host = {name: gpu.pinned(ports[name]) for name in self._memory}
        self._ports = ports
        contexts = [engine.create_execution_context() for _ in range(2 if states else 1)]
        if any(context is None for context in contexts):
            raise BackendError(f"{gpu.name} has no memory left for the network")
        for turn, context in enumerate(contexts):
            for name, memory in self._memory.items():
                context.set_tensor_address(name, memory.address)
            for name, following in zip(states, after, strict=True):
                context.set_tensor_address(name, self._kept[turn][name].address)
                context.set_tensor_address(following, self._kept[1 - turn][name].address)
        self._contexts = contexts
        self._graphs: list[Any] = [None] * len(contexts)
        self._warm = [False] * len(contexts)
        self._may_record = True
        self._turn = 0
        self._last: dict[str, Tensor] = {}  # what was uploaded: a bank is the same in every frame

    def reset(self) -> None:
        """Set the state to zeros."""
        self._gpu.activate()
        self._turn = 0
        for memory in self._kept[0].values():
            self._gpu.zero(memory)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run one frame."""
        self._gpu.activate()
        for name, value in inputs.items():
            if self._last.get(name) is value and name.startswith("bank"):
                continue
            np.copyto(self._host[name], value)
            self._gpu.upload(self._memory[name], self._host[name])
            self._last[name] = value
        self._work()
        outputs = [name for name in self._memory if name not in inputs]
        for name in outputs:
            self._gpu.download(self._host[name], self._memory[name])
        self._gpu.wait()
        if len(self._contexts) > 1:
            self._turn = 1 - self._turn
        return {name: self._host[name].copy() for name in outputs}

    def state(self) -> dict[str, Tensor]:
        """Return the state that the next frame will read."""
        held = {name: np.empty(self._ports[name].shape, self._ports[name].dtype) for name in self._states}
        for name, array in held.items():
            self._gpu.download(array, self._kept[self._turn][name])
        self._gpu.wait()
        return held

    def _work(self) -> None:
        """Run the network: at first plainly, which lets it get ready, then as a graph."""
        turn, context = self._turn, self._contexts[self._turn]

        def enqueue() -> None:
            if not context.execute_async_v3(int(self._gpu.stream)):
                raise BackendError("TensorRT could not run the network")

        if not self._warm[turn]:
            enqueue()
            self._warm[turn] = True
            return
        if self._graphs[turn] is None and self._may_record:
            try:
                self._graphs[turn] = self._gpu.graph(enqueue)
            except BackendError as error:
                log.warning("The network runs without CUDA graphs, which takes longer: %s", error)
                self._may_record = False
        if self._graphs[turn] is None:
            enqueue()
        else:
            self._gpu.launch(self._graphs[turn])
