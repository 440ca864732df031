"""What the commands share: consoles, options, the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from livefill import interrupt
from livefill.private import stamp

__all__ = [
    "BackendOption",
    "MaskOption",
    "ModelOption",
    "Profile",
    "TrackerOption",
    "app",
    "bar",
    "err",
    "making",
    "out",
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)  # asks for sys.stderr at each print
app = typer.Typer(
    help="A virtual camera that takes whatever covers your face out of the picture, live.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"livefill {version('livefill')}", markup=False)
        raise typer.Exit


@app.callback()
def _main(
    show: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


Profile = Annotated[str | None, typer.Option(help="Whose face: a name given to `livefill calibrate`.", metavar="NAME")]
TrackerOption = Annotated[
    str | None, typer.Option("--tracker", help="What observes the face: observer, or mediapipe where it is installed.")
]
BackendOption = Annotated[str, typer.Option("--backend", help="What computes the fill; auto chooses and says so.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="The generator: fast, or hq, which is made for GPUs.")]
MaskOption = Annotated[
    Path | None, typer.Option("--mask", help="What is always covered: a picture, white on black.", metavar="FILE")
]


@contextmanager
def bar(what: str) -> Iterator[Any]:
    """Show how far something is; gives a function that is told how much is done, of how much.

    Until it is told for the first time, what it takes is being loaded.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("loading", total=None, count="")  # the networks, for a second or two

        def advance(done: int, total: int) -> None:
            total = max(total, done)
            progress.update(bar, description=what, completed=done, total=total, count=f"{done}/{total}")

        yield advance


@contextmanager
def making(*targets: Path) -> Iterator[None]:
    """Have it said, where this is interrupted, which of the files that were being made are there."""
    before = [stamp(target) for target in targets]
    try:
        yield
    except BaseException:
        done = [str(target) for target, was in zip(targets, before, strict=True) if stamp(target) != was]
        interrupt.leave_word(f"{', '.join(done)} was written" if done else "nothing was written")
        raise
