"""What a request asks for, read from its body or its address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from f1graph.api.answers import JSON
from f1graph.errors import F1GraphError

_HASH = re.compile("[0-9a-fA-F]{64}")
# As GraphQL over HTTP spells identifiers, which need not be spelt otherwise in an address.
_ID = re.compile("[A-Za-z0-9._~-]{1,200}(:[A-Za-z0-9._~-]{1,200})?")
# Where the graph is asked.
GRAPH = "/graphql"
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
        query: The text of the document; None where its id must do.
        extensions: What the caller asks for beyond GraphQL.
        document_id: The hash or the name of a persisted document.
    """

    query: str | None
    variables: dict[str, Any]
    operation_name: str | None
    extensions: dict[str, Any]
    document_id: str | None = None

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
                    "documentId": parameters.get("documentId"),
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
        variables, extensions = (self._object(content, key) for key in ("variables", "extensions"))
        document_id = _document_id(content, extensions)
        if not (query is None and document_id) and (not isinstance(query, str) or not query.strip()):
            raise RefusedError("BAD_REQUEST", "`query` must be a GraphQL document, or `documentId` name one")
        if name is not None and not isinstance(name, str):
            raise RefusedError("BAD_REQUEST", "`operationName` must be text")
        return Asked(query, variables, name or None, extensions, document_id)

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


def _document_id(content: dict[str, Any], extensions: dict[str, Any]) -> str | None:
    """The id of a persisted document: `documentId`, or the hash of an automatic persisted query."""
    found, automatic = content.get("documentId"), extensions.get("persistedQuery")
    if automatic is not None:
        if not isinstance(automatic, dict) or automatic.get("version") != 1:
            raise RefusedError("BAD_REQUEST", "`persistedQuery` must have the version 1")
        if found is not None:
            raise RefusedError("BAD_REQUEST", "send either `documentId` or `persistedQuery`")
        found = automatic.get("sha256Hash")
        if not isinstance(found, str) or not _HASH.fullmatch(found):
            raise RefusedError("BAD_REQUEST", "`sha256Hash` must be the hash of the document, in hexadecimal")
        return found.lower()
    if found is not None and (not isinstance(found, str) or not _ID.fullmatch(found)):
        raise RefusedError("BAD_REQUEST", "`documentId` must be `sha256:` and a hash, or a name")
    return found


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
