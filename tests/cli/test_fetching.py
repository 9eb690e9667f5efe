"""`f1graph fetch`: what it refuses, and what it plans."""

from __future__ import annotations

from datetime import timedelta

import pytest

from f1graph.cli.fetching import SESSIONS
from f1graph.errors import RequestError
from f1graph.races.calendar import SessionKind
from f1graph.sources.fastf1 import Host
from f1graph.weekends.backfill import plan_fetches
from tests.builders import a_moment, a_season

SEASON = a_season(2024, 3)
AFTER = SEASON[-1].ends_at + timedelta(days=100)
PER_HOUR = {**dict.fromkeys(Host, 400), Host.ERGAST: 10}
PER_SECOND = dict.fromkeys(Host, 2.0)


def test_a_season_is_planned_from_the_budget() -> None:
    """S2: hosts allow so many calls an hour, and fewer every year."""
    planned = plan_fetches(
        SEASON,
        sessions=tuple(SESSIONS.values()),
        fetched=set(),
        per_hour=PER_HOUR,
        per_second=PER_SECOND,
        again=False,
        now=AFTER,
    )
    assert len(planned.units) == sum(len(race.sessions) for race in SEASON)
    assert planned.calls[Host.ERGAST] == 3 * (3 + 1 + 2)
    # Eighteen calls at ten an hour: one hour of waiting, then eight calls at two a second.
    assert planned.takes >= timedelta(hours=1, seconds=4)
    assert all(unit.use_cache and not unit.is_live for unit in planned.units)


def test_what_was_fetched_before_is_not_planned_again_unless_asked_for() -> None:
    """S2: hosts allow so many calls an hour, and fewer every year."""
    before = {(race.id, session.kind) for race in SEASON for session in race.sessions}
    before.remove((SEASON[1].id, SessionKind.RACE))
    for again, number in ((False, 1), (True, len(before) + 1)):
        planned = plan_fetches(
            SEASON,
            sessions=tuple(SESSIONS.values()),
            fetched=before,
            per_hour=PER_HOUR,
            per_second=PER_SECOND,
            again=again,
            now=AFTER,
        )
        assert len(planned.units) == number
        assert all(unit.use_cache is not again for unit in planned.units)


def test_a_session_that_is_not_over_is_not_planned() -> None:
    planned = plan_fetches(
        SEASON,
        sessions=[SessionKind.RACE],
        fetched=set(),
        per_hour=PER_HOUR,
        per_second=PER_SECOND,
        again=False,
        now=a_moment("2024-03-17 12:00"),
    )
    assert [unit.race_id for unit in planned.units] == [SEASON[0].id]


@pytest.mark.parametrize("name", ["FP4", "race", ""])
def test_a_session_that_does_not_exist_is_refused(name: str) -> None:
    from f1graph.cli.fetching import _kinds

    with pytest.raises(RequestError, match="FP1, FP2, FP3, Q, SQ, S, R"):
        _kinds(name)
