from __future__ import annotations

import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from livefill.errors import ConfigError
from livefill.panel.masks import keep_mask, shown_mask


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def test_a_painted_mask_is_kept_where_only_its_owner_reads_it(home: Path) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[100:200, 50:90] = 255
    path = keep_mask(png(image))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(kept, image[..., 0])
    again = cv2.imdecode(np.frombuffer(shown_mask(path), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(again, kept)
    assert [found.name for found in home.iterdir()] == ["mask.png"]  # and no draft


def test_what_is_no_mask_is_refused(home: Path) -> None:
    good = png(np.zeros((64, 64), np.uint8))
    huge = good[:16] + (60_000).to_bytes(4, "big") + good[20:]
    for data, words in (
        (b"", "has to be a PNG"),
        (b"\xff\xd8\xff" * 20, "has to be a PNG"),
        (good[:40], "cannot be read"),
        (huge, "16 to 4096 pixels"),
        (png(np.zeros((8, 64), np.uint8)), "16 to 4096 pixels"),
    ):
        with pytest.raises(ConfigError, match=words):
            keep_mask(data)
    assert not home.exists()
