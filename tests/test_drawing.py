from __future__ import annotations

import numpy as np
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.drawing import draw_landmarks
from livefill.geometry import EYES, INNER_LIPS

SIZE = 256


def test_lines_and_openings_lie_where_the_landmarks_are() -> None:
    points = synthetic.face((128, 128), 150)
    around = np.linspace(0, 2 * np.pi, len(INNER_LIPS), endpoint=False)  # the drawn face has no inner lips
    points[list(INNER_LIPS)] = np.column_stack([128 + 18 * np.cos(around), 180 + 6 * np.sin(around)])
    drawing = draw_landmarks(points, SIZE)
    assert drawing.shape == (SIZE, SIZE, 2)
    assert drawing.dtype == np.float32
    for x, y in np.rint(points[list(EYES[0])]).astype(int):
        assert drawing[y - 1 : y + 2, x - 1 : x + 2, 0].max() > 0.4
    for ring in (*EYES, INNER_LIPS):
        x, y = np.rint(points[list(ring)].mean(0)).astype(int)
        assert drawing[y, x, 1] == 1
    assert drawing[2, 2].max() == 0
    assert drawing.min() >= 0
    assert drawing.max() <= 1


def test_a_closed_mouth_has_no_opening_to_speak_of() -> None:
    points = synthetic.face((128, 128), 150)
    points[list(INNER_LIPS)] = np.column_stack([np.linspace(110, 146, 20), np.full(20, 180)])
    assert draw_landmarks(points, SIZE)[175:186, 100:156, 1].sum() < 0.15 * 11 * 56


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_face_beyond_the_crop_is_no_trouble(x: float, y: float) -> None:
    assert np.isfinite(draw_landmarks(synthetic.face((x, y), 150), 64)).all()
