"""The mask that is painted in the panel: one private file beside the profiles."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from livefill.app import read_mask
from livefill.config import home
from livefill.errors import ConfigError
from livefill.private import write_private

__all__ = ["LARGEST", "keep_mask", "mask_file", "shown_mask"]

LARGEST = 1_000_000  # bytes
SIDES = 16, 4096  # pixels
WIDTH = 640  # of what the page is shown
SIGNATURE, HEADER = b"\x89PNG\r\n\x1a\n", 24  # bytes up to the size


def mask_file() -> Path:
    """Return where it is kept."""
    return home() / "mask.png"


def keep_mask(png: bytes) -> Path:
    """Check a painted mask and keep it; raises `ConfigError`."""
    if len(png) < HEADER or not png.startswith(SIGNATURE):
        raise ConfigError("a mask has to be a PNG")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    if not all(SIDES[0] <= side <= SIDES[1] for side in (width, height)):  # before anything is unpacked
        raise ConfigError(f"a mask has {SIDES[0]} to {SIDES[1]} pixels a side, not {width} x {height}")
    try:
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        image = None
    if image is None:
        raise ConfigError("the mask is a PNG that cannot be read")
    _, data = cv2.imencode(".png", np.where(image > 127, 255, 0).astype(np.uint8))
    path = mask_file()
    try:
        write_private(path, lambda file: file.write(data.tobytes()))
    except OSError as error:
        raise ConfigError(f"the mask cannot be kept in {path.parent}: {error.strerror}") from error
    return path


def shown_mask(path: Path) -> bytes:
    """Return a mask of the settings as a PNG for the page; raises `ConfigError`, `OSError`."""
    mask = read_mask(path)
    scale = min(1.0, WIDTH / mask.shape[1])
    small = cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".png", np.where(small > 0.5, 255, 0).astype(np.uint8))
    return data.tobytes()
