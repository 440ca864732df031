from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livefill.errors import ConfigError
from livefill.hotkey import Hotkey

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
