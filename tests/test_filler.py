from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import synthetic
from numpy.typing import NDArray

from livefill.backends import open_session
from livefill.composite import paste
from livefill.filler import Filler, _transfer, must_reset
from livefill.geometry import face_hull, fill_polygon
from livefill.profile import Profile, Reference
from livefill.settler import SIDE
from livefill.types import (
    RGB,
    Bank,
    Frame,
    Inputs,
    Mask,
    ModelSpec,
    Outputs,
    Patch,
    Points,
    Session,
    State,
    Track,
)

Floats = NDArray[np.float32]

PERSON = synthetic.person()
REFERENCE = PERSON.references[0]
CHEEK = synthetic.block((256, 256), (90, 120, 140, 170))


def filler(profile: Profile = PERSON) -> Filler:
    return Filler(profile, open_session("reference"))


def scene(seq: int = 0, *, shift: float = 0.0, light: float = 0.0) -> tuple[Frame, Track, RGB]:
    """The person, moved and lit, with a block before the cheek; and the truth behind the block."""
    truth, points = synthetic.moved(REFERENCE, synthetic.move(shift / 3, 1.0, (shift, -shift / 2)))
    truth = np.clip(truth + np.float32(light), 0, 255).astype(np.uint8)
    return *synthetic.step(synthetic.covered(truth, CHEEK), points, CHEEK, seq=seq), truth


def shown(frame: Frame, patch: Patch | None) -> RGB:
    return paste(frame, patch).image


# --- when there is nothing to do --------------------------------------------------------------------------------------


def test_without_a_face_or_anything_before_it_there_is_no_patch() -> None:
    frame, track, _ = scene()
    assert filler().fill(frame, None) is None
    assert filler().fill(frame, Track(track.landmarks, np.zeros_like(CHEEK), 1.0)) is None


def threads() -> set[str]:
    return {one.name for one in threading.enumerate() if "beside the session" in one.name}


def test_the_thread_beside_the_session_ends_with_the_filler() -> None:
    before = threads()
    stream = filler()
    assert threads() == before  # nothing is started for a face that nobody covers
    frame, track, _ = scene()
    assert stream.fill(frame, track) is not None
    assert len(threads()) == len(before) + 1
    stream.close()
    stream.close()
    assert threads() == before


