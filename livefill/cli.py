"""The command line: options in, sentences out. What happens is in `app` and `live`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from livefill.config import DEFAULT_TRACKER
from livefill.errors import LivefillError, ProfileError
from livefill.quiet import quiet_native_stderr

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)  # asks for sys.stderr at each print
app = typer.Typer(
    help="A virtual camera that takes whatever covers your face out of the picture, live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

Profile = Annotated[str | None, typer.Option(help="Whose face: a name given to `livefill calibrate`.", metavar="NAME")]
TrackerOption = Annotated[
    str | None, typer.Option("--tracker", help="What observes the face: observer, or mediapipe where it is installed.")
]
MaskOption = Annotated[
    Path | None, typer.Option("--mask", help="What is always covered: a picture, white on black.", metavar="FILE")
]


def main() -> None:
    """Run the command; an error of ours is one sentence and exit status 1."""
    # The matrix products here are too small to share out, and OpenBLAS's idle threads spin: a whole core for nothing.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded, which is later
    quiet_native_stderr()
    with _explained():
        app()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except LivefillError as error:
        err.print("[red]livefill:[/red]", end=" ")
        err.print(str(error), markup=False)  # a path may hold brackets
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)


@app.command()
def run(
    camera: Annotated[str | None, typer.Option(help="Camera number, device, or a video that plays like one.")] = None,
    profile: Profile = None,
    sink: Annotated[
        str | None, typer.Option(help="auto, virtualcam, virtualcam:/dev/video10, window, file:OUT.mp4 or none.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Asked of the camera and given to the virtual one.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second, likewise.")] = None,
    backend: Annotated[str | None, typer.Option(help="What computes the fill; auto chooses and says so.")] = None,
    tracker: TrackerOption = None,
    mask: MaskOption = None,
    always_on: Annotated[
        bool | None, typer.Option("--always-on/--on-demand", help="Keep the camera on while nobody watches.")
    ] = None,
    loop: Annotated[bool | None, typer.Option("--loop/--no-loop", help="Play a video again at its end.")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with any of these settings.")] = None,
) -> None:
    """Fill the camera's picture, live, into a virtual camera.

    Keys: **p** passes the picture through untouched (again to go on), **c** calibrates anew, **q** quits.
    Signals: SIGUSR1 and SIGUSR2 do the same as p and c.

    Examples:

        livefill run

        livefill run --camera 1 --sink virtualcam:/dev/video10 --size 1920x1080

        livefill run --camera talk.mp4 --sink window
    """
    from livefill.config import load_settings
    from livefill.live import Live
    from livefill.terminal import LiveLine

    settings = load_settings(
        config,
        camera=camera,
        profile=profile,
        sink=sink,
        size=size,
        fps=fps,
        backend=backend,
        tracker=tracker,
        mask=mask,
        always_on=always_on,
        loop=loop,
    )
    live = Live(settings, lambda text: err.print(text, markup=False))
    with LiveLine(live, err) as line:
        live.run(line.update)
    err.print(line.summary(), markup=False)


@app.command()
def calibrate(
    camera: Annotated[str, typer.Option(help="Camera number or device.")] = "0",
    source: Annotated[
        Path | None, typer.Option("--input", help="A video or picture of you, instead of the camera.")
    ] = None,
    profile: Annotated[str, typer.Option(help="The name to keep it under.", metavar="NAME")] = "default",
    size: Annotated[str, typer.Option(help="Asked of the camera.")] = "1280x720",
    fps: Annotated[float, typer.Option(help="Asked of the camera.")] = 30.0,
    sheet: Annotated[Path | None, typer.Option(help="Write a picture of what was kept, as PNG.")] = None,
    tracker: TrackerOption = None,
) -> None:
    """Show livefill your uncovered face: it keeps a few good frames, on this machine only.

    Look into the camera, turn your head a little to each side, open your mouth once. It takes a few seconds.

    Examples:

        livefill calibrate

        livefill calibrate --input me.mp4 --profile studio --sheet kept.png
    """
    from livefill import app as parts
    from livefill.config import parse_size
    from livefill.profile import profile_path, save_profile
    from livefill.sheet import write_profile_sheet
    from livefill.terminal import CalibrationLine

    profile_path(profile)  # a bad name is said before the work, not after
    spec = str(source) if source is not None else camera
    with parts.open_for_calibration(spec, size=parse_size(size), fps=fps) as frames, CalibrationLine(err) as line:
        made, kept = parts.calibrate(frames, profile, tracker=tracker or DEFAULT_TRACKER, on_look=line.update)
    path = save_profile(made)
    _print_kept(kept)
    out.print(f"Profile {profile!r}: {len(kept)} references in {path} (only you can read it).", markup=False)
    if sheet is not None:
        write_profile_sheet(made, sheet)


def _print_kept(kept: list[Any]) -> None:
    from livefill.calibration import expression, pose

    table = Table("frame", "yaw", "pitch", "mouth open", "quality", box=None)
    for judgement in kept:
        yaw, pitch = pose(judgement.reference.points, judgement.reference.depth)
        mouth, _ = expression(judgement.reference.points)
        table.add_row(str(judgement.seq), f"{yaw:+.0f}°", f"{pitch:+.0f}°", f"{mouth:.0%}", f"{judgement.quality:.2f}")
    out.print(table)


@app.command()
def file(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The video to fill.")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The video to write.")],
    profile: Profile = None,
    mask: MaskOption = None,
    tracker: TrackerOption = None,
    crf: Annotated[int, typer.Option(min=0, max=51, help="x264's quality: lower is better and larger.")] = 18,
    backend: Annotated[str, typer.Option(help="What computes the fill; auto chooses and says so.")] = "auto",
) -> None:
    """Fill a video file: same frames, size, rate and sound.

    A `--mask` that is a video says frame by frame what is to be filled, instead of livefill's own finding.

    Examples:

        livefill file talk.mp4 -o filled.mp4

        livefill file talk.mp4 -o filled.mp4 --profile studio --mask microphone.png --crf 14
    """
    from livefill import app as parts

    person = _profile_or_advice(profile)
    with _bar("filling") as advance:
        frames = parts.fill_file(
            source,
            target,
            person,
            mask=mask,
            crf=crf,
            backend=backend,
            tracker=tracker or DEFAULT_TRACKER,
            on_frame=advance,
        )
    out.print(f"{target}: {frames} frames.", markup=False)


@app.command()
def track(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The video to look at.")],
    target: Annotated[Path, typer.Option("-o", "--output", metavar="TRACKS.npz", help="Where the arrays go.")],
    profile: Profile = None,
    tracker: TrackerOption = None,
) -> None:
    """Write what is observed, without filling: landmarks and occluder masks as NumPy arrays.

    `points` (frames, 468, 2) float32 pixels, NaN where there is no face; `score` (frames); `mask` (frames, H, W)
    packed by np.packbits along the last axis; `shape` (3) unpacks it.

    Examples:

        livefill track talk.mp4 -o tracks.npz
    """
    from livefill import app as parts

    person = _profile_or_advice(profile, without="Landmarks come from the plain face mesh, masks from hands alone.")
    frames = parts.track_file(source, target, person, tracker=tracker or DEFAULT_TRACKER)
    out.print(f"{target}: {frames} frames.", markup=False)


@app.command()
def profiles(
    delete: Annotated[str | None, typer.Option(help="Remove a profile for good.", metavar="NAME")] = None,
    show: Annotated[str | None, typer.Option(help="Write a picture of its references.", metavar="NAME")] = None,
    sheet: Annotated[Path, typer.Option(help="Where --show writes to.", metavar="PNG")] = Path("profile.png"),
) -> None:
    """List profiles, show what one keeps, or delete one.

    Examples:

        livefill profiles

        livefill profiles --show default --sheet me.png

        livefill profiles --delete studio
    """
    from livefill.profile import delete_profile, list_profiles, load_profile, profile_path
    from livefill.sheet import write_profile_sheet

    if delete is not None:
        delete_profile(delete)
        out.print(f"Profile {delete!r} is gone.", markup=False)
        return
    if show is not None:
        write_profile_sheet(load_profile(show), sheet)
        out.print(f"{sheet}: the references of profile {show!r}.", markup=False)
        return
    names = list_profiles()
    if not names:
        out.print("There is no profile yet. Make one with: livefill calibrate")
    for name in names:
        try:
            person = load_profile(name)
            about = f"{len(person.references)} references, made {person.created}"
        except ProfileError as error:
            about = str(error)
        out.print(f"{name}: {about} ({profile_path(name)})", markup=False)


@app.command()
def demo(
    target: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the results go.")] = Path("demo"),
) -> None:
    """Fill the bundled clip of a synthetic person: no camera, GPU, display or network needed.

    Examples:

        livefill demo

        livefill demo -o /tmp/demo
    """
    from livefill.demo import run_demo

    with _bar("filling") as advance:
        result = run_demo(target, on_frame=advance)
    out.print(
        f"{result.video}: before and after, side by side.\n{result.sheet}: the same as one picture.\n"
        f"{result.frames} frames of {result.size[0]}x{result.size[1]} at {result.fps:.1f} fps, {result.device}.",
        markup=False,
    )


@app.command()
def bench(
    source: Annotated[Path | None, typer.Option("--input", metavar="CLIP", help="A video; else the demo's.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 10.0,
    size: Annotated[str, typer.Option(help="Frames are scaled to this.")] = "1280x720",
    profile: Profile = None,
    backend: Annotated[str, typer.Option(help="What computes the fill; auto chooses and says so.")] = "auto",
    backends: Annotated[bool, typer.Option("--backends", help="Compare all that can run the networks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure speed: end to end and per stage, as fast as it goes and played live.

    Examples:

        livefill bench

        livefill bench --backends

        livefill bench --input talk.mp4 --size 1920x1080 --json
    """
    from livefill.bench import measure
    from livefill.config import parse_size

    if backends:
        _compare_backends(parse_size(size), seconds, as_json=as_json)
        return
    result = measure(source, size=parse_size(size), seconds=seconds, profile=profile, backend=backend)
    if as_json:
        out.print_json(json.dumps(result))
        return
    table = Table("what", "value", box=None, show_header=False)
    for key, value in result.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(key, shown)
    out.print(table)


