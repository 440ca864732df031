"""Keeps the libraries that run the networks from reporting that, and on which machine, they are used."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["stay_discreet"]


def stay_discreet() -> None:
    """Turn their reports off; to be called before any of them is imported.

    ONNX Runtime from 1.29 on, on Linux and macOS too, sends a device's number, its system and the program's path; the
    variable, read when it is loaded, is its full opt-out, and no call afterwards is. OpenVINO reports each import by
    a package of its own, and does without where that cannot be imported.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
