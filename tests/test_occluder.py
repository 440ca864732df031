"""What counts as an occluder, on a drawn face whose reference is known exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic

from livefill.geometry import EYES, LIPS, face_hull, fill_polygon
from livefill.occluder import Finding, find
from livefill.types import RGB, Mask

SIZE = 192
POINTS = synthetic.face((96, 96), 86)
EXPECTED = synthetic.picture(POINTS, (SIZE, SIZE))
FACE = fill_polygon((SIZE, SIZE), face_hull(POINTS)) > 0
ALL, NONE = np.ones((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
CHEEK = (60, 90, 105, 135)  # over nose and cheek; left, top, right, bottom


def look(crop: RGB, **known: object) -> Finding:
    return find(crop, EXPECTED, POINTS, **{"inside": ALL, "prior": NONE, **known})  # type: ignore[arg-type]


def lit(image: RGB, by: np.ndarray | float) -> RGB:
    return np.clip(image.astype(np.float32) + by, 0, 255).astype(np.uint8)


def overlap(a: Mask, b: Mask) -> float:
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum())


def ramp(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, SIZE, dtype=np.float32)[None, :, None]


# --- nothing there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "crop",
    [
        pytest.param(EXPECTED, id="as expected"),
        pytest.param(lit(EXPECTED, 25), id="brighter"),
        pytest.param(lit(EXPECTED, -25), id="darker"),
        pytest.param(lit(EXPECTED, np.array([12, 0, -10])), id="warmer light"),
        pytest.param(lit(EXPECTED, ramp(-18, 18)), id="light from one side"),
        pytest.param(np.roll(EXPECTED, 1, axis=1), id="a pixel off"),
        pytest.param(cv2.GaussianBlur(EXPECTED, (0, 0), 1.0), id="out of focus"),
    ],
)
def test_uncovered_face_is_left_alone(crop: RGB) -> None:
    finding = look(crop)
    assert not finding.mask.any()
    assert finding.palette is None
    assert finding.explained > 0.8


def test_open_mouth_is_no_occluder() -> None:
    mouth = fill_polygon((SIZE, SIZE), POINTS[list(LIPS)]).astype(np.float32)
    assert not look(synthetic.covered(EXPECTED, mouth, (40, 10, 15))).mask.any()


def test_closed_eyes_are_no_occluder() -> None:
    eyes = sum(fill_polygon((SIZE, SIZE), POINTS[list(eye)]) for eye in EYES).astype(np.float32)
    assert not look(synthetic.covered(EXPECTED, eyes, (190, 145, 120))).mask.any()


def test_something_beside_the_face_is_left_alone() -> None:
    beside = synthetic.block((SIZE, SIZE), (4, 60, 40, 120))
    assert not (beside * FACE).any()
    assert not look(synthetic.covered(EXPECTED, beside)).mask.any()


def test_a_hand_that_was_reported_in_error_is_not_believed() -> None:
    assert not look(EXPECTED, hand=ALL).mask.any()


# --- something there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [(30, 60, 200), (20, 20, 20), (250, 250, 250), (60, 160, 60)])
@pytest.mark.parametrize("box", [CHEEK, (50, 110, 140, 150), (80, 50, 120, 100)])
def test_block_before_the_face_is_found_whole(box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    truth = synthetic.block((SIZE, SIZE), box)
    mask = look(synthetic.covered(EXPECTED, truth, colour)).mask
    assert set(np.unique(mask)) == {0, 1}
    assert overlap(mask * FACE, truth * FACE) > 0.7
    assert (mask * truth * FACE).sum() > 0.95 * (truth * FACE).sum()  # no rim of it is left
    around = cv2.dilate(truth, np.ones((25, 25), np.uint8))
    assert not (mask * (1 - around)).any()  # and the rest of the face stays itself


def test_covered_face_is_explained_less() -> None:
    half = look(synthetic.covered(EXPECTED, synthetic.block((SIZE, SIZE), (40, 90, 150, 170)))).explained
    assert 0.1 < half < 0.9 * look(EXPECTED).explained


def test_another_picture_is_not_explained() -> None:
    other = np.random.default_rng(0).integers(0, 255, EXPECTED.shape, np.uint8)
    assert look(other).explained < 0.3


def test_occluder_under_other_light_is_still_found() -> None:
    truth = synthetic.block((SIZE, SIZE), CHEEK)
    mask = look(synthetic.covered(lit(EXPECTED, ramp(-15, 15)), truth)).mask
    assert overlap(mask * FACE, truth * FACE) > 0.65


def test_what_covers_the_face_is_found_beside_it_too_once_its_colours_are_known() -> None:
    arm = synthetic.block((SIZE, SIZE), (60, 100, 190, 130))
    crop = synthetic.covered(EXPECTED, arm)
    first = look(crop)
    again = look(crop, prior=first.mask, palette=first.palette)
    beside = arm * ~FACE * synthetic.block((SIZE, SIZE), (0, 0, 150, SIZE))
    assert (again.mask * beside).sum() > 0.7 * beside.sum()


def test_it_does_not_stay_when_it_has_gone() -> None:
    truth = synthetic.block((SIZE, SIZE), CHEEK)
    finding = look(synthetic.covered(EXPECTED, truth))
    for _ in range(5):
        finding = look(EXPECTED, prior=finding.mask, palette=finding.palette)
    assert not finding.mask.any()


def test_nothing_is_marked_beyond_the_edge_of_the_frame() -> None:
    inside = ALL.copy()
    inside[:, 90:] = 0
    mask = look(synthetic.covered(EXPECTED, synthetic.block((SIZE, SIZE), CHEEK)), inside=inside).mask
    assert mask[:, :90].any()
    assert not mask[:, 90:].any()


def test_what_it_was_given_stays_as_it_was() -> None:
    crop, prior = synthetic.covered(EXPECTED, synthetic.block((SIZE, SIZE), CHEEK)), NONE.copy()
    copies = crop.copy(), EXPECTED.copy(), POINTS.copy()
    look(crop, prior=prior)
    assert not prior.any()
    assert all(np.array_equal(a, b) for a, b in zip((crop, EXPECTED, POINTS), copies, strict=True))
