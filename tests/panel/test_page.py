"""The page in a real browser, with a real run behind it that plays a video like a camera."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from browser import NEEDS_BROWSER, chromium

from livefill.config import load_settings
from livefill.demo import demo_clip

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.e2e, NEEDS_BROWSER]
PATIENCE = 60_000  # milliseconds: the cores may be busy


UNNAMED = """() => [...document.querySelectorAll("button, input, select, [role=slider], canvas")]
  .filter(one => one.offsetParent !== null)
  .filter(one => !(one.labels?.length || one.textContent.trim() || one.getAttribute("aria-label")
    || one.getAttribute("aria-labelledby") || one.getAttribute("aria-hidden")))
  .map(one => one.outerHTML)"""


class Run:
    """`livefill run --panel`, whose camera is the bundled clip of a person with nothing before her face."""

    def __init__(self, folder: Path) -> None:
        self.home, self.log = folder / "home", folder / "log"
        options = ["--panel", "--sink", "none", "--backend", "onnx", "--camera", str(demo_clip("demo_calibrate"))]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livefill", "run", *options],
                env={**os.environ, "LIVEFILL_HOME": str(self.home), "XDG_VIDEOS_DIR": str(folder / "videos")},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + 30
        while not (found := re.search(r"http://\S+", self.said())):
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)
        self.url = found[0]

    def said(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    made = Run(tmp_path_factory.mktemp("panel"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def page(run: Run, browser: Browser) -> Iterator[Page]:
    """The page, on which nothing may go wrong unseen."""
    made = browser.new_page(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    made.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.goto(run.url)
    wait_for_state(made, "passing|fill|paused|calibrating")
    yield made
    made.close()
    assert wrong == [], run.said()


def wait_for_state(page: Page, words: str) -> None:
    page.wait_for_function("words => new RegExp(words).test(document.querySelector('#state').textContent)", arg=words)


CHOOSE_WHAT_IS_GONE = """() => {
  const select = document.querySelector("#sink");
  select.add(new Option("gone", "virtualcam:/dev/video99"));
  select.value = "virtualcam:/dev/video99";
  select.dispatchEvent(new Event("change"));
}"""
CENTRE_COLOUR = """across => {
  const canvas = document.querySelector("#preview");
  const pen = canvas.getContext("2d");
  return [...pen.getImageData(canvas.width * across, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""


def centre_colour(page: Page, across: float) -> list[int]:
    """The colour in the middle of the preview's height."""
    return list(page.evaluate(CENTRE_COLOUR, across))


def test_calibration_shows_what_it_keeps_before_it_keeps_it(run: Run, page: Page) -> None:
    wait_for_state(page, "no profile")
    page.click("#calibrate")
    wait_for_state(page, "calibrating")
    page.wait_for_selector("#accept", state="visible")
    assert not (run.home / "profiles").exists()
    page.wait_for_function("() => document.querySelector('#pending-strip img, #pending-strip canvas') !== null")
    page.click("#accept")
    wait_for_state(page, "nothing to fill|filling")
    assert [found.name for found in (run.home / "profiles").iterdir()] == ["default.npz"]
    page.wait_for_function("() => document.querySelector('#bank img, #bank canvas') !== null")
    assert page.evaluate(UNNAMED) == []


def test_the_switch_and_the_panic_button_pass_through(page: Page) -> None:
    page.click("#panic")
    wait_for_state(page, "paused")
    assert page.get_attribute("#fill", "aria-checked") == "false"
    page.click("#fill")
    wait_for_state(page, "nothing to fill|filling|not to be found")
    page.keyboard.press("p")
    wait_for_state(page, "paused")
    page.keyboard.press("p")
    wait_for_state(page, "nothing to fill|filling|not to be found")


def test_why_a_wish_was_refused_is_shown_until_the_next(page: Page) -> None:
    page.evaluate(CHOOSE_WHAT_IS_GONE)
    page.wait_for_selector("#error", state="visible")
    assert "/dev/video99" in (page.text_content("#error-text") or "")
    page.keyboard.press("p")
    wait_for_state(page, "paused")
    assert page.is_hidden("#error")
    page.keyboard.press("p")
    wait_for_state(page, "nothing to fill|filling|not to be found")


def test_the_divider_moves_by_keyboard_and_by_pointer(page: Page) -> None:
    page.wait_for_function(f"() => ({CENTRE_COLOUR})(0.5).some(level => level > 20)")  # the first picture has come
    divider = page.locator("#divider")
    divider.focus()
    page.keyboard.press("Home")
    assert divider.get_attribute("aria-valuenow") == "0"
    page.keyboard.press("End")
    assert divider.get_attribute("aria-valuenow") == "100"
    box, picture = divider.bounding_box(), page.locator("#preview").bounding_box()
    assert box is not None
    assert picture is not None
    page.mouse.move(box["x"] + 6, box["y"] + box["height"] / 2)  # half of it is beyond the edge
    page.mouse.down()
    page.mouse.move(picture["x"] + picture["width"] / 4, picture["y"] + picture["height"] / 2, steps=4)
    page.mouse.up()
    assert abs(int(divider.get_attribute("aria-valuenow") or 0) - 25) <= 3
    assert sum(centre_colour(page, 0.5)) > 60  # a face, not black


def test_what_is_set_is_written_into_the_file_and_outlives_the_page(run: Run, page: Page) -> None:
    page.focus("#feather")
    page.keyboard.press("ArrowRight")
    page.check("#badge")
    page.click("label:has(#scope-face)")  # what is seen of it: waits until nothing moves any more
    assert page.is_checked("#scope-face")
    file = run.home / "livefill.toml"
    deadline = time.monotonic() + 20
    while not (file.exists() and load_settings(file).scope == "face") and time.monotonic() < deadline:
        time.sleep(0.1)
    kept = load_settings(file)
    assert kept.feather > 1
    assert (kept.badge, kept.scope) == (True, "face")
    page.reload()
    page.wait_for_function("() => document.querySelector('#badge').checked")
    assert page.is_checked("#scope-face")


def test_a_painted_mask_lies_where_it_was_painted(run: Run, page: Page) -> None:
    page.wait_for_function("() => document.querySelector('#fps').textContent > 0")
    assert page.is_checked("#mirror")
    page.click("#paint")
    box = page.locator("#preview").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.30 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    page.mouse.up()
    page.click("#save-mask")
    page.wait_for_selector("#remove-mask", state="visible")
    mask = cv2.imread(str(run.home / "mask.png"), cv2.IMREAD_GRAYSCALE)
    height, width = mask.shape
    assert mask[height // 2, round(width * 0.725)] == 255  # the preview is mirrored, the camera's picture is not
    assert mask[height // 2, round(width * 0.275)] == 0
    assert 0.001 < (mask > 0).mean() < 0.1
    wait_for_state(page, "filling")
    page.uncheck("#badge")
    page.wait_for_selector("#tag-badge", state="hidden")
    page.check("#badge")
    page.wait_for_selector("#tag-badge", state="visible")  # the picture's own is on the camera's side of a mirror
    page.uncheck("#mirror")
    page.wait_for_selector("#tag-badge", state="hidden")
    page.check("#mirror")
    page.click("#remove-mask")
    wait_for_state(page, "nothing to fill|not to be found")


def test_three_tabs_live_side_by_side(run: Run, browser: Browser, page: Page) -> None:
    others = [browser.new_page() for _ in range(2)]
    for other in others:
        other.set_default_timeout(PATIENCE)
        other.goto(run.url)
    for tab in (page, *others):
        wait_for_state(tab, "fill|not to be found")
    others[0].click("#panic")
    for tab in (page, *others):
        wait_for_state(tab, "paused")
    others[1].click("#fill")
    wait_for_state(page, "fill|not to be found")
    for other in others:
        other.close()


def test_it_fits_a_telephone(run: Run, browser: Browser) -> None:
    phone = browser.new_page(viewport={"width": 360, "height": 800})
    phone.set_default_timeout(PATIENCE)
    phone.goto(run.url)
    wait_for_state(phone, "fill|passing|paused")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    # A path has no place to break a line at.
    said = "element => element.insertAdjacentHTML('beforeend', `<li>made anew: ${'/folder'.repeat(30)}</li>`)"
    phone.eval_on_selector("#says", said)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.close()


def test_everything_can_be_named_and_reached_by_keyboard(page: Page) -> None:
    assert page.evaluate(UNNAMED) == []
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"fill", "panic", "divider", "mirror", "calibrate", "sensitivity", "feather", "paint", "record"} <= reached


def test_when_livefill_is_killed_the_page_says_so(tmp_path: Path, browser: Browser) -> None:
    run = Run(tmp_path)
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(run.url)
    wait_for_state(page, "no profile")
    assert page.is_hidden("#lost")
    run.process.kill()
    page.wait_for_selector("#lost", state="visible")
    page.close()
    run.end()
