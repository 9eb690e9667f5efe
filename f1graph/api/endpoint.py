"""GraphQL over HTTP: reads a request, refuses what may not run, executes the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from f1graph.api.answers import (
    EVENT_STREAM,
    JSON,
    MULTIPART,
    log_unexpected,
    negotiate,
    negotiate_stream,
    prefers_stream,
    refuse,
    refuse_document,
    refuse_slow,
    respond,
    result_content,
)
from f1graph.api.asked import BY_ADDRESS, Reader, RefusedError
from f1graph.api.context import Context
from f1graph.api.documents import Documents, Operation
from f1graph.api.execution import Execution
from f1graph.api.limits import DocumentError
from f1graph.api.memory import Known
from f1graph.api.news.framing import Framing, ended, framed, framing_of
from f1graph.api.news.operations import EndedError, Operations, refused_document
from f1graph.api.news.single_connection import SharedStreams, token_of
from f1graph.api.news.streams import Manner, StreamedResponse
from f1graph.api.response_cache import MAY_BE_KEPT
from f1graph.api.schema import schema


class GraphQLEndpoint:
    """Answers `/graphql`.

    Args:
        context: Makes the context of a request, with what is known.
        known: What is known to a request; only for queries, since a write may know more.
    """

    def __init__(
        self,
        *,
        documents: Documents,
        operations: Operations,
        shared: SharedStreams,
        manner: Manner,
        reader: Reader,
        request_timeout: timedelta,
        context: Callable[[HTTPConnection, Known | None], Context],
        known: Callable[[Request], Awaitable[Known | None]],
    ) -> None:
        self._documents = documents
        self._operations = operations
        self._shared = shared
        self._manner = manner
        self._reader = reader
        self._timeout = request_timeout.total_seconds()
        self._context = context
        self._known = known
        self._execution = Execution(schema)

    async def answer(self, request: Request) -> Response:
        accept = request.headers.get("accept")
        media_type = negotiate(accept) or JSON
        if negotiate(accept) is None and negotiate_stream(accept) is None:
            return refuse("NOT_ACCEPTABLE", "JSON, event streams and multipart are spoken here", status=406)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._answer(request, media_type)
        except RefusedError as error:
            response = refuse(error.reason, str(error), status=error.status, media_type=media_type)
            if error.status == 405:
                response.headers["allow"] = "GET, POST"
            return response
        except DocumentError as error:
            framing = framing_of(accept)
            if framing is not None and prefers_stream(accept):
                # Who reads a stream only cannot read a refusal that is none.
                return self._stream(ended(refused_document(error), framing), framing)
            return refuse_document(error.reason, error.errors, media_type=media_type, status=error.status)
        except TimeoutError:
            return refuse_slow(self._timeout, media_type=media_type)
        except ClientDisconnect:
            return refuse("DISCONNECTED", "the request broke off", status=400)
        except Exception as error:
            error_id = log_unexpected(error)
            content = {
                "errors": [
                    {
                        "message": "Something went wrong",
                        "extensions": {"code": "INTERNAL_ERROR", "id": error_id},
                    }
                ]
            }
            return respond(content, media_type=media_type, status=500)

    async def _answer(self, request: Request, media_type: str) -> Response:
        token = token_of(request)
        if request.method == "PUT":
            return self._shared.reserve(request.state.feed)
        if request.method == "DELETE":
            if token is None:
                raise RefusedError("METHOD_NOT_ALLOWED", "only operations of a stream are deleted", 405)
            return self._shared.end(token, request.query_params.get("operationId"))
        if token is not None and request.method == "GET" and "query" not in request.query_params:
            return self._shared.open(token)
        asked = await self._reader.read(request)
        operation = self._documents.operation(asked)
        if token is not None:
            return await self._shared.run(token, asked.extensions.get("operationId"), operation, request)
        return await self._answer_operation(operation, request, media_type)

    async def _answer_operation(self, operation: Operation, request: Request, media_type: str) -> Response:
        accept = request.headers.get("accept")
        if operation.kind is OperationType.MUTATION and request.method in BY_ADDRESS:
            raise RefusedError("METHOD_NOT_ALLOWED", "what changes something is sent by POST", status=405)
        if operation.kind is not OperationType.SUBSCRIPTION and not prefers_stream(accept):
            return await self._execute(operation, request, media_type)
        framing = framing_of(accept)
        if framing is None:
            text = f"a subscription is answered as {EVENT_STREAM} or {MULTIPART}, or over a WebSocket"
            raise RefusedError("NOT_ACCEPTABLE", f"{text}: accept one of them", status=406)
        return await self._answer_in_stream(operation, request, framing)

    async def _answer_in_stream(self, operation: Operation, request: Request, framing: Framing) -> Response:
        last_event_id = request.headers.get("last-event-id")
        try:
            answers = await self._operations.start(operation, request, last_event_id=last_event_id)
        except EndedError as error:
            return self._stream(ended(error, framing), framing)
        return self._stream(framed(answers, framing, request.state.feed), framing)

    def _stream(self, frames: AsyncGenerator[bytes, None], framing: Framing) -> Response:
        return StreamedResponse(frames, framing, self._manner)

    async def _execute(self, operation: Operation, request: Request, media_type: str) -> Response:
        known = await self._known(request) if operation.kind is OperationType.QUERY else None
        result = await self._execution.execute(
            operation.document.node,
            # One moment for the whole request: its fields must agree.
            lambda: self._context(request, known),
            kind=operation.kind,
            name=operation.name,
            variables=operation.variables,
        )
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            # Nothing was executed: variables that do not fit.
            raise DocumentError("BAD_USER_INPUT", [_plain(error) for error in result.errors])
        if operation.kind is OperationType.QUERY and not result.errors:
            setattr(request.state, MAY_BE_KEPT, True)
        content = result_content(result)
        if operation.tells_cost:
            content["extensions"] = {"cost": {"asked": operation.cost, "most": self._documents.limits.cost}}
        return respond(content, media_type=media_type)


def _plain(error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, nodes=error.nodes)