def test_what_fails_beside_the_session_is_raised_and_the_next_frame_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, (frame, track, _) = filler(), scene()
    show = Reference.show

    def fails_beside(*args: Any, **kwargs: Any) -> RGB:
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError("no room")
        return show(*args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(Reference, "show", fails_beside)
        with pytest.raises(MemoryError, match="no room"):
            stream.fill(frame, track)
    assert np.array_equal(shown(frame, stream.fill(frame, track)), shown(frame, filler().fill(frame, track)))


# --- what is filled ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0, 6, -15])
@pytest.mark.parametrize("light", [0, 20, -20])
def test_covered_face_looks_as_it_does_uncovered(shift: float, light: float) -> None:
    frame, track, truth = scene(shift=shift, light=light)
    hole = CHEEK > 0
    assert synthetic.psnr(shown(frame, filler().fill(frame, track)), truth, hole) > 26
    assert synthetic.psnr(frame.image, truth, hole) < 12


def test_no_rim_of_the_occluder_is_left() -> None:
    frame, track, truth = scene(shift=4)
    result = shown(frame, filler().fill(frame, track)).astype(int)
    rim = cv2.dilate(CHEEK, np.ones((5, 5), np.uint8)) - cv2.erode(CHEEK, np.ones((5, 5), np.uint8)) > 0
    inside = fill_polygon((256, 256), face_hull(track.landmarks)) > 0
    assert np.abs(result - truth)[rim & inside].mean() < 8


def test_only_the_surroundings_of_the_mask_are_touched() -> None:
    frame, track, _ = scene(shift=5, light=15)
    patch = filler().fill(frame, track)
    assert patch is not None
    reach = int(0.15 * np.ptp(track.landmarks[:, 0]))
    near = cv2.dilate(CHEEK, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    assert np.array_equal(shown(frame, patch)[~near], frame.image[~near])
    assert patch.image.shape[:2] == patch.alpha.shape
    assert patch.image.dtype == np.uint8
    assert patch.alpha.dtype == np.float32


def test_frame_and_track_stay_as_they_were() -> None:
    frame, track, _ = scene()
    copies = frame.image.copy(), track.landmarks.copy(), track.occluder.copy()
    filler().fill(frame, track)
    for now, before in zip((frame.image, track.landmarks, track.occluder), copies, strict=True):
        assert np.array_equal(now, before)


def test_the_reference_with_the_right_mouth_is_taken() -> None:
    bank = synthetic.person(mouths=(0.0, 0.1))
    mouth = synthetic.block((256, 256), (100, 148, 156, 200))
    for reference in bank.references:
        frame, track = synthetic.step(synthetic.covered(reference.image, mouth), reference.points, mouth)
        assert synthetic.psnr(shown(frame, filler(bank).fill(frame, track)), reference.image, mouth > 0) > 28


@pytest.mark.parametrize("box", [(0, 0, 256, 256), (0, 100, 30, 140), (250, 250, 256, 256), (120, 120, 122, 122)])
def test_any_mask_can_be_filled(box: tuple[int, int, int, int]) -> None:
    mask = synthetic.block((256, 256), box)
    patch = filler().fill(*synthetic.step(REFERENCE.image, REFERENCE.points, mask))
    assert patch is not None
    assert np.isfinite(patch.alpha).all()


def test_what_covers_the_face_is_filled_beyond_the_crop_as_well() -> None:
    wide = np.tile(np.linspace(0, 250, 512).astype(np.uint8)[None, :, None], (256, 1, 3))  # a room beside the person
    wide[:, :256] = REFERENCE.image
    person = Profile("wide", (Reference(wide, REFERENCE.points, REFERENCE.depth),))
    arm = synthetic.block((256, 512), (150, 150, 480, 190))
    frame, track = synthetic.step(synthetic.covered(wide, arm), REFERENCE.points, arm)
    result = shown(frame, filler(person).fill(frame, track))
    beyond = arm * synthetic.block((256, 512), (300, 0, 512, 256)) > 0
    assert synthetic.psnr(result, wide, beyond) > 28


@pytest.mark.parametrize("shift", [(-90, 0), (90, 60), (0, -100)])
def test_a_face_at_the_edge_of_the_frame_is_filled_as_far_as_it_is_seen(shift: tuple[float, float]) -> None:
    truth, points = synthetic.moved(REFERENCE, synthetic.move(0, 1.0, shift))
    mask = fill_polygon((256, 256), face_hull(points)) * synthetic.block((256, 256), (0, 40, 256, 210))
    frame, track = synthetic.step(synthetic.covered(truth, mask), points, mask)
    assert synthetic.psnr(shown(frame, filler().fill(frame, track)), truth, mask > 0) > 20


def test_native_resolution_is_as_sharp_as_the_reference() -> None:
    large = synthetic.person(size=(768, 768))
    reference = large.references[0]
    mask = synthetic.block((768, 768), (270, 360, 420, 510))
    noisy = np.clip(reference.image + np.random.default_rng(0).normal(0, 12, reference.image.shape), 0, 255)
    person = Profile("sharp", (type(reference)(noisy.astype(np.uint8), reference.points, reference.depth),))
    frame, track = synthetic.step(
        synthetic.covered(person.references[0].image, mask), person.references[0].points, mask
    )
    result = shown(frame, filler(person).fill(frame, track))
    inner = cv2.erode(mask, np.ones((25, 25), np.uint8)) > 0

    def detail(image: RGB) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[inner].std())

    assert detail(result) > 0.6 * detail(person.references[0].image)


# --- state ------------------------------------------------------------------------------------------------------------


def stream(count: int, *, light: float = 0.0) -> list[tuple[Frame, Track]]:
    return [scene(i, shift=0.5 * i, light=light * (i % 3))[:2] for i in range(count)]


def test_same_frames_give_same_patches() -> None:
    one, other = filler(), filler()
    for frame, track in stream(6, light=10):
        assert np.array_equal(shown(frame, one.fill(frame, track)), shown(frame, other.fill(frame, track)))


def test_a_patch_stays_as_it_was_given() -> None:
    stage, frames = filler(), stream(4, light=10)
    patch = stage.fill(*frames[0])
    before = shown(frames[0][0], patch)
    for frame, track in frames[1:]:
        stage.fill(frame, track)
    assert np.array_equal(shown(frames[0][0], patch), before)


def test_two_streams_of_one_session_do_not_hear_each_other() -> None:
    session = open_session("reference")
    mine, alone = Filler(PERSON, session), filler()
    other = Filler(PERSON, session)
    for (frame, track), elsewhere in zip(stream(5), stream(5, light=25), strict=True):
        other.fill(*elsewhere)
        assert np.array_equal(shown(frame, mine.fill(frame, track)), shown(frame, alone.fill(frame, track)))


class Trusting:
    """A session that gives what is expected, and trusts the reference's detail so far, on the left side or both."""

    spec = ModelSpec("trusting", "fake", "nowhere", 64)

    def __init__(self, trust: float, *, right: float | None = None) -> None:
        self._trust, self._right = trust, trust if right is None else right

    def remember(self, references: Sequence[Inputs]) -> Bank:
        return None

    def initial_state(self) -> State:
        return None

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        trust = np.full_like(inputs["mask"], self._trust)
        trust[:, trust.shape[1] // 2 :] = self._right
        return {"fill": inputs["expected"], "trust": trust}, state


@pytest.fixture(scope="module")
def grainy() -> Profile:
    """A person of 768 pixels with more grain than a crop of 64 can show."""
    random = np.random.default_rng(0)
    large = synthetic.person(size=(768, 768)).references[0]
    noisy = np.clip(large.image + random.normal(0, 12, large.image.shape), 0, 255).astype(np.uint8)
    return Profile("noisy", (type(large)(noisy, large.points, large.depth),))


def large_fill(profile: Profile, session: Session) -> RGB:
    """Fill a square in the middle of the face."""
    (person,) = profile.references
    mask = synthetic.block((768, 768), (270, 360, 500, 510))
    frame, track = synthetic.step(synthetic.covered(person.image, mask), person.points, mask)
    return shown(frame, Filler(profile, session).fill(frame, track))


def grains(profile: Profile, session: Session) -> tuple[float, float]:
    """Return how grainy the left and the right half of such a fill are."""
    image = cv2.cvtColor(large_fill(profile, session), cv2.COLOR_RGB2GRAY)
    left, right = (cv2.Laplacian(image[370:500, x : x + 85], cv2.CV_32F).std() for x in (280, 405))
    return float(left), float(right)


def test_detail_is_shown_as_far_as_it_is_trusted(grainy: Profile) -> None:
    none, half, all_of_it = (grains(grainy, Trusting(trust))[0] for trust in (0, 0.5, 1))
    assert none < 0.2 * all_of_it
    assert none < half < all_of_it


def test_detail_is_shown_where_it_is_trusted(grainy: Profile) -> None:
    with_detail, without = grains(grainy, Trusting(1, right=0))
    assert without < 0.2 * with_detail
    assert with_detail == pytest.approx(grains(grainy, Trusting(0.99))[0], rel=0.1)


@pytest.mark.parametrize("session", [Trusting(0.5), Trusting(1, right=0)])
def test_trust_changes_detail_and_not_light(grainy: Profile, session: Session) -> None:
    filled, true = (
        cv2.blur(image[370:500, 280:490], (31, 31)).astype(int)
        for image in (large_fill(grainy, session), grainy.references[0].image)
    )
    assert np.abs(filled - true).mean() < 3


def test_a_patch_is_rounded_once() -> None:
    """Rounded one after the other, detail and the rest flicker by a level where nothing changes."""
    random, box, here = np.random.default_rng(1), (0, 0, 64, 64), np.eye(2, 3, dtype=np.float32)
    native = random.integers(0, 256, (64, 64, 3), np.uint8)
    fill, nearest = (random.uniform(0.3, 0.5, (64, 64, 3)).astype(np.float32) for _ in range(2))
    for level in (94, 255, 0):
        share = np.float32(level / 255)
        patch = _transfer(native, nearest, fill, np.full((64, 64), share, np.float32), box, here)
        exact = np.clip(255 * fill + share * (native - 255 * nearest), 0, 255)
        assert np.abs(patch - exact).max() < 0.6
    exact = np.clip(255 * fill + native - 255 * nearest, 0, 255)
    assert np.abs(_transfer(native, nearest, fill, None, box, here) - exact).max() < 0.6


class Fading:
    """A session whose fills are black, and white from the third frame on."""

    spec = ModelSpec("fading", "fake", "nowhere", 64)

    def remember(self, references: Sequence[Inputs]) -> Bank:
        return None

    def initial_state(self) -> State:
        return 0

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        fill = np.full_like(inputs["expected"], state >= 2)
        return {"fill": fill, "trust": np.zeros_like(inputs["mask"])}, state + 1


class Reusing(Fading):
    """The same, in one piece of memory, and white from the second frame on."""

    def __init__(self) -> None:
        self._fill = np.zeros((self.spec.size, self.spec.size, 3), np.float32)

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        self._fill[:] = state >= 1
        return {"fill": self._fill, "trust": np.zeros_like(inputs["mask"])}, state + 1


def brightness(session: Session, *steps: tuple[Frame, Track]) -> list[float]:
    stream, found = Filler(PERSON, session), []
    for frame, track in steps:
        patch = stream.fill(frame, track)
        assert patch is not None
        found.append(float(patch.image[patch.alpha > 0.9].mean()))
    return found


def test_a_fill_that_changes_takes_more_than_a_frame() -> None:
    steps = [scene(i)[:2] for i in range(6)]
    dark, still_dark, between, *_, bright = brightness(Fading(), *steps)
    assert dark == still_dark == 0
    assert 100 < between < 230
    assert bright > 250


def test_a_session_may_write_into_its_fill_again() -> None:
    dark, between = brightness(Reusing(), scene(0)[:2], scene(1)[:2])
    assert dark == 0
    assert 100 < between < 230


@pytest.mark.parametrize("softness", [0.25, 1, 4])
@pytest.mark.parametrize("side", [192, 768])
def test_a_patch_ends_softly_however_wide_its_edge(softness: float, side: int) -> None:
    profile = synthetic.person(size=(side, side))
    (person,) = profile.references
    box = tuple(round(share * side) for share in (0.4, 0.45, 0.55, 0.6))
    mask = synthetic.block((side, side), (box[0], box[1], box[2], box[3]))
    frame, track = synthetic.step(synthetic.covered(person.image, mask), person.points, mask)
    patch = Filler(profile, Trusting(1), softness=softness).fill(frame, track)
    assert patch is not None
    assert max(edge.max() for edge in (patch.alpha[0], patch.alpha[-1], patch.alpha[:, 0], patch.alpha[:, -1])) == 0
    assert patch.alpha.max() == 1


class Counting:
    """A session whose state is how many frames it has seen."""

    spec = ModelSpec("counting", "fake", "nowhere", 64)

    def __init__(self) -> None:
        self.states: list[int] = []

    def remember(self, references: Sequence[Inputs]) -> Bank:
        return None

    def initial_state(self) -> State:
        return 0

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        self.states.append(state)
        return {"fill": inputs["expected"], "trust": inputs["mask"]}, state + 1


def states_after(*steps: tuple[Frame, Track | None]) -> list[int]:
    session = Counting()
    stream = Filler(PERSON, session)
    for frame, track in steps:
        stream.fill(frame, track)
    return session.states


def later(by: float) -> Callable[[tuple[Frame, Track, RGB]], tuple[Frame, Track]]:
    return lambda step: (Frame(step[0].seq, step[0].time + by, step[0].image), step[1])


def test_state_is_handed_from_frame_to_frame() -> None:
    assert states_after(*stream(4)) == [0, 1, 2, 3]


def test_state_ends_with_a_gap() -> None:
    assert states_after(scene(0)[:2], scene(1)[:2], later(2.0)(scene(2))) == [0, 1, 0]


def test_state_ends_with_a_cut_to_another_place() -> None:
    assert states_after(scene(0)[:2], scene(1)[:2], scene(2, shift=80)[:2]) == [0, 1, 0]


def test_state_survives_a_frame_without_a_face() -> None:
    assert states_after(scene(0)[:2], (scene(1)[0], None), scene(2)[:2]) == [0, 1]


class Mover:
    """A settler that has everything moved by as much, and counts the frames of each stream."""

    def __init__(self, across: float, down: float = 0.0) -> None:
        self.frames: list[int] = []
        self._by = np.float32([across, down])

    def stream(self) -> Any:
        self.frames.append(0)
        return SimpleNamespace(step=self._step)

    def _step(self, crop: RGB, expected: Floats, hole: Mask, points: Points, drawing: Floats) -> Floats:
        assert crop.shape == (*hole.shape, 3)
        assert expected.shape == (SIDE, SIDE, 3)
        assert points.shape == (468, 2)
        assert drawing.shape == (*hole.shape, 2)
        self.frames[-1] += 1
        return np.broadcast_to(self._by, (32, 32, 2)).copy()


def test_what_is_filled_lies_where_the_settler_says() -> None:
    mouth = synthetic.block((256, 256), (95, 150, 160, 190))
    frame, track = synthetic.step(synthetic.covered(REFERENCE.image, mouth), REFERENCE.points, mouth)
    session = open_session("reference")
    scale = np.ptp(REFERENCE.points[:, 0]) / (session.spec.face_share * session.spec.size)  # of the frame, in the crop
    plain = shown(frame, filler().fill(frame, track)).astype(int)
    for across, down in ((3, 0), (-3, 0), (0, 3)):
        moving = shown(frame, Filler(PERSON, session, settler=Mover(across, down)).fill(frame, track)).astype(int)
        by = (round(down * scale), round(across * scale))
        window = np.s_[158:182, 103:152]
        off = [np.abs(moving - np.roll(plain, way, (0, 1)))[window].mean() for way in (by, (0, 0))]
        assert off[0] < 0.6 * off[1]


def test_what_is_filled_follows_what_is_seen_as_far_as_landmarks_leave_leeway() -> None:
    mouth = synthetic.block((256, 256), (95, 150, 160, 190))
    truth = np.roll(REFERENCE.image, 3, axis=1)  # three pixels beside its landmarks
    frame, track = synthetic.step(synthetic.covered(truth, mouth), REFERENCE.points, mouth)
    session = open_session("reference")
    follows, half, stays = (
        synthetic.psnr(shown(frame, Filler(PERSON, session, leeway=leeway).fill(frame, track)), truth, mouth > 0)
        for leeway in (1, 0.5, 0)
    )
    assert follows > half > stays


def test_better_landmarks_leave_the_settler_less_leeway() -> None:
    mouth = synthetic.block((256, 256), (95, 150, 160, 190))
    frame, track = synthetic.step(synthetic.covered(REFERENCE.image, mouth), REFERENCE.points, mouth)
    half, like, unlike = (
        shown(frame, Filler(PERSON, open_session("reference"), settler=Mover(by), leeway=leeway).fill(frame, track))
        for by, leeway in ((6, 0.5), (3, 1), (6, 1))
    )
    window = np.s_[158:182, 103:152]
    off = [np.abs(half.astype(int) - other)[window].mean() for other in (like, unlike)]
    assert off[0] < 0.3 * off[1]


def test_a_settler_s_stream_goes_on_and_ends_with_the_state() -> None:
    settler = Mover(0)
    stream = Filler(PERSON, Counting(), settler=settler)
    for frame, track in (scene(0)[:2], scene(1)[:2], later(2.0)(scene(2))):
        stream.fill(frame, track)
    assert settler.frames == [2, 1]


PAST = SimpleNamespace(time=10.0, center=(100.0, 100.0), width=80.0, reference=0, state=None)


@pytest.mark.parametrize(
    ("past", "time", "center", "expected"),
    [
        (None, 10.0, (100, 100), True),  # the first frame
        (PAST, 10.033, (100, 100), False),
        (PAST, 10.2, (110, 95), False),
        (PAST, 11.0, (100, 100), True),  # a gap
        (PAST, 10.0, (100, 100), True),  # the clock stands
        (PAST, 9.9, (100, 100), True),  # it goes back: a file begins anew
        (PAST, 10.033, (200, 100), True),  # a cut
        (PAST, 10.033, (100, -20), True),
    ],
)
def test_when_the_past_says_nothing(
    past: SimpleNamespace | None, time: float, center: tuple[float, float], expected: bool
) -> None:
    assert must_reset(past, time=time, center=center) is expected  # type: ignore[arg-type]
