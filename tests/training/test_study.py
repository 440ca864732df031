from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("h5py", reason="training needs h5py")

from training.study.masks import PAINTED, SETTINGS, paint
from training.study.methods import RULES, folder_of, methods
from training.study.report import interval, table
from training.study.score import score

FACE = synthetic.face()
SHAPE = (240, 240)
SHIFTS = [np.array([2.0 * number, 1.0 * number], np.float32) for number in range(6)]


def faces() -> list[np.ndarray]:
    """A face that wanders to the right."""
    middle = FACE - FACE.mean(0)
    points = middle * (120 / np.ptp(middle[:, 0])) + np.array([110, 120])
    return [(points + shift).astype(np.float32) for shift in SHIFTS]


@settings(deadline=None, max_examples=20)
@given(setting=st.sampled_from(sorted(PAINTED)), seed=st.integers(0, 1000))
def test_a_mask_hides_some_of_the_face_in_every_frame(setting: str, seed: int) -> None:
    shown = faces()
    masks = paint(setting, shown, SHAPE, np.random.default_rng(seed))
    again = paint(setting, shown, SHAPE, np.random.default_rng(seed))
    assert len(masks) == len(shown)
    assert all(np.array_equal(one, other) for one, other in zip(masks, again, strict=True))
    for mask in masks:
        assert mask.shape == SHAPE
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert 0.003 < mask.mean() < 0.5


def test_a_static_mask_stays_where_it_is_and_a_worn_one_goes_with_the_face() -> None:
    static = paint("static", faces(), SHAPE, np.random.default_rng(1))
    assert all(np.array_equal(static[0], mask) for mask in static)
    rows, columns = np.flatnonzero(static[0].any(1)), np.flatnonzero(static[0].any(0))
    assert len(rows) == len(columns) == static[0].sum() ** 0.5  # a square
    for setting in ("eyes", "lower"):
        worn = paint(setting, faces(), SHAPE, np.random.default_rng(1))
        middles = np.array([np.argwhere(mask > 0).mean(0)[::-1] for mask in worn])
        assert np.allclose(middles - middles[0], SHIFTS, atol=0.7)


def test_worn_masks_hide_what_they_are_called_after() -> None:
    (face, *_) = faces()
    eyes, lower = (paint(setting, [face], SHAPE, np.random.default_rng(2))[0] for setting in ("eyes", "lower"))

    def hidden(mask: np.ndarray, landmark: int) -> bool:
        x, y = np.rint(face[landmark]).astype(int)
        return bool(mask[y, x])

    assert all(hidden(eyes, landmark) for landmark in (33, 133, 263, 362))
    assert not any(hidden(eyes, landmark) for landmark in (0, 17, 152))
    assert all(hidden(lower, landmark) for landmark in (0, 17, 61, 291))
    assert not any(hidden(lower, landmark) for landmark in (33, 263, 10))


def test_moving_masks_move() -> None:
    masks = paint("moving", faces(), SHAPE, np.random.default_rng(3))
    assert all((one != other).any() for one, other in pairwise(masks))
    assert set(SETTINGS) == {*PAINTED, "real"}


def test_an_interval_holds_the_mean_and_narrows_with_more_clips() -> None:
    random = np.random.default_rng(0)
    few, many = random.normal(5, 1, 8), random.normal(5, 1, 800)
    (one, wide), (two, narrow) = interval(few), interval(many)
    assert one == pytest.approx(few.mean())
    assert two == pytest.approx(5, abs=0.1)
    assert narrow == pytest.approx(1.96 / 800**0.5, rel=0.15)
    assert wide > 5 * narrow


def test_the_table_marks_the_best_whichever_way_a_measure_goes() -> None:
    rows = {
        "a": {"1": {"psnr": 20.0, "lpips": 0.30}, "2": {"psnr": 22.0, "lpips": 0.10}},
        "b": {"1": {"psnr": 25.0, "lpips": 0.40}, "2": {"psnr": 27.0, "lpips": 0.50}},
    }
    text = table(rows, {"a": {"frechet": 3.0, "fps": 1.0}, "b": {"frechet": 2.0, "fps": 1.0}})
    head, _, a, b = text.splitlines()
    assert head == "| | PSNR | LPIPS | Fréchet |"
    assert "| 21.00 ± " in a
    assert "| **0.200** ± " in a
    assert "| **26.00** ± " in b
    assert b.endswith("| **2.00** |")


def test_rules_fill_only_what_is_hidden_and_a_perfect_fill_scores_perfectly(tmp_path) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(0)
    truth = random.integers(0, 255, (12, 128, 128, 3)).astype(np.uint8)
    mask = np.zeros((12, 128, 128), np.uint8)
    mask[:, 50:80, 40:90] = 255
    middle = FACE - FACE.mean(0)
    points = np.repeat((middle * (75 / np.ptp(middle[:, 0])) + 64)[None], 12, 0).astype(np.float32)
    clip = {
        "truth": truth,
        "crop": np.where(mask[..., None] > 0, 0, truth),
        "mask": mask,
        "expected": truth,
        "points": points,
    }
    np.savez(tmp_path / "static_oracle_00000.npz", **clip)
    found = methods(tmp_path, width=16)
    assert list(found) == [rule.name for rule in RULES]
    paths = [tmp_path / "static_oracle_00000.npz"]
    for name, (_, fill) in found.items():
        filled = fill(clip).frames
        assert np.array_equal(filled[mask == 0], truth[mask == 0])
        rows, pooled = score(fill, paths)
        perfect = name == "warped reference"  # here it is the truth
        assert (rows["static_oracle_00000"]["psnr"] > 60) is perfect
        assert (rows["static_oracle_00000"]["lpips"] < 1e-6) is perfect
        assert pooled["fps"] > 0


def test_every_method_has_a_folder_of_its_own() -> None:
    from training.study.methods import TRAINED

    assert len({folder_of(method) for method in TRAINED}) == len(TRAINED)
