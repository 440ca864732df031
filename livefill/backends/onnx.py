"""ONNX Runtime: runs a network's file on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from livefill.backends.engines import engine_path, parse_contract
from livefill.errors import BackendError
from livefill.types import Tensor

__all__ = ["Network", "open_network"]

THREADS = 4  # at most: the networks are small, and the camera and the encoder want to live as well


class Network:
    """A network with named inputs and outputs; holds nothing of any stream."""

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = ()) -> None:
        """Open the file of a network of this `kind`, which must say `keys` about itself."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads spin within a run, where that is faster; between runs they would take the cores from everybody else.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise BackendError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.contract = parse_contract(metadata, kind, keys, path=path)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))


def open_network(name: str, *, kind: str | None = None, keys: tuple[str, ...] = ()) -> Network:
    """Open a network that ships; its `kind` is its name unless there are several of it."""
    return Network(engine_path(name), kind or name, keys=keys)
