"""Security headers on every answer. A plain ASGI class: Starlette's base class breaks context variables."""

from __future__ import annotations

from datetime import timedelta

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from f1graph.api.pages import CONTENT_SECURITY_POLICY

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    # Who may read an answer is decided by CORS, which this leaves alone; nobody else may embed one.
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers that keep a browser from loading anything of another host.

    Args:
        hsts: How long a browser shall come by HTTPS only; zero: it is not told.
    """

    def __init__(self, app: ASGIApp, *, hsts: timedelta = timedelta(0)) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if hsts:
            self._headers["strict-transport-security"] = f"max-age={hsts // timedelta(seconds=1)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
