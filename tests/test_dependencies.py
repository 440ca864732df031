"""Each heavy library has one home, and the runtime knows nothing of training."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "livefill"
FILES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports, wherever in it; what only type checkers see is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {id(inner) for node in ast.walk(tree) if is_for_checkers(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            yield (node.module or "").partition(".")[0]


def is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def homes(library: str) -> list[str]:
    """Files that import it; the command line is one room."""
    found = [path.relative_to(PACKAGE).as_posix() for path in FILES if library in set(imports_of(path))]
    return list(dict.fromkeys("cli/" if name.startswith("cli/") else name for name in found))


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("mediapipe", "landmarker.py"),
        ("pyvirtualcam", "sinks/virtualcam.py"),
        ("typer", "cli/"),
        ("onnxruntime", "backends/onnx.py backends/onnx_cuda.py"),
        ("openvino", "backends/openvino.py"),
        ("tensorrt", "backends/tensorrt.py"),
    ],
)
def test_heavy_library_has_one_home(library: str, home: str) -> None:
    assert homes(library) in (home.split(), [] if home.startswith("backends/") else home.split())


@pytest.mark.parametrize("library", ["torch", "training", "export", "matplotlib", "scipy", "PIL", "requests", "urllib"])
def test_runtime_never_imports(library: str) -> None:
    assert homes(library) == []


def test_terminal_things_stay_at_the_terminal() -> None:
    assert set(homes("rich")) <= {"cli/", "terminal.py"}


def test_video_files_are_read_and_written_in_few_places() -> None:
    assert set(homes("av")) <= {"capture/video.py", "sinks/file.py", "sinks/original.py"}


def test_library_does_not_print() -> None:
    for path in FILES:
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in ("print", "exec", "eval")], path
