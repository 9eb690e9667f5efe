"""What was known at a moment, and what a past refuses to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.errors import FutureFactError
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import SessionPart
from f1graph.races.results import ClassificationKind
from tests.builders import a_history, a_race, a_recording, a_result, a_weather_forecast, some_laps

RACE = a_race()
KEY = (RACE.id, SessionKind.RACE, SessionPart.LAPS)
RECORDED = a_recording(RACE)


def test_the_laps_of_a_session_are_known_from_its_end_on() -> None:
    history = a_history([RACE], [], recordings=[RECORDED])

    before, after = history.as_of(RACE.ends_at - timedelta(seconds=1)), history.as_of(RACE.ends_at)

    assert before.laps(RACE.id, SessionKind.RACE) is None
    assert after.laps(RACE.id, SessionKind.RACE) is history.recordings[0]
    assert after.laps(RACE.id, SessionKind.QUALIFYING) is None
    assert after.weather(RACE.id, SessionKind.RACE) is None


def test_a_fuller_recording_takes_the_place_of_the_first_when_it_is_learned() -> None:
    later = RACE.ends_at + timedelta(days=1)
    fuller = replace(a_recording(RACE, some_laps(laps=9)), known_at=later, revision=2)
    history = a_history([RACE], [], recordings=[fuller, RECORDED])

    sizes = []
    for moment in (RACE.ends_at, later):
        laps = history.as_of(moment).laps(RACE.id, SessionKind.RACE)
        assert laps is not None
        sizes.append(laps.size)

    assert sizes == [5 * 8, 9 * 8]


def test_p1_a_past_refuses_laps_that_were_learned_later() -> None:
    past = a_history([RACE], [], recordings=[RECORDED]).as_of(RACE.ends_at)

    with pytest.raises(FutureFactError, match="LAPS of RACE of 2024-gp-1 was learned at"):
        replace(past, cutoff=RACE.starts_at)


def test_p1_a_past_refuses_a_result_that_was_learned_later() -> None:
    past = a_history([RACE], [a_result(RACE)]).as_of(RACE.ends_at)

    with pytest.raises(FutureFactError, match="RACE of 2024-gp-1 was learned at"):
        replace(past, cutoff=RACE.starts_at)


def test_the_newest_weather_forecast_is_the_last_that_was_learned_by_then() -> None:
    friday, saturday = (RACE.starts_at - timedelta(days=days) for days in (2, 1))
    later, earlier = a_weather_forecast(RACE, saturday, rain=0.8), a_weather_forecast(RACE, friday, rain=0.1)
    history = a_history([RACE], [], weather_forecasts=[later, earlier])

    known = [
        history.as_of(moment).weather_forecast(RACE.id)
        for moment in (friday - timedelta(seconds=1), friday, saturday)
    ]

    assert known == [None, earlier, later]
    assert history.as_of(saturday).weather_forecast("2024-gp-2") is None


def test_p1_a_past_refuses_a_weather_forecast_that_was_learned_later() -> None:
    """P1: also one for the hours of the race, if it was published after the cutoff."""
    saturday = RACE.starts_at - timedelta(days=1)
    past = a_history([RACE], [], weather_forecasts=[a_weather_forecast(RACE, saturday)]).as_of(saturday)

    with pytest.raises(FutureFactError, match="a weather forecast of 2024-gp-1 was learned at"):
        replace(past, cutoff=saturday - timedelta(seconds=1))


def test_what_was_worked_out_of_facts_is_worked_out_once_for_all_pasts() -> None:
    history = a_history([RACE], [a_result(RACE)])
    counted: list[str] = []

    def count(fact: object) -> int:
        counted.append(str(fact))
        return len(counted)

    answers = []
    for days in (1, 2):
        past = history.as_of(RACE.ends_at + timedelta(days=days))
        answers.append(past.recall(count, past.classification(RACE.id, ClassificationKind.RACE)))

    assert answers == [1, 1]
    assert history.as_of(RACE.starts_at).recall(count, None) == 2
