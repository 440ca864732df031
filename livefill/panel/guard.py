"""Lets only the page in that livefill itself has served: no other site, no other machine, nobody without the token."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
READING = {"GET", "HEAD"}


class Guard:
    """Checks token, Host and Origin of every request before the application sees it.

    A page of another site can send requests to this machine, and by rebinding its name (DNS) even read the answers; it
    knows neither the token nor a Host that is allowed, and it cannot forge its Origin.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str]) -> None:
        """`hosts` are the values of Host that are allowed, such as "127.0.0.1:8765"."""
        self._app, self._token = app, token.encode()
        self._hosts = frozenset(host.lower() for host in hosts)  # browsers write them so

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._allowed(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4403})
                return
            answer = JSONResponse({"error": "Open the address that livefill printed when it started."}, 403, HEADERS)
            await answer(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _allowed(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        first = scope["path"].encode("utf-8", "surrogateescape").split(b"/")[1:2]
        if not first or not hmac.compare_digest(first[0], self._token):
            return False
        if headers.getlist("host") and headers.getlist("host")[1:]:
            return False
        if headers.get("host", "").lower() not in self._hosts:
            return False
        origin = headers.get("origin")
        if origin is None:  # browsers leave it out only where a page of the same site reads
            return scope["type"] == "http" and scope["method"] in READING
        return origin in {f"http://{host}" for host in self._hosts}
