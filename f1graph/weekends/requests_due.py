"""Fetches because somebody asked for them through the API. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from f1graph.races.calendar import Race
from f1graph.races.refreshes import FIRST_SEASON_BY_SESSION
from f1graph.sources.fastf1.answers import FETCHED
from f1graph.store.refresh_requests import RefreshRequest
from f1graph.weekends.fetches_due import is_learned_now
from f1graph.weekends.work import Work, WorkKind, spoken


def requested_fetches(
    requests: Sequence[RefreshRequest], races: Mapping[str, Race], now: datetime, *, by_session: bool
) -> Iterator[Work]:
    """One for each request that is open. What cannot be asked for alone comes with everything.

    Args:
        races: Those of the requests, by id.
    """
    for request in requests:
        race = None if request.race_id is None else races.get(request.race_id)
        session = None if race is None or request.session is None else race.session(request.session)
        if race is None or session is None:
            yield Work(WorkKind.FETCH, request.unit, "everything was asked for")
            continue
        alone = by_session and race.season >= FIRST_SEASON_BY_SESSION and session.kind in FETCHED
        yield Work(
            WorkKind.FETCH,
            request.unit,
            f"{spoken(session.kind)} of {race.id} was asked for",
            race_id=race.id,
            session=session.kind if alone else None,
            is_live=is_learned_now(session, now),
        )
