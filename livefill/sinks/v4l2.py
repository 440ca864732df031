"""The virtual camera on Linux: livefill's own writer for v4l2loopback.

It says what it cannot do: a format that the driver did not take over, a frame that was not written. When the device
goes away, because its module is loaded anew or its owner removes it, the sink waits for it to come back.
"""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill import v4l2
from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.fit import fit
from livefill.sinks.loopbacks import by, choose, get_one, holders, is_loopback
from livefill.sinks.remedy import VIDEO_GROUP
from livefill.types import RGB, Frame

__all__ = ["LoopbackSink", "encode"]

AGAIN = 0.5  # seconds from one attempt to reopen to the next
GONE = {errno.ENODEV, errno.ENXIO, errno.EBADF, errno.EIO, errno.ENOENT}  # the device is not there any more
log = logging.getLogger(__name__)


def encode(image: RGB, letters: str) -> NDArray[np.uint8]:
    """Turn a picture of even sides into the bytes of a pixel format of `v4l2.FORMATS` (BT.601, limited range)."""
    height, width = image.shape[:2]
    planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
    if letters == "YU12":
        return planar.ravel()
    luma, chroma = planar[:height], planar[height:].reshape(2, height // 2, width // 2)
    pairs = np.dstack([chroma[0], chroma[1]])  # (h / 2, w / 2, 2): U, V
    if letters == "NV12":
        return np.concatenate([luma.ravel(), pairs.ravel()])
    if letters == "YUYV":
        packed = np.empty((height, width, 2), np.uint8)
        packed[..., 0] = luma
        packed[..., 1] = pairs.repeat(2, axis=0).reshape(height, width)
        return packed.ravel()
    raise ValueError(f"{letters} is not one of {', '.join(v4l2.FORMATS)}")


class LoopbackSink(BaseSink):
    """Feeds a v4l2loopback device at a size that never changes while it is open.

    `size` (width, height) is asked for; where an application reads already, what it reads counts, and frames are scaled
    into that with bars. Raises `SinkError` with what to do.
    """

    def __init__(self, size: tuple[int, int], fps: float, *, device: str | None = None) -> None:
        self._wish = (size[0] // 2 * 2, size[1] // 2 * 2), fps  # 4:2:0 pictures are even
        path = choose(device)
        if path is None:
            raise SinkError(f"There is no virtual camera on this machine. {get_one()}")
        self.device = path
        self.label = f"virtual camera {path}"
        self._open: v4l2.Loopback | None = self._opened()
        self.size = self._open.size
        self.lost = 0  # frames that came while the device was away
        self._closed, self._next_try = False, 0.0
        self._last: tuple[RGB, NDArray[np.uint8]] | None = None
        if self.size != self._wish[0]:
            log.warning(
                "%s is held at %s by %s: frames are scaled into that.", path, by(self.size), holders(self.device)
            )

    @property
    def watched(self) -> bool | None:
        """Whether an application reads; None where the driver (before 0.13) cannot tell."""
        try:
            return None if self._open is None else self._open.watched
        except OSError:
            return None

    def write(self, frame: Frame) -> None:
        """Show one frame to whoever watches; while the device is away, nothing is shown and `lost` counts."""
        if self._closed:
            raise SinkError(f"The {self.label} was closed.")
        if self._open is None and not self._back():
            self.lost += 1
            return
        assert self._open is not None
        try:
            self._open.write(self._encoded(frame.image, self._open.format))
        except OSError as error:
            self._open.close()
            self._open = None
            if error.errno not in GONE:
                raise SinkError(f"The {self.label} takes no frames any more: {error}.") from error
            log.warning("The %s went away (%s). Waiting for it to come back.", self.label, error.strerror)
            self.lost += 1

    def close(self) -> None:
        """Give the device back."""
        self._closed = True
        if self._open is not None:
            self._open.close()
            self._open = None

    def _encoded(self, image: RGB, letters: str) -> NDArray[np.uint8]:
        if self._last is None or self._last[0] is not image:  # the last frame is often shown again
            self._last = image, encode(fit(image, self.size), letters)
        return self._last[1]

    def _opened(self) -> v4l2.Loopback:
        path = Path(self.device)
        if not path.exists():
            raise SinkError(f"There is no device {path}. {get_one()}")
        if not is_loopback(self.device):
            raise SinkError(f"{path} is not a virtual camera. {get_one()}")
        try:
            return v4l2.Loopback(path, *self._wish)
        except ValueError as error:
            raise SinkError(
                f"{path} cannot be written: {error}. Close what reads it: {holders(self.device)}."
            ) from error
        except OSError as error:
            if error.errno == errno.EACCES:
                raise SinkError(f"You may not write to {path}. {VIDEO_GROUP}") from error
            if error.errno in (errno.EBUSY, errno.EINVAL):
                raise SinkError(f"{path} is fed by {holders(self.device)} already: close that first.") from error
            raise SinkError(f"{path} cannot be opened: {error.strerror}.") from error

    def _back(self) -> bool:
        """Try now and then to open the device again; its size must be what it was."""
        now = monotonic()
        if now < self._next_try:
            return False
        self._next_try = now + AGAIN
        try:
            found = self._opened()
        except SinkError:
            return False
        if found.size != self.size:
            found.close()
            raise SinkError(f"The {self.label} came back at {by(found.size)}, but {by(self.size)} was written before.")
        self._open, self._last = found, None
        log.warning("The %s is back.", self.label)
        return True
