"""Sessions: what turns one crop into its fill. They know tensors, not faces."""

from __future__ import annotations

from livefill.backends.generator import GeneratorSession
from livefill.backends.reference import ReferenceSession
from livefill.backends.runtimes import RUNTIMES
from livefill.errors import BackendError
from livefill.types import Session

__all__ = ["BACKENDS", "GeneratorSession", "ReferenceSession", "open_session", "runtime_of"]

BACKENDS = (*RUNTIMES, "reference")


def open_session(backend: str = "auto") -> Session:
    """Return the session of a backend by name; `auto` takes the quickest that runs the generator on this machine."""
    if backend == "auto" or backend in RUNTIMES:
        return GeneratorSession.open(runtime=backend)
    if backend == "reference":
        return ReferenceSession()
    raise BackendError(f"unknown backend {backend!r}: choose auto or one of {', '.join(BACKENDS)}")


def runtime_of(backend: str) -> str:
    """Return what executes the other networks beside this backend's: the same, where it is a runtime."""
    return backend if backend in RUNTIMES else "auto"
