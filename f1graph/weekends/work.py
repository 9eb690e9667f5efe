"""Units of work, and what of it has been begun. When something is due is decided elsewhere: see `due`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from f1graph.races.calendar import SessionKind
from f1graph.races.stages import Stage
from f1graph.store.backtests import Leg
from f1graph.store.ledger import LedgerRow, WorkStatus

# A fetch of one session, or of the weather, that failed is repeated after these pauses, then given up: each
# attempt costs calls, and a host may be out of order for days.
FETCH_PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=2),
)
MOST_FETCH_ATTEMPTS = len(FETCH_PAUSES) + 1
# Somebody waits for a leg of a back-test: it is tried again at once, and then given up.
MOST_WALKS = 3
# What an input is called that is a fact of another race.
RESULT_BEFORE = "PREVIOUS_RACE"


class WorkKind(StrEnum):
    """In the order in which one needs the other; trained is when nothing else is to be done, and a back-test
    is walked only because somebody asked for it."""

    FETCH = "FETCH"
    WEATHER = "WEATHER"
    FORECAST = "FORECAST"
    SCORE = "SCORE"
    METRICS = "METRICS"
    TRAIN = "TRAIN"
    BACKTEST = "BACKTEST"


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
        model: TRAIN: which one.
        backtest_id, leg: BACKTEST: what is walked of which.
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
    model: str | None = None
    backtest_id: str | None = None
    leg: Leg | None = None

    @property
    def asks_once(self) -> bool:
        """Whether it asks hosts for one thing that may never come: each attempt costs calls."""
        return self.session is not None or self.kind is WorkKind.WEATHER


@dataclass(frozen=True, slots=True)
class Unscored:
    """A forecast without a score against the newest known result of its race."""

    forecast_id: str
    race_id: str
    revision: int


class Begun:
    """What has been begun, as seen at a moment."""

    def __init__(self, rows: Mapping[str, LedgerRow], now: datetime) -> None:
        self._rows = rows
        self._now = now

    def may_begin(self, work: Work) -> bool:
        row = self._rows.get(work.key)
        if row is None:
            return True
        if work.asks_once and row.attempts >= MOST_FETCH_ATTEMPTS:
            return False
        if work.leg is not None and row.attempts >= MOST_WALKS:
            return False
        return row.status is not WorkStatus.DONE and row.expires_at <= self._now

    def has_failed(self, kind: WorkKind, race_id: str) -> bool:
        """Whether the last attempt at any unit of a race failed."""
        return any(
            row.kind == kind and row.race_id == race_id and row.status is WorkStatus.FAILED
            for row in self._rows.values()
        )

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


def fetch_key(race_id: str, name: str) -> str:
    """What the keys of all fetches of one session (or of the grid) begin with."""
    return f"{WorkKind.FETCH}/{race_id}/{name}"


_SPOKEN = {
    "ENTRY_LIST": "the entry list",
    "GRID": "the grid",
    "QUALIFYING": "qualifying",
    "SPRINT": "the sprint",
    "RACE": "the race",
    RESULT_BEFORE: "the result of the race before",
}


def spoken(name: str) -> str:
    return _SPOKEN.get(name) or name.replace("_", " ").lower()
