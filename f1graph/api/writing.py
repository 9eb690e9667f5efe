"""Writes through the graph: only with the scope, and each with its row in the audit."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from f1graph.api.context import Context
from f1graph.errors import F1GraphError, ForbiddenError
from f1graph.store.audit import DONE, AuditRow, record_write
from f1graph.store.engine import Write
from f1graph.store.keys import ApiKey, Scope

T = TypeVar("T")

_UNEXPECTED = "INTERNAL_ERROR"
_LONGEST_ARGUMENT = 200
_log = logging.getLogger("f1graph.api")


async def write_as_caller(
    context: Context,
    scope: Scope,
    action: str,
    arguments: Mapping[str, str | None],
    work: Callable[[Write, ApiKey], Awaitable[T]],
) -> T:
    """Does `work` in one transaction with its row in the audit.

    What is refused to a key, or fails, has a row too; without a key there is nobody to name.

    Raises:
        UnauthenticatedError, ForbiddenError: The caller may not; nothing was begun.
    """
    try:
        key = context.caller.require(scope)
    except ForbiddenError as error:
        await _record(context, action, arguments, error.code)
        raise
    try:
        async with context.store.write() as write:
            done = await work(write, key)
            await record_write(write, _row(context, action, arguments, DONE))
            return done
    except Exception as error:
        await _record(
            context, action, arguments, error.code if isinstance(error, F1GraphError) else _UNEXPECTED
        )
        raise


async def _record(context: Context, action: str, arguments: Mapping[str, str | None], outcome: str) -> None:
    try:
        async with context.store.write() as write:
            await record_write(write, _row(context, action, arguments, outcome))
    except Exception:
        # The caller is told of the first error, not of this one.
        _log.exception("%s (%s) could not be recorded in the audit", action, outcome)


def _row(context: Context, action: str, arguments: Mapping[str, str | None], outcome: str) -> AuditRow:
    key = context.caller.key
    assert key is not None
    given: dict[str, Any] = {
        name: None if value is None else value[:_LONGEST_ARGUMENT] for name, value in arguments.items()
    }
    return AuditRow(context.now, action, given, outcome, key.id, key.name, context.caller.address)
