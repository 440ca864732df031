"""A GPU at the seam where calls leave livefill: memory is the host's, and a plan is run by ONNX Runtime.

What it does not imitate is refused, so that a wrong call is an error: addresses that were not allocated, copies that
are too long, work on a stream that is not there, an allocation while a graph is recorded.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

TYPES = {1: np.float32, 2: np.uint8, 10: np.float16}  # onnx's numbers


class CUresult(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2


class CUdevice_attribute(IntEnum):
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76


class CUstream_flags(IntEnum):
    CU_STREAM_NON_BLOCKING = 1


class CUstreamCaptureMode(IntEnum):
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1


OK, BAD = (CUresult.CUDA_SUCCESS,), (CUresult.CUDA_ERROR_INVALID_VALUE,)
STREAM = 77


class FakeDriver:
    """What `cuda.bindings.driver` is to livefill."""

    CUdevice_attribute = CUdevice_attribute
    CUstream_flags = CUstream_flags
    CUstreamCaptureMode = CUstreamCaptureMode

    def __init__(self, *, memory: int = 1 << 30, graphs: bool = True) -> None:
        self.left, self.graphs_work = memory, graphs
        self.held: dict[int, Any] = {}  # by address
        self.recording: list[Any] | None = None
        self.graphs: list[list[Any]] = []
        self.launched = self.enqueued = self.uploads = 0

    def cuInit(self, flags: int) -> tuple[Any, ...]:
        return OK

    def cuDeviceGet(self, ordinal: int) -> tuple[Any, ...]:
        return (*OK, ordinal)

    def cuDevicePrimaryCtxRetain(self, device: int) -> tuple[Any, ...]:
        return (*OK, "context")

    def cuCtxSetCurrent(self, context: str) -> tuple[Any, ...]:
        return OK if context == "context" else BAD

    def cuDeviceGetName(self, length: int, device: int) -> tuple[Any, ...]:
        return (*OK, b"Fake GPU".ljust(length, b"\0"))

    def cuDeviceGetAttribute(self, kind: CUdevice_attribute, device: int) -> tuple[Any, ...]:
        return (*OK, 8 if kind == CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR else 9)

    def cuStreamCreate(self, flags: int) -> tuple[Any, ...]:
        return (*OK, STREAM)

    def cuStreamSynchronize(self, stream: int) -> tuple[Any, ...]:
        return OK if stream == STREAM and self.recording is None else BAD

    def cuMemAlloc(self, size: int) -> tuple[Any, ...]:
        if self.recording is not None:
            return BAD
        if size > self.left:
            return (CUresult.CUDA_ERROR_OUT_OF_MEMORY,)
        self.left -= size
        raw = (ctypes.c_uint8 * size)(*[171] * min(size, 8))  # memory is not clean
        self.held[ctypes.addressof(raw)] = raw
        return (*OK, ctypes.addressof(raw))

    def cuMemHostAlloc(self, size: int, flags: int) -> tuple[Any, ...]:
        return self.cuMemAlloc(size)

    def cuMemFree(self, address: int) -> tuple[Any, ...]:
        return OK if self.held.pop(address, None) is not None else BAD

    cuMemFreeHost = cuMemFree

    def cuMemsetD8Async(self, address: int, value: int, size: int, stream: int) -> tuple[Any, ...]:
        if not self._fits(address, size, stream):
            return BAD
        ctypes.memset(address, value, size)
        return OK

    def cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: int) -> tuple[Any, ...]:
        self.uploads += 1
        return self._copy(to, source, size, self._fits(to, size, stream))

    def cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: int) -> tuple[Any, ...]:
        return self._copy(to, source, size, self._fits(source, size, stream))

    def cuStreamBeginCapture(self, stream: int, mode: int) -> tuple[Any, ...]:
        if not self.graphs_work:
            return BAD
        self.recording = []
        return OK

    def cuStreamEndCapture(self, stream: int) -> tuple[Any, ...]:
        recorded, self.recording = self.recording, None
        return (*OK, recorded)

    def cuGraphInstantiate(self, graph: list[Any], flags: int) -> tuple[Any, ...]:
        self.graphs.append(list(graph))
        return (*OK, len(self.graphs) - 1)

    def cuGraphDestroy(self, graph: list[Any]) -> tuple[Any, ...]:
        return OK

    def cuGraphExecDestroy(self, graph: int) -> tuple[Any, ...]:
        return OK

    def cuGraphLaunch(self, graph: int, stream: int) -> tuple[Any, ...]:
        self.launched += 1
        for work in self.graphs[graph]:
            work()
        return OK

    def enqueue(self, work: Any, stream: int) -> bool:
        """What a kernel launch is."""
        if stream != STREAM:
            return False
        if self.recording is not None:
            self.recording.append(work)
        else:
            self.enqueued += 1
            work()
        return True

    def _fits(self, address: int, size: int, stream: int) -> bool:
        held = self.held.get(address)
        return held is not None and size <= len(held) and stream == STREAM and self.recording is None

    def _copy(self, to: int, source: int, size: int, fits: bool) -> tuple[Any, ...]:
        if not fits:
            return BAD
        ctypes.memmove(to, source, size)
        return OK


class FakeTensorRt:
    """What `tensorrt` is to livefill once something is compiled: a plan is the network's file itself."""

    __name__, __version__ = "fake_tensorrt", "1.0"

    def __init__(self, driver: FakeDriver, *, wrong: float = 0.0, supported: bool = True) -> None:
        self._driver, self._wrong, self.supported = driver, wrong, supported
        self.built = 0

    class ILogger:
        class Severity(IntEnum):
            INTERNAL_ERROR = 0
            ERROR = 1

    def Runtime(self, logger: Any) -> FakeTensorRt:
        self._logger = logger
        return self

    def nptype(self, kind: int) -> Any:
        return TYPES[kind]

    def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
        if self.supported and plan != b"broken":
            return Engine(plan, self._driver, self._wrong)
        self._logger.log(self.ILogger.Severity.ERROR, "The engine cannot run on this GPU")
        return None

    def compile(self, trt: Any, path: Path) -> bytes:
        """Stand in for `plan.build`."""
        self.built += 1
        return path.read_bytes()


