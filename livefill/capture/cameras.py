"""Lists the cameras of this machine."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import cv2

from livefill import v4l2
from livefill.v4l2 import Mode

PROBED = 6  # indices tried where the system offers no list


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera that can be given to `open_source`."""

    spec: str  # "/dev/video0" on Linux, "0" elsewhere
    name: str
    modes: tuple[Mode, ...]  # empty where they cannot be asked for
    is_virtual: bool  # a v4l2loopback device: probably our own output


def list_cameras(root: Path = Path("/dev")) -> list[Camera]:
    """Return the cameras, in the order of their numbers. Those that may not be opened are left out."""
    if platform.system() == "Linux":
        return [_describe(device) for device in v4l2.devices(root) if device.captures]
    return [camera for index in range(PROBED) if (camera := _probe(index))]


def _describe(device: v4l2.Device) -> Camera:
    try:
        modes = tuple(v4l2.modes(device.path))
    except OSError:  # gone since the listing
        modes = ()
    return Camera(str(device.path), device.name, modes, device.is_loopback)


def _probe(index: int) -> Camera | None:
    capture = cv2.VideoCapture(index)
    try:
        if not capture.isOpened():
            return None
        width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        mode = Mode(width, height, capture.get(cv2.CAP_PROP_FPS), "")
        return Camera(str(index), f"camera {index}", (mode,), is_virtual=False)
    finally:
        capture.release()
