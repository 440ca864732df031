from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic

from livefill.errors import ConfigError
from livefill.sheet import write_picture, write_profile_sheet
from livefill.types import RGB


def plain(*colour: int) -> RGB:
    return np.full((20, 30, 3), colour, np.uint8)


def test_pictures_stand_in_rows_in_their_own_colours(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_picture(path, [[plain(255, 0, 0), plain(0, 255, 0)], [plain(0, 0, 255)]], gap=4)
    sheet = cv2.imread(str(path))[..., ::-1]
    assert sheet.shape == (44, 64, 3)
    assert (sheet[:20, :30] == (255, 0, 0)).all()
    assert (sheet[:20, 34:] == (0, 255, 0)).all()
    assert (sheet[24:, :30] == (0, 0, 255)).all()


@pytest.mark.parametrize("name", ["sheet", "sheet.jpg", "sheet.PNG"])
def test_kind_of_picture_goes_by_its_name(tmp_path: Path, name: str) -> None:
    write_picture(tmp_path / name, [[plain(1, 2, 3)]])
    assert cv2.imread(str(tmp_path / name)).shape == (20, 30, 3)


@pytest.mark.parametrize("name", ["sheet.xyz", "nowhere/sheet.png"])
def test_what_cannot_be_written_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        write_picture(tmp_path / name, [[plain(1, 2, 3)]])
    assert list(tmp_path.iterdir()) == []


def test_every_reference_has_its_face_on_the_sheet(tmp_path: Path) -> None:
    write_profile_sheet(synthetic.person(mouths=(0.0, 0.05, 0.1)), tmp_path / "sheet.png", side=64)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))[..., ::-1].astype(int)
    assert sheet.shape == (64, 3 * 64 + 2 * 4, 3)
    for left in (0, 68, 136):
        red, _, blue = sheet[32, left + 32]
        assert red > blue + 30  # skin in the middle
