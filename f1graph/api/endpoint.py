"""GraphQL over HTTP: reads a request, refuses what may not run, executes the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from inspect import isawaitable

from graphql import ExecutionResult, GraphQLError, OperationType, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from f1graph.api.answers import (
    log_unexpected,
    negotiate,
    refuse,
    refuse_document,
    respond,
    result_content,
)
from f1graph.api.asked import BY_ADDRESS, Asked, Reader, RefusedError
from f1graph.api.context import Context
from f1graph.api.documents import Documents
from f1graph.api.limits import DocumentError
from f1graph.api.schema import graphql_schema
from f1graph.clock import Clock
from f1graph.store.engine import Store


class GraphQLEndpoint:
    """Answers `/graphql`."""

    def __init__(
        self,
        *,
        documents: Documents,
        reader: Reader,
        request_timeout: timedelta,
        clock: Clock,
        calls_per_hour: Mapping[str, int],
    ) -> None:
        self._documents = documents
        self._reader = reader
        self._timeout = request_timeout.total_seconds()
        self._clock = clock
        self._calls_per_hour = calls_per_hour

    async def answer(self, request: Request, store: Store) -> Response:
        media_type = negotiate(request.headers.get("accept"))
        if media_type is None:
            return refuse("NOT_ACCEPTABLE", "only JSON is spoken here", status=406)
        try:
            async with asyncio.timeout(self._timeout):
                asked = await self._reader.read(request)
                return await self._execute(asked, request, store, media_type)
        except RefusedError as error:
            response = refuse(error.reason, str(error), status=error.status, media_type=media_type)
            if error.status == 405:
                response.headers["allow"] = "GET, POST"
            return response
        except DocumentError as error:
            return refuse_document(error.reason, error.errors, media_type=media_type, status=error.status)
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

    async def _execute(self, asked: Asked, request: Request, store: Store, media_type: str) -> Response:
        document = self._documents.read(asked.query)
        operation = document.operation(asked.operation_name)
        if operation.kind is not OperationType.QUERY and request.method in BY_ADDRESS:
            raise RefusedError("METHOD_NOT_ALLOWED", "only queries may be sent by GET", status=405)
        cost = self._documents.cost(operation, asked.variables)
        # One moment for the whole request: its fields must agree.
        context = Context(store, self._clock(), self._calls_per_hour, caller=request.state.caller)
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
        content = result_content(result)
        if asked.wants_cost:
            content["extensions"] = {"cost": {"asked": cost, "most": self._documents.limits.cost}}
        return respond(content, media_type=media_type)


def _plain(error: GraphQLError) -> GraphQLError:
    return GraphQLError(error.message, nodes=error.nodes)
