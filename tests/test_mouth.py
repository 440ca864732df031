"""Mouths that are hidden in part are held as what is seen of them says."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic
from numpy.typing import NDArray

from livefill.geometry import INNER_LIPS, LIPS, apply, crop_transform, eye_distance, scaled
from livefill.observer import FACE_SHARE, MASK, SIZE, Observation
from livefill.profile import Profile
from livefill.pyramid import cut
from livefill.registration import NONE, Head
from livefill.tracking.mouth import Mouths
from livefill.tracking.rigid import Posed, RigidFace
from livefill.types import Mask, Points

BANK = synthetic.person(size=(384, 384), mouths=(0.0, 0.05, 0.1))
SHUT, AJAR, OPEN = BANK.references
CHANGING = Profile("me", (SHUT,), expressions=(AJAR, OPEN), shares=(0.8, 0.1, 0.1))
FRAMES = 6
MOUTH = list({*LIPS, *INNER_LIPS})


def covered(points: Points, left: float, top: float) -> Mask:
    """Return a mask of all that is right of `left` and below `top`, in eye distances from the mouth's middle."""
    in_mask = apply(scaled(crop_transform(points, SIZE, face_share=FACE_SHARE), MASK / SIZE), points)
    x, y = in_mask[MOUTH].mean(0) + np.array([left, top]) * eye_distance(in_mask)
    mask = np.zeros((MASK, MASK), np.float32)
    mask[max(0, round(y)) :, max(0, round(x)) :] = 1
    return mask


def hidden(points: Points, mask: Mask) -> NDArray[np.bool_]:
    in_mask = apply(scaled(crop_transform(points, SIZE, face_share=FACE_SHARE), MASK / SIZE), points)
    x, y = np.clip(np.rint(in_mask), 0, MASK - 1).astype(int).T
    return mask[y, x] > 0


def followed(face: RigidFace, points: Points, mask: Mask, frames: int = FRAMES) -> Points:
    """Complete some frames of a face with these landmarks; of its hidden mouth the network thinks that it is shut."""
    image = synthetic.picture(points, (384, 384))
    to_crop = crop_transform(points, SIZE, face_share=FACE_SHARE)
    crop = cut(image, to_crop, SIZE)
    blocked = np.kron(mask, np.ones((2, 2), np.float32)) > 0
    crop = np.where(blocked[..., None], np.array([40, 70, 160], np.uint8), crop)
    away = hidden(points, mask)
    said = np.where(away[:, None], SHUT.points, points).astype(np.float32)
    seen = Observation(
        points=said, depth=synthetic.depth(points), visible=1 - away.astype(np.float32), mask=mask, face=1.0,
        same=1.0, pose=(0.0, 0.0, 0.0), to_crop=to_crop, crop=crop, moved=0.0,
    )  # fmt: skip
    before, completed = Posed(said, 0, NONE), said
    for _ in range(frames):
        completed, before = face.complete(0, seen, said, mask, before, turned=0.0)
    return completed


def error(points: Points, truth: Points, where: NDArray[np.bool_]) -> float:
    lips = np.zeros(len(points), np.bool_)
    lips[MOUTH] = True
    return float(np.linalg.norm(points - truth, axis=1)[where & lips].mean() / eye_distance(truth))


@pytest.mark.parametrize("truth", [AJAR.points, OPEN.points], ids=["ajar", "open"])
def test_half_a_mouth_tells_of_the_other_half(truth: Points) -> None:
    mask = covered(truth, 0.0, -0.5)
    where = hidden(truth, mask)
    rigid = error(followed(RigidFace(Profile("me", (SHUT,))), truth, mask), truth, where)
    assert error(followed(RigidFace(CHANGING), truth, mask), truth, where) < 0.5 * rigid


def test_a_shut_mouth_stays_shut() -> None:
    mask = covered(SHUT.points, 0.0, -0.5)
    said = followed(RigidFace(CHANGING), SHUT.points, mask)
    assert error(said, SHUT.points, hidden(SHUT.points, mask)) < 0.01


def test_a_mouth_of_which_nothing_is_seen_is_held_as_it_mostly_is() -> None:
    mask = covered(SHUT.points, -5.0, -0.45)
    where = hidden(SHUT.points, mask)
    usual = 0.8 * SHUT.points + 0.1 * AJAR.points + 0.1 * OPEN.points
    said = followed(RigidFace(CHANGING), SHUT.points, mask)
    assert error(said, usual.astype(np.float32), where) < 0.25 * error(OPEN.points, usual.astype(np.float32), where)


def test_what_is_far_from_the_thing_stays_where_it_was_seen() -> None:
    mask = covered(OPEN.points, 0.0, -0.2)
    said = followed(RigidFace(CHANGING), OPEN.points, mask)
    far = OPEN.points[:, 1] < OPEN.points[MOUTH, 1].mean() - 0.95 * eye_distance(OPEN.points)
    assert far.sum() > 20
    np.testing.assert_allclose(said[far], OPEN.points[far], atol=0.002 * eye_distance(OPEN.points))


def test_what_was_seen_fades_when_nothing_is_seen_any_more() -> None:
    mouths = Mouths.of(Head.of(SHUT.image, SHUT.points, SHUT.depth), CHANGING, 0)
    shut = np.zeros((468, 2), np.float32)
    assert np.array_equal(mouths.moves[0], shut)
    said = np.array([400, 400, 0], np.float32)  # it is open, beyond doubt
    openings = [mouths.move(said)]
    for _ in range(12):
        said = mouths.weigh(None, said)
        openings.append(mouths.move(said))
    np.testing.assert_allclose(openings[0], mouths.moves[2], atol=1e-4)
    np.testing.assert_allclose(openings[-1], np.tensordot(CHANGING.usual, mouths.moves, 1), atol=2e-3)
    assert len({round(float(np.abs(one).sum()), 4) for one in openings}) > 3  # by and by


def test_only_what_lies_below_the_nose_is_held_otherwise() -> None:
    mouths = Mouths.of(Head.of(SHUT.image, SHUT.points, SHUT.depth), CHANGING, 0)
    above = SHUT.points[:, 1] < SHUT.points[2, 1] - 0.15 * eye_distance(SHUT.points)
    assert above.sum() > 50
    assert not mouths.moves[:, above].any()
    assert np.abs(mouths.moves[2][MOUTH]).max() > 0.05


def test_the_head_is_compared_with_the_mouth_that_is_thought_to_be_there() -> None:
    head = Head.of(SHUT.image, SHUT.points, SHUT.depth)
    mouths = Mouths.of(head, CHANGING, 0)
    there = mouths.on(head, np.array([400, 400, 0], np.float32))
    assert np.allclose(there.texture[mouths.below], mouths.textures[2], atol=1e-3)
    assert np.array_equal(there.texture[~mouths.below], head.texture[~mouths.below])
    assert there.weight[mouths.below].sum() > 2 * head.weight[mouths.below].sum()  # it no longer moves by itself