class Engine:
    def __init__(self, plan: bytes, driver: FakeDriver, wrong: float) -> None:
        self._graph = onnx.load_from_string(plan).graph
        self._session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
        self._driver, self._wrong = driver, wrong
        ports = [*self._graph.input, *self._graph.output]
        self.inputs = [port.name for port in self._graph.input]
        self.ports = {
            port.name: (tuple(d.dim_value for d in port.type.tensor_type.shape.dim), port.type.tensor_type.elem_type)
            for port in ports
        }
        self.num_io_tensors = len(ports)

    def get_tensor_name(self, index: int) -> str:
        return list(self.ports)[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.ports[name][0]

    def get_tensor_dtype(self, name: str) -> int:
        return self.ports[name][1]

    def create_execution_context(self) -> Context:
        return Context(self)


class Context:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        engine = self._engine
        if set(self._addresses) != set(engine.ports):
            return False

        def work() -> None:
            arrays = {name: self._array(name) for name in engine.ports}
            said = engine._session.run(None, {name: arrays[name].copy() for name in engine.inputs})
            for port, value in zip(engine._graph.output, said, strict=True):
                arrays[port.name][...] = value + np.asarray(engine._wrong, value.dtype)

        return engine._driver.enqueue(work, stream)

    def _array(self, name: str) -> NDArray[Any]:
        shape, kind = self._engine.ports[name]
        held = self._engine._driver.held[self._addresses[name]]
        return np.frombuffer(held, TYPES[kind], int(np.prod(shape))).reshape(shape)
