"""Where the networks are that livefill ships, and what their files say about themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path

from livefill.errors import BackendError

__all__ = ["CONTRACT", "engine_path", "parse_contract", "parse_states", "require", "threads"]

CONTRACT = "1"  # version of the metadata that a file has to carry; docs/model.md describes it
PREFIX = "livefill."
INSTALLED = Path(__file__).parents[1] / "engines"  # in an installed package
CHECKOUT = Path(__file__).parents[2] / "engines"  # in a checkout of the repository
THREADS = 4  # at most: the networks are small, and the camera and the encoder want to live as well


def engine_path(name: str, folder: Path | None = None) -> Path:
    """Return the file of a network that ships, such as "observer", or of one in another folder."""
    folders = (INSTALLED, CHECKOUT) if folder is None else (folder,)
    for place in folders:
        path = place / f"{name}.onnx"
        if path.exists():
            return path
    remedy = "install livefill again" if folder is None else "python -m export.generator writes it"
    raise BackendError(f"the network {name}.onnx is missing from {folders[0]}: {remedy}")


def parse_contract(metadata: dict[str, str], kind: str, keys: tuple[str, ...], *, path: Path) -> dict[str, str]:
    """Return what a file says under `livefill.`: its `kind`, the version of the contract, and every one of `keys`.

    Raises `BackendError` that names the key that is missing, and the command that writes such a file.
    """
    said = {name.removeprefix(PREFIX): value for name, value in metadata.items() if name.startswith(PREFIX)}
    require(said, kind, ("contract", "kind", *keys), path=path)
    if said["contract"] != CONTRACT:
        raise BackendError(f"{path} follows contract {said['contract']}, not {CONTRACT}: {_remedy(kind)}")
    if said["kind"] != kind:
        raise BackendError(f"{path} is a {said['kind']}, not a {kind}: {_remedy(kind)}")
    return said


def require(contract: dict[str, str], kind: str, keys: tuple[str, ...], *, path: Path) -> None:
    """Raise `BackendError` if a contract lacks one of `keys`: it names the key, and the command that writes it."""
    for key in keys:
        if key not in contract:
            raise BackendError(f"{path} lacks {PREFIX}{key} in its metadata: {_remedy(kind)}")


def _remedy(kind: str) -> str:
    writer = {"bank": "generator"}.get(kind, kind)  # which writes both
    return f"write it again with: python -m export.{writer}"


def parse_states(contract: dict[str, str]) -> dict[str, list[int]]:
    """Return name and shape of what a network keeps from frame to frame, in order; most keep nothing."""
    return dict(json.loads(contract.get("states", "{}")))


def threads() -> int:
    """Return how many threads a network runs on."""
    return min(THREADS, os.cpu_count() or 1)
