"""Opens the page in a browser without a word of its token: every user of a machine can read its command lines."""

from __future__ import annotations

import os
import webbrowser
from contextlib import ExitStack, suppress
from html import escape
from pathlib import Path

from platformdirs import user_downloads_path

from livefill.config import home
from livefill.private import write_private

__all__ = ["open_page"]

TEXT = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>livefill</title>
<p><a href="{url}">The panel</a></p>
</html>
"""


def open_page(url: str, until: ExitStack) -> bool:
    """Have a browser open a file that leads to `url`, and tell whether there is one.

    Only its owner can read the file; it goes when `until` is closed.
    """
    path = _folder() / f"livefill-{os.getpid()}.html"
    page = TEXT.format(url=escape(url)).encode()
    try:
        write_private(path, lambda file: file.write(page))
    except OSError:
        return False
    until.callback(_remove, path)
    return webbrowser.open(path.as_uri())


def _folder() -> Path:
    """Return where browsers may read: those in a sandbox (Snap, Flatpak) see neither hidden folders nor /tmp."""
    downloads = user_downloads_path()
    return (downloads if downloads.is_dir() else home()).absolute()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
