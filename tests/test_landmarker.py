from __future__ import annotations

import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from footage import Demo

from livefill.errors import TrackerError
from livefill.geometry import EYES, LIPS, eye_distance
from livefill.landmarker import FaceMesh, Hands
from livefill.types import Frame

needs_mediapipe = pytest.mark.skipif(find_spec("mediapipe") is None, reason="the extra mediapipe is not installed")


@needs_mediapipe
def test_landmarks_are_pixels_of_the_picture_in_the_order_of_the_mesh(demo: Demo) -> None:
    image = demo.clean(1)[0].image
    with FaceMesh(video=False) as mesh:
        (face,) = mesh.find(image)
    assert face.shape == (468, 3)
    assert face.dtype == np.float32
    right, left = (face[list(eye), :2].mean(0) for eye in EYES)
    mouth = face[list(LIPS), :2].mean(0)
    assert right[0] < mouth[0] < left[0]  # the person's right is left in the picture
    assert max(right[1], left[1]) < mouth[1]
    known = demo.profile.references[0]
    assert eye_distance(face[:, :2]) == pytest.approx(eye_distance(known.points), rel=0.2)


@needs_mediapipe
def test_depth_grows_away_from_the_camera(demo: Demo) -> None:
    with FaceMesh(video=False) as mesh:
        (face,) = mesh.find(demo.clean(1)[0].image)
    nose, ears = face[4, 2], face[[234, 454], 2]
    assert (nose < ears).all()


@needs_mediapipe
def test_the_largest_face_comes_first(demo: Demo) -> None:
    image = demo.clean(1)[0].image
    height, width = image.shape[:2]
    two = np.zeros((height, width + width // 2, 3), np.uint8)
    two[:, width // 2 :] = image
    two[height // 4 : height // 4 + len(image[::2]), : width // 2] = image[::2, ::2]
    with FaceMesh(video=False, faces=2, confidence=0.3) as mesh:
        faces = mesh.find(two)
    assert len(faces) == 2
    assert np.ptp(faces[0][:, 0]) > 1.5 * np.ptp(faces[1][:, 0])
    assert faces[0][:, 0].mean() > width // 2 > faces[1][:, 0].mean()


@needs_mediapipe
def test_a_picture_is_shown_until_its_landmarks_settle(demo: Demo) -> None:
    image = demo.clean(1)[0].image
    with FaceMesh() as mesh, FaceMesh() as other:
        first, (settled,) = other.find(image)[0], mesh.settle(image)
        for _ in range(10):
            (longer,) = other.find(image)
    width = np.ptp(longer[:, 0])

    def apart(face: np.ndarray) -> float:
        return float(np.linalg.norm(face[:, :2] - longer[:, :2], axis=1).mean() / width)

    assert apart(first) > 0.003  # what a fresh search says is something else
    assert apart(settled) < 0.5 * apart(first)


@needs_mediapipe
def test_where_nothing_is_nothing_is_found(black: Frame) -> None:
    with FaceMesh() as mesh, Hands() as hands:
        assert mesh.find(black.image) == mesh.settle(black.image) == []
        mask = hands.find(black.image)
    assert mask.shape == black.image.shape[:2]
    assert mask.dtype == np.float32
    assert not mask.any()


@needs_mediapipe
@pytest.mark.parametrize("network", [FaceMesh, Hands])
def test_closed_twice_and_used_afterwards(network: type[FaceMesh | Hands], black: Frame) -> None:
    one = network()
    one.close()
    one.close()
    with pytest.raises(TrackerError, match="closed"):
        one.find(black.image)


@pytest.mark.parametrize("network", [FaceMesh, Hands])
@pytest.mark.parametrize(
    ("module", "words"),
    [(None, "cannot be loaded"), (SimpleNamespace(__version__="0.99"), "mediapipe 0.99 has no models")],
)
def test_without_mediapipe_the_remedy_is_said(
    network: type[FaceMesh | Hands], module: object, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    with pytest.raises(TrackerError, match=rf"{words}.*pip install 'livefill\[mediapipe\]'"):
        network()
