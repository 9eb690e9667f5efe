"""What each member brings."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.forecasts.report.ablation import ALL, ablation, pooled
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from tests.forecasts.report.judged import a_judged_forecast

STAGE, SPAN = Stage.AFTER_QUALIFYING, (2024, 2024)
KNOWS = (0.9, 0.1, 0.0, 0.0)
GUESSES = (0.25, 0.25, 0.25, 0.25)


def test_a_pool_is_worse_without_the_member_that_knows() -> None:
    forecasts = [
        a_judged_forecast(round_=round_, model=model, win=win)
        for round_ in (1, 2, 3)
        for model, win in (("tft", KNOWS), ("gnn", GUESSES), ("bnn", GUESSES))
    ]

    board = ablation(forecasts, stage=STAGE, span=SPAN, members=["tft", "gnn", "bnn", "mtl"], beside=["bnn"])

    assert board is not None
    assert board.models == (ALL, "without tft", "without gnn", "without bnn", "bnn")
    table = board.table(Measure.WINNER_LOG_LOSS)
    assert table is not None
    together = -np.log((0.9 + 0.25 + 0.25) / 3)
    assert table.row(ALL).estimate.value == pytest.approx(together)
    assert table.row("without tft").estimate.value == pytest.approx(-np.log(0.25))
    assert table.row("without gnn").estimate.value == pytest.approx(-np.log((0.9 + 0.25) / 2))
    difference = table.row("without tft").difference
    assert difference is not None
    assert difference.estimate.value == pytest.approx(-np.log(0.25) - together)


def test_one_member_alone_cannot_be_left_out() -> None:
    assert ablation([a_judged_forecast()], stage=STAGE, span=SPAN, members=["rating", "tft"]) is None


def test_the_expected_position_of_a_pool_is_the_median_of_what_its_members_say_together() -> None:
    first: list[list[float]] = [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    last: list[list[float]] = [[0, 0, 0, 1.0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]

    pool = pooled(
        [
            a_judged_forecast(model=model, matrix=matrix)
            for model, matrix in (("a", first), ("b", last), ("c", last))
        ],
        name="pool",
    )

    assert pool.judged.expected_position.tolist() == [4, 2, 3, 1]
    assert pool.judged.position_probabilities[0] == pytest.approx([1 / 3, 0, 0, 2 / 3])
    assert pool.values[Measure.MEAN_ABSOLUTE_ERROR] == pytest.approx((3 + 0 + 0 + 3) / 4)
