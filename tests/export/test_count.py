from __future__ import annotations

import io

import onnx
import pytest

torch = pytest.importorskip("torch", reason="export needs PyTorch")

from export.count import multiplications  # noqa: E402


def count(module: torch.nn.Module, *shape: int) -> int:
    buffer = io.BytesIO()
    torch.onnx.export(module.eval(), (torch.zeros(shape),), buffer, dynamo=False, opset_version=17)
    return multiplications(onnx.load_from_string(buffer.getvalue()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_convolutions_and_products_are_counted() -> None:
    assert count(torch.nn.Conv2d(3, 8, 5, padding=2), 1, 3, 10, 12) == 8 * 10 * 12 * 3 * 25
    assert count(torch.nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), 1, 4, 8, 8) == 8 * 4 * 4 * 2 * 9
    assert count(torch.nn.Linear(20, 7), 3, 20) == 3 * 20 * 7
    assert count(torch.nn.ReLU(), 1, 5) == 0
