"""The API as one ASGI application. Light: no model, no data frame and no source is ever imported here."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Scope

from f1graph import __version__
from f1graph.api.access import Access
from f1graph.api.asked import GRAPH, Reader
from f1graph.api.context import Context
from f1graph.api.documents import Documents
from f1graph.api.endpoint import GraphQLEndpoint
from f1graph.api.gate import Gate
from f1graph.api.headers import SecurityHeaders
from f1graph.api.limits import Limits
from f1graph.api.memory import Known, Memory
from f1graph.api.news.feed import Feed
from f1graph.api.news.operations import Operations
from f1graph.api.news.single_connection import TOKEN_HEADER, SharedStreams
from f1graph.api.news.streams import Connections, Manner
from f1graph.api.news.websocket import ConnectionLimits, WebSocketEndpoint
from f1graph.api.pages import page, plain_root_page, web_folder
from f1graph.api.persisted import Persisted
from f1graph.api.rate_limits import RateLimits, Standing
from f1graph.api.response_cache import VERSION, ResponseCache
from f1graph.api.schema import graphql_schema
from f1graph.clock import Clock
from f1graph.errors import StoreError
from f1graph.settings import Settings, listed
from f1graph.store.engine import Store, open_store
from f1graph.store.freshness import database_revision, is_invented
from f1graph.store.migrate import newest_revision
from f1graph.store.version import DataVersion, data_version

_log = logging.getLogger("f1graph.api")
_INVENTED = (
    "No real data is here: every race, driver and result below is of an invented championship and means "
    "nothing."
)
# The names of assets carry a hash of their content.
_FOR_EVER = "public, max-age=31536000, immutable"

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/ttf", ".ttf")


class State(TypedDict):
    """What lives as long as the application."""

    store: Store
    versions: DataVersion
    feed: Feed


def create_app(settings: Settings, *, store: Store | None = None, clock: Clock | None = None) -> Starlette:
    """The application.

    Args:
        store: An open store, which then stays the caller's to close; else one is opened from the settings
            at start and closed at the end.
        clock: Else the one of the settings.
    """
    newest = newest_revision()
    clock = clock or settings.clock()
    access, rate_limits = Access(settings, clock), RateLimits(settings, clock)

    memory = Memory(settings.memory_records)

    def context(connection: HTTPConnection, known: Known | None = None) -> Context:
        return Context(
            connection.state.store,
            clock(),
            settings.calls_per_hour,
            settings.bundles_dir,
            caller=connection.state.caller,
            known=known,
        )

    async def known(request: Request) -> Known | None:
        state = request.state
        return await memory.known(getattr(state, VERSION), state.store, clock())

    documents = Documents(graphql_schema, Limits.of(settings), Persisted.of(settings))
    reader = Reader(body_limit=settings.body_limit, depth_limit=settings.variable_depth_limit)
    operations = Operations(context=context, timeout=settings.request_timeout.total_seconds())
    manner = Manner(Connections(settings.stream_limit), settings.subscriber_patience)
    endpoint = GraphQLEndpoint(
        documents=documents,
        operations=operations,
        shared=SharedStreams(operations, manner, most_operations=settings.subscriptions_per_connection),
        manner=manner,
        reader=reader,
        request_timeout=settings.request_timeout,
        context=context,
        known=known,
    )
    websockets = WebSocketEndpoint(
        access=access,
        rate_limits=rate_limits,
        reader=reader,
        documents=documents,
        operations=operations,
        manner=manner,
        limits=ConnectionLimits(
            message=settings.websocket_message_limit,
            subscriptions=settings.subscriptions_per_connection,
            idle=settings.websocket_idle,
        ),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        opened = store or open_store(
            settings.store_url,
            pool_size=settings.database_pool_size,
            timeout=settings.database_timeout,
            statement_timeout=settings.statement_timeout,
        )
        # The server stops the streams before it waits for them: see `f1graph.api.server`.
        app.state.feed = feed = Feed(opened, clock)
        app.state.connections = manner.connections
        versions = data_version(opened)
        try:
            yield {"store": opened, "versions": versions, "feed": feed}
        finally:
            await feed.close()
            versions.close()
            await access.close()
            await rate_limits.close()
            if store is None:
                await opened.close()

    async def count(scope: Scope) -> Standing | None:
        # Its role was known at once: nobody is looked up here.
        return await rate_limits.count(await access.caller(scope, scope["state"]["store"]))

    async def graphql(request: Request) -> Response:
        return await endpoint.answer(request)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def readyz(request: Request) -> Response:
        reason = await not_ready(request.state.store, newest)
        if reason is not None:
            return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)
        return JSONResponse({"status": "ready", "schemaRevision": newest})

    async def root(request: Request) -> Response:
        notice = _INVENTED if await _shows_invented(request.state.store) else ""
        folder = web_folder()
        text = plain_root_page(notice=notice) if folder is None else page(folder, "index.html", notice=notice)
        return HTMLResponse(text, headers={"cache-control": "no-cache"})

    return Starlette(
        routes=[
            Route("/", root),
            Route(GRAPH, graphql, methods=["GET", "POST", "PUT", "DELETE"]),
            WebSocketRoute(GRAPH, websockets),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/graphiql/assets/{name}", asset),
            *([Route("/graphiql", graphiql)] if settings.graphiql else []),
        ],
        # CORS before the gate, so that a page may read why it was refused.
        middleware=[
            Middleware(
                ResponseCache,
                role_at_once=access.role_at_once,
                count=count if rate_limits.are_set else None,
                clock=clock,
                entries=settings.response_cache_entries,
                most_bytes=settings.response_cache_bytes,
                age=settings.response_cache_age,
                body_limit=settings.body_limit,
                request_timeout=settings.request_timeout,
            ),
            Middleware(SecurityHeaders, hsts=settings.hsts),
            *_cors(settings),
            Middleware(Gate, access=access, rate_limits=rate_limits),
        ],
        lifespan=lifespan,
    )


def _cors(settings: Settings) -> list[Middleware]:
    origins = listed(settings.cors_origins)
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            # No cookies: a key is sent by whoever has it, never by the browser on its own.
            allow_headers=["authorization", "content-type", "if-none-match", "last-event-id", TOKEN_HEADER],
            expose_headers=["etag", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate"],
        )
    ]


async def graphiql(_request: Request) -> Response:
    folder = web_folder()
    if folder is None:
        return PlainTextResponse("GraphiQL is not built here: run `make web`", status_code=404)
    return HTMLResponse(page(folder, "graphiql.html"), headers={"cache-control": "no-cache"})


async def asset(request: Request) -> Response:
    folder = web_folder()
    name = request.path_params["name"]
    file = None if folder is None else folder / "assets" / name
    if file is None or file.parent.name != "assets" or not file.is_file():
        return PlainTextResponse("not found", status_code=404)
    return FileResponse(file, headers={"cache-control": _FOR_EVER})


async def not_ready(store: Store, newest: str) -> str | None:
    """Why the service cannot answer yet; None when it can."""
    try:
        async with store.read() as read:
            current = await database_revision(read)
    except StoreError:
        _log.warning("not ready", exc_info=True)
        return "the database cannot be reached"
    except SQLAlchemyError:
        _log.warning("not ready", exc_info=True)
        return "the database is not migrated: run `f1graph db upgrade`"
    if current != newest:
        return f"the database is at revision {current}, this version needs {newest}: run `f1graph db upgrade`"
    return None


async def _shows_invented(store: Store) -> bool:
    try:
        async with store.read() as read:
            return await is_invented(read)
    except (StoreError, SQLAlchemyError):
        return False
