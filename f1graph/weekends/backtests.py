"""Back-tests that somebody waits for: which legs there are to be walked, and how far they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from f1graph.store.backtests import AskedBacktest
from f1graph.store.ledger import LedgerRow, WorkStatus
from f1graph.weekends.work import MOST_WALKS, Work, WorkKind


def backtests_due(backtests: Sequence[AskedBacktest]) -> Iterator[Work]:
    """All legs, in the order of the walk, of what was asked for first first."""
    for asked in backtests:
        for leg in asked.legs:
            yield Work(
                WorkKind.BACKTEST,
                asked.key(leg),
                f"{leg.forecasts} forecasts of {leg.season}, {leg.stage}, are asked for",
                by_hand=True,
                backtest_id=asked.id,
                leg=leg,
            )


@dataclass(frozen=True)
class BacktestProgress:
    """How far a back-test is.

    Attributes:
        forecasts: How many have been made, of all legs together.
        done, at_work: How many legs.
        free: The legs that anybody may begin, each under another name after each attempt.
        failure: Why it cannot be finished, if so.
    """

    forecasts: int
    done: int
    at_work: int
    free: frozenset[str]
    failure: str | None


def backtest_progress(
    asked: AskedBacktest, ledger: Mapping[str, LedgerRow], now: datetime
) -> BacktestProgress:
    """How far a back-test is, as the ledger tells at `now`."""
    forecasts, done, at_work, free, failure = 0, 0, 0, set[str](), None
    for leg in asked.legs:
        key = asked.key(leg)
        row = ledger.get(key)
        if row is None:
            free.add(f"{key}/0")
        elif row.status is WorkStatus.DONE:
            done, forecasts = done + 1, forecasts + leg.forecasts
        elif row.status is WorkStatus.CLAIMED and row.expires_at > now:
            at_work, forecasts = at_work + 1, forecasts + int(row.detail.get("forecasts", 0))
        elif row.attempts < MOST_WALKS:
            free.add(f"{key}/{row.attempts}")
        else:
            why = row.error if row.status is WorkStatus.FAILED else "the workers that began it were killed"
            failure = (
                f"{leg.name} was begun {row.attempts} times and never finished: {why}. "
                "What was walked is kept: ask again to go on"
            )
    return BacktestProgress(forecasts, done, at_work, frozenset(free), failure)
