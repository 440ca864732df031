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

__all__ = ["check_picture", "encode_picture", "faces", "write_picture", "write_profile_sheet"]

ACROSS = 6  # faces of a profile in a row


def write_profile_sheet(profile: Profile, path: Path, *, side: int = 256) -> None:
    """Write the faces of a profile's pictures side by side, the references first."""
    shown = faces(profile, side)
    write_picture(path, [shown[i : i + ACROSS] for i in range(0, len(shown), ACROSS)])


def faces(profile: Profile, side: int) -> list[RGB]:
    """Return the faces (side, side, 3) of a profile's pictures."""
    return [
        np.asarray(
            cv2.warpAffine(one.image, crop_transform(one.points, side), (side, side), flags=cv2.INTER_AREA), np.uint8
        )
        for one in profile.pictures
    ]


def write_picture(path: Path, rows: Sequence[Sequence[RGB]], *, gap: int = 4) -> None:
    """Write rows of pictures of one size as one PNG or JPEG; raises `ConfigError` where that cannot be done."""
    check_picture(path)
    try:
        path.write_bytes(encode_picture(rows, _kind(path), gap=gap))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def check_picture(path: Path) -> None:
    """Raise `ConfigError` unless a picture can be written under this name."""
    if not cv2.haveImageWriter(_kind(path)):
        raise ConfigError(f"{path} cannot be written as a picture: let its name end in .png or .jpg")
    if not path.parent.is_dir():
        raise ConfigError(f"{path} cannot be written: the folder {path.parent} does not exist, create it first")


def _kind(path: Path) -> str:
    return path.suffix or ".png"


def encode_picture(rows: Sequence[Sequence[RGB]], kind: str, *, gap: int = 4) -> bytes:
    """Return rows of pictures of one size as one picture of a `kind`, such as ".png"."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 24, np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            top, left = y * (height + gap), x * (width + gap)
            sheet[top : top + height, left : left + width] = picture
    packed, data = cv2.imencode(kind, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not packed:
        raise ConfigError(f"the sheet cannot be written as {kind}")
    return data.tobytes()
