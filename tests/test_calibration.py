from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest
import synthetic
from footage import Demo, small

from livefill.calibration import Calibrator, Judgement, expression, pose
from livefill.detection import Face
from livefill.errors import CalibrationError
from livefill.geometry import eye_distance, face_hull, fill_polygon
from livefill.shapes import Shapes
from livefill.types import RGB, Frame, Points


@pytest.fixture
def calibrator() -> Iterator[Calibrator]:
    made = Calibrator()
    yield made
    made.close()


@pytest.fixture(scope="module")
def portrait(demo: Demo) -> RGB:
    return small(demo.profile.references[0].image)


def look(calibrator: Calibrator, image: RGB, seq: int = 0) -> Judgement:
    return calibrator.look(Frame(seq, seq / 30, image))


def shifted(image: RGB, by: tuple[int, int]) -> RGB:
    to = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float32)
    return np.asarray(cv2.warpAffine(image, to, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


# --- frames of the bundled person -------------------------------------------------------------------------------------


def test_good_frames_are_kept_best_first(demo: Demo, calibrator: Calibrator) -> None:
    judgements = [calibrator.look(frame) for frame in demo.clean(9)]
    good = [one for one in judgements if one.reference is not None]
    assert len(good) >= 7
    assert all(0 < one.quality <= 1 and not one.hint for one in good)
    assert calibrator.progress == pytest.approx(len(good) / 45, abs=1e-6)
    kept = calibrator.kept()
    assert kept[0].quality == max(one.quality for one in good)
    profile = calibrator.profile("me")
    assert profile.name == "me"
    for judgement, reference in zip(kept, profile.references, strict=True):
        assert judgement.reference is not None
        assert reference.image is judgement.reference.image
        off = np.linalg.norm(reference.points - judgement.reference.points, axis=1) / eye_distance(reference.points)
        assert 0 < off.mean() < 0.01  # they were brought to agree with the others
    assert len({one.seq for one in kept}) == len(kept)


def test_a_profile_has_other_expressions_and_says_how_often_each_is_made(demo: Demo, calibrator: Calibrator) -> None:
    for frame in demo.clean(9):
        calibrator.look(frame)
    profile = calibrator.profile("me")
    assert len(profile.references) < len(profile.pictures) <= 12
    shapes = Shapes([one.points for one in profile.pictures])
    gaps = np.stack([shapes.apart(one.points) for one in profile.pictures])
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0.002
    assert profile.usual.sum() == pytest.approx(1)
    assert (profile.usual > 0).all()


def test_a_face_that_never_changes_has_one_picture(calibrator: Calibrator, portrait: RGB) -> None:
    for seq in range(3):
        look(calibrator, portrait, seq)
    profile = calibrator.profile("me")
    assert len(profile.pictures) == 1
    assert profile.shares == (1.0,)


def test_a_large_face_is_kept_smaller_in_other_expressions(calibrator: Calibrator, demo: Demo) -> None:
    large = (cv2.resize(one.image, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_LINEAR) for one in demo.clean(9))
    for seq, image in enumerate(large):
        look(calibrator, np.asarray(image, np.uint8), seq)
    profile = calibrator.profile("me")
    assert np.ptp(profile.references[0].points[:, 0]) > 512
    assert profile.expressions
    assert all(np.ptp(one.points[:, 0]) < 513 for one in profile.expressions)


def test_the_bundled_profile_is_frontal_and_whole(demo: Demo) -> None:
    best = demo.profile.references[0]
    yaw, pitch = pose(best.points, best.depth)
    assert abs(yaw) < 12
    assert abs(pitch) < 25
    height, width = best.image.shape[:2]
    assert (best.points >= 0).all()
    assert (best.points < [width, height]).all()


def test_the_sharp_one_of_two_is_preferred(calibrator: Calibrator, portrait: RGB) -> None:
    blurred = look(calibrator, cv2.GaussianBlur(portrait, (0, 0), 3), 0)
    sharp = look(calibrator, portrait, 1)
    assert sharp.quality > blurred.quality
    assert calibrator.kept()[0].seq == 1


def test_each_thing_amiss_has_its_hint(calibrator: Calibrator, portrait: RGB, demo: Demo) -> None:
    points = demo.profile.references[0].points / 2
    low = points.min(0)
    face = portrait[:, int(low[0]) - 25 : int(points[:, 0].max()) + 25]
    dim = (portrait * 0.18).astype(np.uint8)
    away = cv2.resize(portrait, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(portrait, 90)
    canvas[100 : 100 + len(away), 150 : 150 + away.shape[1]] = away
    shown = {
        "no face": np.zeros_like(portrait),
        "too dark": dim,
        "edge": shifted(portrait, (-int(low[0]) - 16, 0)),
        "two faces": np.hstack([face, face]),
        "too small": canvas,
    }
    for words, image in shown.items():
        judgement = look(calibrator, image)
        assert words in judgement.hint
        assert judgement.reference is None
    assert sum(calibrator.hints.values()) == len(shown)
    with pytest.raises(CalibrationError, match="No frame can serve"):
        calibrator.kept()


@pytest.mark.parametrize("part", ["left cheek", "mouth"])
def test_something_before_the_face_is_named(calibrator: Calibrator, portrait: RGB, demo: Demo, part: str) -> None:
    points = demo.profile.references[0].points / 2
    middle = points[280 if part == "left cheek" else 13]
    reach = 0.22 * float(np.ptp(points[:, 0]))
    x0, y0, x1, y1 = (int(v) for v in (*(middle - reach), *(middle + reach)))
    judgement = look(calibrator, synthetic.covered(portrait, synthetic.block(portrait.shape, (x0, y0, x1, y1))))
    assert judgement.reference is None
    assert "cover" in judgement.hint


def test_no_frame_with_a_hand_before_the_face_is_kept(calibrator: Calibrator, demo: Demo) -> None:
    for frame in demo.frames(start=0.4, count=5, every=6):
        judgement = calibrator.look(frame)
        assert judgement.reference is None, frame.seq
        assert judgement.hint


class Covering:
    """A detector that sees the drawn face, and of it so much covered as it is told for each picture."""

    thorough = True

    def __init__(self, points: Points, covers: Sequence[float]) -> None:
        self.covers = iter(covers)
        self.points, self.depth = points, np.zeros(len(points), np.float32)
        self.nothing = np.zeros((256, 256), np.float32)

    def find(self, image: RGB) -> list[Face]:
        cover = next(self.covers)
        return [Face(self.points, self.depth, self.nothing, cover, cover)]

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("covers", "kept"),
    [
        ([0.05, 0.06, 0.07], [0, 1, 2]),  # glasses, say, of which the network is not sure
        ([0.05, 0.06, 0.0, 0.02], [2, 3]),  # it was a finger: it is gone
        ([0.0, 0.02, 0.04, 0.1, 0.01], [0, 1, 4]),
        ([0.0] * 12 + [0.3] + [0.0] * 12, [*range(5), *range(20, 25)]),  # a hand passes by
    ],
)
def test_what_is_covered_a_little_more_than_the_freest_is_not_kept(
    portrait: RGB, demo: Demo, covers: list[float], kept: list[int]
) -> None:
    calibrator = Calibrator(detector=Covering(demo.profile.references[0].points / 2, covers))
    for seq in range(len(covers)):
        look(calibrator, portrait, seq)
    assert [one.seq for one in calibrator.good] == kept


def coloured(image: RGB, points: Points) -> RGB:
    """Return a face between two lamps: a warm one, and from its right a blue one."""
    x = (np.arange(image.shape[1]) - points[:, 0].min()) / np.ptp(points[:, 0])
    blue = np.clip(1.3 - 1.8 * x, 0, 1)[None, :, None]
    warm = image * np.array([1.05, 1.0, 0.95])
    return np.asarray(np.clip(warm + blue * (image * np.array([0.5, 0.8, 1.9]) - warm), 0, 255), np.uint8)


@pytest.mark.parametrize(("thorough", "cover", "kept"), [(True, 0.0, 1), (True, 0.06, 0), (False, 0.0, 0)])
def test_a_patch_of_another_hue_is_light_where_nothing_else_says_that_something_covers_it(
    portrait: RGB, demo: Demo, thorough: bool, cover: float, kept: int
) -> None:
    points = demo.profile.references[0].points / 2
    detector = Covering(points, [cover])
    detector.thorough = thorough
    calibrator = Calibrator(detector=detector)
    judgement = look(calibrator, coloured(portrait, points))
    assert len(calibrator.good) == kept
    assert ("covers your right cheek" in judgement.hint) != bool(kept)


def test_a_face_in_the_light_of_a_coloured_lamp_can_be_calibrated(
    calibrator: Calibrator, portrait: RGB, demo: Demo
) -> None:
    judgement = look(calibrator, coloured(portrait, demo.profile.references[0].points / 2))
    assert judgement.reference is not None, judgement.hint


def test_a_hand_that_comes_and_goes_is_in_no_picture(calibrator: Calibrator, demo: Demo) -> None:
    for frame in demo.frames(start=0.1, every=2):
        calibrator.look(frame)
    kept = {one.seq for one in calibrator.good}
    assert kept
    assert not kept & set(range(22, 103))  # in 24 to 101 there are fingers, before the neck at first


def test_nothing_seen_is_an_error_with_the_most_frequent_hint(calibrator: Calibrator, black: Frame) -> None:
    with pytest.raises(CalibrationError, match="no frame"):
        calibrator.kept()
    calibrator.look(black)
    with pytest.raises(CalibrationError, match="no face is to be seen"):
        calibrator.profile("me")
    assert calibrator.progress == 0


def test_it_may_be_closed_twice(calibrator: Calibrator) -> None:
    calibrator.close()
    calibrator.close()


# --- measures, on the drawn face --------------------------------------------------------------------------------------


@pytest.mark.parametrize("yaw", [-30, -10, 0, 10, 30])
def test_yaw_is_measured_by_depth(yaw: float) -> None:
    points = synthetic.face()
    z, middle, angle = synthetic.depth(points), points.mean(0), np.deg2rad(yaw)
    x = points[:, 0] - middle[0]
    turned = np.column_stack([x * np.cos(angle) + middle[0], points[:, 1]]).astype(np.float32)
    found, pitch = pose(turned, (z - z + x * np.sin(angle)).astype(np.float32))
    assert found == pytest.approx(yaw, abs=1)
    assert pitch == pytest.approx(0, abs=1)


@pytest.mark.parametrize("degrees", [-20, 0, 20])
def test_tilting_the_head_is_no_turn(degrees: float) -> None:
    points = synthetic.face()
    level, tilted = (
        pose(p, synthetic.depth(points)) for p in (points, synthetic.apply(synthetic.move(degrees), points))
    )
    assert tilted == pytest.approx(level, abs=1)


def test_an_open_mouth_is_measured_whatever_the_size() -> None:
    closed, opened = (expression(synthetic.face(mouth=mouth)) for mouth in (0.0, 0.15))
    assert closed[0] < 0.1 < 0.3 < opened[0]
    assert closed[1] == pytest.approx(opened[1], rel=0.01)
    assert expression(synthetic.face(width=300, mouth=0.15)) == pytest.approx(opened, rel=0.01)


def test_eyes_are_as_open_as_the_lower_of_the_two() -> None:
    points = synthetic.face()
    both = expression(points)[1]
    points[159] = points[145] + [0, -0.5]
    assert expression(points)[1] < 0.3 * both


def test_drawn_face_is_a_face_of_its_own_outline() -> None:
    points = synthetic.face()
    assert fill_polygon((256, 256), face_hull(points)).sum() > 0.5 * 110 * 130
