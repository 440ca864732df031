from __future__ import annotations

import errno
import resource
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from clips import RATE, frames, names, timestamps, write

from livefill.capture import FileSource
from livefill.errors import SinkError
from livefill.sinks import file as sinks_file
from livefill.sinks.file import VideoFileSink
from livefill.types import RGB, Frame


def psnr(a: RGB, b: RGB) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(np.float64) - b) ** 2))))


# --- in place only when whole -----------------------------------------------------------------------------------------


def test_the_file_appears_only_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = VideoFileSink(path, (96, 64), RATE)
    for frame in frames():
        sink.write(frame)
    assert not path.exists()
    sink.close()
    sink.close()
    assert names(tmp_path) == ["out.mp4"]
    assert sink.frames == 5
    with pytest.raises(SinkError, match="closed already"):
        sink.write(next(frames()))


def fail_while_writing(path: Path, error: BaseException) -> None:
    with VideoFileSink(path, (96, 64), RATE) as sink:
        sink.write(next(frames()))
        raise error


@pytest.mark.parametrize("error", [RuntimeError("model"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing_and_keeps_the_older_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("older")
    with pytest.raises(type(error)):
        fail_while_writing(path, error)
    assert names(tmp_path) == ["out.mp4"]
    assert path.read_text() == "older"


def test_a_video_without_frames_is_no_video(tmp_path: Path) -> None:
    sink = VideoFileSink(tmp_path / "out.mp4", (96, 64), RATE)
    with pytest.raises(SinkError, match="No frame came"):
        sink.close()
    assert names(tmp_path) == []


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # the system refuses to write more into one file
    try:
        with pytest.raises(SinkError, match=r"out\.mp4 cannot be written, the disk is full"):
            write_noise(tmp_path / "out.mp4", noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def write_noise(path: Path, noise: np.random.Generator) -> None:
    with VideoFileSink(path, (96, 64), RATE) as sink:
        for frame in frames(60):
            sink.write(Frame(frame.seq, frame.time, noise.integers(0, 255, (64, 96, 3), np.uint8)))


def test_the_name_and_the_folder_must_make_sense(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"must end in \.mp4, \.mov or \.mkv"):
        VideoFileSink(tmp_path / "out.avi", (96, 64), RATE)
    with pytest.raises(SinkError, match=r"folder .* does not exist"):
        VideoFileSink(tmp_path / "missing" / "out.mp4", (96, 64), RATE)


def test_a_failing_rename_is_reported_and_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "refused")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(SinkError, match="you may not write into"):
        write(tmp_path / "out.mp4")
    assert names(tmp_path) == []


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_a_constant_rate_stays_exact(tmp_path: Path, rate: Fraction) -> None:
    path = tmp_path / "out.mp4"
    with VideoFileSink(path, (96, 64), rate) as sink:
        for frame in frames(40, rate=rate):
            sink.write(frame)
    assert timestamps(path) == [n / rate for n in range(40)]
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == rate


def test_a_varying_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.02, 0.1, 0.5, 0.51, 2.25]
    path = tmp_path / "out.mkv"
    with VideoFileSink(path, (96, 64), 30) as sink:
        for frame, time in zip(frames(6), times, strict=True):
            sink.write(Frame(frame.seq, time, frame.image))
    assert [float(stamp) for stamp in timestamps(path)] == pytest.approx(times, abs=1e-3)


def test_a_cameras_clock_begins_at_zero_and_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoFileSink(path, (96, 64), 30) as sink:
        for frame, time in zip(frames(3), (5000.0, 5000.0, 4999.0), strict=True):
            sink.write(Frame(frame.seq, time, frame.image))
    stamps = timestamps(path)
    assert stamps[0] == 0
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < 0.001


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(96, 64), (97, 64), (96, 65), (97, 65)])
def test_the_size_is_kept_even_when_it_is_odd(tmp_path: Path, size: tuple[int, int]) -> None:
    with FileSource(write(tmp_path / "out.mp4", size=size)) as source:
        copies = list(source)
    assert source.size == size
    assert all(psnr(a.image, b.image) > 30 for a, b in zip(copies, frames(5, size), strict=True))


