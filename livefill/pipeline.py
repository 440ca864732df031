"""The loop: source → observe → fill → paste → sink. Nothing else happens here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from livefill import interrupt
from livefill.composite import mark, paste
from livefill.errors import CameraAway, EndOfStream
from livefill.stats import Stats
from livefill.types import Frame, Patch, Sink, Source, Track, Tracker

__all__ = ["Fills", "Shown", "Stages", "run"]


class Fills(Protocol):
    """What the loop asks of a filler."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        """Return what to paste into the frame, or None."""
        ...

    def close(self) -> None:
        """Release what the filler holds. Safe to call twice."""
        ...


@dataclass(slots=True)
class Stages:
    """The two stages between source and sink. They may be exchanged from one frame to the next."""

    tracker: Tracker
    filler: Fills
    badge: bool = False  # whether a filled frame says so in its corner

    def close(self) -> None:
        """Release what both hold. Safe to call twice."""
        try:
            self.tracker.close()
        finally:
            self.filler.close()


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one frame."""

    before: Frame  # as the camera gave it
    track: Track | None
    after: Frame  # as it was shown


def run(
    source: Source,
    stages: Stages,
    sink: Sink,
    *,
    stats: Stats | None = None,
    between: Callable[[Shown | None], bool] | None = None,
    forgive: Callable[[Exception], None] | None = None,
    away: Callable[[CameraAway], None] | None = None,
) -> None:
    """Run until the source ends. Errors of source and sink end it, with themselves.

    `between` is called before each frame with what the last one became; it stops the loop by returning False. With
    `forgive`, an error while observing or filling is told to it and the frame passes as the camera gave it; without,
    it ends the loop. `away` is told, about once a second, that the camera gives nothing.
    """
    stats = stats or Stats()
    shown: Shown | None = None
    while between is None or between(shown):
        interrupt.check()
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
            sink.write(shown.after)


def _retouch(frame: Frame, stages: Stages, stats: Stats, forgive: Callable[[Exception], None] | None) -> Shown:
    try:
        with stats.stage("observe"):
            track = stages.tracker.track(frame)
        with stats.stage("fill"):
            patch = stages.filler.fill(frame, track)
        with stats.stage("paste"):
            pasted = paste(frame, patch)
            return Shown(frame, track, mark(pasted) if stages.badge and pasted is not frame else pasted)
    except Exception as error:
        if forgive is None:
            raise
        forgive(error)  # a meeting must not lose its camera because a model did
        return Shown(frame, None, frame)
