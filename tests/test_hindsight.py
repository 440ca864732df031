"""Observing a recording in both directions of time."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import synthetic
from footage import Clips, Demo, read, write

from livefill.app import fill_file
from livefill.capture import BaseSource
from livefill.errors import ConfigError, EndOfStream
from livefill.hindsight import BEYOND, CHUNK, Hindsight
from livefill.tracking import NoTracker, ObserverTracker
from livefill.tracks import track_file
from livefill.types import Frame, Points, Track

RATE = 30
SHAPE = (90, 160)
FACE = synthetic.face(center=(80.0, 45.0), width=30.0)


class Recording(BaseSource):
    """So many frames, each of them a picture of its own number."""

    size, rate = (SHAPE[1], SHAPE[0]), Fraction(RATE)

    def __init__(self, frames: int) -> None:
        self.frames, self.read_so_far, self.closed = frames, 0, False

    def read(self) -> Frame:
        if self.read_so_far == self.frames:
            raise EndOfStream
        self.read_so_far += 1
        seq = self.read_so_far - 1
        return Frame(seq, seq / RATE, np.full((*SHAPE, 3), seq, np.uint8))

    def close(self) -> None:
        self.closed = True


class Lagging:
    """Sees a face that goes to the right by two pixels a frame, and in every frame stays behind by half of the way."""

    def __init__(self, shift: float = 2.0, *, lag: float = 0.5) -> None:
        self.shift, self.lag, self.x = shift, lag, None
        self.hidden: set[int] = set()  # frames in which nothing is seen
        self.strangers: set[int] = set()
        self.blind_backwards = self.blind_forwards = False
        self.last, self.backwards, self.stranger = -1.0, False, False

    def branch(self) -> Lagging:
        other = copy(self)
        other.backwards = True
        return other

    def where(self, seq: int) -> float:
        return self.shift * seq

    def track(self, frame: Frame) -> Track | None:
        assert frame.time > self.last, "time goes on, whichever way the frames are played"
        self.last = frame.time
        seq = int(frame.image[0, 0, 0])
        self.stranger = seq in self.strangers
        if self.stranger or seq in self.hidden or (self.blind_backwards if self.backwards else self.blind_forwards):
            self.x = None
            return None
        there = self.where(seq)
        self.x = there if self.x is None else there + self.lag * (self.x - there)
        mask = np.zeros(SHAPE, np.float32)
        mask[10:20, 100:110] = 0.25 if self.backwards else 0.75
        return Track(at(self.x), mask, 0.6 if self.backwards else 0.8)

    def close(self) -> None:
        """Nothing is held."""


def at(x: float) -> Points:
    return np.asarray(FACE + np.float32([x, 0]), np.float32)


def seen(frames: int, tracker: Lagging | None = None) -> list[Track | None]:
    source = Hindsight(Recording(frames))
    seer = source.of(tracker or Lagging())
    return [seer.track(frame) for frame in source]


@pytest.mark.parametrize("frames", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + BEYOND, CHUNK + BEYOND + 1, 2 * CHUNK + 3, 137])
def test_every_frame_comes_once_in_order_and_as_it_was(frames: int) -> None:
    source = Hindsight(Recording(frames))
    source.of(Lagging())
    given = list(source)
    assert [frame.seq for frame in given] == list(range(frames))
    assert all(frame.time == frame.seq / RATE and frame.image[0, 0, 0] == frame.seq for frame in given)
    with pytest.raises(EndOfStream):
        source.read()


def test_only_a_window_is_held_however_long_the_recording() -> None:
    recording = Recording(200)
    source = Hindsight(recording)
    source.of(Lagging())
    for count in range(1, 201):
        source.read()
        assert recording.read_so_far - count < CHUNK + BEYOND


def test_what_lags_behind_in_one_direction_and_in_the_other_is_in_place_in_the_mean() -> None:
    tracks = seen(90)
    for seq in range(10, 80):
        track = tracks[seq]
        assert track is not None
        assert track.landmarks[:, 0] - FACE[:, 0] == pytest.approx(2.0 * seq, abs=0.05), f"frame {seq}"


def test_mask_and_score_are_the_means() -> None:
    track = seen(5)[2]
    assert track is not None
    assert track.score == pytest.approx(0.7)
    assert track.occluder.shape == SHAPE
    assert track.occluder[12, 105] == pytest.approx(0.5, abs=0.01)
    assert track.occluder[30, 30] == 0


@pytest.mark.parametrize("blind", ["blind_forwards", "blind_backwards"])
def test_what_one_direction_does_not_see_the_other_may(blind: str) -> None:
    tracker = Lagging(shift=0.0)
    setattr(tracker, blind, True)
    tracks = seen(40, tracker)
    assert all(track is not None for track in tracks)
    assert tracks[20].occluder[12, 105] == pytest.approx(0.25 if blind == "blind_forwards" else 0.75, abs=0.01)  # type: ignore[union-attr]


def test_where_neither_sees_it_nothing_is_said_and_the_rest_is_as_it_was() -> None:
    tracker = Lagging(shift=0.0)
    tracker.hidden = {10, 11}
    tracks = seen(20, tracker)
    assert [seq for seq, track in enumerate(tracks) if track is None] == [10, 11]


def test_of_a_stranger_is_told_in_the_frames_that_show_one() -> None:
    tracker = Lagging()
    tracker.strangers = {3, 4}
    source = Hindsight(Recording(8))
    seer = source.of(tracker)
    told = []
    for frame in source:
        seer.track(frame)
        told.append(seer.stranger)
    assert told == [seq in tracker.strangers for seq in range(8)]


def test_who_is_recognised_in_one_direction_is_no_stranger() -> None:
    class Doubtful(Lagging):
        def track(self, frame: Frame) -> Track | None:
            self.strangers = set() if self.backwards else {2}
            return super().track(frame)

    source = Hindsight(Recording(5))
    seer = source.of(Doubtful())
    for frame in source:
        assert seer.track(frame) is not None
        assert not seer.stranger


def test_nothing_is_steadied_across_a_cut() -> None:
    class Cut(Lagging):
        def where(self, seq: int) -> float:
            return 0.0 if seq < 20 else 60.0

    places = [float((track.landmarks - FACE)[:, 0].mean()) for track in seen(40, Cut(lag=0.0)) if track is not None]
    assert places == pytest.approx([0.0] * 20 + [60.0] * 20, abs=1e-3)


def test_where_the_directions_mean_different_faces_the_surer_one_is_believed() -> None:
    class Elsewhere(Lagging):
        def where(self, seq: int) -> float:
            return 40.0 if self.backwards else 0.0

    track = seen(20, Elsewhere(lag=0.0))[10]
    assert track is not None
    assert float((track.landmarks - FACE)[:, 0].mean()) == pytest.approx(0.0, abs=1e-3)


def test_noise_is_steadied_and_a_real_motion_is_not_lost() -> None:
    class Shaking(Lagging):
        def where(self, seq: int) -> float:
            return (12.0 if 75 <= seq < 78 else 0.0) + 0.1 * (-1) ** seq

    places = np.array([float((t.landmarks - FACE)[:, 0].mean()) for t in seen(100, Shaking(lag=0.0)) if t is not None])
    assert np.abs(places[5:65]).max() < 0.03, "also where one window ends and the next begins"
    assert places[76] > 11


def test_a_track_is_asked_for_in_the_order_of_reading() -> None:
    source = Hindsight(Recording(5))
    seer = source.of(Lagging())
    first, second = source.read(), source.read()
    seer.track(second)
    with pytest.raises(ValueError, match="frame 0 was not read here"):
        seer.track(first)


def test_a_tracker_that_cannot_go_back_is_refused_and_closed() -> None:
    class Other(NoTracker):
        closed = False

        def close(self) -> None:
            self.closed = True

    other = Other()
    with pytest.raises(ConfigError, match="--offline"):
        Hindsight(Recording(1)).of(other)
    assert other.closed


def test_closing_closes_the_recording() -> None:
    recording = Recording(3)
    with Hindsight(recording) as source:
        source.of(Lagging())
    assert recording.closed


# --- with the networks that ship -----------------------------------------------------------------------------------


def test_what_a_branch_sees_changes_nothing_for_the_tracker_that_it_left(demo: Demo) -> None:
    frames = demo.frames(start=0.4, count=8)
    alone, left = ObserverTracker(demo.profile), ObserverTracker(demo.profile)
    for frame in frames[:4]:
        alone.track(frame)
        left.track(frame)
    branch = left.branch()
    for step, frame in enumerate(reversed(frames[:4])):
        branch.track(Frame(step, frames[3].time + 0.05 * (step + 1), frame.image))
    for frame in frames[4:]:
        one, other = alone.track(frame), left.track(frame)
        assert one is not None
        assert other is not None
        assert np.array_equal(one.landmarks, other.landmarks)
        assert np.array_equal(one.occluder, other.occluder)


def test_a_video_is_filled_with_hindsight(tmp_path: Path, clips: Clips, demo: Demo) -> None:
    ahead, live = tmp_path / "ahead.mp4", tmp_path / "live.mp4"
    done = fill_file(clips.hand, ahead, demo.profile, offline=True)
    before = fill_file(clips.hand, live, demo.profile)
    assert done.frames == before.frames == len(read(ahead)) == len(read(clips.hand))
    assert done.filled >= before.filled > 0
    assert done.lost <= before.lost
    differences = [
        np.abs(one.image.astype(int) - two.image).mean() for one, two in zip(read(ahead), read(live), strict=True)
    ]
    assert 0 < max(differences) < 4, "not the same fill, and not another picture"


def test_a_video_of_masks_goes_with_its_frames(tmp_path: Path, clips: Clips, demo: Demo) -> None:
    masks = [synthetic.block(read(clips.clean, 1)[0].image.shape[:2], (60, 60, 120, 120))] * 4
    pictures = [np.repeat((mask[..., None] * 255).astype(np.uint8), 3, 2) for mask in masks]
    black = [np.zeros_like(pictures[0])] * 5
    video = write(tmp_path / "masks.mp4", [*black, *pictures])
    done = fill_file(clips.clean, tmp_path / "out.mp4", demo.profile, mask=video, offline=True)
    assert (done.frames, done.filled) == (9, 4)


def test_tracks_are_written_with_hindsight(tmp_path: Path, clips: Clips, demo: Demo) -> None:
    assert track_file(clips.hand, tmp_path / "a.npz", demo.profile, offline=True) == 12
    track_file(clips.hand, tmp_path / "b.npz", demo.profile)
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        apart = np.linalg.norm(one["points"] - other["points"], axis=-1)
        assert one["mask"].shape == other["mask"].shape
    assert 0 < apart.max() < 8
