"""What many tests share: a home of their own, and the bundled clip of a synthetic person."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from footage import Clips, Demo, Said, small, write
from hypothesis import settings

from livefill import cli
from livefill import demo as bundled
from livefill.capture import PatternSource
from livefill.profile import Profile, save_profile
from livefill.types import Frame

settings.register_profile("livefill", deadline=None)  # a busy machine is no failure
settings.load_profile("livefill")


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the profiles of the user who runs it, and none writes there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEFILL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _closable_terminal() -> Iterator[None]:
    """Where the tests run under nohup, they and what they start would ignore SIGHUP."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder without any profile."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIVEFILL_HOME", str(folder))
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path / "Downloads"))
    return folder


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The bundled clip, calibrated once."""
    return Demo(bundled.demo_clip("demo_calibrate"), bundled.demo_clip(), bundled.demo_profile())


@pytest.fixture(scope="session")
def clips(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Cut small clips out of the bundled ones."""
    folder = tmp_path_factory.mktemp("clips")
    clean = write(folder / "clean.mp4", [small(frame.image) for frame in demo.clean(36)[::4]])
    hand = write(folder / "hand.mp4", [small(frame.image) for frame in demo.frames(start=0.15, count=12, every=3)])
    nobody = write(folder / "nobody.mp4", [frame.image for frame in PatternSource((160, 120), 10, 6)])
    return Clips(clean, hand, nobody)


@pytest.fixture(scope="session")
def _acquainted(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acquainted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEFILL_HOME", str(folder))
        save_profile(Profile("default", demo.profile.references))
    return folder


@pytest.fixture
def acquainted(_acquainted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has calibrated; shared, so not to be changed."""
    monkeypatch.setenv("LIVEFILL_HOME", str(_acquainted))
    return _acquainted


@pytest.fixture
def livefill(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process, from `main` on."""
    monkeypatch.setenv("LIVEFILL_VERBOSE", "1")  # pytest has stderr already
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["livefill", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def black() -> Frame:
    """A frame in which there is nothing."""
    return Frame(0, 0.0, np.zeros((240, 320, 3), np.uint8))
