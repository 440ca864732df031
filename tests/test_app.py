from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic
from footage import Clips, Demo, read

from livefill.app import (
    Filled,
    NoFiller,
    calibrate,
    fill_file,
    is_picture,
    open_for_calibration,
    read_mask,
    stages_for,
)
from livefill.backends import BACKENDS
from livefill.calibration import Judgement
from livefill.capture import PICTURES, BaseSource, FileSource, PatternSource
from livefill.errors import BackendError, CalibrationError, ConfigError, SourceError
from livefill.stats import Stats
from livefill.tracking import NoTracker
from livefill.tracking.narrowed import FaceOnly
from livefill.tracks import track_file
from livefill.types import Frame, Patch, Track

# --- masks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_white_is_covered_however_the_mask_is_stored(tmp_path: Path, depth: type, channels: int) -> None:
    drawn = np.zeros((8, 10, channels), depth)
    drawn[2:5, 3:7] = np.iinfo(depth).max
    if channels == 4:
        drawn[..., 3] = np.iinfo(depth).max
    cv2.imwrite(str(tmp_path / "mask.png"), drawn)
    mask = read_mask(tmp_path / "mask.png")
    assert mask.dtype == np.float32
    assert mask == pytest.approx(synthetic.block((8, 10), (3, 2, 7, 5)), abs=1e-3)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_where_there_is_an_alpha_channel_opaque_is_covered(tmp_path: Path, depth: type) -> None:
    drawn = np.zeros((8, 10, 4), depth)
    drawn[2:5, 3:7, 3] = np.iinfo(depth).max
    cv2.imwrite(str(tmp_path / "mask.png"), drawn)
    assert np.array_equal(read_mask(tmp_path / "mask.png"), synthetic.block((8, 10), (3, 2, 7, 5)))


def test_a_mask_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mask.png").mkdir()
    with pytest.raises(ConfigError, match=r"mask\.png cannot be read"):
        read_mask(tmp_path / "mask.png")
    (tmp_path / "other.png").write_bytes(b"damaged")

    def refuse(data: object, flags: int) -> None:
        raise cv2.error("too large")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    with pytest.raises(ConfigError, match=r"other\.png is not a picture"):
        read_mask(tmp_path / "other.png")


def test_every_picture_that_is_a_source_is_one_as_a_mask(tmp_path: Path) -> None:
    assert all(is_picture(tmp_path / f"mask{ending}") for ending in PICTURES)
    cv2.imwrite(str(tmp_path / "mask.tif"), np.full((8, 10), 255, np.uint8))
    assert read_mask(tmp_path / "mask.tif").min() == 1


