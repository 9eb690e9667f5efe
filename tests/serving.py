"""A real server on loopback, for clients that speak HTTP: browsers, Node, command-line tools."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from f1graph.api.server import Server
from f1graph.settings import Settings


@contextmanager
def serving(app: Starlette, settings: Settings | None = None) -> Iterator[str]:
    """Serves `app` in a thread; its address, such as `http://127.0.0.1:54321`."""
    with serving_until_stopped(Server(app, settings or Settings())) as address:
        yield address


@contextmanager
def serving_until_stopped(server: Server) -> Iterator[str]:
    """As `serving`; the server may be stopped within."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
