"""A calibration becomes a profile beside the run: it takes half a second, for which the picture would stand still."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from livefill.calibration import Calibrator
from livefill.profile import Profile, save_profile

__all__ = ["Made", "Maker"]


class Made(NamedTuple):
    """What came of it."""

    profile: Profile  # ready for its first covered frame
    path: Path | None  # where it was saved; None where it waits to be accepted


class Maker:
    """Makes one profile at a time in a thread of its own."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="livefill profile")
        self._made: Future[Made] | None = None
        self._saves = False  # whether that is saved as well

    @property
    def busy(self) -> bool:
        """Whether a profile is made that was not taken yet."""
        return self._made is not None

    def begin(self, calibrator: Calibrator, name: str, *, save: bool) -> None:
        """Begin to make the profile `name` of what a calibrator has seen, and to `save` it."""
        self._made, self._saves = self._beside.submit(_make, calibrator, name, save=save), save

    def take(self, *, wait: bool = False) -> Made | None:
        """Return what was made, once; None where nothing is ready, for which it may `wait`.

        Raises what went wrong: `CalibrationError`, `ProfileError`.
        """
        made = self._made
        if made is None or not (wait or made.done()):
            return None
        self._made = None
        return made.result()

    def drop(self) -> None:
        """Take no more notice of what is made, unless it is saved: then it is there."""
        if not self._saves:
            self._made = None

    def close(self) -> None:
        """End the thread, once what it does is done. Safe to call twice."""
        self._beside.shutdown()


def _make(calibrator: Calibrator, name: str, *, save: bool) -> Made:
    profile = calibrator.profile(name)
    path = save_profile(profile) if save else None
    profile.prepare()
    return Made(profile, path)
