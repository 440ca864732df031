from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from livefill import settings_file
from livefill.config import Settings, changed, load_settings
from livefill.errors import ConfigError, LivefillError
from livefill.settings_file import SettingsFile

TEXT = """# My studio.
camera = "2"  # the one on the arm

feather = 1.5
fps = 25
"""


class Run:
    """Takes settings up, or refuses."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.reopening = False
        self.said: list[str] = []
        self.refuses: LivefillError | None = None

    def change(self, **values: object) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.settings = changed(self.settings, values, where="here")

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "livefill.toml").write_text(TEXT)
    return tmp_path / "livefill.toml"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "EVERY", 0.0)


def edit(path: Path, text: str) -> None:
    stamp = path.stat().st_mtime_ns + 1_000_000_000 if path.exists() else None
    path.write_text(text)
    if stamp is not None:
        os.utime(path, ns=(stamp, stamp))


def test_what_is_written_leaves_the_rest_of_the_file_alone(path: Path) -> None:
    SettingsFile(path).write(feather=2.0, badge=True, mask=Path("/home/ada/mask.png"))
    text = path.read_text()
    assert text == TEXT.replace("1.5", "2.0") + 'badge = true\nmask = "/home/ada/mask.png"\n'
    assert load_settings(path).mask == Path("/home/ada/mask.png")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["livefill.toml"]


def test_none_takes_a_setting_out_and_a_missing_file_is_made(path: Path, tmp_path: Path) -> None:
    SettingsFile(path).write(camera=None, profile=None)
    assert "camera" not in path.read_text()
    fresh, run = SettingsFile(tmp_path / "new" / "livefill.toml"), Run()
    fresh.write(profile="ada")
    assert fresh.path.read_text() == 'profile = "ada"\n'
    fresh.follow(run)
    assert run.said == []


def test_what_an_editor_changes_is_taken_up_and_told(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    file.follow(run)
    assert run.said == []
    edit(path, "feather = 3.0\nbadge = true\nfps = 25\n")  # and camera is gone
    file.follow(run)
    assert (run.settings.feather, run.settings.badge, run.settings.camera) == (3.0, True, "0")
    assert run.said == [f"Taken up from {path}: badge, camera, feather."]
    file.follow(run)
    assert len(run.said) == 1


def test_what_it_wrote_itself_is_no_change(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    file.write(feather=0.5)
    file.follow(run)
    assert run.said == []


def test_what_an_editor_changed_just_before_it_writes_is_taken_up_all_the_same(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    edit(path, TEXT.replace("fps = 25", "fps = 50\nbadge = true"))
    file.write(feather=2.0)
    file.follow(run)
    assert run.said == [f"Taken up from {path}: badge, fps."]
    assert (run.settings.badge, run.settings.fps) == (True, 50.0)
    file.follow(run)
    assert len(run.said) == 1
    assert load_settings(path).feather == 2.0


@pytest.mark.parametrize("there", [True, False])
def test_a_symlink_to_the_file_stays_one(path: Path, tmp_path: Path, there: bool) -> None:
    (tmp_path / "mine").mkdir()
    kept = tmp_path / "mine" / "dotfile.toml"
    if there:
        path.rename(kept)
    path.unlink(missing_ok=True)
    path.symlink_to(kept)
    file, run = SettingsFile(path), Run()
    file.write(badge=True)
    assert path.is_symlink()
    assert kept.read_text() == (TEXT if there else "") + "badge = true\n"
    file.follow(run)
    assert run.said == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('hotkey = "<ctrl>+p"', "What {0} says of hotkey counts from the next start on."),
        (
            'hotkey = "<ctrl>+p"\nbadge = true',
            "Taken up from {0}: badge. What {0} says of hotkey counts from the next start on.",
        ),
    ],
)
def test_what_counts_only_from_the_next_start_is_not_said_to_be_taken_up(path: Path, text: str, said: str) -> None:
    file, run = SettingsFile(path), Run()
    edit(path, f"{TEXT}{text}\n")
    file.follow(run)
    assert run.said == [said.format(path)]


@pytest.mark.parametrize(
    ("text", "words"),
    [("feather = 99", "choose between 0.25 and 4"), ("feather = ", "not valid TOML"), ("x = 1", "unknown")],
)
def test_a_bad_value_is_told_once_and_the_old_one_stays(path: Path, text: str, words: str) -> None:
    file, run = SettingsFile(path), Run()
    edit(path, text)
    for _ in range(3):
        file.follow(run)
    assert len(run.said) == 1
    assert run.said[0].startswith("The settings stay as they were")
    assert words in run.said[0]
    assert run.said[0].count(str(path)) == 1
    assert run.settings == Settings()
    edit(path, "feather = 2.5")  # mended
    file.follow(run)
    assert run.settings.feather == 2.5


def test_a_change_that_the_run_refuses_is_told(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    run.refuses = LivefillError("there is no profile 'bob'")
    edit(path, 'profile = "bob"')
    file.follow(run)
    assert "no profile 'bob'" in run.said[0]


def test_a_good_value_beside_one_that_is_refused_is_taken_up_once_that_is_mended(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    run.refuses = LivefillError("there is no profile 'bob'")
    edit(path, f'{TEXT}badge = true\nprofile = "bob"\n')
    file.follow(run)
    assert not run.settings.badge
    run.refuses = None
    edit(path, f"{TEXT}badge = true\n")
    file.follow(run)
    assert run.settings.badge
    assert run.said[1:] == [f"Taken up from {path}: badge."]


def test_what_goes_back_with_a_sink_that_cannot_be_opened_is_taken_up_once_that_is_mended(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    run.settings = before = load_settings(path)
    edit(path, TEXT.replace('"2"', '"3"') + 'sink = "pipewire"\nbadge = true\n')
    run.reopening = True
    file.follow(run)
    assert run.said == []  # it is not known yet
    run.settings = changed(before, {"badge": True}, where="here")  # as the run does
    run.reopening = False
    file.follow(run)
    assert run.said == [f"Taken up from {path}: badge."]
    edit(path, TEXT.replace('"2"', '"3"') + "badge = true\n")
    file.follow(run)
    assert run.settings.camera == "3"
    assert run.said[1:] == [f"Taken up from {path}: camera."]


def test_a_line_that_goes_together_with_one_that_is_refused_is_gone_once_that_is_mended(path: Path) -> None:
    edit(path, f"{TEXT}badge = true\n")
    file, run = SettingsFile(path), Run()
    run.settings = load_settings(path)
    run.refuses = LivefillError("there is no profile 'bob'")
    edit(path, f'{TEXT}profile = "bob"\n')
    file.follow(run)
    assert run.settings.badge
    run.refuses = None
    edit(path, TEXT)
    file.follow(run)
    assert not run.settings.badge
    assert run.said[1:] == [f"Taken up from {path}: badge."]


def test_a_file_that_goes_means_the_usual_settings(path: Path) -> None:
    file, run = SettingsFile(path), Run()
    run.settings = load_settings(path)
    path.unlink()
    file.follow(run)
    assert run.settings == Settings()


def test_where_a_line_goes_what_the_command_line_said_holds(path: Path) -> None:
    given = {"camera": "1", "badge": True, "mask": None}
    file, run = SettingsFile(path, **given), Run()
    run.settings = load_settings(path, **given)
    edit(path, TEXT.replace('camera = "2"', 'camera = "3"'))
    file.follow(run)
    assert run.settings.camera == "3"
    path.unlink()
    file.follow(run)
    assert run.settings == load_settings(None, **given)


def test_a_file_that_is_not_toml_is_not_written_over(path: Path) -> None:
    path.write_text("camera = ")
    with pytest.raises(ConfigError, match="not valid TOML"):
        SettingsFile(path)
    assert path.read_text() == "camera = "
