"""The gate before the graph: refuses wrong keys and foreign pages, and says who asks.

A plain ASGI class: Starlette's base class breaks context variables.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from f1graph.api.access import Access
from f1graph.api.answers import JSON, log_unexpected, negotiate, refuse, respond
from f1graph.errors import StoreError, UnauthenticatedError
from f1graph.store.engine import Store

_GRAPH = "/graphql"


class Gate:
    """Lets requests and WebSockets of the graph through whose caller is known: `state["caller"]`."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not _is_of_the_graph(scope["path"]):
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await _refuse_websocket(refusal, scope, receive, send)

    async def _refusal(self, connection: Connection) -> Response | None:
        if connection["type"] == "websocket" and not self._access.may_connect(connection):
            return PlainTextResponse("pages of this origin may not ask here", status_code=403)
        store: Store = connection["state"]["store"]
        media_type = negotiate(Headers(scope=connection).get("accept")) or JSON
        try:
            caller = await self._access.caller(connection, store)
        except UnauthenticatedError as error:
            refusal = refuse(error.code, str(error), status=401, media_type=media_type)
            refusal.headers["www-authenticate"] = 'Bearer realm="f1graph"'
            return refusal
        except StoreError as error:
            # Its text names the database, which is for the log only.
            told = {"code": error.code, "id": log_unexpected(error)}
            content = {"errors": [{"message": "The database does not answer", "extensions": told}]}
            return respond(content, media_type=media_type, status=503)
        connection["state"]["caller"] = caller
        return None


def _is_of_the_graph(path: str) -> bool:
    return path == _GRAPH or path.startswith(f"{_GRAPH}/")


async def _refuse_websocket(refusal: Response, connection: Connection, receive: Receive, send: Send) -> None:
    """Before the handshake: with an HTTP answer where the server can, else it answers 403 by itself."""
    if "websocket.http.response" in connection.get("extensions", {}):
        await refusal(connection, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": ""})
