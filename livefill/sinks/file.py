"""Video files: H.264 with the sound of the original, written aside and put in place only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import secrets
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.fit import fit
from livefill.sinks.original import Colours, Original
from livefill.types import Frame
from livefill.yuv import from_rgb

FORMATS = (".mp4", ".mov", ".mkv")
TICKS = 90_000  # per second, at least: fine enough for any camera
# Closer to the original than x264's defaults, which favour what looks good per bit; faster too, for a larger file.
# The offset is for colour, of which skin has little to tell apart: a sixth of the file for half a decibel.
FAITHFUL = {"aq-strength": "0.5", "mbtree": "0", "x264-params": "chroma-qp-offset=-6"}
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_target(path: Path, formats: Sequence[str] = FORMATS) -> None:
    """Raise `SinkError` unless a video, or what else has these `formats`, can be written under this name."""
    if path.suffix.lower() not in formats:
        raise SinkError(f"{path} must end in {' or '.join(filter(None, (', '.join(formats[:-1]), formats[-1])))}")
    if not path.parent.is_dir():
        raise SinkError(f"The folder {path.parent} does not exist: create it first.")


class VideoFileSink(BaseSink):
    """Writes H.264 into `path` (.mp4, .mov, .mkv), which gets that name only once `close` has finished it.

    Frames keep their own times (`Frame.time`, seconds), so a varying rate stays what it was; `rate` only tells the
    encoder what to expect. `size` is (width, height); odd sizes are stored as 4:4:4. `audio_from` is the video that the
    frames come from: its sound is copied untouched, and its colours, pixel shape and clock are taken over. `crf` is
    x264's quality, lower is better; 18 is hard to tell from the original. A `private` file only its owner may read,
    from its first frame on. `abort`, or leaving `with` by an exception, leaves nothing behind, and an older file of
    that name as it was. Raises `SinkError`.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: Fraction | float,
        *,
        crf: int = 18,
        preset: str = "superfast",
        audio_from: Path | None = None,
        private: bool = False,
    ) -> None:
        check_target(path)
        self.path, self.size = path, size
        self.label = f"file {path}"
        self.frames = 0
        self._halved = size[0] % 2 == size[1] % 2 == 0  # whether colour may be stored in half the size
        self._rate = Fraction(rate).limit_denominator(1001)
        self._origin = 0.0 if audio_from else None  # the first frame's time, unless the sound has its own zero
        self._held = contextlib.ExitStack()
        self._original = Original(audio_from) if audio_from else None
        if self._original:
            self._held.callback(self._original.close)
        self._colours = self._original.colours if self._original else Colours()
        self._part = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
        self._last = -(2**62)  # timestamp of the frame before
        self._done = False
        with self._guarded():
            self._output = av.open(str(self._part), "w")
            self._held.callback(self._output.close)
            self._video = self._add_video({"crf": str(crf), "preset": preset, **FAITHFUL})
            if self._original:
                self._original.add_sound(self._output)
            self._output.start_encoding()
            if private:
                with contextlib.suppress(OSError):  # where the disk knows no permissions
                    self._part.chmod(0o600)  # it holds no frame yet

    def write(self, frame: Frame) -> None:
        """Add one frame; one of another size is scaled to fit."""
        if self._done:
            raise SinkError(f"{self.path} was closed already.")
        with self._guarded():
            if self._original:
                self._original.copy_sound(self._output, frame.time)
            self._output.mux(self._video.encode(self._picture(frame)))
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._done:
            return
        if self.frames == 0:
            self.abort()
            raise SinkError(f"No frame came, so {self.path} was not written.")
        with self._guarded():
            if self._original:
                self._original.copy_sound(self._output)
            self._output.mux(self._video.encode())
            self._output.close()
            self._release()
            self._part.replace(self.path)

    def abort(self) -> None:
        """Give up: leave no trace, and an older file of that name as it was."""
        self._release()
        self._part.unlink(missing_ok=True)

    def _add_video(self, options: dict[str, str]) -> VideoStream:
        video: VideoStream = self._output.add_stream("libx264", rate=self._rate, options=options)
        video.width, video.height = self.size
        video.pix_fmt = "yuv420p" if self._halved else "yuv444p"
        context = video.codec_context
        context.thread_count = (
            1  # it runs beside the work on the next frame: more threads would only take turns with that
        )
        context.time_base = video.time_base = self._clock()
        if self._original and self._original.pixel_shape:
            context.sample_aspect_ratio = self._original.pixel_shape
        self._colours.tag(context)
        return video

    def _clock(self) -> Fraction:
        """Return the unit of timestamps: the original's, or one in which the nominal rate is exact."""
        if self._original and self._original.time_base:
            return self._original.time_base
        return Fraction(1, self._rate.numerator * -(-TICKS // self._rate.numerator))

    def _picture(self, frame: Frame) -> av.VideoFrame:
        planes = from_rgb(fit(frame.image, self.size), self._colours.matrix, halved=self._halved)
        picture = av.VideoFrame.from_ndarray(planes, "yuv420p" if self._halved else "yuv444p")
        if self._origin is None:
            self._origin = frame.time
        clock = self._clock()
        # Two frames of one time would end the file for most muxers: the later one moves on by a tick.
        self._last = max(self._last + 1, round((frame.time - self._origin) / clock))
        picture.pts, picture.time_base = self._last, clock
        return picture

    def _release(self) -> None:
        self._done = True
        with contextlib.suppress(FFmpegError, OSError):  # closing writes: after a failure, it fails once more
            self._held.close()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Leave nothing behind whatever goes wrong, and say it in our words."""
        try:
            yield
        except (FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise SinkError(self._failed(error)) from error
        except BaseException:
            self.abort()
            raise

    def _failed(self, error: Exception) -> str:
        code = getattr(error, "errno", None)
        if code in FULL_DISK:
            return f"{self.path} cannot be written, the disk is full: free some space or choose another folder."
        if code in (errno.EACCES, errno.EPERM, errno.EROFS):
            return f"{self.path} cannot be written: you may not write into {self.path.parent}."
        hint = " The sound may not fit into this kind of file: try .mkv." if self._original and not self.frames else ""
        return f"{self.path} cannot be written: {error}.{hint}"
