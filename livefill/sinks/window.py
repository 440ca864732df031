"""A preview window. Mirrored, as people expect to see themselves; every other sink is not."""

from __future__ import annotations

import os
import platform

import cv2
import numpy as np

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.types import Frame

QUIT = {ord("q"), ord("Q"), 27}  # 27: Esc


class SinkClosed(SinkError):
    """The user closed the window: a wish to end, not a fault."""


class WindowSink(BaseSink):
    """Shows frames with OpenCV. Use it from one thread only, on macOS from the main thread."""

    def __init__(self, title: str = "livefill") -> None:
        # Without a display Qt ends the whole process, so it must not even be tried.
        if platform.system() == "Linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise SinkError("There is no display for a window: run inside a desktop session, or choose another sink.")
        self.label = f"window {title!r}"
        self._title = title
        self._open = False

    def write(self, frame: Frame) -> None:
        """Show the frame; `SinkClosed` after q, Esc or a click on the window's cross."""
        try:
            self._show(frame)
        except cv2.error as error:
            raise SinkError(
                "OpenCV cannot open a window here; opencv-python-headless has none: "
                f"`pip install opencv-contrib-python`, or choose another sink. ({error.err or error})"
            ) from error

    def close(self) -> None:
        """Take the window away."""
        if self._open:
            self._open = False
            cv2.destroyWindow(self._title)

    def _show(self, frame: Frame) -> None:
        if self._open and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            self._open = False
            raise SinkClosed("The preview window was closed.")
        cv2.imshow(self._title, np.ascontiguousarray(frame.image[:, ::-1, ::-1]))  # mirrored, and RGB to BGR
        self._open = True
        if cv2.pollKey() & 0xFF in QUIT:
            raise SinkClosed("The preview window was closed with a key.")
