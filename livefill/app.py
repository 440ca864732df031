"""Puts the parts together: the only place that knows every one of them. Prints nothing; the command line does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from livefill import interrupt
from livefill.backends import open_session, runtime_of
from livefill.calibration import Calibrator, Judgement
from livefill.capture import PICTURES, AheadSource, BaseSource, FileSource, is_camera, open_source
from livefill.config import DEFAULT_MODEL, DEFAULT_TRACKER
from livefill.errors import ConfigError, SourceError
from livefill.filler import Filler
from livefill.hindsight import Hindsight
from livefill.pipeline import Shown, Stages, run
from livefill.profile import Profile
from livefill.settler import Settler
from livefill.sinks.behind import BehindSink
from livefill.sinks.file import FORMATS, VideoFileSink, check_target
from livefill.stats import Stats
from livefill.teaching import taught
from livefill.tracking import NoTracker, open_tracker
from livefill.tracking.narrowed import FaceOnly, MaskedTracker
from livefill.types import Frame, Mask, ModelSpec, Patch, Track

__all__ = [
    "Filled",
    "NoFiller",
    "calibrate",
    "check_file",
    "check_mask",
    "check_other",
    "fill_file",
    "is_picture",
    "open_for_calibration",
    "read_mask",
    "stages_for",
]


class NoFiller:
    """Fills nothing: the picture stays as the camera gave it."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        """Return None."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def stages_for(
    profile: Profile | None,
    *,
    backend: str = "auto",
    model: str = DEFAULT_MODEL,
    mask: Path | None = None,
    tracker: str = DEFAULT_TRACKER,
    scope: str = "head",
    sensitivity: float = 0.5,
    feather: float = 1.0,
    hindsight: Hindsight | None = None,
) -> tuple[Stages, ModelSpec]:
    """Build tracker and filler for a person; without a profile nothing is filled.

    `mask` is a picture of what is always covered (white), or a video that says it frame by frame. With `hindsight`,
    frames are read there and observed in both directions of time. The rest is as in `Settings`.
    """
    # OpenCV's threads gain nothing on crops this small, and while they wait for work they spin: on two cores that takes
    # from the encoder and the camera what they need.
    cv2.setNumThreads(1)
    session = open_session(backend, model)
    if mask is not None:
        check_mask(mask)
    if profile is None:
        return Stages(NoTracker(), NoFiller()), session.spec
    static = read_mask(mask) if mask is not None and is_picture(mask) else None
    settler = Settler.open(runtime=runtime_of(backend))
    seer = open_tracker(tracker, profile, static=static, runtime=runtime_of(backend), sensitivity=sensitivity)
    if hindsight is not None:
        seer = hindsight.of(seer)
    if mask is not None and static is None:
        try:
            seer = MaskedTracker(seer, FileSource(mask))
        except SourceError as error:
            seer.close()
            raise ConfigError(f"the mask is no picture ({', '.join(sorted(PICTURES))}), and {error}") from error
    if scope == "face":
        seer = FaceOnly(seer)
    return Stages(seer, Filler(profile, session, settler=settler, softness=feather)), session.spec


def check_mask(path: Path) -> None:
    """Raise `ConfigError` where there is no such mask."""
    if not path.exists():
        raise ConfigError(f"there is no mask {path}")


def is_picture(path: Path) -> bool:
    """Tell by its name whether a mask is one picture rather than a video."""
    return path.suffix.lower() in PICTURES


