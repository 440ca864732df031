"""The command line: options in, sentences out. What happens is in `app` and `live`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from livefill.cli import camera, files, machine, people
from livefill.cli.common import app, err
from livefill.errors import LivefillError
from livefill.interrupt import stoppable
from livefill.quiet import quiet_native_stderr

__all__ = ["app", "camera", "files", "machine", "main", "people"]


def main() -> None:
    """Run the command; an error of ours is one sentence and exit status 1."""
    # The matrix products here are too small to share out, and OpenBLAS's idle threads spin: a whole core for nothing.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded, which is later
    quiet_native_stderr()
    told = logging.getLogger("livefill")
    told.addHandler(_Told(logging.INFO))
    told.setLevel(logging.INFO)
    with _explained(), stoppable():
        app()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except LivefillError as error:
        err.print("[red]livefill:[/red]", end=" ")
        err.print(str(error), markup=False)  # a path may hold brackets
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


class _Told(logging.Handler):
    """Shows what the library logs as sentences."""

    def emit(self, record: logging.LogRecord) -> None:
        err.print(record.getMessage(), markup=False)
