"""The virtual camera sink, against a fake backend and a fake kernel."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import pyvirtualcam
from pyvirtualcam.camera import BACKENDS

from livefill import v4l2
from livefill.errors import SinkError
from livefill.sinks import open_sink
from livefill.sinks.fit import fit
from livefill.sinks.virtualcam import VirtualCameraSink
from livefill.types import Frame

NODE = Path("/dev/video10")


class FakeBackend:
    """What pyvirtualcam calls; keeps what was sent."""

    refusal: ClassVar[str] = ""
    opened: ClassVar[list[FakeBackend]] = []

    def __init__(self, width: int, height: int, fps: float, fourcc: int, device: str | None, **rest: object) -> None:
        if self.refusal:
            raise RuntimeError(self.refusal)
        self.size, self.name, self.sent, self.closed = (width, height), device or str(NODE), [], 0
        self.opened.append(self)

    def send(self, data: np.ndarray) -> None:
        self.sent.append(data.copy())

    def close(self) -> None:
        self.closed += 1

    def device(self) -> str:
        return self.name

    def native_fourcc(self) -> None:
        return None


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fake the only backend there is."""
    monkeypatch.setattr(FakeBackend, "refusal", "")
    monkeypatch.setattr(FakeBackend, "opened", [])
    for name in list(BACKENDS):
        monkeypatch.delitem(BACKENDS, name)
    monkeypatch.setitem(BACKENDS, "fake", None)  # so that it is taken back in the end
    pyvirtualcam.register_backend("fake", FakeBackend)


def frame(width: int, height: int, value: int = 200) -> Frame:
    return Frame(0, 0.0, np.full((height, width, 3), value, np.uint8))


def test_frames_arrive_as_they_are_and_closing_twice_is_fine() -> None:
    with VirtualCameraSink((64, 48), 30, backend="fake") as sink:
        sink.write(frame(64, 48))
        sink.close()
        with pytest.raises(SinkError, match="was closed"):
            sink.write(frame(64, 48))
    (camera,) = FakeBackend.opened
    assert camera.size == (64, 48)
    assert (camera.sent[0] == 200).all()
    assert camera.sent[0].size == 64 * 48 * 3
    assert camera.closed == 1


def test_the_size_is_even_and_never_changes() -> None:
    sink = VirtualCameraSink((65, 49), 30, backend="fake")
    for size in ((64, 48), (640, 480), (32, 48), (10, 300)):
        sink.write(frame(*size))
    sink.close()
    (camera,) = FakeBackend.opened
    assert camera.size == (64, 48)
    assert {data.size for data in camera.sent} == {64 * 48 * 3}


def test_other_shapes_are_fitted_with_bars() -> None:
    image = fit(np.full((100, 50, 3), 200, np.uint8), (100, 100))
    assert (image[:, 25:75] == 200).all()
    assert not image[:, :25].any()
    assert not image[:, 75:].any()


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(SinkError, match="no backend 'nonsense', only fake"):
        VirtualCameraSink((64, 48), 30, backend="nonsense")


def test_a_device_that_dies_in_mid_call_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FakeBackend, data: np.ndarray) -> None:
        raise RuntimeError("unplugged")

    monkeypatch.setattr(FakeBackend, "send", refuse)
    with (
        VirtualCameraSink((64, 48), 30, backend="fake") as sink,
        pytest.raises(SinkError, match=r"takes no frames any more: unplugged"),
    ):
        sink.write(frame(64, 48))


# --- Linux ------------------------------------------------------------------------------------------------------------


class Kernel:
    """The loopback devices of a made-up machine."""

    def __init__(self, *devices: v4l2.Device) -> None:
        self.devices = list(devices)
        self.holders: list[v4l2.Holder] = []
        self.size: tuple[int, int] | None = None
        self.revived: list[Path] = []


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(loopback())
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(v4l2, "devices", lambda: kernel.devices)
    monkeypatch.setattr(v4l2, "holders", lambda path: kernel.holders)
    monkeypatch.setattr(v4l2, "size_of", lambda path: kernel.size)
    monkeypatch.setattr(v4l2, "revive_output", kernel.revived.append)

    def query(path: Path) -> v4l2.Device:
        found = [device for device in kernel.devices if device.path == path]
        if not found:
            raise FileNotFoundError(path)
        return found[0]

    monkeypatch.setattr(v4l2, "query", query)
    return kernel


