"""Looks at this machine and says what would keep livefill from working, each finding with the command that mends it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from livefill import v4l2
from livefill.capture.device import MOST_BUFFERS
from livefill.errors import LivefillError
from livefill.findings import Finding, own_files
from livefill.sinks.remedy import GET_ONE, LOAD, NO_ONE, PIPEWIRE, VIDEO_GROUP
from livefill.v4l2 import Device, Mode

__all__ = ["Finding", "Host", "diagnose"]

OLDEST = (3, 10)  # Python
OPENCVS = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")
MEDIAPIPE = "0.10.21"
SHOWN = 4  # formats of a camera; `livefill devices` lists them all
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PORTALS = ("usr/libexec/xdg-desktop-portal", "usr/lib/xdg-desktop-portal")
OBS = {
    "Windows": (Path("C:/Program Files/obs-studio"), Path("C:/Program Files (x86)/obs-studio")),
    "Darwin": (Path("/Applications/OBS.app"),),
}


@dataclass(frozen=True, slots=True)
class Host:
    """The machine that is looked at; tests hand in a made-up one."""

    root: Path = Path("/")  # holds dev, proc, sys and lib
    system: str = platform.system()
    release: str = platform.release()  # of the kernel
    python: tuple[int, int] = sys.version_info[:2]
    me: int = os.getpid()
    devices: Callable[[Path], list[Device]] = v4l2.devices
    modes: Callable[[Path], list[Mode]] = v4l2.modes
    may_open: Callable[[Path, int], bool] = os.access
    version_of: Callable[[str], str] = importlib.metadata.version
    pipewire: Callable[[], Path | None] = lambda: _ask_pipewire().socket_path()  # its socket
    lacks: Callable[[], list[str]] = lambda: _ask_pipewire().missing()  # for a camera in PipeWire
    extensions: Callable[[], str] = lambda: _said_by("systemextensionsctl", "list")  # of macOS


def diagnose(host: Host | None = None) -> list[Finding]:
    """Return every finding, the sound ones too, in the order in which they matter. Never raises for what is missing."""
    host = host or Host()
    found = [_python(host), *_packages(host), _runtime(), _networks(), *own_files()]
    if host.system != "Linux":
        return [*found, _obs(host)]
    devices = host.devices(host.root / "dev")
    loopbacks = [device for device in devices if device.is_loopback]
    cameras = [device for device in devices if device.captures and not device.is_loopback]
    found += [*_permissions(host), *_cameras(host, cameras), *_module(host)]
    return [*found, *_loopbacks(host, loopbacks), _pipewire(host)]


def _python(host: Host) -> Finding:
    version = ".".join(map(str, host.python))
    ok = host.python >= OLDEST
    return Finding(ok, "Python", version, "" if ok else f"Use Python {'.'.join(map(str, OLDEST))} or newer.")


def _packages(host: Host) -> Iterator[Finding]:
    tracker = _version(host, "mediapipe")
    if tracker and tracker != MEDIAPIPE:  # it is not needed; where it is, only one version will do
        remedy = f"Run `pip install mediapipe=={MEDIAPIPE}`: later versions have no face mesh, or report home."
        yield Finding(False, "MediaPipe", tracker, remedy)
    opencvs = {name: version for name in OPENCVS if (version := _version(host, name))}
    remedy = f"Only one may be there: run `pip uninstall -y {' '.join(OPENCVS)}`, then install livefill again."
    # MediaPipe brings a second one; of the same version they get along.
    single = len(set(opencvs.values())) == 1
    shown = ", ".join(f"{name} {version}" for name, version in opencvs.items())
    yield Finding(single, "OpenCV", shown or "missing", "" if single else remedy)
    camera = _version(host, "pyvirtualcam")
    yield Finding(
        bool(camera), "pyvirtualcam", camera or "missing", "" if camera else "Run `pip install pyvirtualcam`."
    )


def _version(host: Host, package: str) -> str:
    try:
        return host.version_of(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _runtime() -> Finding:
    try:
        providers = importlib.import_module("onnxruntime").get_available_providers()
    except (ImportError, OSError) as error:  # OSError: a library that it is linked with is missing
        return Finding(False, "ONNX Runtime", str(error), "Run `pip install --force-reinstall onnxruntime`.")
    # Azure is in every package: it would send to a cloud, and nothing here asks for it.
    names = [name.removesuffix("ExecutionProvider") for name in providers if not name.startswith("Azure")]
    return Finding(True, "ONNX Runtime", ", ".join(names))


def _networks() -> Finding:
    from livefill.backends.runtimes import choose, open_network

    names = {name: name for name in ("observer", "evidence", "finder", "settler")} | {"fast": "generator"}
    try:
        commits = {name: open_network(name, kind=kind).contract.get("commit", "?") for name, kind in names.items()}
        choice = choose()
    except LivefillError as error:
        return Finding(False, "networks", str(error), "Run `pip install --force-reinstall livefill`.")
    shown = ", ".join(f"{name} ({commit})" for name, commit in commits.items())
    return Finding(True, "networks", f"{shown}; quickest: {choice.reason}")


def _obs(host: Host) -> Finding:
    there = [path for path in OBS.get(host.system, ()) if (host.root / path.relative_to(path.anchor)).exists()]
    detail = f"OBS is at {there[0]}" if there else "OBS, whose virtual camera is used, was not found"
    allowed = host.system != "Darwin" or not there or _allowed(host.extensions())
    if not allowed:
        detail += ", and its camera extension is not active"
    ok = bool(there) and allowed
    return Finding(ok, "virtual camera", detail, "" if ok else GET_ONE.get(host.system, NO_ONE))


def _allowed(extensions: str) -> bool:
    """Tell whether macOS lets OBS's camera extension run, from what `systemextensionsctl list` says."""
    lines = [line for line in extensions.splitlines() if "com.obsproject" in line]
    return not extensions or any("activated enabled" in line for line in lines)


