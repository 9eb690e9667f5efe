"""Walking through history, with stops."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest

from f1graph.errors import ForecastError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.backtest import Walk, backtest, plan, walk_forward
from f1graph.forecasts.make import derive_seed, make_forecast
from f1graph.races.measures import Measure
from f1graph.races.past import History
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_history, a_lap, a_moment, a_recording, a_season, a_weekend
from tests.forecasts.form import FormEstimator, examples, form_features

RACES = (*a_season(2022, 2), *a_season(2023, 3, sprints=[2]), *a_season(2024, 3))
HISTORY = a_history(RACES)
LATER = a_moment("2025-01-01")


def a_walk(
    *estimators: FormEstimator,
    seasons: tuple[int, ...] = (2023, 2024),
    stages: tuple[Stage, ...] = (Stage.BEFORE_WEEKEND, Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING),
    refits: int = 1,
    made_at: datetime = LATER,
    draws: int = 200,
) -> Walk:
    both = (FormEstimator(), FormEstimator(name="grid", stages=frozenset({Stage.AFTER_QUALIFYING})))
    return Walk(seasons, stages, estimators or both, made_at, refits_per_season=refits, draws=draws)


def run(out: Path, walk: Walk | None = None, history: History = HISTORY) -> bytes:
    for _ in backtest(history, walk or a_walk(), form_features, out=out):
        pass
    return out.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return run(tmp_path_factory.mktemp("whole") / "forecasts.csv")


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_the_file_has_a_row_per_race_driver_stage_and_model(whole: bytes) -> None:
    rows = rows_of(whole)

    assert ",".join(rows[0]) == (
        "season,round,driver_id,horizon,model,p_win,p_podium,p_points,p_dnf,expected_position,"
        "p_pos_1,p_pos_2,p_pos_3,p_pos_4,p_pos_5,p_pos_6,p_pos_7,p_pos_8"
    )
    # Six races, three stages of one model and one of the other, eight drivers.
    assert len(rows) == 6 * (3 + 1) * 8
    assert {(row["horizon"], row["model"]) for row in rows} == {
        ("before_weekend", "form"),
        ("pre_quali", "form"),
        ("post_quali", "form"),
        ("post_quali", "grid"),
    }
    assert [row["driver_id"] for row in rows[:8]] == sorted(DRIVERS)
    for row in rows:
        assert sum(float(row[f"p_pos_{place}"]) for place in range(1, 9)) == pytest.approx(1)


def test_a_smaller_field_leaves_the_last_places_empty(tmp_path: Path) -> None:
    races = a_season(2023, 3)
    facts = [fact for race in races[:2] for fact in a_weekend(race)]
    history = a_history(races, [*facts, *a_weekend(races[2], DRIVERS[:6])])
    walk = a_walk(FormEstimator(), stages=(Stage.AFTER_QUALIFYING,), refits=3)
    first_race_known = replace(walk, seasons=(2023,), made_at=LATER)

    with pytest.raises(ForecastError, match="no race to learn from"):
        run(tmp_path / "too-early.csv", first_race_known, history)
    rows = rows_of(
        run(
            tmp_path / "f.csv",
            first_race_known,
            a_history(
                (*RACES[:2], *races),
                [
                    *(fact for race in RACES[:2] for fact in a_weekend(race)),
                    *facts,
                    *a_weekend(races[2], DRIVERS[:6]),
                ],
            ),
        )
    )

    assert [(row["p_pos_6"] != "", row["p_pos_7"]) for row in rows[-6:]] == [(True, "")] * 6


# Where and how a run is stopped: what is done to the rows and to the journal after some blocks.
@dataclass(frozen=True)
class Stop:
    blocks: int
    damage: Callable[[Path, Path], None]


def _nothing(rows: Path, journal: Path) -> None:
    pass


def _half_a_row(rows: Path, journal: Path) -> None:
    rows.write_bytes(rows.read_bytes() + b"2024,1,alonso,post_quali,form,0.1,0.")


def _rows_without_a_seal(rows: Path, journal: Path) -> None:
    lines = rows.read_bytes().splitlines(keepends=True)
    rows.write_bytes(b"".join([*lines, *lines[-3:]]))


def _half_a_seal(rows: Path, journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:-20])


def _rows_lost_after_the_seal(rows: Path, journal: Path) -> None:
    rows.write_bytes(rows.read_bytes()[:-100])


def _a_torn_seal_after_it(rows: Path, journal: Path) -> None:
    journal.write_bytes(journal.read_bytes() + b'{"end": 12')


@pytest.mark.parametrize(
    "damage",
    [
        _nothing,
        _half_a_row,
        _rows_without_a_seal,
        _half_a_seal,
        _rows_lost_after_the_seal,
        _a_torn_seal_after_it,
    ],
)
@pytest.mark.parametrize("blocks", [1, 6, 13, 24])
def test_a_resumed_back_test_writes_the_same_file_to_the_byte(
    blocks: int, damage: Callable[[Path, Path], None], tmp_path: Path, whole: bytes
) -> None:
    out = tmp_path / "forecasts.csv"
    stopped = backtest(HISTORY, a_walk(), form_features, out=out)
    for _ in islice(stopped, blocks):
        pass
    stopped.close()  # type: ignore[attr-defined]
    damage(out, tmp_path / "forecasts.csv.journal")

    again = list(backtest(HISTORY, a_walk(), form_features, out=out))
    model = FormEstimator()
    walk = a_walk()
    same = replace(walk, estimators=(model, *walk.estimators[1:]))
    once_more = list(backtest(HISTORY, same, form_features, out=out))

    assert out.read_bytes() == whole
    assert once_more == again
    assert model.fits == []
    # The scores of what an earlier run made are there too.
    assert len({(each.race_id, each.stage, each.model) for each in again}) == len(again) == 24
    assert all(Measure.RANKED_PROBABILITY in each.values for each in again)


def test_a_finished_back_test_learns_nothing_again(tmp_path: Path) -> None:
    run(tmp_path / "forecasts.csv", a_walk(FormEstimator()))
    model = FormEstimator()

    run(tmp_path / "forecasts.csv", a_walk(model))

    assert model.fits == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (a_walk(draws=100), "draws was 200, is 100"),
        (a_walk(FormEstimator(version="2")), "models was"),
        (a_walk(seasons=(2024,)), "seasons was"),
        (a_walk(refits=2), "refits_per_season was 1, is 2"),
    ],
)
def test_a_file_made_with_other_settings_is_refused_and_kept(other: Walk, said: str, tmp_path: Path) -> None:
    before = run(tmp_path / "forecasts.csv")

    with pytest.raises(ForecastError, match=said):
        run(tmp_path / "forecasts.csv", other)

    assert (tmp_path / "forecasts.csv").read_bytes() == before


def test_a_file_made_from_other_facts_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "forecasts.csv")

    with pytest.raises(ForecastError, match="facts was"):
        run(tmp_path / "forecasts.csv", history=a_history(RACES, seed=1))


def test_laps_that_were_imported_meanwhile_are_other_facts(tmp_path: Path) -> None:
    run(tmp_path / "forecasts.csv")
    last = RACES[-1]
    laps = a_history(RACES, recordings=[a_recording(last, [a_lap(DRIVERS[0], 1)])])

    with pytest.raises(ForecastError, match="facts was"):
        run(tmp_path / "forecasts.csv", history=laps)


def test_next_seasons_races_do_not_stop_a_back_test_from_being_continued(tmp_path: Path) -> None:
    before = run(tmp_path / "forecasts.csv")

    assert run(tmp_path / "forecasts.csv", history=a_history((*RACES, *a_season(2025, 1)))) == before


def test_the_folder_of_the_file_is_made(tmp_path: Path, whole: bytes) -> None:
    assert run(tmp_path / "results" / "of today" / "forecasts.csv") == whole


def test_somebody_elses_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "forecasts.csv").write_text("my notes\n")

    with pytest.raises(ForecastError, match="is there already, but not its journal"):
        run(tmp_path / "forecasts.csv")

    assert (tmp_path / "forecasts.csv").read_text() == "my notes\n"


@pytest.mark.parametrize(("refits", "learnt_from"), [(1, [2, 5]), (3, [2, 3, 4, 5, 6, 7])])
def test_a_model_is_refitted_as_often_as_asked_from_all_races_known_by_then(
    refits: int, learnt_from: list[int], tmp_path: Path
) -> None:
    model = FormEstimator()

    run(tmp_path / "f.csv", a_walk(model, stages=(Stage.AFTER_QUALIFYING,), refits=refits))

    assert model.fits == [(Stage.AFTER_QUALIFYING, races) for races in learnt_from]


def test_between_refits_the_newest_race_moves_the_state() -> None:
    walk = a_walk(FormEstimator(), stages=(Stage.AFTER_QUALIFYING,))
    stage, last = Stage.AFTER_QUALIFYING, RACES[-1]
    made = {step.race.id: (step, forecast) for step, forecast in walk_forward(HISTORY, walk, form_features)}
    step, forecast = made[last.id]

    # By hand, the way production does it: parameters of the season's start, state of today.
    assert step.refit_at == RACES[-3].starts_at
    learnt = FormEstimator().fit(
        examples(HISTORY, stage, step.refit_at, form_features),
        stage=stage,
        seed=derive_seed("fit", "form", stage, step.refit_at.isoformat()),
    )
    today = learnt.update(examples(HISTORY, stage, last.starts_at, form_features))
    by_hand = make_forecast(
        HISTORY.as_of(last.starts_at),
        last,
        stage=stage,
        model=TrainedModel(today, "1"),
        made_at=LATER,
        build_features=form_features,
        draws=200,
    )

    assert today.races == 7
    assert forecast == by_hand


def test_after_sprint_only_sprint_weekends_are_walked() -> None:
    walk = a_walk(FormEstimator(), stages=(Stage.AFTER_SPRINT,))

    assert [step.race.id for step in plan(HISTORY, walk)] == ["2023-gp-2"]


def test_races_still_ahead_and_cancelled_ones_are_left_out() -> None:
    races = (*RACES[:-2], replace(RACES[-2], is_cancelled=True), RACES[-1])
    walk = a_walk(FormEstimator(), made_at=RACES[-1].starts_at, seasons=(2024,))

    steps = plan(a_history(races), walk)
    earlier = plan(a_history(races), replace(walk, made_at=RACES[-1].weekend_starts_at))

    assert {step.race.id for step in steps} == {"2024-gp-1", "2024-gp-3"}
    assert [step.stage for step in earlier if step.race.id == "2024-gp-3"] == [Stage.BEFORE_WEEKEND]


def test_a_race_without_a_result_is_forecast_and_not_scored(tmp_path: Path) -> None:
    facts = [
        fact
        for (race_id, kind), revisions in HISTORY.revisions.items()
        for fact in revisions
        if (race_id, kind) != (RACES[-1].id, "RACE")
    ]
    walk = a_walk(FormEstimator(), seasons=(2024,))

    *_, last = backtest(a_history(RACES, facts), walk, form_features, out=tmp_path / "f.csv")

    assert last.race_id == RACES[-1].id
    assert last.values == {}


def test_progress_counts_what_earlier_runs_did(tmp_path: Path) -> None:
    out, told = tmp_path / "f.csv", list[tuple[int, int, str]]()
    stopped = backtest(HISTORY, a_walk(), form_features, out=out)
    for _ in islice(stopped, 10):
        pass
    stopped.close()  # type: ignore[attr-defined]

    for _ in backtest(HISTORY, a_walk(), form_features, out=out, progress=lambda *now: told.append(now)):
        pass

    assert told[0] == (10, 24, "earlier runs")
    assert told[-1] == (24, 24, "2024-gp-3 AFTER_QUALIFYING grid")


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ForecastError, match="different names"):
        a_walk(FormEstimator(), FormEstimator())
