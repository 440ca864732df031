"""Trackers around another one: what it says goes through, and it is closed with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import synthetic

from livefill.bias import Bias
from livefill.capture import FileSource
from livefill.sinks.file import VideoFileSink
from livefill.tracking.corrected import CorrectedTracker
from livefill.tracking.narrowed import FaceOnly, MaskedTracker
from livefill.types import Frame, Track, Tracker

POINTS = synthetic.face()
Around = Callable[[Tracker, Path], Tracker]


class Inner:
    """A tracker that sees a stranger, and counts how often it is closed."""

    stranger = True

    def __init__(self) -> None:
        self.closed = 0

    def track(self, frame: Frame) -> Track | None:
        return None

    def close(self) -> None:
        self.closed += 1


def masked(inner: Tracker, folder: Path) -> Tracker:
    with VideoFileSink(folder / "mask.mp4", (64, 64), 10) as sink:
        sink.write(Frame(0, 0.0, np.zeros((64, 64, 3), np.uint8)))
    return MaskedTracker(inner, FileSource(folder / "mask.mp4"))


@pytest.mark.parametrize(
    "around",
    [
        masked,
        lambda inner, _: FaceOnly(inner),
        lambda inner, _: CorrectedTracker(inner, Bias.of([POINTS], [POINTS])),
    ],
    ids=["masked", "face only", "corrected"],
)
def test_what_the_inner_one_says_goes_through_and_it_is_closed(around: Around, tmp_path: Path) -> None:
    inner = Inner()
    tracker = around(inner, tmp_path)
    assert tracker.stranger
    assert tracker.track(Frame(0, 0.0, np.zeros((64, 64, 3), np.uint8))) is None
    tracker.close()
    assert inner.closed == 1
