"""What a place was worth in each season."""

from __future__ import annotations

import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.points import points_for, points_scale, points_table


@pytest.mark.parametrize(
    ("season", "win", "paying_places"),
    [
        (1950, 8, 5),
        (1959, 8, 5),
        (1960, 8, 6),
        (1961, 9, 6),
        (1990, 9, 6),
        (1991, 10, 6),
        (2002, 10, 6),
        (2003, 10, 8),
        (2009, 10, 8),
        (2010, 25, 10),
        (2024, 25, 10),
    ],
)
def test_a_win_and_the_number_of_paying_places_by_season(season: int, win: int, paying_places: int) -> None:
    table = points_table(season)

    assert (table[0], len(table)) == (win, paying_places)
    assert list(table) == sorted(table, reverse=True)
    assert points_for(season, paying_places) > 0
    assert points_for(season, paying_places + 1) == 0


@pytest.mark.parametrize(("season", "first", "last_place"), [(2021, 3, 3), (2022, 8, 8), (2024, 8, 8)])
def test_sprint_points_by_season(season: int, first: int, last_place: int) -> None:
    assert points_for(season, 1, session=SessionKind.SPRINT) == first
    assert points_for(season, last_place, session=SessionKind.SPRINT) == 1
    assert points_for(season, last_place + 1, session=SessionKind.SPRINT) == 0


@pytest.mark.parametrize(
    ("season", "position", "points"),
    [
        (1950, 1, 9),
        (1959, None, 1),
        (1960, 1, 8),
        (2018, 1, 25),
        (2019, 1, 26),
        (2019, 10, 2),
        (2024, 11, 0),
        (2024, None, 0),
        (2025, 1, 25),
    ],
)
def test_the_fastest_lap_paid_a_point_until_1959_and_in_the_top_ten_from_2019_to_2024(
    season: int, position: int | None, points: float
) -> None:
    assert points_for(season, position, fastest_lap=True) == points


def test_the_fastest_lap_of_a_sprint_pays_nothing() -> None:
    assert points_for(2024, 1, session=SessionKind.SPRINT, fastest_lap=True) == 8


def test_shortened_races_paid_half_and_the_last_of_2014_double() -> None:
    assert points_for(2021, 1, scale=points_scale("2021-belgium")) == 12.5
    assert points_for(2014, 1, scale=points_scale("2014-abu-dhabi")) == 50
    assert points_for(2024, 1, scale=points_scale("2024-belgium")) == 25


def test_there_were_no_sprints_before_2021_and_no_championship_before_1950() -> None:
    with pytest.raises(ValueError, match="the first season was 2021"):
        points_for(2020, 1, session=SessionKind.SPRINT)
    with pytest.raises(ValueError, match="the first season was 1950"):
        points_for(1949, 1)


def test_practice_pays_no_points() -> None:
    with pytest.raises(ValueError, match="pays no points"):
        points_table(2024, SessionKind.PRACTICE_1)


def test_there_is_no_place_before_the_first() -> None:
    with pytest.raises(ValueError, match="no position 0"):
        points_for(2024, 0)
