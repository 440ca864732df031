"""What tests of a run share."""

from __future__ import annotations

from pathlib import Path

import pytest
import synthetic
from stand import Stand

from livefill.profile import save_profile


@pytest.fixture
def stand(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(monkeypatch)


@pytest.fixture
def ada(stand: Stand) -> Stand:
    """With a profile."""
    save_profile(synthetic.person())
    return stand
