"""Refusing a WebSocket before the handshake."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_GONE_WITHIN_SECONDS = 1


async def deny(refusal: Response, connection: Scope, receive: Receive, send: Send) -> None:
    """With an HTTP answer where the server can, else it answers 403 by itself."""
    if "websocket.http.response" not in connection.get("extensions", {}):
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await refusal(connection, receive, send)
    # uvicorn logs an error if the application ends before the connection does. It tells of the end twice:
    # once when the answer is sent, and once when the connection is gone.
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_WITHIN_SECONDS):
            told = 0
            while told < 2:
                told += (await receive())["type"] == "websocket.disconnect"
