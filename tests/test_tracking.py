"""What the trackers see in the bundled clip; on few frames, because each takes a twentieth of a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from footage import Demo, small

from livefill.backends import open_session
from livefill.composite import paste
from livefill.errors import TrackerError
from livefill.filler import Filler
from livefill.geometry import eye_distance, face_hull, fill_polygon
from livefill.profile import Profile, Reference
from livefill.tracking import NoTracker, open_tracker
from livefill.types import RGB, Frame, Track, Tracker


@pytest.fixture(scope="module", params=["observer", "mediapipe"])
def name(request: pytest.FixtureRequest) -> str:
    """Every tracker that knows whom it looks at."""
    if request.param == "mediapipe":
        pytest.importorskip("mediapipe", reason="the extra mediapipe is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def person(demo: Demo) -> Profile:
    """The bundled person at half the size."""
    halved = tuple(
        Reference(small(one.image), ((one.points + 0.5) / 2 - 0.5).astype(np.float32), one.depth / 2)
        for one in demo.profile.references
    )
    return Profile("demo", halved)


def halved(frames: list[Frame], *, rate: float) -> list[Frame]:
    return [Frame(i, i / rate, small(frame.image)) for i, frame in enumerate(frames)]


@dataclass(frozen=True)
class Seen:
    """One frame, what was observed, and what was shown."""

    frame: Frame
    track: Track | None
    shown: RGB


def watch(name: str, person: Profile, frames: list[Frame]) -> list[Seen]:
    tracker, filler = open_tracker(name, person), Filler(person, open_session())
    seen = []
    try:
        for frame in frames:
            track = tracker.track(frame)
            seen.append(Seen(frame, track, paste(frame, filler.fill(frame, track)).image))
    finally:
        tracker.close()
    return seen


def on_face(track: Track) -> float:
    """Share of the face that is covered."""
    face = fill_polygon(track.occluder.shape, face_hull(track.landmarks)) > 0
    return float(track.occluder[face].mean())


@pytest.fixture(scope="module")
def clean(name: str, demo: Demo, person: Profile) -> list[Seen]:
    return watch(name, person, halved(demo.clean(36)[::2], rate=15))


@pytest.fixture(scope="module")
def passing_hand(name: str, demo: Demo, person: Profile) -> list[Seen]:
    """A hand comes in, covers the face, and goes."""
    return watch(name, person, halved(demo.frames(every=3), rate=10))


# --- with a profile ---------------------------------------------------------------------------------------------------


def test_on_clean_video_nothing_is_invented(clean: list[Seen]) -> None:
    assert all(one.track is not None for one in clean)
    untouched = [np.array_equal(one.shown, one.frame.image) for one in clean]
    assert sum(untouched) >= 0.9 * len(untouched)
    assert all(one.track is None or one.track.score > 0.6 for one in clean)


def test_landmarks_lie_on_the_face_and_move_smoothly(clean: list[Seen]) -> None:
    points = np.stack([one.track.landmarks for one in clean if one.track is not None])
    assert points.shape[1:] == (468, 2)
    assert points.dtype == np.float32
    steps = np.linalg.norm(np.diff(points, axis=0), axis=2) / eye_distance(points[0])
    assert steps.mean(axis=1).max() < 0.2


def test_hand_is_marked_while_it_is_there(passing_hand: list[Seen]) -> None:
    count = len(passing_hand)
    for one in passing_hand[: count // 8] + passing_hand[-count // 12 :]:
        assert one.track is not None
        assert not one.track.occluder.any()
    for one in passing_hand[count // 3 : 2 * count // 3]:
        assert one.track is not None
        assert one.track.occluder.shape == one.frame.image.shape[:2]
        assert 0 <= one.track.occluder.min() <= one.track.occluder.max() <= 1
        assert 0.05 < on_face(one.track) < 0.95


def test_what_is_not_marked_is_not_changed(passing_hand: list[Seen]) -> None:
    for one in passing_hand:
        if one.track is None or not one.track.occluder.any():
            assert np.array_equal(one.shown, one.frame.image)
        else:
            changed = (one.shown != one.frame.image).any(axis=-1)
            rows, columns = np.nonzero(one.track.occluder > 0.4)
            reach = 0.25 * np.ptp(one.track.landmarks[:, 0])
            y, x = np.nonzero(changed)
            assert y.min() > rows.min() - reach
            assert y.max() < rows.max() + reach
            assert x.min() > columns.min() - reach
            assert x.max() < columns.max() + reach


def test_covered_face_looks_more_like_the_person_than_before(passing_hand: list[Seen], person: Profile) -> None:
    one = passing_hand[len(passing_hand) // 2]
    assert one.track is not None
    height, width = one.frame.image.shape[:2]
    choice = person.nearest(one.track.landmarks)
    expected = person.references[choice].view(
        one.track.landmarks, np.eye(2, 3, dtype=np.float32), (width, height), (width, height)
    )
    face = (fill_polygon((height, width), face_hull(one.track.landmarks)) > 0) & (one.track.occluder > 0.5)
    before, after = (np.abs(image[face].astype(int) - expected[face]).mean() for image in (one.frame.image, one.shown))
    assert after < 0.5 * before


def test_same_frames_are_seen_the_same(name: str, demo: Demo, person: Profile) -> None:
    frames = halved(demo.frames(start=0.2, count=7, every=3), rate=10)
    for one, other in zip(watch(name, person, frames), watch(name, person, frames), strict=True):
        assert one.track is not None
        assert other.track is not None
        assert np.array_equal(one.track.landmarks, other.track.landmarks)
        assert np.array_equal(one.track.occluder, other.track.occluder)
        assert np.array_equal(one.shown, other.shown)
    assert any(one.track.occluder.any() for one in watch(name, person, frames[-1:]) if one.track is not None)


# --- a face that comes and goes ---------------------------------------------------------------------------------------


@pytest.fixture
def tracker(name: str, person: Profile) -> Iterator[Tracker]:
    made = open_tracker(name, person)
    yield made
    made.close()


def test_lost_face_is_held_for_a_moment_then_let_go_and_found_again(tracker: Tracker, clean: list[Seen]) -> None:
    good = clean[0].frame.image
    dark = np.zeros_like(good)
    for i in range(3):
        assert tracker.track(Frame(i, i / 10, good)) is not None
    lost = {i: tracker.track(Frame(i, i / 10, dark)) for i in range(3, 14)}
    assert all(lost[i] is None for i in range(9, 14))  # 0.6 s and later: never a frozen face
    found = [tracker.track(Frame(i, i / 10, good)) for i in range(14, 24)]
    assert found[-1] is not None
    assert not found[-1].occluder.any()
    assert eye_distance(found[-1].landmarks) == pytest.approx(eye_distance(clean[0].track.landmarks), rel=0.1)  # type: ignore[union-attr]


def test_without_a_face_there_is_no_track(tracker: Tracker, black: Frame) -> None:
    assert [tracker.track(Frame(i, i / 30, black.image)) for i in range(7)] == [None] * 7


def test_what_is_always_covered_is_marked_even_where_nothing_is_seen(
    name: str, person: Profile, clean: list[Seen]
) -> None:
    frame, points = clean[0].frame, clean[0].track.landmarks  # type: ignore[union-attr]
    static = np.zeros(frame.image.shape[:2], np.float32)
    x, y = points[4].astype(int)
    static[y - 20 : y + 20, x - 20 : x + 20] = 1
    tracker = open_tracker(name, person, static=static)
    try:
        track = tracker.track(frame)
    finally:
        tracker.close()
    assert track is not None
    assert (track.occluder[static > 0] > 0.5).mean() > 0.9
    assert track.occluder.sum() < 1.5 * static.sum()


def test_static_mask_of_another_size_is_scaled(name: str, person: Profile, clean: list[Seen]) -> None:
    frame, points = clean[0].frame, clean[0].track.landmarks  # type: ignore[union-attr]
    height, width = frame.image.shape[:2]
    tiny = np.zeros((height // 8, width // 8), np.float32)
    x, y = (points[4] / 8).astype(int)
    tiny[y - 3 : y + 3, x - 3 : x + 3] = 1
    tracker = open_tracker(name, person, static=tiny)
    try:
        track = tracker.track(frame)
    finally:
        tracker.close()
    assert track is not None
    rows, columns = np.nonzero(track.occluder > 0.5)
    assert (columns.mean(), rows.mean()) == pytest.approx((x * 8, y * 8), abs=10)


def test_closed_twice(tracker: Tracker) -> None:
    tracker.close()
    tracker.close()


# --- without a profile ------------------------------------------------------------------------------------------------


def test_without_a_profile_anybody_is_observed(name: str, demo: Demo, black: Frame) -> None:
    tracker = open_tracker(name, None)
    try:
        frame = demo.clean(1)[0]
        track = tracker.track(frame)
        assert track is not None
        assert track.landmarks.shape == (468, 2)
        assert track.occluder.shape == frame.image.shape[:2]
        assert on_face(track) < 0.02
    finally:
        tracker.close()
        tracker.close()


def test_an_unknown_tracker_is_named() -> None:
    with pytest.raises(TrackerError, match="'crystal ball': choose one of observer, mediapipe"):
        open_tracker("crystal ball", None)


def test_no_tracker_sees_nothing(black: Frame) -> None:
    tracker = NoTracker()
    assert tracker.track(black) is None
    tracker.close()
