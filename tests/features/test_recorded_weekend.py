"""What the laps and the weather of the weekend have shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from f1graph.features.race_features import RaceFeatures
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, Recording, SessionPart, WeatherSample
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_race, a_recording
from tests.features.races import a_stint, features_of, value

RACE = a_race()
SPRINT_WEEKEND = a_race(has_sprint=True)
SLOWER = {driver: 0.2 * place for place, driver in enumerate(DRIVERS)}
MEDIAN = 0.7


def driven(session: SessionKind, *, compound: Compound = Compound.MEDIUM) -> Recording:
    race = SPRINT_WEEKEND if session is SessionKind.SPRINT else RACE
    rows = [
        replace(lap, speed_trap=300.0 + place)
        for place, driver in enumerate(DRIVERS)
        for lap in a_stint(
            driver, [90 * (1 + SLOWER[driver] / 100)] * 14, compound=compound, at=3600 + 10.0 * place
        )
    ]
    return a_recording(race, rows, session=session)


def weekend(*recordings: Recording) -> RaceFeatures:
    return features_of(RACE, [], recordings=recordings)


def test_long_runs_of_practice_are_a_feature_of_driver_and_team() -> None:
    features = weekend(driven(SessionKind.PRACTICE_2))

    assert value(features, "long_run_pace", "alonso") == pytest.approx(-MEDIAN, abs=0.02)
    assert value(features, "long_run_team_pace", "alonso") == pytest.approx(0.1 - MEDIAN, abs=0.02)
    assert value(features, "long_run_laps", "alonso") == 14
    assert value(features, "long_run_degradation", "alonso") == pytest.approx(0.0, abs=0.01)
    assert value(features, "one_lap_pace", "verstappen") == pytest.approx(MEDIAN, abs=0.02)


def test_the_sprint_shows_race_pace() -> None:
    features = features_of(
        SPRINT_WEEKEND, [], recordings=[driven(SessionKind.SPRINT)], stage=Stage.AFTER_SPRINT
    )

    assert value(features, "sprint_race_pace", "alonso") == pytest.approx(-MEDIAN, abs=0.02)


def test_the_speed_trap_of_qualifying_is_beyond_the_median_car() -> None:
    features = weekend(driven(SessionKind.QUALIFYING))

    assert features.column("qualifying_speed_trap").tolist() == [place - 3.5 for place in range(8)]


def test_wet_tyres_tell_the_weather_of_each_session() -> None:
    features = weekend(
        driven(SessionKind.PRACTICE_1),
        driven(SessionKind.PRACTICE_2, compound=Compound.INTERMEDIATE),
        driven(SessionKind.QUALIFYING, compound=Compound.WET),
    )

    assert (features.column("practice_wet_share") == 0.5).all()
    assert (features.column("qualifying_wet_share") == 1.0).all()


def test_the_track_is_as_warm_as_it_was_measured_in_practice() -> None:
    def measured(session: SessionKind, *temperatures: float | None) -> Recording:
        rows = [
            WeatherSample(timedelta(minutes=minute), track_temperature=temperature)
            for minute, temperature in enumerate(temperatures)
        ]
        return a_recording(RACE, rows, session=session, part=SessionPart.WEATHER)

    features = weekend(
        measured(SessionKind.PRACTICE_1, 30.0, 34.0, None),
        measured(SessionKind.PRACTICE_2, 40.0),
        measured(SessionKind.PRACTICE_3, None),
        measured(SessionKind.QUALIFYING, 10.0),
    )

    assert (features.column("practice_track_temperature") == 36.0).all()


def test_a_weekend_without_recordings_has_none_of_it() -> None:
    features = weekend()

    for name in ("long_run_pace", "one_lap_pace", "practice_wet_share", "qualifying_speed_trap"):
        assert np.isnan(features.column(name)).all(), name
