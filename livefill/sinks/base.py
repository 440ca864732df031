"""What every sink has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType

from livefill.types import Frame


class BaseSink(ABC):
    """A sink to write to, and to leave with `with`: normally it closes, by an exception it aborts."""

    label: str  # what it is, for people

    @property
    def watched(self) -> bool | None:
        """Whether anybody looks at it; None where that cannot be told."""
        return None

    def watchers(self) -> list[str]:
        """Return who looks at it, as far as that can be told."""
        return []

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Show or store one frame; raise `SinkError` when it cannot."""

    @abstractmethod
    def close(self) -> None:
        """Finish and release. Safe to call twice."""

    def abort(self) -> None:
        """Release without finishing: what is half done is thrown away."""
        self.close()

    def __enter__(self) -> BaseSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()
