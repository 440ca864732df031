"""Sessions: what turns one crop into its fill. They know tensors, not faces."""

from __future__ import annotations

from livefill.backends.generator import GeneratorSession
from livefill.backends.reference import ReferenceSession
from livefill.errors import BackendError
from livefill.types import Session

__all__ = ["BACKENDS", "GeneratorSession", "ReferenceSession", "open_session"]

BACKENDS = ("onnx", "reference")


def open_session(backend: str = "auto") -> Session:
    """Return the session of a backend by name; `auto` takes the best that runs on this machine."""
    if backend in ("auto", "onnx"):
        return GeneratorSession.open()
    if backend == "reference":
        return ReferenceSession()
    raise BackendError(f"unknown backend {backend!r}: choose auto or one of {', '.join(BACKENDS)}")
