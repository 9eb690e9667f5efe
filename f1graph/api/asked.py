"""What a request asks for, read from its body or its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from f1graph.api.answers import JSON
from f1graph.errors import F1GraphError

# HEAD is GET without the body.
BY_ADDRESS = ("GET", "HEAD")


class RefusedError(F1GraphError):
    """The request cannot be executed as it is."""

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        extensions: What the caller asks for beyond GraphQL.
    """

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    extensions: dict[str, Any]

    @property
    def wants_cost(self) -> bool:
        """Whether the answer is to say what it cost."""
        return self.extensions.get("cost") is True


class Reader:
    """Reads requests.

    Args:
        body_limit: The longest body, in bytes.
        depth_limit: How deep variables may be nested.
    """

    def __init__(self, *, body_limit: int, depth_limit: int) -> None:
        self._body_limit = body_limit
        self._depth_limit = depth_limit

    async def read(self, request: Request) -> Asked:
        """What a request asks for.

        Raises:
            RefusedError: It cannot be read, or is too large.
        """
        if request.method in BY_ADDRESS:
            parameters = request.query_params
            return self.asked(
                {
                    "query": parameters.get("query"),
                    "operationName": parameters.get("operationName"),
                    "variables": _json(parameters.get("variables")),
                    "extensions": _json(parameters.get("extensions")),
                }
            )
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise RefusedError("UNSUPPORTED_MEDIA_TYPE", "send the request as application/json", 415)
        return self.asked(_json((await self._body(request)).decode("utf-8", "replace")))

    def asked(self, content: Any) -> Asked:
        """What JSON asks for.

        Raises:
            RefusedError: It is no GraphQL request.
        """
        if not isinstance(content, dict):
            raise RefusedError(
                "BAD_REQUEST", 'the request must be an object such as {"query": "{ nextRace { name } }"}'
            )
        query, name = content.get("query"), content.get("operationName")
        if not isinstance(query, str) or not query.strip():
            raise RefusedError("BAD_REQUEST", "`query` must be a GraphQL document")
        if name is not None and not isinstance(name, str):
            raise RefusedError("BAD_REQUEST", "`operationName` must be text")
        variables, extensions = (self._object(content, key) for key in ("variables", "extensions"))
        return Asked(query, variables, name or None, extensions)

    def _object(self, content: dict[str, Any], key: str) -> dict[str, Any]:
        found = content.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise RefusedError("BAD_REQUEST", f"`{key}` must be an object")
        if is_deeper(found, self._depth_limit):
            most = self._depth_limit
            raise RefusedError("VARIABLES_TOO_DEEP", f"`{key}` may be nested {most} deep at most")
        return found

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


def is_deeper(value: Any, most: int) -> bool:
    """Whether JSON is nested deeper than that; found without recursion."""
    level = [value]
    for _ in range(most + 1):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                deeper.extend(one.values())
            elif isinstance(one, list):
                deeper.extend(one)
        if not deeper:
            return False
        level = deeper
    return True


def _json(text: str | None) -> Any:
    if text is None or text == "":
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RefusedError("BAD_JSON", "the request is not JSON") from error
