"""Samples for the observer: what the crop shows is where the truth says, also in the mirror."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from numpy.testing import assert_allclose, assert_array_equal

from training.covering import Wardrobe
from training.faces.labels import POINTS, mirror_pairs
from training.observer.samples import MASK, SIZE, People, Sample, Studio
from training.occluders.library import Sprite

SIDE = 320
GREEN = (0, 200, 0)


@pytest.fixture(scope="module")
def studio() -> Studio:
    """Two pictures of one drawn person, and a green slab."""
    shapes = [synthetic.face((160, 170), 200), synthetic.face((150, 165), 190, mouth=0.4)]
    solid = np.array([np.column_stack([shape, synthetic.depth(shape)]) for shape in shapes], np.float32)
    twins = solid[:, mirror_pairs()] * (-1, 1, 1) + (SIDE - 1, 0, 0)
    matte = np.zeros((160, 160), np.uint8)
    cv2.ellipse(matte, (80, 85), (65, 80), 0, 0, 360, (255,), -1)
    images = tuple(synthetic.picture(shape, (SIDE, SIDE)) for shape in shapes)
    people = People(images, (matte, matte), solid, twins.astype(np.float32), np.array([1, 1]))
    slab = Sprite(np.full((80, 60, 3), GREEN, np.uint8), np.ones((80, 60), np.float32), "mug")
    return Studio(people, Wardrobe([slab]))


def samples(studio: Studio, count: int, **wish: object) -> list[Sample]:
    random = np.random.default_rng(5)
    drawn = (studio.draw(random, **wish) for _ in range(100))  # type: ignore[arg-type]
    return [sample for sample in drawn if sample.face == 1][:count]


def test_the_same_seed_draws_the_same_sample(studio: Studio) -> None:
    one, other = (studio.draw(np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a, b)


def test_nothing_covers_a_face_that_is_not_to_be_covered(studio: Studio) -> None:
    for sample in samples(studio, 10, cover=False):
        assert not sample.mask.any()
        inside = (np.abs(sample.points[:, :2]) < 0.5).all(1)
        assert_array_equal(sample.visible, inside)


def test_the_mask_lies_on_what_covers_the_face(studio: Studio) -> None:
    shares = []
    for sample in samples(studio, 30, cover=True):
        assert sample.crop.shape == (SIZE, SIZE, 3)
        covered = cv2.resize(sample.mask, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST) > 200
        hidden = sample.visible == 0
        pixels = np.clip(np.rint((sample.points[:, :2] + 0.5) * SIZE), 0, SIZE - 1).astype(int)
        inside = (np.abs(sample.points[:, :2]) < 0.49).all(1)
        shares.append((covered[pixels[:, 1], pixels[:, 0]] == hidden)[inside].mean())
    assert np.mean(shares) > 0.95


def test_a_prior_is_near_the_face(studio: Studio) -> None:
    for sample in samples(studio, 20):
        assert np.linalg.norm(sample.prior - sample.points[:, :2], axis=1).mean() < 0.35
        assert sample.mask.shape == (MASK, MASK)
        assert sample.points.shape == sample.twin.shape == (POINTS, 3)


def test_the_mirror_image_of_a_mirror_image_is_the_batch(studio: Studio) -> None:
    pytest.importorskip("torch")
    from training.observer.replay import mirrored
    from training.observer.train import to_tensors

    batch = to_tensors(samples(studio, 4))
    flipped = mirrored(batch)
    # This person's twin is the mirror image: the points' own mirror image is what the mirrored batch must say.
    expected = batch["points"][:, mirror_pairs()].numpy() * (-1, 1, 1) - (1 / SIZE, 0, 0)
    assert_allclose(flipped["points"].numpy(), expected, atol=1e-4)
    believed = batch["prior"][:, mirror_pairs()].numpy() * (-1, 1) - (1 / SIZE, 0)
    assert_allclose(flipped["prior"].numpy(), believed, atol=1e-6)
    again = mirrored(flipped)
    for name, values in batch.items():
        assert_allclose(again[name].numpy(), values.numpy(), atol=1e-5, err_msg=name)


def test_the_bare_crop_is_the_covered_one_without_what_covers_it(studio: Studio) -> None:
    random = np.random.default_rng(3)
    for sample in (studio.draw(random, cover=False) for _ in range(5)):
        assert_array_equal(sample.bare, sample.crop)
    beside, behind = [], []
    for sample in (studio.draw(random, cover=True) for _ in range(40)):
        changed = np.abs(sample.bare.astype(np.float32) - sample.crop).mean(-1)
        mask = cv2.resize(sample.mask, (SIZE, SIZE))
        if (mask > 200).sum() > 500:
            beside.append(changed[cv2.dilate(mask, np.ones((41, 41))) == 0].mean())
            behind.append(changed[mask > 200].mean())
    assert np.nanmedian(behind) > 30
    assert np.nanmedian(beside) < 8  # noise of its own


def test_a_teacher_says_where_the_landmarks_of_faces_are_by_the_bare_crop(studio: Studio) -> None:
    torch = pytest.importorskip("torch")
    from training.observer.model import Observer
    from training.observer.train import observe, taught, to_tensors

    torch.manual_seed(0)
    teacher, batch = Observer().eval(), to_tensors(samples(studio, 6))
    batch["face"] = torch.tensor([1.0, 0.0, -1.0, 1.0, 1.0, 1.0])
    told = taught(teacher, batch)
    faces = batch["face"] == 1
    assert_array_equal(told["points"][~faces], batch["points"][~faces])
    uncovered = teacher(batch["bare"].float() / 255, batch["reference"].float() / 255, batch["known"], batch["prior"])
    assert_allclose(told["points"][faces], uncovered.points[faces].detach(), atol=1e-5)
    covered = observe(teacher, batch).points
    assert not torch.allclose(told["points"][faces], covered[faces], atol=1e-5)
