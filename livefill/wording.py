"""Words for numbers, in sentences that users read."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, what: str) -> str:
    """Return how many there are of something, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"
