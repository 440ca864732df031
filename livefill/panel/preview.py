"""Pictures for the page: before and after side by side, small, as JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from livefill.pipeline import Shown
from livefill.types import RGB, Track

__all__ = ["encode_preview"]

WIDTH = 640  # pixels of each half, at most
QUALITY = 80
POINT, COVERED = (90, 220, 255), (255, 90, 60)


def encode_preview(shown: Shown, *, overlay: bool) -> bytes:
    """Return a JPEG with what the camera gave on the left and what was shown on the right.

    With `overlay`, landmarks and mask are drawn into the left one.
    """
    height, width = shown.before.image.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    before, after = (_small(frame.image, size) for frame in (shown.before, shown.after))
    if overlay and shown.track is not None:
        before = _drawn(before, shown.track, scale)
    both = cv2.cvtColor(np.hstack([before, after]), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def _small(image: RGB, size: tuple[int, int]) -> RGB:
    # Every other pixel is averaged with its neighbour: at half the size, INTER_LINEAR does just that, and quickly.
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _drawn(picture: RGB, track: Track, scale: float) -> RGB:
    mask = cv2.resize(track.occluder, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    tinted = np.empty_like(picture)
    tinted[:] = COVERED
    drawn = np.asarray(cv2.blendLinear(tinted, picture, 0.45 * mask, 1 - 0.45 * mask), np.uint8)
    for x, y in np.rint(track.landmarks * scale * 8).astype(int):
        cv2.circle(drawn, (int(x), int(y)), 8, POINT, -1, cv2.LINE_AA, 3)
    return drawn
