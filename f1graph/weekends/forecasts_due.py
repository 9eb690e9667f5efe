"""When which stage of a weekend is to be forecast, and why again. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from f1graph.races.calendar import PRACTICES, Race
from f1graph.races.past import FactKey
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, StageWindow, stage_windows
from f1graph.weekends.work import RESULT_BEFORE, Begun, Work, WorkKind, spoken

# How long a stage waits for its inputs, and how long before its end it stops waiting.
WAIT_FOR_INPUTS = timedelta(hours=2)
LATEST_BEFORE_END = timedelta(minutes=30)


def forecasts_due(
    calendar: Sequence[Race],
    known: Mapping[FactKey, int],
    begun: Begun,
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
    begun: Begun,
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
        if missing and _may_wait(race, stage, begun) and now < _deadline(window, opens_at):
            return None
        reason = f"{stage} of {race.id} is open" + (
            f"; not known yet: {', '.join(spoken(name) for name in missing)}" if missing else ""
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


def _may_wait(race: Race, stage: Stage, begun: Begun) -> bool:
    """Whether the race has a forecast meanwhile. A new service that wakes up amid a weekend has none, and
    those of earlier stages cannot be made any more."""
    return stage is Stage.BEFORE_WEEKEND or bool(begun.done(WorkKind.FORECAST, race.id))


def _deadline(window: StageWindow, opens_at: datetime | None) -> datetime:
    """Until when a stage waits for its inputs; with no beginning it does not wait."""
    if opens_at is None:
        return datetime.min.replace(tzinfo=UTC)
    return max(opens_at, min(opens_at + WAIT_FOR_INPUTS, window.closes_at - LATEST_BEFORE_END))


# Whose corrections change who races and from where. Of the others it matters only that they are there.
_REVISIONS_COUNT = frozenset(
    {ClassificationKind.ENTRY_LIST, ClassificationKind.GRID, ClassificationKind.QUALIFYING}
)


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
        return (entered, (RESULT_BEFORE, revision(before.id, ClassificationKind.RACE)))
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
    news = [spoken(name) for name, revision in inputs if revision and name not in told_before]
    if not news:
        return None
    return " and ".join(filter(None, (", ".join(news[:-1]), news[-1]))) + " became known"


def _what_changed(last: Mapping[str, int], inputs: Sequence[tuple[str, int]]) -> str | None:
    """In words, or None. A session that a new calendar added or dropped is no news by itself."""
    news = []
    for name, revision in inputs:
        if revision > last.get(name, 0):
            verb = "changed" if last.get(name, 0) else "became known"
            news.append(f"{spoken(name)} {verb}")
    return " and ".join(news) or None
