"""Video files, every frame of them, upright and with their own timestamps. The only reader that imports PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from livefill.capture.base import BaseSource
from livefill.errors import EndOfStream, SourceError
from livefill.types import RGB, Frame
from livefill.yuv import BT601, SHARES, to_rgb

# For what `yuv` does not take. swscale's default darkens the picture by more than one level of 255.
EXACT = 0x2 | 0x40000 | 0x2000  # SWS_BILINEAR, _ACCURATE_RND, _FULL_CHR_H_INT: PyAV names them only from 18 on
PLANAR = {"yuv420p", "yuvj420p"}  # what nearly all videos are
FULL = 2  # AVColorRange
NOT_SAID = 2  # AVColorSpace
SLACK = 3  # frames of a promised duration that may be missing before a file counts as cut off


class FileSource(BaseSource):
    """Gives every frame of a video; `Frame.time` is its presentation time in seconds, so a varying rate stays true.

    Where times start over, as in recordings that were joined, they go on from what was shown before.

    Raises `SourceError` at once when the file is missing, empty, no video or not decodable, and from `read()` when it
    breaks off later: the message then says how many frames could be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container, stream = _open(path)
        stream.thread_type = "NONE"
        self.rate = Fraction(stream.average_rate or stream.guessed_rate or 30)
        self.frames = stream.frames
        self._promised = _end_of(stream)
        self._shift = 0.0  # seconds by which times are shifted, as they started over
        self._shown = 0.0  # time of the frame given last
        self._end = 0.0  # seconds: where the last frame given so far stops being shown
        self._seq = 0
        self._reformatter = VideoReformatter()
        self._decoder = self._container.decode(stream)
        try:
            self._ahead: av.VideoFrame | None = self._decode()
        except SourceError:
            self.close()
            raise
        self._stored = (self._ahead.width, self._ahead.height)
        self.size = self._stored[::-1] if _quarter_turns(self._ahead) % 2 else self._stored

    def read(self) -> Frame:
        """Return the next frame."""
        decoded, self._ahead = self._ahead or self._decode(), None
        seq, self._seq = self._seq, self._seq + 1
        shown = self._shift + (decoded.time if decoded.time is not None else float(seq / self.rate))
        if seq and shown <= self._shown:
            self._shift += self._end - shown
            shown = self._end
        self._shown = shown
        self._end = max(self._end, shown + float(_duration(decoded) or 1 / self.rate))
        return Frame(seq, shown, self._upright(decoded))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decode(self) -> av.VideoFrame:
        try:
            return next(self._decoder)
        except StopIteration:
            pass
        except (FFmpegError, OSError) as error:
            raise self._broken(error.strerror or str(error)) from error
        if self._seq == 0:
            raise SourceError(f"{self.path} holds no frame that can be decoded.")
        if self._end < self._promised - SLACK / self.rate:
            raise self._broken(f"{self._end:.1f} of {self._promised:.1f} s")
        raise EndOfStream(f"{self.path} has given its last frame")

    def _broken(self, reason: str) -> SourceError:
        return SourceError(f"{self.path} is damaged or cut off: {self._seq} frames could be read ({reason}).")

    def _upright(self, decoded: av.VideoFrame) -> RGB:
        return np.ascontiguousarray(np.rot90(self._converted(decoded), _quarter_turns(decoded)))

    def _converted(self, decoded: av.VideoFrame) -> RGB:
        width, height = self._stored  # a stream may change its size half-way; the frames that we give do not
        space = BT601 if decoded.colorspace == NOT_SAID else int(decoded.colorspace)
        whole = (decoded.width, decoded.height) == self._stored and not width % 2 and not height % 2
        if whole and decoded.format.name in PLANAR and space in SHARES:
            full = decoded.format.name == "yuvj420p" or decoded.color_range == FULL
            return to_rgb(np.asarray(decoded.to_ndarray(), np.uint8), space, full=full)
        converted = self._reformatter.reformat(decoded, width=width, height=height, format="rgb24", interpolation=EXACT)
        return np.asarray(converted.to_ndarray(), np.uint8)


def _open(path: Path) -> tuple[av.container.InputContainer, VideoStream]:
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty: it has no bytes at all.")
        container = av.open(str(path))
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.") from None
    except (FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise SourceError(f"{path} cannot be opened as a video: {reason}. Is it complete, and a video?") from error
    if not container.streams.video:
        others = ", ".join(stream.type for stream in container.streams) or "nothing"
        container.close()
        raise SourceError(f"{path} holds no video, only {others}.")
    return container, container.streams.video[0]


def _end_of(stream: VideoStream) -> float:
    """Return when the stream says that it ends, in seconds; 0 where it does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    try:
        hours, minutes, seconds = map(float, stream.metadata["DURATION"].split(":"))  # Matroska's way
    except (KeyError, ValueError):
        return 0.0
    return hours * 3600 + minutes * 60 + seconds


def _duration(frame: av.VideoFrame) -> Fraction | None:
    return frame.duration * frame.time_base if frame.duration and frame.time_base else None


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make the frame upright."""
    return round(frame.rotation / 90) % 4
