"""One `livefill run`: opens everything so that the virtual camera is there first and stays, and steers it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from livefill.capture import BaseSource, OnDemandSource, is_camera, open_source
from livefill.checking import check_settings
from livefill.config import Settings, changed, parse_size
from livefill.errors import CameraAway, LivefillError, SinkError, SourceError, Unwatched
from livefill.pipeline import Shown, run
from livefill.profile import Profile
from livefill.recording import Recorder, clip_path
from livefill.sinks import BaseSink, is_virtual_camera, open_sink
from livefill.sinks.paced import PacedSink, placeholder
from livefill.staging import Staging
from livefill.stats import Stats
from livefill.types import Frame

__all__ = ["Live"]

ANEW = {"sink", "size", "fps", "loop"}  # settings for which camera and sink are opened anew
# And those that make new stages.
STAGED = {"profile", "backend", "model", "tracker", "mask", "scope", "sensitivity", "feather"}
DEVICES = (*ANEW, "camera")  # what camera and sink are opened with
STAYED = "Camera and sink stay as they were"  # how it is told that others could not be opened
REMEMBERED = 8  # sentences


class Live:
    """A running virtual camera. All methods are called from the thread that calls `run`, or from signal handlers."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Prepare; `say` is told what the user should know, a sentence each."""
        check_settings(settings)
        self.settings = settings
        self.stats = Stats()
        self.sink: BaseSink | None = None
        self.shown: Shown | None = None  # what the last frame became; None while no camera gives one
        self.said: deque[str] = deque(maxlen=REMEMBERED)
        self.also_wanted: Callable[[], bool] = lambda: False  # whether somebody besides the sink wants pictures
        self._tell = say
        self._stop = self._again = False
        self._away = self._idle = False
        self._staging = Staging(self.say)
        self._source: BaseSource | None = None
        self._recorder: Recorder | None = None
        self._opened = _devices(settings)  # with which camera and sink could be opened last

    @property
    def state(self) -> str:
        """What is going on, in a few words."""
        if self._idle:
            return "off: nobody watches"
        return "the camera is away" if self._away else self._staging.state(self.shown)

    @property
    def device(self) -> str:
        """What fills, and where."""
        return self._staging.device

    @property
    def sink_label(self) -> str:
        """Where the picture goes."""
        return self.sink.label if self.sink is not None else ""

    @property
    def paused(self) -> bool:
        """Whether the user wants the picture to pass through."""
        return self._staging.paused

    @property
    def calibrating(self) -> float | None:
        """How far a calibration is, 0..1; None while there is none."""
        return self._staging.progress

    @property
    def pending(self) -> Profile | None:
        """A calibration that waits to be accepted."""
        return self._staging.pending

    @property
    def reopening(self) -> bool:
        """Whether camera and sink are about to be opened anew; where that fails, `settings` go back."""
        return self._again

    @property
    def recording(self) -> Path | None:
        """The file that a clip is being written to."""
        return None if self._recorder is None else self._recorder.path

    def say(self, text: str) -> None:
        """Tell the user a sentence, and remember it."""
        self.said.append(text)
        self._tell(text)

    def stop(self) -> None:
        """End the run after the frame in hand."""
        self._stop = True

    def pause(self, on: bool | None = None) -> None:
        """Pass through at once, or go on filling; with None, whichever it was not."""
        self._staging.pause(not self.paused if on is None else on)

    def recalibrate(self, *, review: bool = False) -> None:
        """Make the profile anew from the next frames; with `review` it is kept only once it is accepted."""
        self._staging.calibrate(review=review)

    def accept(self) -> None:
        """Keep the calibration that waits; raises `CalibrationError` where none does."""
        self._staging.accept()

    def discard(self) -> None:
        """Throw away the calibration that waits, or end the one that runs; the profile stays as it was."""
        self._staging.discard()

    def record(self, on: bool) -> None:
        """Begin a clip of what is shown, or finish it; raises `SinkError`."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()
            self.say(f"The clip is in {recorder.path}.")
        if on:
            if self.shown is None:
                raise SinkError("there is no picture to record at the moment")
            height, width = self.shown.after.image.shape[:2]
            self._recorder = Recorder(clip_path(), (width, height), self.settings.fps)

    def change(self, **values: object) -> None:
        """Change settings in mid-run. Raises a `LivefillError` that says why not; then all stays as it was."""
        before, wished = self.settings, changed(self.settings, values, where="this run")
        different = {key for key in values if getattr(before, key) != getattr(wished, key)}
        check_settings(wished, different)
        if different & STAGED:
            self._staging.load(wished)
        self.settings = wished
        if "camera" in different:
            try:
                self._change_camera()
            except SourceError:
                self.settings = before
                if different & STAGED:
                    self._staging.load(before)
                raise
        self._staging.stages.badge = wished.badge
        self._again = self._again or bool(different & ANEW)

    def reload(self) -> None:
        """Read profile and mask anew; raises a `LivefillError`, and then all stays as it was."""
        self._staging.load(self.settings)

    def run(self, each_frame: Callable[[Live], None] = lambda live: None) -> None:
        """Run until the source ends or `stop` is called; `each_frame` is called between two frames."""
        self._warn_of_pace()
        with ExitStack() as stack:
            stack.callback(self._staging.close)
            stack.callback(self._finish_recording)
            loaded = False
            while not self._stop:
                with ExitStack() as devices:
                    if not self._open_or_stay(devices, first=not loaded):
                        continue
                    if not loaded:
                        self._staging.load(self.settings)
                        loaded = True
                    self._staging.stages.badge = self.settings.badge
                    self._again = False
                    self._loop(each_frame)
                if not self._again:
                    return

    def _loop(self, each_frame: Callable[[Live], None]) -> None:
        source, sink = self._source, self.sink
        assert source is not None
        assert sink is not None

        def between(shown: Shown | None) -> bool:
            self.shown = shown
            if shown is not None:
                self._back()
                self._record(shown.after)
                if not isinstance(sink, PacedSink):  # which counts by itself
                    self.stats.tick(shown.after.time)
            self.stats.dropped = source.dropped + getattr(sink, "dropped", 0)
            self._guard(self._staging.steer)
            self._guard(lambda: each_frame(self))
            return not (self._stop or self._again)

        def away(error: CameraAway) -> None:
            self._note(error)
            if isinstance(sink, PacedSink):  # a frozen face would be worse than a word
                words = "starting" if self._idle else "the camera is away"
                sink.write(Frame(-1, monotonic(), placeholder(sink.size, f"livefill: {words}")))

        forgive = self._staging.forgive
        run(source, self._staging.stages, sink, stats=self.stats, between=between, forgive=forgive, away=away)

    def _warn_of_pace(self) -> None:
        """Tell who fills one file into another that it is played like a camera."""
        settings = self.settings
        if settings.sink.startswith("file:") and Path(settings.camera).expanduser().is_file():
            self.say(
                f"{settings.camera} is played like a camera: frames that are not done in time are left out. "
                "`livefill file IN -o OUT` fills all of them."
            )

    def _guard(self, act: Callable[[], None]) -> None:
        """Do what is done between two frames; a meeting must not lose its camera because of it."""
        try:
            act()
        except Exception as error:
            kind = "" if isinstance(error, LivefillError) else f"{type(error).__name__}: "
            text = f"That did not work, and all goes on as before: {kind}{error}"
            if text not in self.said:  # it may fail in every frame
                self.say(text)

    def _note(self, error: CameraAway) -> None:
        """Tell, once, that the camera gives nothing, and why."""
        idle = isinstance(error, Unwatched)
        if idle and not self._idle:
            self.say(str(error))
        if not idle and not self._away:
            self.say(f"{error} Waiting for it to come back.")
        self._idle, self._away = idle, not idle

    def _back(self) -> None:
        if self._away:
            self.say("The camera is back.")
        self._away = self._idle = False

    def _camera(self) -> BaseSource:
        settings = self.settings
        loop = settings.loop if settings.loop is not None else settings.sink.partition(":")[0] != "file"
        return open_source(settings.camera, size=parse_size(settings.size), fps=settings.fps, live=True, loop=loop)

    def _wanted(self) -> bool:
        """Tell whether the camera's pictures are wanted at the moment."""
        if self.settings.always_on or not is_camera(self.settings.camera):
            return True
        busy = self.also_wanted() or self._staging.wanted or self._staging.calibrating is not None
        return busy or self.sink is None or self.sink.watched is not False

    def _change_camera(self) -> None:
        if isinstance(self._source, OnDemandSource):
            self._source.change(self._camera)
            self._opened["camera"] = self.settings.camera
        else:
            self._again = True

    def _open_or_stay(self, stack: ExitStack, *, first: bool) -> bool:
        """Open camera and sink; where changed settings will not do, go back to those that did and return False."""
        try:
            # Where even what did before will not do, the virtual camera stays, and waits for the camera.
            self._open(stack, patient=not first and _devices(self.settings) == self._opened)
        except (SinkError, SourceError) as error:
            if first or _devices(self.settings) == self._opened:
                raise
            self.say(f"{STAYED}: {error}")
            self.settings = changed(self.settings, self._opened, where="this run")
            return False
        self._opened = _devices(self.settings)
        return True

    def _open(self, stack: ExitStack, *, patient: bool) -> None:
        """Open the sink before anything that takes time: an application lists a camera only while it is fed."""
        settings, size = self.settings, parse_size(self.settings.size)
        if is_virtual_camera(settings.sink):
            inner = open_sink(settings.sink, size=size, rate=settings.fps)
            self.sink = stack.enter_context(PacedSink(inner, settings.fps, size=size, stats=self.stats))
            self._source = stack.enter_context(OnDemandSource(self._camera, self._wanted, patient=patient))
        else:
            self._source = stack.enter_context(self._camera())
            self.sink = stack.enter_context(open_sink(settings.sink, size=self._source.size, rate=self._source.rate))

    def _record(self, frame: Frame) -> None:
        if self._recorder is None:
            return
        try:
            self._recorder.write(frame)
        except SinkError as error:
            self._recorder = None
            self.say(f"The recording ended: {error}")

    def _finish_recording(self) -> None:
        try:
            self.record(False)
        except SinkError as error:
            self.say(f"The recording was lost: {error}")


def _devices(settings: Settings) -> dict[str, object]:
    return {key: getattr(settings, key) for key in DEVICES}
