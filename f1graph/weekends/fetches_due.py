"""When what is to be fetched, from whom is asked for everything and who is asked for one session. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from f1graph.races.calendar import Race, Session, SessionKind
from f1graph.races.refreshes import latest_refresh
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.sources.fastf1.answers import FETCHED
from f1graph.store.ledger import LedgerRow
from f1graph.weekends.work import Begun, Work, WorkKind, fetch_key, spoken

# Lists are published minutes after a session, come in half empty at first, and are corrected for weeks.
FETCHES_AFTER_END = (
    timedelta(0),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
    timedelta(days=3),
    timedelta(days=30),
)
# The same for a source that is asked for one session at a time; nothing is published at the very end.
SESSION_FETCHES_AFTER_END = FETCHES_AFTER_END[1:]
# A fetch whose answer lacked a part is repeated after these pauses, until the next one is due anyway.
FETCH_AGAIN_AFTER = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
# What went wrong in a way that leaves nothing in a cache.
_NO_ANSWER = frozenset(
    {
        "UNAVAILABLE",
        "BLOCKED",
        "RATE_LIMITED",
        "TIMED_OUT",
        "TRUNCATED",
        "NOT_JSON",
        "BUDGET_SPENT",
        "UNKNOWN_ID",
        "CRASHED",
    }
)
# Who slept for weeks catches up with the sessions of the last weekends; what is older is a back-fill.
_SESSION_FETCH_CATCHES_UP = timedelta(days=14)
# The final grid stands half an hour before the start and may be published some minutes later.
FETCHES_BEFORE_START = (GRID_KNOWN_BEFORE_START, GRID_KNOWN_BEFORE_START / 2)
# An older fetch that was missed is left to the daily refresh: whatever is newer asks for the same.
_FETCH_CATCHES_UP = timedelta(days=2)


def is_learned_now(session: Session, now: datetime) -> bool:
    """Whether what comes of a session is of now; what is corrected later than this is of its past."""
    return now < session.ends_at + FETCHES_AFTER_END[-1]


def daily_fetch(now: datetime) -> Work:
    noon = latest_refresh(now)
    return Work(
        WorkKind.FETCH,
        f"{WorkKind.FETCH}/daily/{noon:%Y-%m-%d}",
        f"the daily refresh of {noon:%d %B %Y}, 12:00 UTC",
    )


def session_fetches(calendar: Sequence[Race], begun: Begun, now: datetime) -> Iterator[Work]:
    """Of each session the newest fetch after its end, unless a later one has brought everything since."""
    for race in calendar:
        for session in race.sessions:
            waits = [wait for wait in FETCHES_AFTER_END if session.ends_at + wait <= now]
            if session.is_nominal or not waits:
                continue
            due_at = session.ends_at + waits[-1]
            if now < due_at + _FETCH_CATCHES_UP and not begun.was_done_since(WorkKind.FETCH, due_at):
                yield _session_fetch(race, session, waits[-1])


def grid_fetches(
    calendar: Sequence[Race], begun: Begun, now: datetime, *, only_of_race: bool = False
) -> Iterator[Work]:
    """What is asked between qualifying and the start: who starts from where after all."""
    for race in calendar:
        times = [race.starts_at - wait for wait in FETCHES_BEFORE_START]
        due_at = max((moment for moment in times if moment <= now), default=None)
        if race.race_session.is_nominal or due_at is None or now > race.starts_at:
            continue
        if only_of_race:
            done = any(row.claimed_at >= due_at for row in begun.fetches_of(race.id, ClassificationKind.GRID))
        else:
            done = begun.was_done_since(WorkKind.FETCH, due_at)
        if not done:
            yield Work(
                WorkKind.FETCH,
                f"{fetch_key(race.id, ClassificationKind.GRID)}/{_minutes(due_at - race.starts_at)}",
                f"the grid of {race.id} stands",
                race_id=race.id,
            )


def _session_fetch(race: Race, session: Session, wait: timedelta) -> Work:
    return Work(
        WorkKind.FETCH,
        f"{fetch_key(race.id, session.kind)}/{_minutes(wait)}",
        f"{spoken(session.kind)} of {race.id} ended" + (f" {_spoken_wait(wait)} ago" if wait else ""),
        race_id=race.id,
    )


def schedule_fetch(calendar: Sequence[Race], now: datetime) -> Iterator[Work]:
    """Once a day: sessions are moved, races postponed and cancelled."""
    noon = latest_refresh(now)
    season = next((race.season for race in calendar if race.ends_at >= now), None)
    if season is not None:
        yield Work(
            WorkKind.FETCH,
            f"{WorkKind.FETCH}/schedule/{noon:%Y-%m-%d}",
            f"the schedule of {season}, once a day",
            season=season,
        )


def fetches_by_session(calendar: Sequence[Race], begun: Begun, now: datetime) -> Iterator[Work]:
    """Of each session the newest fetch that is due: a fetch of one brings nothing of another.

    What happened last comes first: it is what the next forecast waits for.
    """
    found: list[tuple[datetime, Work]] = []
    for race in calendar:
        for session in race.sessions:
            if session.is_nominal or session.kind not in FETCHED:
                continue
            waits = [wait for wait in SESSION_FETCHES_AFTER_END if session.ends_at + wait <= now]
            due_at = session.ends_at + waits[-1] if waits else now
            if waits and now < due_at + _SESSION_FETCH_CATCHES_UP:
                work = _session_fetch(race, session, waits[-1])
                rows = begun.fetches_of(race.id, session.kind)
                found += [(session.ends_at, one) for one in _first_or_again(work, session, rows, due_at, now)]
        found += [(race.starts_at, work) for work in _grid_fetch_by_session(race, begun, now)]
    yield from (work for _, work in sorted(found, key=lambda one: one[0], reverse=True))


def _first_or_again(
    work: Work, session: Session, rows: Sequence[LedgerRow], due_at: datetime, now: datetime
) -> Iterator[Work]:
    work = replace(work, session=session.kind, use_cache=not rows)
    since = [row for row in rows if row.claimed_at >= due_at]
    if not since:
        yield work
    elif since[-1].detail.get("again") and len(since) <= len(FETCH_AGAIN_AFTER):
        number = len(since)
        last = since[-1].finished_at or since[-1].claimed_at
        if last + FETCH_AGAIN_AFTER[number - 1] <= now:
            yield replace(
                work,
                key=f"{work.key}/again-{number}",
                reason=f"{work.reason}; a part of it is missing still",
                # Only what the very first fetch has cached is of now.
                use_cache=len(since) == len(rows) and only_lacked_an_answer(since[-1]),
            )


def only_lacked_an_answer(row: LedgerRow) -> bool:
    """Whether what did come was sound, so that a cache holds nothing that should be asked for anew."""
    return all(problem["code"] in _NO_ANSWER for problem in row.detail.get("problems", ()))


def _grid_fetch_by_session(race: Race, begun: Begun, now: datetime) -> Iterator[Work]:
    """Before the start qualifying once more: who was disqualified or replaced starts from elsewhere."""
    qualifying = race.session(SessionKind.QUALIFYING)
    if qualifying is None or qualifying.is_nominal:
        return
    for work in grid_fetches([race], begun, now, only_of_race=True):
        yield replace(work, session=SessionKind.QUALIFYING)


def _minutes(wait: timedelta) -> str:
    return f"{wait // timedelta(minutes=1):+d}min"


def _spoken_wait(wait: timedelta) -> str:
    if wait >= timedelta(days=1):
        return f"{wait.days} days"
    hours, minutes = divmod(wait // timedelta(minutes=1), 60)
    return f"{hours} hours" if hours else f"{minutes} minutes"