def _permissions(host: Host) -> Iterator[Finding]:
    nodes = sorted((host.root / "dev").glob("video[0-9]*"))
    closed = [node.name for node in nodes if not host.may_open(node, os.R_OK | os.W_OK)]
    if closed:
        yield Finding(False, "permissions", f"you may not open {', '.join(closed)}", VIDEO_GROUP)


def _cameras(host: Host, cameras: list[Device]) -> Iterator[Finding]:
    if not cameras:
        yield Finding(False, "camera", "none was found", "Plug one in; in a container or virtual machine, pass it in.")
    for camera in cameras:
        holders = _holders(host, camera.path)
        # Not a fault: sound and video servers keep cameras open without reading them.
        remedy = f"If it cannot be read, close {holders}." if holders else ""
        detail = f"{camera.name}, {_best_modes(host, camera)}" + (f", open in {holders}" if holders else "")
        yield Finding(True, f"camera {camera.path}", detail, remedy)


def _best_modes(host: Host, camera: Device) -> str:
    try:
        modes = host.modes(camera.path)
    except OSError:
        modes = []
    best: dict[str, Mode] = {}
    for mode in modes:
        if mode.fps >= 24 or not mode.fps:  # slower ones are for photographs
            best[mode.fourcc] = max(best.get(mode.fourcc, mode), mode, key=lambda one: one.width * one.height)
    named = [f"{m.fourcc} {m.width}x{m.height} at {m.fps:g}" for m in best.values()]
    more = f" and {len(named) - SHOWN} formats more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more or "modes unknown"


def _module(host: Host) -> Iterator[Finding]:
    folder = host.root / "sys/module/v4l2loopback"
    if folder.is_dir():
        yield _loaded(host, folder)
        return
    installed = any((host.root / "lib/modules" / host.release).glob("**/v4l2loopback.ko*"))
    if not installed:
        yield Finding(False, "v4l2loopback", "is not installed for this kernel", GET_ONE["Linux"])
        return
    signed = " If that is refused, Secure Boot wants it signed: `sudo mokutil --import` its key, or switch it off."
    yield Finding(False, "v4l2loopback", "is installed, not loaded", f"Run `{LOAD}`.{signed * _secure_boot(host)}")


