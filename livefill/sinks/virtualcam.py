"""The virtual camera that video applications can choose. The only file that imports pyvirtualcam (GPL-2.0)."""

from __future__ import annotations

import platform
from pathlib import Path

import pyvirtualcam
from pyvirtualcam.camera import BACKENDS

from livefill import v4l2
from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.fit import fit
from livefill.sinks.loopbacks import by, choose, get_one, holders, is_loopback
from livefill.sinks.remedy import VIDEO_GROUP
from livefill.types import Frame


class VirtualCameraSink(BaseSink):
    """Feeds a virtual camera: v4l2loopback on Linux, the one of OBS elsewhere.

    `size` (width, height) never changes while it is open, whatever size the frames have: they are scaled into it with
    bars. Widths and heights are rounded down to even numbers. Raises `SinkError` with what to do.
    """

    def __init__(
        self, size: tuple[int, int], fps: float, *, device: str | None = None, backend: str | None = None
    ) -> None:
        self.size = size[0] // 2 * 2, size[1] // 2 * 2  # applications want 4:2:0 pictures, which are even
        if platform.system() == "Linux" and backend is None:
            device = choose(device)
        self._camera = _open(self.size, fps, device, backend)
        self.device: str = self._camera.device
        self.label = f"virtual camera {self.device}"
        if platform.system() == "Linux" and backend is None:
            self._check_size()

    def write(self, frame: Frame) -> None:
        """Show one frame to whoever watches."""
        if self._camera is None:
            raise SinkError(f"The {self.label} was closed.")
        try:
            self._camera.send(fit(frame.image, self.size))
        except (RuntimeError, OSError) as error:
            raise SinkError(f"The {self.label} takes no frames any more: {error}.") from error

    def close(self) -> None:
        """Give the device back."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _check_size(self) -> None:
        # pyvirtualcam does not look at what the driver made of its request: while an application reads, the driver
        # keeps that application's format, and our pictures would arrive as garbage.
        actual = v4l2.size_of(Path(self.device))
        if actual is None or actual == self.size:
            return
        self.close()
        raise SinkError(
            f"{self.device} is held at {by(actual)} by {holders(self.device)}, but {by(self.size)} is to be "
            f"written: close that application, or ask for `--size {by(actual)}`."
        )


def _open(size: tuple[int, int], fps: float, device: str | None, backend: str | None) -> pyvirtualcam.Camera:
    if backend is not None and backend not in BACKENDS:  # pyvirtualcam would raise a bare KeyError, and then another
        raise SinkError(f"pyvirtualcam has no backend {backend!r}, only {', '.join(BACKENDS)}.")
    try:
        return pyvirtualcam.Camera(*size, fps, device=device, backend=backend)
    except (RuntimeError, OSError, ValueError) as error:
        raise SinkError(_explain(str(error), device)) from error


def _explain(reasons: str, device: str | None) -> str:
    """Turn pyvirtualcam's reasons into what happened and what to do; they are quoted at the end."""
    said = f" (pyvirtualcam: {reasons.strip()})"
    name = device or "the virtual camera"
    if any(words in reasons for words in ("busy", "already in use", "not a video output")):
        if device and not is_loopback(device):
            return f"{name} is not a virtual camera. {get_one()}{said}"
        return f"{name} is fed by {holders(device)} already: close that first.{said}"
    if "permission" in reasons:
        return f"You may not write to {name}. {VIDEO_GROUP}{said}"
    if "could not be started" in reasons:
        return f"The OBS virtual camera is in use: press Stop Virtual Camera in OBS, and close OBS.{said}"
    if device and "does not exist" in reasons:
        return f"There is no device {device}. {get_one()}{said}"
    return f"There is no virtual camera on this machine. {get_one()}{said}"
