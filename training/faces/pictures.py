"""Read and write the pictures of drawn people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from livefill.types import RGB

__all__ = ["read_picture", "write_picture"]


def read_picture(path: Path) -> RGB:
    """Read a picture; raises `ValueError` where there is none."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is no picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def write_picture(path: Path, picture: RGB) -> None:
    """Write a JPEG that is either complete or not there."""
    written, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not written:
        raise OSError(f"{path} cannot be encoded")
    part = path.with_suffix(".part")
    part.write_bytes(data.tobytes())
    part.replace(path)
