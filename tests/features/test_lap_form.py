"""What the laps of earlier races say before a weekend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from f1graph.races.calendar import Race
from f1graph.races.laps import Lap, Recording
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_race, a_recording, a_season
from tests.features.races import a_race_from, a_stint, features_of, pit_stops, value

ROUND_1, ROUND_2, ROUND_3 = a_season(2024, 3)
STAGE = Stage.BEFORE_WEEKEND


def a_recorded_race(race: Race, order: Sequence[str] = DRIVERS, *, laps: int = 14) -> Recording:
    """A procession, each car 0.2 % of a lap slower than the one before it and far enough behind."""
    rows: list[Lap] = []
    for place, driver in enumerate(order, start=1):
        own = a_stint(driver, [90 * (1 + 0.002 * place)] * laps, at=3600 + 10.0 * place)
        rows += [replace(lap, position=place) for lap in own]
    return a_recording(race, rows)


def test_who_was_fast_in_the_last_races_has_the_pace() -> None:
    turned = a_recorded_race(ROUND_2, DRIVERS[::-1])
    facts = [a_race_from(ROUND_1, DRIVERS), a_race_from(ROUND_2, DRIVERS)]

    features = features_of(
        ROUND_3, facts, before=[ROUND_1, ROUND_2], recordings=[a_recorded_race(ROUND_1), turned], stage=STAGE
    )

    # The newer race counts more: −0.7 % and +0.7 % do not cancel.
    assert value(features, "race_pace_form", "verstappen") < -0.02
    assert value(features, "race_pace_form", "alonso") > 0.02
    of_the_first = features_of(
        ROUND_2, facts[:1], before=[ROUND_1], recordings=[a_recorded_race(ROUND_1)], stage=STAGE
    )
    assert value(of_the_first, "race_pace_form", "alonso") == pytest.approx(-0.7, abs=0.05)


def test_a_teams_pace_is_that_of_both_cars() -> None:
    features = features_of(
        ROUND_2,
        [a_race_from(ROUND_1, DRIVERS)],
        before=[ROUND_1],
        recordings=[a_recorded_race(ROUND_1)],
        stage=STAGE,
    )

    own = [value(features, "race_pace_form", driver) for driver in ("alonso", "bottas")]
    assert value(features, "team_race_pace_form", "alonso") == pytest.approx(np.mean(own))
    assert value(features, "team_race_pace_form", "bottas") == value(
        features, "team_race_pace_form", "alonso"
    )


def test_a_good_start_is_remembered() -> None:
    grid = (*DRIVERS[1:], "alonso")
    result = a_race_from(ROUND_1, DRIVERS, grid=grid)

    features = features_of(
        ROUND_2, [result], before=[ROUND_1], recordings=[a_recorded_race(ROUND_1)], stage=STAGE
    )

    assert value(features, "first_lap_gain_form", "alonso") == pytest.approx(7 / 6)
    assert value(features, "first_lap_gain_form", "bottas") == pytest.approx(-1 / 6)


def test_a_quick_crew_is_known_and_a_repair_is_no_slow_stop() -> None:
    times = {driver: 22.0 + 0.5 * (place // 2) for place, driver in enumerate(DRIVERS)}
    repaired = {**times, "alonso": 75.0}
    facts = [a_race_from(ROUND_1, DRIVERS), pit_stops(ROUND_1, repaired)]

    features = features_of(ROUND_2, facts, before=[ROUND_1], stage=STAGE)

    assert value(features, "pit_stop_form", "alonso") == value(features, "pit_stop_form", "bottas") < 0
    assert value(features, "pit_stop_form", "russell") - value(features, "pit_stop_form", "alonso") == 1.5


def test_a_circuit_with_safety_cars_keeps_its_name_for_them() -> None:
    races = [a_race(2023, number, circuit_id="spa") for number in (1, 2, 3)]
    wild = a_race(2023, 4, circuit_id="monza")
    here, there = a_race(2024, 1, circuit_id="monza"), a_race(2024, 1, circuit_id="spa")
    behind = a_recorded_race(wild)
    behind = replace(
        behind,
        rows=tuple(
            replace(lap, track_status="4") if isinstance(lap, Lap) and lap.number > 7 else lap
            for lap in behind.rows
        ),
    )
    recordings = [*(a_recorded_race(race) for race in races), behind]
    facts = [a_race_from(race, DRIVERS) for race in (*races, wild)]

    def share(race: Race) -> float:
        features = features_of(race, facts, before=[*races, wild], recordings=recordings, stage=STAGE)
        assert (features.column("circuit_overtaking") == 0).all()
        return float(features.column("circuit_safety_car_share")[0])

    # Half of one race in four, and two runnings' worth of what is usual.
    assert share(here) == pytest.approx((0.5 + 2 * 0.125) / 3)
    assert share(there) == pytest.approx((0.0 + 2 * 0.125) / 5)


def test_without_laps_nothing_is_known_of_them() -> None:
    features = features_of(ROUND_2, [a_race_from(ROUND_1, DRIVERS)], before=[ROUND_1], stage=STAGE)

    for name in (
        "race_pace_form",
        "team_race_pace_form",
        "tyre_wear_form",
        "first_lap_gain_form",
        "pit_stop_form",
        "circuit_safety_car_share",
        "circuit_overtaking",
    ):
        assert np.isnan(features.column(name)).all(), name


def test_a_tyre_eater_is_known_before_the_next_weekend() -> None:
    rows = [
        lap
        for place, driver in enumerate(DRIVERS)
        for lap in a_stint(
            driver, [90.0] * 20, at=3600 + 10.0 * place, wear=0.3 if driver == "alonso" else 0.05
        )
    ]

    features = features_of(
        ROUND_2,
        [a_race_from(ROUND_1, DRIVERS)],
        before=[ROUND_1],
        recordings=[a_recording(ROUND_1, rows)],
        stage=STAGE,
    )

    assert features.column("tyre_wear_form").argmax() == features.driver_ids.index("alonso")
    assert value(features, "tyre_wear_form", "alonso") > 0.05
