"""A clip of what is shown, into a file, beside the virtual camera."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from platformdirs import user_videos_path

from livefill.errors import SinkError
from livefill.sinks.behind import BehindSink
from livefill.sinks.file import VideoFileSink
from livefill.types import Frame

__all__ = ["Recorder", "clip_path"]


def clip_path(folder: Path | None = None) -> Path:
    """Return a name of now, in the user's folder of videos, which is made where it is missing."""
    folder = folder or user_videos_path()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"the folder {folder} cannot be made: {error.strerror}") from error
    return folder / f"livefill {datetime.now():%Y-%m-%d %H.%M.%S}.mp4"


class Recorder:
    """Writes frames at their own times; one that comes while another is being written is left out, not waited for."""

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        """Open the file; raises `SinkError`."""
        self.path = path
        self._sink = BehindSink(VideoFileSink(path, size, rate, private=True))

    def write(self, frame: Frame) -> None:
        """Add one frame; raises `SinkError`."""
        if not self._sink.busy:
            self._sink.write(frame)

    def close(self) -> None:
        """Finish the file; raises `SinkError`."""
        self._sink.close()
