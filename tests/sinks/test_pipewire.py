"""The PipeWire camera against a real PipeWire, where Debian's packages are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CAMERA, NEEDS_BROWSER, chromium, play_camera, secure_page
from desktop import NEEDS_PIPEWIRE, NEEDS_PORTAL, Desktop, desktop, wait_until
from firefox import NEEDS_FIREFOX, ask_firefox

from livefill import pipewire
from livefill.errors import SinkError
from livefill.sinks import open_sink, returning
from livefill.sinks.paced import PacedSink
from livefill.types import Frame

SIZE = (320, 240)
BARS = [(200, 30, 40), (30, 190, 60), (40, 50, 210), (220, 220, 220)]


def bars(number: int) -> Frame:
    image = np.repeat(np.repeat(np.array([BARS], np.uint8), SIZE[1], 0), SIZE[0] // 4, 1)
    image[:16, : 4 * (number % 60)] = 255  # a bar that grows: the frames differ
    return Frame(number, time.monotonic(), image)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    folder = Path(tempfile.mkdtemp(prefix="lf", dir="/tmp"))  # the path of a socket has 107 bytes at most
    try:
        with desktop(folder) as made:
            for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
                monkeypatch.setenv(name, made.environment[name])
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Feeding:
    """A sink that is fed thirty times a second from a thread."""

    def __init__(self, sink: PacedSink) -> None:
        self._sink, self._stop = sink, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(1 / 30):
            self._sink.write(bars(number))
            number += 1

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def read(node: int, count: int, folder: Path) -> np.ndarray:
    """Frames (count, height, width, 3) that another application reads from a node."""
    out = folder / "frames"
    command = ["gst-launch-1.0", "-q", "pipewiresrc", f"path={node}", f"num-buffers={count}", "!", "videoconvert", "!",
               "video/x-raw,format=RGB", "!", "filesink", f"location={out}"]  # fmt: skip
    subprocess.run(command, check=True, timeout=30)
    return np.frombuffer(out.read_bytes(), np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


@NEEDS_PIPEWIRE
def test_an_application_lists_it_and_reads_the_right_picture(session: Desktop, tmp_path: Path) -> None:
    sink = PacedSink(open_sink("pipewire", size=SIZE, rate=30), 30, size=SIZE)
    with sink, Feeding(sink):
        (node,) = session.nodes()
        assert (node["props"]["node.description"], node["props"]["media.role"]) == ("livefill", "Camera")
        wait_until(lambda: sink.watched is False)
        start = time.monotonic()
        frames = read(node["id"], 40, tmp_path)
        assert 40 / (time.monotonic() - start) > 8  # starting the reader is in it
        wait_until(lambda: sink.watched is False)
    lines = frames[-1, SIZE[1] // 2, SIZE[0] // 8 :: SIZE[0] // 4]
    assert np.abs(lines.astype(int) - BARS).max() <= 10
    assert len({frame.tobytes() for frame in frames}) > 20
    assert session.nodes() == []


@NEEDS_PIPEWIRE
def test_it_tells_that_somebody_watches(session: Desktop) -> None:
    sink = PacedSink(open_sink("pipewire", size=SIZE, rate=30), 30, size=SIZE)
    with sink, Feeding(sink):
        (node,) = session.nodes()
        source = ["pipewiresrc", f"path={node['id']}", "!", "video/x-raw,format=YUY2"]
        reader = subprocess.Popen(["gst-launch-1.0", "-q", *source, "!", "fakesink"])
        try:
            wait_until(lambda: sink.watched is True)
        finally:
            reader.terminate()
            reader.wait()
        wait_until(lambda: sink.watched is False)


@NEEDS_PIPEWIRE
@NEEDS_PORTAL
@NEEDS_FIREFOX
def test_firefox_plays_it(session: Desktop, tmp_path: Path) -> None:
    session.start_portal()
    sink = PacedSink(open_sink("pipewire", size=SIZE, rate=30), 30, size=SIZE)
    # Firefox names its cameras once one was allowed.
    play = f"""async (wish) => {{
      const first = await navigator.mediaDevices.getUserMedia({{video: true}});
      first.getTracks().forEach(track => track.stop());
      return await ({CAMERA})(wish);
    }}"""
    with sink, Feeding(sink):
        wish = {"label": "livefill", "seconds": 2}
        seen = ask_firefox(tmp_path / "firefox", play, wish, environment=session.environment)
    assert seen["labels"] == ["livefill"]
    assert seen["size"] == list(SIZE)
    assert seen["rate"] > 8
    row = np.array(seen["row"]).reshape(-1, 4)[SIZE[0] // 8 :: SIZE[0] // 4, :3]
    assert np.abs(row - BARS).max() <= 12


@NEEDS_PIPEWIRE
@NEEDS_PORTAL
@NEEDS_BROWSER
def test_chromium_lists_it_and_plays_it(session: Desktop) -> None:
    session.start_portal()
    sink = PacedSink(open_sink("pipewire", size=SIZE, rate=30), 30, size=SIZE)
    with sink, Feeding(sink):
        with chromium("--enable-features=WebRtcPipeWireCamera", environment=session.environment) as browser:
            page = secure_page(browser)
            seen = play_camera(page, "livefill", seconds=2)
        wait_until(lambda: sink.watched is False)
    assert seen["labels"] == ["livefill"]
    assert seen["size"] == list(SIZE)
    assert seen["rate"] > 8
    row = np.array(seen["row"]).reshape(-1, 4)[SIZE[0] // 8 :: SIZE[0] // 4, :3]
    assert np.abs(row - BARS).max() <= 12


@NEEDS_PIPEWIRE
def test_a_restarted_pipewire_gets_the_camera_back(
    session: Desktop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(returning, "AGAIN", 0.1)
    with open_sink("pipewire", size=SIZE, rate=30) as sink:
        session.stop_pipewire()
        for number in range(200):
            sink.write(bars(number))
            if "went away" in caplog.text:
                break
            time.sleep(0.02)
        assert "Waiting for it to come back" in caplog.text
        session.start_pipewire()
        for number in range(200):
            sink.write(bars(number))
            if "is back" in caplog.text:
                break
            time.sleep(0.05)
        assert [node["props"]["node.name"] for node in session.nodes()] == ["livefill"]


@NEEDS_PIPEWIRE
def test_nothing_is_left_running(session: Desktop) -> None:
    sink = open_sink("pipewire", size=SIZE, rate=30)
    sink.write(bars(0))
    node = sink._feed  # type: ignore[attr-defined]
    sink.close()
    sink.close()
    assert node._feeder.poll() is not None
    assert node._state._monitor.poll() is not None
    with pytest.raises(SinkError, match="was closed"):
        sink.write(bars(1))
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("livefill-pipewire")])


@NEEDS_PIPEWIRE
def test_without_pipewire_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SinkError, match=r"PipeWire does not run for this user.*systemctl --user start pipewire"):
        open_sink("pipewire", size=SIZE, rate=30)


def test_an_answer_that_never_comes_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for program in ("gst-launch-1.0", "pw-dump", "gst-inspect-1.0"):
        (tmp_path / program).write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(pipewire, "ASKED", 0.2)
    assert pipewire.missing() == ["pipewiresink"]


def test_what_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SinkError, match=r"needs gst-launch-1.0 and pw-dump and gst-inspect-1.0.*sudo apt install"):
        open_sink("pipewire", size=SIZE, rate=30)


def test_a_stream_of_arrays_is_read_object_by_object() -> None:
    lines = [
        "[\n",
        '  {"id": 3,\n',
        '   "info": {"state": "idle"}}\n',
        "]\n",
        "[\n",
        '{"id": 4, "info": null}\n',
        "]\n",
    ]
    assert list(pipewire.things(lines)) == [{"id": 3, "info": {"state": "idle"}}, {"id": 4, "info": None}]
    assert list(pipewire.things(lines[:2])) == []
