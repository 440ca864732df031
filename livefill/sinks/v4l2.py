"""The virtual camera on Linux: livefill's own writer for v4l2loopback.

It says what it cannot do: a format that the driver did not take over, a frame that was not written. When the device
goes away, because its module is loaded anew or its owner removes it, the sink waits for it to come back.
"""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from livefill import v4l2
from livefill.errors import SinkError
from livefill.sinks.loopbacks import by, choose, get_one, holders, is_loopback, others
from livefill.sinks.remedy import VIDEO_GROUP
from livefill.sinks.returning import Gone, ReturningSink
from livefill.types import Frame

__all__ = ["LoopbackSink"]

GONE = {errno.ENODEV, errno.ENXIO, errno.EBADF, errno.EIO, errno.ENOENT}  # the device is not there any more
log = logging.getLogger(__name__)


class LoopbackSink(ReturningSink[v4l2.Loopback]):
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
        feed = self._opened()
        super().__init__(feed)
        self.size = feed.size
        if self.size != self._wish[0]:
            log.warning(
                "%s is held at %s by %s: frames are scaled into that.", path, by(self.size), holders(self.device)
            )

    def watchers(self) -> list[str]:
        """Return who else has the device open."""
        return others(self.device)

    def _put(self, feed: v4l2.Loopback, frame: Frame) -> None:
        try:
            feed.write(self._encoded(frame.image, feed.format))
        except OSError as error:
            if error.errno in GONE:
                raise Gone(error.strerror) from error
            raise SinkError(f"The {self.label} takes no frames any more: {error}.") from error

    def _check(self, feed: v4l2.Loopback) -> None:
        if feed.size != self.size:
            raise SinkError(f"The {self.label} came back at {by(feed.size)}, but {by(self.size)} was written before.")

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
