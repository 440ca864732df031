"""How a browser is led to the panel: by a file, as whoever is on the machine can read command lines."""

from __future__ import annotations

import re
import stat
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from footage import Clips, Said

from livefill.cli import opening
from livefill.cli.opening import open_page

URL = "http://127.0.0.1:8765/a-token_of-its-own/"


class Browser:
    """Notes which address it is given, and what it finds there."""

    def __init__(self, folder: Path) -> None:
        self.downloads = folder / "Downloads"
        self.there = True
        self.given = self.page = ""
        self.mode = 0

    @property
    def path(self) -> Path:
        """The file that it was given."""
        return Path(unquote(urlsplit(self.given).path))

    def open(self, url: str) -> bool:
        self.given = url
        self.page, self.mode = self.path.read_text(), stat.S_IMODE(self.path.stat().st_mode)
        return self.there


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    made = Browser(tmp_path)
    monkeypatch.setattr(webbrowser, "open", made.open)
    monkeypatch.setattr(opening, "user_downloads_path", lambda: made.downloads)
    return made


@pytest.mark.parametrize("downloads", [True, False])
def test_the_browser_is_given_a_private_file_that_leads_to_the_page(
    browser: Browser, home: Path, downloads: bool
) -> None:
    if downloads:
        browser.downloads.mkdir()
    with ExitStack() as stack:
        assert open_page(URL, stack)
        assert browser.given.startswith("file:///")
        assert "a-token" not in browser.given
        assert browser.path.parent == (browser.downloads if downloads else home)
        assert f'http-equiv="refresh" content="0; url={URL}"' in browser.page
        assert browser.mode == 0o600
        assert browser.path.exists()
    assert not browser.path.exists()
    assert list(browser.path.parent.iterdir()) == []


def test_nothing_of_an_address_becomes_a_part_of_the_page(browser: Browser, home: Path) -> None:
    with ExitStack() as stack:
        open_page('http://a"><script>b</script>', stack)
    assert "<script>" not in browser.page


def test_a_file_that_cannot_be_written_is_as_if_there_were_no_browser(browser: Browser, home: Path) -> None:
    home.write_text("in the way")
    with ExitStack() as stack:
        assert not open_page(URL, stack)
    assert browser.given == ""


@pytest.mark.parametrize("there", [True, False])
def test_the_address_is_printed_and_the_file_goes_with_the_run(
    browser: Browser, livefill: Callable[..., Said], home: Path, clips: Clips, there: bool
) -> None:
    browser.there = there
    said = livefill("run", "--panel", "--no-loop", "--camera", clips.nobody, "--sink", "none", "--backend", "reference")
    assert said.code == 0, said.err
    url = re.search(r"The panel: (\S+)", said.err)
    assert url is not None
    assert url[1] in browser.page
    assert not browser.path.exists()
    assert ("No browser could be opened" in said.err) is not there
