from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill import matte
from livefill.evidence import Colours
from livefill.matte import sharpen
from livefill.types import RGB, Mask
from livefill.zones import Zones

SIDE = 64


def two_sides(edge: int, dark: int = 40, bright: int = 190) -> RGB:
    picture = np.full((SIDE, SIDE, 3), dark, np.uint8)
    picture[:, edge:] = bright
    return picture


def ramp(middle: float, width: float) -> Mask:
    """A mask that rises slowly around a column."""
    across = np.clip((np.arange(SIDE) - middle) / width + 0.5, 0, 1)
    return np.tile(across.astype(np.float32), (SIDE, 1))


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_the_edge_moves_to_the_edge_in_the_picture(off: int) -> None:
    sharp = sharpen(ramp(32 + off, 6), two_sides(32))
    row = sharp[SIDE // 2]
    crossing = int(np.argmax(row > 0.5))
    assert abs(crossing - 32) <= 1


def test_the_edge_becomes_steeper() -> None:
    soft = ramp(32, 10)
    sharp = sharpen(soft, two_sides(32))
    assert ((sharp > 0.1) & (sharp < 0.9)).sum() < 0.6 * ((soft > 0.1) & (soft < 0.9)).sum()


@given(value=st.floats(0, 1), seed=st.integers(0, 100))
def test_what_is_the_same_everywhere_stays_on_its_side(value: float, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    sharp = sharpen(np.full((SIDE, SIDE), value, np.float32), picture)
    assert sharp.dtype == np.float32
    assert sharp.min() >= 0
    assert sharp.max() <= 1
    assert np.ptp(sharp) < 1e-2
    assert (sharp.mean() > 0.5) == (value > 0.5) or abs(value - 0.5) < 1e-3


def test_a_small_hole_in_noise_is_no_reason_for_another_mask() -> None:
    disc = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(disc, (32, 32), 16, (1.0,), -1)
    noisy = np.clip(np.random.default_rng(0).normal(120, 4, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    sharp = sharpen(disc, noisy)
    assert ((sharp > 0.5) == (disc > 0.5)).mean() > 0.97


# --- beside the comparison with the reference -------------------------------------------------------------------------

FACE = Zones.of(synthetic.face((32, 32), 36), (SIDE, SIDE))


def surprise(*boxes: tuple[int, int, int, int], much: float = 40) -> Mask:
    """Levels of surprise: much in the boxes, and hardly any elsewhere."""
    levels = np.full((SIDE, SIDE), 2, np.float32)
    for left, top, right, bottom in boxes:
        levels[top:bottom, left:right] = much
    return levels


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    return synthetic.block((SIDE, SIDE), (left, top, right, bottom))


def reconcile(
    mask: Mask,
    levels: Mask,
    zones: Zones,
    *,
    colours: Colours | None = None,
    turned: float = 0.0,
    before: Mask | None = None,
    odds: Mask | None = None,
) -> Mask:
    """Reconcile them, with evidence that goes half by the mask and half by surprise unless it is given."""
    if odds is None:
        odds = np.asarray(4 * (mask - 0.5) + np.clip((levels - 10) / 5, -2, 4), np.float32)
    return matte.reconcile(mask, levels, zones, odds=odds, colours=colours, turned=turned, before=before)


def test_what_both_see_stays() -> None:
    mask = reconcile(box(0, 20, 36, 44), surprise((0, 20, 36, 44)), FACE)
    assert mask[24:40, 4:32].min() > 0.9
    assert mask[:14].max() == 0


def test_of_two_things_each_stands_for_itself() -> None:
    left, right = (20, 24, 28, 44), (36, 24, 44, 44)
    both = reconcile(np.maximum(box(*left), box(*right)), surprise(left, right), FACE)
    assert min(both[34, 24], both[34, 40]) > 0.9
    one = reconcile(box(*right), surprise(left, right), FACE, odds=4 * np.maximum(box(*left), box(*right)) - 2)
    assert one[34, 24] == 0  # nobody believes in it
    assert one[34, 40] > 0.9


def test_beside_the_face_what_looks_as_in_the_reference_is_not_covered() -> None:
    mask = reconcile(box(0, 20, 36, 44), surprise((16, 20, 36, 44)), FACE)
    assert mask[32, 5] < 0.1
    assert mask[32, 28] > 0.9


def test_over_the_face_a_hand_may_look_like_the_cheek_behind_it() -> None:
    mask = reconcile(box(16, 20, 48, 44), surprise((16, 20, 34, 44)), FACE)
    assert mask[32, 44] > 0.7


def test_a_strange_piece_that_reaches_into_the_mask_belongs_to_it() -> None:
    mask = reconcile(
        box(14, 32, 26, 40),
        surprise((14, 32, 26, 48)),
        FACE,
        colours=Colours(2 * box(14, 32, 26, 48), 2 * box(14, 32, 26, 48)),
    )
    assert mask[44, 20] > 0.7


HANDLE = (46, 28, 56, 32)  # of a cup before the face, and beside it


@pytest.mark.parametrize(
    ("strange", "news", "turned", "covered"),
    [(40, 2.0, 0, True), (2, 2.0, 0, False), (40, 0.0, 0, False), (40, 2.0, 0.06, False)],
    ids=["of the thing", "as expected", "of a colour that was expected", "turned"],
)
def test_beside_the_face_the_colour_of_the_thing_says_what_is_a_part_of_it(
    strange: float, news: float, turned: float, covered: bool
) -> None:
    levels = np.maximum(surprise((20, 20, 47, 44)), strange * box(*HANDLE))
    odds = 2 * box(20, 20, 56, 44)
    news = 2 * box(20, 20, 47, 44) + news * box(47, 28, 56, 32)
    mask = reconcile(box(20, 20, 47, 44), levels, FACE, colours=Colours(odds, news), turned=turned)
    assert (mask[30, 52] > 0.5) == covered


@pytest.mark.parametrize(
    ("levels", "turned", "covered"),
    [(14, 0, True), (2, 0, False), (14, 0.04, False)],
    ids=["not quite as expected", "as expected", "turned"],
)
def test_a_hand_before_a_neck_of_its_colour_ends_where_it_ends(levels: float, turned: float, covered: bool) -> None:
    thing, rim = box(20, 20, 54, 44), box(54, 22, 58, 42)
    believed = np.asarray(np.maximum(thing, 0.6 * rim), np.float32)
    seen = np.maximum(surprise((20, 20, 54, 44)), levels * rim)
    mask = reconcile(believed, seen, FACE, colours=Colours(2 * thing - rim, 2 * thing - rim), turned=turned)
    assert mask[32, 40] > 0.5
    assert (mask[32, 56] > 0.5) == covered
    assert mask[32, 61] < 0.1


def test_the_network_alone_is_not_believed_where_all_is_as_expected() -> None:
    assert not reconcile(box(20, 20, 44, 44), surprise(), FACE).any()


def test_surprise_alone_makes_no_mask() -> None:
    nothing = np.zeros((SIDE, SIDE), np.float32)
    assert not reconcile(nothing, surprise((20, 20, 44, 44)), FACE).any()
    elsewhere = box(20, 20, 30, 30)
    assert reconcile(elsewhere, surprise((20, 20, 30, 30), (38, 40, 46, 48)), FACE)[44, 42] < 0.1


def test_what_does_not_reach_over_the_face_is_left_alone() -> None:
    assert not reconcile(box(0, 0, 8, 20), surprise((0, 0, 8, 20)), FACE).any()


def test_a_strange_cheek_beside_a_background_that_the_network_takes_for_something_is_a_cheek() -> None:
    mask = reconcile(box(0, 10, 14, 56), surprise((0, 10, 28, 56)), FACE)
    assert mask[34, 22] < 0.1


@pytest.mark.parametrize(
    ("believed", "much", "covered"),
    [(1.0, 40, True), (0.3, 40, False), (1.0, 14, False)],
    ids=["sure", "unsure", "faint"],
)
def test_what_only_begins_to_come_over_the_face_must_be_beyond_doubt(
    believed: float, much: float, covered: bool
) -> None:
    wide = Zones.of(synthetic.face((32, 32), 58), (SIDE, SIDE))
    column = int(np.flatnonzero(wide.face.sum(0) > 14)[0])  # of the outline, where landmarks may be off by as much
    top, bottom = (int(row) for row in np.flatnonzero(wide.face[:, column])[[0, -1]])
    thing = (column - 4, top, column + 1, bottom + 1)
    mask = box(*thing)
    mask[top : top + round((bottom + 1 - top) * (1 - believed))] *= 0.4  # the network sees only a part of it
    assert (reconcile(mask, surprise(thing, much=much), wide)[bottom - 1, column] > 0.5) == covered
    # Before a turned face, whose outline looks strange by itself, the network must be certain.
    turned = reconcile(mask, surprise(thing, much=much), wide, turned=0.07)
    assert (turned[bottom - 1, column] > 0.5) == covered
    assert reconcile(0.75 * mask, surprise(thing, much=much), wide, turned=0.07)[bottom - 1, column] < 0.5


@pytest.mark.parametrize(("turned", "covered"), [(0.0, True), (0.07, False)], ids=["held as expected", "turned"])
def test_in_doubt_a_face_is_covered_unless_it_is_turned(turned: float, covered: bool) -> None:
    thing = (22, 24, 42, 40)
    mask = reconcile(0.55 * box(*thing), surprise(thing, much=14), FACE, turned=turned)
    assert (mask[32, 32] > 0.5) == covered


@pytest.mark.parametrize(
    ("believed", "turned", "covered"),
    [(0.8, 0.0, True), (0.8, 0.07, False), (0.95, 0.07, True)],
    ids=["held as expected", "turned", "turned, and certain"],
)
def test_before_a_turned_face_the_network_must_be_certain_however_strange_it_looks(
    believed: float, turned: float, covered: bool
) -> None:
    thing = (22, 24, 42, 40)
    mask = reconcile(believed * box(*thing), surprise(thing), FACE, turned=turned)
    assert (mask[32, 32] > 0.5) == covered


@pytest.mark.parametrize(("turned", "covered"), [(0.0, True), (0.07, False)], ids=["held as expected", "turned"])
def test_what_is_in_doubt_beside_a_certain_thing_is_covered_unless_the_face_is_turned(
    turned: float, covered: bool
) -> None:
    thing, rest = (20, 24, 40, 40), (40, 24, 43, 40)
    believed = np.maximum(0.97 * box(*thing), 0.3 * box(*rest)).astype(np.float32)
    levels = np.maximum(surprise(thing), 12 * box(*rest)).astype(np.float32)
    mask = reconcile(believed, levels, FACE, turned=turned)
    assert mask[32, 30] > 0.5
    assert (mask[32, 41] > 0.5) == covered


@pytest.mark.parametrize(
    ("hint", "much", "turned", "covered"),
    [(0.2, 40, 0.0, True), (0.05, 40, 0.0, False), (0.2, 20, 0.0, False), (0.2, 40, 0.05, False)],
    ids=["a hint", "none", "not beyond doubt", "turned"],
)
def test_what_comes_into_the_face_and_is_strange_beyond_doubt_needs_only_a_hint(
    hint: float, much: float, turned: float, covered: bool
) -> None:
    high = Zones.of(synthetic.face((32, 24), 44), (SIDE, SIDE))
    chin = int(np.flatnonzero(high.face.any(1))[-1])
    finger = (28, chin - 7, 36, chin + 5)
    silent = np.full((SIDE, SIDE), -3, np.float32)
    seen = hint * box(28, chin + 2, 36, chin + 5)
    mask = reconcile(seen, surprise(finger, much=much), high, turned=turned, odds=silent)
    assert (mask[chin - 4, 32] > 0.5) == covered


@pytest.mark.parametrize("odds", [3.0, -3.0], ids=["the evidence says so", "it does not"])
@pytest.mark.parametrize("before", [True, False], ids=["was there", "was not"])
def test_what_just_was_there_and_goes_needs_only_the_evidence(before: bool, odds: float) -> None:
    high = Zones.of(synthetic.face((32, 24), 44), (SIDE, SIDE))
    chin = int(np.flatnonzero(high.face.any(1))[-1])
    finger = (28, chin - 7, 36, chin + 5)
    nothing, thing = np.zeros((SIDE, SIDE), np.float32), box(*finger)
    was = box(26, chin - 12, 34, chin) if before else nothing
    mask = reconcile(nothing, surprise(finger, much=18), high, before=was, odds=odds * (2 * thing - 1))
    assert (mask[chin - 4, 32] > 0.5) == (before and odds > 0)


@pytest.mark.parametrize(("believed", "covered"), [(1.0, True), (0.4, False)], ids=["sure", "not sure"])
def test_a_thing_that_is_seen_beside_the_face_need_not_reach_far_into_it(believed: float, covered: bool) -> None:
    high = Zones.of(synthetic.face((32, 24), 44), (SIDE, SIDE))
    chin = int(np.flatnonzero(high.face.any(1))[-1])
    mug = (22, chin - 1, 42, chin + 9)
    silent = np.full((SIDE, SIDE), -3, np.float32)
    mask = reconcile(believed * box(22, chin + 3, 42, chin + 9), surprise(mug), high, odds=silent)
    assert (mask[chin, 32] > 0.5) == covered


def test_a_hint_is_not_enough_for_much_of_the_face() -> None:
    high = Zones.of(synthetic.face((32, 24), 44), (SIDE, SIDE))
    chin = int(np.flatnonzero(high.face.any(1))[-1])
    mask = reconcile(0.2 * box(16, chin + 2, 48, chin + 5), surprise((16, chin - 16, 48, chin + 5)), high)
    assert not mask.any()
