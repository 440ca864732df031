"""The user's own files: written so that only their owner may read them, whole or not at all, and watched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

__all__ = ["check_private", "stamp", "write_private"]


def write_private(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Have `write` fill a draft beside `path`, which then takes its name; raises `OSError`, and leaves no draft."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_private(path: Path) -> None:
    """Raise `OSError` where `write_private` would because of the folder; leaves nothing."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        pass


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what differs once a file was written anew; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
