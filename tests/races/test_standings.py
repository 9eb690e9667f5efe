"""The championship tables follow from the results, and where official ones differ we know why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache

import pytest

from f1graph.races.calendar import Race
from f1graph.races.facts import Facts, Standings, StandingsKind, StandingsRow
from f1graph.races.points import SCALED_RACES, points_for, points_scale
from f1graph.races.results import (
    Classification,
    ClassificationKind,
    ClassificationRow,
    KnownAtBasis,
    Status,
)
from f1graph.races.standings import (
    RULINGS,
    Mismatch,
    MismatchCause,
    RulingKind,
    check_standings,
    standings_after,
)
from tests.builders import a_race
from tests.real_data import f1db_facts

Line = tuple[str, int | None, float]


def _result(
    race_id: str, *lines: Line, kind: ClassificationKind = ClassificationKind.RACE, revision: int = 1
) -> Classification:
    """Driver, position and points of each line; every driver has a team called after her."""
    return Classification(
        race_id=race_id,
        kind=kind,
        rows=tuple(
            ClassificationRow(
                order=order,
                driver_id=driver,
                constructor_id=f"team-{driver}",
                status=Status.CLASSIFIED if position else Status.DID_NOT_FINISH,
                position=position,
                points=points,
            )
            for order, (driver, position, points) in enumerate(lines, start=1)
        ),
        known_at=a_race().ends_at,
        known_at_basis=KnownAtBasis.RECORDED,
        source="test",
        source_version="1",
        revision=revision,
    )


def _drivers(tables: tuple[Standings, ...]) -> list[tuple[str, int | None, float]]:
    """The last drivers' table."""
    last = [table for table in tables if table.kind is StandingsKind.DRIVERS][-1]
    return [(row.competitor_id, row.position, row.points) for row in last.rows]


def test_points_of_races_and_sprints_add_up() -> None:
    first, second = a_race(2024, 1), a_race(2024, 2, has_sprint=True)

    tables = standings_after(
        [first, second],
        [
            _result(first.id, ("ada", 1, 25), ("ben", 2, 18)),
            _result(second.id, ("ben", 1, 8), ("ada", 2, 7), kind=ClassificationKind.SPRINT),
            _result(second.id, ("ben", 1, 25), ("ada", 2, 18)),
        ],
    )

    assert _drivers(tables) == [("ben", 1, 51), ("ada", 2, 50)]
    assert [(table.race_id, table.kind.value) for table in tables] == [
        (first.id, "DRIVERS"),
        (first.id, "CONSTRUCTORS"),
        (second.id, "DRIVERS"),
        (second.id, "CONSTRUCTORS"),
    ]


def test_more_wins_decide_equal_points() -> None:
    first, second = a_race(2024, 1), a_race(2024, 2)

    tables = standings_after(
        [first, second],
        [
            _result(first.id, ("ben", 2, 18), ("ada", 1, 25)),
            _result(second.id, ("ben", 6, 8), ("ada", 11, 1)),
        ],
    )

    assert _drivers(tables) == [("ada", 1, 26), ("ben", 2, 26)]


def test_places_below_the_points_decide_when_all_others_are_equal() -> None:
    race = a_race(2024, 1)

    tables = standings_after([race], [_result(race.id, ("ada", 15, 0), ("ben", 12, 0))])

    assert _drivers(tables) == [("ben", 1, 0), ("ada", 2, 0)]


def test_one_more_low_place_is_better_than_none() -> None:
    first, second = a_race(2024, 1), a_race(2024, 2)

    tables = standings_after(
        [first, second],
        [
            _result(first.id, ("ada", 12, 0), ("ben", None, 0)),
            _result(second.id, ("ben", 12, 0), ("ada", 17, 0)),
        ],
    )

    assert _drivers(tables) == [("ada", 1, 0), ("ben", 2, 0)]


