"""Our scores are those of the script by which forecasts of this project are judged from outside."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from f1graph.forecasts.backtest import Walk, backtest
from f1graph.races.forecast import ScoredForecast
from f1graph.races.measures import Measure
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
        estimators=(FormEstimator(),),
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
    for forecast in (each for each in ours if each.stage is stage):
        round_ = int(forecast.race_id.rsplit("-", 1)[1])
        for name, measure in NAMES.items():
            if round_ == VOID and name in BY_DRAWS:
                continue
            assert forecast.values[measure] == pytest.approx(by_round[round_][name], abs=1e-7), (
                forecast.race_id,
                name,
            )
