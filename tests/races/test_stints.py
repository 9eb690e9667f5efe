"""Stints, derived from laps."""

from __future__ import annotations

from dataclasses import replace

from f1graph.races.laps import Compound, Lap
from f1graph.races.stints import Stint, stints_of
from tests.builders import a_lap


def driven(*stints: int, driver: str = "norris") -> list[Lap]:
    """Laps of stints of so many laps each, on new tyres each time."""
    laps: list[Lap] = []
    for number, length in enumerate(stints, start=1):
        for age in range(1, length + 1):
            lap = a_lap(driver, len(laps) + 1, stint=number)
            laps.append(replace(lap, tyre_life=age))
    return laps


def spans(laps: list[Lap]) -> list[tuple[int, int]]:
    return [(stint.first_lap, stint.last_lap) for stint in stints_of(laps)]


def test_a_stint_goes_from_one_change_of_tyres_to_the_next() -> None:
    assert spans(driven(20, 30, 7)) == [(1, 20), (21, 50), (51, 57)]


def test_a_stint_tells_which_tyres_and_how_old_they_were() -> None:
    used = [
        replace(lap, compound=Compound.SOFT, compound_name="C5", tyre_life=3 + lap.number, fresh_tyre=False)
        for lap in driven(12)
    ]

    assert stints_of(used) == (Stint("norris", 1, Compound.SOFT, "C5", 1, 12, 12, 3, False),)


def test_new_tyres_had_done_no_lap() -> None:
    assert [stint.tyre_life_at_start for stint in stints_of(driven(5, 5))] == [0, 0]


def test_every_driver_has_stints_of_his_own_whatever_the_order_of_the_laps() -> None:
    laps = driven(2, 2) + driven(3, driver="alonso")

    found = stints_of(sorted(laps, key=lambda lap: (-lap.number, lap.driver_id)))

    assert [(stint.driver_id, stint.number, stint.laps) for stint in found] == [
        ("alonso", 1, 3),
        ("norris", 1, 2),
        ("norris", 2, 2),
    ]


def test_a_race_that_starts_again_after_a_red_flag_counts_stints_from_one() -> None:
    """Silverstone 2021: the timing system called the only stint before the red flag the second."""
    assert [stint.number for stint in stints_of([replace(lap, stint=2) for lap in driven(9)])] == [1]


def test_a_lap_that_is_missing_is_not_counted() -> None:
    laps = [lap for lap in driven(10) if lap.number not in (1, 4)]

    (stint,) = stints_of(laps)

    assert (stint.first_lap, stint.last_lap, stint.laps, stint.tyre_life_at_start) == (2, 10, 8, 1)


def test_tyres_unknown_on_some_laps_are_known_from_the_others() -> None:
    first, *others = driven(6)
    hidden = replace(first, compound=Compound.UNKNOWN, compound_name=None, tyre_life=None, fresh_tyre=None)

    assert stints_of([hidden, *others]) == stints_of([first, *others])


def test_without_a_stint_number_younger_tyres_or_another_compound_end_it() -> None:
    laps = [replace(lap, stint=None) for lap in driven(3, 3)]
    wet = [
        replace(lap, compound=Compound.WET if lap.number > 2 else lap.compound, tyre_life=None)
        for lap in laps
    ]

    assert spans(laps) == [(1, 3), (4, 6)]
    assert spans(wet) == [(1, 2), (3, 6)]


def test_tyres_of_which_nothing_is_known_have_no_age() -> None:
    (stint,) = stints_of([Lap(driver_id="norris", number=1)])

    assert (stint.compound, stint.tyre_life_at_start, stint.fresh_tyre) == (None, None, None)


def test_no_laps_are_no_stints() -> None:
    assert stints_of([]) == ()