def test_a_sprint_win_does_not_count_in_the_count_back() -> None:
    race = a_race(2024, 1, has_sprint=True)

    tables = standings_after(
        [race],
        [
            _result(race.id, ("ada", 1, 8), ("ben", None, 0), kind=ClassificationKind.SPRINT),
            _result(race.id, ("ben", 6, 8), ("ada", None, 0)),
        ],
    )

    assert _drivers(tables) == [("ben", 1, 8), ("ada", 2, 8)]


def test_who_is_equal_in_everything_shares_the_place() -> None:
    first, second = a_race(2024, 1), a_race(2024, 2)

    tables = standings_after(
        [first, second],
        [
            _result(first.id, ("ada", 1, 25), ("ben", 2, 18), ("cleo", 3, 15)),
            _result(second.id, ("ben", 1, 25), ("ada", 2, 18), ("cleo", 3, 15)),
        ],
    )

    assert _drivers(tables) == [("ada", 1, 43), ("ben", 1, 43), ("cleo", 3, 30)]


def test_a_corrected_result_replaces_the_earlier_one() -> None:
    """S6: results change weeks after they were published."""
    race = a_race(2024, 1)

    tables = standings_after(
        [race],
        [
            _result(race.id, ("ben", 1, 25), ("ada", None, 0), revision=2),
            _result(race.id, ("ada", 1, 25), ("ben", 2, 18)),
        ],
    )

    assert _drivers(tables) == [("ben", 1, 25)]


def test_a_race_without_a_result_has_no_table() -> None:
    first, second = a_race(2024, 1), a_race(2024, 2)

    tables = standings_after([first, second], [_result(first.id, ("ada", 1, 25))])

    assert {table.race_id for table in tables} == {first.id}


def test_before_1991_nothing_is_computed_because_scores_were_dropped() -> None:
    race = a_race(1990, 1)

    assert standings_after([race], [_result(race.id, ("ada", 1, 9))]) == ()


def test_races_of_two_seasons_are_refused() -> None:
    with pytest.raises(ValueError, match="of one season"):
        standings_after([a_race(2023, 1), a_race(2024, 1)], [])


def test_a_difference_nobody_knows_a_reason_for_is_called_unexplained() -> None:
    race = a_race(2024, 1)
    computed = standings_after([race], [_result(race.id, ("ada", 1, 25), ("ben", 2, 18))])
    official = [
        replace(table, rows=(replace(table.rows[0], points=24.0), *table.rows[1:])) for table in computed
    ]

    mismatches = check_standings(computed, official)

    assert [(m.competitor, m.cause) for m in mismatches] == [
        (("ada", None), MismatchCause.UNEXPLAINED),
        (("team-ada", None), MismatchCause.UNEXPLAINED),
    ]


def test_a_driver_missing_from_the_official_table_is_a_difference() -> None:
    race = a_race(2024, 1)
    computed = standings_after([race], [_result(race.id, ("ada", 1, 25), ("ben", 2, 18))])
    official = [Standings(race.id, StandingsKind.DRIVERS, (StandingsRow(1, 1, "ada", 25.0),))]

    (missing,) = check_standings(computed, official)

    assert (missing.competitor, missing.official) == (("ben", None), None)


# Real seasons ----------------------------------------------------------------------------------------------


def _facts_by_season(facts: Facts) -> dict[int, tuple[Standings, ...]]:
    races = defaultdict(list)
    season_of = {}
    for race in facts.races:
        races[race.season].append(race)
        season_of[race.id] = race.season
    lists = defaultdict(list)
    for classification in facts.classifications:
        lists[season_of[classification.race_id]].append(classification)
    return {season: standings_after(races[season], lists[season]) for season in range(1991, 2025)}


@cache
def _computed() -> dict[int, tuple[Standings, ...]]:
    return _facts_by_season(f1db_facts())


@cache
def _mismatches() -> tuple[Mismatch, ...]:
    computed = [table for tables in _computed().values() for table in tables]
    return tuple(check_standings(computed, f1db_facts().official_standings))


