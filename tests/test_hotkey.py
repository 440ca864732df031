from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livefill.errors import ConfigError
from livefill.hotkey import PROCESS, Hotkey

NEEDS = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
NEEDS += [] if importlib.util.find_spec("pynput") else ["pynput"]

PRESS = """
import subprocess, time
from livefill.hotkey import Hotkey
done = []
with Hotkey("<ctrl>+<alt>+p", lambda: done.append(time.monotonic())) as hotkey:
    subprocess.run(["xdotool", "key", "p"], check=True)
    subprocess.run(["xdotool", "key", "ctrl+alt+p"], check=True)
    subprocess.run(["xdotool", "key", "ctrl+alt+p"], check=True)
    time.sleep(0.5)
    assert done == []  # not in the listener's thread
    hotkey.update()
    print(len(done))
"""


def test_wayland_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    with pytest.raises(ConfigError, match=r"pkill -USR1"):
        Hotkey("<ctrl>+<alt>+p", lambda: None)


@pytest.mark.parametrize("keys", ["ctrl alt p", "ctrl+alt+p", "<ctrl>p", "<ctrl>+", ""])
@pytest.mark.parametrize("lacks", ["pynput", "X11"])
def test_keys_that_are_mistyped_are_told_before_what_is_not_possible_here(
    monkeypatch: pytest.MonkeyPatch, keys: str, lacks: str
) -> None:
    if lacks == "X11":
        monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
        monkeypatch.setattr("platform.system", lambda: "Linux")
    else:
        monkeypatch.setitem(sys.modules, "pynput", None)
    with pytest.raises(ConfigError, match="write it like"):
        Hotkey(keys, lambda: None)


@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("pgrep"), reason="needs pgrep and /proc")
def test_the_advice_for_wayland_hits_livefill_and_nothing_around_it(tmp_path: Path) -> None:
    program = tmp_path / "livefill"
    program.write_text("import time; time.sleep(60)")
    package = tmp_path / "livefill.py"  # for -m
    package.write_text(program.read_text())
    script, module = [sys.executable, str(program), "run"], [sys.executable, "-m", "livefill", "panel"]
    wrappers = (["timeout", "60", *script], ["bash", "-c", f"{shlex.join(script)}; true"])
    started = [
        subprocess.Popen(command, cwd=tmp_path, start_new_session=True) for command in (script, module, *wrappers)
    ]
    try:
        deadline = time.monotonic() + 10
        while len(found := listed(PROCESS, tmp_path)) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == 4  # two alone, two in wrappers
        assert found & {process.pid for process in started} == {process.pid for process in started[:2]}
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def listed(pattern: str, folder: Path) -> set[int]:
    """The processes whose command line matches, of those that were started in a folder."""
    said = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False).stdout
    return {pid for pid in map(int, said.split()) if in_folder(pid, folder)}


def in_folder(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == folder
    except OSError:
        return False


def test_without_pynput_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    monkeypatch.setitem(sys.modules, "pynput", None)
    with pytest.raises(ConfigError, match=r"pip install 'livefill\[hotkey\]'"):
        Hotkey("<ctrl>+<alt>+p", lambda: None)


@pytest.mark.skipif(bool(NEEDS), reason=f"needs {' and '.join(NEEDS)}")
def test_the_keys_are_heard_from_anywhere(tmp_path: Path) -> None:
    with (tmp_path / "x.log").open("w") as log:
        server = subprocess.Popen(["Xvfb", ":94", "-screen", "0", "320x240x24"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while not Path("/tmp/.X11-unix/X94").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        environment = {**os.environ, "DISPLAY": ":94"}
        environment.pop("XDG_SESSION_TYPE", None)
        done = subprocess.run(
            [sys.executable, "-c", PRESS], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    finally:
        server.terminate()
        server.wait()
    assert done.stdout.strip() == "2", done.stderr
