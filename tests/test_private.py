from __future__ import annotations

import stat
from pathlib import Path
from typing import IO

import pytest

from livefill.private import write_private


def test_only_its_owner_may_read_it_and_its_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.bin"
    write_private(path, lambda file: file.write(b"mine"))
    assert path.read_bytes() == b"mine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file_and_no_draft(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")

    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_private(path, fail)
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["kept.bin"]
