"""The panel beside a run: what it tells, what it does, what it costs."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import synthetic
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from livefill import live as running
from livefill.config import Settings
from livefill.errors import ConfigError, SinkError
from livefill.live import Live
from livefill.panel import Panel
from livefill.panel.messages import Change
from livefill.panel.preview import encode_preview
from livefill.panel.status import encode_error, encode_status
from livefill.pipeline import Shown
from livefill.profile import save_profile
from livefill.settings_file import SettingsFile
from livefill.sinks import BaseSink
from livefill.sinks.remedy import WITHOUT
from livefill.types import Frame, Track


@pytest.fixture
def live(home: Path) -> Live:
    return Live(Settings(camera="synthetic", sink="none", backend="reference", size="320x240"), lambda text: None)


@pytest.fixture
def panel(live: Live, home: Path) -> Iterator[Panel]:
    with Panel(live, SettingsFile(home / "livefill.toml")) as made:
        yield made


def opened(panel: Panel) -> ClientConnection:
    origin = panel.url[: panel.url.index("/", len("http://"))]
    return connect(panel.url.replace("http:", "ws:") + "ws", origin=origin)  # type: ignore[arg-type]


def told(page: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind, among some."""
    for _ in range(80):
        message = page.recv(5)
        if isinstance(message, str) and (found := json.loads(message))["kind"] == kind:
            return dict(found)
    raise AssertionError(f"no {kind} came")


class Running:
    """The run in a thread, with the panel between frames."""

    def __init__(self, live: Live, panel: Panel) -> None:
        self._live, self._stop = live, False
        self._error: BaseException | None = None
        self._panel = panel
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        def between(live: Live) -> None:
            self._panel.update(live)
            if self._stop:
                live.stop()

        try:
            self._live.run(between)
        except BaseException as error:
            self._error = error

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error


def test_a_page_is_told_how_things_are(live: Live, panel: Panel) -> None:
    with Running(live, panel), opened(panel) as page:
        status = told(page, "status")
        assert status["state"] == "passing through: no profile"
        assert status["tone"] == "warn"
        assert status["settings"]["camera"] == "synthetic"
        assert any("livefill calibrate" in said for said in status["says"])
        page.send('{"do":"ready"}')
        picture = next(message for _ in range(200) if isinstance(message := page.recv(5), bytes))
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (240, 640, 3)  # two of 320


def test_names_that_are_not_utf8_are_told_all_the_same(home: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    home.mkdir()
    for name in (odd, f"{odd}.png"):
        (home / name).touch()
    live = Live(Settings(camera=str(home / odd), sink="none", mask=home / f"{odd}.png"), lambda text: None)
    live.said.append(f"The clip is in {odd}.")
    status = json.loads(encode_status(live, watchers=[odd], config=home / odd))
    assert status["settings"]["mask"] == str(home / f"{odd}.png")
    assert (status["watchers"], status["config"]) == ([odd], str(home / odd))
    assert json.loads(encode_error(odd)) == {"kind": "error", "text": odd}
    assert status["state"] == "passing through: no profile"


def test_what_the_page_asks_for_is_done_and_written_down(live: Live, panel: Panel, home: Path) -> None:
    save_profile(synthetic.person("ada"))
    with Running(live, panel), opened(panel) as page:
        page.send('{"do":"pause","on":true}')
        page.send('{"do":"set","key":"feather","value":2}')
        page.send('{"do":"set","key":"profile","value":"ada"}')
        page.send('{"do":"set","key":"badge","value":true}')
        for _ in range(40):
            status = told(page, "status")
            if status["settings"]["badge"]:
                break
    assert status["paused"]
    assert status["state"] == "paused: passing through"
    assert (status["settings"]["feather"], status["settings"]["profile"]) == (2.0, "ada")
    assert (home / "livefill.toml").read_text() == 'feather = 2.0\nprofile = "ada"\nbadge = true\n'


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("profile", "nobody", "there is no profile 'nobody'"),
        ("feather", 9, "choose between 0.25 and 4"),
        ("fps", "many", "not a float"),
        ("backend", "quantum", "quantum"),
        ("camera", "/etc/passwd", "chooses among cameras"),
        ("sink", "file:/tmp/x.mp4", "chooses among virtual cameras"),
    ],
)
def test_a_value_that_will_not_do_is_refused_and_the_old_one_stays(
    live: Live, panel: Panel, home: Path, key: str, value: object, words: str
) -> None:
    save_profile(synthetic.person())
    before = live.settings
    with Running(live, panel), opened(panel) as page:
        page.send(json.dumps({"do": "set", "key": key, "value": value}))
        assert words in told(page, "error")["text"]
        assert told(page, "status")["state"] != "passing through: a stage failed"
    assert live.settings == before
    assert not (home / "livefill.toml").exists()


