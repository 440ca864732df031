"""Sinks for frames: a virtual camera, a video file, a preview window, or nothing, behind one `open_sink`.

Each implementation is imported only when it is asked for.
"""

from __future__ import annotations

import platform
from fractions import Fraction
from pathlib import Path

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink

__all__ = ["BaseSink", "check_sink", "is_virtual_camera", "open_sink"]

KINDS = "auto, virtualcam, virtualcam:/dev/video10, pipewire, pyvirtualcam, window, file:OUT.mp4 or none"

CAMERAS = {"auto", "virtualcam", "pyvirtualcam", "pipewire"}


def is_virtual_camera(spec: str) -> bool:
    """Tell whether a sink is one that applications choose as a camera, and that has to be fed all the time."""
    return spec.partition(":")[0] in CAMERAS


def check_sink(spec: str) -> None:
    """Raise `SinkError` for what can be no sink: an unknown kind, or a file that cannot be written as a video."""
    kind, _, argument = spec.partition(":")
    if kind == "file" and argument:
        from livefill.sinks.file import check_target

        check_target(Path(argument).expanduser())
    elif kind not in {*CAMERAS, "window", "none"}:
        raise SinkError(f"There is no sink {spec!r}: choose {KINDS}.")


def open_sink(
    spec: str,
    *,
    size: tuple[int, int],
    rate: Fraction | float,
    audio_from: Path | None = None,
) -> BaseSink:
    """Open `auto`, `virtualcam`, `virtualcam:DEVICE`, `pipewire`, `window`, `file:OUT.mp4` or `none`.

    `size` is (width, height) in pixels, `rate` frames per second. `audio_from` is for files: the video that the frames
    come from, whose sound and colour tags the new file takes over. `auto` is the virtual camera: where there is none
    the error says how to get one, it never falls back in silence. `pyvirtualcam` writes through that library on Linux,
    too. Raises `SinkError`.
    """
    check_sink(spec)
    kind, _, argument = spec.partition(":")
    if kind in ("auto", "virtualcam") and platform.system() == "Linux":
        from livefill.sinks.v4l2 import LoopbackSink

        return LoopbackSink(size, float(rate), device=argument or None)
    if kind in ("auto", "virtualcam", "pyvirtualcam"):
        from livefill.sinks.virtualcam import VirtualCameraSink

        return VirtualCameraSink(size, float(rate), device=argument or None)
    if kind == "pipewire":
        if platform.system() != "Linux":
            raise SinkError("PipeWire is a part of Linux: choose `virtualcam`.")
        from livefill.sinks.pipewire import PipeWireSink

        return PipeWireSink(size, float(rate))
    if kind == "file":
        from livefill.sinks.file import VideoFileSink

        return VideoFileSink(Path(argument).expanduser(), size, rate, audio_from=audio_from)
    if kind == "window":
        from livefill.sinks.window import WindowSink

        return WindowSink()
    from livefill.sinks.null import NullSink

    return NullSink()
