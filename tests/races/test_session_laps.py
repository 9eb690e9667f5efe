"""Laps and weather as columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, SessionPart, TrackStatus, WeatherSample
from f1graph.races.session_laps import COMPOUNDS, UNKNOWN, SessionLaps, SessionWeather, in_columns
from tests.builders import a_lap, a_race, a_recording

RACE = a_race()


def test_laps_are_one_value_per_lap_in_every_column() -> None:
    told = replace(
        a_lap("norris", 2, seconds=80.125),
        track_status="24",
        pit_in_at=timedelta(seconds=5),
        deleted=True,
        speed_trap=321.5,
        position=3,
    )
    laps = in_columns(a_recording(RACE, [told, a_lap("gasly", 1)]))

    assert isinstance(laps, SessionLaps)
    assert (laps.name.race_id, laps.name.session, laps.name.known_at) == (
        RACE.id,
        SessionKind.RACE,
        RACE.ends_at,
    )
    assert [laps.driver_ids[index] for index in laps.driver] == ["gasly", "norris"]
    assert laps.number.tolist() == [1, 2]
    assert laps.time.tolist() == [80.0, 80.125]
    assert laps.at[1] == 55 * 60 + 160
    assert [COMPOUNDS[code] for code in laps.compound] == [Compound.MEDIUM] * 2
    assert laps.on(Compound.MEDIUM, Compound.HARD).tolist() == [True, True]
    assert laps.on(Compound.WET).tolist() == [False, False]
    assert laps.into_pits.tolist() == [False, True]
    assert laps.out_of_pits.tolist() == [False, False]
    assert laps.accurate.tolist() == [False, True]
    assert laps.deleted.tolist() == [False, True]
    assert laps.position.tolist() == [UNKNOWN, 3]
    np.testing.assert_array_equal(laps.speed_trap, [np.nan, 321.5])


def test_a_lap_has_every_status_that_was_shown_in_it() -> None:
    shown = [
        replace(a_lap("norris", number), track_status=codes) for number, codes in enumerate(("1", "24"), 1)
    ]
    laps = in_columns(a_recording(RACE, [*shown, replace(a_lap("norris", 3), track_status=None)]))

    assert isinstance(laps, SessionLaps)
    assert laps.shown(TrackStatus.SAFETY_CAR).tolist() == [False, True, False]
    assert laps.shown(TrackStatus.YELLOW, TrackStatus.CLEAR).tolist() == [True, True, False]


def test_what_nobody_measured_is_unknown() -> None:
    bare = replace(a_lap("norris", 1, seconds=None), stint=None, compound=None, tyre_life=None, at=None)
    laps = in_columns(a_recording(RACE, [bare]))

    assert isinstance(laps, SessionLaps)
    assert np.isnan(laps.time).all()
    assert np.isnan(laps.at).all()
    assert [laps.stint[0], laps.compound[0], laps.tyre_life[0]] == [UNKNOWN] * 3


def test_a_session_of_which_nothing_was_recorded_has_no_laps() -> None:
    laps = in_columns(a_recording(RACE, []))

    assert isinstance(laps, SessionLaps)
    assert (laps.size, laps.driver_ids) == (0, ())


def test_weather_is_one_value_per_sample() -> None:
    samples = [
        WeatherSample(timedelta(seconds=30), 21.5, 33.0, rain=False),
        WeatherSample(timedelta(seconds=90), None, None, rain=True),
    ]
    weather = in_columns(a_recording(RACE, samples, part=SessionPart.WEATHER))

    assert isinstance(weather, SessionWeather)
    assert weather.at.tolist() == [30.0, 90.0]
    np.testing.assert_array_equal(weather.track_temperature, [33.0, np.nan])
    assert weather.rain.tolist() == [False, True]


def test_features_are_not_made_of_messages() -> None:
    with pytest.raises(ValueError, match="RACE_CONTROL"):
        in_columns(a_recording(RACE, [], part=SessionPart.RACE_CONTROL))


def test_two_readings_of_the_same_laps_are_equal_and_a_lap_makes_the_difference() -> None:
    told = [a_lap("norris", 1, seconds=None), a_lap("norris", 2)]

    assert in_columns(a_recording(RACE, told)) == in_columns(a_recording(RACE, told))
    assert in_columns(a_recording(RACE, told)) != in_columns(a_recording(RACE, told[:1]))
    slower = [told[0], a_lap("norris", 2, seconds=80.001)]
    assert in_columns(a_recording(RACE, told)) != in_columns(a_recording(RACE, slower))
    assert in_columns(a_recording(RACE, told)) != in_columns(a_recording(RACE, told, revision=2))
