"""Commands about this machine: bench, devices, doctor, setup-camera."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from livefill.cli.common import BackendOption, ModelOption, Profile, app, err, out

__all__ = ["bench", "devices", "doctor", "setup_camera"]


@app.command()
def bench(
    source: Annotated[Path | None, typer.Option("--input", metavar="CLIP", help="A video; else the demo's.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 10.0,
    size: Annotated[str, typer.Option(help="Frames are scaled to this.")] = "1280x720",
    profile: Profile = None,
    backend: BackendOption = "auto",
    model: ModelOption = None,
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
    from livefill.config import DEFAULT_MODEL, parse_size

    if backends and model is not None:
        raise typer.BadParameter("all models that this machine is for are compared", param_hint="--backends")
    if backends:
        _compare_backends(parse_size(size), seconds, as_json=as_json)
        return
    chosen = model or DEFAULT_MODEL
    result = measure(source, size=parse_size(size), seconds=seconds, profile=profile, backend=backend, model=chosen)
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
    out.print(side_by_side([row for row in rows if "reason" not in row]))
    for row in rows:
        if "reason" in row:
            out.print(f"{row['backend']}: {row['reason']}", markup=False)


def side_by_side(rows: list[dict[str, Any]]) -> Table:
    """Return a table with a column for each of the rows: there are few, of many values, and terminals are narrow."""
    table = Table(box=None, show_header=False)
    for title in dict.fromkeys(key for row in rows for key in row):
        table.add_row(title, *(str(row.get(title, "")) for row in rows))
    return table


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


@app.command("setup-camera")
def setup_camera(
    apply: Annotated[bool, typer.Option("--apply", help="Run the commands instead of showing them.")] = False,
    service: Annotated[bool, typer.Option("--service", help="Also start livefill with every session.")] = False,
) -> None:
    """Show, or run, what gives this machine a virtual camera for good.

    Examples:

        livefill setup-camera

        livefill setup-camera --apply --service
    """
    from livefill.setup_camera import plan

    for step in plan(service=service):
        out.print(f"# {step.why}", markup=False)
        out.print(step.command, markup=False)
        if apply:
            step.run()
    if not apply:
        err.print("Run these, or `livefill setup-camera --apply`. `livefill doctor` looks whether all is well.")
