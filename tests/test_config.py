from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.config import Settings, load_settings, parse_size
from livefill.errors import ConfigError

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
settings_of_any_kind = st.builds(
    Settings,
    camera=texts,
    profile=st.none() | texts,
    sink=texts,
    size=st.builds("{}x{}".format, st.integers(64, 8192), st.integers(64, 8192)),
    fps=st.floats(1, 240),
    backend=texts,
    mask=st.none() | texts.filter(lambda text: not text.startswith("~")).map(Path),
    loop=st.none() | st.booleans(),
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def as_toml(settings: Settings) -> str:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    shown = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    # A basic TOML string is a JSON string, but for DEL, which TOML wants escaped.
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in shown.items() if value is not None)
    return "\n".join(lines).replace("\x7f", "\\u007f")


@settings(max_examples=50)
@given(settings_of_any_kind)
def test_settings_written_as_toml_load_back(tmp_path_factory: pytest.TempPathFactory, wanted: Settings) -> None:
    file = written(tmp_path_factory.getbasetemp() / "settings.toml", as_toml(wanted))
    assert load_settings(file) == wanted


@settings(max_examples=25)
@given(settings_of_any_kind, settings_of_any_kind)
def test_command_line_overrules_the_file(
    tmp_path_factory: pytest.TempPathFactory, filed: Settings, given_: Settings
) -> None:
    file = written(tmp_path_factory.getbasetemp() / "overruled.toml", as_toml(filed))
    options = {field.name: getattr(given_, field.name) for field in fields(given_)}
    loaded = load_settings(file, **options)
    for name, value in options.items():
        assert getattr(loaded, name) == (getattr(filed, name) if value is None else value)


def test_without_anything_there_are_defaults() -> None:
    assert load_settings(None) == load_settings(None, camera=None, fps=None) == Settings()


def test_options_can_be_given_as_they_are_typed(tmp_path: Path) -> None:
    file = written(tmp_path / "a.toml", 'camera = 2\nfps = 25\nmask = "~/mask.png"\nloop = true\n')
    loaded = load_settings(file)
    assert (loaded.camera, loaded.fps, loaded.loop) == ("2", 25.0, True)
    assert loaded.mask == Path.home() / "mask.png"
    assert isinstance(loaded.fps, float)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('colour = "red"', ["unknown setting 'colour'", "camera", "profile"]),
        ("[camera]\nindex = 1", ["camera is {'index': 1}"]),
        ('fps = "30"', ["fps is '30'", "float"]),
        ("fps = true", ["fps is True"]),
        ("fps = 0.5", ["between 1 and 240"]),
        ("fps = nan", ["between 1 and 240"]),
        ("fps = inf", ["between 1 and 240"]),
        ("loop = 1", ["loop is 1", "bool"]),
        ("camera = true", ["camera is True"]),
        ("sink = 3", ["sink is 3", "str"]),
        ("mask = 3", ["mask is 3", "path"]),
        ('size = "1280"', ["size is '1280'", "1280x720"]),
        ("fps = ", ["not valid TOML"]),
        ("sink = none", ["not valid TOML", "Words need quotes"]),
        ("fps = 30\nfps = 25", ["not valid TOML"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, words: list[str]) -> None:
    path = written(tmp_path / "bad.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    assert all(word in str(raised.value) for word in words)
    assert str(raised.value).count(str(path)) == 1


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            load_settings(path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_settings(binary)


@pytest.mark.parametrize("given", [{"size": "12"}, {"fps": 0.0}, {"colour": "red"}, {"fps": "fast"}])
def test_command_line_is_checked_like_the_file(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        load_settings(None, **given)


@given(st.integers(64, 8192), st.integers(64, 8192), st.sampled_from("xX"))
def test_size_is_width_by_height(width: int, height: int, by: str) -> None:
    assert parse_size(f"{width}{by}{height}") == (width, height)


@pytest.mark.parametrize(
    "text",
    ["", "x", "640", "640x", "x480", "640x480x3", "-640x480", "640.0x480", "640 x 480", "10x10", "63x640", "9000x64"],
)
def test_bad_size_is_said_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="1280x720"):
        parse_size(text)


@given(texts)
def test_any_text_is_a_size_or_an_error_of_ours(text: str) -> None:
    try:
        width, height = parse_size(text)
    except ConfigError:
        return
    assert text.lower() == f"{width}x{height}"
