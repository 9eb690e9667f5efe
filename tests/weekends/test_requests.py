"""Refreshes that were asked for through the API, as a worker finds and does them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from f1graph.errors import SourceUnavailableError
from f1graph.races.calendar import Race, SessionKind
from f1graph.store.engine import Store
from f1graph.store.keys import Scope, create_key
from f1graph.store.refresh_requests import RefreshRequest, ask_for_refresh, open_requests
from f1graph.weekends.due import due_work
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import Outcome, Result, run_due
from f1graph.weekends.work import FETCH_PAUSES, Work, WorkKind
from tests.builders import a_moment, a_race, a_season
from tests.weekends.recorded import (
    MovingClock,
    RecordedSessions,
    RecordedSource,
    fetches_of,
)

FIRST, SECOND, THIRD = a_season(2024, 3)
NOW = a_moment("2024-03-14 13:00")


def a_request(race: Race | None = None, session: SessionKind | None = None) -> RefreshRequest:
    what = "everything" if race is None else f"{race.id}/{session}"
    return RefreshRequest(f"FETCH/{what}/asked-1", race.id if race else None, session, NOW, "key")


def requested(request: RefreshRequest, *races: Race, by_session: bool = True, now: datetime = NOW) -> Work:
    """What is due because of a request."""
    due = due_work(
        races=(FIRST, SECOND, THIRD),
        known={},
        ledger={},
        unscored=(),
        bundles={},
        now=now,
        by_session=by_session,
        requests=[request],
        races_asked_for={race.id: race for race in races},
    )
    (found,) = [work for work in due if work.key == request.unit]
    return found


def test_a_session_that_was_asked_for_is_fetched_past_every_cache() -> None:
    work = requested(a_request(FIRST, SessionKind.RACE), FIRST)
    assert (work.kind, work.race_id, work.session) == (WorkKind.FETCH, FIRST.id, SessionKind.RACE)
    assert not work.use_cache
    assert work.is_live
    assert work.reason == f"the race of {FIRST.id} was asked for"


def test_what_comes_of_a_race_of_the_year_before_is_history() -> None:
    """Nobody knows when it was published."""
    assert not requested(
        a_request(FIRST, SessionKind.RACE), FIRST, now=FIRST.ends_at + timedelta(days=40)
    ).is_live


@pytest.mark.parametrize(
    ("request_", "races", "by_session"),
    [
        (a_request(), (), True),
        (a_request(FIRST, SessionKind.RACE), (FIRST,), False),
        (a_request(a_race(1994, 1), SessionKind.RACE), (a_race(1994, 1),), True),
        # The calendar has lost it meanwhile.
        (a_request(a_race(2024, 9), SessionKind.RACE), (), True),
    ],
)
def test_what_cannot_be_asked_for_alone_comes_with_everything(
    request_: RefreshRequest, races: tuple[Race, ...], by_session: bool
) -> None:
    work = requested(request_, *races, by_session=by_session)
    assert (work.kind, work.session, work.season) == (WorkKind.FETCH, None, None)


async def ask(
    store: Store, clock: MovingClock, race: Race | None = None, session: SessionKind | None = None
) -> RefreshRequest:
    async with store.write() as write:
        key, _ = await create_key(write, name="ours", scopes=[Scope.REFRESH], now=clock())
        asked, _ = await ask_for_refresh(
            write,
            race_id=None if race is None else race.id,
            session=session,
            key_id=key.id,
            now=clock(),
        )
    return asked


async def run(
    store: Store, source: RecordedSource, clock: MovingClock, sessions: RecordedSessions | None = None
) -> dict[str, Outcome]:
    outcomes = await run_due(
        store,
        source,
        None,
        clock=clock,
        worker_name="worker",
        only={WorkKind.FETCH},
        sessions=None if sessions is None else fetches_of(sessions),
    )
    return {outcome.work.key: outcome for outcome in outcomes}


async def test_a_worker_does_each_refresh_once(
    store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    await take_in(store, source, now=clock())
    sessions = RecordedSessions(source)
    asked = await ask(store, clock, FIRST, SessionKind.QUALIFYING)
    everything = await ask(store, clock)

    done = await run(store, source, clock, sessions)
    assert done[asked.unit].result is done[everything.unit].result is Result.DONE
    assert (FIRST.id, SessionKind.QUALIFYING, clock(), False) in sessions.asked
    async with store.read() as read:
        assert await open_requests(read, now=clock()) == []

    clock.move(timedelta(minutes=5))
    again = await run(store, source, clock, sessions)
    assert {asked.unit, everything.unit} & set(again) == set()


async def test_a_refresh_that_fails_is_tried_three_times_and_then_given_up(
    store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    await take_in(store, source, now=clock())
    await run(store, source, clock)
    asked = await ask(store, clock)
    source.fails = 100
    results = []
    for _ in range(5):
        found = (await run(store, source, clock)).get(asked.unit)
        results.append(None if found is None else found.result)
        clock.move(FETCH_PAUSES[1] + timedelta(seconds=1))

    assert results == [Result.FAILED] * 3 + [None] * 2
    with pytest.raises(SourceUnavailableError):
        await source.fetch(now=clock())


async def test_a_fetch_that_was_asked_for_counts_as_the_sessions_own(
    store: Store, source: RecordedSource, clock: MovingClock
) -> None:
    """What a session's end makes due is not asked for a second time."""
    await take_in(store, source, now=clock())
    clock.now = SECOND.sessions[0].ends_at + timedelta(minutes=40)
    sessions = RecordedSessions(source)
    await ask(store, clock, SECOND, SECOND.sessions[0].kind)

    await run(store, source, clock, sessions)

    asked = [one for one in sessions.asked if one[:2] == (SECOND.id, SECOND.sessions[0].kind)]
    assert len(asked) == 1
