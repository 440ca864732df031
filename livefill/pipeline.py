"""The loop: source → observe → fill → paste → sink. Nothing else happens here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from livefill.composite import paste
from livefill.errors import CameraAway, EndOfStream
from livefill.stats import Stats
from livefill.types import Frame, Patch, Sink, Source, Track, Tracker

__all__ = ["Fills", "Stages", "run"]


class Fills(Protocol):
    """What the loop asks of a filler."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        """Return what to paste into the frame, or None."""
        ...


@dataclass(slots=True)
class Stages:
    """The two stages between source and sink. They may be exchanged from one frame to the next."""

    tracker: Tracker
    filler: Fills


def run(
    source: Source,
    stages: Stages,
    sink: Sink,
    *,
    stats: Stats | None = None,
    between: Callable[[Frame | None], bool] | None = None,
    forgive: Callable[[Exception], None] | None = None,
    away: Callable[[CameraAway], None] | None = None,
) -> None:
    """Run until the source ends. Errors of source and sink end it, with themselves.

    `between` is called before each frame with the last one shown; it stops the loop by returning False. With
    `forgive`, an error while observing or filling is told to it and the frame passes as the camera gave it; without,
    it ends the loop. `away` is told, about once a second, that the camera gives nothing.
    """
    stats = stats or Stats()
    shown: Frame | None = None
    while between is None or between(shown):
        try:
            with stats.stage("capture"):
                frame = source.read()
        except CameraAway as error:
            shown = None
            if away is not None:
                away(error)
            continue  # the source goes on looking for its camera
        except EndOfStream:
            return
        shown = _retouch(frame, stages, stats, forgive)
        with stats.stage("sink"):
            sink.write(shown)


def _retouch(frame: Frame, stages: Stages, stats: Stats, forgive: Callable[[Exception], None] | None) -> Frame:
    try:
        with stats.stage("observe"):
            track = stages.tracker.track(frame)
        with stats.stage("fill"):
            patch = stages.filler.fill(frame, track)
        with stats.stage("paste"):
            return paste(frame, patch)
    except Exception as error:
        if forgive is None:
            raise
        forgive(error)  # a meeting must not lose its camera because a model did
        return frame
