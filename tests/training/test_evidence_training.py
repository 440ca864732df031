from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import synthetic

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from livefill.evidence import FEATURES, Evidence, View  # noqa: E402
from training.evidence import train as training  # noqa: E402
from training.evidence.cases import Case, load, misled, relit, store, weakened  # noqa: E402
from training.evidence.model import Evidence as Network  # noqa: E402
from training.evidence.train import Samples, changed, evaluate, loss, train  # noqa: E402

SIDE = 96


def case(seed: int) -> Case:
    """A dark thing before a face, of which the observer sees the left half."""
    random = np.random.default_rng(seed)
    left, top = random.integers(25, 45, 2)
    truth = synthetic.block((SIDE, SIDE), (left, top, left + 24, top + 24))
    seen = np.where((truth > 0) & (np.arange(SIDE) < left + 12), 0.95, 0.02).astype(np.float32)
    expected = np.full((SIDE, SIDE, 3), (205, 160, 140), np.uint8)
    crop = np.where(truth[..., None] > 0, random.integers(20, 90, 3), expected).astype(np.uint8)
    points = synthetic.face((48, 48), 60)
    return Case(View(crop, expected, np.ones_like(truth), seen, seen, points, 0.0), truth)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("cases")
    store([case(seed) for seed in range(12)], there / "001_000000.npz")
    return there


def options(run: Path, folder: Path, **other: object) -> argparse.Namespace:
    run.mkdir(exist_ok=True)
    default = {"minutes": 0.15, "total_minutes": None, "start": None, "batch": 6, "rate": 3e-3, "threads": 1, "seed": 1}
    return argparse.Namespace(run=run, cases=[folder], exam=[folder], **{**default, **other})


def test_cases_are_read_as_they_were_written(folder: Path) -> None:
    again, before = load(folder / "001_000000.npz"), case(3)
    assert len(again) == 12
    np.testing.assert_array_equal(again[3].view.crop, before.view.crop)
    np.testing.assert_array_equal(again[3].truth, before.truth)
    np.testing.assert_allclose(again[3].view.mask, before.view.mask, atol=1e-3)
    np.testing.assert_array_equal(again[3].view.points, before.view.points)


def test_it_learns_what_the_observer_does_not_see_and_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    exam = Samples(load(folder / "001_000000.npz"))
    torch.manual_seed(0)
    before = evaluate(Network(), exam)
    train(options(tmp_path / "run", folder))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["iou"] > max(0.7, before["iou"] + 0.1)
    train(options(tmp_path / "run", folder, minutes=0.0))
    more = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert more[-1]["step"] == lines[-1]["step"] + 1
    assert (tmp_path / "run" / "best.pt").exists()


def test_it_begins_with_weights_that_are_given(folder: Path, tmp_path: Path) -> None:
    shipped = Path(training.__file__).with_name("weights.pt")
    train(options(tmp_path / "run", folder, minutes=0.0, start=shipped, rate=0.0))
    begun, given = (torch.load(path, weights_only=True)["model"] for path in (tmp_path / "run" / "best.pt", shipped))
    for name, value in given.items():
        torch.testing.assert_close(begun[name], value.float(), atol=1e-3, rtol=0)


def test_the_loss_is_least_for_the_truth_and_what_is_missed_costs_more_than_what_is_added() -> None:
    truth = torch.zeros(1, 16, 16)
    truth[:, 4:12, 4:12] = 1
    face, sure = torch.ones(1, 16, 16), 8 * (2 * truth - 1)
    missed, added = sure.clone(), sure.clone()
    missed[:, 4, 4:12] *= -1
    added[:, 3, 4:12] *= -1
    right, less, more = (float(loss(odds, truth, face)) for odds in (sure, missed, added))
    assert right < 0.01
    assert right < more < less


def test_a_weakened_mask_believes_nothing_new() -> None:
    mask = np.random.default_rng(1).random((SIDE, SIDE), np.float32)
    taken = [weakened(mask, np.random.default_rng(seed)) for seed in range(8)]
    assert all((one <= mask + 1e-6).all() and (one >= 0).all() for one in taken)
    assert any((mask - one).max() > 0.3 for one in taken)


def test_a_reference_that_fits_worse_is_still_the_same_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    picture = picture.repeat(8, 0).repeat(8, 1)
    worse = [misled(picture, np.random.default_rng(seed)) for seed in range(12)]
    for one in worse:
        assert one.shape == picture.shape
        assert one.dtype == np.uint8
        assert np.corrcoef(one.ravel(), picture.ravel())[0, 1] > 0.6
    assert any(np.abs(one.astype(int) - picture).mean() > 5 for one in worse)


def test_a_changed_case_keeps_the_truth_and_is_the_same_from_the_same_seed() -> None:
    before = case(0)
    once, again = (changed(before, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(once.truth, before.truth)
    np.testing.assert_array_equal(once.view.mask, again.view.mask)
    np.testing.assert_array_equal(once.view.expected, again.view.expected)
    assert not np.array_equal(once.view.mask, before.view.mask) or not np.array_equal(
        once.view.expected, before.view.expected
    )


def test_the_file_that_ships_is_of_the_weights_that_are_kept() -> None:
    kept = torch.load(Path(training.__file__).with_name("weights.pt"), weights_only=True)
    model = Network().eval()
    model.load_state_dict({name: value.float() for name, value in kept["model"].items()})
    sample, _ = Samples([case(5)]).some([0])
    said = Evidence.open().weigh(case(5).view).odds
    with torch.no_grad():
        np.testing.assert_allclose(said, model(sample)[0].numpy(), atol=0.05)
    assert sample.shape[1] == len(FEATURES)


def test_another_light_moves_nothing() -> None:
    picture = np.random.default_rng(0).integers(40, 200, (12, 12, 3)).astype(np.uint8)
    picture = picture.repeat(8, 0).repeat(8, 1)
    lit = [relit(picture, np.random.default_rng(seed)) for seed in range(12)]
    assert all(one.dtype == np.uint8 and one.shape == picture.shape for one in lit)
    assert all(np.corrcoef(one[..., 1].ravel(), picture[..., 1].ravel())[0, 1] > 0.8 for one in lit)
    assert max(one.mean() for one in lit) > picture.mean() > min(one.mean() for one in lit)
