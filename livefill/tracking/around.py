"""What all trackers around another one have in common."""

from __future__ import annotations

from livefill.types import Tracker

__all__ = ["AroundTracker"]


class AroundTracker:
    """Follows whom the tracker inside follows; what it makes of the tracks is for the others to say."""

    def __init__(self, inner: Tracker) -> None:
        self._inner = inner

    @property
    def stranger(self) -> bool:
        """What the inner tracker says."""
        return self._inner.stranger

    def close(self) -> None:
        """Close the inner tracker."""
        self._inner.close()
