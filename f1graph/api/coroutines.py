"""Coroutines that are begun at once, without a task: most of them end without waiting for anything."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Resumed(Generic[T]):
    """Awaits the rest of a coroutine that was begun by `send(None)` and waits for a future.

    Until it waits for the first time the coroutine runs in the task of whoever began it: it must not ask
    before that which task it runs in, as a time-out does.
    """

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                # A task takes this mark off a future that it waits for, and refuses one without it: when
                # several wait for the same one, each has to set it anew.
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
