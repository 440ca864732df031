"""What a new video file takes over from the one that its frames come from: sound, colours, pixel shape and clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

from livefill.errors import SinkError
from livefill.yuv import BT601, BT709, SHARES

NOT_SAID, LIMITED = 0, 1  # AVColorRange
KNOWN = {1, 2, 4, 5, 6, 7, 9}  # AVColorSpace values that can be written as they are; 2 is "not said"


@dataclass(frozen=True, slots=True)
class Colours:
    """How RGB becomes YUV, in FFmpeg's numbers: what is converted and what is tagged are one thing."""

    space: int = BT709  # AVColorSpace
    primaries: int = 1
    transfer: int = 1
    # Never full range, even where the original has it: not every player knows it.
    range: int = LIMITED

    @property
    def matrix(self) -> int:
        """The matrix to convert with; where nothing is said, every reader takes BT.601, and so do we."""
        return self.space if self.space in SHARES else BT601

    def tag(self, context: VideoCodecContext) -> None:
        """Write the tags into an encoder."""
        context.colorspace, context.color_range = self.space, self.range
        context.color_primaries, context.color_trc = self.primaries, self.transfer


class Original:
    """An open video file whose properties and sound go into another one."""

    def __init__(self, path: Path) -> None:
        try:
            self._container = av.open(str(path))
        except (FFmpegError, OSError) as error:
            raise SinkError(f"The sound of {path} cannot be read: {error.strerror or error}.") from error
        video = self._container.streams.video[0]
        context = video.codec_context
        self.colours = Colours()
        if context.colorspace in KNOWN:
            levels = NOT_SAID if context.color_range == NOT_SAID else LIMITED
            self.colours = Colours(context.colorspace, context.color_primaries, context.color_trc, levels)
        self.pixel_shape: Fraction | None = context.sample_aspect_ratio
        self.time_base: Fraction | None = video.time_base
        self._targets: dict[int, Stream] = {}  # by the index of the stream that is copied
        self._packets: Iterator[Packet[Any]] = iter(())
        self._ahead: Packet[Any] | None = None
        self._clocks: dict[int, _Clock] = {}  # by the same index

    def add_sound(self, output: OutputContainer) -> None:
        """Declare every sound track in `output`."""
        tracks = self._container.streams.audio
        for track in tracks:
            self._targets[track.index] = output.add_stream_from_template(track)
        self._packets = self._container.demux(tracks) if tracks else iter(())

    def copy_sound(self, output: OutputContainer, until: float = float("inf")) -> None:
        """Copy the packets that begin before `until` seconds, as they are."""
        while (packet := self._ahead or self._next()) is not None:
            if packet.pts is not None and packet.pts * packet.time_base > until:
                self._ahead = packet
                return
            self._ahead = None
            packet.stream = self._targets[packet.stream.index]
            output.mux(packet)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _next(self) -> Packet[Any] | None:
        # PyAV ends every track with an empty packet that flushes decoders; it is not part of the file.
        packet = next((packet for packet in self._packets if packet.size), None)
        if packet is not None and packet.pts is not None:
            self._clocks.setdefault(packet.stream.index, _Clock()).set(packet)
        return packet


class _Clock:
    """Lets a track's times go on where they start over, as `FileSource` does the picture's."""

    def __init__(self) -> None:
        self._shift, self._last, self._end = 0, -(2**62), 0

    def set(self, packet: Packet[Any]) -> None:
        pts, dts = packet.pts, packet.dts
        assert pts is not None
        if pts + self._shift <= self._last:
            self._shift = self._end - pts
        packet.pts = self._last = pts + self._shift
        packet.dts = None if dts is None else dts + self._shift
        self._end = packet.pts + (packet.duration or 1)
