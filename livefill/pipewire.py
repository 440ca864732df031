"""A camera node in PipeWire, fed by a GStreamer process; it needs no driver in the kernel.

GStreamer's `pipewiresink` offers the node, `pw-dump --monitor` tells whether anything is linked to it. Both are
programs of the desktop's own distribution, which speak to whatever PipeWire it has.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from time import monotonic, sleep
from typing import Any

__all__ = ["CameraNode", "missing", "socket_path"]

FEEDER, MONITOR, ASK = "gst-launch-1.0", "pw-dump", "gst-inspect-1.0"
APPEARS = 8.0  # seconds that the node may take to appear
STUCK = 2.0  # seconds that one frame may take into the pipe
ENDS = 2.0  # seconds that a process may take to end
ASKED = 20.0  # and GStreamer, to say what it has: the first time it looks at all of its plugins
PIPE = 1 << 20  # bytes of the pipe to GStreamer, as much as an ordinary user may have
F_SETPIPE_SZ = 1031
MARK = "livefill.node"  # a property of the node by which it is told from another livefill's


def socket_path() -> Path | None:
    """Return where PipeWire listens for this user, None where it does not run."""
    folder = os.environ.get("PIPEWIRE_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    path = Path(folder or f"/run/user/{os.getuid()}") / os.environ.get("PIPEWIRE_REMOTE", "pipewire-0")
    return path if path.is_socket() else None


def missing() -> list[str]:
    """Return what a camera node needs and this machine lacks: names of programs, and of GStreamer's element."""
    programs = [name for name in (FEEDER, MONITOR) if shutil.which(name) is None]
    if shutil.which(ASK) is None:
        return [*programs, ASK]
    # Not --exists: that wants the version of GStreamer itself, and this element counts by itself.
    try:
        found = subprocess.run([ASK, "pipewiresink"], capture_output=True, check=False, timeout=ASKED).returncode == 0
    except (OSError, subprocess.TimeoutExpired):  # it hangs on a plugin that does
        found = False
    return programs if found else [*programs, "pipewiresink"]


class CameraNode:
    """A Video/Source node that takes frames of `size` (width, height) in I420 at `fps`.

    Raises `OSError` with the reason when it does not come to be, or takes no frames any more.
    """

    def __init__(self, size: tuple[int, int], fps: float, *, name: str) -> None:
        self.bytes = size[0] * size[1] * 3 // 2
        self._mark = f"of{os.getpid()}no{id(self)}"
        self._said: list[str] = []
        self._state = _State(self._mark)
        self._feeder, self._pipe = self._started(_pipeline(size, fps, name, self._mark))
        threading.Thread(target=self._listen, name="livefill-pipewire-errors", daemon=True).start()
        try:
            self._appear()
        except OSError:
            self.close()
            raise

    @property
    def watched(self) -> bool | None:
        """Whether anything is linked to the node; None where that cannot be told any more."""
        return self._state.running

    def write(self, data: Any) -> None:
        """Give one frame, whole; raises `OSError` when it is not taken."""
        view = memoryview(data).cast("B")
        if len(view) != self.bytes:
            raise ValueError(f"a frame has {len(view)} bytes, where the node takes {self.bytes}")
        if self._state.ended:  # GStreamer goes on as if nothing had happened
            raise OSError("PipeWire ended")
        poller, end = select.poll(), monotonic() + STUCK
        poller.register(self._pipe, select.POLLOUT)
        while view:
            if not poller.poll(max(0.0, end - monotonic()) * 1000):
                raise OSError("GStreamer takes no frames" + self._reason())
            try:
                view = view[os.write(self._pipe, view) :]
            except BrokenPipeError as error:
                _end(self._feeder)  # it has ended by itself; now all that it said is there
                raise OSError("GStreamer ended" + self._reason()) from error

    def close(self) -> None:
        """Take the node away. Safe to call twice."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        _end(self._feeder)
        self._state.close()

    def _started(self, pipeline: list[str]) -> tuple[subprocess.Popen[str], int]:
        theirs, ours = os.pipe()
        try:
            import fcntl

            fcntl.fcntl(ours, F_SETPIPE_SZ, PIPE)
        except OSError:
            pass  # a smaller one does as well
        os.set_blocking(ours, False)
        command = [FEEDER, "--quiet", "fdsrc", f"fd={theirs}", f"blocksize={self.bytes}", *pipeline]
        try:
            feeder = subprocess.Popen(
                command, pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, start_new_session=True,  # Ctrl-C is for livefill
            )  # fmt: skip
        except OSError:
            os.close(ours)
            self._state.close()
            raise
        finally:
            os.close(theirs)
        return feeder, ours

    def _listen(self) -> None:
        assert self._feeder.stderr is not None
        with self._feeder.stderr as lines:
            for line in lines:
                self._said = [*self._said[-4:], line.strip()]

    def _appear(self) -> None:
        """Feed black until the node is there: `pipewiresink` makes it with the first frame."""
        black = bytes([16]) * (self.bytes * 2 // 3) + bytes([128]) * (self.bytes // 3)
        end = monotonic() + APPEARS
        while self._state.running is None:
            if monotonic() > end:
                raise OSError("the node did not appear" + self._reason())
            self.write(black)
            sleep(0.05)

    def _reason(self) -> str:
        errors = [line for line in self._said if "ERROR" in line] or self._said[-1:]
        return f": {errors[0]}" if errors else ""


class _State:
    """Follows the state of the node that bears a mark."""

    def __init__(self, mark: str) -> None:
        self.running: bool | None = None
        self.ended = False  # PipeWire went away
        self._monitor = subprocess.Popen(
            [MONITOR, "--monitor", "--no-colors"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        thread = threading.Thread(target=self._follow, args=(mark,), name="livefill-pipewire-state", daemon=True)
        thread.start()

    def close(self) -> None:
        _end(self._monitor)

    def _follow(self, mark: str) -> None:
        assert self._monitor.stdout is not None
        ours = None
        try:
            with self._monitor.stdout as lines:
                for thing in things(lines):
                    about = thing.get("info") or {}
                    if (about.get("props") or {}).get(MARK) == mark:
                        ours = thing.get("id")
                    if ours is not None and thing.get("id") == ours:
                        self.running = about["state"] == "running" if "state" in about else None
        except (OSError, ValueError):  # what it wrote last was cut off
            pass
        finally:
            self.running, self.ended = None, True


def things(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects of the arrays that `pw-dump --monitor` writes one after the other."""
    array: list[str] = []
    for line in lines:
        array.append(line)
        if line.rstrip() == "]":
            yield from json.loads("".join(array))
            array = []


def _pipeline(size: tuple[int, int], fps: float, name: str, mark: str) -> list[str]:
    rate = Fraction(fps).limit_denominator(1001)
    properties = {
        "media.class": "Video/Source",
        "media.role": "Camera",
        "node.name": "livefill",
        "node.description": name,
        MARK: mark,
    }
    return [
        "!", "rawvideoparse", "format=i420", f"width={size[0]}", f"height={size[1]}",
        f"framerate={rate.numerator}/{rate.denominator}",
        "!", "videoconvert",
        "!", "video/x-raw,format=YUY2",  # what every reader takes
        "!", "queue", "max-size-buffers=2", "max-size-bytes=0", "max-size-time=0",
        "!", "identity", "drop-allocation=1",  # with the sink's own memory, GStreamer 1.22 crashes
        "!", "pipewiresink", "mode=provide", f"client-name={name}",
        "stream-properties=props," + ",".join(f"{key}={value}" for key, value in properties.items()),
    ]  # fmt: skip


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ENDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
