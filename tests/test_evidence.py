from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill import evidence
from livefill.backends.engines import engine_path
from livefill.errors import BackendError
from livefill.evidence import FEATURES, LEAN, Evidence, View, colour_odds, features, gathered
from livefill.types import RGB, Mask, Tensor
from livefill.zones import Zones

SIDE = 96
POINTS = synthetic.face((48, 48), 56)
FACE = Zones.of(POINTS, (SIDE, SIDE))
NOTHING = np.zeros((SIDE, SIDE), np.float32)
SKIN, HAND = (205, 160, 140), (150, 90, 80)


def skin() -> RGB:
    return np.full((SIDE, SIDE, 3), SKIN, np.uint8)


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    return synthetic.block((SIDE, SIDE), (left, top, right, bottom))


def view(mask: Mask = NOTHING, thing: Mask = NOTHING, colour: tuple[int, int, int] = HAND) -> View:
    """A thing of one colour before skin, of which the observer sees a mask."""
    crop = skin()
    crop[thing > 0] = colour
    return View(crop, skin(), np.ones_like(NOTHING), mask, mask, POINTS, 0.0)


def known(seen: View) -> Mask:
    zones, compared, colours = gathered(seen)
    return features(seen.mask, compared, zones, colours=colours, turned=seen.turned)


@pytest.fixture(scope="module")
def weigh() -> Callable[[View], Mask]:
    """Weigh a view with the network that ships."""
    shipped = Evidence.open()
    return lambda seen: shipped.weigh(seen).odds + LEAN


@settings(max_examples=25)
@given(seed=st.integers(0, 1000))
def test_features_are_of_one_size_and_bounded_whatever_is_shown(seed: int) -> None:
    random = np.random.default_rng(seed)
    crop, expected = random.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    mask, seen, inside = random.random((3, SIDE, SIDE), np.float32)
    planes = known(View(crop, expected, inside.round(), seen, mask, POINTS, float(random.uniform(0, 3))))
    assert planes.shape == (len(FEATURES), SIDE, SIDE)
    assert planes.dtype == np.float32
    assert np.abs(planes).max() <= 3


def test_features_say_what_is_seen_and_what_was_expected() -> None:
    thing = box(30, 50, 60, 70)
    planes = dict(zip(FEATURES, known(view(thing, thing)), strict=True))
    assert planes["mask"][60, 45] > 0.9 > -0.9 > planes["mask"][20, 45]
    assert planes["surprise"][60, 45] > 0.5 > 0.1 > planes["surprise"][30, 45]
    assert planes["colour"][60, 45] > 0.9
    assert planes["lighter"][60, 45] < -0.5
    assert planes["seen"][60, 45] < planes["expected"][60, 45]
    np.testing.assert_array_equal(planes["face"] > 0, FACE.face > 0)


def test_nothing_is_covered_where_nothing_says_so(weigh: Callable[[View], Mask]) -> None:
    assert weigh(view())[FACE.face > 0].max() < 0


def test_what_the_observer_sees_and_the_reference_does_not_is_covered(weigh: Callable[[View], Mask]) -> None:
    thing = box(30, 50, 60, 70)
    odds = weigh(view(thing, thing))
    assert odds[54:66, 34:56].min() > 0
    assert odds[20:40, 30:60].max() < 0


def test_a_finger_that_the_observer_has_missed_is_found_beside_the_hand(weigh: Callable[[View], Mask]) -> None:
    hand, finger = box(30, 50, 60, 70), box(40, 38, 46, 50)
    odds = weigh(view(hand, np.maximum(hand, finger)))
    assert (odds[38:50, 41:45] > 0).mean() > 0.5
    assert odds[42:49, 60:66].max() < -3  # a cheek is none


def test_between_two_fingers_there_is_a_cheek(weigh: Callable[[View], Mask]) -> None:
    fingers = np.maximum(box(30, 40, 38, 70), box(52, 40, 60, 70))
    blurred = np.maximum(box(30, 40, 60, 70) * 0.5, fingers).astype(np.float32)
    odds = weigh(view(blurred, fingers))
    assert odds[50:60, 42:48].max() < 0
    assert odds[50:60, 32:36].min() > 0


def test_it_weighs_what_was_gathered() -> None:
    asked: list[Tensor] = []

    def run(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        asked.append(inputs["known"])
        return {"odds": np.full((1, SIDE, SIDE), 7, np.float32)}

    seen = replace(view(box(30, 50, 60, 70), box(30, 50, 60, 70)), turned=0.1)
    said = Evidence(run).weigh(seen)
    np.testing.assert_array_equal(asked[0][0], known(seen))
    assert said.odds.shape == (SIDE, SIDE)
    assert said.odds.min() == 7
    np.testing.assert_array_equal(said.zones.face, FACE.face)
    assert said.compared.surprise[60, 45] > 20
    assert said.colours.odds[60, 45] > 2


def test_a_network_for_other_features_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = onnx.load(engine_path("evidence"))
    for entry in other.metadata_props:
        if entry.key == "livefill.features":
            entry.value = "mask surprise"
    onnx.save(other, tmp_path / "evidence.onnx")
    monkeypatch.setattr(evidence, "open_network", _from(tmp_path))
    with pytest.raises(BackendError, match=r"other features: write it again with export\.evidence"):
        Evidence.open()


def _from(folder: Path) -> Callable[..., object]:
    from livefill.backends.runtimes import open_network

    return lambda name, **options: open_network(name, **options, folder=folder)


def test_colours_say_nothing_without_an_occluder_and_nothing_where_both_have_them() -> None:
    assert not colour_odds(skin(), skin(), NOTHING, FACE).odds.any()
    same = colour_odds(skin(), skin(), box(30, 50, 60, 70), FACE).odds
    assert np.abs(same).max() < 0.5


def test_odds_of_colours_are_bounded() -> None:
    picture = skin()
    picture[50:70, 30:60] = (10, 200, 30)
    odds = colour_odds(picture, skin(), box(30, 50, 60, 70), FACE).odds
    assert odds[60, 45] == pytest.approx(2.5, abs=0.01)
    assert odds[30, 45] < 0
    assert np.abs(odds).max() <= 2.5
