from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import livefill

ROOT = Path(__file__).parents[1]


def test_public_names_can_be_imported_from_where_they_are_said_to_live() -> None:
    assert sorted(livefill.__all__) == livefill.__all__
    assert set(livefill._HOMES) == set(livefill.__all__) - {"__version__"}
    for name, home in livefill._HOMES.items():
        thing = getattr(livefill, name)
        module = sys.modules[f"livefill.{home}"]
        assert thing is getattr(module, name)
        assert name in getattr(module, "__all__", [name])
        assert inspect.getdoc(thing)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(livefill.__file__).read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == {name: f"livefill.{home}" for name, home in livefill._HOMES.items()}


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        livefill.colour  # noqa: B018


def test_every_module_exports_what_it_has() -> None:
    for path in (ROOT / "livefill").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bound = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        bound |= {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        bound |= {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == "__all__"
            ):
                exported = ast.literal_eval(node.value)
                assert set(exported) <= bound, path
                assert len(exported) == len(set(exported)), path


def imported_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_import_is_light() -> None:
    heavy = {"torch", "mediapipe", "cv2", "typer", "rich", "av", "onnxruntime", "pyvirtualcam", "numpy"}
    assert imported_by("import livefill") & heavy == set()


def test_help_needs_no_tracker() -> None:
    heavy = {"torch", "mediapipe", "cv2", "av", "onnxruntime", "pyvirtualcam"}
    assert imported_by("import livefill.cli") & heavy == set()


def test_whole_program_never_imports_torch() -> None:
    loaded = imported_by("import livefill.cli, livefill.live, livefill.bench, livefill.doctor, livefill.demo")
    assert "cv2" in loaded
    assert loaded & {"torch", "torchvision", "tensorflow", "training", "export"} == set()


def test_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "livefill", "--help"], capture_output=True, text=True, check=True)
    assert "calibrate" in done.stdout


def test_version_is_the_packages() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{livefill.__version__}"' in pyproject


# --- what the documents say -------------------------------------------------------------------------------------------


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def loop_of(code: str) -> list[str]:
    return [ast.unparse(node) for node in ast.parse(code).body]


def test_python_in_the_readme_compiles_and_imports_what_there_is() -> None:
    found = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found
    for code in found:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module == "livefill":
                assert {alias.name for alias in node.names} <= set(livefill.__all__)


def test_readme_and_package_show_the_same_loop() -> None:
    readme = loop_of(blocks((ROOT / "README.md").read_text(encoding="utf-8"))[0])
    assert livefill.__doc__ is not None
    assert loop_of(livefill.__doc__.partition("\n\n")[2]) == readme


def test_readme_names_every_command() -> None:
    from livefill.cli import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert len(names) == 11
    assert [name for name in names if f"livefill {name}" not in readme] == []
