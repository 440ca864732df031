"""Sources of frames: cameras, video files, pictures and a test pattern, all behind one `open_source`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from livefill.capture.ahead import AheadSource
from livefill.capture.base import BaseSource
from livefill.capture.camera import CameraSource
from livefill.capture.cameras import Camera, list_cameras
from livefill.capture.images import ImageSource
from livefill.capture.live import LiveSource
from livefill.capture.ondemand import OnDemandSource
from livefill.capture.pattern import PatternSource
from livefill.capture.video import FileSource
from livefill.errors import CameraAway, SourceError

__all__ = [
    "AheadSource",
    "BaseSource",
    "Camera",
    "CameraAway",
    "CameraSource",
    "FileSource",
    "ImageSource",
    "LiveSource",
    "OnDemandSource",
    "PatternSource",
    "check_source",
    "is_camera",
    "list_cameras",
    "open_source",
]

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def is_camera(spec: str) -> bool:
    """Tell whether `spec` names a camera ("0", "/dev/video0") rather than a file."""
    return spec.isdecimal() or spec.startswith("/dev/")


def check_source(spec: str) -> None:
    """Raise `SourceError` for what can be no source: a file that is not there. No camera is looked for."""
    if not is_camera(spec) and spec != "synthetic" and not Path(spec).expanduser().exists():
        raise SourceError(
            f"There is no file {spec}. Give a video, a picture, a folder of pictures, `synthetic`, "
            "or a camera (0, 1, /dev/video0; `livefill devices` lists them)."
        )


def open_source(
    spec: str,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    live: bool,
    loop: bool = False,
) -> BaseSource:
    """Open a camera ("0", "/dev/video0"), a video, a picture, a folder of pictures, or "synthetic".

    `size` (width, height) and `fps` are wishes to a camera and the law of the synthetic source; `fps` is the rate of
    pictures; a video has its own. With `live`, what is not a camera plays in real time like one, `loop` for ever, and
    the newest frame wins; without it every frame is given, once. Raises `SourceError` when it cannot be opened.
    """
    if is_camera(spec):
        if not live:
            raise SourceError(f"{spec} is a camera and never ends; give a video file, or use the live command.")
        return CameraSource(spec, size=size, fps=fps)
    if spec == "synthetic":
        pattern = PatternSource(size or (640, 480), fps or 30)
        return LiveSource(lambda: pattern) if live else pattern
    check_source(spec)
    opener = _opener(Path(spec).expanduser(), fps or 30)
    return LiveSource(opener, loop=loop) if live else opener()


def _opener(path: Path, fps: float) -> Callable[[], BaseSource]:
    if path.is_dir() or path.suffix.lower() in PICTURES:
        return lambda: ImageSource(path, fps)
    return lambda: FileSource(path)
