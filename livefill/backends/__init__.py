"""Sessions: what turns one crop into its fill. They know tensors, not faces."""

from __future__ import annotations

from livefill.backends.generator import GeneratorSession
from livefill.backends.reference import ReferenceSession
from livefill.backends.runtimes import RUNTIMES
from livefill.config import DEFAULT_MODEL, MODELS
from livefill.errors import BackendError
from livefill.types import Session

__all__ = ["BACKENDS", "GeneratorSession", "ReferenceSession", "check_session", "open_session", "runtime_of"]

BACKENDS = (*RUNTIMES, "reference")


def open_session(backend: str = "auto", model: str = DEFAULT_MODEL) -> Session:
    """Return the session of a backend by name; `auto` takes the one that runs `fast` quickest on this machine.

    `model` is one of `config.MODELS`; the backend `reference` has none.
    """
    check_session(backend, model)
    return ReferenceSession() if backend == "reference" else GeneratorSession.open(model, runtime=backend)


def check_session(backend: str, model: str) -> None:
    """Raise `BackendError` for a name that is none, or two that do not go together; nothing is loaded."""
    if model not in MODELS:
        raise BackendError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    if backend != "auto" and backend not in BACKENDS:
        raise BackendError(f"unknown backend {backend!r}: choose auto or one of {', '.join(BACKENDS)}")
    if backend == "reference" and model != DEFAULT_MODEL:
        raise BackendError("the backend reference fills without a generator: leave out --model, or --backend")


def runtime_of(backend: str) -> str:
    """Return what executes the other networks beside this backend's: the same, where it is a runtime."""
    return backend if backend in RUNTIMES else "auto"
