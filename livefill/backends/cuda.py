"""A GPU through NVIDIA's driver interface: memory, copies and graphs, and nothing else. No torch, no toolkit."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livefill.backends.network import Port
from livefill.errors import BackendError, NotInstalledError
from livefill.types import Tensor

__all__ = ["Device", "Memory", "load_driver"]


def load_driver() -> Any:
    """Return `cuda.bindings.driver`; raises `NotInstalledError` where it is not there."""
    try:
        return import_module("cuda.bindings.driver")
    except ImportError as error:
        raise NotInstalledError(f"tensorrt cannot be used: {error}. Run: pip install 'livefill[tensorrt]'") from error


@dataclass(frozen=True, slots=True)
class Memory:
    """A tensor on the GPU."""

    address: int
    bytes: int


class Device:
    """The first GPU, with a stream of its own. Everything is done in the order in which it is asked for."""

    def __init__(self, driver: Any = None) -> None:
        """`driver` is `cuda.bindings.driver`. Raises `BackendError` where there is no GPU or no driver."""
        self._cuda = load_driver() if driver is None else driver
        try:
            self._check(self._cuda.cuInit(0))
        except RuntimeError as error:  # the bindings are there, the driver is not
            raise BackendError("tensorrt cannot be used: there is no NVIDIA driver") from error
        self._device = self._check(self._cuda.cuDeviceGet(0))
        self._context = self._check(self._cuda.cuDevicePrimaryCtxRetain(self._device))
        self.activate()
        name = self._check(self._cuda.cuDeviceGetName(128, self._device))
        self.name = name.split(b"\0")[0].decode(errors="replace")
        kinds = self._cuda.CUdevice_attribute
        major, minor = (
            int(self._check(self._cuda.cuDeviceGetAttribute(kind, self._device)))
            for kind in (
                kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            )
        )
        self.capability = (major, minor)
        self.stream = self._check(self._cuda.cuStreamCreate(int(self._cuda.CUstream_flags.CU_STREAM_NON_BLOCKING)))
        self._held: list[Callable[[], object]] = []

    def activate(self) -> None:
        """Make this GPU the calling thread's."""
        self._check(self._cuda.cuCtxSetCurrent(self._context))

    def memory(self, port: Port) -> Memory:
        """Allocate a tensor of zeros."""
        size = int(np.prod(port.shape)) * np.dtype(port.dtype).itemsize
        address = self._check(self._cuda.cuMemAlloc(size))
        self._held.append(lambda: self._cuda.cuMemFree(address))
        made = Memory(int(address), size)
        self.zero(made)
        return made

    def pinned(self, port: Port) -> Tensor:
        """Allocate an array of the host that the GPU copies from and to without a detour."""
        size = int(np.prod(port.shape)) * np.dtype(port.dtype).itemsize
        address = self._check(self._cuda.cuMemHostAlloc(size, 0))
        self._held.append(lambda: self._cuda.cuMemFreeHost(address))
        raw = (ctypes.c_uint8 * size).from_address(int(address))
        whole: NDArray[np.uint8] = np.frombuffer(memoryview(raw), np.uint8)
        return whole.view(port.dtype).reshape(port.shape)

    def zero(self, memory: Memory) -> None:
        """Set a tensor to zeros."""
        self._check(self._cuda.cuMemsetD8Async(memory.address, 0, memory.bytes, self.stream))

    def upload(self, memory: Memory, array: Tensor) -> None:
        """Copy to the GPU."""
        self._check(self._cuda.cuMemcpyHtoDAsync(memory.address, array.ctypes.data, memory.bytes, self.stream))

    def download(self, array: Tensor, memory: Memory) -> None:
        """Copy from the GPU; the array holds it after `wait`."""
        self._check(self._cuda.cuMemcpyDtoHAsync(array.ctypes.data, memory.address, memory.bytes, self.stream))

    def wait(self) -> None:
        """Wait until all that was asked for is done."""
        self._check(self._cuda.cuStreamSynchronize(self.stream))

    def graph(self, work: Callable[[], object]) -> Any:
        """Record what `work` asks of the stream as one graph, which starts in one call (CUDA graphs)."""
        mode = self._cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._check(self._cuda.cuStreamBeginCapture(self.stream, mode))
        try:
            work()
        finally:
            graph = self._check(self._cuda.cuStreamEndCapture(self.stream))
        made = self._check(self._cuda.cuGraphInstantiate(graph, 0))
        self._check(self._cuda.cuGraphDestroy(graph))
        self._held.append(lambda: self._cuda.cuGraphExecDestroy(made))
        return made

    def launch(self, graph: Any) -> None:
        """Start a graph."""
        self._check(self._cuda.cuGraphLaunch(graph, self.stream))

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        while self._held:
            self._held.pop()()

    def _check(self, answer: tuple[Any, ...]) -> Any:
        """Return what a call of the driver gave beside its status; raise `BackendError` with the status's name."""
        status, *values = answer
        if int(status) != 0:
            raise BackendError(f"the GPU refused: {getattr(status, 'name', status)}")
        return values[0] if values else None
