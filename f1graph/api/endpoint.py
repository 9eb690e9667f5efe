"""GraphQL over HTTP: reads a request, refuses what may not run, executes the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType, execute
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
    respond,
    result_content,
)
from f1graph.api.context import Context
from f1graph.api.documents import DocumentError, Documents
from f1graph.api.news.framing import Framing, ended, framed, framing_of
from f1graph.api.news.operations import EndedError, Operation, Operations, refused_document
from f1graph.api.news.streams import Manner, StreamedResponse
from f1graph.api.schema import graphql_schema
from f1graph.errors import F1GraphError

_DEEPEST_VARIABLES = 20
# HEAD is GET without the body.
_BY_ADDRESS = ("GET", "HEAD")


class RefusedError(F1GraphError):
    """The request cannot be executed as it is."""

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


class GraphQLEndpoint:
    """Answers `/graphql`.

    Args:
        context: Makes the context of a request.
    """

    def __init__(
        self,
        *,
        documents: Documents,
        operations: Operations,
        manner: Manner,
        body_limit: int,
        request_timeout: timedelta,
        context: Callable[[HTTPConnection], Context],
    ) -> None:
        self._documents = documents
        self._operations = operations
        self._manner = manner
        self._body_limit = body_limit
        self._timeout = request_timeout.total_seconds()
        self._context = context

    async def answer(self, request: Request) -> Response:
        accept = request.headers.get("accept")
        media_type = negotiate(accept) or JSON
        if negotiate(accept) is None and negotiate_stream(accept) is None:
            return refuse("NOT_ACCEPTABLE", "JSON, event streams and multipart are spoken here", status=406)
        try:
            async with asyncio.timeout(self._timeout):
                asked = await self._read(request)
                return await self._answer(asked, request, media_type)
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
            return refuse_document(error.reason, error.errors, media_type=media_type)
        except TimeoutError:
            text = f"the request took longer than {self._timeout:g} seconds"
            return refuse("TIMEOUT", text, status=408, media_type=media_type)
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

    async def _read(self, request: Request) -> Asked:
        if request.method in _BY_ADDRESS:
            return read_asked(
                {
                    "query": request.query_params.get("query"),
                    "operationName": request.query_params.get("operationName"),
                    "variables": _json(request.query_params.get("variables")),
                }
            )
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise RefusedError("UNSUPPORTED_MEDIA_TYPE", "send the request as application/json", 415)
        return read_asked(_json((await self._body(request)).decode("utf-8", "replace")))

    async def _body(self, request: Request) -> bytes:
        too_large = RefusedError(
            "BODY_TOO_LARGE", f"a request may have {self._body_limit} bytes at most", status=413
        )
        declared = request.headers.get("content-length", "0")
        if declared.isascii() and declared.isdigit() and int(declared[:18]) > self._body_limit:
            raise too_large
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._body_limit:
                raise too_large
        return bytes(body)

    async def _answer(self, asked: Asked, request: Request, media_type: str) -> Response:
        operation = read_operation(asked, self._documents)
        accept = request.headers.get("accept")
        if operation.kind is OperationType.MUTATION and request.method in _BY_ADDRESS:
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
        # One moment for the whole request: its fields must agree.
        context = self._context(request)
        result = execute(
            graphql_schema,
            operation.document.node,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
        )
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            # Nothing was executed: variables that do not fit.
            raise DocumentError("BAD_USER_INPUT", [_plain(error) for error in result.errors])
        return respond(result_content(result), media_type=media_type)


def _plain(error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, nodes=error.nodes)


def _json(text: str | None) -> Any:
    if text is None or text == "":
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RefusedError("BAD_JSON", "the request is not JSON") from error


def read_operation(asked: Asked, documents: Documents) -> Operation:
    """The operation that is asked for.

    Raises:
        DocumentError: The document may not be executed.
        RefusedError: The name does not tell which of its operations to run.
    """
    document = documents.read(asked.query)
    operation = document.operation(asked.operation_name)
    if operation is None:
        raise RefusedError("BAD_OPERATION_NAME", "`operationName` must name one of the operations")
    return Operation(asked.query, document, operation.operation, asked.operation_name, asked.variables)


def read_asked(content: Any) -> Asked:
    if not isinstance(content, dict):
        raise RefusedError(
            "BAD_REQUEST", 'the request must be an object such as {"query": "{ nextRace { name } }"}'
        )
    query, variables, name = (content.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        raise RefusedError("BAD_REQUEST", "`query` must be a GraphQL document")
    if variables is not None and not isinstance(variables, dict):
        raise RefusedError("BAD_REQUEST", "`variables` must be an object")
    if name is not None and not isinstance(name, str):
        raise RefusedError("BAD_REQUEST", "`operationName` must be text")
    if content.get("extensions") is not None and not isinstance(content["extensions"], dict):
        raise RefusedError("BAD_REQUEST", "`extensions` must be an object")
    if _depth(variables) > _DEEPEST_VARIABLES:
        raise RefusedError("BAD_REQUEST", "`variables` are nested too deeply")
    return Asked(query, variables or {}, name or None)


def _depth(value: Any) -> int:
    """How deep JSON is nested, without recursion."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST_VARIABLES:
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                deeper.extend(one.values())
            elif isinstance(one, list):
                deeper.extend(one)
        if not deeper:
            break
        level, depth = deeper, depth + 1
    return depth
