"""When what is due, decided by calendar, known facts, ledger and time alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.past import FactKey
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, stage_window
from f1graph.store.ledger import LedgerRow, WorkStatus
from f1graph.weekends.due import due_work
from f1graph.weekends.work import Unscored, Work, WorkKind
from tests.builders import a_moment, a_race, a_season

FIRST, SECOND, THIRD = a_season(2024, 3)  # 3, 17 and 31 March 2024
SPRINT = a_race(2024, 2, has_sprint=True)
THURSDAY = a_moment("2024-03-14 09:00")


def what_is_due(
    now: datetime,
    *,
    races: Sequence[Race] = (FIRST, SECOND, THIRD),
    known: Mapping[FactKey, int] | None = None,
    ledger: Sequence[LedgerRow] = (),
    unscored: Sequence[Unscored] = (),
    bundles: Mapping[Stage, str] | None = None,
    kind: WorkKind | None = None,
) -> list[Work]:
    work = due_work(
        races=races,
        known=known or {},
        ledger={row.key: row for row in ledger},
        unscored=unscored,
        bundles=bundles or {},
        now=now,
    )
    return [one for one in work if kind is None or one.kind is kind]


def a_ledger_row(
    key: str,
    at: datetime,
    *,
    status: WorkStatus = WorkStatus.DONE,
    expires_at: datetime | None = None,
    race_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> LedgerRow:
    return LedgerRow(
        key=key,
        kind=key.split("/")[0],
        race_id=race_id,
        status=status,
        attempts=1,
        worker="a worker",
        claimed_at=at,
        expires_at=expires_at or at,
        finished_at=at if status is WorkStatus.DONE else None,
        error=None,
        detail=detail or {},
    )


def forecast_done(work: Work, at: datetime, *, bundle: str | None = "first") -> LedgerRow:
    detail = {"stage": work.stage, "inputs": dict(work.inputs), "bundle": bundle}
    return a_ledger_row(work.key, at, race_id=work.race_id, detail=detail)


def everything_before(race: Race, before: Race) -> dict[FactKey, int]:
    return {
        (race.id, ClassificationKind.ENTRY_LIST): 1,
        (before.id, ClassificationKind.RACE): 1,
    }


def the_weekend_of(race: Race, *, until: Stage) -> dict[FactKey, int]:
    known = everything_before(race, FIRST)
    kinds = [session.kind for session in race.sessions if session.kind is not SessionKind.RACE]
    if until is Stage.AFTER_PRACTICE:
        kinds = [kind for kind in kinds if kind.name.startswith("PRACTICE")]
    known.update({(race.id, ClassificationKind(kind.value)): 1 for kind in kinds})
    if until is Stage.AFTER_QUALIFYING:
        known[race.id, ClassificationKind.GRID] = 1
    return known


class TestFetching:
    def test_the_daily_refresh_is_due_at_noon_utc_and_not_before(self) -> None:
        yesterday = a_ledger_row("FETCH/daily/2024-03-13", a_moment("2024-03-13 12:00"))
        before, at_noon = a_moment("2024-03-14 11:59"), a_moment("2024-03-14 12:00")
        assert what_is_due(before, ledger=[yesterday], kind=WorkKind.FETCH) == []
        (noon,) = what_is_due(at_noon, ledger=[yesterday], kind=WorkKind.FETCH)
        assert noon.key == "FETCH/daily/2024-03-14"

    def test_missed_work_is_found_by_the_next_look_and_not_by_the_missed_bell(self) -> None:
        """Q3: the machine slept from Monday to Thursday morning."""
        monday = a_ledger_row("FETCH/daily/2024-03-11", a_moment("2024-03-11 12:00"))
        (missed,) = what_is_due(THURSDAY, ledger=[monday], kind=WorkKind.FETCH)
        assert missed.key == "FETCH/daily/2024-03-13"

    def test_the_daily_refresh_comes_in_the_winter_too(self) -> None:
        (noon,) = what_is_due(a_moment("2024-12-28 12:00"), kind=WorkKind.FETCH)
        assert noon.key == "FETCH/daily/2024-12-28"

    def test_each_session_is_fetched_at_its_end(self) -> None:
        for session in SECOND.sessions:
            noon = a_ledger_row("FETCH/daily/2024-03-13", session.starts_at)
            keys = [w.key for w in what_is_due(session.ends_at, ledger=[noon], kind=WorkKind.FETCH)]
            assert f"FETCH/{SECOND.id}/{session.kind}/+0min" in keys
            early = session.ends_at - timedelta(seconds=1)
            keys = [w.key for w in what_is_due(early, ledger=[noon], kind=WorkKind.FETCH)]
            assert not any(f"{SECOND.id}/{session.kind}/" in key for key in keys)

    @pytest.mark.parametrize("hours", [0.5, 2, 12, 72, 720])
    def test_a_race_is_fetched_again_for_weeks_as_results_are_corrected(self, hours: float) -> None:
        now = SECOND.ends_at + timedelta(hours=hours)
        before = a_ledger_row("FETCH/earlier", now - timedelta(seconds=1))
        work = what_is_due(now, ledger=[before], kind=WorkKind.FETCH)
        assert f"FETCH/{SECOND.id}/RACE/+{hours * 60:.0f}min" in [one.key for one in work]

    @pytest.mark.parametrize("minutes", [30, 15])
    def test_the_final_grid_is_fetched_before_the_start(self, minutes: int) -> None:
        """P7: who starts from where is decided after the last session."""
        now = SECOND.starts_at - timedelta(minutes=minutes)
        before = a_ledger_row("FETCH/earlier", now - timedelta(seconds=1))
        daily = a_ledger_row("FETCH/daily/2024-03-17", SECOND.starts_at - timedelta(hours=1))
        keys = [one.key for one in what_is_due(now, ledger=[before, daily], kind=WorkKind.FETCH)]
        assert keys == [f"FETCH/{SECOND.id}/GRID/-{minutes}min"]

    def test_one_fetch_after_a_long_sleep_serves_all_sessions_that_were_missed(self) -> None:
        now = SECOND.starts_at - timedelta(hours=1)
        assert len(what_is_due(now, kind=WorkKind.FETCH)) > 3
        caught_up = a_ledger_row("FETCH/daily/2024-03-17", now)
        assert what_is_due(now, ledger=[caught_up], kind=WorkKind.FETCH) == []

    def test_sessions_whose_time_nobody_recorded_are_not_fetched_after_their_end(self) -> None:
        old = replace(SECOND, sessions=tuple(replace(s, is_nominal=True) for s in SECOND.sessions))
        work = what_is_due(SECOND.ends_at, races=[old], kind=WorkKind.FETCH)
        assert all("daily" in one.key for one in work)


class TestForecasting:
    def test_the_weekend_is_forecast_once_the_race_before_is_over_and_known(self) -> None:
        known = everything_before(SECOND, FIRST)
        running = FIRST.ends_at - timedelta(minutes=1)
        assert what_is_due(running, known=known, kind=WorkKind.FORECAST) == []
        (work,) = what_is_due(FIRST.ends_at, known=known, kind=WorkKind.FORECAST)
        assert (work.race_id, work.stage) == (SECOND.id, Stage.BEFORE_WEEKEND)

    @pytest.mark.parametrize(
        ("race", "stage", "cause"),
        [
            (SECOND, Stage.BEFORE_WEEKEND, "the result of the race before became known"),
            (SECOND, Stage.AFTER_PRACTICE, "practice 1, practice 2 and practice 3 became known"),
            (SPRINT, Stage.AFTER_PRACTICE, "practice 1 became known"),
            (SPRINT, Stage.AFTER_SPRINT, "the sprint became known"),
            (SECOND, Stage.AFTER_QUALIFYING, "qualifying and the grid became known"),
            (SPRINT, Stage.AFTER_QUALIFYING, "qualifying and the grid became known"),
        ],
    )
    def test_the_first_forecast_of_a_stage_names_what_opened_it(
        self, race: Race, stage: Stage, cause: str
    ) -> None:
        window = stage_window(race, stage)
        assert window is not None
        known = the_weekend_of(race, until=Stage.AFTER_QUALIFYING)
        now = window.opens_at or FIRST.ends_at
        work = what_is_due(now, races=[FIRST, race, THIRD], known=known, kind=WorkKind.FORECAST)
        assert [one.cause for one in work if one.stage is stage] == [cause]

    def test_a_stage_of_which_nothing_is_known_has_no_cause(self) -> None:
        late = SECOND.starts_at - timedelta(minutes=30)
        (work,) = what_is_due(late, kind=WorkKind.FORECAST)
        assert (work.stage, work.cause) == (Stage.AFTER_QUALIFYING, None)

    def test_a_stage_waits_for_its_inputs_but_not_for_ever(self) -> None:
        known = {(SECOND.id, ClassificationKind.ENTRY_LIST): 1}
        soon, late = FIRST.ends_at + timedelta(minutes=119), FIRST.ends_at + timedelta(hours=2)
        assert what_is_due(soon, known=known, kind=WorkKind.FORECAST) == []
        (work,) = what_is_due(late, known=known, kind=WorkKind.FORECAST)
        assert "the result of the race before" in work.reason

    @pytest.mark.parametrize("race", [SECOND, SPRINT], ids=["conventional", "sprint"])
    def test_without_any_input_every_stage_is_still_forecast_before_it_closes(self, race: Race) -> None:
        forecast = set()
        now = FIRST.ends_at
        while now <= race.starts_at:
            work = what_is_due(now, races=[FIRST, race, THIRD], kind=WorkKind.FORECAST)
            assert all(one.closes_at is not None and now <= one.closes_at for one in work)
            forecast |= {one.stage for one in work}
            now += timedelta(minutes=3)
        expected = set(Stage) if race.has_sprint else set(Stage) - {Stage.AFTER_SPRINT}
        assert forecast == expected

    def test_after_practice_is_forecast_when_the_last_practice_is_known(self) -> None:
        practice = SECOND.session(SessionKind.PRACTICE_3)
        assert practice is not None
        known = the_weekend_of(SECOND, until=Stage.AFTER_PRACTICE)
        (work,) = what_is_due(practice.ends_at, known=known, kind=WorkKind.FORECAST)
        assert work.stage is Stage.AFTER_PRACTICE
        del known[SECOND.id, ClassificationKind.PRACTICE_3]
        (before,) = what_is_due(FIRST.ends_at, known=known, kind=WorkKind.FORECAST)
        ledger = [forecast_done(before, FIRST.ends_at)]
        assert what_is_due(practice.ends_at, known=known, ledger=ledger, kind=WorkKind.FORECAST) == []

    def test_a_new_service_amid_a_weekend_does_not_wait_for_the_grid_with_its_first_forecast(self) -> None:
        """Nobody has an earlier one to read meanwhile; that of the grid follows as soon as it is known."""
        qualifying = SECOND.session(SessionKind.QUALIFYING)
        assert qualifying is not None
        known = the_weekend_of(SECOND, until=Stage.AFTER_QUALIFYING)
        del known[SECOND.id, ClassificationKind.GRID]
        now = qualifying.ends_at + timedelta(minutes=30)
        (work,) = what_is_due(now, known=known, kind=WorkKind.FORECAST)
        assert (work.stage, work.cause) == (Stage.AFTER_QUALIFYING, "qualifying became known")
        assert "not known yet: the grid" in work.reason
        known[SECOND.id, ClassificationKind.GRID] = 1
        (again,) = what_is_due(now, known=known, ledger=[forecast_done(work, now)], kind=WorkKind.FORECAST)
        assert again.cause == "the grid became known"

    def test_the_first_race_of_all_needs_no_race_before_it(self) -> None:
        now = FIRST.weekend_starts_at - timedelta(days=2)
        (work,) = what_is_due(now, kind=WorkKind.FORECAST)
        assert (work.race_id, work.stage) == (FIRST.id, Stage.BEFORE_WEEKEND)

    def test_the_season_opener_is_forecast_when_last_season_is_over(self) -> None:
        finale = a_race(2023, 22, on=a_moment("2023-11-26").date())
        work = what_is_due(a_moment("2024-01-10"), races=[finale, FIRST], kind=WorkKind.FORECAST)
        assert [one.race_id for one in work] == [FIRST.id]

    def test_only_the_next_race_is_forecast(self) -> None:
        known = everything_before(SECOND, FIRST) | everything_before(THIRD, SECOND)
        assert {w.race_id for w in what_is_due(THURSDAY, known=known, kind=WorkKind.FORECAST)} == {SECOND.id}

    def test_a_cancelled_race_is_never_forecast_and_the_one_after_it_is_next(self) -> None:
        """S10: a cancelled race stays in the calendar and gets no forecast."""
        cancelled = a_race(2024, 2, is_cancelled=True)
        known = everything_before(THIRD, FIRST)
        (work,) = what_is_due(
            FIRST.ends_at, races=[FIRST, cancelled, THIRD], known=known, kind=WorkKind.FORECAST
        )
        assert (work.race_id, work.stage) == (THIRD.id, Stage.BEFORE_WEEKEND)

    def test_a_stage_that_closed_while_the_service_was_down_is_skipped(self) -> None:
        on_friday = SECOND.weekend_starts_at + timedelta(minutes=1)
        assert what_is_due(on_friday, kind=WorkKind.FORECAST) == []

    def test_a_race_under_way_is_not_forecast_any_more(self) -> None:
        known = the_weekend_of(SECOND, until=Stage.AFTER_QUALIFYING)
        lights_out = SECOND.starts_at + timedelta(seconds=1)
        assert what_is_due(lights_out, known=known, kind=WorkKind.FORECAST) == []

    def test_a_stage_is_forecast_once(self) -> None:
        known = everything_before(SECOND, FIRST)
        (work,) = what_is_due(THURSDAY, known=known, kind=WorkKind.FORECAST)
        done = forecast_done(work, THURSDAY)
        later = THURSDAY + timedelta(hours=5)
        assert what_is_due(later, known=known, ledger=[done], kind=WorkKind.FORECAST) == []

    @pytest.mark.parametrize(
        ("fact", "stage", "cause"),
        [
            (ClassificationKind.ENTRY_LIST, Stage.BEFORE_WEEKEND, "the entry list changed"),
            (ClassificationKind.ENTRY_LIST, Stage.AFTER_QUALIFYING, "the entry list changed"),
            (ClassificationKind.GRID, Stage.AFTER_QUALIFYING, "the grid changed"),
        ],
    )
    def test_a_swapped_driver_or_a_grid_penalty_makes_a_new_forecast_with_its_cause(
        self, fact: ClassificationKind, stage: Stage, cause: str
    ) -> None:
        """P7: the old forecast is kept, the new one says why it was made."""
        now = THURSDAY if stage is Stage.BEFORE_WEEKEND else SECOND.starts_at - timedelta(hours=1)
        known = the_weekend_of(SECOND, until=stage)
        (work,) = what_is_due(now, known=known, kind=WorkKind.FORECAST)
        done = forecast_done(work, now)
        known[SECOND.id, fact] = 2
        (again,) = what_is_due(now, known=known, ledger=[done], kind=WorkKind.FORECAST)
        assert again.key != work.key
        assert (again.stage, again.cause) == (stage, cause)

    def test_an_input_that_came_too_late_makes_a_new_forecast_that_names_it(self) -> None:
        known = {(SECOND.id, ClassificationKind.ENTRY_LIST): 1}
        (work,) = what_is_due(THURSDAY, known=known, kind=WorkKind.FORECAST)
        done = forecast_done(work, THURSDAY)
        known[FIRST.id, ClassificationKind.RACE] = 1
        (again,) = what_is_due(THURSDAY, known=known, ledger=[done], kind=WorkKind.FORECAST)
        assert again.cause == "the result of the race before became known"

    def test_a_corrected_practice_time_makes_no_new_forecast(self) -> None:
        practice = SECOND.session(SessionKind.PRACTICE_3)
        assert practice is not None
        known = the_weekend_of(SECOND, until=Stage.AFTER_PRACTICE)
        (work,) = what_is_due(practice.ends_at, known=known, kind=WorkKind.FORECAST)
        done = forecast_done(work, practice.ends_at)
        known[SECOND.id, ClassificationKind.PRACTICE_3] = 2
        assert what_is_due(practice.ends_at, known=known, ledger=[done], kind=WorkKind.FORECAST) == []

    def test_a_new_model_makes_a_new_forecast_once(self) -> None:
        known = everything_before(SECOND, FIRST)
        (work,) = what_is_due(THURSDAY, known=known, kind=WorkKind.FORECAST)
        done = forecast_done(work, THURSDAY, bundle="first")
        same = {Stage.BEFORE_WEEKEND: "first"}
        assert what_is_due(THURSDAY, known=known, ledger=[done], bundles=same, kind=WorkKind.FORECAST) == []
        new = {Stage.BEFORE_WEEKEND: "second"}
        (again,) = what_is_due(THURSDAY, known=known, ledger=[done], bundles=new, kind=WorkKind.FORECAST)
        assert again.cause == "new model"
        later = THURSDAY + timedelta(minutes=1)
        redone = forecast_done(again, later, bundle="second")
        both = [done, redone]
        assert what_is_due(later, known=known, ledger=both, bundles=new, kind=WorkKind.FORECAST) == []

    def test_an_engine_that_never_uses_the_active_model_is_not_asked_for_ever(self) -> None:
        known = everything_before(SECOND, FIRST)
        new = {Stage.BEFORE_WEEKEND: "second"}
        ledger: list[LedgerRow] = []
        for minute in range(5):
            now = THURSDAY + timedelta(minutes=minute)
            due = what_is_due(now, known=known, ledger=ledger, bundles=new, kind=WorkKind.FORECAST)
            ledger += [forecast_done(work, now, bundle="first") for work in due]
        assert len(ledger) == 2


class TestScoring:
    def test_a_classified_race_scores_all_its_forecasts_at_once(self) -> None:
        unscored = [Unscored("a", FIRST.id, 1), Unscored("b", FIRST.id, 1)]
        (work,) = what_is_due(THURSDAY, unscored=unscored, kind=WorkKind.SCORE)
        assert (work.forecast_ids, work.revision) == (("a", "b"), 1)

    def test_a_corrected_result_is_scored_again(self) -> None:
        """S6: Monaco 2026 was reclassified twice; each time the forecasts are scored anew."""
        (first,) = what_is_due(THURSDAY, unscored=[Unscored("a", FIRST.id, 1)], kind=WorkKind.SCORE)
        done = a_ledger_row(first.key, THURSDAY, race_id=FIRST.id)
        (second,) = what_is_due(
            THURSDAY, unscored=[Unscored("a", FIRST.id, 2)], ledger=[done], kind=WorkKind.SCORE
        )
        assert second.revision == 2

    def test_metrics_are_refreshed_after_scores_and_once_a_day(self) -> None:
        unscored = [Unscored("a", FIRST.id, 1)]
        assert what_is_due(THURSDAY, unscored=unscored, kind=WorkKind.METRICS) == []
        scored = a_ledger_row(f"SCORE/{FIRST.id}/revision=1/a", THURSDAY, race_id=FIRST.id)
        (after,) = what_is_due(THURSDAY, ledger=[scored], kind=WorkKind.METRICS)
        refreshed = a_ledger_row(after.key, THURSDAY)
        both = [scored, refreshed]
        assert what_is_due(THURSDAY, ledger=both, kind=WorkKind.METRICS) == []
        (noon,) = what_is_due(a_moment("2024-03-14 12:00"), ledger=both, kind=WorkKind.METRICS)
        assert noon.key == "METRICS/daily/2024-03-14"


class TestLedger:
    def test_work_comes_in_the_order_in_which_one_needs_the_other(self) -> None:
        work = what_is_due(THURSDAY, unscored=[Unscored("a", FIRST.id, 1)])
        kinds = [one.kind for one in work]
        assert kinds == sorted(kinds, key=list(WorkKind).index)
        assert {WorkKind.FETCH, WorkKind.FORECAST, WorkKind.SCORE} == set(kinds)

    def test_what_another_worker_does_is_not_due_until_its_claim_runs_out(self) -> None:
        (work,) = what_is_due(THURSDAY, kind=WorkKind.FORECAST)
        until = THURSDAY + timedelta(minutes=1)
        claimed = a_ledger_row(work.key, THURSDAY, status=WorkStatus.CLAIMED, expires_at=until)
        assert what_is_due(THURSDAY, ledger=[claimed], kind=WorkKind.FORECAST) == []
        assert what_is_due(until, ledger=[claimed], kind=WorkKind.FORECAST) == [work]

    def test_every_unit_has_a_key_of_its_own(self) -> None:
        keys = [
            w.key
            for w in what_is_due(SECOND.starts_at, known=the_weekend_of(SECOND, until=Stage.AFTER_QUALIFYING))
        ]
        assert len(keys) == len(set(keys))
