"""What gives a Linux machine a virtual camera for good: the module, its options, and livefill with every session."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from livefill.errors import ConfigError
from livefill.sinks.remedy import GET_ONE, NO_ONE

__all__ = ["OPTIONS", "SERVICE", "Step", "distribution", "plan"]

OPTIONS = "exclusive_caps=1 card_label=livefill video_nr=10 max_buffers=4"
INSTALL = {  # by distribution
    "debian": "sudo apt-get install -y v4l2loopback-dkms linux-headers-$(uname -r)",
    "fedora": "sudo dnf install -y akmod-v4l2loopback",
    "arch": "sudo pacman -S --needed v4l2loopback-dkms linux-headers",
}
FUSION = "dnf repolist | grep -q rpmfusion-free || { echo 'First enable RPM Fusion (free).' >&2; false; }"
SERVICE = """[Unit]
Description=livefill, a virtual camera
After=pipewire.service

[Service]
ExecStart={command} run
Restart=on-failure
RestartSec=3

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One command for a shell, and what it is for."""

    why: str
    command: str

    def run(self) -> None:
        """Run it in the terminal; raises `ConfigError` when it fails."""
        done = subprocess.run(["sh", "-c", self.command], check=False)
        if done.returncode:
            raise ConfigError(f"this failed with status {done.returncode}: {self.command}")


def distribution(release: Path = Path("/etc/os-release")) -> str:
    """Return which of `INSTALL` this system is like; raises `ConfigError` with what to do where it is none of them."""
    said = dict(line.partition("=")[::2] for line in _lines(release))
    names = " ".join((said.get("ID", ""), said.get("ID_LIKE", ""))).replace('"', "").split()
    for name in names:
        known = {"ubuntu": "debian", "rhel": "fedora"}.get(name, name)
        if known in INSTALL:
            return known
    shown = said.get("PRETTY_NAME", "this system").strip('"')
    raise ConfigError(f"livefill does not know {shown}: install v4l2loopback its way, then run this: {_load()}")


def plan(*, service: bool = False, system: str | None = None, release: Path = Path("/etc/os-release")) -> list[Step]:
    """Return the steps in order. Raises `ConfigError` with what to do instead on other systems."""
    system = system or platform.system()
    if system != "Linux":
        raise ConfigError(GET_ONE.get(system, NO_ONE))
    kind = distribution(release)
    steps = [Step("The driver of the virtual camera.", INSTALL[kind])]
    if kind == "fedora":
        steps.insert(0, Step("RPM Fusion, which has the driver, is enabled.", FUSION))
    options = shlex.quote(f"options v4l2loopback {OPTIONS}")
    steps += [
        Step("How it is called, and that browsers list it.", _write(options, "/etc/modprobe.d/livefill.conf")),
        Step(
            "It is loaded with every start of the machine.", _write("v4l2loopback", "/etc/modules-load.d/livefill.conf")
        ),
        Step("Load it now.", "sudo modprobe -r v4l2loopback; sudo modprobe v4l2loopback"),
    ]
    if service:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "systemd/user"
        unit = shlex.quote(SERVICE.format(command=_own()))
        place = shlex.quote(str(folder))
        steps += [
            Step("livefill as a service of yours.", f"mkdir -p {place} && printf %s {unit} > {place}/livefill.service"),
            Step(
                "It starts with every session.",
                "systemctl --user daemon-reload && systemctl --user enable --now livefill",
            ),
        ]
    return steps


def _own() -> str:
    """Return the command that runs this livefill."""
    found = shutil.which("livefill")
    return shlex.quote(found) if found else f"{shlex.quote(sys.executable)} -m livefill"


def _write(text: str, path: str) -> str:
    return f"echo {text} | sudo tee {path}"


def _load() -> str:
    return f"sudo modprobe v4l2loopback {OPTIONS}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
