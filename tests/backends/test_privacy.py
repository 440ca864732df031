"""No library that runs the networks talks to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys
seen = []
def note(event, args):
    # Where a library lies is asked of the system's own index.
    if event.split(".")[0] in {names} and not (event == "subprocess.Popen" and "ldconfig" in str(args[0])):
        seen.append(event)
sys.addaudithook(note)
{code}
print(sorted(set(seen)))
"""
NAMES = ("socket", "urllib", "http", "subprocess", "ftplib", "smtplib")


def events(code: str) -> str:
    program = WATCHED.format(names=NAMES, code=code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_watch_sees_who_talks() -> None:
    said = events("import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError:\n    pass")
    assert "socket.connect" in said


def test_the_watch_sees_who_starts_a_program() -> None:
    assert "subprocess.Popen" in events("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])")


RUN = (
    "from livefill.backends.runtimes import choose, open_network\n"
    "from livefill.backends import open_session\n"
    "choose(); open_session('auto'); open_network('observer', runtime='auto')"
)


@pytest.mark.parametrize("code", [RUN, "import training, openvino, onnxruntime", "import export, onnxruntime"])
def test_no_library_leaves_a_trace_of_its_use(code: str, tmp_path: Path) -> None:
    """Those that report their use, from native code too, first give the machine a number and write it down."""
    if "openvino" in code:
        pytest.importorskip("openvino")
    mute = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in mute}
    homes = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LIVEFILL_HOME": str(tmp_path / "livefill")}
    subprocess.run([sys.executable, "-c", code], env=environment | homes, check=True, capture_output=True)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == []


def test_opening_and_running_the_networks_asks_nobody() -> None:
    assert events(RUN) == "[]"
