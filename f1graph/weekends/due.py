"""What is due: calendar, known facts, ledger and time in, work out. Pure: it reads and changes nothing.

All decisions about *when* stand here and in `fetches_due` and `forecasts_due`. A missed cron tick costs
nothing: the next call finds what it missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from f1graph.races.calendar import Race
from f1graph.races.past import FactKey
from f1graph.races.refreshes import latest_refresh
from f1graph.races.stages import Stage
from f1graph.store.backtests import AskedBacktest
from f1graph.store.ledger import LedgerRow
from f1graph.store.refresh_requests import RefreshRequest
from f1graph.weekends.backtests import backtests_due
from f1graph.weekends.fetches_due import (
    daily_fetch,
    fetches_by_session,
    grid_fetches,
    schedule_fetch,
    session_fetches,
)
from f1graph.weekends.forecasts_due import forecasts_due
from f1graph.weekends.requests_due import requested_fetches
from f1graph.weekends.training_due import Training, training_due
from f1graph.weekends.weather import weather_due
from f1graph.weekends.work import Begun, Unscored, Work, WorkKind


def due_work(
    *,
    races: Iterable[Race],
    known: Mapping[FactKey, int],
    ledger: Mapping[str, LedgerRow],
    unscored: Sequence[Unscored],
    bundles: Mapping[Stage, str],
    now: datetime,
    by_session: bool = False,
    training: Training | None = None,
    backtests: Sequence[AskedBacktest] = (),
    with_weather: bool = False,
    requests: Sequence[RefreshRequest] = (),
    races_asked_for: Mapping[str, Race] = MappingProxyType({}),
) -> tuple[Work, ...]:
    """Everything that may be begun now, in the order in which one needs the other.

    Args:
        races: The calendar around now: at least the race before and the next one.
        known: The newest revision known at `now` of each fact of these races.
        ledger: The work of these races and of the last days, by key.
        unscored: At `now`, in the order of publication.
        bundles: The checksum of the bundle that forecasts now, per stage.
        by_session: There is a source that is asked for one session at a time, beside the one that tells
            everything it knows.
        training: What is trained, where somebody does.
        backtests: What somebody waits for and may be walked here; their legs' work is in `ledger`.
        with_weather: Somebody is asked for the weather to come.
        requests: The refreshes that were asked for and are open.
        races_asked_for: The races of these, by id, of whatever season.
    """
    calendar = sorted((race for race in races if not race.is_cancelled), key=lambda race: race.starts_at)
    begun = Begun(ledger, now)
    # First: what was asked for of a session need not be fetched once more because it ended.
    fetches = [
        *requested_fetches(requests, races_asked_for, now, by_session=by_session),
        daily_fetch(now),
    ]
    if by_session:
        fetches += [*schedule_fetch(calendar, now), *fetches_by_session(calendar, begun, now)]
    else:
        fetches += [*session_fetches(calendar, begun, now), *grid_fetches(calendar, begun, now)]
    forecasts = forecasts_due(calendar, known, begun, bundles, now)
    scores = [work for work in scoring_work(unscored) if begun.may_begin(work)]
    metrics = [] if scores else _metrics(begun, now)
    found = [*_in_order(calendar, fetches, list(forecasts), begun, now), *scores, *metrics]
    later = [work for work in fetches if work not in found]
    trainings = () if training is None else training_due(calendar, known, training, now)
    # No model reads it, so nothing waits for it.
    weather = weather_due(calendar, now) if with_weather else ()
    every = (*found, *later, *weather, *trainings, *backtests_due(backtests))
    return tuple({work.key: work for work in every if begun.may_begin(work)}.values())


def _in_order(
    calendar: Sequence[Race], fetches: Sequence[Work], forecasts: Sequence[Work], begun: Begun, now: datetime
) -> Iterator[Work]:
    """Forecasts, and the fetches that they may wait for; what catches up with earlier races comes last.

    A forecast whose inputs are known waits for nothing. One that has waited long enough lets its own fetches
    be tried once, since whoever wakes up late may get everything within a second; as soon as one of them
    fails it is made without: a host that hangs costs it one fetch, however many are due.
    """
    following = next((i for i, race in enumerate(calendar) if race.ends_at >= now), len(calendar))
    concerned = {race.id for race in calendar[max(following - 1, 0) : following + 1]}
    goes_first = [work for work in forecasts if _waits_for_nothing(work, concerned, begun)]
    yield from goes_first
    yield from (work for work in fetches if work.race_id is None or work.race_id in concerned)
    yield from (work for work in forecasts if work not in goes_first)


def _waits_for_nothing(work: Work, concerned: Collection[str], begun: Begun) -> bool:
    is_known = all(revision for _, revision in work.inputs)
    return is_known or any(begun.has_failed(WorkKind.FETCH, race_id) for race_id in concerned)


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


def _metrics(begun: Begun, now: datetime) -> Iterator[Work]:
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


def metrics_by_hand(now: datetime) -> Work:
    """Asked for, whatever was computed before: that may have been by a clock that was ahead of this one."""
    return Work(
        WorkKind.METRICS, f"{WorkKind.METRICS}/by-hand/{now.isoformat()}", "asked for by hand", by_hand=True
    )
