"""Commands before a camera: run, and panel, which is the same with a page."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livefill.cli.common import MaskOption, ModelOption, Profile, TrackerOption, app, err
from livefill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from livefill.config import Settings
    from livefill.live import Live
    from livefill.settings_file import SettingsFile

__all__ = ["panel", "run"]

CameraOption = Annotated[str | None, typer.Option(help="Camera number, device, or a video that plays like one.")]
SinkOption = Annotated[
    str | None, typer.Option(help="auto, virtualcam[:/dev/video10], pipewire, window, file:OUT.mp4 or none.")
]
ConfigOption = Annotated[
    Path | None, typer.Option(help="A TOML file with any of these settings, instead of your own livefill.toml.")
]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@app.command()
def run(
    camera: CameraOption = None,
    profile: Profile = None,
    sink: SinkOption = None,
    size: Annotated[str | None, typer.Option(help="Asked of a camera, and the virtual one's.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second, likewise.")] = None,
    backend: Annotated[str | None, typer.Option(help="What computes the fill; auto chooses and says so.")] = None,
    model: ModelOption = None,
    tracker: TrackerOption = None,
    mask: MaskOption = None,
    always_on: Annotated[
        bool | None, typer.Option("--always-on/--on-demand", help="Keep the camera on while nobody watches.")
    ] = None,
    loop: Annotated[
        bool | None,
        typer.Option("--loop/--no-loop", help="Play a video again at its end; unless into a file, that is usual."),
    ] = None,
    config: ConfigOption = None,
    panel: Annotated[bool, typer.Option("--panel", help="Serve a page on this machine to see and steer it.")] = False,
    port: Annotated[int | None, typer.Option(help="Of the page; else one that is free.", min=0, max=65535)] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Where the page is served, else 127.0.0.1; for others' eyes needs --i-know."),
    ] = None,
    hotkey: Annotated[
        str | None, typer.Option(help="Passes through from any application, like `<ctrl>+<alt>+p`.", metavar="KEYS")
    ] = None,
    i_know: Annotated[
        bool, typer.Option("--i-know", help="Others on the network may read what the page and you exchange.")
    ] = False,
) -> None:
    """Fill the camera's picture, live, into a virtual camera.

    Keys: **p** passes the picture through untouched (again to go on), **c** calibrates anew, **q** quits.
    Signals: SIGUSR1 and SIGUSR2 do the same as p and c.

    Examples:

        livefill run

        livefill run --panel

        livefill run --camera 1 --sink virtualcam:/dev/video10 --size 1920x1080

        livefill run --camera talk.mp4 --sink window
    """
    settings, file = _settings(
        config,
        camera=camera,
        profile=profile,
        sink=sink,
        size=size,
        fps=fps,
        backend=backend,
        model=model,
        tracker=tracker,
        mask=mask,
        always_on=always_on,
        loop=loop,
        hotkey=hotkey,
    )
    if not panel and (port, host) != (None, None):
        raise ConfigError(f"{'--host' if port is None else '--port'} needs --panel: without it there is no page")
    host = host or LOOPBACK[0]
    if host not in LOOPBACK and not i_know:
        raise ConfigError(
            f"with --host {host} the page would travel unencrypted over the network, and whoever reads it may steer "
            "livefill and see you; say --i-know if that is what you want"
        )
    _run(settings, file, panel=(host, port or 0) if panel else None, show=panel and not _has_terminal())


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})  # which are told below
def panel(
    context: typer.Context,
    camera: CameraOption = None,
    profile: Profile = None,
    sink: SinkOption = None,
    config: ConfigOption = None,
) -> None:
    """Run livefill with its page, and open that in the browser.

    These are the options that most need. `livefill run --panel` is the same with all of them.

    Examples:

        livefill panel

        livefill panel --camera talk.mp4 --sink none
    """
    if context.args:
        raise typer.BadParameter(f"{context.args[0]} is none of its options; `livefill run --panel` has more of them")
    settings, file = _settings(config, camera=camera, profile=profile, sink=sink)
    _run(settings, file, panel=(LOOPBACK[0], 0), show=True)


def _settings(config: Path | None, **given: object) -> tuple[Settings, SettingsFile]:
    """Return the settings of a run and their file: `config`, or the user's own, which may be missing."""
    from livefill.config import load_settings
    from livefill.settings_file import SettingsFile, default_file

    file = SettingsFile(config or default_file(), **given)
    known = config is not None or file.path.exists()
    return load_settings(file.path if known else None, **given), file


def _run(settings: Settings, file: SettingsFile, *, panel: tuple[str, int] | None, show: bool) -> None:
    """Run until the end, with a page at `panel` (host, port), which a browser is asked to `show`."""
    from livefill.live import Live
    from livefill.terminal import LiveLine

    live = Live(settings, lambda text: err.print(text, markup=False))
    with ExitStack() as stack:
        line = stack.enter_context(LiveLine(live, err))
        tasks: list[Callable[[Live], None]] = [file.follow, line.update]
        if settings.hotkey is not None:
            from livefill.hotkey import Hotkey

            tasks.append(stack.enter_context(Hotkey(settings.hotkey, live.pause)).update)
        page, announced = None, False
        if panel is not None:
            from livefill.panel import Panel

            page = stack.enter_context(Panel(live, file, host=panel[0], port=panel[1]))
            tasks.append(page.update)

        def between(live: Live) -> None:
            nonlocal announced
            if page is not None and not announced:  # once camera and sink are there, not before they are refused
                announced = True
                _announce(page.url, show=show, until=stack)
            for task in tasks:
                task(live)

        live.run(between)
    err.print(line.summary(), markup=False)


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()  # it is None where it was closed


def _announce(url: str, *, show: bool, until: ExitStack) -> None:
    from livefill.cli.opening import open_page

    err.print(f"The panel: {url}", markup=False)
    if show and not open_page(url, until):
        err.print("No browser could be opened: open that address in one.")
