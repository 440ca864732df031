"""Landmarks that are off in one picture are brought where those of the others are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import synthetic

from livefill.agreement import agreed
from livefill.geometry import apply, eye_distance
from livefill.profile import Reference
from livefill.types import Points


def freckled(shift: tuple[float, float], degrees: float) -> Reference:
    """The drawn person with much to hold on to, moved and turned in the picture."""
    plain = synthetic.person(size=(384, 384)).references[0]
    spots = np.random.default_rng(3).normal(0, 1, (384, 384)).astype(np.float32)
    spots = cv2.GaussianBlur(spots, (0, 0), 3)
    image = np.clip(plain.image + 18 * (spots / spots.std())[..., None], 0, 255).astype(np.uint8)
    image, points = synthetic.moved(replace(plain, image=image), synthetic.move(degrees, 1.0, shift, about=192))
    return Reference(image, points, plain.depth)


OTHERS = [freckled(shift, degrees) for shift, degrees in (((0, 0), 0), ((9, -4), 3), ((-6, 7), -5))]


def error(points: Points, truth: Points) -> float:
    upper = truth[:, 1] < truth[:, 1].mean() + 0.5 * eye_distance(truth)
    return float(np.linalg.norm(points - truth, axis=1)[upper].mean() / eye_distance(truth))


def test_a_picture_whose_landmarks_are_off_is_brought_to_agree() -> None:
    truth = freckled((4, 3), 2)
    for off in (np.array([3, -2], np.float32), 0.03 * (truth.points - truth.points.mean(0))):
        wrong = replace(truth, points=np.asarray(truth.points + off, np.float32))
        once = agreed(wrong, OTHERS)
        assert error(once.points, truth.points) < 0.5 * error(wrong.points, truth.points)
        assert once.image is truth.image


def test_landmarks_that_agree_stay() -> None:
    truth = freckled((4, 3), 2)
    assert error(agreed(truth, OTHERS).points, truth.points) < 0.006


def test_places_are_in_the_pictures_own_pixels_whatever_size_the_others_are() -> None:
    truth = freckled((4, 3), 2)
    wrong = replace(truth, points=truth.points + np.array([3, -2], np.float32))
    half = [
        Reference(
            np.asarray(cv2.resize(one.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8),
            apply(np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]], np.float32), one.points),
            one.depth / 2,
        )
        for one in OTHERS
    ]
    assert error(agreed(wrong, half).points, truth.points) < 0.5 * error(wrong.points, truth.points)