@pytest.mark.real_data
def test_every_table_since_1991_follows_from_the_results_or_the_difference_has_a_reason() -> None:
    facts = f1db_facts()
    compared = {(table.race_id, table.kind) for tables in _computed().values() for table in tables}
    official = {
        (table.race_id, table.kind)
        for table in facts.official_standings
        if int(table.race_id.split("-")[0]) >= 1991
    }

    assert compared == official
    assert len(compared) == 1250
    assert [m for m in _mismatches() if m.cause is MismatchCause.UNEXPLAINED] == []


@pytest.mark.real_data
def test_no_difference_is_in_the_points() -> None:
    for mismatch in _mismatches():
        assert mismatch.computed is not None
        assert mismatch.official is not None
        assert mismatch.computed.points == pytest.approx(mismatch.official.points)


@pytest.mark.real_data
def test_irregular_official_tables_are_few_and_known() -> None:
    irregular = Counter(m.race_id for m in _mismatches() if m.cause is MismatchCause.OFFICIAL_IS_IRREGULAR)

    assert irregular == {
        "2007-canada": 10,
        "2012-malaysia": 1,
        "2012-china": 1,
        "2012-bahrain": 1,
        "2012-monaco": 2,
        "2012-canada": 1,
        "2021-great-britain": 2,
        "2022-spain": 2,
    }


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("season", "kind", "competitor", "position", "points"),
    [
        (1995, StandingsKind.CONSTRUCTORS, "benetton", 1, 137.0),
        (1997, StandingsKind.DRIVERS, "michael-schumacher", None, 78.0),
        (2000, StandingsKind.CONSTRUCTORS, "mclaren", 2, 152.0),
        (2007, StandingsKind.CONSTRUCTORS, "mclaren", None, 0.0),
        (2018, StandingsKind.CONSTRUCTORS, "force-india", 7, 52.0),
        (2020, StandingsKind.CONSTRUCTORS, "racing-point", 4, 195.0),
        (2021, StandingsKind.DRIVERS, "max-verstappen", 1, 395.5),
        (2024, StandingsKind.DRIVERS, "max-verstappen", 1, 437.0),
        (2024, StandingsKind.CONSTRUCTORS, "mclaren", 1, 666.0),
    ],
)
def test_final_tables_hold_what_stewards_and_courts_decided(
    season: int, kind: StandingsKind, competitor: str, position: int | None, points: float
) -> None:
    final = [table for table in _computed()[season] if table.kind is kind][-1]

    row = next(row for row in final.rows if row.competitor_id == competitor)

    assert (row.position, row.points) == (position, points)


@pytest.mark.real_data
def test_every_ruling_names_a_race_and_a_competitor_that_exist() -> None:
    facts = f1db_facts()
    races = {race.id for race in facts.races}
    competitors = {driver.id for driver in facts.drivers} | {team.id for team in facts.constructors}

    for ruling in RULINGS:
        assert ruling.from_race_id in races
        assert ruling.competitor[0] in competitors
        assert (ruling.points is None) == (ruling.kind is RulingKind.EXCLUSION)
    assert set(SCALED_RACES) <= races


@pytest.mark.real_data
def test_points_of_every_race_and_sprint_since_1991_follow_from_the_rule() -> None:
    facts = f1db_facts()
    races = {race.id: race for race in facts.races}
    results = [
        classification
        for classification in facts.classifications
        if classification.kind in (ClassificationKind.RACE, ClassificationKind.SPRINT)
        and races[classification.race_id].season >= 1991
    ]

    assert len(results) == 625 + 18
    assert [wrong for result in results for wrong in wrong_points(races[result.race_id], result)] == []


def wrong_points(race: Race, result: Classification) -> list[tuple[str, str, float | None]]:
    """The lines of a race's or sprint's result whose points do not follow from its place."""
    scale = points_scale(race.id) if result.kind is ClassificationKind.RACE else 1.0
    return [
        (race.id, row.driver_id, row.points)
        for row in result.rows
        if points_for(
            race.season, row.position, session=result.kind.session, fastest_lap=row.fastest_lap, scale=scale
        )
        != pytest.approx(row.points or 0.0)
    ]
