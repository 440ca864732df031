"""`livefill run` as a meeting meets it: a real driver, and other programs that read."""

from __future__ import annotations

import shutil
from pathlib import Path

import kernel
import numpy as np
import pytest
from browser import NEEDS_BROWSER
from kernel import inside
from running import HEAD

pytestmark = [*kernel.NEEDS, pytest.mark.skipif(not shutil.which("v4l2-ctl"), reason="needs v4l2-ctl (v4l-utils)")]

ON_DEMAND = (
    HEAD
    + """
run = Run()
run.wait_for("Nobody watches")
result = {"off": not run.camera_is_on()}
before = run.cpu(); time.sleep(4)
result["idle"] = (run.cpu() - before) / 4
reader = endless_reader()
result["on after"] = wait_until(run.camera_is_on, 5)
result["on"] = run.camera_is_on()
time.sleep(1)
reader.terminate(); reader.wait()
result["off after"] = wait_until(lambda: not run.camera_is_on(), 8)
result["off again"] = not run.camera_is_on()
result["rates"], result["read"] = read(90)
result["status"] = run.stop()
result["said"] = run.said()
"""
)

ALWAYS_ON = (
    HEAD
    + """
run = Run("--always-on")
run.wait_for("fps")
time.sleep(4)
result = {"on": run.camera_is_on(), "status": run.stop(), "said": run.said()}
"""
)

KILLED = (
    HEAD
    + """
run = Run("--always-on")
run.wait_for("fps")
READER = '''
import cv2, json, sys, time
capture = cv2.VideoCapture("/dev/video10", cv2.CAP_V4L2)
end, seen = time.monotonic() + 28, []
while time.monotonic() < end:
    ok, picture = capture.read()
    seen.append((round(time.monotonic(), 2), bool(ok), None if picture is None else hash(picture.tobytes())))
print(json.dumps(seen))
'''
reader = subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
time.sleep(4)
run.process.kill(); run.process.wait()
killed = time.monotonic()
again = Run("--always-on")
again.wait_for("fps")
back = time.monotonic()
seen = json.loads(reader.communicate(timeout=40)[0])
result = {
    "before": len({h for t, ok, h in seen if ok and t < killed}),
    "after": len({h for t, ok, h in seen if ok and t > back + 0.5}),
    "gap": round(back - killed, 1),
    "failed": sum(not ok for t, ok, h in seen),
    "status": again.stop(),
}
"""
)

TWO = (
    HEAD
    + """
consumer = subprocess.Popen([sys.executable, "-c", '''
import cv2, time
end = time.monotonic() + 20
while time.monotonic() < end:
    capture = cv2.VideoCapture("/dev/video10", cv2.CAP_V4L2)  # as an application that was started first looks for it
    if capture.isOpened() and capture.read()[0]:
        print("seen"); break
    time.sleep(0.3)
'''], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
time.sleep(1)
run = Run()
result = {"first": consumer.communicate(timeout=40)[0].strip()}
result["rates"], result["read"] = read(60)
result["status"] = run.stop()
"""
)

BROWSER = (
    HEAD
    + """
from browser import chromium, play_camera, secure_page
run = Run()
run.wait_for("Nobody watches")
with chromium("--no-sandbox", environment={**os.environ, "HOME": str(share)}) as browser:
    page = secure_page(browser)
    page.set_default_timeout(60_000)
    result = play_camera(page, "livefill", seconds=4)
    result["on"] = run.camera_is_on()
    run.process.kill(); run.process.wait()
    run = Run("--always-on")
    run.wait_for("fps", 45)  # the browser beside it has both cores
    result["again"] = play_camera(page, "livefill", seconds=3)
result["status"] = run.stop()
"""
)


def test_the_camera_is_on_only_while_somebody_watches(tmp_path: Path) -> None:
    result = inside(tmp_path, ON_DEMAND, limit=90)
    assert result["off"]
    assert result["idle"] < 0.1, "CPU seconds a second while nobody watches"
    assert result["on"], result["said"]
    assert result["on after"] < 2
    assert result["off again"]
    assert 2 < result["off after"] < 6
    assert result["read"] == 0
    assert result["status"] == 0
    assert "Traceback" not in result["said"]


def test_who_wants_it_always_on_gets_that(tmp_path: Path) -> None:
    result = inside(tmp_path, ALWAYS_ON)
    assert result["on"]
    assert "Nobody watches" not in result["said"]


def test_a_producer_that_is_killed_and_started_again_goes_on_in_the_same_reader(tmp_path: Path) -> None:
    result = inside(tmp_path, KILLED, limit=90)
    assert result["before"] > 20, result
    assert result["after"] > 20, result
    assert result["status"] == 0


def test_an_application_that_was_there_first_finds_it(tmp_path: Path) -> None:
    result = inside(tmp_path, TWO, limit=90)
    assert result["first"] == "seen"
    assert result["read"] == 0
    assert result["rates"][-1] > 15


@NEEDS_BROWSER
def test_chromium_plays_it_and_goes_on_with_the_next_producer(tmp_path: Path) -> None:
    result = inside(tmp_path, BROWSER, limit=150)
    assert "livefill" in result["labels"]
    assert result["size"] == [640, 360]
    assert result["rate"] > 4, "frames a second in software, on shared cores"
    assert result["on"]
    row = np.array(result["row"]).reshape(-1, 4)[:, :3]
    assert np.ptp(row, axis=0).min() > 60, "the webcam's colour bars"
    assert result["again"]["rate"] > 4
    assert result["status"] == 0
