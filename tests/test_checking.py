from __future__ import annotations

from pathlib import Path

import pytest
import synthetic
from footage import Said

from livefill.checking import check_settings
from livefill.config import Settings
from livefill.errors import BackendError, ConfigError, LivefillError, ProfileError, SinkError, SourceError
from livefill.profile import save_profile

MISTAKES = [
    ({"sink": "telepathy"}, SinkError, "no sink 'telepathy'"),
    ({"sink": "file:"}, SinkError, "no sink 'file:'"),
    ({"sink": "file:out.gif"}, SinkError, "must end in"),
    ({"camera": "absent.mp4"}, SourceError, "no file absent.mp4"),
    ({"profile": "nobody"}, ProfileError, "no profile 'nobody'"),
    ({"profile": "../x"}, ProfileError, "no name for a profile"),
    ({"mask": Path("masks.mp4")}, ConfigError, "must be a picture"),
    ({"mask": Path("absent.png")}, ConfigError, "no mask absent.png"),
    ({"backend": "quantum"}, BackendError, "unknown backend"),
    ({"backend": "reference", "model": "hq"}, BackendError, "without a generator"),
]


@pytest.mark.parametrize(("given", "kind", "words"), MISTAKES)
def test_a_mistake_is_found_in_the_setting_that_has_it(
    home: Path, given: dict[str, object], kind: type[LivefillError], words: str
) -> None:
    settings = Settings(**given)  # type: ignore[arg-type]
    with pytest.raises(kind, match=words):
        check_settings(settings)
    with pytest.raises(kind, match=words):
        check_settings(settings, {*given, "badge"})
    check_settings(settings, {"badge", "feather", "tracker"})  # others are not asked again


@pytest.mark.parametrize(
    "given", [{}, {"camera": "/dev/video7"}, {"camera": "synthetic"}, {"sink": "virtualcam:/dev/video7"}]
)
def test_what_may_be_there_is_no_mistake(home: Path, given: dict[str, str]) -> None:
    save_profile(synthetic.person("ada"))
    check_settings(Settings(profile="ada", **given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sink", "telepathy", "--camera", "/dev/video99"], "no sink 'telepathy'"),
        (["--profile", "nobody"], "no profile 'nobody'"),
        (["--camera", "absent.mp4"], "no file absent.mp4"),
    ],
)
def test_what_was_mistyped_is_said_before_what_the_machine_lacks(
    livefill: object, home: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    def open_sink(spec: str, **how: object) -> None:
        raise SinkError("there is no virtual camera")

    monkeypatch.setattr("livefill.live.open_sink", open_sink)
    said: Said = livefill("run", *options)  # type: ignore[operator]
    assert said.code == 1
    assert words in said.err.splitlines()[-1]
