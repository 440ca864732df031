from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic

from livefill.backends import engines
from livefill.doctor import Finding, Host, diagnose
from livefill.profile import profile_path, save_profile
from livefill.v4l2 import LOOPBACK_DRIVER, Device, Mode

PACKAGES = {"opencv-python": "4.11.0.86", "pyvirtualcam": "0.15.0"}
WEBCAM = Device(Path("/dev/video0"), "HD Webcam", "uvcvideo", captures=True, outputs=False)
LOOPBACK = Device(Path("/dev/video10"), "livefill", LOOPBACK_DRIVER, captures=False, outputs=True)


def version_of(package: str) -> str:
    try:
        return PACKAGES[package]
    except KeyError:
        raise importlib.metadata.PackageNotFoundError(package) from None


def modes(path: Path) -> list[Mode]:
    return [Mode(640, 480, 30, "YUYV"), Mode(1920, 1080, 5, "YUYV"), Mode(1280, 720, 30, "MJPG")]


@pytest.fixture
def host(home: Path, tmp_path: Path) -> Host:
    """A Linux machine on which everything is as it should be, and whose user has calibrated."""
    save_profile(synthetic.person("default"))
    put(tmp_path, "dev/video0")
    put(tmp_path, "dev/video10")
    put(tmp_path, "usr/libexec/xdg-desktop-portal")
    put(tmp_path, "sys/module/v4l2loopback/version", "0.15.4\n")
    put(tmp_path, "sys/module/v4l2loopback/parameters/max_buffers", "4\n")
    return Host(
        root=tmp_path,
        system="Linux",
        release="6.12.1-amd64",
        python=(3, 11),
        me=1,
        devices=lambda root: [WEBCAM, LOOPBACK],
        modes=modes,
        may_open=lambda path, mode: True,
        version_of=version_of,
        pipewire=lambda: tmp_path / "pipewire-0",
        lacks=list,
    )


def put(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def hold(host: Host, device: Path, pid: int, name: str) -> None:
    put(host.root, f"proc/{pid}/comm", name)
    (host.root / f"proc/{pid}/fd").mkdir()
    (host.root / f"proc/{pid}/fd/3").symlink_to(device)


def about(host: Host, subject: str) -> Finding:
    (finding,) = [finding for finding in diagnose(host) if finding.subject == subject]
    return finding


def devices(host: Host, *found: Device) -> Host:
    return replace(host, devices=lambda root: list(found))


def test_a_sound_machine_has_nothing_to_mend(host: Host) -> None:
    findings = diagnose(host)
    assert [finding for finding in findings if not finding.ok or finding.remedy] == []
    assert {"Python", "OpenCV", "ONNX Runtime", "networks", "v4l2loopback"} <= {f.subject for f in findings}


def test_an_empty_machine_is_described_without_a_crash(tmp_path: Path) -> None:
    host = Host(root=tmp_path, system="Linux", release="6.12.1", python=(3, 9), version_of=version_of)
    faults = {finding.subject for finding in diagnose(host) if not finding.ok}
    assert faults == {"Python", "camera", "v4l2loopback"}
    assert all(finding.remedy for finding in diagnose(host) if not finding.ok)


def test_this_very_machine_can_be_looked_at() -> None:
    assert len(diagnose()) >= 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('colour = "red"', "unknown setting 'colour'"),
        ("fps = true", "which is not a float"),
        ("fps = ", "not valid TOML"),
        ('sink = "telepathy"', "no sink 'telepathy'"),
        ('mask = "absent.png"', "no mask absent.png"),
    ],
)
def test_settings_with_which_no_run_starts_are_told(host: Host, home: Path, text: str, words: str) -> None:
    assert about(host, "settings").ok
    put(home, "livefill.toml", text)
    finding = about(host, "settings")
    assert not finding.ok
    assert words in finding.detail
    assert str(home / "livefill.toml") in finding.remedy
    assert about(host, "profile").ok


def test_sound_settings_are_named(host: Host, home: Path) -> None:
    put(home, "livefill.toml", "feather = 2.0")
    assert about(host, "settings") == Finding(True, "settings", str(home / "livefill.toml"))


def test_no_profile_is_a_hint_and_no_fault(host: Host) -> None:
    profile_path("default").unlink()
    finding = about(host, "profile")
    assert finding.ok
    assert finding.detail == "there is none yet"
    assert "livefill calibrate" in finding.remedy
    save_profile(synthetic.person("studio"))
    finding = about(host, "profile")
    assert finding.ok
    assert finding.detail == "there is none called default, but: studio"
    assert "--profile studio" in finding.remedy


