"""Safety cars, overtaking and first laps, as the laps tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.features.race_flow import RaceFlow, race_flow
from f1graph.races.laps import Lap
from f1graph.races.session_laps import SessionLaps, in_columns
from tests.builders import DRIVERS, a_race, a_recording
from tests.features.races import a_stint

RACE = a_race()
LAPS = 20


def a_race_in_order(orders: Sequence[Sequence[str]]) -> list[Lap]:
    """One order of the cars per lap."""
    laps = []
    for number, order in enumerate(orders, start=1):
        for place, driver in enumerate(order, start=1):
            laps += [replace(lap, position=place) for lap in a_stint(driver, [90.0], first_lap=number)]
    return laps


def flow_of(laps: Sequence[Lap]) -> RaceFlow:
    columns = in_columns(a_recording(RACE, laps))
    assert isinstance(columns, SessionLaps)
    return race_flow(columns)


def test_the_safety_car_is_counted_in_laps_of_the_leader() -> None:
    laps = a_race_in_order([DRIVERS] * LAPS)
    behind = [replace(lap, track_status="4" if 5 <= lap.number < 10 else "1") for lap in laps]

    assert flow_of(laps).safety_car_share == 0.0
    assert flow_of(behind).safety_car_share == pytest.approx(0.25)


def test_two_cars_that_change_places_are_one_overtake() -> None:
    swapped = ("bottas", "alonso", *DRIVERS[2:])
    orders = [DRIVERS] * 10 + [swapped] * 10

    assert flow_of(a_race_in_order([DRIVERS] * LAPS)).overtakes == 0.0
    assert flow_of(a_race_in_order(orders)).overtakes == pytest.approx(1 / (8 * 19))


def test_places_that_are_won_in_the_pits_or_at_the_start_are_none() -> None:
    swapped = ("bottas", "alonso", *DRIVERS[2:])
    stopped = [
        replace(lap, pit_in_at=timedelta(seconds=1)) if (lap.driver_id, lap.number) == ("alonso", 10) else lap
        for lap in a_race_in_order([DRIVERS] * 10 + [swapped] * 10)
    ]

    assert flow_of(stopped).overtakes == 0.0
    assert flow_of(a_race_in_order([swapped] * LAPS)).overtakes == 0.0
    assert flow_of(a_race_in_order([swapped] * LAPS)).after_first_lap["bottas"] == 1.0


def test_a_race_of_a_few_laps_tells_nothing() -> None:
    flow = flow_of(a_race_in_order([DRIVERS] * 4))

    assert (flow.safety_car_share, flow.overtakes) == (None, None)
