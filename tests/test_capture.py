from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from livefill.capture import (
    BaseSource,
    FileSource,
    ImageSource,
    LiveSource,
    PatternSource,
    is_camera,
    live,
    open_source,
)
from livefill.capture.pattern import read_number
from livefill.errors import CameraAway, EndOfStream, SourceError
from livefill.sinks.file import VideoFileSink
from livefill.types import Frame


def make_clip(
    path: Path, *, frames: int = 12, size: tuple[int, int] = (192, 64), times: list[float] | None = None
) -> Path:
    """Write a clip of the test pattern; its pictures know their numbers."""
    with VideoFileSink(path, size, 30) as sink:
        for frame in PatternSource(size, 30, frames):
            sink.write(Frame(frame.seq, times[frame.seq] if times else frame.time, frame.image))
    return path


def rotated(path: Path, degrees: int) -> Path:
    """Copy a clip with a note for players to turn it counter-clockwise."""
    out_path = path.with_stem(f"rotated{degrees}")
    with av.open(str(path)) as source, av.open(str(out_path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("PyAV before 18 reads the note, but cannot write it")
        stream.set_display_rotation(degrees)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return out_path


def truncated(path: Path, share: float) -> Path:
    """Copy a clip with its index in front, as for streaming, and cut its end off."""
    whole, cut = path.with_stem("whole"), path.with_stem("cut")
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}  # Matroska has no index that it needs
    with av.open(str(path)) as source, av.open(str(whole), "w", options=options) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])
    return cut


def read_until_it_fails(source: BaseSource) -> tuple[list[Frame], SourceError]:
    seen: list[Frame] = []
    try:
        while True:
            seen.append(source.read())
    except SourceError as error:
        return seen, error


# --- the test pattern -------------------------------------------------------------------------------------------------


def test_pattern_writes_its_number_into_the_pixels_and_ends() -> None:
    frames = list(PatternSource((320, 240), 25, frames=300))
    assert [read_number(frame.image) for frame in frames] == [frame.seq for frame in frames] == list(range(300))
    assert frames[-1].time == pytest.approx(299 / 25)
    assert frames[0].image.shape == (240, 320, 3)


# --- what a spec means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "camera"), [("0", True), ("12", True), ("/dev/video0", True), ("clip.mp4", False), ("synthetic", False)]
)
def test_a_camera_is_told_from_a_file(spec: str, camera: bool) -> None:
    assert is_camera(spec) == camera


def test_a_camera_cannot_be_read_to_its_end() -> None:
    with pytest.raises(SourceError, match="never ends"):
        open_source("0", live=False)


def test_synthetic_takes_size_and_rate() -> None:
    with open_source("synthetic", size=(320, 180), fps=15, live=False) as source:
        assert (source.size, source.rate, source.read().image.shape) == ((320, 180), 15, (180, 320, 3))


def test_a_missing_file_is_named_together_with_what_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file .*nothing\.mp4.*/dev/video0"):
        open_source(str(tmp_path / "nothing.mp4"), live=False)


# --- video files ------------------------------------------------------------------------------------------------------


def test_a_file_gives_every_frame_with_its_own_time(tmp_path: Path) -> None:
    with open_source(str(make_clip(tmp_path / "a.mp4")), live=False) as source:
        assert isinstance(source, FileSource)
        assert (source.size, source.rate, source.frames, source.live) == ((192, 64), 30, 12, False)
        frames = list(source)
        with pytest.raises(EndOfStream):
            source.read()
    assert [read_number(frame.image) for frame in frames] == [frame.seq for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([n / 30 for n in range(12)], abs=1e-9)
    assert all(frame.image.flags.c_contiguous and frame.image.dtype == np.uint8 for frame in frames)


def test_a_varying_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.033, 0.1, 0.11, 0.5, 2.0]
    with FileSource(make_clip(tmp_path / "vfr.mp4", frames=6, times=times)) as source:
        assert [frame.time for frame in source] == pytest.approx(times, abs=1e-4)


