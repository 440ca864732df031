from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from livefill.errors import SinkError
from livefill.sinks import open_sink
from livefill.sinks.file import VideoFileSink
from livefill.sinks.null import NullSink
from livefill.sinks.window import SinkClosed, WindowSink
from livefill.types import Frame


def test_none_is_the_null_sink() -> None:
    assert isinstance(open_sink("none", size=(64, 48), rate=30), NullSink)


def test_a_file_sink_is_told_where_the_sound_is(tmp_path: Path) -> None:
    sink = open_sink(f"file:{tmp_path / 'a:b.mp4'}", size=(64, 48), rate=30)
    assert isinstance(sink, VideoFileSink)
    assert sink.path == tmp_path / "a:b.mp4"
    sink.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spec", ["", "file", "file:", "camera", "screen:0"])
def test_what_is_no_sink_is_refused_with_the_choices(spec: str) -> None:
    with pytest.raises(SinkError, match=r"auto, virtualcam, virtualcam:/dev/video10, .* window, file:OUT\.mp4 or none"):
        open_sink(spec, size=(64, 48), rate=30)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, livefill.sinks; assert not {'av', 'cv2', 'pyvirtualcam'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the window -------------------------------------------------------------------------------------------------------


class Screen:
    """Stands in for OpenCV's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[np.ndarray] = []
        self.key, self.visible, self.destroyed = -1, 1.0, 0
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr(cv2, "imshow", lambda title, image: self.shown.append(image))
        monkeypatch.setattr(cv2, "pollKey", lambda: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda title, what: self.visible)
        monkeypatch.setattr(cv2, "destroyWindow", self.destroy)

    def destroy(self, title: str) -> None:
        self.destroyed += 1


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def picture() -> Frame:
    image = np.zeros((2, 3, 3), np.uint8)
    image[:, 0] = (255, 0, 0)  # red on the left
    return Frame(0, 0.0, image)


def test_the_preview_is_a_mirror(screen: Screen) -> None:
    with open_sink("window", size=(3, 2), rate=30) as sink:
        sink.write(picture())
    assert screen.shown[0][0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 255]]  # red on the right, in BGR
    assert screen.destroyed == 1


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27])
def test_a_key_closes_it(screen: Screen, key: int) -> None:
    screen.key = key
    with WindowSink() as sink, pytest.raises(SinkClosed):
        sink.write(picture())


def test_the_cross_closes_it(screen: Screen) -> None:
    sink = WindowSink()
    sink.write(picture())
    screen.visible = 0.0
    with pytest.raises(SinkClosed):
        sink.write(picture())
    sink.close()
    assert screen.destroyed == 0  # it is gone already


def test_without_a_display_it_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(SinkError, match="no display"):
        open_sink("window", size=(3, 2), rate=30)


def test_an_opencv_without_windows_is_named(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(title: str, image: np.ndarray) -> None:
        raise cv2.error("The function is not implemented")

    monkeypatch.setattr(cv2, "imshow", refuse)
    with WindowSink() as sink, pytest.raises(SinkError, match="opencv-python-headless"):
        sink.write(picture())
