"""What was read from the database is known until something is committed, or a moment comes that changes it.

All that is remembered is of one data version and of one stretch of time in which nothing becomes known or
begins: within it every question of what is known now has the same answer. A request that begins after a
commit begins with nothing. So nothing here can be stale, and it may be shared by all requests.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sized
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from f1graph.errors import StoreError
from f1graph.store.engine import Store
from f1graph.store.moments import next_change

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Known:
    """What is known of one data version and stretch of time.

    Attributes:
        moment: The beginning of the stretch: who asks what is known now may as well ask for this moment.
        until: Its end.
        most: Records that are remembered at most. With more all is forgotten, and read again.
    """

    version: str
    moment: datetime
    until: datetime
    most: int
    _answers: dict[str, dict[Any, Any]] = field(default_factory=dict)
    _shown: dict[tuple[Any, int], tuple[Any, Any]] = field(default_factory=dict)
    _resolved: dict[Any, dict[int, Any]] = field(default_factory=dict)
    _lasting: set[int] = field(default_factory=set)
    _size: int = 0

    def answers(self, question: str) -> dict[Any, Any]:
        """The answers to a question, by what was asked for; to be added to by `add`."""
        return self._answers.setdefault(question, {})

    def add(self, question: str, key: Hashable, answer: Any) -> None:
        self.answers(question)[key] = answer
        self._grow(answer)

    def shown(self, show: Callable[[R], T], record: R) -> T:
        """What a record looks like in the graph; the same object for the same record."""
        key = (show, id(record))
        known = self._shown.get(key)
        if known is None:
            # The record is kept with it: else another one might get its id.
            known = self._shown[key] = (record, show(record))
            self._lasting.update(map(id, known[1]) if isinstance(known[1], list) else [id(known[1])])
            self._grow(known[1])
        shown: T = known[1]
        return shown

    def resolved(self, resolver: Any) -> dict[int, Any]:
        """What a resolver gave for objects that `shown` gave, by their ids; to be added to by `resolve`."""
        return self._resolved.setdefault(resolver, {})

    def resolve(self, resolver: Any, source: Any, value: Any) -> None:
        """Remembers what a resolver gave, if its object lasts as long as this does."""
        if id(source) in self._lasting:
            self.resolved(resolver)[id(source)] = value
            self._grow(None)

    def _grow(self, value: Any) -> None:
        self._size += len(value) if isinstance(value, Sized) and not isinstance(value, str) else 1
        if self._size > self.most:
            for answers in self._answers.values():
                answers.clear()
            for values in self._resolved.values():
                values.clear()
            self._shown.clear()
            self._lasting.clear()
            self._size = 0


class Memory:
    """Gives requests what is known.

    Args:
        most: Records that are remembered at most; 0: none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: Known | None = None

    async def known(self, version: str | None, store: Store, now: datetime) -> Known | None:
        """What is known to a request that began with a data version; None where nothing may be remembered."""
        if version is None or not self._most:
            return None
        known = self._known
        if known is None or known.version != version or not known.moment <= now < known.until:
            try:
                async with store.read() as read:
                    until = await next_change(read, now)
            except (StoreError, SQLAlchemyError):
                # Its resolvers will find out, and say so.
                return None
            known = self._known = Known(version, now, until, self._most)
        return known
