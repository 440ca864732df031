"""Headless Firefox, the system's own, driven through WebDriver BiDi: one page, one answer."""

from __future__ import annotations

import functools
import http.server
import itertools
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

FIREFOX = next((path for name in ("firefox", "firefox-esr") if (path := shutil.which(name))), "")
NEEDS_FIREFOX = pytest.mark.skipif(not FIREFOX, reason="needs Firefox")
PREFERENCES = {
    "media.navigator.permission.disabled": True,  # nobody is there to allow the camera
    "media.webrtc.camera.allow-pipewire": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><body>")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


class _BrokeOff(Exception):
    """Firefox closed the connection in the midst of an answer."""


def ask_firefox(folder: Path, function: str, argument: object, *, environment: Mapping[str, str]) -> Any:
    """Return what a page's asynchronous JavaScript `function` gives for `argument`; raises what it throws.

    A browser that breaks off, as it does now and then on a busy machine, is started once more.
    """
    try:
        return _ask(folder / "first", function, argument, environment)
    except _BrokeOff:
        return _ask(folder / "second", function, argument, environment)


def _ask(folder: Path, function: str, argument: object, environment: Mapping[str, str]) -> Any:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
    folder.mkdir(parents=True)
    (folder / "user.js").write_text("\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as pages,
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=dict(environment), stdout=log, stderr=log) as browser,
    ):
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        try:
            with connect(f"{_address(folder / 'log')}/session", max_size=None, ping_interval=None) as socket:
                call = functools.partial(_call, socket, itertools.count(1))
                call("session.new", {"capabilities": {}})
                tab = call("browsingContext.getTree", {})["contexts"][0]["context"]
                url = f"http://127.0.0.1:{pages.server_address[1]}/"
                call("browsingContext.navigate", {"context": tab, "url": url, "wait": "complete"})
                code = f"async (text) => JSON.stringify(await ({function})(JSON.parse(text)))"
                text = {"type": "string", "value": json.dumps(argument)}
                wish = {"functionDeclaration": code, "arguments": [text], "target": {"context": tab}}
                said = call("script.callFunction", {**wish, "awaitPromise": True})
                assert said["type"] == "success", said["exceptionDetails"]["text"]
                return json.loads(said["result"]["value"])
        except ConnectionClosed as error:
            status = "still runs" if browser.poll() is None else f"ended with {browser.poll()}"
            raise _BrokeOff(f"Firefox {status}: {(folder / 'log').read_text()[-2000:]}") from error
        finally:
            pages.shutdown()
            browser.terminate()


def _address(log: Path, seconds: float = 40) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


def _call(socket: Any, numbers: itertools.count[int], method: str, parameters: Mapping[str, object]) -> Any:
    number = next(numbers)
    socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
    while True:
        answer = json.loads(socket.recv(timeout=60))
        if answer.get("id") == number:
            assert answer["type"] == "success", answer
            return answer["result"]
