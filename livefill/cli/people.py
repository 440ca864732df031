"""Commands about whose face it is: calibrate, profiles."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from livefill.cli.common import TrackerOption, app, err, making, out
from livefill.config import DEFAULT_TRACKER
from livefill.errors import ConfigError, ProfileError, SourceError
from livefill.private import check_private
from livefill.wording import counted

if TYPE_CHECKING:
    from livefill.calibration import Judgement
    from livefill.profile import Profile as Person

__all__ = ["calibrate", "profiles"]

FEW = 5  # pictures: a face that moves and talks has twelve soon


@app.command()
def calibrate(
    camera: Annotated[str, typer.Option(help="Camera number or device.")] = "0",
    source: Annotated[
        Path | None, typer.Option("--input", help="A video or picture of you, instead of the camera.")
    ] = None,
    profile: Annotated[str, typer.Option(help="The name to keep it under.", metavar="NAME")] = "default",
    size: Annotated[str, typer.Option(help="Asked of the camera.")] = "1280x720",
    fps: Annotated[float, typer.Option(help="Asked of the camera.")] = 30.0,
    sheet: Annotated[Path | None, typer.Option(help="Write what was kept into a picture, PNG or JPEG.")] = None,
    tracker: TrackerOption = None,
) -> None:
    """Show livefill your uncovered face: it keeps a few good frames, on this machine only.

    Look into the camera, turn your head a little to each side, say a few words. It takes a few seconds.

    Examples:

        livefill calibrate

        livefill calibrate --input me.mp4 --profile studio --sheet kept.png
    """
    from livefill import app as parts
    from livefill.capture import is_camera
    from livefill.config import parse_size
    from livefill.profile import profile_path, save_profile
    from livefill.sheet import check_picture, write_profile_sheet
    from livefill.terminal import CalibrationLine

    _check_profile(profile_path(profile))  # what will not do is said before the work, not after
    if sheet is not None:
        check_picture(sheet)
    spec = str(source) if source is not None else camera
    if source is not None and not is_camera(spec) and not source.exists():
        raise SourceError(f"there is no file {source}: give --input a video or a picture in which your face is free")
    with (
        making(profile_path(profile)),
        parts.open_for_calibration(spec, size=parse_size(size), fps=fps) as frames,
        CalibrationLine(err, guide=frames.live, frames=frames.frames) as line,
    ):
        hints: Counter[str] = Counter()

        def on_look(judgement: Judgement, progress: float) -> None:
            hints[judgement.hint] += 1
            line.update(judgement, progress)

        made, kept = parts.calibrate(frames, profile, tracker=tracker or DEFAULT_TRACKER, teach=True, on_look=on_look)
    older = _date(profile)
    path = save_profile(made)
    _print_kept(kept)
    some = counted(len(made.pictures), "picture")
    out.print(f"Profile {profile!r}: {some} of you, in {path} (only you can read it).", markup=False)
    if made.bias is not None:
        out.print("What livefill's landmarks of you are off by was learned from MediaPipe, for `livefill track`.")
    if not frames.live and (told := _left_out(hints)):
        err.print(told, style="yellow", markup=False)
    if older is not None:
        out.print(f"Profile {profile!r} replaces the one of {older}.", markup=False)
    if sheet is not None:
        write_profile_sheet(made, sheet)
        out.print(f"{sheet}: the pictures that were kept.", markup=False)
    if len(made.pictures) < FEW and not (source is not None and parts.is_picture(source)):
        again = "Calibrate again, and" if source is None else "In a video for it"
        only = "It is a single one" if len(made.pictures) == 1 else "They are few"
        err.print(
            f"{only}, as no other good frame looked different. {again} turn your head a little to each "
            "side and say a few words: livefill then knows what you look like in between, too."
        )
    named = "" if profile == "default" else f" --profile {profile}"
    out.print(f"Use it with: livefill run{named}", markup=False)


def _left_out(hints: Counter[str]) -> str:
    """Return how many frames of a video could not serve, and why, the most frequent reason first."""
    total = hints.total()
    reasons = [(hint.partition(":")[0], number) for hint, number in hints.most_common() if hint]
    left_out = sum(number for _, number in reasons)
    were = "was" if left_out == 1 else "were"
    why = ", ".join(f"{reason} ({number})" for reason, number in reasons)
    return f"{left_out} of {counted(total, 'frame')} {were} left out: {why}." if left_out else ""


def _check_profile(path: Path) -> None:
    try:
        check_private(path)
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}") from error


def _date(name: str) -> str | None:
    """Return in words when a profile was made; None where there is none."""
    from livefill.profile import load_profile, profile_path

    if not profile_path(name).exists():
        return None
    try:
        return _made(load_profile(name))
    except ProfileError:
        return "an unknown date"


def _made(person: Person) -> str:
    return f"{person.created[:16].replace('T', ' ')} UTC"


def _print_kept(kept: list[Any]) -> None:
    from livefill.calibration import expression, pose

    table = Table("reference: frame", "yaw", "pitch", "mouth open", "quality", box=None)
    for judgement in kept:
        yaw, pitch = pose(judgement.reference.points, judgement.reference.depth)
        mouth, _ = expression(judgement.reference.points)
        table.add_row(str(judgement.seq), f"{yaw:+.0f}°", f"{pitch:+.0f}°", f"{mouth:.0%}", f"{judgement.quality:.2f}")
    out.print(table)


@app.command()
def profiles(
    delete: Annotated[str | None, typer.Option(help="Remove a profile for good.", metavar="NAME")] = None,
    show: Annotated[str | None, typer.Option(help="Show the pictures that it keeps.", metavar="NAME")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Where --show writes to, else profile.png.", metavar="PNG")] = None,
) -> None:
    """List profiles, show what one keeps, or delete one.

    Examples:

        livefill profiles

        livefill profiles --show default --sheet me.png

        livefill profiles --delete studio
    """
    from livefill.profile import delete_profile, list_profiles, load_profile, profile_path
    from livefill.sheet import write_profile_sheet

    if sheet is not None and show is None:
        raise ConfigError("--sheet needs --show NAME: whose references it is to show")
    if delete is not None:
        delete_profile(delete)
        out.print(f"Profile {delete!r} is gone.", markup=False)
        return
    if show is not None:
        sheet = sheet or Path("profile.png")
        write_profile_sheet(load_profile(show), sheet)
        out.print(f"{sheet}: the pictures of profile {show!r}.", markup=False)
        return
    names = list_profiles()
    if not names:
        out.print("There is no profile yet. Make one with: livefill calibrate")
    for name in names:
        try:
            person = load_profile(name)
            about = f"{counted(len(person.pictures), 'picture')}, made {_made(person)}"
        except ProfileError as error:
            about = str(error)
        out.print(f"{name}: {about} ({profile_path(name)})", markup=False)
