"""Answers: what a caller may read of an error, and in which media type."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError
from starlette.responses import Response

from f1graph.errors import F1GraphError, StoreError

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"

_log = logging.getLogger("f1graph.api")


def negotiate(accept: str | None) -> str | None:
    """The media type to answer in; None if the caller accepts neither of ours.

    The newer one where both are equally welcome and it is named; else plain JSON, which every client reads.
    """
    if not accept or not accept.strip():
        return JSON
    quality = _qualities(accept)
    wildcard = max(quality.get("*/*", 0.0), quality.get("application/*", 0.0))
    modern = quality.get(GRAPHQL_JSON, 0.0)
    plain = quality.get(JSON, wildcard)
    if modern > 0 and modern >= plain:
        return GRAPHQL_JSON
    return JSON if plain > 0 else None


def negotiate_stream(accept: str | None) -> str | None:
    """The media type in which answers may go on coming; None if the caller accepts neither of ours.

    Wildcards do not ask for a stream: who sends them reads one answer.
    """
    quality = _qualities(accept or "")
    best = max((EVENT_STREAM, MULTIPART), key=lambda name: quality.get(name, 0.0))
    return best if quality.get(best, 0.0) > 0 else None


def prefers_stream(accept: str | None) -> bool:
    """Whether a stream is welcome also for what has one answer: it is named, and nothing is liked as much.

    Many clients name every media type they can read at all.
    """
    stream = negotiate_stream(accept)
    if stream is None:
        return False
    quality = _qualities(accept or "")
    others = (GRAPHQL_JSON, JSON, "*/*", "application/*")
    return quality[stream] > max(quality.get(name, 0.0) for name in others)


def _qualities(accept: str) -> dict[str, float]:
    """The quality of each media type that is named. A multipart that is not for subscriptions is none."""
    quality: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == MULTIPART and any(one.startswith("deferspec") for one in parameters):
            continue
        quality[name] = max(quality.get(name, 0.0), _quality(parameters))
    return quality


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def respond(content: Any, *, media_type: str, status: int = 200) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        headers={"content-type": f"{media_type}; charset=utf-8"},
    )


def refuse(code: str, message: str, *, status: int, media_type: str = JSON) -> Response:
    """A request that was not executed."""
    return respond(
        {"errors": [{"message": message, "extensions": {"code": code}}]},
        media_type=media_type,
        status=status,
    )


def refuse_slow(seconds: float, *, media_type: str = JSON) -> Response:
    """A request that was given up."""
    text = f"the request took longer than {seconds:g} seconds"
    return refuse("TIMEOUT", text, status=408, media_type=media_type)


def refuse_document(
    code: str, errors: list[GraphQLError], *, media_type: str, status: int | None = None
) -> Response:
    """A document that was not executed.

    Args:
        status: None: 400 in the newer media type, 200 in plain JSON, as GraphQL over HTTP has it.
    """
    content = {"errors": [formatted(error, code) for error in errors]}
    if status is None:
        status = 400 if media_type == GRAPHQL_JSON else 200
    return respond(content, media_type=media_type, status=status)


def result_content(result: ExecutionResult) -> dict[str, Any]:
    """The answer of an execution: ours and GraphQL's own errors as they are, any other masked."""
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [public_error(error) for error in result.errors]
    content["data"] = result.data
    return content


def public_error(error: GraphQLError) -> dict[str, Any]:
    """What a caller may read of an error."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, StoreError):
        # Its text names the database, which is for the log only.
        return _masked(error, cause, "The database does not answer", cause.code)
    if isinstance(cause, F1GraphError):
        return formatted(error, cause.code)
    if cause is None or isinstance(cause, GraphQLError):
        return formatted(error, "BAD_USER_INPUT")
    return _masked(error, cause, "Something went wrong", "INTERNAL_ERROR")


def _masked(error: GraphQLError, cause: Exception, message: str, code: str) -> dict[str, Any]:
    masked = formatted(error, code)
    masked["message"] = message
    masked["extensions"]["id"] = log_unexpected(cause)
    return masked


def log_unexpected(error: BaseException) -> str:
    """Logs an error with its trace; the id that is also given to the caller."""
    error_id = uuid.uuid4().hex
    _log.error("unexpected error %s", error_id, exc_info=error, extra={"error_id": error_id})
    return error_id


def formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error with its code."""
    found: dict[str, Any] = dict(error.formatted)
    found["extensions"] = {**(error.extensions or {}), "code": code}
    return found
