"""What a crop is expected to show: the nearest pictures, mixed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.expected import MIXED, Expected, Pictures
from livefill.geometry import EYES, apply, beside, crop_transform
from livefill.profile import Profile
from livefill.pyramid import cut
from livefill.types import RGB, Points

SIZE, SHARE = 256, 0.44
OPEN = (0.0, 0.04, 0.08, 0.12)
BANK = synthetic.person(mouths=OPEN)
PICTURES = Pictures(BANK, SIZE, SHARE)


def face(mouth: float) -> Points:
    return synthetic.face((128, 128), 0.43 * 256, mouth=mouth)


def lay(pictures: Pictures, points: Points) -> tuple[Expected, RGB]:
    """Lay them on a drawn face; return what is expected, and the crop."""
    to_crop = crop_transform(points, SIZE, face_share=SHARE)
    crop = cut(synthetic.picture(points, seed=0), to_crop, SIZE)
    return pictures.lay(crop, points, to_crop, (256, 256), np.ones((SIZE, SIZE), np.float32)).show(), crop


@given(mouth=st.floats(0, 0.15))
def test_a_mixture_is_the_nearest_pictures_and_all_of_one(mouth: float) -> None:
    mixture = PICTURES.mixture(face(mouth))
    shares = [share for _, share in mixture]
    assert 1 <= len(mixture) <= MIXED
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    gaps = [abs(mouth - one) for one in OPEN]
    assert gaps[mixture[0][0]] < min(gaps) + 0.004


@given(mouth=st.floats(0, 0.12))
def test_a_mouth_that_moves_a_little_changes_the_mixture_a_little(mouth: float) -> None:
    before, after = (dict(PICTURES.mixture(face(one))) for one in (mouth, mouth + 0.0005))
    assert all(abs(before.get(i, 0.0) - after.get(i, 0.0)) < 0.15 for i in range(len(OPEN)))


def test_a_picture_that_is_held_as_the_face_is_stands_alone_where_the_others_are_far() -> None:
    far = Pictures(synthetic.person(mouths=(0.0, 0.3)), SIZE, SHARE)
    assert far.mixture(face(0.0)) == [(0, 1.0)]
    expected, _ = lay(far, face(0.0))
    assert expected.image is expected.nearest


def test_other_expressions_are_mixed_in_as_references_are() -> None:
    split = Profile("me", BANK.references[:1], expressions=BANK.references[1:])
    expected, crop = lay(Pictures(split, SIZE, SHARE), face(0.08))
    assert np.array_equal(expected.image, lay(PICTURES, face(0.08))[0].image)
    mouth = slice(140, 200), slice(90, 166)
    alone, _ = lay(Pictures(Profile("me", BANK.references[:1]), SIZE, SHARE), face(0.08))
    off = [np.abs(one.image * 255 - crop)[mouth].mean() for one in (expected, alone)]
    assert off[0] < off[1]


def test_around_the_face_and_in_its_eyes_the_nearest_picture_stands_alone() -> None:
    lights = (replace(one, image=one.image // 2 + np.uint8(30 * i)) for i, one in enumerate(BANK.references))
    points = face(0.06)  # between two
    expected, _ = lay(Pictures(Profile("me", tuple(lights)), SIZE, SHARE), points)
    off = np.abs(expected.image - expected.nearest).max(2)
    in_crop = apply(crop_transform(points, SIZE, face_share=SHARE), points)
    away = beside(in_crop, SIZE, close=0.02, soft=0.13)
    assert off[away == 1].max() < 0.01
    middles = [in_crop[list(part)].mean(0).round().astype(int) for part in (*EYES, (4,), (50,))]
    right_eye, left_eye, nose, cheek = (off[y, x] for x, y in middles)
    assert max(right_eye, left_eye) < 0.01 < 0.03 < min(nose, cheek)
    x, y = in_crop[159].round().astype(int)
    assert off[y - 5, x] < 0.78 * nose  # above a lid it is mixed by and by


def test_the_native_picture_is_the_nearest_one_and_goes_on_beyond_the_crop() -> None:
    points, close = face(0.04), 0.8
    to_crop = crop_transform(points, SIZE, face_share=close)
    crop = cut(BANK.references[1].image, to_crop, SIZE)
    corners = to_crop[:, :2] @ np.array([[0, 256, 0, 256], [0, 0, 256, 256]]) + to_crop[:, 2:]
    assert corners.min() < -50  # much of the picture lies beyond
    visible = np.ones((SIZE, SIZE), np.float32)
    expected = Pictures(BANK, SIZE, close).lay(crop, points, to_crop, (256, 256), visible).show()
    native = expected.native(points, to_crop, (0, 0, 256, 256), (256, 256), interpolation=cv2.INTER_LINEAR)
    alike = [synthetic.psnr(native, one.image) for one in BANK.references]
    assert expected.index == int(np.argmax(alike)) == 1
    assert alike[1] > 33


def test_the_nearest_picture_stays_so_while_it_nearly_is() -> None:
    between = face(0.06)
    (first, share), (second, other), *_ = PICTURES.mixture(between)
    assert other > 0.7 * share
    assert [i for i, _ in PICTURES.mixture(between, before=second)][:2] == [second, first]
    assert dict(PICTURES.mixture(between, before=second)) == dict(PICTURES.mixture(between))
    assert PICTURES.mixture(face(0.0), before=3) == PICTURES.mixture(face(0.0))


def test_what_settles_moves_the_pictures_and_detail_alike() -> None:
    points = face(0.04)
    to_crop = crop_transform(points, SIZE, face_share=SHARE)
    crop = np.roll(
        cut(BANK.references[1].image, to_crop, SIZE), 3, axis=1
    )  # the face, three pixels beside its landmarks
    visible = np.ones((SIZE, SIZE), np.float32)
    expected = PICTURES.lay(crop, points, to_crop, (256, 256), visible).show()
    inside = slice(90, 170), slice(90, 170)
    still = PICTURES.lay(crop, points, to_crop, (256, 256), np.zeros_like(visible)).show()
    bound = PICTURES.lay(crop, points, to_crop, (256, 256), visible, leeway=0).show()
    off = [np.abs(one.nearest * 255 - crop)[inside].mean() for one in (expected, still)]
    assert off[0] < 0.7 * off[1]
    assert np.array_equal(bound.image, still.image)  # by landmarks that leave no leeway
