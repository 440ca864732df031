"""What a face that only turns and moves says of landmarks that cannot be seen, or not be believed."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic

from livefill.geometry import apply, crop_transform, eye_distance, scaled
from livefill.observer import FACE_SHARE, MASK, SIZE, Observation
from livefill.pyramid import cut
from livefill.registration import NONE
from livefill.tracking.rigid import Posed, RigidFace
from livefill.types import Mask, Points


def observed(points: Points, mask: Mask) -> Observation:
    """Return what the network says of the synthetic person's picture: all of these landmarks, and all seen."""
    image = synthetic.person().references[0].image
    to_crop = crop_transform(points, SIZE, face_share=FACE_SHARE)
    return Observation(
        points=points, depth=synthetic.depth(points), visible=np.ones(len(points), np.float32), mask=mask, face=1.0,
        same=1.0, pose=(0.0, 0.0, 0.0), to_crop=to_crop, crop=cut(image, to_crop, SIZE), moved=0.0,
    )  # fmt: skip


@pytest.fixture
def face() -> RigidFace:
    return RigidFace(synthetic.person())


def completed(face: RigidFace, seen: Observation) -> Points:
    before = Posed(seen.points, 0, NONE)
    points, _ = face.complete(0, seen, seen.points, seen.mask, before, turned=0.0)
    return points


def half_covered(points: Points) -> tuple[Mask, np.ndarray]:  # type: ignore[type-arg]
    """Return a mask of all below the nose, and how far above it each landmark is, in eye distances."""
    in_mask = apply(scaled(crop_transform(points, SIZE, face_share=FACE_SHARE), MASK / SIZE), points)
    edge = round(float(in_mask[:, 1].mean()) + 0.25 * eye_distance(in_mask))
    mask = np.zeros((MASK, MASK), np.float32)
    mask[edge:] = 1
    return mask, (edge - in_mask[:, 1]) / eye_distance(in_mask)


def test_what_is_seen_is_believed_where_nothing_covers_the_face(face: RigidFace) -> None:
    points = synthetic.person().references[0].points
    raised = points.copy()
    raised[:, 1] -= 0.02 * eye_distance(points) * (points[:, 0] > points[:, 0].mean())
    said = completed(face, observed(raised, np.zeros((MASK, MASK), np.float32)))
    np.testing.assert_allclose(said, raised, atol=1e-3)


def test_a_landmark_counts_the_less_the_nearer_it_is_to_what_covers_the_face(face: RigidFace) -> None:
    points = synthetic.person().references[0].points
    mask, above = half_covered(points)
    moved = points.copy()
    odd = np.arange(len(points)) % 2 == 0  # of two neighbours one is off, so that the pose is not
    moved[:, 0] += 0.02 * eye_distance(points) * np.where(odd, 1, -1)
    said = completed(face, observed(moved, mask))
    kept = np.abs(said - points)[:, 0] / (0.02 * eye_distance(points))
    shares = [kept[(above > low) & (above < low + 0.2)].mean() for low in (0.0, 0.2, 0.4)]
    assert shares == sorted(shares)
    assert shares[0] < 0.4
    np.testing.assert_allclose(said[above > 0.75], moved[above > 0.75], atol=1e-3)
