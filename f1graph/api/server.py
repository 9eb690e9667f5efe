"""The API as a process: what listens, and how it stops."""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette

from f1graph.settings import Settings

# Who still reads an answer then is left.
_STOP_WITHIN_SECONDS = 10
# As uvicorn's own command ends when it cannot start.
STARTUP_FAILURE = 3


class Server(uvicorn.Server):
    """Ends subscribers' streams before it waits for what is still answered: they end in no other way."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                # It would believe whoever asks from this machine; which proxies are believed is a setting.
                proxy_headers=False,
                ws="websockets-sansio",
                ws_max_size=settings.websocket_message_limit,
                # Each connection would keep its own dictionaries, and events are small.
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=_STOP_WITHIN_SECONDS,
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.feed.stop()
        await super().shutdown(sockets)
