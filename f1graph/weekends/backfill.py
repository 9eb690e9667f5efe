"""Sessions fetched because somebody asked for them: what there is to do, what it costs, and doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from f1graph.races.calendar import Race, SessionKind
from f1graph.sources.fastf1 import Host, planned_calls
from f1graph.sources.fastf1.answers import FETCHED
from f1graph.store.ledger import LedgerRow, WorkStatus, ledger_rows
from f1graph.weekends.fetches_due import is_learned_now
from f1graph.weekends.run import OnProgress, Outcome, Result, do_unit
from f1graph.weekends.units import Season
from f1graph.weekends.work import Work, WorkKind, fetch_key

# A wait is looked at so often, so that it can be left and a clock may be set.
_LOOKS_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Plan:
    """What a back-fill will do.

    Attributes:
        units: In the order of the sessions.
        done: How many sessions were fetched before and cost nothing.
        calls: The most calls to each host.
        takes: How long the budget makes it take, at most.
    """

    units: tuple[Work, ...]
    done: int
    calls: Mapping[Host, int]
    takes: timedelta


def plan_fetches(
    races: Sequence[Race],
    *,
    sessions: Collection[SessionKind],
    fetched: Collection[tuple[str, SessionKind]],
    per_hour: Mapping[Host, int],
    per_second: Mapping[Host, float],
    again: bool,
    now: datetime,
) -> Plan:
    """The sessions that are over, without those that were fetched before.

    Args:
        fetched: Sessions with a finished fetch, however it was asked for.
        again: Fetch these too, past every cache.
    """
    over = [
        (race, session)
        for race in races
        if not race.is_cancelled
        for session in race.sessions
        if session.kind in sessions and session.kind in FETCHED and session.ends_at <= now
    ]
    wanted = [(race, session) for race, session in over if again or (race.id, session.kind) not in fetched]
    units = tuple(
        Work(
            WorkKind.FETCH,
            f"{fetch_key(race.id, session.kind)}/" + (f"by-hand-{now:%Y%m%dT%H%M%S}" if again else "history"),
            f"{race.id} {session.kind}, asked for by hand",
            race_id=race.id,
            session=session.kind,
            use_cache=not again,
            is_live=is_learned_now(session, now),
            by_hand=True,
        )
        for race, session in wanted
    )
    calls: dict[Host, int] = {}
    for _, session in wanted:
        for host, number in planned_calls(session.kind).items():
            calls[host] = calls.get(host, 0) + number
    return Plan(units, len(over) - len(wanted), calls, _takes(calls, per_hour, per_second))


def _takes(
    calls: Mapping[Host, int], per_hour: Mapping[Host, int], per_second: Mapping[Host, float]
) -> timedelta:
    """Full hours of waiting, and the pace of what is left."""
    longest = timedelta(0)
    for host, number in calls.items():
        hours, rest = divmod(max(number - 1, 0), per_hour[host])
        longest = max(longest, timedelta(hours=hours, seconds=round((rest + 1) / per_second[host])))
    return longest


async def fetched_before(season: Season, races: Sequence[Race]) -> set[tuple[str, SessionKind]]:
    """The sessions of some races of which any fetch was finished."""
    from f1graph.store.work import work_begun

    async with season.store.read() as read:
        rows = await work_begun(read, [race.id for race in races], since=season.clock())
    done = [row for row in rows.values() if row.kind == WorkKind.FETCH and row.status is WorkStatus.DONE]
    return {
        (race.id, session.kind)
        for race in races
        for session in race.sessions
        if any(row.key.startswith(f"{fetch_key(race.id, session.kind)}/") for row in done)
    }


async def fetch_all(
    season: Season, units: Sequence[Work], *, waits: bool, on_progress: OnProgress
) -> list[Outcome]:
    """Does the units one after the other; where the budget has no room, waits for it or stops.

    It may be stopped at any moment: what is done is in the ledger and is not asked for again.
    """
    outcomes: list[Outcome] = []
    for work in units:
        on_progress(work, None)
        outcome = await do_unit(season, work)
        while waits and outcome.result is Result.WAITING:
            on_progress(work, outcome)
            await _until_it_may_begin(season, work)
            outcome = await do_unit(season, work)
        outcomes.append(outcome)
        on_progress(work, outcome)
        if outcome.result is Result.WAITING:
            break
    return outcomes


async def _until_it_may_begin(season: Season, work: Work) -> None:
    row: LedgerRow | None
    while True:
        async with season.store.read() as read:
            row = (await ledger_rows(read, [work.key])).get(work.key)
        left = timedelta(0) if row is None else row.expires_at - season.clock()
        if left <= timedelta(0):
            return
        await asyncio.sleep(min(left, _LOOKS_EVERY).total_seconds())
