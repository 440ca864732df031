"""A real webcam driver (vivid) and a real v4l2loopback, in a small kernel that runs as a process."""

from __future__ import annotations

from pathlib import Path

import kernel
import pytest
from kernel import inside

pytestmark = kernel.NEEDS

STREAM = """
import subprocess, sys, threading
from livefill import v4l2
from livefill.capture import open_source
from livefill.sinks import open_sink
from livefill.sinks.paced import PacedSink
from livefill.stats import Stats

READER = '''
import cv2, json, numpy as np
capture = cv2.VideoCapture("/dev/video10", cv2.CAP_V4L2)
pictures = [capture.read()[1] for _ in range(30)]
rgb = pictures[-1][..., ::-1]
print(json.dumps({
    "size": [rgb.shape[1], rgb.shape[0]],
    "distinct": len({picture.tobytes() for picture in pictures}),
    "thirds": np.array_split(rgb.mean(axis=0), 3, axis=0)[0].mean(axis=0).tolist(),
}))
'''

def thirds(image):
    return np.array_split(image.mean(axis=0), 3, axis=0)[0].mean(axis=0).tolist()

stats = Stats()
with open_source("0", size=(640, 360), fps=30, live=True) as source:
    camera = open_sink("virtualcam:/dev/video10", size=source.size, rate=30)
    with PacedSink(camera, 30, size=source.size, stats=stats) as sink:
        reader = subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE, text=True)
        while reader.poll() is None:
            frame = source.read()
            sink.write(frame)
        node = v4l2.query(Path("/dev/video10"))
        result = json.loads(reader.stdout.read())
result |= {"name": node.name, "captures": node.captures, "camera": thirds(frame.image), "age": stats.summary().age_p50}
result["threads"] = [t.name for t in threading.enumerate() if t.name.startswith("livefill")]
open_sink("auto", size=(640, 360), rate=30).close()  # it can be had again
"""

MESSAGES = """
import subprocess, sys
from livefill.capture import CameraSource
from livefill.errors import LivefillError
from livefill.sinks import open_sink

def message(call):
    try:
        call().close()
    except LivefillError as error:
        return str(error)
    return ""

def elsewhere(code):
    # The same in another process: ours holds the devices meanwhile.
    head = "from livefill.capture import CameraSource\\nfrom livefill.sinks import open_sink\\n"
    return subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True).stderr

result = {
    "no camera": message(lambda: CameraSource("7")),
    "no sink": message(lambda: open_sink("virtualcam:/dev/video11", size=(640, 360), rate=30)),
    "auto": message(lambda: open_sink("auto", size=(640, 360), rate=30)),
    "a camera as sink": message(lambda: open_sink("virtualcam:/dev/video0", size=(640, 360), rate=30)),
    "a sink as camera": message(lambda: CameraSource("/dev/video10")),
}
if not result["auto"]:
    import numpy as np
    from livefill.types import Frame
    with CameraSource("0"), open_sink("auto", size=(640, 360), rate=30) as sink:
        sink.write(Frame(0, 0.0, np.zeros((360, 640, 3), np.uint8)))
        result["busy camera"] = elsewhere("CameraSource('0')")
        result["busy sink"] = elsewhere("open_sink('virtualcam:/dev/video10', size=(640, 360), rate=30)")
"""

DOCTOR = """
from dataclasses import asdict
from livefill.doctor import diagnose
result = {finding.subject: asdict(finding) for finding in diagnose()}
"""


def test_a_camera_reaches_another_application(tmp_path: Path) -> None:
    result = inside(tmp_path, STREAM)
    assert result["size"] == [640, 360]
    assert result["distinct"] >= 10  # of 30: the pictures advance
    assert result["thirds"] == pytest.approx(result["camera"], abs=6)  # the left third of the colour bars, in RGB
    assert (result["name"], result["captures"]) == ("livefill", True)
    assert 0 < result["age"] < 200
    assert result["threads"] == []


def test_what_goes_wrong_is_said_with_its_remedy(tmp_path: Path) -> None:
    result = inside(tmp_path, MESSAGES)
    assert "no camera at /dev/video7" in result["no camera"]
    assert "/dev/video0 (vivid)" in result["no camera"]
    assert "There is no device /dev/video11" in result["no sink"]
    assert result["auto"] == ""
    assert "/dev/video0 is not a virtual camera" in result["a camera as sink"]
    assert "nobody feeds it" in result["a sink as camera"]
    assert "The camera /dev/video0 is in use by python" in result["busy camera"]
    assert "/dev/video10 is fed by python" in result["busy sink"]


def test_a_machine_without_devices_says_how_to_get_one(tmp_path: Path) -> None:
    result = inside(tmp_path, MESSAGES, drivers=False)
    assert "No camera was found" in result["no camera"]
    assert "sudo modprobe v4l2loopback exclusive_caps=1 card_label=livefill" in result["auto"]


def test_the_doctor_finds_the_machine_sound(tmp_path: Path) -> None:
    result = inside(tmp_path, DOCTOR)
    assert result["camera /dev/video0"]["ok"]
    assert result["v4l2loopback"]["detail"] == "0.15.4 is loaded"
    assert result["virtual camera /dev/video10"]["detail"] == "livefill, exclusive_caps=1, free"


def test_the_doctor_finds_what_browsers_will_not_list(tmp_path: Path) -> None:
    finding = inside(tmp_path, DOCTOR, caps=0)["virtual camera /dev/video10"]
    assert not finding["ok"]
    assert "exclusive_caps=0" in finding["detail"]
