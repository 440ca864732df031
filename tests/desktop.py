"""A PipeWire of its own for a test: a message bus, the server and a session manager, in a folder of the test's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("dbus-daemon", "pipewire", "wireplumber", "pw-dump", "gst-launch-1.0", "gst-inspect-1.0")
LACKS = [name for name in PROGRAMS if shutil.which(name) is None]
PORTAL, PERMISSIONS = Path("/usr/libexec/xdg-desktop-portal"), Path("/usr/libexec/xdg-permission-store")
NEEDS_PORTAL = pytest.mark.skipif(
    not (PORTAL.exists() and PERMISSIONS.exists() and shutil.which("dbus-send")), reason="needs xdg-desktop-portal"
)
NEEDS_PIPEWIRE = pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)}")


class Desktop:
    """Its `environment` is what a program of this desktop runs with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        bus = f"unix:path={folder}/bus"
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(folder),
            "DBUS_SESSION_BUS_ADDRESS": bus,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.start("dbus-daemon", "--session", f"--address={bus}", "--nofork", "--nopidfile")
        wait_until(lambda: (folder / "bus").exists())
        self.start_pipewire()

    def start_pipewire(self) -> None:
        self.start("pipewire")
        wait_until(lambda: (self.folder / "pipewire-0").exists())
        self.start("wireplumber")
        wait_until(lambda: any(thing["type"].endswith("Metadata") for thing in self.dump()))

    def start_portal(self) -> None:
        """Start what browsers ask for cameras, with leave given to every program."""
        portals = self.folder / "portals"
        portals.mkdir()
        (portals / "test.portal").write_text(
            "[portal]\nDBusName=test.portal\nInterfaces=org.freedesktop.impl.portal.Access;\nUseIn=test\n"
        )
        self.environment |= {"XDG_DESKTOP_PORTAL_DIR": str(portals), "XDG_CURRENT_DESKTOP": "test"}
        store = "org.freedesktop.impl.portal.PermissionStore"
        self.start(str(PERMISSIONS))
        give = ["dbus-send", "--session", "--print-reply", f"--dest={store}", f"/{store.replace('.', '/')}",
                f"{store}.SetPermission", "string:devices", "boolean:true", "string:camera", "string:",
                "array:string:yes"]  # fmt: skip
        wait_until(lambda: subprocess.run(give, env=self.environment, capture_output=True, check=False).returncode == 0)
        self.start(str(PORTAL))
        ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
               "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.portal.Desktop"]  # fmt: skip

        def answers() -> bool:
            return b"true" in subprocess.run(ask, env=self.environment, capture_output=True, check=False).stdout

        wait_until(answers)

    def stop_pipewire(self) -> None:
        for name in ("wireplumber", "pipewire"):
            self._stop(name)

    def start(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{Path(program).name}.log").open("ab") as log:
            self._running[program] = subprocess.Popen(
                [program, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def dump(self) -> list[dict[str, Any]]:
        done = subprocess.run(["pw-dump"], env=self.environment, capture_output=True, text=True, check=False)
        return list(json.loads(done.stdout)) if done.returncode == 0 and done.stdout.strip() else []

    def nodes(self) -> list[dict[str, Any]]:
        """The camera nodes."""
        found = [thing["info"] | {"id": thing["id"]} for thing in self.dump() if thing["type"].endswith("Node")]
        return [node for node in found if node["props"].get("media.class") == "Video/Source"]

    def close(self) -> None:
        for name in reversed(list(self._running)):
            self._stop(name)

    def _stop(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


@contextmanager
def desktop(folder: Path) -> Iterator[Desktop]:
    folder.mkdir(mode=0o700, exist_ok=True)
    made = Desktop(folder)
    try:
        yield made
    finally:
        made.close()
