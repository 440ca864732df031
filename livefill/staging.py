"""Which stages work at the moment: those of the profile, a calibration, or none, while the camera goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from livefill.app import NoFiller, stages_for
from livefill.calibrating import CalibratingTracker
from livefill.config import Settings
from livefill.errors import CalibrationError, ProfileError
from livefill.making import Made, Maker
from livefill.pipeline import Shown, Stages
from livefill.private import stamp
from livefill.profile import Profile, load_profile, profile_path, save_profile
from livefill.tracking import NoTracker
from livefill.wording import counted

__all__ = ["Staging"]

RETRY = 5.0  # seconds of pass-through after a stage has failed


class Staging:
    """Holds the `stages` that the loop runs, and exchanges them between two frames."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Begin with none; `say` is told what the user should know, a sentence each."""
        self.stages = Stages(NoTracker(), NoFiller())
        self.paused = False
        self.device = ""  # what fills, and where
        self.pending: Profile | None = None  # a calibration that waits to be accepted
        self.wanted = False  # a calibration is to begin with the next frame
        self._say = say
        self._ours = Stages(NoTracker(), NoFiller())
        self._settings = Settings()
        self._review = False
        self._name = "default"  # of the profile that is calibrated
        self._maker = Maker()
        self._failed_until: float | None = None
        self._read: tuple[object, Profile] | None = None  # the last profile, and what its file was then

    @property
    def calibrating(self) -> CalibratingTracker | None:
        """The calibration that runs."""
        tracker = self.stages.tracker
        return tracker if isinstance(tracker, CalibratingTracker) else None

    @property
    def progress(self) -> float | None:
        """How far a calibration is, 0..1, until there is a profile; None while there is none."""
        if self.calibrating is not None:
            return self.calibrating.progress
        return 1.0 if self._maker.busy else None

    def state(self, shown: Shown | None) -> str:
        """Return in a few words what is going on; `shown` is what the last frame became."""
        calibrating = self.calibrating
        if calibrating is not None:
            return f"calibrating {calibrating.progress:.0%}: {calibrating.hint}"
        if self._maker.busy:
            return "calibrating 100%: making the profile"
        if self.paused:
            return "paused: passing through"
        if self._failed_until is not None:
            return "passing through: a stage failed"
        if isinstance(self._ours.tracker, NoTracker):
            return "passing through: no profile"
        if shown is None:
            return "starting"  # nothing was looked at yet
        if shown.track is None:
            if self._ours.tracker.stranger:
                return "passing through: somebody else's face (yours? calibrate again)"
            return "passing through: your face is not to be found"
        return "filling" if shown.track.occluder.any() else "nothing to fill"

    def load(self, settings: Settings) -> None:
        """Take up settings and their profile; without a profile, say how to make one and pass through.

        Raises `ProfileError` where the profile was named, `BackendError`, `ConfigError`, `TrackerError`; then all stays
        as it was.
        """
        profile: Profile | None = None
        try:
            profile = self._profile(settings.profile or "default")
        except ProfileError as error:
            if settings.profile is not None:
                raise
            self._say(f"Nothing will be filled: {error}")
        self._use(profile, settings)

    def pause(self, on: bool) -> None:
        """Pass through at once, or go on filling."""
        self.paused = on
        self._choose()

    def calibrate(self, *, review: bool) -> None:
        """Make the profile anew from the next frames; with `review` it is kept only once it is accepted."""
        self._forget()
        self.wanted, self._review = True, review
        self._name = self._settings.profile or "default"  # whose it is, even if another is chosen before it is done

    def accept(self) -> None:
        """Keep the calibration that waits; raises `CalibrationError` where none does."""
        if self.pending is None:
            raise CalibrationError("no calibration waits to be accepted: calibrate first")
        self._kept(self.pending, save_profile(self.pending))
        self.pending = None

    def discard(self) -> None:
        """Throw away the calibration that waits, or end the one that runs; the profile stays as it was."""
        self.wanted = False
        self._forget()
        self._end_calibration()
        self._choose()

    def steer(self) -> None:
        """Between two frames: take up what was asked for, and what has come to its end."""
        if self._failed_until is not None and monotonic() > self._failed_until:
            self._failed_until = None
            self._choose()
        if self.wanted:
            self.wanted = False
            self._end_calibration()
            self.stages.tracker, self.stages.filler = CalibratingTracker(self._settings.tracker), NoFiller()
        calibrating = self.calibrating
        if calibrating is not None and calibrating.done:
            self._end_calibration()
            self._choose()
            self._maker.begin(calibrating.calibrator, self._name, save=not self._review)
        made = self._made()
        if made is not None:
            self._take(made)

    def forgive(self, error: Exception) -> None:
        """Leave stages that failed alone for a while."""
        if self._failed_until is None:
            self._say(f"Passing the picture through for {RETRY:.0f} s: {type(error).__name__}: {error}")
        self._failed_until = monotonic() + RETRY
        self._end_calibration()
        self._choose()

    def close(self) -> None:
        """Release what the stages hold; a profile that is made is made to its end."""
        self._end_calibration()
        try:
            made = self._made(wait=True)
            if made is not None and made.path is not None:
                self._tell(made.profile, made.path)
        finally:
            self._maker.close()
            self._ours.close()

    def _profile(self, name: str) -> Profile:
        """Return a profile, ready for its first covered frame; the one that is there where its file is as it was.

        Raises `ProfileError`.
        """
        seen = stamp(profile_path(name))
        if seen is None:
            return load_profile(name)  # says what is wrong
        if self._read is None or self._read[0] != (name, seen):
            self._read = (name, seen), load_profile(name)
        self._read[1].prepare()
        return self._read[1]

    def _use(self, profile: Profile | None, settings: Settings) -> None:
        stages, spec = stages_for(
            profile,
            backend=settings.backend,
            model=settings.model,
            mask=settings.mask,
            tracker=settings.tracker,
            scope=settings.scope,
            sensitivity=settings.sensitivity,
            feather=settings.feather,
        )
        self._ours.close()  # a calibration that runs goes on
        self._ours, self._settings = stages, settings
        device = f"{spec.name} ({spec.backend}, {spec.device})"
        if profile is not None and device != self.device:
            if spec.reason:
                self._say(f"Filling with {spec.backend}, the quickest here: {spec.reason}.")
            if spec.warning:
                self._say(spec.warning)
        self.device = device
        self._choose()

    def _choose(self) -> None:
        if self.calibrating is not None:
            return  # it passes the picture through, and chooses when it is at its end
        passing = self.paused or self._failed_until is not None
        self.stages.tracker = NoTracker() if passing else self._ours.tracker
        self.stages.filler = NoFiller() if passing else self._ours.filler

    def _made(self, *, wait: bool = False) -> Made | None:
        """Return a profile that was made just now; where none could be, say why."""
        try:
            return self._maker.take(wait=wait)
        except (CalibrationError, ProfileError) as error:
            self._say(f"The profile stays as it was: {error}")
            return None

    def _take(self, made: Made) -> None:
        if made.path is not None:
            self._kept(made.profile, made.path)
            return
        self.pending = made.profile
        kept = len(made.profile.pictures)
        were, them = ("was", "it") if kept == 1 else ("were", "them")
        self._say(f"{counted(kept, 'frame')} {were} kept: look at {them}, then accept or calibrate again.")

    def _kept(self, profile: Profile, path: Path) -> None:
        self._read = (profile.name, stamp(path)), profile  # it need not be read to be known
        self._tell(profile, path)
        if profile.name == (self._settings.profile or "default"):
            self._use(self._profile(profile.name), self._settings)

    def _tell(self, profile: Profile, path: Path) -> None:
        frames = counted(len(profile.pictures), "frame")
        self._say(f"Profile {profile.name!r} was made anew from {frames}: {path}")

    def _forget(self) -> None:
        """Give up a calibration that waits to be accepted, or is about to; one that is kept without that is kept."""
        self.pending = None
        self._maker.drop()

    def _end_calibration(self) -> None:
        if self.calibrating is not None:
            self.calibrating.close()
            self.stages.tracker = NoTracker()
