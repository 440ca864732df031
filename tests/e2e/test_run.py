"""`livefill run` as a process: how it starts, is steered by signals, and ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livefill.capture import FileSource, PatternSource
from livefill.sinks.file import VideoFileSink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="steered by POSIX signals")

IMPATIENT = "import livefill.terminal as t; t.LOG = 0.1; from livefill.cli import main; main()"


COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # which a shell's `&` has ignored
    "from livefill.__main__ import main; main()"
)

LOADING = """
import signal, sys
class Interrupting:
    def find_spec(self, name, *rest):
        if name == "typer":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
""" + COMMAND.replace("; ", "\n")


class Process:
    """A running `livefill`; its stderr is read line by line."""

    def __init__(self, *arguments: object, home: Path, program: str = IMPATIENT) -> None:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        environment = {**os.environ, "LIVEFILL_HOME": str(home), "COLUMNS": "200"}
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for(self, words: str, *, timeout: float = 30) -> str:
        """Wait for a line with these words."""
        end = time.monotonic() + timeout
        while (line := self.lines.get(timeout=max(0.01, end - time.monotonic()))) is not None:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"{words!r} was never said, but: {''.join(self.said)}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, *, timeout: float) -> int:
        """Wait for its end and return its status; everything that was said is in `said` then."""
        code = self.process.wait(timeout)
        self.reader.join(5)
        while not self.lines.empty():
            if (line := self.lines.get()) is not None:
                self.said.append(line)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def run(*arguments: object) -> Process:
        started.append(Process("run", *arguments, home=tmp_path / "home"))
        return started[-1]

    yield run
    for process in started:
        process.close()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with VideoFileSink(path, (128, 96), 30) as sink:
        for frame in PatternSource((128, 96), 30, 30):
            sink.write(frame)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)])
def test_interrupt_ends_a_run_cleanly(start: Callable[..., Process], clip: Path, number: int) -> None:
    run = start("--camera", clip, "--sink", "none")
    run.wait_for("fps")
    run.signal(number)
    assert run.end(timeout=3) == 0
    said = "".join(run.said)
    assert "Traceback" not in said
    assert "livefill calibrate" in run.said[0]  # without a profile there is an advice, once
    assert said.count("livefill calibrate") == 1
    assert "milliseconds a frame" in run.said[-1]


def test_signals_pause_and_go_on(start: Callable[..., Process], clip: Path) -> None:
    run = start("--camera", clip, "--sink", "none")
    assert "no profile" in run.wait_for("fps")
    run.signal(signal.SIGUSR1)
    run.wait_for("paused: passing through")
    run.signal(signal.SIGUSR1)
    run.wait_for("passing through: no profile")
    run.signal(signal.SIGINT)
    assert run.end(timeout=3) == 0


def test_recalibrating_with_nobody_there_ends_with_the_run(start: Callable[..., Process], clip: Path) -> None:
    run = start("--camera", clip, "--sink", "none")
    run.wait_for("fps")
    run.signal(signal.SIGUSR2)
    run.wait_for("calibrating")
    run.signal(signal.SIGINT)
    assert run.end(timeout=5) == 0
    assert "Traceback" not in "".join(run.said)


def test_video_into_a_file_ends_by_itself(start: Callable[..., Process], clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    run = start("--camera", clip, "--sink", f"file:{out}")
    assert run.end(timeout=30) == 0
    with FileSource(out) as source:
        assert source.size == (128, 96)
        times = [frame.time for frame in source]
    assert len(times) >= 10  # played live: some may be lost, not most
    assert times[0] < 0.5
    assert 0.5 < times[-1] - times[0] < 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["clip.mp4", "out.mp4"]


def test_interrupted_file_is_whole(start: Callable[..., Process], clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    run = start("--camera", clip, "--sink", f"file:{out}", "--loop")
    run.wait_for("fps")
    run.signal(signal.SIGINT)
    assert run.end(timeout=5) == 0
    with FileSource(out) as source:
        assert sum(1 for _ in source) == source.frames > 0


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_interrupted_demo_leaves_no_part_of_a_file(tmp_path: Path, name: str, code: int) -> None:
    demo = Process("demo", "-o", tmp_path / "out", home=tmp_path / "home", program=COMMAND)
    try:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("out/.*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        demo.signal(getattr(signal, name))
        assert demo.end(timeout=10) == code
    finally:
        demo.close()
    assert demo.said == ["stopped: nothing was written\n"]
    assert not (tmp_path / "out").exists()


def test_an_interrupt_while_it_is_loaded_is_no_error(tmp_path: Path) -> None:
    demo = Process("demo", "-o", tmp_path / "out", home=tmp_path / "home", program=LOADING)
    try:
        assert demo.end(timeout=30) == 130
    finally:
        demo.close()
    assert demo.said == ["stopped\n"]
