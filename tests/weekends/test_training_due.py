"""When a model is trained anew, decided by calendar, results and time alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from f1graph.races.calendar import Race
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.ledger import LedgerRow, WorkStatus
from f1graph.weekends.due import due_work
from f1graph.weekends.training_due import Training
from f1graph.weekends.work import Work, WorkKind
from tests.builders import a_race, a_season

SEASON = a_season(2024, 12)
LAST = a_season(2023, 12)


def due(
    now: datetime,
    *,
    trained: Mapping[Stage, datetime] | None = None,
    races: Sequence[Race] = (*LAST, *SEASON),
    ledger: Sequence[LedgerRow] = (),
    model: str | None = "ultra",
) -> list[Work]:
    known = {(race.id, ClassificationKind.RACE): 1 for race in races if race.ends_at < now}
    found = due_work(
        races=races,
        known=known,
        ledger={row.key: row for row in ledger},
        unscored=(),
        bundles={},
        now=now,
        training=None if model is None else Training(model, trained or {}),
    )
    return [work for work in found if work.kind is WorkKind.TRAIN]


def on_thursday_before(number: int) -> datetime:
    return SEASON[number - 1].weekend_starts_at - timedelta(days=1)


def everywhere(moment: datetime) -> dict[Stage, datetime]:
    return dict.fromkeys(Stage, moment)


def test_a_new_installation_trains_every_stage_of_the_next_weekend_what_is_asked_first_first() -> None:
    found = due(on_thursday_before(3))

    assert [(work.model, work.stage) for work in found] == [
        ("ultra", Stage.BEFORE_WEEKEND),
        ("ultra", Stage.AFTER_PRACTICE),
        ("ultra", Stage.AFTER_QUALIFYING),
    ]
    assert found[0].key == f"TRAIN/ultra/BEFORE_WEEKEND/{SEASON[1].id}"
    assert "it never was" in found[0].reason


def test_on_saturday_the_stage_after_qualifying_comes_first() -> None:
    found = due(SEASON[2].starts_at - timedelta(hours=20))

    assert found[0].stage is Stage.AFTER_QUALIFYING


def test_only_a_sprint_weekend_needs_a_model_for_after_the_sprint() -> None:
    sprint = a_race(2024, 3, has_sprint=True)
    found = due(sprint.weekend_starts_at - timedelta(days=1), races=[*LAST, *SEASON[:2], sprint])

    assert Stage.AFTER_SPRINT in [work.stage for work in found]


@pytest.mark.parametrize(("races_since", "expected"), [(0, 0), (5, 0), (6, 3), (9, 3)])
def test_a_model_is_trained_anew_after_six_races(races_since: int, expected: int) -> None:
    now = on_thursday_before(11)
    cutoff = SEASON[10 - races_since - 1].ends_at + timedelta(days=1)

    found = due(now, trained=everywhere(cutoff))

    assert len(found) == expected
    if found:
        assert f"the last {races_since} races" in found[0].reason


def test_a_new_season_is_begun_with_what_the_last_races_taught() -> None:
    january = SEASON[0].starts_at.replace(month=1, day=10)
    before_the_last = LAST[-2].ends_at + timedelta(days=1)

    found = due(january, trained=everywhere(before_the_last))

    assert "a new season has begun" in found[0].reason
    assert due(january, trained=everywhere(LAST[-1].ends_at + timedelta(days=1))) == []


def test_only_the_stage_that_lags_behind_is_trained() -> None:
    now = on_thursday_before(11)
    trained = everywhere(now) | {Stage.AFTER_PRACTICE: SEASON[1].ends_at}

    assert [work.stage for work in due(now, trained=trained)] == [Stage.AFTER_PRACTICE]


def test_a_training_that_brought_nothing_better_is_not_repeated_before_the_next_race() -> None:
    now = on_thursday_before(11)
    (first, *_) = due(now)
    done = LedgerRow(first.key, "TRAIN", first.race_id, WorkStatus.DONE, 1, "one", now, now, now, None, {})

    assert first.key not in [work.key for work in due(now, ledger=[done])]
    assert due(on_thursday_before(12), ledger=[done])[0].stage is first.stage


def test_nothing_is_trained_where_nobody_trains_and_where_nothing_is_to_be_learned() -> None:
    assert due(on_thursday_before(3), model=None) == []
    assert due(LAST[0].weekend_starts_at - timedelta(days=1), races=LAST) == []


def test_everything_else_comes_first() -> None:
    now = on_thursday_before(3)
    found = due_work(
        races=SEASON,
        known={(SEASON[1].id, ClassificationKind.RACE): 1, (SEASON[2].id, ClassificationKind.ENTRY_LIST): 1},
        ledger={},
        unscored=(),
        bundles={},
        now=now,
        training=Training("ultra", {}),
    )
    kinds = [work.kind for work in found]

    assert WorkKind.FORECAST in kinds
    assert kinds[-3:] == [WorkKind.TRAIN] * 3
    assert WorkKind.TRAIN not in kinds[:-3]
