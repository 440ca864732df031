from __future__ import annotations

import numpy as np
import pytest
import synthetic

from livefill.geometry import BROWS, EYES, LIPS, eye_distance
from livefill.zones import Zones, disc

FACE = synthetic.face((64, 64), 80)
ZONES = Zones.of(FACE, (128, 128, 3))


@pytest.mark.parametrize(
    ("part", "indices"), [("mouth", LIPS), ("eyes", EYES[0] + EYES[1]), ("brows", BROWS[0] + BROWS[1])]
)
def test_a_part_has_its_landmarks_and_some_skin_around_them(part: str, indices: tuple[int, ...]) -> None:
    zone = getattr(ZONES, part)
    x, y = np.rint(FACE[list(indices)]).astype(int).T
    assert zone.shape == (128, 128)
    assert zone[y, x].all()
    assert 0.02 < zone.sum() / ZONES.face.sum() < 0.4


def test_the_face_holds_all_landmarks_and_the_unit_is_the_distance_of_the_eyes() -> None:
    x, y = np.rint(FACE).astype(int).T
    assert ZONES.face[y, x].all()
    assert pytest.approx(eye_distance(FACE)) == ZONES.unit


def test_zones_grow_with_the_picture() -> None:
    twice = Zones.of(2 * FACE, (256, 256))
    for part in ("face", "mouth", "eyes", "brows"):
        assert getattr(twice, part).sum() / 4 == pytest.approx(getattr(ZONES, part).sum(), rel=0.12)


def test_a_face_beyond_the_picture_leaves_it_empty() -> None:
    gone = Zones.of(FACE + 500, (128, 128))
    assert not any(getattr(gone, part).any() for part in ("face", "mouth", "eyes", "brows"))


@pytest.mark.parametrize(("diameter", "side"), [(0.0, 1), (1.0, 1), (2.9, 3), (6.0, 7)])
def test_a_disc_has_an_odd_side(diameter: float, side: int) -> None:
    assert disc(diameter).shape == (side, side)
