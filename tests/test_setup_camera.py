from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livefill import setup_camera
from livefill.cli import app
from livefill.errors import ConfigError
from livefill.setup_camera import Step, distribution, plan

RELEASES = {
    "debian": 'PRETTY_NAME="Debian GNU/Linux 13"\nID=debian\n',
    "ubuntu": "ID=ubuntu\nID_LIKE=debian\n",
    "mint": 'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
    "fedora": "ID=fedora\n",
    "arch": "ID=arch\n",
    "manjaro": "ID=manjaro\nID_LIKE=arch\n",
}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    path.write_text(RELEASES[request.param])
    return path


def test_every_step_is_a_line_that_a_shell_understands(release: Path) -> None:
    steps = plan(service=True, system="Linux", release=release)
    assert len(steps) >= 6
    for step in steps:
        assert step.why.endswith(".")
        subprocess.run(["sh", "-n", "-c", step.command], check=True)


def test_the_options_are_those_that_meetings_need(release: Path) -> None:
    written = next(step.command for step in plan(system="Linux", release=release) if "modprobe.d" in step.command)
    for option in ("exclusive_caps=1", "card_label=livefill", "max_buffers=4"):
        assert option in written


@pytest.mark.parametrize(
    ("name", "kind"),
    [("debian", "debian"), ("ubuntu", "debian"), ("mint", "debian"), ("fedora", "fedora"), ("manjaro", "arch")],
)
def test_the_package_is_the_distribution_s_own(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "os-release").write_text(RELEASES[name])
    assert distribution(tmp_path / "os-release") == kind


def test_an_unknown_system_is_told_what_to_load(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('PRETTY_NAME="Guix"\nID=guix\n')
    with pytest.raises(ConfigError, match=r"does not know Guix.*modprobe v4l2loopback exclusive_caps=1"):
        plan(system="Linux", release=tmp_path / "os-release")
    with pytest.raises(ConfigError, match="this system"):
        plan(system="Linux", release=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="OBS"):
        plan(system="Windows")


def test_the_service_runs_this_very_livefill(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "a folder"))
    monkeypatch.setattr(setup_camera.shutil, "which", lambda name: "/opt/my tools/livefill")
    step = next(one for one in plan(service=True, system="Linux", release=release) if "ExecStart" in one.command)
    step.run()
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(tmp_path / "a folder/systemd/user/livefill.service")
    assert unit["Service"]["ExecStart"] == "'/opt/my tools/livefill' run"
    assert unit["Install"]["WantedBy"] == "default.target"


def test_a_step_that_fails_is_an_error() -> None:
    with pytest.raises(ConfigError, match="failed with status 3: exit 3"):
        Step("This fails.", "exit 3").run()


def test_the_command_only_shows_unless_told_to_apply(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setattr(setup_camera, "plan", lambda service: [Step("Leave a mark.", f"touch {mark}")])
    shown = CliRunner().invoke(app, ["setup-camera"])
    assert shown.exit_code == 0
    assert f"# Leave a mark.\ntouch {mark}" in shown.stdout
    assert not mark.exists()
    assert CliRunner().invoke(app, ["setup-camera", "--apply"]).exit_code == 0
    assert mark.exists()
