"""Coroutines that are begun at once, without a task: most of them end without waiting for anything."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Resumed(Generic[T]):
    """Awaits the rest of a coroutine that was begun by `send(None)` and waits for a future.

    Until it waits for the first time the coroutine runs in the task of whoever began it, and then perhaps in
    another: it must not ask before that which task it runs in, as a time-out does.
    """

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        # A future bears this mark until a task takes it off. Others may wait for the same one meanwhile, and
        # must find it without.
        if waits_for is not None:
            waits_for._asyncio_future_blocking = False

    def close(self) -> None:
        """Gives the coroutine up."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                # A task refuses a future without the mark.
                if waits_for is not None:
                    waits_for._asyncio_future_blocking = True
                try:
                    yield waits_for
                except GeneratorExit:
                    self._coroutine.close()
                    raise
                except BaseException as error:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(None)
        except StopIteration as done:
            value: T = done.value
            return value
