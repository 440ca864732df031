"""The finder's network says what its targets say, and its file says what the network says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from livefill import finder as runtime  # noqa: E402
from training.finder.evaluate import hits, runner  # noqa: E402
from training.finder.losses import losses, target  # noqa: E402
from training.finder.model import STRIDE, Finder, Finding, places  # noqa: E402

torch.set_num_threads(1)  # what is computed here is small
FACES = torch.tensor(
    [
        [[100.0, 60.0, 40.0, 0.3, 1.0, 0.0], [251.0, 140.0, 9.0, -0.6, 1.0, 0.5], [0.0] * 6],
        [[160.0, 90.0, 30.0, 0.0, -1.0, 0.9], [0.0] * 6, [0.0] * 6],
    ]
)
ROWS, COLUMNS = runtime.SIZE[1] // STRIDE, runtime.SIZE[0] // STRIDE


def perfect() -> Finding:
    """What the network should say of FACES."""
    truth = target(FACES, ROWS, COLUMNS)
    sure = torch.where(truth["heat"] > 0.999, 12.0, -12.0)
    return Finding(sure, truth["offset"], truth["size"], truth["way"])


def test_targets_lie_where_the_faces_are() -> None:
    truth = target(FACES, ROWS, COLUMNS)
    centers = torch.nonzero(truth["heat"] > 0.999).tolist()
    assert centers == [[0, 60 // STRIDE, 100 // STRIDE], [0, 140 // STRIDE, 251 // STRIDE]]
    place = places(perfect())
    for (image, row, column), face in zip(centers, FACES[0, :2], strict=True):
        torch.testing.assert_close(place[image, row, column], face[:4], atol=1e-3, rtol=1e-4)


def test_nothing_is_told_about_a_face_that_is_hardly_seen() -> None:
    truth = target(FACES, ROWS, COLUMNS)
    assert truth["told"][0].min() == 1
    assert truth["told"][1, 90 // STRIDE, 160 // STRIDE] == 0
    assert truth["heat"][1].max() == 0


def test_the_truth_costs_nothing_and_errors_cost() -> None:
    truth = target(FACES, ROWS, COLUMNS)
    said = perfect()
    assert all(float(value) < 1e-2 for value in losses(said, truth).values())
    silent = losses(said._replace(heat=torch.full_like(said.heat, -12.0)), truth)
    assert float(silent["heat"]) > 5
    assert float(losses(said._replace(size=said.size + 0.2), truth)["size"]) == pytest.approx(0.2, abs=1e-3)


def test_runtime_finds_what_the_network_says() -> None:
    said = perfect()
    outputs = {"score": torch.sigmoid(said.heat)[:1].numpy(), "place": places(said)[:1].numpy()}
    found = runtime.Finder(lambda inputs: outputs).find(np.zeros((*runtime.SIZE[::-1], 3), np.uint8))
    assert len(found) == 2
    assert all(hits(face.numpy(), found) for face in FACES[0, :2])
    assert not hits(np.array([100, 60, 60, 0.3, 1, 0], np.float32), found)


def test_file_says_what_the_network_says(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from export.finder import Deployed, export

    torch.manual_seed(1)
    model, path = Finder(), tmp_path / "finder.onnx"
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 1.5)
    export(model, path, step=7)  # compares the two itself
    assert path.stat().st_size < 1_000_000
    stored = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert stored["livefill.kind"] == "finder"
    assert stored["livefill.size"] == "320x192"
    picture = np.random.default_rng(0).integers(0, 256, (1, ROWS * STRIDE, COLUMNS * STRIDE, 3), np.uint8)
    plain = runner(model.eval())({"picture": picture})
    with torch.no_grad():
        score, place = Deployed(model)(torch.from_numpy(picture))
    np.testing.assert_allclose(score.numpy(), plain["score"], atol=2e-3)  # weights of 16 bits
    np.testing.assert_allclose(place.numpy(), plain["place"], atol=0.3)
