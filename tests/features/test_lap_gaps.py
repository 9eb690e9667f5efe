"""Best laps as percentages of the best."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.features.lap_gaps import qualifying_gaps, session_gaps
from f1graph.races.results import ClassificationKind
from tests.builders import a_list, a_race, a_row


def test_a_lap_of_80_8_seconds_is_1_percent_slower_than_one_of_80() -> None:
    laps = {"norris": 80.0, "gasly": 80.8}
    rows = [a_row(i, name, time=timedelta(seconds=laps[name])) for i, name in enumerate(laps, start=1)]

    gaps = session_gaps(a_list(a_race(), ClassificationKind.PRACTICE_1, rows))

    assert gaps == {"norris": 0.0, "gasly": pytest.approx(1.0)}


def test_a_driver_without_a_lap_has_no_gap() -> None:
    rows = [a_row(1, "norris", time=timedelta(seconds=80)), a_row(2, "gasly")]

    gaps = session_gaps(a_list(a_race(), ClassificationKind.PRACTICE_1, rows))

    assert "gasly" not in gaps


def test_a_knock_out_qualifying_compares_laps_of_the_last_part_driven() -> None:
    # The track got two seconds faster: against the pole lap, who went out in Q1 would look hopeless.
    pole = replace(
        a_row(1, "norris"),
        q1=timedelta(seconds=100),
        q2=timedelta(seconds=99),
        q3=timedelta(seconds=98),
    )
    out_in_q1 = replace(a_row(2, "gasly"), q1=timedelta(seconds=101))

    gaps = qualifying_gaps(a_list(a_race(), ClassificationKind.QUALIFYING, [pole, out_in_q1]))

    assert gaps == {"norris": 0.0, "gasly": pytest.approx(1.0)}


def test_a_qualifying_without_parts_is_one_part() -> None:
    rows = [a_row(1, "norris", time=timedelta(seconds=50)), a_row(2, "gasly", time=timedelta(seconds=51))]

    gaps = qualifying_gaps(a_list(a_race(), ClassificationKind.QUALIFYING, rows))

    assert gaps["gasly"] == pytest.approx(2.0)
