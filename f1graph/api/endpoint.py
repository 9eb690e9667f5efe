"""GraphQL over HTTP: reads a request, refuses what may not run, executes the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from inspect import isawaitable
from pathlib import Path
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from f1graph.api.answers import (
    JSON,
    log_unexpected,
    negotiate,
    refuse,
    refuse_document,
    respond,
    result_content,
)
from f1graph.api.context import Context
from f1graph.api.documents import DocumentError, Documents
from f1graph.api.schema import graphql_schema
from f1graph.clock import Clock
from f1graph.errors import F1GraphError
from f1graph.store.engine import Store

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
        store: Gives the open store; it is opened after the routes are made.
    """

    def __init__(
        self,
        *,
        body_limit: int,
        request_timeout: timedelta,
        clock: Clock,
        calls_per_hour: Mapping[str, int],
        bundles_dir: Path,
    ) -> None:
        self._body_limit = body_limit
        self._timeout = request_timeout.total_seconds()
        self._clock = clock
        self._calls_per_hour = calls_per_hour
        self._bundles_dir = bundles_dir
        self._documents = Documents(graphql_schema)

    async def answer(self, request: Request, store: Store) -> Response:
        media_type = negotiate(request.headers.get("accept"))
        if media_type is None:
            return refuse("NOT_ACCEPTABLE", "only JSON is spoken here", status=406)
        try:
            async with asyncio.timeout(self._timeout):
                asked = await self._read(request)
                return await self._execute(asked, request, store, media_type)
        except RefusedError as error:
            response = refuse(error.reason, str(error), status=error.status, media_type=media_type)
            if error.status == 405:
                response.headers["allow"] = "GET, POST"
            return response
        except DocumentError as error:
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
            return _asked(
                {
                    "query": request.query_params.get("query"),
                    "operationName": request.query_params.get("operationName"),
                    "variables": _json(request.query_params.get("variables")),
                }
            )
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise RefusedError("UNSUPPORTED_MEDIA_TYPE", "send the request as application/json", 415)
        return _asked(_json((await self._body(request)).decode("utf-8", "replace")))

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

    async def _execute(self, asked: Asked, request: Request, store: Store, media_type: str) -> Response:
        document = self._documents.read(asked.query)
        operation = document.operation(asked.operation_name)
        if operation is None:
            raise RefusedError("BAD_OPERATION_NAME", "`operationName` must name one of the operations")
        if operation.operation is not OperationType.QUERY and request.method in _BY_ADDRESS:
            raise RefusedError("METHOD_NOT_ALLOWED", "only queries may be sent by GET", status=405)
        # One moment for the whole request: its fields must agree.
        context = Context(
            store, self._clock(), self._calls_per_hour, self._bundles_dir, caller=request.state.caller
        )
        result = execute(
            graphql_schema,
            document.node,
            context_value=context,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
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


def _asked(content: Any) -> Asked:
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
