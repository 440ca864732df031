"""How faces are held, whatever their place, size and tilt."""

from __future__ import annotations

import numpy as np
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.geometry import apply, eye_distance
from livefill.shapes import MOUTH, Shapes

FACES = [synthetic.face(mouth=mouth) for mouth in (0.0, 0.05, 0.1)]
SHAPES = Shapes(FACES)


@given(
    index=st.integers(0, 2),
    angle=st.floats(-0.5, 0.5),
    scale=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_the_same_face_moved_turned_in_the_picture_and_enlarged_is_not_apart(
    index: int, angle: float, scale: float, shift: tuple[float, float]
) -> None:
    gaps = SHAPES.apart(apply(synthetic.move(angle, scale, shift), FACES[index]))
    assert gaps[index] < 1e-4
    assert gaps.argmin() == index


def test_the_further_a_mouth_is_open_the_further_it_is_from_a_closed_one() -> None:
    gaps = SHAPES.apart(FACES[0])
    assert 0 <= gaps[0] < 1e-6
    assert gaps[1] < gaps[2]


def test_half_of_what_is_apart_is_the_mouth_alone_in_eye_distances() -> None:
    wide = FACES[0].copy()
    middle = wide[MOUTH].mean(0)
    wide[MOUTH] = middle + 1.2 * (wide[MOUTH] - middle)
    off = 0.2 * (FACES[0][MOUTH] - middle)
    alone = np.sqrt((off**2).sum(1).mean()) / eye_distance(wide)
    whole = alone * np.sqrt(len(MOUTH) / len(wide))
    assert abs(SHAPES.apart(wide)[0] - (alone + whole) / 2) < 0.06 * alone  # to lie on it the face is enlarged a little