def test_a_frame_of_another_size_is_fitted(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoFileSink(path, (96, 64), RATE) as sink:
        sink.write(Frame(0, 0.0, np.full((64, 64, 3), 200, np.uint8)))
    with FileSource(path) as source:
        image = source.read().image
    assert image[32, 48].mean() > 190
    assert image[32, 4].mean() < 10


def smooth_colours() -> RGB:
    """Return a picture of saturated colours that change too slowly for the 4:2:0 subsampling to matter."""
    x = np.linspace(0, 2 * np.pi, 128)[None, :, None]
    brightness = np.linspace(0.4, 1, 96)[:, None, None]
    image = brightness * (127.5 + 100 * np.sin(x + np.array([0.0, 2.1, 4.2])))
    return np.asarray(image.astype(np.uint8))


def tagged_clip(path: Path, space: int, levels: int) -> Path:
    """Write a clip with PyAV alone, converted with the very matrix and range that its tags name."""
    matrix = Colorspace.ITU709 if space == 1 else Colorspace.ITU601
    picture = av.VideoFrame.from_ndarray(smooth_colours(), "rgb24").reformat(
        format="yuv420p", dst_colorspace=matrix, dst_color_range=ColorRange.JPEG if levels == 2 else ColorRange.MPEG
    )
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "1"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = space, levels
        context.color_primaries = context.color_trc = 1 if space == 1 else 2
        for n in range(3):
            picture.pts, picture.time_base = n, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return path


def tags(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.colorspace, context.color_range, context.color_primaries, context.color_trc


@pytest.mark.parametrize(
    ("space", "levels"),
    [(1, 1), (1, 2), (6, 1), (5, 2), (2, 0)],
    ids=["709", "709-full", "601", "601-full", "untagged"],
)
def test_colours_and_their_tags_survive(tmp_path: Path, space: int, levels: int) -> None:
    original = tagged_clip(tmp_path / "in.mp4", space, levels)
    copy = tmp_path / "out.mp4"
    with (
        FileSource(original) as source,
        VideoFileSink(copy, source.size, source.rate, crf=1, audio_from=original) as sink,
    ):
        read = list(source)
        for frame in read:
            sink.write(frame)
    with FileSource(copy) as source:
        again = list(source)
    assert psnr(read[0].image, smooth_colours()) > 38  # what is read are the colours that were meant
    for before, after in zip(read, again, strict=True):
        shift = after.image.astype(float).mean(axis=(0, 1)) - before.image.mean(axis=(0, 1))
        assert np.abs(shift).max() < 0.2, shift  # levels out of 255, per channel
        assert psnr(before.image, after.image) > 40
    assert tags(copy) == tuple(1 if index == 1 and tag == 2 else tag for index, tag in enumerate(tags(original)))


def test_without_an_original_the_colours_are_tagged_as_bt709(tmp_path: Path) -> None:
    assert tags(write(tmp_path / "out.mp4")) == (1, 1, 1, 1)


def test_colours_of_one_brightness_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skin is such: a copy must be a good deal nearer to it than one by x264's own rules."""
    coarse = np.random.default_rng(0).normal(0, 12, (12, 16, 2)).astype(np.float32)
    ycrcb = np.full((96, 128, 3), 128, np.uint8)
    ycrcb[..., 1:] = np.clip(128 + cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC), 0, 255)
    image = np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), np.uint8)

    def copied(name: str) -> float:
        with VideoFileSink(tmp_path / name, (128, 96), RATE) as sink:
            sink.write(Frame(0, 0.0, image))
        with FileSource(tmp_path / name) as source:
            return psnr(next(iter(source)).image, image)

    faithful = copied("faithful.mp4")
    monkeypatch.setattr(sinks_file, "FAITHFUL", {})
    assert faithful > copied("plain.mp4") + 0.5


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    original = tmp_path / "in.mp4"
    with av.open(str(original), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 96, 3), np.uint8), "rgb24")))
        out.mux(stream.encode())
    copy = write(tmp_path / "out.mp4", audio_from=original)
    with av.open(str(copy)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
