"""Our scores are those of the script by which forecasts of this project are judged from outside."""

from __future__ import annotations

import csv
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from f1graph.forecasts.backtest import Walk, backtest
from f1graph.forecasts.report.reading import Reading, judge_files, read_files
from f1graph.forecasts.report.reliability import reliability
from f1graph.forecasts.report.tables import Pooled, scoreboard
from f1graph.races.forecast import ScoredForecast
from f1graph.races.measures import Measure, Target
from f1graph.races.past import History
from f1graph.races.results import ClassificationKind, Status
from f1graph.races.stages import Stage
from tests.builders import a_history, a_list, a_moment, a_row, a_season, a_weekend
from tests.forecasts.form import FormEstimator, form_features

JUDGE = Path(__file__).parents[3] / "shared" / "scoring" / "score_forecasts.py"
FIELD = tuple(f"driver-{number:02}" for number in range(1, 15))
TEXTS = {Status.DID_NOT_FINISH: "DNF", Status.DISQUALIFIED: "DSQ", Status.DID_NOT_START: "DNS"}
NAMES = {
    "win_logloss": Measure.WINNER_LOG_LOSS,
    "win_brier": Measure.WINNER_BRIER,
    "win_top1": Measure.WINNER_HIT,
    "pod_brier": Measure.PODIUM_BRIER,
    "pod_ovl": Measure.PODIUM_OVERLAP,
    "pts_brier": Measure.POINTS_BRIER,
    "dnf_ll": Measure.RETIREMENT_LOG_LOSS,
    "dnf_brier": Measure.RETIREMENT_BRIER,
    "mae_all": Measure.MEAN_ABSOLUTE_ERROR,
    "pair_acc": Measure.PAIRWISE_ORDER,
    "rps": Measure.RANKED_PROBABILITY,
    "pos_ll": Measure.POSITION_LOG_LOSS,
}
# With a void entry the script cuts the position columns off; we read the order again from the draws.
BY_DRAWS = {"rps", "pos_ll"}
# The rounds of 2024 in which the sixth is disqualified, or does not start.
DISQUALIFIED, VOID = 3, 5


