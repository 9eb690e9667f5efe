"""The gate before the graph: refuses foreign pages, wrong keys and who asks too often, and says who asks.

A plain ASGI class: Starlette's base class breaks context variables.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from f1graph.api.access import Access
from f1graph.api.answers import JSON, log_unexpected, negotiate, refuse, respond
from f1graph.api.asked import GRAPH
from f1graph.api.denial import deny
from f1graph.api.rate_limits import RateLimits, Standing
from f1graph.errors import StoreError, UnauthenticatedError
from f1graph.store.engine import Store


class Gate:
    """Lets requests and WebSockets of the graph through whose caller is known: `state["caller"]`."""

    def __init__(self, app: ASGIApp, *, access: Access, rate_limits: RateLimits) -> None:
        self._app = app
        self._access = access
        self._limits = rate_limits

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not _is_of_the_graph(scope["path"]):
            await self._app(scope, receive, send)
            return
        standing, refusal = await self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send if standing is None else _telling(standing, send))
            return
        if standing is not None:
            refusal.headers.update(standing.headers)
        if scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await deny(refusal, scope, receive, send)

    async def _judge(self, connection: Connection) -> tuple[Standing | None, Response | None]:
        """How the caller stands with the limit of requests, and why it may not ask, if it may not."""
        if connection["type"] == "websocket" and not self._access.may_connect(connection):
            return None, PlainTextResponse("pages of this origin may not ask here", status_code=403)
        media_type = negotiate(Headers(scope=connection).get("accept")) or JSON
        if self._access.role_at_once(connection) is None:
            # A key that is to be looked up.
            standing = await self._limits.tries_too_many_keys(self._access.address(connection))
            if standing is not None:
                return standing, _too_often(standing, media_type)
        store: Store = connection["state"]["store"]
        try:
            caller = await self._access.caller(connection, store)
        except UnauthenticatedError as error:
            standing = await self._limits.count_wrong_key(self._access.address(connection))
            return standing, _unauthenticated(error, media_type)
        except StoreError as error:
            return None, _no_database(error, media_type)
        connection["state"]["caller"] = caller
        standing = await self._limits.count(caller)
        if standing is not None and standing.is_over:
            return standing, _too_often(standing, media_type)
        return standing, None


def _is_of_the_graph(path: str) -> bool:
    return path == GRAPH or path.startswith(f"{GRAPH}/")


def _telling(standing: Standing, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(standing.headers)
        await send(message)

    return send_with_headers


def _unauthenticated(error: UnauthenticatedError, media_type: str) -> Response:
    refusal = refuse(error.code, str(error), status=401, media_type=media_type)
    refusal.headers["www-authenticate"] = 'Bearer realm="f1graph"'
    return refusal


def _no_database(error: StoreError, media_type: str) -> Response:
    # Its text names the database, which is for the log only.
    told = {"code": error.code, "id": log_unexpected(error)}
    content = {"errors": [{"message": "The database does not answer", "extensions": told}]}
    return respond(content, media_type=media_type, status=503)


def _too_often(standing: Standing, media_type: str) -> Response:
    return refuse(
        "RATE_LIMITED",
        standing.refusal,
        status=429,
        media_type=media_type,
    )
