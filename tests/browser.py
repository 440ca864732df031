"""Headless Chromium, the system's own, driven through Playwright."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
LACKS = [*([] if CHROMIUM else ["Chromium"]), *([] if importlib.util.find_spec("playwright") else ["playwright"])]
NEEDS_BROWSER = pytest.mark.skipif(bool(LACKS), reason=f"needs {' and '.join(LACKS)}")
ARGUMENTS = ["--disable-gpu", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream"]

CAMERA = """async ({label, seconds}) => {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(one => one.kind === "videoinput");
  const found = cameras.find(one => one.label.includes(label));
  if (!found) return {labels: cameras.map(one => one.label)};
  const stream = await navigator.mediaDevices.getUserMedia({video: {deviceId: {exact: found.deviceId}}});
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = stream;
  document.body.append(video);
  await video.play();
  let count = 0;
  const start = performance.now();
  await new Promise(done => {
    const each = () => {
      count += 1;
      if (performance.now() - start > seconds * 1000) done(); else video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
    setTimeout(done, seconds * 3000);
  });
  const rate = count / ((performance.now() - start) / 1000);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const row = [...pen.getImageData(0, canvas.height >> 1, canvas.width, 1).data];
  stream.getTracks().forEach(track => track.stop());
  return {labels: cameras.map(one => one.label), size: [canvas.width, canvas.height], rate, row};
}"""


@contextmanager
def chromium(*arguments: str, environment: Mapping[str, str] = os.environ) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments], env=dict(environment), chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


def secure_page(browser: Browser) -> Page:
    """Return an empty page that may use cameras; nothing is asked of a network."""
    page = browser.new_page(permissions=["camera"])  # so that cameras have their names
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html"))
    page.goto("https://meeting.test/")
    return page


def play_camera(page: Page, label: str, *, seconds: float) -> dict[str, Any]:
    """Play the camera of that label; return all labels and, where it is found, size, frames a second and a row."""
    return dict(page.evaluate(CAMERA, {"label": label, "seconds": seconds}))
