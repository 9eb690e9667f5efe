"""What qualifying and the grid say beside places."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.races.results import ClassificationKind, Status
from tests.builders import DRIVERS, a_grid, a_list, a_race, a_row, a_season
from tests.features.races import a_qualifying, a_race_from, features_of, value

RACE = a_race()
# Alonso, on pole, was not the fastest of the first part; the track got faster from part to part.
LAPS = {
    "alonso": (80.4, 79.0, 78.0),
    "bottas": (80.0, 79.79, 78.78),
    "gasly": (80.8, 80.58),
    "hamilton": (84.42,),
}


def test_all_cars_are_compared_in_the_first_part() -> None:
    features = features_of(RACE, [a_qualifying(RACE, LAPS)])

    assert value(features, "q1_gap", "bottas") == 0.0
    assert value(features, "q1_gap", "alonso") == pytest.approx(0.5)
    assert value(features, "q1_gap", "gasly") == pytest.approx(1.0)
    assert np.isnan(value(features, "q1_gap", "russell"))
    assert features.column("field_spread") == pytest.approx([0.75] * 8)


def test_the_pole_car_is_the_measure_in_every_part() -> None:
    features = features_of(RACE, [a_qualifying(RACE, LAPS)])

    assert value(features, "best_qualifying_gap", "alonso") == 0.0
    assert value(features, "best_qualifying_gap", "bottas") == pytest.approx(100 * (80.0 / 80.4 - 1))
    assert value(features, "best_qualifying_gap", "hamilton") == pytest.approx(5.0)


def test_neighbours_are_compared_in_the_last_part_both_drove() -> None:
    features = features_of(RACE, [a_qualifying(RACE, LAPS)])

    assert value(features, "front_gap_ahead", "alonso") == 0.0
    assert value(features, "gap_behind", "alonso") == pytest.approx(1.0)
    assert value(features, "front_gap_ahead", "bottas") == pytest.approx(1.0)
    assert value(features, "front_gap_ahead", "gasly") == pytest.approx(100 * (80.58 / 79.79 - 1))
    assert np.isnan(value(features, "gap_behind", "hamilton"))


def test_a_team_is_as_fast_as_its_faster_car_and_the_teammates_differ() -> None:
    features = features_of(RACE, [a_qualifying(RACE, LAPS)])

    assert value(features, "qualifying_team_gap", "bottas") == 0.0
    assert value(features, "qualifying_teammate_gap", "bottas") == pytest.approx(1.0)
    assert value(features, "qualifying_teammate_gap", "alonso") == pytest.approx(-0.990, abs=0.001)
    assert value(features, "qualifying_teammate_gap", "hamilton") == pytest.approx(100 * (84.42 / 80.8 - 1))


def test_a_penalty_costs_places_and_the_pit_lane_is_the_last() -> None:
    rows = [
        a_row(1, "bottas"),
        a_row(2, "gasly"),
        a_row(3, "alonso"),
        a_row(4, "hamilton", status=Status.PIT_LANE),
    ]
    grid = a_list(RACE, ClassificationKind.GRID, rows, known_at=RACE.starts_at)

    features = features_of(RACE, [a_qualifying(RACE, LAPS), grid])

    assert [value(features, "grid_penalty", driver) for driver in LAPS] == [2, -1, -1, 0]
    assert np.isnan(value(features, "grid_penalty", "russell"))


def test_a_fast_driver_at_the_back_is_out_of_position() -> None:
    rounds = a_season(2024, 3)
    laps = {driver: (80.0 + number / 10,) for number, driver in enumerate(DRIVERS)}
    facts = [a_qualifying(race, laps) for race in rounds]
    results = [a_race_from(race, DRIVERS) for race in rounds[:2]]
    back_of_the_grid = (*DRIVERS[1:], "alonso")

    features = features_of(
        rounds[2], [*facts, *results, a_grid(rounds[2], back_of_the_grid)], before=rounds[:2]
    )

    # Two cars of a team are told apart by the driver's own half of the pace.
    assert value(features, "out_of_position", "alonso") == 1 - 8
    assert value(features, "out_of_position", "bottas") == 2 - 1
    assert features.column("qualifying_surprise") == pytest.approx([0.0] * 8, abs=1e-9)


def test_who_qualifies_faster_than_ever_is_a_surprise() -> None:
    rounds = a_season(2024, 2)
    usual = {driver: (80.0 + number / 10,) for number, driver in enumerate(DRIVERS)}
    star = {**usual, "verstappen": (79.0,)}
    facts = [a_qualifying(rounds[0], usual), a_race_from(rounds[0], DRIVERS), a_qualifying(rounds[1], star)]

    features = features_of(rounds[1], facts, before=rounds[:1])

    surprises = features.column("qualifying_surprise")
    assert surprises.argmax() == features.driver_ids.index("verstappen")
    assert surprises.max() > 1.0
    assert surprises.sum() == pytest.approx(0.0, abs=1e-9)