def test_a_profile_that_cannot_be_read_or_is_named_and_missing_is_a_fault(host: Host, home: Path) -> None:
    profile_path("default").write_bytes(b"junk")
    finding = about(host, "profile")
    assert not finding.ok
    assert "damaged" in finding.detail
    assert "livefill calibrate" in finding.remedy
    put(home, "livefill.toml", 'profile = "ada"')
    finding = about(host, "profile")
    assert (finding.ok, finding.detail) == (False, "there is no profile 'ada'")
    assert "livefill calibrate --profile ada" in finding.remedy


@pytest.mark.parametrize(("python", "ok"), [((3, 9), False), ((3, 10), True), ((3, 12), True), ((3, 15), True)])
def test_python(host: Host, python: tuple[int, int], ok: bool) -> None:
    assert about(replace(host, python=python), "Python").ok == ok


def test_mediapipe_must_be_the_version_with_the_models(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "mediapipe", "1.2.2")
    finding = about(host, "MediaPipe")
    assert not finding.ok
    assert finding.detail == "1.2.2"
    assert "pip install mediapipe==0.10.21" in finding.remedy


def test_without_mediapipe_nothing_is_missing(host: Host) -> None:
    assert all(finding.subject != "MediaPipe" for finding in diagnose(host))


def test_two_opencvs_of_one_version_get_along(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "opencv-contrib-python", PACKAGES["opencv-python"])
    assert about(host, "OpenCV").ok


def test_a_network_that_is_missing(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "CHECKOUT", tmp_path)
    finding = about(host, "networks")
    assert not finding.ok
    assert "observer.onnx is missing" in finding.detail


def test_two_opencvs_are_one_too_many(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "opencv-python-headless", "4.12")
    finding = about(host, "OpenCV")
    assert not finding.ok
    assert "opencv-python 4.11.0.86" in finding.detail
    assert "opencv-python-headless 4.12" in finding.detail


