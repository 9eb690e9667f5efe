"""Fetching one session, or a season's schedule, from a source that is asked for one at a time.

The calls are reserved first, then made with no transaction open, then what was not used is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from f1graph.clock import Clock
from f1graph.errors import SourceUnavailableError, WorkError
from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts, with_the_same_rows
from f1graph.races.results import ClassificationKind, KnownAtBasis
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.sources.fastf1 import (
    Allowance,
    Host,
    Part,
    Problem,
    ScheduleAnswer,
    SessionAnswer,
    planned_calls,
)
from f1graph.sources.identity import ForeignId, Known, Subject
from f1graph.store.budget import NotYet, Reservation, reserve, settle
from f1graph.store.calendar import races_by_id, races_of_seasons
from f1graph.store.engine import Read, Store
from f1graph.store.identities import told_identities
from f1graph.store.people import everybody
from f1graph.store.results import classifications_known
from f1graph.weekends.repeated import without_what_is_anothers

# A child process that is given up needs a moment to be gone.
_LONGER_THAN_THE_DEADLINE = timedelta(seconds=10)
# How long a fetch waits for its turn while another process asks the same hosts: most are done by then.
_LOOKS, _LOOKS_EVERY_SECONDS = 120, 0.25
_REASON_LENGTH = 500
# Whose order stewards and courts change for weeks; nobody corrects a practice.
CORRECTED = frozenset({SessionKind.QUALIFYING, SessionKind.SPRINT, SessionKind.RACE})
_GRIDS = (ClassificationKind.GRID, ClassificationKind.SPRINT_GRID)


class SessionSource(Protocol):
    """A source that is asked for one session at a time. Whatever goes wrong outside is in the answer."""

    @property
    def name(self) -> str: ...

    async def fetch_schedule(self, season: int, *, allowance: Allowance, now: datetime) -> ScheduleAnswer: ...

    async def fetch_session(
        self,
        race: Race,
        session: SessionKind,
        *,
        known: Known,
        allowance: Allowance,
        use_cache: bool,
        now: datetime,
    ) -> SessionAnswer: ...


@dataclass(frozen=True)
class SessionFetches:
    """A source with its budget.

    Attributes:
        calls_per_hour, calls_per_second: Of each host, all processes together.
        deadline: When the source itself gives a fetch up.
    """

    source: SessionSource
    calls_per_hour: Mapping[Host, int]
    calls_per_second: Mapping[Host, float]
    deadline: timedelta


class NotYetError(Exception):
    """The budget has no room now. No failure: the work is put back."""

    def __init__(self, refused: NotYet) -> None:
        super().__init__(refused.reason)
        self.until = refused.until


@dataclass(frozen=True)
class Fetched:
    """One session as it came.

    Attributes:
        detail: What the ledger keeps of it.
    """

    facts: Facts
    problems: tuple[Problem, ...]
    detail: dict[str, Any]


async def fetch_session(
    store: Store,
    fetches: SessionFetches,
    race_id: str,
    session: SessionKind,
    *,
    clock: Clock,
    use_cache: bool,
    is_live: bool,
) -> Fetched:
    """Everything that is published about a session.

    Args:
        is_live: It is learned now. Of a session of the past, fetched later, nobody knows when it was
            published; its facts get what history gets.

    Raises:
        NotYetError: The budget has no room.
        FetchError: Nothing came that can be stored; nothing may be.
    """
    race, known = await _asked(store, race_id, clock())
    reservation, allowance = await _reserved(store, fetches, planned_calls(session), clock=clock)
    now = clock()
    answer = await fetches.source.fetch_session(
        race, session, known=known, allowance=allowance, use_cache=use_cache, now=now
    )
    await _settle(store, reservation, answer.calls, clock=clock)
    answer = await without_what_is_anothers(store, race, session, answer)
    detail = {
        "source": fetches.source.name,
        "session": session.value,
        **_told(answer.calls, answer.problems, answer.raw_hashes),
    }
    if not (answer.facts.classifications or answer.facts.recordings):
        raise FetchError(_in_words(answer.problems) or f"{session} of {race_id}: nothing came", detail)
    facts = _learned_at(answer.facts, clock()) if is_live else _of_history(answer.facts, race)
    return Fetched(facts, answer.problems, detail)


async def fetch_schedule(
    store: Store, fetches: SessionFetches, season: int, *, clock: Clock
) -> tuple[ScheduleAnswer, list[Race], dict[str, Any]]:
    """A season's schedule as it is announced now, with the races as they are stored.

    Raises:
        NotYetError: The budget has no room.
        FetchError: It did not come.
    """
    reservation, allowance = await _reserved(store, fetches, planned_calls(None), clock=clock)
    answer = await fetches.source.fetch_schedule(season, allowance=allowance, now=clock())
    await _settle(store, reservation, answer.calls, clock=clock)
    detail = {
        "source": fetches.source.name,
        "season": season,
        **_told(answer.calls, answer.problems, answer.raw_hashes),
    }
    if not answer.races:
        raise FetchError(_in_words(answer.problems) or f"the schedule of {season} is empty", detail)
    async with store.read() as read:
        stored = (await races_of_seasons(read, [season])).get(season, [])
    return answer, stored, detail


class FetchError(SourceUnavailableError):
    """A fetch brought nothing that can be stored.

    Attributes:
        detail: What the ledger keeps of it.
    """

    def __init__(self, text: str, detail: dict[str, Any]) -> None:
        super().__init__(text)
        self.detail = detail


def missing_parts(session: SessionKind, problems: Sequence[Problem], stored: Mapping[str, bool]) -> list[str]:
    """The parts that a fetch lacked and the store lacks too, or that may have been corrected since: what is
    worth asking for again.

    Args:
        stored: By part, whether the store has it whole.
    """
    return [
        part
        for part in dict.fromkeys(problem.part.value for problem in problems)
        if not stored.get(part) or (part == Part.CLASSIFICATION and session in CORRECTED)
    ]


def _told(
    calls: Mapping[Host, int], problems: Sequence[Problem], raw_hashes: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "calls": {host.value: number for host, number in calls.items()},
        "problems": [
            {
                "part": one.part.value,
                "code": one.code.value,
                "reason": one.reason[:_REASON_LENGTH],
                "host": None if one.host is None else one.host.value,
            }
            for one in problems
        ],
        # What came is not kept where it could not be used, but it can be recognised.
        "raw_hashes": dict(raw_hashes) if problems else {},
    }


def _in_words(problems: Sequence[Problem]) -> str:
    return "; ".join(f"{one.part} {one.code}: {one.reason[:_REASON_LENGTH]}" for one in problems)


def _learned_at(facts: Facts, now: datetime) -> Facts:
    """The facts as learned at this moment: a forecast made before did not know them."""
    return replace(
        facts,
        classifications=tuple(
            with_the_same_rows(one, known_at=now, known_at_basis=KnownAtBasis.RECORDED)
            for one in facts.classifications
        ),
        recordings=tuple(
            with_the_same_rows(one, known_at=now, known_at_basis=KnownAtBasis.RECORDED)
            for one in facts.recordings
        ),
    )


def _of_history(facts: Facts, race: Race) -> Facts:
    """The facts as known since their session: when they were published, nobody recorded."""

    def known(kind: SessionKind, *, before_start: timedelta | None = None) -> dict[str, Any]:
        session = race.session(kind)
        assert session is not None, "a session that was fetched is in the calendar"
        basis = KnownAtBasis.NOMINAL if session.is_nominal else KnownAtBasis.SESSION_END
        moment = session.ends_at if before_start is None else session.starts_at - before_start
        return {"known_at": moment, "known_at_basis": basis}

    return replace(
        facts,
        classifications=tuple(
            with_the_same_rows(
                one,
                **known(
                    one.kind.session,
                    before_start=GRID_KNOWN_BEFORE_START if one.kind in _GRIDS else None,
                ),
            )
            for one in facts.classifications
        ),
        recordings=tuple(with_the_same_rows(one, **known(one.session)) for one in facts.recordings),
    )


async def _asked(store: Store, race_id: str, now: datetime) -> tuple[Race, Known]:
    async with store.read() as read:
        race = (await races_by_id(read, [race_id])).get(race_id)
        if race is None:
            raise WorkError(f"there is no race {race_id!r}")
        return race, await known_to_us(read, race, now)


async def known_to_us(read: Read, race: Race, now: datetime) -> Known:
    """Whom an answer about a race may speak of."""
    drivers, constructors = await everybody(read)
    of_season = (await races_of_seasons(read, [race.season])).get(race.season, [])
    lists = await classifications_known(
        read, [one.id for one in of_season], [ClassificationKind.ENTRY_LIST], now
    )
    return Known(
        drivers=tuple(drivers),
        constructors=tuple(constructors),
        entries=tuple(
            entry for (race_id, _), one in lists.items() if race_id == race.id for entry in one.entries()
        ),
        season_entries=tuple(
            entry for (race_id, _), one in lists.items() if race_id != race.id for entry in one.entries()
        ),
        mapping={
            ForeignId(Subject(one.subject), one.source, one.season, one.their_id): one.our_id
            for one in await told_identities(read)
        },
    )


async def _reserved(
    store: Store, fetches: SessionFetches, calls: Mapping[Host, int], *, clock: Clock
) -> tuple[Reservation, Allowance]:
    """Calls to make, as soon as nobody else asks the same hosts."""
    slowest = min(fetches.calls_per_second[host] for host in calls)
    looks = 0
    while True:
        async with store.write() as write:
            found = await reserve(
                write,
                {host.value: number for host, number in calls.items()},
                per_hour={host.value: number for host, number in fetches.calls_per_hour.items()},
                now=clock(),
                lasts=fetches.deadline + _LONGER_THAN_THE_DEADLINE,
            )
        if isinstance(found, Reservation):
            return found, Allowance(calls, interval=timedelta(seconds=1 / slowest))
        looks += 1
        if not found.is_busy or looks >= _LOOKS:
            raise NotYetError(found)
        # Real time, whatever the clock shows: the other process needs it, too.
        await asyncio.sleep(_LOOKS_EVERY_SECONDS)


async def _settle(store: Store, reservation: Reservation, used: Mapping[Host, int], *, clock: Clock) -> None:
    async with store.write() as write:
        await settle(write, reservation, {host.value: number for host, number in used.items()}, now=clock())
