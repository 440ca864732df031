"""Where what is hidden lies: the network that ships."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from footage import Demo
from numpy.typing import NDArray

from livefill.drawing import draw_landmarks
from livefill.geometry import Field, apply, crop_transform
from livefill.pyramid import cut
from livefill.settler import SIDE, Settler
from livefill.settling import shift
from livefill.types import RGB, Mask, Points

SIZE, HOLE = 256, (90, 130, 170, 200)
FRAMES = 6  # until it is steady
LEAST = 0.3  # of a mistake that it must make good
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def settler() -> Settler:
    return Settler.open()


@pytest.fixture(scope="module")
def face(demo: Demo) -> tuple[RGB, Points, Floats]:
    """The bundled person's crop, the landmarks in it, and the same drawn."""
    reference = demo.profile.references[0]
    to_crop = crop_transform(reference.points, SIZE, face_share=0.58)
    points = apply(to_crop, reference.points)
    return cut(reference.image, to_crop, SIZE), points, draw_landmarks(points, SIZE)


@pytest.fixture(scope="module")
def hole() -> Mask:
    return synthetic.block((SIZE, SIZE), HOLE)


def beside(crop: RGB, across: float, down: float) -> Floats:
    """Return what would be expected by somebody who is mistaken about the face's place by some pixels."""
    wrong = np.broadcast_to(np.float32([across, down]), (SIZE, SIZE, 2))
    small = cv2.resize(shift(crop, np.ascontiguousarray(wrong)), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def settled(settler: Settler, crop: RGB, expected: Floats, hole: Mask, *landmarks: Floats) -> Field:
    stream = settler.stream()
    return [stream.step(crop, expected, hole, *landmarks) for _ in range(FRAMES)][-1]


def in_hole(field: Field, hole: Mask) -> Floats:
    return np.asarray(cv2.resize(field, hole.shape)[hole > 0].mean(0), np.float32)


def test_it_says_a_smooth_displacement_in_the_crop_s_pixels(
    settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask
) -> None:
    crop, *landmarks = face
    field = settled(settler, crop, beside(crop, 0, 0), hole, *landmarks)
    assert field.shape == (32, 32, 2)
    assert np.abs(field).max() < 0.03 * SIZE
    assert np.abs(np.diff(field, axis=0)).max() < 1.5


@pytest.mark.parametrize(("across", "down"), [(4, 0), (-4, 0), (0, 4), (0, -4)])
def test_what_is_hidden_goes_along_with_what_is_seen(
    settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask, across: float, down: float
) -> None:
    crop, *landmarks = face
    as_it_is, moved = (
        in_hole(settled(settler, crop, beside(crop, *wrong), hole, *landmarks), hole)
        for wrong in ((0.0, 0.0), (across, down))
    )
    back = (as_it_is - moved) @ np.float32([across, down]) / (across**2 + down**2)
    assert back > LEAST


def test_what_is_in_the_hole_does_not_matter(settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask) -> None:
    crop, *landmarks = face
    other = np.where(hole[..., None] > 0, np.random.default_rng(0).integers(0, 256, crop.shape), crop)
    one, same = (
        settled(settler, seen, beside(crop, 2, 0), hole, *landmarks) for seen in (crop, other.astype(np.uint8))
    )
    inner = np.abs(one - same)
    assert inner.max() < 0.05  # but for the hole's edge, which is mixed when the crop is shrunk


def test_streams_do_not_hear_each_other(settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask) -> None:
    crop, *landmarks = face
    alone, mine, other = settler.stream(), settler.stream(), settler.stream()
    for number in range(4):
        expected = beside(crop, number, 0)
        other.step(255 - crop, expected, hole, *landmarks)
        together = mine.step(crop, expected, hole, *landmarks)
        assert np.array_equal(alone.step(crop, expected, hole, *landmarks), together)
    first = settler.stream().step(crop, expected, hole, *landmarks)
    assert not np.array_equal(first, together)  # it knows of the frames before


def test_a_larger_crop_is_moved_by_more_pixels(settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask) -> None:
    crop, points, drawing = face
    picture, gap, lines = (part.repeat(2, 0).repeat(2, 1) for part in (crop, hole, drawing))
    expected = beside(crop, 3, 0)
    small = settler.stream().step(crop, expected, hole, points, drawing)
    large = settler.stream().step(picture, expected, gap, 2 * points + 0.5, lines)
    np.testing.assert_allclose(large, 2 * small, atol=0.05)


def test_a_room_that_is_not_where_it_was_moves_no_face(
    settler: Settler, face: tuple[RGB, Points, Floats], hole: Mask
) -> None:
    crop, *landmarks = face
    expected = beside(crop, 0, 0)
    other = expected.copy()
    other[:, :12] = other[:, -12:] = np.random.default_rng(0).random((SIDE, 12, 3), np.float32)
    one, same = (settled(settler, crop, picture, hole, *landmarks) for picture in (expected, other))
    np.testing.assert_allclose(one, same, atol=1e-5)
