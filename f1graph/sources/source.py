"""What every source of facts has in common, so that the work of a weekend does not care which one it asks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from f1graph.races.facts import Facts


class Source(Protocol):
    """Somebody who knows facts about the sport."""

    @property
    def name(self) -> str:
        """As it stands in `Facts.source`."""
        ...

    async def fetch(self, *, now: datetime) -> Facts:
        """Everything the source knows at `now`, checked against itself; never blocks the event loop.

        Raises:
            SourceUnavailableError: It did not answer.
            BadSourceDataError: It answered, but wrongly.
        """
        ...
