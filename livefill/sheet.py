"""Contact sheets: pictures of pictures, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from livefill.errors import ConfigError
from livefill.geometry import crop_transform
from livefill.profile import Profile
from livefill.types import RGB

__all__ = ["write_picture", "write_profile_sheet"]


def write_profile_sheet(profile: Profile, path: Path, *, side: int = 256) -> None:
    """Write the faces of a profile's references side by side."""
    faces = [
        cv2.warpAffine(one.image, crop_transform(one.points, side), (side, side), flags=cv2.INTER_AREA)
        for one in profile.references
    ]
    write_picture(path, [[np.asarray(face, np.uint8) for face in faces]])


def write_picture(path: Path, rows: Sequence[Sequence[RGB]], *, gap: int = 4) -> None:
    """Write rows of pictures of one size as one PNG or JPEG; raises `ConfigError` where that cannot be done."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 24, np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            top, left = y * (height + gap), x * (width + gap)
            sheet[top : top + height, left : left + width] = picture
    kind = path.suffix or ".png"
    if not cv2.haveImageWriter(kind):
        raise ConfigError(f"{path} cannot be written as a picture: let its name end in .png or .jpg")
    packed, data = cv2.imencode(kind, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not packed:
        raise ConfigError(f"{path} cannot be written as a picture")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
