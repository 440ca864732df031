"""The generator in torch draws what the one in OpenVINO draws."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.faces import torch_generator  # noqa: E402
from training.faces.directions import load, moved  # noqa: E402
from training.faces.generator import LAYERS, STYLE, FaceGenerator  # noqa: E402
from training.faces.torch_generator import SIDE, TorchFaceGenerator  # noqa: E402


@pytest.fixture(scope="module")
def generator() -> TorchFaceGenerator:
    if importlib.util.find_spec("random_face") is None:
        pytest.skip("the package random-face is not installed")
    return TorchFaceGenerator(batch=2)


@pytest.fixture(scope="module")
def reference() -> FaceGenerator:
    pytest.importorskip("openvino")
    return FaceGenerator()


def test_a_wavelet_step_is_the_inverse_of_the_haar_transform() -> None:
    picture = torch.rand(2, 3, 8, 6)
    corners = picture[:, :, ::2, ::2], picture[:, :, ::2, 1::2], picture[:, :, 1::2, ::2], picture[:, :, 1::2, 1::2]
    a, b, c, d = corners
    low, down, across, both = (a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2
    high = torch.stack((down, across, both), 2).flatten(1, 2)
    again = torch_generator._unwavelet(torch.cat((low, high), 1))
    torch.testing.assert_close(again, picture)


def test_the_styles_of_a_seed_are_the_same(generator: TorchFaceGenerator, reference: FaceGenerator) -> None:
    np.testing.assert_allclose(generator.mean, reference.mean, atol=1e-5)
    np.testing.assert_allclose(generator.person(3), reference.person(3), atol=1e-4)


def test_the_pictures_of_styles_are_the_same(generator: TorchFaceGenerator, reference: FaceGenerator) -> None:
    plain = reference.person(1)
    styles = np.stack([plain, moved(reference.person(2, truncation=0.9), load(), {"yaw": 1.0, "mouth": 2.0})])
    drawn = generator.render_many(styles).astype(int)
    assert drawn.shape == (2, SIDE, SIDE, 3)
    off = np.abs(drawn - np.stack([reference.render(each) for each in styles]))
    assert (off <= 1).mean() >= 0.999
    assert off.mean() < 0.01


def test_half_a_side_is_the_mean_of_squares(generator: TorchFaceGenerator) -> None:
    style = generator.sample(np.random.default_rng(4), 1)  # (1, STYLE): one for all layers
    whole, half = generator.render(style[0]), generator.render_many(_all_layers(style), side=SIDE // 2)[0]
    squares = whole.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).astype(np.float32)
    inside = (squares.min((1, 3)) > 0) & (squares.max((1, 3)) < 255)  # a level cut off changes the mean
    assert np.abs(squares.mean((1, 3)) - half)[inside].max() <= 1


def test_other_sides_are_refused(generator: TorchFaceGenerator) -> None:
    with pytest.raises(ValueError, match="1024 or 512"):
        generator.render_many(np.zeros((1, LAYERS, STYLE), np.float32), side=256)


def _all_layers(styles: np.ndarray) -> np.ndarray:
    return np.repeat(styles[:, None], LAYERS, 1)
