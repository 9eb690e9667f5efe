"""Long runs and single fast laps of practice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.features.practice_runs import LongRuns, long_runs, one_lap_pace, wet_share
from f1graph.races.laps import Compound, Lap
from f1graph.races.results import ClassificationKind
from f1graph.races.session_laps import SessionLaps, in_columns
from tests.builders import DRIVERS, a_list, a_race, a_recording, a_row
from tests.features.races import a_stint

RACE = a_race()
SLOWER = dict(zip(DRIVERS, (-1.0, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 1.0), strict=True))


def as_columns(laps: Iterable[Lap]) -> SessionLaps:
    found = in_columns(a_recording(RACE, laps))
    assert isinstance(found, SessionLaps)
    return found


def a_run(
    driver: str, laps: int = 8, *, base: float = 90.0, wear: float = 0.1, compound: Compound = Compound.MEDIUM
) -> list[Lap]:
    return a_stint(driver, [base * (1 + SLOWER[driver] / 100)] * laps, wear=wear, compound=compound)


def of_everybody(*, base: float = 90.0, laps: int = 8) -> list[Lap]:
    return [lap for driver in DRIVERS for lap in a_run(driver, laps, base=base)]


def test_long_runs_tell_who_is_fast_over_a_stint() -> None:
    found = long_runs(as_columns(of_everybody()))

    assert found.pace == {driver: pytest.approx(slower, abs=0.02) for driver, slower in SLOWER.items()}
    assert set(found.laps.values()) == {8.0}


def test_tyres_that_are_older_do_not_make_a_slow_car() -> None:
    # Alonso does only the last laps of a long stint, on tyres that are ten laps old.
    old = [replace(lap, tyre_life=(lap.tyre_life or 0) + 10) for lap in a_run("alonso")]
    slower = [
        replace(lap, time=lap.time * 1.01) for lap in old if lap.time is not None
    ]  # ten laps at a tenth of a percent
    rest = [lap for lap in of_everybody() if lap.driver_id != "alonso"]

    found = long_runs(as_columns([*slower, *rest]))

    assert found.pace["alonso"] == pytest.approx(SLOWER["alonso"], abs=0.35)
    assert found.pace["alonso"] < SLOWER["alonso"] + 0.9


def test_a_lap_in_traffic_does_not_spoil_a_run() -> None:
    spoilt = [
        replace(lap, time=timedelta(seconds=110)) if (lap.driver_id, lap.number) == ("alonso", 4) else lap
        for lap in of_everybody()
    ]

    found = long_runs(as_columns(spoilt))

    assert found.pace["alonso"] == pytest.approx(SLOWER["alonso"], abs=0.02)
    assert found.laps["alonso"] == 7.0


def test_four_laps_are_no_long_run_and_neither_are_push_laps() -> None:
    pushing = a_stint("alonso", [88.0, 120.0] * 5)
    rest = [lap for lap in of_everybody() if lap.driver_id not in ("alonso", "bottas")]

    found = long_runs(as_columns([*pushing, *a_run("bottas", 4), *rest]))

    assert set(found.pace) == set(DRIVERS[2:])


def test_two_sessions_on_different_tracks_are_one_picture() -> None:
    second = as_columns(of_everybody(base=88.0))

    found = long_runs(as_columns(of_everybody()), None, second)

    assert found.pace == {driver: pytest.approx(slower, abs=0.05) for driver, slower in SLOWER.items()}
    assert set(found.laps.values()) == {16.0}


def test_who_wears_the_tyres_is_seen_within_stints() -> None:
    hard = a_stint("alonso", [90.0] * 14, wear=0.3)
    rest = [lap for driver in DRIVERS[1:] for lap in a_run(driver, 14)]

    found = long_runs(as_columns([*hard, *rest]))

    assert max(found.wear, key=lambda driver: found.wear[driver]) == "alonso"
    assert found.wear["alonso"] > 0.05


def test_long_runs_of_a_few_cars_or_in_the_wet_say_nothing_of_the_field() -> None:
    few = [lap for lap in of_everybody() if lap.driver_id in DRIVERS[:5]]
    wet = [replace(lap, compound=Compound.WET) for lap in of_everybody()]

    assert long_runs(as_columns(few)) == long_runs(as_columns(wet)) == LongRuns({}, {}, {})
    assert long_runs(None) == LongRuns({}, {}, {})


def test_a_soft_tyre_and_a_late_lap_make_no_fast_car() -> None:
    laps = []
    for place, driver in enumerate(DRIVERS):
        base = 80 * (1 + SLOWER[driver] / 100)
        # Half of them have also been out on softs, worth 0.6 %, and late, when the track was 0.25 % faster.
        laps += a_stint(driver, [base], at=1800)
        if place % 2 == 0:
            soft = base * (1 - 0.006) * (1 - 0.0025)
            laps += a_stint(driver, [soft], first_lap=2, stint=2, compound=Compound.SOFT, at=3600)

    found = one_lap_pace(as_columns(laps), None)

    assert found == {driver: pytest.approx(slower, abs=0.08) for driver, slower in SLOWER.items()}


def test_a_track_that_gets_faster_makes_no_fast_car() -> None:
    """Half a percent in an hour is what is expected of a track before the session has told."""
    laps = []
    for place, driver in enumerate(DRIVERS):
        late = place % 2 == 0
        base = 80 * (1 + SLOWER[driver] / 100) * (1 - 0.005 * late)
        laps += a_stint(driver, [base], at=1800 + 3600 * late)

    found = one_lap_pace(as_columns(laps), None)

    assert found == {driver: pytest.approx(slower, abs=0.1) for driver, slower in SLOWER.items()}


def test_a_lap_that_was_taken_away_does_not_count() -> None:
    laps = [lap for driver in DRIVERS for lap in a_run(driver, 2, wear=0.0)]
    cut = a_stint("verstappen", [89.0], first_lap=3)
    official = a_list(
        RACE,
        ClassificationKind.PRACTICE_1,
        [a_row(1, "verstappen", time=timedelta(seconds=90.9))],
    )

    with_it = one_lap_pace(as_columns([*laps, *cut]), None)
    marked = one_lap_pace(as_columns([*laps, replace(cut[0], deleted=True)]), None)
    capped = one_lap_pace(as_columns([*laps, *cut]), official)

    assert marked["verstappen"] == capped["verstappen"] == pytest.approx(SLOWER["verstappen"], abs=0.05)
    assert with_it["verstappen"] < 0


def test_the_wet_share_counts_every_lap_on_wet_tyres() -> None:
    wet = [replace(lap, compound=Compound.INTERMEDIATE) for lap in a_run("alonso", 4)]

    assert wet_share(as_columns([*wet, *a_run("bottas", 12)]), None) == 0.25
    assert wet_share(None, None) is None
