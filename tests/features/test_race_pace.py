"""Race pace from laps: what is the car's, and what is everybody's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from f1graph.features.pace import undisturbed
from f1graph.features.race_pace import gap_ahead, race_pace
from f1graph.races.laps import Compound, Lap
from f1graph.races.session_laps import SessionLaps, in_columns
from tests.builders import DRIVERS, a_race, a_recording
from tests.features.races import a_stint

RACE = a_race()
LAPS = 30
# Percent slower than 90 s; the median car is in the middle of Gasly, Hamilton, Leclerc and Norris.
SLOWER = dict(zip(DRIVERS, (-1.0, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 1.0), strict=True))


def as_columns(laps: Iterable[Lap]) -> SessionLaps:
    found = in_columns(a_recording(RACE, laps))
    assert isinstance(found, SessionLaps)
    return found


def a_drive(
    driver: str,
    *,
    stop: int = 15,
    second: Compound = Compound.HARD,
    wear: float = 0.05,
    start: float = 0.0,
    tyre_is_worth: float = 0.4,
) -> list[Lap]:
    """Thirty laps with one stop; two tenths of a percent of fuel are burnt each lap."""
    base = [90 * (1 + SLOWER[driver] / 100) * (1 + 0.002 * (LAPS - lap)) for lap in range(LAPS)]
    first = a_stint(driver, base[:stop], at=3600 + start, wear=wear)
    slower = [lap * (1 + tyre_is_worth / 100) for lap in base[stop:]]
    at = first[-1].at
    assert at is not None
    rest = a_stint(
        driver,
        slower,
        first_lap=stop + 1,
        stint=2,
        compound=second,
        at=at.total_seconds() + 20,
        wear=wear,
    )
    return [*first, *rest]


def a_grand_prix() -> list[list[Lap]]:
    """Everybody on the same strategy but for the lap of the stop, far enough apart to drive alone."""
    return [a_drive(driver, stop=11 + place, start=5.0 * place) for place, driver in enumerate(DRIVERS)]


def flat(race: list[list[Lap]]) -> list[Lap]:
    return [lap for drive in race for lap in drive]


def test_pace_is_what_is_left_when_fuel_and_tyres_are_taken_out() -> None:
    found = race_pace(as_columns(flat(a_grand_prix())))

    assert found.pace == {driver: pytest.approx(slower, abs=0.1) for driver, slower in SLOWER.items()}


def test_laps_behind_a_safety_car_and_in_the_pits_say_nothing() -> None:
    race = a_grand_prix()
    slow = [
        replace(lap, time=timedelta(seconds=140), track_status="14") if 18 <= lap.number <= 22 else lap
        for lap in race[0]
    ]
    unbothered = race_pace(as_columns(flat(race)))

    found = race_pace(as_columns(flat([slow, *race[1:]])))

    assert found.pace["alonso"] == pytest.approx(unbothered.pace["alonso"], abs=0.05)


def test_a_car_that_was_held_up_is_not_taken_for_a_slow_one() -> None:
    race = a_grand_prix()

    def slower_for_ten_laps(behind: float) -> float:
        """Verstappen's pace when ten laps took a second more, so far behind Russell."""
        ahead = {lap.number: lap.at for lap in race[6]}
        laps = []
        for lap in race[7]:
            leader = ahead[lap.number]
            assert lap.time is not None
            assert leader is not None
            if 16 < lap.number <= 26:
                at = leader + timedelta(seconds=behind)
                lap = replace(lap, time=lap.time + timedelta(seconds=1), at=at)
            laps.append(lap)
        return race_pace(as_columns(flat([*race[:7], laps]))).pace["verstappen"]

    held_up, alone = slower_for_ten_laps(0.5), slower_for_ten_laps(3.0)

    assert SLOWER["verstappen"] - 0.05 < held_up < alone - 0.05


def test_who_wears_the_tyres_more_than_the_field_is_known_to() -> None:
    race = a_grand_prix()
    hard_on_tyres = a_drive("alonso", stop=11, wear=0.25)

    found = race_pace(as_columns(flat([hard_on_tyres, *race[1:]])))

    assert max(found.wear, key=lambda driver: found.wear[driver]) == "alonso"
    assert 0.05 < found.wear["alonso"] < 0.2
    assert abs(found.wear["gasly"]) < 0.03


def test_a_race_in_the_rain_tells_no_dry_pace() -> None:
    wet = [replace(lap, compound=Compound.INTERMEDIATE) for lap in flat(a_grand_prix())]

    assert race_pace(as_columns(wet)).pace == {}


def test_who_drove_too_few_laps_has_no_pace() -> None:
    race = a_grand_prix()

    found = race_pace(as_columns(flat([race[0][:7], *race[1:]])))

    assert set(found.pace) == set(DRIVERS[1:])


def test_the_gap_ahead_is_the_time_since_any_car_crossed_the_line() -> None:
    laps = as_columns([*a_stint("alonso", [90.0, 90.0]), *a_stint("bottas", [91.5, 90.0])])

    assert gap_ahead(laps).tolist() == [pytest.approx(float("inf")), 88.5, 1.5, 1.5]


def test_a_lap_under_flags_or_without_a_time_is_disturbed() -> None:
    [lap] = a_stint("alonso", [90.0])
    disturbed = [
        replace(lap, track_status="12"),
        replace(lap, track_status="6"),
        replace(lap, is_accurate=False),
        replace(lap, time=None),
    ]

    assert undisturbed(as_columns([lap])).all()
    assert not any(undisturbed(as_columns([one])).any() for one in disturbed)
