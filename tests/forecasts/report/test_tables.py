"""Scores beside each other, and where we lose."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.forecasts.report.tables import Pooled, auroc, losses, scoreboard
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from tests.forecasts.report.judged import a_judged_forecast

LOSS, HIT = Measure.WINNER_LOG_LOSS, Measure.WINNER_HIT
STAGE = Stage.AFTER_QUALIFYING


def races(
    model: str, values: list[float], measure: Measure = LOSS, *, season: int = 2024
) -> list[JudgedForecast]:
    return [
        a_judged_forecast(season=season, round_=i, model=model, values={measure: value})
        for i, value in enumerate(values, start=1)
    ]


def test_a_model_that_is_always_a_little_better_is_better_in_every_resample() -> None:
    ours = [1.0, 3.0, 0.2, 5.0, 2.0, 0.1]
    forecasts = races("rating", ours) + races("grid", [value + 0.01 for value in ours])

    board = scoreboard(forecasts, stage=STAGE, span=(2024, 2024), reference="grid")

    assert board is not None
    table = board.table(LOSS)
    assert table is not None
    row = table.row("rating")
    assert row.difference is not None
    # The means are uncertain, the difference is not: it is paired.
    assert row.estimate.low is not None
    assert row.estimate.high is not None
    assert row.estimate.high - row.estimate.low > 1
    assert row.difference.better == 1
    assert row.difference.estimate.value == pytest.approx(-0.01)
    assert row.difference.estimate.excludes_zero
    assert table.row("grid").difference is None


def test_only_races_that_all_models_forecast_are_compared() -> None:
    forecasts = races("rating", [1, 1, 9]) + races("grid", [2, 2])

    board = scoreboard(forecasts, stage=STAGE, span=(2024, 2024), reference="rating")

    assert board is not None
    table = board.table(LOSS)
    assert table is not None
    assert (board.races, board.left_out) == (2, {"rating": 1})
    assert table.row("rating").estimate.value == 1


def test_a_race_without_a_single_winner_counts_for_the_other_figures() -> None:
    with_winner = a_judged_forecast(round_=1, values={LOSS: 1.0, Measure.PODIUM_BRIER: 0.1})
    without = a_judged_forecast(round_=2, values={Measure.PODIUM_BRIER: 0.3})

    board = scoreboard([with_winner, without], stage=STAGE, span=(2024, 2024), reference="rating")

    assert board is not None
    assert [(table.figure, table.races) for table in board.tables] == [(LOSS, 1), (Measure.PODIUM_BRIER, 2)]
    first = board.tables[0].row("rating").estimate
    assert (first.value, first.low, first.high) == (1, None, None)


def test_a_span_without_the_reference_has_no_board() -> None:
    assert scoreboard(races("grid", [1, 2]), stage=STAGE, span=(2024, 2024), reference="rating") is None
    assert scoreboard(races("rating", [1]), stage=STAGE, span=(2023, 2023), reference="rating") is None


def test_what_we_lose_is_told_whatever_direction_is_better() -> None:
    behind = races("rating", [2, 2, 2], LOSS) + races("grid", [1, 1, 1], LOSS)
    fewer_hits = races("rating", [0, 0, 1], HIT) + races("grid", [0, 1, 1], HIT)
    ahead = races("rating", [1, 1, 1], LOSS) + races("grid", [2, 2, 2], LOSS)
    unsure = races("rating", [1, 2, 1], LOSS) + races("grid", [2, 1, 1.5], LOSS)
    found = []
    for forecasts in (behind, fewer_hits, ahead, unsure):
        board = scoreboard(forecasts, stage=STAGE, span=(2024, 2024), reference="rating")
        assert board is not None
        found.append([(loss.figure, loss.is_worse) for loss in losses(board, others=["grid", "nobody"])])

    assert found == [[(LOSS, True)], [(HIT, True)], [], [(LOSS, False)]]


def test_as_good_as_a_baseline_is_a_loss() -> None:
    board = scoreboard(
        races("rating", [1, 2]) + races("grid", [1, 2]), stage=STAGE, span=(2024, 2024), reference="rating"
    )

    assert board is not None
    (loss,) = losses(board, others=["grid"])
    assert loss.is_worse
    assert loss.behind.value == 0


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    probabilities = np.array([0.1, 0.4, 0.4, 0.8])
    retired = np.array([False, False, True, True])
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 1, 0], [1, 1, 0, 0]])

    area = auroc(probabilities, retired, weights)

    # Of four pairs three are in order and one is a tie; a weight is a race drawn again.
    assert area[:2] == pytest.approx([3.5 / 4, 1])
    assert np.isnan(area[2])


def test_auroc_needs_somebody_who_retired() -> None:
    nobody = [a_judged_forecast(round_=i) for i in (1, 2)]
    somebody = [a_judged_forecast(round_=i, retired=(False, False, False, True)) for i in (1, 2)]

    boards = [
        scoreboard(forecasts, stage=STAGE, span=(2024, 2024), reference="rating")
        for forecasts in (nobody, somebody)
    ]

    assert [board is not None and board.table(Pooled.RETIREMENT_AUROC) is not None for board in boards] == [
        False,
        True,
    ]