def test_tracks_that_are_broken_off_leave_nothing(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("livefill.tracks._write_masks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        track_file(clips.nobody, tmp_path / "tracks.npz", None)
    assert list(tmp_path.iterdir()) == []


# --- stages -----------------------------------------------------------------------------------------------------------


def test_without_a_profile_nothing_is_observed_or_filled(black: Frame) -> None:
    stages, spec = stages_for(None)
    assert isinstance(stages.tracker, NoTracker)
    assert isinstance(stages.filler, NoFiller)
    assert stages.filler.fill(black, None) is None
    assert spec.backend in BACKENDS


@pytest.mark.parametrize("profile", [None, synthetic.person()])
def test_what_is_asked_for_in_vain_is_told_with_or_without_a_profile(profile: object, tmp_path: Path) -> None:
    with pytest.raises(BackendError):
        stages_for(profile, backend="quantum")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no mask"):
        stages_for(profile, mask=tmp_path / "absent.png")  # type: ignore[arg-type]


# --- files ------------------------------------------------------------------------------------------------------------


def test_progress_and_stages_are_reported(home: Path, clips: Clips, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    stats = Stats()
    done = fill_file(
        clips.nobody, tmp_path / "out.mp4", None, stats=stats, on_frame=lambda *numbers: told.append(numbers)
    )
    assert done == Filled(frames=6, filled=0, lost=6, strange=0)
    assert told == [(i, 6) for i in range(1, 7)]
    assert list(stats.summary().stages) == ["capture", "observe", "fill", "paste", "sink"]


def test_frames_with_somebody_elses_face_are_counted(home: Path, demo: Demo, clips: Clips, tmp_path: Path) -> None:
    done = fill_file(clips.clean, tmp_path / "out.mp4", synthetic.somebody_else(demo.profile), backend="reference")
    assert done.frames == done.lost == 9
    assert done.strange > 5
    assert done.filled == 0
    own = fill_file(clips.hand, tmp_path / "own.mp4", demo.profile, backend="reference")
    assert own.lost == own.strange == 0
    assert 0 < own.filled <= own.frames == 12


def test_a_mask_that_is_neither_picture_nor_video_says_so(demo: Demo, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("no mask")
    with pytest.raises(ConfigError, match=r"no picture \(.*\.png.*\), and .*notes\.md cannot be opened as a video"):
        stages_for(demo.profile, backend="reference", mask=notes)


class Broken:
    """A filler that fails."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        raise RuntimeError("no memory")

    def close(self) -> None:
        """Nothing is held."""


def test_failed_fill_leaves_nothing_and_an_older_file_as_it_was(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from livefill import app
    from livefill.pipeline import Stages

    monkeypatch.setattr(app, "stages_for", lambda *a, **k: (Stages(NoTracker(), Broken()), None))
    out = tmp_path / "out.mp4"
    out.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="no memory"):
        fill_file(clips.nobody, out, None)
    assert out.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("act", [fill_file, track_file])
def test_input_is_not_its_own_output(clips: Clips, tmp_path: Path, act: object) -> None:
    with pytest.raises(ConfigError, match="input itself"):
        act(clips.nobody, clips.nobody.parent / "." / clips.nobody.name, None)  # type: ignore[operator]


# --- calibration ------------------------------------------------------------------------------------------------------


def test_every_judgement_is_told_with_the_progress(clips: Clips) -> None:
    told: list[tuple[Judgement, float]] = []
    with FileSource(clips.clean) as source:
        profile, kept = calibrate(source, "ada", on_look=lambda *seen: told.append(seen))
    assert profile.name == "ada"
    assert len(told) == 9
    progress = [share for _, share in told]
    assert progress == sorted(progress)
    assert 0 < progress[-1] <= 1
    assert len(kept) == len(profile.references)


class Camera(BaseSource):
    """Shows one picture for ever."""

    live = True

    def __init__(self, image: np.ndarray) -> None:
        self.image, self.seq = image, 0

    def read(self) -> Frame:
        self.seq += 1
        return Frame(self.seq, self.seq / 4, self.image)

    def close(self) -> None:
        """Nothing is held."""


def test_camera_without_a_face_is_given_up_after_the_time_agreed() -> None:
    camera = Camera(np.zeros((120, 160, 3), np.uint8))
    with pytest.raises(CalibrationError, match="no face"):
        calibrate(camera, "ada", seconds=2.0)
    assert camera.seq == 10  # 2 s at four frames a second, and the one after


def test_what_to_calibrate_on(tmp_path: Path, clips: Clips) -> None:
    with open_for_calibration(str(clips.clean), size=(640, 480), fps=30) as source:
        assert not source.live
        assert source.frames == 9
    with pytest.raises(SourceError, match=r"absent\.mp4"):
        open_for_calibration(str(tmp_path / "absent.mp4"), size=(640, 480), fps=30)


def test_no_thread_outlives_its_work(home: Path, clips: Clips, tmp_path: Path) -> None:
    fill_file(clips.nobody, tmp_path / "out.mp4", None)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("livefill")] == []


def test_drawn_pattern_is_read_back(clips: Clips, demo: Demo) -> None:
    first = next(iter(PatternSource((160, 120), 10, 1)))
    assert synthetic.psnr(read(clips.nobody, 1)[0].image, first.image) > 30


# --- what may be filled -----------------------------------------------------------------------------------------------


class OneTrack:
    """Sees a square face, and that its whole picture is covered."""

    def __init__(self) -> None:
        self.closed = False

    def track(self, frame: Frame) -> Track | None:
        if frame.seq:
            return None
        points = np.tile(np.float32([[40, 40], [80, 40], [80, 80], [40, 80]]), (117, 1))
        points[33], points[263] = (50, 50), (70, 50)
        return Track(points, np.ones(frame.image.shape[:2], np.float32), 1.0)

    def close(self) -> None:
        self.closed = True


def test_with_the_face_as_scope_hair_and_neck_stay_as_they_are() -> None:
    inner = OneTrack()
    tracker = FaceOnly(inner)
    frame = Frame(0, 0.0, np.zeros((120, 120, 3), np.uint8))
    track = tracker.track(frame)
    assert track is not None
    assert track.occluder[40:80, 40:80].all()
    assert not track.occluder[:36].any()
    assert not track.occluder[:, 84:].any()
    assert tracker.track(Frame(1, 0.1, frame.image)) is None
    tracker.close()
    assert inner.closed
