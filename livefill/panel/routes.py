"""What the page may ask for: itself, pictures of profiles, devices, the mask, and the WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from livefill.capture import list_cameras
from livefill.errors import ConfigError, LivefillError, ProfileError
from livefill.panel.board import Board
from livefill.panel.masks import LARGEST, keep_mask, shown_mask
from livefill.panel.messages import Ready, read_message
from livefill.panel.preview import encode_preview
from livefill.panel.status import encode_error
from livefill.profile import Profile, load_profile
from livefill.sheet import encode_picture, faces

__all__ = ["make_app"]

ASSETS = Path(__file__).parent / "assets"
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
FACE = 256  # pixels a side of a profile's pictures
BACKLOG = 32  # messages that a page may lag behind
SINKS = (("auto", "the virtual camera"), ("pipewire", "a camera through PipeWire"), ("none", "nowhere"))


def make_app(board: Board, token: str) -> Starlette:
    """Return the application, all of it under the token."""
    pages = Pages(board)
    routes = [
        Route("/", pages.asset),
        Route("/devices", pages.devices),
        Route("/profiles/{name}.jpg", pages.profile),
        Route("/pending.jpg", pages.pending),
        Route("/mask", pages.mask, methods=["GET", "PUT", "DELETE"]),
        WebSocketRoute("/ws", pages.talk),
        Route("/{name}", pages.asset),
    ]
    return Starlette(routes=[Mount(f"/{token}", routes=routes)])


class Pages:
    """The answers."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._files = {path.name: path for path in ASSETS.iterdir() if path.suffix in KINDS}

    async def asset(self, request: Request) -> Response:
        path = self._files.get(request.path_params.get("name", "index.html"))
        if path is None:
            return _refused("there is no such page", 404)
        return FileResponse(path, media_type=KINDS[path.suffix])

    async def devices(self, request: Request) -> Response:
        cameras = await run_in_threadpool(list_cameras)
        found = [{"spec": camera.spec, "name": camera.name} for camera in cameras if not camera.is_virtual]
        loopbacks = [(f"virtualcam:{one.spec}", f"{one.name} ({one.spec})") for one in cameras if one.is_virtual]
        sinks = [{"spec": spec, "name": name} for spec, name in (*SINKS, *loopbacks)]
        return JSONResponse({"cameras": found, "sinks": sinks})

    async def profile(self, request: Request) -> Response:
        try:
            profile = await run_in_threadpool(load_profile, request.path_params["name"])
        except ProfileError as error:
            return _refused(str(error), 404)
        return await _strip(profile)

    async def pending(self, request: Request) -> Response:
        profile = self._board.pending
        return _refused("no calibration waits", 404) if profile is None else await _strip(profile)

    async def mask(self, request: Request) -> Response:
        if request.method == "PUT":
            return await self._put_mask(request)
        if request.method == "DELETE":
            self._board.set_mask(None)
            return Response(status_code=204)
        path = self._board.settings.mask
        if path is None:
            return _refused("there is no mask", 404)
        try:
            return Response(await run_in_threadpool(shown_mask, path), media_type="image/png")
        except (LivefillError, OSError) as error:
            return _refused(str(error), 404)

    async def _put_mask(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    return _refused(f"a mask has {LARGEST} bytes at most", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            self._board.set_mask(await run_in_threadpool(keep_mask, bytes(body)))
        except ConfigError as error:
            return _refused(str(error), 400)
        return Response(status_code=204)

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await _Talk(self._board, socket).run()


class _Talk:
    """One page's WebSocket."""

    def __init__(self, board: Board, socket: WebSocket) -> None:
        self._board, self._socket = board, socket
        self._out: asyncio.Queue[str | bytes] = asyncio.Queue(BACKLOG)
        self._picture: asyncio.Task[None] | None = None

    async def run(self) -> None:
        end = self._board.listen(self._tell)
        sender = asyncio.create_task(self._send())
        try:
            while True:
                await self._take(await self._socket.receive())
        except WebSocketDisconnect:
            pass
        finally:
            end()
            for task in (sender, self._picture):
                if task is not None:
                    task.cancel()

    async def _take(self, event: MutableMapping[str, Any]) -> None:
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        raw = event.get("text") or event.get("bytes") or b""
        try:
            message = read_message(raw)
        except ConfigError as error:
            self._tell(encode_error(str(error)))
            return
        if not isinstance(message, Ready):
            self._board.commands.put(message)
        elif self._picture is None or self._picture.done():
            self._picture = asyncio.create_task(self._show(overlay=message.overlay))

    async def _show(self, *, overlay: bool) -> None:
        shown = await self._board.picture()
        await self._out.put(await asyncio.to_thread(partial(encode_preview, shown, overlay=overlay)))

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # the page went while something was on its way
            while True:
                item = await self._out.get()
                await (self._socket.send_text(item) if isinstance(item, str) else self._socket.send_bytes(item))

    def _tell(self, text: str) -> None:
        with suppress(asyncio.QueueFull):  # a page that does not read misses it; the next status is as good
            self._out.put_nowait(text)


async def _strip(profile: Profile) -> Response:
    data = await run_in_threadpool(lambda: encode_picture([faces(profile, FACE)], ".jpg", gap=0))
    return Response(data, media_type="image/jpeg")


def _refused(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status)
