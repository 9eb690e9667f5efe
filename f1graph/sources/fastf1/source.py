"""FastF1 as a source of facts: one child process per fetch, asked from the event loop, checked beside it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from f1graph.errors import BadSourceDataError, UnknownError
from f1graph.races.calendar import Race, SessionKind
from f1graph.sources.fastf1.answers import (
    FETCHED,
    Allowance,
    Host,
    Hosts,
    Part,
    Problem,
    ProblemCode,
    ScheduleAnswer,
    ScheduledRace,
    SessionAnswer,
)
from f1graph.sources.fastf1.failures import problems_without_answer
from f1graph.sources.fastf1.process import Answer, Request, ask_child
from f1graph.sources.fastf1.reading import no_facts, read_session
from f1graph.sources.fastf1.sessions import names_of, scheduled_race, why_another_season
from f1graph.sources.identity import Known

_CALL_TIMEOUT = timedelta(seconds=15)


class FastF1:
    """The running season, session by session.

    Args:
        hosts: Whom to ask.
        cache: FastF1's folder, private to this process and disposable; None for no cache.
        deadline: When a fetch is given up, its process killed.
        call_timeout: When a single call is given up. A host that let two time out is not asked again in the
            same fetch.
    """

    name = "fastf1"

    def __init__(
        self,
        *,
        hosts: Hosts,
        cache: Path | None,
        deadline: timedelta,
        call_timeout: timedelta = _CALL_TIMEOUT,
    ) -> None:
        self._hosts = hosts
        self._cache = cache
        self._deadline = deadline
        self._call_timeout = call_timeout
        # One session in memory at a time, and one user of FastF1's cache folder.
        self._turn = asyncio.Lock()

    async def fetch_schedule(self, season: int, *, allowance: Allowance, now: datetime) -> ScheduleAnswer:
        """The season's weekends as they are announced at `now`; what went wrong is in its problems.

        It is always asked anew: a cached one would hide a postponed race.
        """
        answer = await self._ask(season, None, (), allowance=allowance, use_cache=False)
        races: tuple[ScheduledRace, ...] = ()
        problems = problems_without_answer(answer, Part.SCHEDULE)
        if not problems:
            try:
                races = tuple(scheduled_race(event) for event in answer.body["schedule"])
                _check_rounds(season, [race.round for race in races])
            except (BadSourceDataError, KeyError, TypeError, ValueError) as error:
                races, problems = (), (Problem(Part.SCHEDULE, ProblemCode.CONTRADICTION, str(error)),)
        if wrong := why_another_season(races, season):
            races, problems = (), (Problem(Part.SCHEDULE, ProblemCode.WRONG_RACE, wrong, Host.SCHEDULE),)
        return ScheduleAnswer(season, races, problems, answer.calls, answer.raw_hashes, answer.failures)

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

        Raises:
            UnknownError: FastF1 has no such session: a warm-up, or a sprint qualifying of 2021.
        """
        names = names_of(session, race.season) if session in FETCHED else ()
        if not names:
            raise UnknownError(f"FastF1 has no {session.value.lower()} of {race.season}")
        answer = await self._ask(race.season, race.round, names, allowance=allowance, use_cache=use_cache)
        if problems := problems_without_answer(answer, Part.SESSION):
            return SessionAnswer(no_facts(answer), problems, answer.calls, answer.raw_hashes, answer.failures)
        return await asyncio.to_thread(read_session, answer, race, session, known=known, now=now)

    async def _ask(
        self,
        season: int,
        round_: int | None,
        names: tuple[str, ...],
        *,
        allowance: Allowance,
        use_cache: bool,
    ) -> Answer:
        async with self._turn:
            return await ask_child(
                Request(
                    season=season,
                    round=round_,
                    names=names,
                    hosts=self._hosts,
                    allowance=allowance,
                    cache=self._cache,
                    use_cache=use_cache,
                    deadline=self._deadline,
                    call_timeout=self._call_timeout,
                )
            )


def _check_rounds(season: int, rounds: list[int]) -> None:
    if not rounds or rounds != list(range(1, len(rounds) + 1)):
        raise BadSourceDataError(f"the rounds of {season} are {rounds}, not 1, 2, 3 …")
