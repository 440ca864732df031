"""TensorRT's plans: compiled from a network's file, once for each GPU and version of the library, and kept.

The library is handed in: TensorRT for RTX (`tensorrt_rtx`) and TensorRT (`tensorrt`) have one interface. Precision
comes from the file (strongly typed networks).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from livefill.errors import BackendError
from livefill.private import write_private

__all__ = ["build", "listener", "plan_path", "plans_folder", "store"]

log = logging.getLogger(__name__)


def build(trt: Any, path: Path, *, capabilities: Sequence[tuple[int, int]] = ()) -> bytes:
    """Compile a network's file and return the plan.

    `capabilities` are compute capabilities such as (8, 9), to compile ahead of time, where no GPU need be; TensorRT for
    RTX only. Raises `BackendError` with what the library cannot take.
    """
    logger = listener(trt)
    builder = trt.Builder(logger)
    flags = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if flags is None else 1 << int(flags))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(path.read_bytes()):
        reasons = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise BackendError(f"TensorRT cannot read {path.name}: {reasons}")
    config = builder.create_builder_config()
    if capabilities:
        config.num_compute_capabilities = len(capabilities)
        for i, (major, minor) in enumerate(capabilities):
            name = f"SM{major}{minor}"
            if not hasattr(trt.ComputeCapability, name):
                raise BackendError(f"this TensorRT compiles for no GPU of compute capability {major}.{minor}")
            config.set_compute_capability(getattr(trt.ComputeCapability, name), i)
    if hasattr(trt, "IProgressMonitor"):
        config.progress_monitor = _monitor(trt, path.name)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(f"TensorRT cannot compile {path.name}: {logger.reason()}")
    return bytes(memoryview(plan))


def listener(trt: Any) -> Any:
    """Return a logger for TensorRT, whose `reason` gives its last complaint: it says no more by its answers."""

    class Listener(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._last = "it does not say why"

        def log(self, severity: object, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self._last = message
                log.debug("TensorRT: %s", message)

        def reason(self) -> str:
            return self._last

    return Listener()


def _monitor(trt: Any, name: str) -> Any:
    """Return what tells the log how far a compilation is."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self._steps[phase] = steps
            if parent is None:
                log.info("TensorRT compiles %s: %s", name, phase)

        def step_complete(self, phase: str, step: int) -> bool:
            log.debug("%s: %s, %d of %d", name, phase, step + 1, self._steps.get(phase, 0))
            return True

        def phase_finish(self, phase: str) -> None:
            self._steps.pop(phase, None)

    return Monitor()


def plans_folder() -> Path:
    """Where plans are kept: they can be made anew at any time."""
    home = os.environ.get("LIVEFILL_HOME")
    return Path(home) / "plans" if home else user_cache_path("livefill", appauthor=False) / "plans"


def plan_path(trt: Any, path: Path, gpu: str) -> Path:
    """Return where the plan of a file is kept: its name tells the file, the library's version and the GPU."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    words = (path.stem, digest, trt.__name__, trt.__version__, gpu)
    return plans_folder() / (re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(words)) + ".engine")


def store(plan: bytes, path: Path) -> None:
    """Keep a plan, whole or not at all; a folder that cannot be written only costs the next start its time."""
    try:
        write_private(path, lambda file: file.write(plan))
    except OSError as error:
        log.warning("The compiled network cannot be kept in %s: %s", path.parent, error.strerror)
