"""What is due: calendar, known facts, ledger and time in, work out. Pure: it reads and changes nothing.

All decisions about *when* stand here. A missed cron tick costs nothing: the next call finds what it missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from f1graph.races.calendar import PRACTICES, Race, Session, SessionKind
from f1graph.races.past import FactKey
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import GRID_KNOWN_BEFORE_START, Stage, StageWindow, stage_windows
from f1graph.sources.fastf1.answers import FETCHED
from f1graph.store.ledger import LedgerRow, WorkStatus

DAILY_REFRESH = time(12, 0, tzinfo=UTC)

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

# How long a stage waits for its inputs, and how long before its end it stops waiting.
WAIT_FOR_INPUTS = timedelta(hours=2)
LATEST_BEFORE_END = timedelta(minutes=30)


class WorkKind(StrEnum):
    """In the order in which one needs the other."""

    FETCH = "FETCH"
    FORECAST = "FORECAST"
    SCORE = "SCORE"
    METRICS = "METRICS"


@dataclass(frozen=True, slots=True)
class Work:
    """One unit of work.

    Attributes:
        key: Unique in the ledger, for all time.
        reason: Why it is due, for people.
        session: FETCH: the one session that is asked for; None for all that a source knows.
        season: FETCH: the season whose schedule is asked for.
        use_cache: FETCH: what was fetched before may be used; False asks anew.
        is_live: FETCH: what comes is learned at that moment; False for the back-fill of history.
        by_hand: Somebody waits for it: after a failure it may be asked for again at once.
        cause: FORECAST: what happened since the stage's last one, or what opened the stage; None where
            nothing of that is known.
        closes_at: FORECAST: not to be made after this.
        inputs: FORECAST: the revisions of the facts that it follows, 0 for unknown.
        forecast_ids, revision: SCORE: what is to be scored, and against which revision of the result.
    """

    kind: WorkKind
    key: str
    reason: str
    race_id: str | None = None
    stage: Stage | None = None
    session: SessionKind | None = None
    season: int | None = None
    use_cache: bool = False
    is_live: bool = True
    by_hand: bool = False
    cause: str | None = None
    closes_at: datetime | None = None
    inputs: tuple[tuple[str, int], ...] = ()
    forecast_ids: tuple[str, ...] = ()
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Unscored:
    """A forecast without a score against the newest known result of its race."""

    forecast_id: str
    race_id: str
    revision: int


def due_work(
    *,
    races: Iterable[Race],
    known: Mapping[FactKey, int],
    ledger: Mapping[str, LedgerRow],
    unscored: Sequence[Unscored],
    bundles: Mapping[Stage, str],
    now: datetime,
    by_session: bool = False,
) -> tuple[Work, ...]:
    """Everything that may be begun now, in the order in which one needs the other.

    Args:
        races: The calendar around now: at least the race before and the next one.
        known: The newest revision known at `now` of each fact of these races.
        ledger: The work of these races and of the last days, by key.
        unscored: At `now`, in the order of publication.
        bundles: The checksum of the active bundle of the served model, per stage.
        by_session: There is a source that is asked for one session at a time, beside the one that tells
            everything it knows.
    """
    calendar = sorted((race for race in races if not race.is_cancelled), key=lambda race: race.starts_at)
    begun = _Ledger(ledger, now)
    fetches = [_daily_fetch(now)]
    if by_session:
        fetches += [*_schedule_fetch(calendar, now), *_fetches_by_session(calendar, begun, now)]
    else:
        fetches += [*_session_fetches(calendar, begun, now), *_grid_fetches(calendar, begun, now)]
    forecasts = list(_forecasts(calendar, known, begun, bundles, now))
    scores = list(scoring_work(unscored))
    open_scores = [work for work in scores if begun.may_begin(work)]
    metrics = [] if open_scores else list(_metrics(begun, now))
    found = {work.key: work for work in (*fetches, *forecasts, *open_scores, *metrics)}
    return tuple(work for work in found.values() if begun.may_begin(work))


class _Ledger:
    """What has been begun, as seen at a moment."""

    def __init__(self, rows: Mapping[str, LedgerRow], now: datetime) -> None:
        self._rows = rows
        self._now = now

    def may_begin(self, work: Work) -> bool:
        row = self._rows.get(work.key)
        return row is None or (row.status is not WorkStatus.DONE and row.expires_at <= self._now)

    def done(self, kind: WorkKind, race_id: str | None = None) -> list[LedgerRow]:
        """Finished work of a kind, the oldest first."""
        rows = [
            row
            for row in self._rows.values()
            if row.kind == kind
            and row.status is WorkStatus.DONE
            and (race_id is None or row.race_id == race_id)
        ]
        return sorted(rows, key=lambda row: (row.finished_at or row.claimed_at, row.key))

    def fetches_of(self, race_id: str, name: str) -> list[LedgerRow]:
        """Finished fetches of one session (or of the grid) alone, the oldest first."""
        prefix = f"{fetch_key(race_id, name)}/"
        return [row for row in self.done(WorkKind.FETCH, race_id) if row.key.startswith(prefix)]

    def was_done_since(self, kind: WorkKind, moment: datetime) -> bool:
        return any(row.claimed_at >= moment for row in self.done(kind))


def latest_refresh(now: datetime) -> datetime:
    """The last noon that has passed."""
    today = datetime.combine(now.date(), DAILY_REFRESH)
    return today if today <= now else today - timedelta(days=1)


def _daily_fetch(now: datetime) -> Work:
    noon = latest_refresh(now)
    return Work(
        WorkKind.FETCH,
        f"{WorkKind.FETCH}/daily/{noon:%Y-%m-%d}",
        f"the daily refresh of {noon:%d %B %Y}, 12:00 UTC",
    )


def _session_fetches(calendar: Sequence[Race], begun: _Ledger, now: datetime) -> Iterator[Work]:
    """Of each session the newest fetch after its end, unless a later one has brought everything since."""
    for race in calendar:
        for session in race.sessions:
            waits = [wait for wait in FETCHES_AFTER_END if session.ends_at + wait <= now]
            if session.is_nominal or not waits:
                continue
            due_at = session.ends_at + waits[-1]
            if now < due_at + _FETCH_CATCHES_UP and not begun.was_done_since(WorkKind.FETCH, due_at):
                yield _session_fetch(race, session, waits[-1])


def _grid_fetches(
    calendar: Sequence[Race], begun: _Ledger, now: datetime, *, only_of_race: bool = False
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
        f"{_spoken(session.kind)} of {race.id} ended" + (f" {_spoken_wait(wait)} ago" if wait else ""),
        race_id=race.id,
    )


def fetch_key(race_id: str, name: str) -> str:
    """What the keys of all fetches of one session (or of the grid) begin with."""
    return f"{WorkKind.FETCH}/{race_id}/{name}"


def _schedule_fetch(calendar: Sequence[Race], now: datetime) -> Iterator[Work]:
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


def _fetches_by_session(calendar: Sequence[Race], begun: _Ledger, now: datetime) -> Iterator[Work]:
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
                use_cache=only_lacked_an_answer(since[-1]),
            )


def only_lacked_an_answer(row: LedgerRow) -> bool:
    """Whether what did come was sound, so that a cache holds nothing that should be asked for anew."""
    return all(problem["code"] in _NO_ANSWER for problem in row.detail.get("problems", ()))


def _grid_fetch_by_session(race: Race, begun: _Ledger, now: datetime) -> Iterator[Work]:
    """Before the start qualifying once more: who was disqualified or replaced starts from elsewhere."""
    qualifying = race.session(SessionKind.QUALIFYING)
    if qualifying is None or qualifying.is_nominal:
        return
    for work in _grid_fetches([race], begun, now, only_of_race=True):
        yield replace(work, session=SessionKind.QUALIFYING)


def _forecasts(
    calendar: Sequence[Race],
    known: Mapping[FactKey, int],
    begun: _Ledger,
    bundles: Mapping[Stage, str],
    now: datetime,
) -> Iterator[Work]:
    """The open stages of the next race: of a race that has begun there is nothing to be said any more."""
    position = next((i for i, race in enumerate(calendar) if race.starts_at >= now), None)
    if position is None:
        return
    race = calendar[position]
    before = calendar[position - 1] if position else None
    for window in stage_windows(race):
        opens_at = window.opens_at
        if window.stage is Stage.BEFORE_WEEKEND and before is not None:
            opens_at = before.ends_at
        if (opens_at is None or opens_at <= now) and now <= window.closes_at:
            work = _forecast(race, before, window, opens_at, known, begun, bundles, now)
            if work is not None:
                yield work


def _forecast(
    race: Race,
    before: Race | None,
    window: StageWindow,
    opens_at: datetime | None,
    known: Mapping[FactKey, int],
    begun: _Ledger,
    bundles: Mapping[Stage, str],
    now: datetime,
) -> Work | None:
    stage = window.stage
    inputs = _inputs(race, before, stage, known)
    key = f"{WorkKind.FORECAST}/{race.id}/{stage}/" + ",".join(f"{name}={number}" for name, number in inputs)
    rows = [row for row in begun.done(WorkKind.FORECAST, race.id) if row.detail.get("stage") == stage]
    if not rows:
        cause = _what_opened(stage, inputs)
        missing = [name for name, revision in inputs if revision == 0]
        if missing and now < _deadline(window, opens_at):
            return None
        reason = f"{stage} of {race.id} is open" + (
            f"; not known yet: {', '.join(_spoken(name) for name in missing)}" if missing else ""
        )
    else:
        last = rows[-1].detail
        cause = _what_changed(dict(last["inputs"]), inputs)
        active, used = bundles.get(stage), last.get("bundle")
        if cause is None and active is not None and used is not None and active != used:
            cause = "new model"
            key += f"/model={active[:12]}"
        if cause is None:
            return None
        reason = f"{stage} of {race.id} again: {cause}"
    return Work(
        WorkKind.FORECAST,
        key,
        reason,
        race_id=race.id,
        stage=stage,
        cause=cause,
        closes_at=window.closes_at,
        inputs=inputs,
    )


def _deadline(window: StageWindow, opens_at: datetime | None) -> datetime:
    """Until when a stage waits for its inputs; with no beginning it does not wait."""
    if opens_at is None:
        return datetime.min.replace(tzinfo=UTC)
    return max(opens_at, min(opens_at + WAIT_FOR_INPUTS, window.closes_at - LATEST_BEFORE_END))


# Whose corrections change who races and from where. Of the others it matters only that they are there.
_REVISIONS_COUNT = frozenset(
    {ClassificationKind.ENTRY_LIST, ClassificationKind.GRID, ClassificationKind.QUALIFYING}
)
_RESULT_BEFORE = "PREVIOUS_RACE"


def _inputs(
    race: Race, before: Race | None, stage: Stage, known: Mapping[FactKey, int]
) -> tuple[tuple[str, int], ...]:
    """What the stage should know, each with the revision that counts; 0 is unknown."""

    def revision(race_id: str, kind: ClassificationKind) -> int:
        number = known.get((race_id, kind), 0)
        return number if kind in _REVISIONS_COUNT else min(number, 1)

    if stage is Stage.BEFORE_WEEKEND:
        entered = (str(ClassificationKind.ENTRY_LIST), revision(race.id, ClassificationKind.ENTRY_LIST))
        if before is None:
            return (entered,)
        return (entered, (_RESULT_BEFORE, revision(before.id, ClassificationKind.RACE)))
    kinds = [ClassificationKind.ENTRY_LIST, *_stage_kinds(race, stage)]
    return tuple((str(kind), revision(race.id, kind)) for kind in kinds)


def _stage_kinds(race: Race, stage: Stage) -> list[ClassificationKind]:
    if stage is Stage.AFTER_PRACTICE:
        closes_at = next(window.closes_at for window in stage_windows(race) if window.stage is stage)
        return [
            ClassificationKind(session.kind.value)
            for session in race.sessions
            if session.kind in PRACTICES and session.ends_at <= closes_at
        ]
    if stage is Stage.AFTER_SPRINT:
        return [ClassificationKind.SPRINT]
    sprint = [ClassificationKind.SPRINT] if race.has_sprint else []
    return [*sprint, ClassificationKind.QUALIFYING, ClassificationKind.GRID]


def _what_opened(stage: Stage, inputs: Sequence[tuple[str, int]]) -> str | None:
    """What the stage knows and the one before it did not, in words; None where nothing of it is known."""
    told_before = {str(ClassificationKind.ENTRY_LIST)}
    if stage is Stage.AFTER_QUALIFYING:
        told_before.add(str(ClassificationKind.SPRINT))
    news = [_spoken(name) for name, revision in inputs if revision and name not in told_before]
    if not news:
        return None
    return " and ".join(filter(None, (", ".join(news[:-1]), news[-1]))) + " became known"


def _what_changed(last: Mapping[str, int], inputs: Sequence[tuple[str, int]]) -> str | None:
    """In words, or None. A session that a new calendar added or dropped is no news by itself."""
    news = []
    for name, revision in inputs:
        if revision > last.get(name, 0):
            verb = "changed" if last.get(name, 0) else "became known"
            news.append(f"{_spoken(name)} {verb}")
    return " and ".join(news) or None


def scoring_work(unscored: Sequence[Unscored]) -> Iterator[Work]:
    """One unit per race and revision of its result."""
    of_result: dict[tuple[str, int], list[str]] = {}
    for one in unscored:
        of_result.setdefault((one.race_id, one.revision), []).append(one.forecast_id)
    for (race_id, revision), ids in of_result.items():
        # The last forecast's id is in the key, so that one stored after the scoring is scored too.
        yield Work(
            WorkKind.SCORE,
            f"{WorkKind.SCORE}/{race_id}/revision={revision}/{ids[-1][:12]}",
            f"{race_id} is classified"
            + (f", revision {revision}" if revision > 1 else "")
            + f": {len(ids)} forecast{'s' if len(ids) > 1 else ''} to score",
            race_id=race_id,
            forecast_ids=tuple(ids),
            revision=revision,
        )


def _metrics(begun: _Ledger, now: datetime) -> Iterator[Work]:
    """After the last scores, and once a day; the one makes the other unnecessary."""
    scored = begun.done(WorkKind.SCORE)
    noon = latest_refresh(now)
    if scored:
        last = scored[-1]
        key = f"{WorkKind.METRICS}/{last.key}"
        if not begun.was_done_since(WorkKind.METRICS, last.finished_at or last.claimed_at):
            yield Work(WorkKind.METRICS, key, f"{last.race_id} was scored")
            return
    if not begun.was_done_since(WorkKind.METRICS, noon):
        yield Work(
            WorkKind.METRICS,
            f"{WorkKind.METRICS}/daily/{noon:%Y-%m-%d}",
            f"the daily refresh of {noon:%d %B %Y}, 12:00 UTC",
        )


_SPOKEN = {
    "ENTRY_LIST": "the entry list",
    "GRID": "the grid",
    "QUALIFYING": "qualifying",
    "SPRINT": "the sprint",
    "RACE": "the race",
    _RESULT_BEFORE: "the result of the race before",
}


def _spoken(name: str) -> str:
    return _SPOKEN.get(name) or name.replace("_", " ").lower()


def _minutes(wait: timedelta) -> str:
    return f"{wait // timedelta(minutes=1):+d}min"


def _spoken_wait(wait: timedelta) -> str:
    if wait >= timedelta(days=1):
        return f"{wait.days} days"
    hours, minutes = divmod(wait // timedelta(minutes=1), 60)
    return f"{hours} hours" if hours else f"{minutes} minutes"