def read_mask(path: Path) -> Mask:
    """Read a picture as a mask: white, or opaque where it has an alpha channel, is always covered."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
        if image is None:
            raise ConfigError(f"the mask {path} is not a picture that can be read")
        most = np.float32(1 if image.dtype.kind == "f" else np.iinfo(image.dtype.name).max)
        if image.ndim == 3 and image.shape[2] == 4 and image[..., 3].min() < most:
            return np.asarray(image[..., 3] / most, np.float32)
        gray = image if image.ndim == 2 else cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
    except OSError as error:
        raise ConfigError(f"the mask {path} cannot be read: {error.strerror}") from error
    except cv2.error as error:
        raise ConfigError(f"the mask {path} is not a picture that can be read") from error
    return np.asarray(gray / most, np.float32)


class Filled(NamedTuple):
    """How many frames of a video there were of each kind."""

    frames: int  # all
    filled: int  # in which something was filled
    lost: int  # in which the profile's face was not to be found
    strange: int  # of these, in which there was somebody else's

    def and_of(self, shown: Shown, stages: Stages) -> Filled:
        """Count one more."""
        lost, filled = shown.track is None, shown.after is not shown.before
        strange = lost and stages.tracker.stranger
        return Filled(self.frames + 1, self.filled + filled, self.lost + lost, self.strange + strange)


def fill_file(
    source_path: Path,
    out: Path,
    profile: Profile | None,
    *,
    mask: Path | None = None,
    crf: int = 18,
    backend: str = "auto",
    model: str = DEFAULT_MODEL,
    tracker: str = DEFAULT_TRACKER,
    offline: bool = False,
    stats: Stats | None = None,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Filled:
    """Fill a video file and return what became of its frames; nothing is left under `out` unless all went well.

    `offline` observes each frame with those that follow as well as with those before (`hindsight.py`).
    `on_frame` is told how many frames are done, of how many (0 where that is unknown).
    """
    check_other(out, source_path)
    video = AheadSource(FileSource(source_path))
    hindsight = Hindsight(video) if offline and profile is not None else None
    with hindsight or video as source:
        stages, _ = stages_for(profile, backend=backend, model=model, mask=mask, tracker=tracker, hindsight=hindsight)
        done = Filled(0, 0, 0, 0)

        def between(shown: Shown | None) -> bool:
            nonlocal done
            if shown is not None:
                done = done.and_of(shown, stages)
                on_frame(done.frames, source.frames)
            return True

        try:
            with BehindSink(VideoFileSink(out, source.size, source.rate, crf=crf, audio_from=source_path)) as sink:
                run(source, stages, sink, stats=stats, between=between)
        finally:
            stages.close()
    return done


def check_file(source: Path, out: Path, *, formats: Sequence[str] = FORMATS) -> None:
    """Raise `ConfigError`, `SinkError` or `SourceError` unless one can be read, and the other written.

    It is written as a video, or as what else has these `formats`.
    """
    check_other(out, source)
    check_target(out, formats)
    FileSource(source).close()


def check_other(out: Path, source: Path) -> None:
    """Raise `ConfigError` where both names mean one file that exists."""
    if out.exists() and source.exists() and out.samefile(source):
        raise ConfigError(f"{out} is the input itself: choose another name for the output")


def calibrate(
    source: BaseSource,
    name: str,
    *,
    seconds: float = 30.0,
    tracker: str = DEFAULT_TRACKER,
    teach: bool = False,
    on_look: Callable[[Judgement, float], None] | None = None,
) -> tuple[Profile, list[Judgement]]:
    """Look at a source until enough good frames are seen; return the profile and what it keeps, unsaved.

    A file is looked at to its end, a camera for `seconds` at most. `on_look` is told every judgement, with the
    progress, 0..1. With `teach` the profile also learns the observer's bias, where MediaPipe is installed
    (`teaching.py`). Raises `CalibrationError` with the most frequent complaint if no frame was good.
    """
    calibrator = Calibrator(tracker)
    start: float | None = None
    try:
        for frame in source:
            interrupt.check()
            start = frame.time if start is None else start
            judgement = calibrator.look(frame)
            if on_look is not None:
                on_look(judgement, calibrator.progress)
            if source.live and (calibrator.progress >= 1 or frame.time - start > seconds):
                break
        profile = calibrator.profile(name)
        if teach and tracker == "observer":
            profile = taught(profile, [one.reference.image for one in calibrator.good if one.reference is not None])
        return profile, calibrator.kept()
    finally:
        calibrator.close()


def open_for_calibration(spec: str, *, size: tuple[int, int], fps: float) -> BaseSource:
    """Open a camera live, or a video or picture frame by frame."""
    if is_camera(spec):
        return open_source(spec, size=size, fps=fps, live=True)
    if not Path(spec).exists():
        raise SourceError(f"there is no file {spec}. A camera is a number or a device: `livefill devices` lists them")
    return open_source(spec, live=False)
