"""A coarse look at the whole frame: places come back in the frame's pixels, each face once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from numpy.testing import assert_allclose

from livefill.finder import PAD, SIZE, Candidate, Finder, crop_of, fitted
from livefill.geometry import apply, crop_transform
from livefill.types import RGB, Points, Tensor

ROWS, COLUMNS = 24, 40
STRIDE = 8


class Network:
    """Says that there are circles (x, y, radius, angle, score) in its picture, as far around them as is likely."""

    def __init__(self, *circles: tuple[float, float, float, float, float]) -> None:
        self.circles = circles
        self.seen: list[RGB] = []

    def __call__(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        (picture,) = inputs["picture"]
        self.seen.append(picture)
        score, place = np.zeros((ROWS, COLUMNS), np.float32), np.zeros((ROWS, COLUMNS, 4), np.float32)
        for row in range(ROWS):
            for column in range(COLUMNS):
                for x, y, radius, angle, best in self.circles:
                    away = np.hypot((column + 0.5) * STRIDE - x, (row + 0.5) * STRIDE - y) / radius
                    if (warm := best * np.exp(-2 * away**2)) > score[row, column]:
                        score[row, column], place[row, column] = warm, (x, y, radius, angle)
        return {"score": score[None], "place": place[None]}


def frame(width: int = 1280, height: int = 720) -> RGB:
    return np.full((height, width, 3), 90, np.uint8)


def test_places_are_in_pixels_of_the_frame() -> None:
    (found,) = Finder(Network((100, 50, 30, 0.2, 0.9))).find(frame())
    assert_allclose(found.center, (401.5, 201.5))  # a pixel's middle is a whole number in both pictures
    assert found.radius == pytest.approx(120)
    assert found.angle == pytest.approx(0.2)
    assert 0.5 < found.score <= 0.9


def test_the_likeliest_come_first_and_each_once() -> None:
    network = Network((60, 60, 30, 0, 0.6), (64, 62, 30, 0, 0.5), (200, 100, 40, 0, 0.9), (290, 40, 12, 0, 0.1))
    found = Finder(network).find(frame())
    assert [round(one.center[0]) for one in found] == [802, 242]
    assert found[0].score > found[1].score


def test_at_most_so_many_are_said() -> None:
    network = Network((40, 40, 20, 0, 0.9), (160, 90, 20, 0, 0.8), (280, 140, 20, 0, 0.7))
    assert len(Finder(network).find(frame(), most=2)) == 2


def test_nothing_is_found_where_nothing_is_likely() -> None:
    assert Finder(Network((100, 50, 30, 0, 0.2))).find(frame()) == []
    assert len(Finder(Network((100, 50, 30, 0, 0.2)), threshold=0.1).find(frame())) == 1


@pytest.mark.parametrize(
    "size", [(1280, 720), (1920, 1080), (640, 480), (512, 480), (300, 900), (200, 100), (321, 181)]
)
def test_any_frame_fits(size: tuple[int, int]) -> None:
    image = frame(*size)
    x, y = 0.7 * size[0], 0.3 * size[1]
    reach = min(size) // 8
    cv2.circle(image, (round(x), round(y)), reach, (255, 255, 255), -1)
    picture, scale = fitted(image)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    inside = [round(side * factor) for side, factor in zip(size, scale, strict=True)]
    assert inside[0] == SIZE[0] or inside[1] == SIZE[1]
    assert scale[0] == pytest.approx(scale[1], rel=0.02)
    assert (picture[inside[1] :] == PAD).all()
    assert (picture[:, inside[0] :] == PAD).all()
    bright = np.argwhere(picture[: inside[1], : inside[0], 0] > 200).mean(0)[::-1]
    assert_allclose((bright + 0.5) / scale - 0.5, (x, y), atol=1.5 / min(scale))


def test_the_network_sees_the_frame_itself() -> None:
    network = Network()
    Finder(network).find(frame())
    assert network.seen[0].dtype == np.uint8
    assert (network.seen[0][:180] == 90).all()


@pytest.mark.parametrize("degrees", [-40, 0, 25])
def test_crop_is_the_one_that_landmarks_would_give(degrees: float) -> None:
    points: Points = apply(synthetic.move(degrees, 1.3, (50, -20)), synthetic.face())
    expected = crop_transform(points, 192, face_share=0.62)
    assert_allclose(crop_of(Candidate.of(points), 192, 0.62), expected, rtol=1e-4, atol=1e-3)
