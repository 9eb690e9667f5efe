"""FastF1 as a source of facts: one child process per fetch, asked and checked from the event loop."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from f1graph.races.calendar import Race, SessionKind
from f1graph.sources.fastf1.answers import Allowance, Hosts, ScheduleAnswer, SessionAnswer
from f1graph.sources.identity import Known


class FastF1:
    """The running season, session by session.

    Args:
        hosts: Whom to ask.
        cache: FastF1's folder, private to this process and disposable; None for no cache.
        deadline: When a fetch is given up, its process killed.
    """

    name = "fastf1"

    def __init__(self, *, hosts: Hosts, cache: Path | None, deadline: timedelta) -> None:
        self._hosts = hosts
        self._cache = cache
        self._deadline = deadline

    async def fetch_schedule(self, season: int, *, allowance: Allowance, now: datetime) -> ScheduleAnswer:
        """The season's weekends as they are announced at `now`; what went wrong is in its problems."""
        raise NotImplementedError

    async def fetch_session(
        self,
        race: Race,
        session: SessionKind,
        *,
        known: Known,
        allowance: Allowance,
        use_cache: bool,
        now: datetime,
    ) -> SessionAnswer:
        """Everything that is published about one session at `now`, checked.

        Whatever goes wrong outside is no error: it is a problem of the part it concerns, and the sound parts
        are given.

        Args:
            known: Whom the answer may speak of.
            use_cache: False asks the hosts anew and leaves both of FastF1's caches alone.
        """
        raise NotImplementedError
