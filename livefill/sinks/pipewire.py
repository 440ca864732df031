"""A virtual camera without a driver: a node of PipeWire, which Firefox and, asked to, Chromium list as a camera.

For machines where no module can be loaded: Secure Boot, immutable systems, no rights. Applications that know only
V4L2 (Zoom, Teams) do not see it.
"""

from __future__ import annotations

from livefill.errors import SinkError
from livefill.pipewire import CameraNode, missing, socket_path
from livefill.sinks.remedy import PIPEWIRE
from livefill.sinks.returning import Gone, ReturningSink
from livefill.types import Frame

__all__ = ["PipeWireSink"]


class PipeWireSink(ReturningSink[CameraNode]):
    """Feeds a camera node called livefill; when PipeWire is restarted, the node is made anew.

    Raises `SinkError` with what to do.
    """

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self.size = size[0] // 2 * 2, size[1] // 2 * 2  # 4:2:0 pictures are even
        self._fps = fps
        self.label = "PipeWire camera livefill"
        lacks = missing()
        if lacks:
            raise SinkError(f"A PipeWire camera needs {' and '.join(lacks)}. {PIPEWIRE}")
        super().__init__(self._opened())

    def _opened(self) -> CameraNode:
        if socket_path() is None:
            raise SinkError("PipeWire does not run for this user. Start it: `systemctl --user start pipewire`.")
        try:
            return CameraNode(self.size, self._fps, name="livefill")
        except OSError as error:
            raise SinkError(
                f"PipeWire gives no camera: {error}. Is a session manager (wireplumber) running?"
            ) from error

    def _put(self, feed: CameraNode, frame: Frame) -> None:
        try:
            feed.write(self._encoded(frame.image, "YU12"))
        except OSError as error:
            raise Gone(str(error)) from error
