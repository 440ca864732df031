from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import RATE, frames, names, timestamps, write

from livefill.capture import FileSource
from livefill.errors import SinkError
from livefill.sinks.file import VideoFileSink


def clip_with_sound(path: Path, seconds: float = 1.0, codec: str = "aac") -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = out.add_stream(codec, rate=48000, layout="mono")
        for frame in frames(int(seconds * RATE)):
            picture = av.VideoFrame.from_ndarray(frame.image, "rgb24")
            picture.pts, picture.time_base = frame.seq, 1 / RATE
            out.mux(video.encode(picture))
        out.mux(video.encode())
        tone = np.sin(np.arange(int(48000 * seconds)) * 0.05).astype(np.float32)
        for start in range(0, len(tone) - 1023, 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
            out.mux(sound.encode(block))
        out.mux(sound.encode())
    return path


def sound_of(path: Path) -> list[tuple[Fraction, Fraction, bytes]]:
    with av.open(str(path)) as container:
        packets = container.demux(audio=0)
        return [(p.pts * p.time_base, p.duration * p.time_base, bytes(p)) for p in packets if p.size]


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_sound_is_copied_bit_by_bit(tmp_path: Path, kind: str) -> None:
    original = clip_with_sound(tmp_path / "in.mp4")
    with FileSource(original) as source:
        copy = tmp_path / f"out.{kind}"
        with VideoFileSink(copy, source.size, source.rate, audio_from=original) as sink:
            for frame in source:
                sink.write(frame)
    assert len(sound_of(original)) > 40
    assert sound_of(copy) == sound_of(original)
    assert timestamps(copy) == timestamps(original)


def test_sound_longer_than_the_picture_is_kept(tmp_path: Path) -> None:
    original = clip_with_sound(tmp_path / "in.mp4")
    assert sound_of(write(tmp_path / "out.mp4", count=3, audio_from=original)) == sound_of(original)


def test_sound_whose_times_start_over_goes_on_with_the_picture(tmp_path: Path) -> None:
    once, joined, copy = clip_with_sound(tmp_path / "once.ts"), tmp_path / "joined.ts", tmp_path / "out.mp4"
    joined.write_bytes(2 * once.read_bytes())
    with FileSource(joined) as source, VideoFileSink(copy, source.size, source.rate, audio_from=joined) as sink:
        for frame in source:
            sink.write(frame)
    sound = sound_of(copy)
    assert len(sound) == 2 * len(sound_of(once))
    begins = [float(begin) for begin, *_ in sound]
    np.testing.assert_allclose(np.diff(begins), 1024 / 48000, atol=0.002)
    assert abs(begins[-1] - float(timestamps(copy)[-1])) < 0.15


def test_a_file_may_be_replaced_by_its_own_copy(tmp_path: Path) -> None:
    path = clip_with_sound(tmp_path / "clip.mp4")
    before = sound_of(path)
    with FileSource(path) as source, VideoFileSink(path, source.size, source.rate, audio_from=path) as sink:
        for frame in source:
            sink.write(frame)
    assert sound_of(path) == before
    assert names(tmp_path) == ["clip.mp4"]


def test_sound_that_cannot_be_read_or_stored_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"The sound of .*nothing\.mp4 cannot be read"):
        write(tmp_path / "out.mp4", audio_from=tmp_path / "nothing.mp4")
    original = clip_with_sound(tmp_path / "in.wav.mkv", codec="wavpack")
    with pytest.raises(SinkError, match=r"out\.mp4 cannot be written.*try \.mkv"):
        write(tmp_path / "out.mp4", audio_from=original)
    assert names(tmp_path) == ["in.wav.mkv"]