def _compare_backends(size: tuple[int, int], seconds: float, *, as_json: bool) -> None:
    from livefill.netbench import compare

    rows = list(compare(size=size, seconds=seconds))
    if as_json:
        out.print_json(json.dumps(rows))
        return
    usable = [row for row in rows if "reason" not in row]
    titles = list(dict.fromkeys(key for row in usable for key in row))
    table = Table(*titles, box=None)
    for row in usable:
        table.add_row(*(str(row.get(title, "")) for title in titles))
    out.print(table)
    for row in rows:
        if "reason" in row:
            out.print(f"{row['backend']}: {row['reason']}", markup=False)


@app.command()
def devices() -> None:
    """List cameras with their modes, and virtual cameras.

    Examples:

        livefill devices
    """
    from livefill.capture import list_cameras

    cameras = list_cameras()
    if not cameras:
        out.print("No camera was found. `livefill doctor` says what to do.")
    for camera in cameras:
        kind = "virtual camera" if camera.is_virtual else "camera"
        out.print(f"{camera.spec}  {camera.name}  ({kind})", markup=False)
        for mode in camera.modes:
            out.print(f"    {mode.fourcc} {mode.width}x{mode.height} at {mode.fps:g} fps", markup=False)


@app.command()
def doctor() -> None:
    """Look for what would keep livefill from working, and say what mends it. Exit status 1 if anything is amiss.

    Examples:

        livefill doctor
    """
    from livefill.doctor import diagnose

    findings = diagnose()
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.ok else "[red]wrong[/red]"
        out.print(mark, end=" ")
        out.print(f"{finding.subject}: {finding.detail}", markup=False, soft_wrap=True)
        if finding.remedy:
            out.print(f"      {finding.remedy}", markup=False, soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _profile_or_advice(name: str | None, *, without: str = "Nothing will be filled.") -> Any:
    """Load the profile asked for; where no name was given and there is no default, say so and go on without."""
    from livefill.profile import load_profile

    try:
        return load_profile(name or "default")
    except ProfileError as error:
        if name is not None:
            raise
        err.print(f"[yellow]{without}[/yellow]", end=" ")
        err.print(str(error), markup=False)
        return None


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(what, total=1)

        def advance(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=max(total, done))

        yield advance
