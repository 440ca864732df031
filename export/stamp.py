"""Which commit a file was made from."""

from __future__ import annotations

import subprocess

__all__ = ["commit"]


def commit() -> str:
    """Return the short name of the commit that is checked out."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
