"""Keeps the start-up chatter of native libraries out of the user's terminal."""

from __future__ import annotations

import os
import sys

__all__ = ["quiet_native_stderr"]


def quiet_native_stderr() -> None:
    """Give Python a private copy of stderr and point descriptor 2, which native code writes to, at nothing.

    MediaPipe logs a dozen lines there from its own threads, past every setting, in the middle of the live line. For
    a native crash to be seen, set LIVEFILL_VERBOSE.
    """
    if os.environ.get("LIVEFILL_VERBOSE"):
        return
    try:
        copy = os.dup(2)
    except OSError:
        return  # started without a stderr: nothing to keep clean
    sys.stderr = os.fdopen(copy, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
