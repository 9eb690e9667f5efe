"""Loaders: each asks one question for all keys that are asked for at once, and for none that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from strawberry.dataloader import DataLoader

from f1graph.api.memory import Known

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NOTHING: Any = object()


class Loader(Generic[K, V]):
    """One question, for one request.

    Args:
        ask: The answers to some keys, in their order.
        known: What is known, and the question's name in it; None remembers nothing beyond the request.
    """

    __slots__ = ("_answers", "_ask", "_asking", "_known")

    def __init__(
        self, ask: Callable[[list[K]], Awaitable[list[V]]], known: tuple[Known, str] | None = None
    ) -> None:
        self._ask = ask
        self._known = known
        self._answers = {} if known is None else known[0].answers(known[1])
        self._asking: DataLoader[K, V] | None = None

    async def load(self, key: K) -> V:
        answer: V = self._answers.get(key, _NOTHING)
        if answer is not _NOTHING:
            return answer
        if self._asking is None:
            self._asking = DataLoader(self._ask)
        # Others may wait for the same key: one who is cancelled must not cancel them.
        answer = await asyncio.shield(self._asking.load(key))
        if self._known is not None:
            known, question = self._known
            known.add(question, key, answer)
        return answer

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        if all(key in self._answers for key in keys):
            return [self._answers[key] for key in keys]
        return list(await asyncio.gather(*map(self.load, keys)))