@pytest.fixture(scope="module")
def judge() -> Any:
    if not JUDGE.exists():
        pytest.skip(f"the script is not at {JUDGE}")
    spec = importlib.util.spec_from_file_location("score_forecasts", JUDGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def history() -> History:
    races = (*a_season(2023, 2), *a_season(2024, 8))
    facts = []
    for race in races:
        for fact in a_weekend(race, FIELD, seed=5):
            changed = {DISQUALIFIED: Status.DISQUALIFIED, VOID: Status.DID_NOT_START}.get(race.round)
            if fact.kind is ClassificationKind.RACE and race.season == 2024 and changed is not None:
                order = [row.driver_id for row in fact.rows]
                kept, last = [driver for driver in order if driver != order[5]], order[5]
                out = {row.driver_id for row in fact.rows if row.retired}
                rows = [
                    a_row(i, driver, status=Status.DID_NOT_FINISH if driver in out else Status.CLASSIFIED)
                    for i, driver in enumerate(kept, start=1)
                ]
                fact = a_list(race, fact.kind, [*rows, a_row(len(order), last, status=changed)])
            facts.append(fact)
    return a_history(races, facts, drivers=FIELD)


@pytest.fixture(scope="module")
def scored(history: History, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("judged")
    walk = Walk(
        seasons=(2024,),
        stages=(Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING),
        estimators=(FormEstimator(), FormEstimator(name="twin")),
        made_at=a_moment("2025-01-01"),
        draws=500,
    )
    found = list(backtest(history, walk, form_features, out=folder / "forecasts.csv"))
    with (folder / "races-race-results.csv").open("w", newline="") as file:
        truth = csv.writer(file)
        truth.writerow(
            ["year", "round", "driverId", "positionText", "positionDisplayOrder", "positionNumber"]
        )
        for race in history.races:
            result = history.latest(race.id, ClassificationKind.RACE)
            assert result is not None
            for row in result.rows:
                text = TEXTS.get(row.status) or str(row.position)
                number = "" if row.position is None else row.position
                truth.writerow([race.season, race.round, row.driver_id, text, row.order, number])
    return folder, found


@pytest.mark.parametrize("stage", [Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING])
def test_the_script_finds_the_same_scores_in_the_file(
    judge: Any, scored: tuple[Path, list[ScoredForecast]], stage: Stage
) -> None:
    folder, ours = scored
    truth = judge.load_truth(str(folder))
    joined, notes = judge.join(judge.load_forecasts([str(folder / "forecasts.csv")]), truth, False, True)
    assert not notes
    frame = joined["post_quali" if stage is Stage.AFTER_QUALIFYING else "pre_quali", "form"]
    by_round = {round_: judge.race_metrics(rows) for (_, round_), rows in frame.groupby(["season", "round"])}

    assert sorted(by_round) == list(range(1, 9))
    for forecast in (each for each in ours if each.stage is stage and each.model == "form"):
        round_ = int(forecast.race_id.rsplit("-", 1)[1])
        for name, measure in NAMES.items():
            if round_ == VOID and name in BY_DRAWS:
                continue
            assert forecast.values[measure] == pytest.approx(by_round[round_][name], abs=1e-7), (
                forecast.race_id,
                name,
            )


@pytest.fixture(scope="module")
def reading(scored: tuple[Path, Any], history: History) -> Reading:
    return judge_files(read_files([scored[0] / "forecasts.csv"]), history)


@pytest.mark.parametrize("stage", [Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING])
def test_the_report_shows_the_scripts_means_intervals_and_paired_differences(
    judge: Any, scored: tuple[Path, Any], reading: Reading, stage: Stage
) -> None:
    folder, _ = scored
    truth = judge.load_truth(str(folder))
    joined, _ = judge.join(judge.load_forecasts([str(folder / "forecasts.csv")]), truth, False, True)
    horizon = "post_quali" if stage is Stage.AFTER_QUALIFYING else "pre_quali"
    races = [(2024, round_) for round_ in range(1, 9)]
    theirs = judge.evaluate({m: joined[horizon, m] for m in ("form", "twin")}, races, 2000, 20260823)

    board = scoreboard(reading.forecasts, stage=stage, span=(2024, 2024), reference="form")

    assert board is not None
    assert (board.races, board.models) == (8, ("form", "twin"))
    # The race with a void entry is no exception: both read the file.
    for name, measure in NAMES.items():
        table = board.table(measure)
        assert table is not None
        for model in board.models:
            estimate = table.row(model).estimate
            low, high = judge.ci(theirs[model]["boots"][name])
            assert estimate.value == pytest.approx(theirs[model]["point"][name], abs=1e-12), name
            assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-12), name
        paired = theirs["twin"]["boots"][name] - theirs["form"]["boots"][name]
        difference = table.row("twin").difference
        assert difference is not None
        low, high = judge.ci(paired)
        assert (difference.estimate.low, difference.estimate.high) == pytest.approx((low, high), abs=1e-12)
        # Where both are as good, the script leaves it to the last bit of its sums.
        better = np.mean(paired < -1e-12 if name in judge.LOWER else paired > 1e-12)
        assert difference.better == better, name


@pytest.mark.parametrize("model", ["form", "twin"])
def test_the_report_shows_the_scripts_calibration_errors_and_auroc(
    judge: Any, scored: tuple[Path, Any], reading: Reading, model: str
) -> None:
    folder, _ = scored
    truth = judge.load_truth(str(folder))
    joined, _ = judge.join(judge.load_forecasts([str(folder / "forecasts.csv")]), truth, False, True)
    theirs = judge.pooled(joined["post_quali", model])
    at_stage = [each for each in reading.forecasts if each.stage is Stage.AFTER_QUALIFYING]

    errors = {each.target: each.error for each in reliability(at_stage, model=model)}
    board = scoreboard(at_stage, stage=Stage.AFTER_QUALIFYING, span=(2024, 2024), reference=model)

    names = {Target.WIN: "win_ece", Target.PODIUM: "pod_ece", Target.POINTS: "pts_ece"}
    for target, name in names.items():
        assert errors[target] == pytest.approx(theirs[name], abs=1e-12)
    assert errors[Target.RETIREMENT] == pytest.approx(theirs["dnf_ece"], abs=1e-12)
    assert board is not None
    table = board.table(Pooled.RETIREMENT_AUROC)
    assert table is not None
    assert table.row(model).estimate.value == pytest.approx(theirs["dnf_auc"], abs=1e-12)
    assert not math.isnan(theirs["dnf_auc"])