def test_times_that_start_over_go_on(tmp_path: Path) -> None:
    once, joined = tmp_path / "once.ts", tmp_path / "joined.ts"
    with av.open(str(make_clip(tmp_path / "clip.mp4"))) as source, av.open(str(once), "w") as out:
        copied = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    joined.write_bytes(2 * once.read_bytes())
    with FileSource(joined) as source:
        times = [frame.time for frame in source]
    assert len(times) == 24
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=0.004)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_video_comes_out_upright(tmp_path: Path, degrees: int) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    with FileSource(clip) as source:
        plain = source.read().image
    with FileSource(rotated(clip, degrees)) as source:
        turned = source.read().image
        assert source.size == turned.shape[1::-1]
    assert np.array_equal(turned, np.rot90(plain, degrees // 90))
    assert turned.flags.c_contiguous


@pytest.mark.parametrize(("kind", "share"), [("mp4", 0.6), ("mkv", 0.9)])
def test_a_file_that_is_cut_off_gives_what_it_has_and_then_says_so(tmp_path: Path, kind: str, share: float) -> None:
    clip = truncated(make_clip(tmp_path / f"a.{kind}", frames=90), share)
    with FileSource(clip) as source:
        seen, error = read_until_it_fails(source)
    assert 20 < len(seen) < 90
    assert f"cut.{kind} is damaged or cut off: {len(seen)} frames could be read" in str(error)
    assert not isinstance(error, EndOfStream)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"this is no video at all", "cannot be opened as a video"),
        ("half.mp4", b"\0\0\0\x20ftypisom" + b"\0" * 400, "cannot be opened as a video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"{name} {message}"):
        open_source(str(tmp_path / name), live=False)


def test_sound_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        out.mux(stream.encode(silence))
        out.mux(stream.encode())
    with pytest.raises(SourceError, match="holds no video, only audio"):
        FileSource(path)


# --- pictures ---------------------------------------------------------------------------------------------------------


def save(path: Path, value: int, size: tuple[int, int] = (32, 24)) -> None:
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), (value, 0, 255), np.uint8))  # blue = value, red = 255


def test_a_folder_of_pictures_comes_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / f"{number}.png", number)
    (tmp_path / "notes.txt").write_text("not a picture")
    with open_source(str(tmp_path), fps=10, live=False) as source:
        frames = list(source)
    assert [int(frame.image[0, 0, 2]) for frame in frames] == [1, 2, 10]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2])
    assert frames[0].image[0, 0, 0] == 255  # RGB
    assert (source.size, source.frames) == ((32, 24), 3)


def test_pictures_of_two_sizes_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "1.png", 1)
    save(tmp_path / "2.png", 1, (64, 24))
    with ImageSource(tmp_path) as source, pytest.raises(SourceError, match=r"2\.png is \(64, 24\)"):
        list(source)


def test_a_folder_without_pictures_and_a_broken_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no picture"):
        open_source(str(tmp_path), live=False)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(SourceError, match=r"broken\.png is not a picture"):
        open_source(str(tmp_path / "broken.png"), live=False)


# --- files played as cameras ------------------------------------------------------------------------------------------


def test_a_file_played_live_takes_its_time_and_then_ends(tmp_path: Path) -> None:
    start = time.monotonic()
    with open_source(str(make_clip(tmp_path / "a.mp4", frames=6)), live=True) as source:
        frames = list(source)
    assert source.live
    assert time.monotonic() - start >= 5 / 30
    assert len(frames) + source.dropped == 6
    assert read_number(frames[-1].image) == 5
    assert all(abs(frame.time - start) < 2 for frame in frames)


def test_live_gives_the_newest_frame_and_counts_what_was_missed() -> None:
    with LiveSource(lambda: PatternSource((192, 64), 400)) as source:
        first = source.read()
        time.sleep(0.05)  # the reader is slow on purpose
        second = source.read()
        assert second.seq - first.seq > 2
        assert source.dropped >= second.seq - first.seq - 1


def test_a_loop_goes_on_with_its_numbers(tmp_path: Path) -> None:
    with LiveSource(lambda: PatternSource((192, 64), 200, frames=2), loop=True) as source:
        seen = [source.read() for _ in range(6)]
    numbers = [frame.seq for frame in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] > 2
    assert {read_number(frame.image) for frame in seen} <= {0, 1}


def test_an_error_while_playing_surfaces_where_it_is_read() -> None:
    class Breaking(PatternSource):
        def read(self) -> Frame:
            if self._next == 2:
                raise SourceError("the disk is gone")
            return super().read()

    with LiveSource(lambda: Breaking((192, 64), 200)) as source:
        _, error = read_until_it_fails(source)
    assert str(error) == "the disk is gone"


def test_a_picture_that_stands_for_long_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slides(PatternSource):
        def read(self) -> Frame:
            frame = super().read()
            return Frame(frame.seq, 60.0 * frame.seq, frame.image)

    monkeypatch.setattr(live, "PATIENCE", 0.05)
    with LiveSource(lambda: Slides((192, 64), 30)) as source:
        source.read()
        with pytest.raises(CameraAway, match="nothing new for another 60 s"):
            source.read()


def test_closing_a_live_source_ends_its_thread_and_may_be_done_twice() -> None:
    source = LiveSource(lambda: PatternSource((192, 64), 1))
    source.read()
    source.close()
    source.close()
    assert not any(thread.name == "livefill-play" for thread in threading.enumerate())
    with pytest.raises(EndOfStream):
        source.read()


def test_rates_are_exact_fractions() -> None:
    assert PatternSource(fps=30000 / 1001).rate == Fraction(30000, 1001)
