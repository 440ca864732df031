"""The directions that move a face."""

from __future__ import annotations

import numpy as np

from training.faces.directions import REACH, fit, load, moved
from training.faces.generator import LAYERS, STYLE
from training.faces.measure import ATTRIBUTES, attributes


def test_fit_moves_one_attribute_and_leaves_the_others() -> None:
    random = np.random.default_rng(0)
    truth = random.standard_normal((len(ATTRIBUTES), STYLE))
    styles = random.standard_normal((1500, STYLE)).astype(np.float32)
    moves = fit(styles, (styles @ truth.T).astype(np.float32), np.eye(STYLE, dtype=np.float32))
    effect = moves @ truth.T / np.linalg.norm(truth, axis=1)
    others = effect - np.diag(np.diag(effect))
    assert np.diag(effect).min() > 0.7
    assert np.abs(others).max() < 0.25


def test_stored_directions_are_complete_and_distinct() -> None:
    moves = load()
    assert set(moves) == set(ATTRIBUTES)
    flat = np.array([move / np.linalg.norm(move) for move in moves.values()])
    assert flat.shape == (len(ATTRIBUTES), STYLE)
    assert np.abs(flat @ flat.T - np.eye(len(flat))).max() < 0.9


def test_move_reaches_only_its_layers_and_leaves_the_person_as_it_was() -> None:
    person = np.zeros((LAYERS, STYLE), np.float32)
    result = moved(person, load(), {"mouth": 1.5})
    changed = np.flatnonzero(np.abs(result).sum(1))
    assert changed.tolist() == list(range(*REACH["mouth"]))
    assert not person.any()


def test_attributes_do_not_depend_on_the_size_of_the_picture() -> None:
    points = np.random.default_rng(1).uniform(0, 100, (468, 3)).astype(np.float32)
    np.testing.assert_allclose(attributes(points), attributes(points * 3), rtol=1e-4)
