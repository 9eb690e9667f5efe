"""What earlier races say of drivers, teams and circuits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from f1graph.races.results import Classification
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_list, a_race, a_season, a_weekend
from tests.features.races import a_qualifying, a_race_from, features_of, value

ROUND_1, ROUND_2, ROUND_3 = a_season(2024, 3)


def with_first(driver: str) -> tuple[str, ...]:
    return (driver, *(other for other in DRIVERS if other != driver))


def test_who_won_lately_has_the_largest_share_of_wins_and_a_newcomer_one_of_the_field() -> None:
    won_once = [a_race_from(ROUND_1, with_first("norris")), a_race_from(ROUND_2, with_first("gasly"))]

    features = features_of(ROUND_3, won_once, before=[ROUND_1, ROUND_2])

    shares = features.column("driver_win_share")
    assert value(features, "driver_win_share", "gasly") == shares.max()
    assert (
        value(features, "driver_win_share", "gasly") > value(features, "driver_win_share", "norris") > 1 / 8
    )
    assert value(features, "driver_win_share", "alonso") < 1 / 8
    assert shares.sum() == pytest.approx(1.0)
    assert features_of(ROUND_1, []).column("driver_win_share") == pytest.approx(1 / 20)


def test_the_podium_is_three_places_and_the_front_row_two() -> None:
    features = features_of(ROUND_2, [a_race_from(ROUND_1, DRIVERS)], before=[ROUND_1])

    assert features.column("driver_podium_share").sum() == pytest.approx(3.0)
    assert features.column("driver_front_row_share").sum() == pytest.approx(2.0)
    assert features.column("driver_pole_share").sum() == pytest.approx(1.0)
    assert (features.column("driver_podium_share") > 3 / 8).tolist() == [True] * 3 + [False] * 5
    # Two cars of a team share what it won.
    assert value(features, "team_win_share", "alonso") == value(features, "team_win_share", "bottas")
    assert value(features, "team_podium_share", "gasly") > value(features, "team_podium_share", "russell")


def test_a_driver_who_gains_places_is_known_to() -> None:
    grid = (*DRIVERS[1:], "alonso")
    last_to_first = a_race_from(ROUND_1, DRIVERS, grid=grid)

    features = features_of(ROUND_2, [last_to_first], before=[ROUND_1])

    assert value(features, "driver_mean_gain", "alonso") == pytest.approx(7 / 6)
    assert value(features, "driver_mean_gain", "gasly") == pytest.approx(-1 / 6)


def test_a_retirement_gains_and_loses_no_places() -> None:
    out = a_race_from(ROUND_1, DRIVERS, out={"alonso": "Engine"})

    features = features_of(ROUND_2, [out], before=[ROUND_1])

    assert value(features, "driver_mean_gain", "alonso") == 0.0


def test_teammates_are_compared_in_the_last_part_both_drove() -> None:
    laps = {"alonso": (81.0, 80.0, 79.0), "bottas": (80.0, 80.8), "gasly": (82.0,)}
    facts = [a_race_from(ROUND_1, DRIVERS), a_qualifying(ROUND_1, laps)]

    features = features_of(ROUND_2, facts, before=[ROUND_1])

    assert value(features, "teammate_qualifying_gap", "bottas") == pytest.approx(1.0)
    assert value(features, "teammate_qualifying_gap", "alonso") == pytest.approx(-0.990, abs=0.001)
    assert np.isnan(value(features, "teammate_qualifying_gap", "gasly"))


def test_who_beats_the_teammate_has_the_larger_share_unless_one_stopped() -> None:
    facts = [a_race_from(ROUND_1, DRIVERS, out={"hamilton": "Engine"})]

    features = features_of(ROUND_2, facts, before=[ROUND_1])

    assert value(features, "teammate_race_share", "alonso") == pytest.approx(3 / 5)
    assert value(features, "teammate_race_share", "bottas") == pytest.approx(2 / 5)
    assert value(features, "teammate_race_share", "gasly") == 0.5


def test_a_driver_who_changed_teams_starts_to_count_anew() -> None:
    first = a_race_from(ROUND_1, DRIVERS)
    elsewhere = tuple(
        replace(row, constructor_id="old-team") if row.driver_id == "alonso" else row for row in first.rows
    )

    features = features_of(ROUND_2, [replace(first, rows=elsewhere)], before=[ROUND_1])

    assert value(features, "races_with_team", "alonso") == 0.0
    assert value(features, "races_with_team", "bottas") == 1.0


def accidents_and_failures() -> Classification:
    return a_race_from(ROUND_1, DRIVERS, out={"alonso": "Collision", "gasly": "Gearbox", "russell": None})


def test_an_accident_is_the_drivers_and_a_broken_gearbox_the_teams() -> None:
    features = features_of(ROUND_2, [accidents_and_failures()], before=[ROUND_1])

    accident, mechanical = features.column("driver_accident_rate"), features.column("team_mechanical_rate")
    assert accident.argmax() == features.driver_ids.index("alonso")
    assert mechanical.argmax() == features.driver_ids.index("gasly")
    # Gasly and Hamilton share the car that broke, Alonso and Bottas do not share the accident.
    assert value(features, "team_mechanical_rate", "hamilton") == mechanical.max()
    assert value(features, "driver_accident_rate", "bottas") == accident.min()


def test_a_retirement_of_unknown_cause_is_partly_an_accident_and_partly_the_car() -> None:
    features = features_of(ROUND_2, [accidents_and_failures()], before=[ROUND_1])

    rates = features.column("driver_accident_rate")
    assert rates.min() < value(features, "driver_accident_rate", "russell") < rates.max()
    cars = features.column("team_mechanical_rate")
    assert cars.min() < value(features, "team_mechanical_rate", "verstappen") < cars.max()


def test_erased_causes_leave_the_fields_rates_together_as_they_were() -> None:
    told = accidents_and_failures()
    erased = replace(told, rows=tuple(replace(row, reason_retired=None) for row in told.rows))

    def rates(result: Classification) -> float:
        features = features_of(ROUND_2, [result], before=[ROUND_1])
        return float(features.column("field_accident_rate")[0] + features.column("field_mechanical_rate")[0])

    assert rates(erased) == pytest.approx(rates(told), abs=0.005)


def test_who_is_better_here_than_elsewhere_is_known_to_like_the_circuit() -> None:
    elsewhere = [a_race(2023, number, circuit_id="spa") for number in (1, 2)]
    here = a_race(2023, 3, circuit_id="monza")
    race = a_race(2024, 1, circuit_id="monza")
    facts = [*(a_race_from(one, DRIVERS) for one in elsewhere), a_race_from(here, DRIVERS[::-1])]

    features = features_of(race, facts, before=[*elsewhere, here])

    assert value(features, "driver_circuit_form", "verstappen") == pytest.approx(2 / 4)
    assert value(features, "driver_circuit_form", "alonso") == pytest.approx(-2 / 4)
    assert (
        value(features, "team_circuit_form", "russell") > 0 > value(features, "team_circuit_form", "bottas")
    )
    spa = features_of(a_race(2024, 1, circuit_id="suzuka"), facts, before=[*elsewhere, here])
    assert (spa.column("driver_circuit_form") == 0).all()


def test_a_season_progresses_as_fast_as_the_last_one_did() -> None:
    last = a_season(2023, 4)
    facts = [a_race_from(race, DRIVERS) for race in (*last, ROUND_1)]

    features = features_of(ROUND_2, facts, before=[*last, ROUND_1])

    assert (features.column("season_progress") == 0.25).all()


@pytest.mark.parametrize(("season", "change", "since"), [(2008, 0, np.nan), (2022, 1, 0), (2023, 0, 4)])
def test_new_cars_are_new_in_their_first_season(season: int, change: float, since: float) -> None:
    before = a_season(season - 1, 4)
    race = a_race(season)

    features = features_of(race, [a_race_from(one, DRIVERS) for one in before], before=before)

    np.testing.assert_array_equal(features.column("regulation_change"), [change] * 8)
    np.testing.assert_array_equal(features.column("races_since_regulation_change"), [since] * 8)


def test_who_drove_most_in_practice_has_driven_all_of_it() -> None:
    weekend = {fact.kind: fact for fact in a_weekend(ROUND_1)}
    laps = {driver: 10 + 2 * number for number, driver in enumerate(DRIVERS)}
    practice = next(fact for kind, fact in weekend.items() if kind.value == "PRACTICE_1")
    rows = [replace(row, laps=laps[row.driver_id]) for row in practice.rows]

    features = features_of(ROUND_1, [a_list(ROUND_1, practice.kind, rows)], stage=Stage.AFTER_PRACTICE)

    assert value(features, "practice_laps_share", "verstappen") == 1.0
    assert value(features, "practice_laps_share", "alonso") == pytest.approx(10 / 24)


def test_a_team_is_as_fast_in_practice_as_its_faster_car() -> None:
    practice = next(fact for fact in a_weekend(ROUND_1) if fact.kind.value == "PRACTICE_1")

    features = features_of(ROUND_1, [practice], stage=Stage.AFTER_PRACTICE)

    for one, other in zip(DRIVERS[::2], DRIVERS[1::2], strict=True):
        faster = min(value(features, "practice_gap", one), value(features, "practice_gap", other))
        assert value(features, "practice_team_gap", one) == faster
        assert value(features, "practice_team_gap", other) == faster
