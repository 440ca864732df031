"""One `livefill run`: opens everything so that the virtual camera is there first and stays, and steers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from livefill.app import NoFiller, is_picture, same_file, stages_for
from livefill.calibration import Calibrator
from livefill.capture import BaseSource, OnDemandSource, is_camera, open_source
from livefill.config import Settings, parse_size
from livefill.errors import CalibrationError, CameraAway, ConfigError, ProfileError, Unwatched
from livefill.pipeline import Stages, run
from livefill.profile import Profile, load_profile, profile_path, save_profile
from livefill.sinks import BaseSink, is_virtual_camera, open_sink
from livefill.sinks.paced import PacedSink, placeholder
from livefill.stats import Stats
from livefill.tracking import NoTracker
from livefill.types import Frame, Track, Tracker

__all__ = ["Live"]

RETRY = 5.0  # seconds of pass-through after a stage has failed
CALIBRATE = 20.0  # seconds that a calibration may take in mid-run


class Live:
    """A running virtual camera. All methods are called from the thread that calls `run`, or from signal handlers."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Prepare; `say` is told what the user should know, a sentence each."""
        if settings.mask is not None and not is_picture(settings.mask):
            raise ConfigError(f"the mask {settings.mask} must be a picture; a video of masks is for `livefill file`")
        kind, _, target = settings.sink.partition(":")
        if kind == "file" and target and same_file(Path(target).expanduser(), Path(settings.camera).expanduser()):
            raise ConfigError(f"{target} is the input itself: choose another name for the output")
        self.settings = settings
        self.stats = Stats()
        self.paused = False
        self.device = ""  # what fills, and where
        self.sink_label = ""
        self._say = say
        self._stop = False
        self._recalibrate = False
        self._away = self._idle = False
        self._failed: tuple[str, float] | None = None  # what a stage said, and until when to leave it alone
        self._ours = Stages(NoTracker(), NoFiller())
        self._stages = Stages(NoTracker(), NoFiller())
        self._watch = _Watch(NoTracker())

    @property
    def state(self) -> str:
        """What is going on, in a few words."""
        if self._idle:
            return "off: nobody watches"
        if self._away:
            return "the camera is away"
        if isinstance(self._stages.tracker, _Calibrating):
            return self._stages.tracker.state
        if self.paused:
            return "paused: passing through"
        if self._failed is not None:
            return "passing through: a stage failed"
        if isinstance(self._watch.inner, NoTracker):
            return "passing through: no profile"
        if self._watch.last is None:
            return "passing through: your face is not to be found"
        return "filling" if self._watch.last.occluder.any() else "nothing to fill"

    def stop(self) -> None:
        """End the run after the frame in hand."""
        self._stop = True

    def pause(self) -> None:
        """Pass through at once, or go on filling."""
        self.paused = not self.paused
        self._choose_stages()

    def recalibrate(self) -> None:
        """Make the profile anew from the next frames."""
        self._recalibrate = True

    def run(self, each_frame: Callable[[Live], None] = lambda live: None) -> None:
        """Run until the source ends or `stop` is called; `each_frame` is called between two frames."""
        with ExitStack() as stack:
            stack.callback(self._close_stages)
            sink, source = self._open(stack)
            self._load()

            def between(shown: Frame | None) -> bool:
                if shown is not None:
                    self._back()
                    if not isinstance(sink, PacedSink):  # which counts by itself
                        self.stats.tick(shown.time)
                self.stats.dropped = source.dropped + getattr(sink, "dropped", 0)
                self._steer()
                each_frame(self)
                return not self._stop

            def away(error: CameraAway) -> None:
                self._note(error)
                if isinstance(sink, PacedSink):  # a frozen face would be worse than a word
                    words = "starting" if self._idle else "the camera is away"
                    sink.write(Frame(-1, monotonic(), placeholder(sink.size, f"livefill: {words}")))

            run(source, self._stages, sink, stats=self.stats, between=between, forgive=self._forgive, away=away)

    def _note(self, error: CameraAway) -> None:
        """Tell, once, that the camera gives nothing, and why."""
        idle = isinstance(error, Unwatched)
        if idle and not self._idle:
            self._say(str(error))
        if not idle and not self._away:
            self._say(f"{error} Waiting for it to come back.")
        self._idle, self._away = idle, not idle

    def _back(self) -> None:
        if self._away:
            self._say("The camera is back.")
        self._away = self._idle = False

    def _open(self, stack: ExitStack) -> tuple[BaseSink, BaseSource]:
        """Open the sink before anything that takes time: an application lists a camera only while it is fed."""
        settings, size = self.settings, parse_size(self.settings.size)
        kind = settings.sink.partition(":")[0]
        sink: BaseSink | None = None
        if is_virtual_camera(settings.sink):
            inner = open_sink(settings.sink, size=size, rate=settings.fps)
            sink = stack.enter_context(PacedSink(inner, settings.fps, size=size, stats=self.stats))
        loop = settings.loop if settings.loop is not None else kind != "file"

        def camera() -> BaseSource:
            return open_source(settings.camera, size=size, fps=settings.fps, live=True, loop=loop)

        def wanted() -> bool:
            assert sink is not None
            return sink.watched is not False or self._recalibrate or isinstance(self._stages.tracker, _Calibrating)

        on_demand = sink is not None and is_camera(settings.camera) and not settings.always_on
        source = stack.enter_context(OnDemandSource(camera, wanted) if on_demand else camera())
        if sink is None:
            sink = stack.enter_context(open_sink(settings.sink, size=source.size, rate=source.rate))
        self.sink_label = sink.label
        return sink, source

    def _load(self) -> None:
        """Load the profile and what fills; without a profile, say how to make one and pass through."""
        profile: Profile | None = None
        try:
            profile = load_profile(self.settings.profile or "default")
        except ProfileError as error:
            if self.settings.profile is not None:
                raise
            self._say(f"Nothing will be filled: {error}")
        self._use(profile)

    def _use(self, profile: Profile | None) -> None:
        self._close_stages()
        self._ours, spec = stages_for(
            profile, backend=self.settings.backend, mask=self.settings.mask, tracker=self.settings.tracker
        )
        self.device = f"{spec.name} ({spec.backend}, {spec.device})"
        if spec.reason and profile is not None:
            self._say(f"Filling with {spec.backend}, the quickest here: {spec.reason}.")
        self._watch = _Watch(self._ours.tracker)
        self._choose_stages()

    def _choose_stages(self) -> None:
        if isinstance(self._stages.tracker, _Calibrating):
            return  # it passes the picture through, and chooses when it is at its end
        passing = self.paused or self._failed is not None
        self._stages.tracker = NoTracker() if passing else self._watch
        self._stages.filler = NoFiller() if passing else self._ours.filler

    def _steer(self) -> None:
        """Between two frames: take up what was asked for, and what has come to its end."""
        if self._failed is not None and monotonic() > self._failed[1]:
            self._failed = None
            self._choose_stages()
        if self._recalibrate:
            self._recalibrate = False
            self._end_calibration()
            self._stages.tracker, self._stages.filler = _Calibrating(self.settings.tracker), NoFiller()
        if isinstance(self._stages.tracker, _Calibrating) and self._stages.tracker.done:
            self._finish(self._stages.tracker)

    def _finish(self, calibrating: _Calibrating) -> None:
        self._end_calibration()
        self._choose_stages()
        name = self.settings.profile or "default"
        try:
            profile = calibrating.calibrator.profile(name)
            save_profile(profile)
        except (CalibrationError, ProfileError) as error:
            self._say(f"The profile stays as it was: {error}")
            return
        self._say(f"Profile {name!r} was made anew from {len(profile.references)} frames: {profile_path(name)}")
        self._use(profile)

    def _forgive(self, error: Exception) -> None:
        if self._failed is None:
            self._say(f"Passing the picture through for {RETRY:.0f} s: {type(error).__name__}: {error}")
        self._failed = (str(error), monotonic() + RETRY)
        self._end_calibration()
        self._choose_stages()

    def _end_calibration(self) -> None:
        if isinstance(self._stages.tracker, _Calibrating):
            self._stages.tracker.close()
            self._stages.tracker = NoTracker()

    def _close_stages(self) -> None:
        self._stages.tracker.close()
        self._ours.tracker.close()


class _Watch:
    """Remembers the last track, so that the state can be told."""

    def __init__(self, inner: Tracker) -> None:
        self.inner = inner
        self.last: Track | None = None

    def track(self, frame: Frame) -> Track | None:
        self.last = self.inner.track(frame)
        return self.last

    def close(self) -> None:
        self.inner.close()


class _Calibrating:
    """A tracker that looks for references instead of occluders, while the picture passes through."""

    def __init__(self, tracker: str) -> None:
        self.calibrator = Calibrator(tracker)
        self.state = "calibrating: look into the camera"
        self._start: float | None = None
        self._now = 0.0

    @property
    def done(self) -> bool:
        late = self._start is not None and self._now - self._start > CALIBRATE
        return late or self.calibrator.progress >= 1

    def track(self, frame: Frame) -> Track | None:
        self._start = frame.time if self._start is None else self._start
        self._now = frame.time
        hint = self.calibrator.look(frame).hint or "turn your head a little, open your mouth once"
        self.state = f"calibrating {self.calibrator.progress:.0%}: {hint}"
        return None

    def close(self) -> None:
        self.calibrator.close()
