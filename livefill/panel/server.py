"""Serves the page, and what it asks for, from a thread of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import threading
from contextlib import suppress
from ipaddress import ip_address

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from livefill.errors import ConfigError
from livefill.panel.board import Board
from livefill.panel.guard import Guard
from livefill.panel.routes import make_app

__all__ = ["Server"]

STARTS, ENDS = 10.0, 3.0  # seconds
NICE = 10  # so that the camera's threads go first
LARGEST = 64 * 1024  # bytes of a message
HTTP = 80  # the port that browsers leave out
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Server:
    """A running server; `url` holds the token that opens it."""

    def __init__(self, board: Board, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on `host`; with port 0 on one that is free. Raises `ConfigError` where that cannot be done."""
        self._board = board
        token = secrets.token_urlsafe(24)
        self._socket = _listen(host, port)
        port = self._socket.getsockname()[1]
        self.url = f"http://{_shown(host)}:{port}/{token}/"
        app = guarded(make_app(board, token), token=token, hosts=hosts_for(host, port))
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", ws="websockets-sansio", ws_max_size=LARGEST,
                timeout_graceful_shutdown=1, server_header=False, date_header=False,
            )
        )  # fmt: skip
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livefill-panel", daemon=True)
        self._thread.start()
        if not self._started.wait(STARTS):
            self.close()
            raise ConfigError("the panel did not start")

    def close(self) -> None:
        """Stop serving. Safe to call twice."""
        self._server.should_exit = True
        self._thread.join(ENDS)
        self._socket.close()

    def _run(self) -> None:
        if sys.platform == "linux":  # where it counts for a single thread
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._board.serve(asyncio.get_running_loop())
        self._started.set()
        await self._server.serve(sockets=[self._socket])


def hosts_for(host: str, port: int) -> list[str]:
    """Return the values of Host under which a page at `host` and `port` is opened."""
    names = {_shown(host)} | ({"127.0.0.1", "localhost", "[::1]"} if host.lower() in LOOPBACK else set())
    hosts = [f"{name}:{port}" for name in names]
    return [*hosts, *names] if port == HTTP else hosts


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    where = f"the panel cannot listen on {_shown(host)}:{port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if ip_address(str(address[0]).partition("%")[0]).is_unspecified:
            raise ConfigError(
                f"{host} means every address of this machine, and under that name no browser could open the panel: "
                "give the machine's own address, like --host 192.168.1.20"
            )
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or error}") from error
    except UnicodeError as error:  # of IDNA: a part that is empty, too long, or of letters that no name has
        raise ConfigError(f"{where}: {host!r} is no name that a machine can have; give its address") from error


def guarded(app: Starlette, *, token: str, hosts: list[str]) -> ASGIApp:
    """Return the application behind its guard."""
    return Guard(app, token=token, hosts=hosts)