def loopback(number: int = 10, name: str = "livefill", *, outputs: bool = True) -> v4l2.Device:
    return v4l2.Device(Path(f"/dev/video{number}"), name, v4l2.LOOPBACK_DRIVER, captures=not outputs, outputs=outputs)


def open_default(spec: str = "pyvirtualcam") -> VirtualCameraSink:
    sink = open_sink(spec, size=(64, 48), rate=30)
    assert isinstance(sink, VirtualCameraSink)
    return sink


def test_the_device_called_livefill_is_preferred(kernel: Kernel) -> None:
    kernel.devices = [loopback(4, "OBS"), loopback(10)]
    with open_default() as sink:
        assert sink.label == "virtual camera /dev/video10"
    with open_default("pyvirtualcam:/dev/video4") as sink:
        assert sink.label == "virtual camera /dev/video4"


def test_a_loopback_that_offers_no_output_is_revived_unless_somebody_feeds_it(kernel: Kernel) -> None:
    kernel.devices = [loopback(outputs=False)]
    open_default().close()
    assert kernel.revived == [NODE]
    kernel.holders = [v4l2.Holder(os.getpid() + 1, "obs")]
    open_default().close()
    assert kernel.revived == [NODE]


def test_a_size_that_the_driver_did_not_take_is_an_error(kernel: Kernel) -> None:
    kernel.size = (64, 48)
    open_default().close()
    kernel.size = (1280, 720)
    kernel.holders = [v4l2.Holder(os.getpid() + 1, "zoom")]
    with pytest.raises(SinkError, match=r"held at 1280x720 by zoom \(pid \d+\), but 64x48 .* `--size 1280x720`"):
        open_default()
    assert [camera.closed for camera in FakeBackend.opened] == [1, 1]


@pytest.mark.parametrize(
    ("spec", "refusal", "message"),
    [
        (
            "pyvirtualcam",
            "No v4l2 loopback device found",
            "no virtual camera on this machine.*apt install v4l2loopback-dkms",
        ),
        (
            "pyvirtualcam:/dev/video3",
            "Device /dev/video3 does not exist.",
            "no device /dev/video3.*modprobe v4l2loopback",
        ),
        (
            "pyvirtualcam:/dev/video10",
            "Device x is not a video output device.",
            r"/dev/video10 is fed by obs \(pid \d+\)",
        ),
        ("pyvirtualcam:/dev/video10", "could not be configured: Device or resource busy", r"is fed by obs \(pid \d+\)"),
        ("pyvirtualcam:/dev/video10", "Device /dev/video10 is already in use.", r"is fed by obs \(pid \d+\)"),
        ("pyvirtualcam:/dev/video0", "Device x is not a video output device.", "/dev/video0 is not a virtual camera"),
        (
            "pyvirtualcam",
            "Could not access x due to missing permissions.",
            "may not write to /dev/video10.*usermod -aG video",
        ),
    ],
)
def test_each_refusal_says_what_to_do_and_quotes_the_reason(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, spec: str, refusal: str, message: str
) -> None:
    kernel.holders = [v4l2.Holder(os.getpid() + 1, "obs")]
    if "No v4l2" in refusal:
        kernel.devices = []
    monkeypatch.setattr(FakeBackend, "refusal", refusal)
    with pytest.raises(SinkError, match=message) as caught:
        open_default(spec)
    assert refusal in str(caught.value)


@pytest.mark.parametrize(
    ("system", "refusal", "message"),
    [
        ("Windows", "OBS Virtual Camera device not found! Did you install OBS?", "Install OBS Studio"),
        ("Windows", "virtual camera output could not be started", "press Stop Virtual Camera in OBS"),
        ("Darwin", "OBS Virtual Camera is not installed", "System Settings"),
        ("Haiku", "nothing", "file:OUT.mp4"),
    ],
)
def test_elsewhere_obs_is_named(monkeypatch: pytest.MonkeyPatch, system: str, refusal: str, message: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(FakeBackend, "refusal", refusal)
    with pytest.raises(SinkError, match=message):
        open_default()
