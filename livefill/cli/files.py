"""Commands on video files: file, track, and the demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefill.cli.common import (
    BackendOption,
    MaskOption,
    ModelOption,
    Profile,
    TrackerOption,
    app,
    bar,
    err,
    making,
    out,
)
from livefill.config import DEFAULT_MODEL, DEFAULT_TRACKER
from livefill.errors import ProfileError
from livefill.wording import counted

if TYPE_CHECKING:
    from livefill.app import Filled

__all__ = ["demo", "file", "track"]

OfflineOption = Annotated[
    bool,
    typer.Option("--offline", help="Look at what comes after each frame as well: steadier and nearer to the truth."),
]


@app.command()
def file(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The video to fill.")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The video to write.")],
    profile: Profile = None,
    mask: MaskOption = None,
    tracker: TrackerOption = None,
    offline: OfflineOption = False,
    crf: Annotated[int, typer.Option(min=0, max=51, help="x264's quality: lower is better and larger.")] = 18,
    backend: BackendOption = "auto",
    model: ModelOption = None,
) -> None:
    """Fill a video file: same frames, size, rate and sound. What is there under the output's name is replaced.

    A `--mask` that is a video says frame by frame what is to be filled, instead of livefill's own finding.

    Examples:

        livefill file talk.mp4 -o filled.mp4

        livefill file talk.mp4 -o filled.mp4 --offline

        livefill file talk.mp4 -o filled.mp4 --profile studio --mask microphone.png --crf 14
    """
    from livefill import app as parts
    from livefill.profile import load_profile

    parts.check_file(source, target)  # what will not do is said before anything is loaded
    person, before = load_profile(profile or "default"), target.exists()
    with making(target), bar("filling") as advance:
        done = parts.fill_file(
            source,
            target,
            person,
            mask=mask,
            crf=crf,
            backend=backend,
            model=model or DEFAULT_MODEL,
            tracker=tracker or DEFAULT_TRACKER,
            offline=offline,
            on_frame=advance,
        )
    lost = f"; in {done.lost} your face was not to be found" if done.lost > done.strange else ""
    out.print(f"{target}: {counted(done.frames, 'frame')}, {done.filled} filled{lost}.", markup=False)
    if before:
        out.print(f"It replaces the {target.name} that was there.", markup=False)
    if done.strange:
        err.print(
            f"In {counted(done.strange, 'frame')} there is somebody else's face than that of profile {person.name!r}: "
            "nothing was filled there. If it is yours, make the profile again: livefill calibrate --profile "
            f"{person.name}",
            style="yellow",
            markup=False,
        )
    for hint in _hints(source, target, done):
        err.print(hint, style="yellow", markup=False)


def _hints(source: Path, target: Path, done: Filled) -> Iterator[str]:
    """Return what to try where nothing came of it."""
    from livefill.app import is_picture

    if is_picture(source):
        yield f"{source} is a single picture, and so is all of {target}: livefill fills videos, frame after frame."
    seen = done.frames - done.lost
    if done.filled or done.strange:
        return
    if not seen:
        yield (
            "Your face was found nowhere in it. Is the picture upright? One that lies on its side has to be turned "
            "first, say with `ffmpeg -i IN -vf transpose=1 TURNED.mp4`. A face that is very small, or covered for the "
            "most part from the first frame to the last, is not found either."
        )
    else:
        yield (
            f"Nothing was found that covers your face in the {counted(seen, 'frame')} in which it was seen. What "
            "covers it all the same is marked with --mask, as a picture or a video, white on black."
        )


@app.command()
def track(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The video to look at.")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="TRACKS.npz", help="Where the arrays go.")],
    profile: Profile = None,
    tracker: TrackerOption = None,
    offline: OfflineOption = False,
) -> None:
    """Write what is observed, without filling: landmarks and occluder masks as NumPy arrays.

    `points` (frames, 468, 2) float32 pixels, NaN where there is no face; `score` (frames); `mask` (frames, H, W)
    packed by np.packbits along the last axis; `shape` (3) unpacks it. Landmarks are those of MediaPipe's face mesh;
    where MediaPipe was installed when the profile was made, they are closer to what it would say.

    Examples:

        livefill track talk.mp4 -o tracks.npz
    """
    from livefill.app import check_file
    from livefill.profile import load_profile
    from livefill.tracks import FORMATS, track_file

    check_file(source, target, formats=FORMATS)  # what will not do is said before anything is loaded
    try:
        person = load_profile(profile or "default")
    except ProfileError as error:
        if profile is not None:
            raise
        person = None
        err.print(f"Nothing is compared with a reference: {error}", style="yellow", markup=False)
    with making(target):
        frames = track_file(source, target, person, tracker=tracker or DEFAULT_TRACKER, offline=offline)
    out.print(f"{target}: {counted(frames, 'frame')}.", markup=False)


@app.command()
def demo(
    target: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the results go.")] = Path("demo"),
) -> None:
    """Fill the bundled clip of a synthetic person: no camera, GPU, display or network needed.

    Examples:

        livefill demo

        livefill demo -o /tmp/demo
    """
    from livefill.demo import RESULTS, run_demo

    with making(*(target / name for name in RESULTS)), bar("filling") as advance:
        result = run_demo(target, on_frame=advance)
    out.print(
        f"{result.video}: before and after, side by side.\n{result.sheet}: the same as one picture.\n"
        f"{result.frames} frames of {result.size[0]}x{result.size[1]} at {result.fps:.1f} fps, {result.device}.",
        markup=False,
    )