def test_a_missing_virtual_camera_package(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(PACKAGES, "pyvirtualcam")
    assert about(host, "pyvirtualcam").remedy == "Run `pip install pyvirtualcam`."


def test_an_onnx_runtime_that_cannot_be_loaded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError("libcudart.so.13: cannot open")

    monkeypatch.setattr(importlib, "import_module", refuse)
    finding = about(host, "ONNX Runtime")
    assert not finding.ok
    assert "libcudart" in finding.detail


def test_cameras_are_shown_with_the_modes_that_matter(host: Host) -> None:
    finding = about(host, "camera /dev/video0")
    assert finding.ok
    assert finding.detail == "HD Webcam, YUYV 640x480 at 30, MJPG 1280x720 at 30"


def test_a_camera_whose_modes_are_secret(host: Host) -> None:
    def refuse(path: Path) -> list[Mode]:
        raise OSError("gone")

    assert about(replace(host, modes=refuse), "camera /dev/video0").detail == "HD Webcam, modes unknown"


def test_who_has_the_camera_open_is_an_advice_not_a_fault(host: Host) -> None:
    hold(host, WEBCAM.path, 77, "zoom")
    finding = about(host, "camera /dev/video0")
    assert finding.ok
    assert "zoom (pid 77)" in finding.remedy


def test_we_ourselves_are_no_obstacle(host: Host) -> None:
    hold(host, WEBCAM.path, host.me, "livefill")
    assert "open in" not in about(host, "camera /dev/video0").detail


def test_no_camera(host: Host) -> None:
    assert not about(devices(host, LOOPBACK), "camera").ok


def test_missing_permissions(host: Host) -> None:
    finding = about(replace(host, may_open=lambda path, mode: path.name != "video0"), "permissions")
    assert not finding.ok
    assert finding.detail == "you may not open video0"
    assert "usermod -aG video" in finding.remedy


def without_module(host: Host) -> Host:
    for path in sorted((host.root / "sys/module/v4l2loopback").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (host.root / "sys/module/v4l2loopback").rmdir()
    return devices(host, WEBCAM)


def test_the_module_is_not_installed(host: Host) -> None:
    finding = about(without_module(host), "v4l2loopback")
    assert not finding.ok
    assert "apt install v4l2loopback-dkms linux-headers-$(uname -r) &&" in finding.remedy


def test_the_module_is_installed_for_this_kernel_but_not_loaded(host: Host) -> None:
    put(host.root, "lib/modules/6.12.1-amd64/updates/dkms/v4l2loopback.ko.xz")
    finding = about(without_module(host), "v4l2loopback")
    assert not finding.ok
    assert "apt install" not in finding.remedy
    assert "sudo modprobe v4l2loopback exclusive_caps=1 card_label=livefill" in finding.remedy
    assert "mokutil" not in finding.remedy


def test_secure_boot_is_mentioned_where_it_is_on(host: Host) -> None:
    put(host.root, "lib/modules/6.12.1-amd64/updates/dkms/v4l2loopback.ko.xz")
    variable = host.root / "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    variable.parent.mkdir(parents=True)
    variable.write_bytes(b"\x06\0\0\0\x01")
    assert "mokutil" in about(without_module(host), "v4l2loopback").remedy


@pytest.mark.parametrize(
    ("version", "release", "buffers", "advice"),
    [
        ("0.12.7", "6.1.0", "4", "0.13 or newer"),
        ("0.15.1", "6.18.2-generic", "4", "can crash it"),
        ("0.15.1", "6.12.1", "4", ""),
        ("0.15.4", "6.18.2", "4", ""),
        ("0.15.4", "6.12.1", "2", "max_buffers=4"),
        ("0.15.4", "6.12.1", "10", ""),
        ("0.15.4", "6.12.1", "11", "crash"),
        ("", "6.12.1", "", ""),
    ],
)
def test_what_is_known_of_versions_is_an_advice(
    host: Host, version: str, release: str, buffers: str, advice: str
) -> None:
    put(host.root, "sys/module/v4l2loopback/version", version)
    put(host.root, "sys/module/v4l2loopback/parameters/max_buffers", buffers)
    finding = about(replace(host, release=release), "v4l2loopback")
    assert finding.ok
    assert advice in finding.remedy
    assert bool(advice) == bool(finding.remedy)


def test_a_loaded_module_without_a_device(host: Host) -> None:
    assert "without a device" in about(devices(host, WEBCAM), "virtual camera").detail


def test_a_loopback_that_browsers_will_not_list(host: Host) -> None:
    finding = about(devices(host, WEBCAM, replace(LOOPBACK, captures=True)), "virtual camera /dev/video10")
    assert not finding.ok
    assert "exclusive_caps=0" in finding.detail
    assert "modprobe -r v4l2loopback" in finding.remedy


def test_a_loopback_that_somebody_feeds(host: Host) -> None:
    hold(host, LOOPBACK.path, 88, "obs")
    busy = devices(host, WEBCAM, replace(LOOPBACK, captures=True, outputs=False))
    finding = about(busy, "virtual camera /dev/video10")
    assert not finding.ok
    assert finding.detail == "livefill is fed by obs (pid 88)"


def test_a_loopback_that_somebody_only_watches_is_fine(host: Host) -> None:
    hold(host, LOOPBACK.path, 88, "chrome")
    assert about(host, "virtual camera /dev/video10").ok


def test_a_loopback_of_another_name_is_an_advice(host: Host) -> None:
    finding = about(devices(host, WEBCAM, replace(LOOPBACK, name="OBS")), "name")
    assert finding.ok
    assert finding.detail == "applications will list it as OBS"


@pytest.mark.parametrize(
    ("system", "folder", "hint"),
    [("Windows", "Program Files/obs-studio", "obsproject.com"), ("Darwin", "Applications/OBS.app", "System Settings")],
)
def test_elsewhere_obs_is_looked_for(tmp_path: Path, system: str, folder: str, hint: str) -> None:
    host = Host(root=tmp_path, system=system, python=(3, 11), version_of=version_of)
    assert hint in about(host, "virtual camera").remedy
    (tmp_path / folder).mkdir(parents=True)
    if system == "Darwin":  # a Windows path has an anchor only on Windows
        assert about(host, "virtual camera").ok


def test_pipewire_is_a_second_way_and_its_lack_no_fault(host: Host) -> None:
    absent = about(replace(host, pipewire=lambda: None), "PipeWire")
    assert (absent.ok, absent.remedy) == (True, "")
    assert "does not run" in absent.detail
    lacking = about(replace(host, lacks=lambda: ["pw-dump", "pipewiresink"]), "PipeWire")
    assert "also needs pw-dump and pipewiresink" in lacking.detail
    assert "sudo apt install" in lacking.remedy
    (host.root / "usr/libexec/xdg-desktop-portal").unlink()
    assert "xdg-desktop-portal" in about(host, "PipeWire").remedy


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        (
            "*	*	2MMRE5MTB8	com.obsproject.obs-studio.mac-camera-extension (30.0/1)	OBS	[activated enabled]",
            True,
        ),
        (
            "		2MMRE5MTB8	com.obsproject.obs-studio.mac-camera-extension	OBS	[activated waiting for user]",
            False,
        ),
        ("0 extension(s)", False),
        ("", True),  # it cannot be told
    ],
)
def test_macos_must_allow_the_extension_of_obs(host: Host, said: str, ok: bool) -> None:
    put(host.root, "Applications/OBS.app")
    finding = about(replace(host, system="Darwin", extensions=lambda: said), "virtual camera")
    assert finding.ok == ok
    assert ok or "General > Login Items & Extensions" in finding.remedy
