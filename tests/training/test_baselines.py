from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("h5py", reason="training needs h5py")

import torch

from training.baselines import LGTSM, CombCN
from training.baselines.lgtsm import KNOWN, LAYERS, LearnableShift
from training.model import Inputs
from training.networks import NETWORKS, build
from training.study.methods import CONFIG, TRAINED, multiplications


def weights(width: int, *, taps: int) -> int:
    """Of the table of layers: two convolutions each, with kernels of so many frames; and the last layer."""

    def channels(multiple: float) -> int:
        return int(multiple * width) if multiple else KNOWN

    table = [(channels(one.takes), channels(one.gives), one.kernel) for one in LAYERS] + [(width // 2, 3, 3)]
    return sum(2 * (kernel**2 * taps * takes * gives + gives) for takes, gives, kernel in table)


def inputs(frames: int, side: int = 32, seed: int = 0) -> Inputs:
    random = torch.Generator().manual_seed(seed)
    crop, mask, expected, drawing = (torch.rand(frames, c, side, side, generator=random) for c in (3, 1, 3, 2))
    return Inputs(crop, (mask > 0.7).float(), expected, drawing)


def test_lgtsm_has_the_published_number_of_weights() -> None:
    own = sum(weight.numel() for name, weight in LGTSM(64).named_parameters() if "taps" not in name)
    assert own == weights(64, taps=1)
    assert own / 1e6 == pytest.approx(12.14, abs=0.01)  # arXiv 1907.01131
    assert weights(64, taps=3) / 1e6 == pytest.approx(36.4, abs=0.05)  # its 3D form
    assert 0.32 < own / weights(64, taps=3) < 0.34  # "33 % of the parameters"


def test_lgtsm_costs_what_its_table_says() -> None:
    side, count = 128, 0.0
    size = side
    table = [*LAYERS]
    for layer in table:
        size = size * 2 if layer.grows else size // layer.stride
        takes = KNOWN if not layer.takes else int(layer.takes * 64)
        count += 2 * layer.kernel**2 * takes * int(layer.gives * 64) * size**2
    count += 2 * 9 * 32 * 3 * side**2
    assert count / 1e9 == pytest.approx(19.95, rel=0.02)


@pytest.mark.parametrize("model", [LGTSM(8), LGTSM(8, online=True), CombCN(8)])
def test_a_clip_is_filled_at_its_own_size(model: LGTSM | CombCN) -> None:
    seen = inputs(6)
    fill = model.eval().forward_clip(seen, model.remember(seen, 2), 3)
    assert fill.image.shape == (6, 3, 32, 32)
    assert (fill.trust.sigmoid() < 1e-6).all()  # there is no reference to trust


@settings(deadline=None, max_examples=15)
@given(changed=st.integers(1, 4), seed=st.integers(0, 99))
def test_online_lgtsm_never_looks_ahead_and_offline_does(changed: int, seed: int) -> None:
    torch.manual_seed(seed)
    seen = inputs(5, seed=seed)
    other = seen._replace(crop=seen.crop.clone())
    other.crop[changed:] = torch.rand_like(other.crop[changed:])
    for online in (True, False):
        model = LGTSM(8, online=online).eval()
        with torch.no_grad():
            one, two = (model.forward_clip(part, model.remember(part, 1), 5).image for part in (seen, other))
        same = torch.equal(one[:changed], two[:changed])
        assert same is online


def test_the_shift_takes_its_quarters_from_the_frames_beside() -> None:
    x = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 8, 1, 1)
    offline = LearnableShift(8, online=False)(x, 3).view(3, 8)
    assert offline[:, 0].tolist() == [1, 2, 0]  # from the frame after
    assert offline[:, 2].tolist() == [0, 0, 1]  # from the frame before
    assert offline[:, 4:].unique().tolist() == [0, 1, 2]
    online = LearnableShift(8, online=True)(x, 3).view(3, 8)
    assert online[:, 0].tolist() == online[:, 2].tolist() == [0, 0, 1]


def test_combcn_hides_nothing_of_what_is_visible_and_sees_nothing_of_what_is_hidden() -> None:
    seen, model = inputs(3), CombCN(8).eval()
    hidden = seen._replace(crop=torch.where(seen.mask > 0, torch.rand_like(seen.crop), seen.crop))
    with torch.no_grad():
        one, two = (model.forward_clip(part, model.remember(part, 1), 3).image for part in (seen, hidden))
    assert torch.equal(one, two)
    assert model.last_coarse is not None
    assert model.last_coarse.shape == (3, 3, 16, 16)


def test_every_network_of_the_study_can_be_built() -> None:
    clip = {
        "crop": torch.zeros(2, 128, 128, 3).byte().numpy(),
        "mask": torch.zeros(2, 128, 128).byte().numpy(),
        "expected": torch.zeros(2, 128, 128, 3).byte().numpy(),
        "drawing": torch.zeros(2, 128, 128, 2).byte().numpy(),
        "truth": torch.zeros(2, 128, 128, 3).byte().numpy(),
        "bank_crop": torch.zeros(1, 128, 128, 3).byte().numpy(),
        "bank_drawing": torch.zeros(1, 128, 128, 2).byte().numpy(),
    }
    assert {method.network for method in TRAINED} == set(NETWORKS)
    lgtsm = next(method for method in TRAINED if method.network == "lgtsm")
    count, products = multiplications(lgtsm, clip, width=16)
    assert count / 1e6 == pytest.approx(0.763, abs=0.001)
    assert products / 1e9 == pytest.approx(1.3, abs=0.05)  # a sixteenth of 19.95, and the first layer
    with pytest.raises(ValueError, match="no network 'sttn'"):
        build("sttn", config=CONFIG, width=16)