def test_a_sink_that_cannot_be_opened_is_not_written_down_and_the_page_is_told_why(
    live: Live, panel: Panel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = running.open_sink

    def open_sink(spec: str, **how: Any) -> BaseSink:
        if spec == "pipewire":
            raise SinkError(f"PipeWire does not run. Start it. {WITHOUT}")
        return real(spec, **how)

    monkeypatch.setattr(running, "open_sink", open_sink)
    with Running(live, panel), opened(panel) as page:
        page.send('{"do":"set","key":"sink","value":"pipewire"}')
        text = told(page, "error")["text"]
    assert text.startswith("Camera and sink stay as they were: PipeWire does not run. Start it. What ")
    assert text.endswith("livefill.toml says of sink stays.")
    assert "--sink" not in text
    assert live.settings.sink == "none"
    assert not (home / "livefill.toml").exists()


def test_what_goes_back_with_a_sink_that_cannot_be_opened_is_not_written_down_either(
    live: Live, panel: Panel, home: Path
) -> None:
    before = live.settings
    for change in (Change("sink", "auto"), Change("feather", 2.0)):
        panel._board.commands.put(change)
    panel.update(live)
    live.settings, live._again = before, False  # as the run does
    panel.update(live)
    assert not (home / "livefill.toml").exists()


@pytest.mark.parametrize(("key", "value", "line"), [("size", "640x480", 'size = "640x480"'), ("fps", 25, "fps = 25.0")])
def test_what_camera_and_sink_are_opened_anew_for_is_written_down_once_they_are(
    live: Live, panel: Panel, home: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: object, line: str
) -> None:
    written: list[bool] = []  # and whether the run was still about to open them
    real = SettingsFile.write

    def write(self: SettingsFile, **values: object) -> None:
        written.append(live.reopening)
        real(self, **values)

    monkeypatch.setattr(SettingsFile, "write", write)
    with Running(live, panel), opened(panel) as page:
        page.send(json.dumps({"do": "set", "key": key, "value": value}))
        assert any(told(page, "status") and written for _ in range(40))
    assert written == [False]
    assert (home / "livefill.toml").read_text() == f"{line}\n"


def test_three_pages_get_pictures_and_one_that_never_reads_hinders_nobody(live: Live, panel: Panel) -> None:
    with Running(live, panel), opened(panel) as one, opened(panel) as two, opened(panel) as lazy:
        lazy.send('{"do":"ready"}')
        for page in (one, two):
            for _ in range(3):
                page.send('{"do":"ready","overlay":true}')
                assert any(isinstance(page.recv(5), bytes) for _ in range(50))


def test_without_a_page_it_costs_next_to_nothing(live: Live, panel: Panel) -> None:
    live.shown = Shown(still(0), None, still(0))
    start = time.process_time()
    for _ in range(1000):
        panel.update(live)
    assert (time.process_time() - start) / 1000 < 100e-6  # seconds a frame
    assert panel._board._next == 0  # and nothing was handed to the server


def test_a_closed_panel_lets_the_port_go_and_the_pages_know(live: Live, home: Path) -> None:
    file = SettingsFile(home / "livefill.toml")
    with ExitStack() as stack:
        first = stack.enter_context(Panel(live, file))
        port = int(first.url.split(":")[2].split("/")[0])
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            Panel(live, file, port=port)
        with opened(first) as page:
            first.close()
            with pytest.raises(ConnectionClosed):
                page.recv(5)
    with Panel(live, file, port=port) as second:
        assert second.url != first.url  # another token


def still(level: int) -> Frame:
    return Frame(0, 0.0, np.full((720, 1280, 3), level, np.uint8))


def test_the_preview_shows_both_and_the_overlay_only_what_the_camera_gave() -> None:
    points = np.full((468, 2), 400, np.float32)
    mask = np.zeros((720, 1280), np.float32)
    mask[100:300, 100:300] = 1
    shown = Shown(still(40), Track(points, mask, 1.0), still(200))
    plain, drawn = (
        cv2.imdecode(np.frombuffer(encode_preview(shown, overlay=overlay), np.uint8), cv2.IMREAD_COLOR)
        for overlay in (False, True)
    )
    assert plain.shape == drawn.shape == (360, 1280, 3)
    assert abs(int(plain[:, :630].mean()) - 40) <= 2
    assert abs(int(drawn[:, 650:].mean()) - 200) <= 2
    assert drawn[100, 100, 2] > 100  # covered: red
    assert drawn[200, 200, 0] > 150  # a landmark
