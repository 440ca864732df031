"""What a crop is expected to show: the nearest pictures, mixed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.expected import MIXED, Expected, Pictures
from livefill.geometry import crop_transform
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
    return pictures.lay(crop, points, to_crop, (256, 256), np.ones((SIZE, SIZE), np.float32)), crop


@given(mouth=st.floats(0, 0.15))
def test_a_mixture_is_the_nearest_pictures_and_all_of_one(mouth: float) -> None:
    mixture = PICTURES.mixture(face(mouth))
    shares = [share for _, share in mixture]
    assert 1 <= len(mixture) <= MIXED
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert mixture[0][0] == int(np.argmin([abs(mouth - one) for one in OPEN])) or len(mixture) > 1


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


def test_the_native_picture_is_the_nearest_one_and_goes_on_beyond_the_crop() -> None:
    points = face(0.04)
    expected, _ = lay(PICTURES, points)
    to_crop = crop_transform(points, SIZE, face_share=SHARE)
    box = (0, 0, 256, 256)
    native = expected.native(points, to_crop, box, (256, 256), interpolation=cv2.INTER_LINEAR)
    assert native.shape == (256, 256, 3)
    assert synthetic.psnr(native, BANK.references[1].image) > 30