def _loaded(host: Host, folder: Path) -> Finding:
    version = _text(folder / "version")
    advice = []
    if version and _numbers(version) < (0, 13):
        advice.append("0.13 or newer can tell whether somebody watches, and recovers by itself after each use.")
    if (0, 15) <= _numbers(version) < (0, 15, 2) and _numbers(host.release) >= (6, 18):
        advice.append("0.15.2 or newer is needed on this kernel: this one can crash it.")
    buffers = _text(folder / "parameters/max_buffers")
    if buffers.isdecimal() and not 4 <= int(buffers) <= MOST_BUFFERS:
        fault = "readers through PipeWire may freeze" if int(buffers) < 4 else "programs that read with OpenCV crash"
        advice.append(f"Load it with max_buffers=4: with {buffers}, {fault}.")
    return Finding(True, "v4l2loopback", f"{version or 'unknown version'} is loaded", " ".join(advice))


def _loopbacks(host: Host, loopbacks: list[Device]) -> Iterator[Finding]:
    for device in loopbacks:
        yield _loopback(host, device)
    if not loopbacks and (host.root / "sys/module/v4l2loopback").is_dir():
        yield Finding(False, "virtual camera", "v4l2loopback is loaded without a device", f"Reload it: `{_reload()}`.")
    if loopbacks and not any(device.name == "livefill" for device in loopbacks):
        names = ", ".join(device.name for device in loopbacks)
        yield Finding(True, "name", f"applications will list it as {names}", f"For the name livefill: `{_reload()}`.")


def _loopback(host: Host, device: Device) -> Finding:
    subject, holders = f"virtual camera {device.path}", _holders(host, device.path)
    if device.captures and device.outputs:
        detail = f"{device.name} has exclusive_caps=0: Chrome, Teams and other browsers will not list it"
        return Finding(False, subject, detail, f"Reload it: `{_reload()}`.")
    if not device.outputs and holders:
        return Finding(False, subject, f"{device.name} is fed by {holders}", "Close that program, or choose another.")
    detail = f"{device.name}, exclusive_caps=1, " + (f"open in {holders}" if holders else "free")
    return Finding(True, subject, detail)


def _pipewire(host: Host) -> Finding:
    """Look at the way without a driver. It is a second one: what lacks is advice, not a fault."""
    if host.pipewire() is None:
        return Finding(True, "PipeWire", "does not run for this user; only `--sink pipewire` would need it")
    lacks = host.lacks()
    if lacks:
        return Finding(True, "PipeWire", f"runs; `--sink pipewire` also needs {' and '.join(lacks)}", PIPEWIRE)
    portal = any((host.root / place).exists() for place in PORTALS)
    detail = "runs; `--sink pipewire` works" + ("" if portal else ", but browsers ask a portal, and there is none")
    return Finding(True, "PipeWire", detail, "" if portal else "Install xdg-desktop-portal and your desktop's backend.")


def _reload() -> str:
    return f"sudo modprobe -r v4l2loopback && {LOAD}"


def _holders(host: Host, path: Path) -> str:
    found = v4l2.holders(path, proc=host.root / "proc")
    return ", ".join(f"{holder.name} (pid {holder.pid})" for holder in found if holder.pid != host.me)


def _ask_pipewire() -> ModuleType:
    return importlib.import_module("livefill.pipewire")  # which other systems cannot load


def _said_by(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _secure_boot(host: Host) -> bool:
    try:
        return (host.root / SECURE_BOOT).read_bytes()[-1:] == b"\x01"
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    # "0.12.7", "6.18.44-generic": the leading numbers
    numbers = []
    for part in version.replace("-", ".").split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
