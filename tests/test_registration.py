"""Laying the reference's texture on a frame: a pose that is a little off is found again, and nothing else is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from numpy.typing import NDArray

from livefill.geometry import crop_transform, eye_distance
from livefill.observer import FACE_SHARE, SIZE
from livefill.pyramid import cut
from livefill.registration import NONE, Fit, Head, Seen
from livefill.types import RGB, Mask, Points

STEPS = 25  # frames: less than a second

Scene = tuple[Head, RGB, Points]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A head with freckles, a crop of it, and its landmarks there."""
    shape = synthetic.face((320, 240), 220)
    image = synthetic.picture(shape, (640, 480)).astype(np.float32)
    freckles = np.random.default_rng(2).normal(0, 60, (*image.shape[:2], 1)).astype(np.float32)
    image = np.clip(image + cv2.GaussianBlur(freckles, (0, 0), 3)[..., None], 0, 255).astype(np.uint8)
    head = Head.of(image, shape, synthetic.depth(shape))
    to_crop = crop_transform(shape, SIZE, face_share=FACE_SHARE)
    in_crop = shape @ to_crop[:, :2].T + to_crop[:, 2]
    return head, cut(image, to_crop, SIZE), in_crop.astype(np.float32)


def upper(points: Points) -> tuple[Mask, NDArray[np.float32]]:
    """What is seen where the mouth is covered: of the crop, and of the landmarks."""
    line = points[:, 1].mean() + 0.25 * eye_distance(points)
    free = np.ones((SIZE, SIZE), np.float32)
    free[int(line) :] = 0
    return free, (points[:, 1] < line).astype(np.float32)


def settled(head: Head, crop: RGB, free: Mask, points: Points, seen: NDArray[np.float32]) -> Points:
    fit = NONE
    for _ in range(STEPS):
        fit = head.follow(crop, free, points, seen, fit, trust=1.0)
    return head.moved(points, fit.correction)


def error(points: Points, truth: Points, where: NDArray[np.bool_]) -> float:
    return float(np.linalg.norm(points - truth, axis=1)[where].mean() / eye_distance(truth))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([[0, 0], [0, 0], [0.03, -0.02], [0, 0]], id="shifted"),
        pytest.param([[0.04, 0], [0, 0.04], [0, 0], [0, 0]], id="too large"),
        pytest.param([[0, 0.04], [-0.04, 0], [0, 0], [0, 0]], id="rolled"),
        pytest.param([[0, 0], [0, 0], [0, 0], [0.12, 0]], id="turned"),
    ],
)
@pytest.mark.parametrize("light", [(1.0, 0), (0.6, 30)], ids=["same light", "other light"])
def test_a_pose_that_is_off_is_found_again(scene: Scene, wrong: list[list[float]], light: tuple[float, int]) -> None:
    head, crop, truth = scene
    free, seen = upper(truth)
    thought = head.moved(truth, np.array(wrong, np.float32))
    shown = np.clip(crop * light[0] + light[1], 0, 255).astype(np.uint8)
    shown[free == 0] = 40
    found = settled(head, shown, free, thought, seen)
    hidden = seen == 0
    assert error(found, truth, ~hidden) < 0.65 * error(thought, truth, ~hidden)
    assert error(found, truth, hidden) < max(0.5 * error(thought, truth, hidden), 0.012)


def test_a_pose_that_is_right_stays(scene: Scene) -> None:
    head, crop, truth = scene
    free, seen = upper(truth)
    assert error(settled(head, crop, free, truth, seen), truth, seen == 0) < 0.01


def test_what_cannot_be_seen_says_nothing(scene: Scene) -> None:
    head, crop, truth = scene
    texture = np.zeros((SIZE, SIZE), np.float32)
    before = Fit(np.full((4, 2), 0.01, np.float32), 0.9, Seen(texture, texture))
    nothing, nobody = np.zeros((SIZE, SIZE), np.float32), np.zeros(len(truth), np.float32)
    said = head.follow(crop, nothing, truth, nobody, before, trust=1.0)
    assert said.correction is before.correction
    assert (said.agreement, said.seen) == (0.9, None)  # nor of what it holds: that is of a frame before


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_without_texture_moves_nothing(scene: Scene, level: int) -> None:
    head, crop, truth = scene
    free, seen = upper(truth)
    assert error(settled(head, np.full_like(crop, level), free, truth, seen), truth, seen == 0) < 0.02


def test_without_trust_a_correction_is_given_up(scene: Scene) -> None:
    head, crop, truth = scene
    free, seen = upper(truth)
    fit = Fit(np.full((4, 2), 0.05, np.float32), 0.9)
    for _ in range(STEPS):
        fit = head.follow(crop, free, truth, seen, fit, trust=0.0)
    assert np.abs(fit.correction).max() < 0.001


def test_a_head_agrees_with_itself_and_not_with_another(scene: Scene) -> None:
    head, crop, truth = scene
    free, seen = upper(truth)
    assert head.follow(crop, free, truth, seen, NONE, trust=1.0).agreement > 0.95
    stranger = np.random.default_rng(3).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    stranger = cv2.resize(stranger, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    assert head.follow(stranger, free, truth, seen, NONE, trust=1.0).agreement < 0.4
