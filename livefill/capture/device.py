"""Opens a camera with OpenCV and, where that fails, says why and what mends it."""

from __future__ import annotations

import errno
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from livefill import v4l2
from livefill.errors import SourceError
from livefill.types import RGB

BIG = 640 * 480  # pixels; above it USB 2 cannot carry 30 uncompressed frames a second
ELSEWHERE = {
    "Darwin": "allow your terminal in System Settings > Privacy & Security > Camera",
    "Windows": "allow desktop apps in Settings > Privacy & security > Camera",
}
# How many buffers OpenCV has room for (MAX_V4L_BUFFERS). v4l2loopback gives as many as it was loaded with, not the two
# asked for; beyond ten, OpenCV writes outside its own memory and the process ends.
MOST_BUFFERS = 10
BUFFERS = Path("/sys/module/v4l2loopback/parameters/max_buffers")
BACKENDS = {"Linux": cv2.CAP_V4L2, "Darwin": cv2.CAP_AVFOUNDATION, "Windows": cv2.CAP_DSHOW}


@dataclass(frozen=True, slots=True)
class Opened:
    """A camera that works: it has given a frame."""

    capture: cv2.VideoCapture
    first: RGB
    fps: float  # what the driver claims, or what was asked for


def open_device(device: str, size: tuple[int, int] | None, fps: float | None) -> Opened:
    """Open "0" or "/dev/video0" and read one frame; `SourceError` says what is wrong and what to do."""
    if platform.system() == "Linux":
        _check_node(node_of(device))
    backend = BACKENDS.get(platform.system(), cv2.CAP_ANY)
    settings = _settings(size, fps, compressed=_wants_mjpg(device, size))
    capture = _construct(device, backend, settings)
    first = grab(capture) if capture.isOpened() else None
    if first is None:
        capture.release()
        raise SourceError(_why_not(device))
    return Opened(capture, first, fps or capture.get(cv2.CAP_PROP_FPS) or 30.0)


def grab(capture: cv2.VideoCapture) -> RGB | None:
    """Wait for the next picture; None when the camera fails."""
    ok, bgr = capture.read()
    if not ok:
        return None
    if bgr.ndim == 2:  # OpenCV hands out the pictures of a driver that speaks BGR itself as one row of bytes
        bgr = bgr.reshape(int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), -1, 3)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def node_of(device: str) -> Path:
    """Return the device file of "0" or "/dev/video0"."""
    return Path(f"/dev/video{device}" if device.isdecimal() else device)


def _wants_mjpg(device: str, size: tuple[int, int] | None) -> bool:
    """Tell whether to ask for compressed pictures: USB 2 needs that for big ones, but not every camera has them."""
    if size is None or size[0] * size[1] <= BIG:
        return False
    if platform.system() != "Linux":
        return True
    # OpenCV takes whatever a driver offers in place of a compression that it lacks, even what it cannot decode.
    try:
        return any(mode.fourcc == "MJPG" for mode in v4l2.modes(node_of(device)))
    except OSError:  # it was unplugged since: opening it will say so
        return False


def _settings(size: tuple[int, int] | None, fps: float | None, *, compressed: bool) -> list[tuple[int, float]]:
    # In this order: the compression decides which sizes there are, and the size which rates. Two buffers: our thread
    # empties them at once, so more would only hold old frames, and with one many cameras give every other frame only.
    wanted: list[tuple[int, float]] = []
    if compressed:
        wanted.append((cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")))
    if size:
        wanted += [(cv2.CAP_PROP_FRAME_WIDTH, size[0]), (cv2.CAP_PROP_FRAME_HEIGHT, size[1])]
    if fps:
        wanted.append((cv2.CAP_PROP_FPS, fps))
    return [*wanted, (cv2.CAP_PROP_BUFFERSIZE, 2)]


def _construct(device: str, backend: int, settings: list[tuple[int, float]]) -> cv2.VideoCapture:
    name = int(device) if device.isdecimal() else device
    if platform.system() == "Windows":
        # DirectShow ignores the compression once the camera runs: it has to be known at construction.
        flat = [int(number) for setting in settings[:-1] for number in setting]
        capture = cv2.VideoCapture(name, backend, flat)
        if capture.isOpened():
            return capture
    capture = cv2.VideoCapture(name, backend)
    if capture.isOpened():
        for key, value in settings:
            capture.set(key, value)  # a wish: the driver takes the nearest it has
    return capture


def _check_node(node: Path) -> None:
    try:
        found = v4l2.query(node)
    except OSError as error:
        raise SourceError(_why_unopenable(node, error)) from error
    if found.captures:
        if found.is_loopback:
            _check_buffers(node)
        return
    if found.is_loopback:
        raise SourceError(f"{node} is the virtual camera {found.name!r} and nobody feeds it: choose a real camera.")
    raise SourceError(f"{node} ({found.name}) gives no pictures. {_cameras_here()}")


def _check_buffers(node: Path) -> None:
    try:
        buffers = int(BUFFERS.read_text())
    except (OSError, ValueError):
        return  # it does not say
    if buffers > MOST_BUFFERS:
        raise SourceError(
            f"{node} is a virtual camera whose driver was loaded with max_buffers={buffers}; OpenCV can read at most "
            f"{MOST_BUFFERS}: run `sudo modprobe -r v4l2loopback`, then load it with max_buffers=4."
        )


def _why_unopenable(node: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"There is no camera at {node}: is it plugged in? {_cameras_here()}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"You may not open {node}: run `sudo usermod -aG video $USER`, then log out and in again "
            "(in a container, pass the device in)."
        )
    if error.errno == errno.EBUSY:
        return _why_not(str(node))
    return f"{node} is not a camera: {error.strerror}. {_cameras_here()}"


def _cameras_here() -> str:
    found = [
        f"{camera.path} ({camera.name})" for camera in v4l2.devices() if camera.captures and not camera.is_loopback
    ]
    return (
        f"Cameras here: {', '.join(found)}."
        if found
        else "No camera was found on this machine: plug one in, or name a video instead."
    )


def _why_not(device: str) -> str:
    if platform.system() != "Linux":
        hint = ELSEWHERE.get(platform.system(), "check its permissions")
        return f"The camera {device} cannot be opened: plug it in, close the application that uses it, or {hint}."
    node = node_of(device)
    users = [f"{holder.name} (pid {holder.pid})" for holder in v4l2.holders(node) if holder.pid != os.getpid()]
    if users:
        return f"The camera {node} is in use by {', '.join(users)}: close it there and try again."
    return (
        f"The camera {node} gives no picture: another user's application may hold it (`sudo fuser -v {node}` tells), "
        "or it needs to be unplugged and plugged in again."
    )
