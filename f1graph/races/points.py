"""What a finishing place is worth: the points tables of every season and their special cases.

Knows the rules, not the results: who was disqualified, or how far a race went, is the caller's to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from f1graph.races.calendar import SessionKind

FIRST_SEASON = 1950

# First season of each table, newest first.
_RACE_POINTS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (2010, (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)),
    (2003, (10, 8, 6, 5, 4, 3, 2, 1)),
    (1991, (10, 6, 4, 3, 2, 1)),
    (1961, (9, 6, 4, 3, 2, 1)),
    (1960, (8, 6, 4, 3, 2, 1)),
    (1950, (8, 6, 4, 3, 2)),
)
_SPRINT_POINTS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (2022, (8, 7, 6, 5, 4, 3, 2, 1)),
    (2021, (3, 2, 1)),
)
# Until 1959 the fastest lap was worth a point wherever its driver finished, from 2019 to 2024 only in the
# top ten. Several drivers who set the same time shared the point.
_LAST_EARLY_FASTEST_LAP_SEASON = 1959
_FASTEST_LAP_SEASONS = range(2019, 2025)
_LAST_FASTEST_LAP_POSITION = 10


@dataclass(frozen=True, slots=True)
class PointsScale:
    """A race that did not pay the usual points.

    Attributes:
        factor: What the usual points are multiplied by.
        reason: Why, for a reader.
    """

    factor: float
    reason: str


_SHORTENED = "half points: stopped before three quarters of the distance"
SCALED_RACES: dict[str, PointsScale] = {
    "1975-spain": PointsScale(0.5, _SHORTENED),
    "1975-austria": PointsScale(0.5, _SHORTENED),
    "1984-monaco": PointsScale(0.5, _SHORTENED),
    "1991-australia": PointsScale(0.5, _SHORTENED),
    "2009-malaysia": PointsScale(0.5, _SHORTENED),
    "2021-belgium": PointsScale(0.5, _SHORTENED),
    "2014-abu-dhabi": PointsScale(2.0, "double points: the last race of 2014"),
}


def points_scale(race_id: str) -> float:
    """What the usual points of this race are multiplied by; 1 for nearly every race."""
    scaled = SCALED_RACES.get(race_id)
    return 1.0 if scaled is None else scaled.factor


def points_table(season: int, session: SessionKind = SessionKind.RACE) -> tuple[int, ...]:
    """Points for first, second, third … in a race or sprint of `season`.

    Raises:
        ValueError: No championship was held that year, there were no sprints yet, or the session is one
            that never paid points.
    """
    if session not in (SessionKind.RACE, SessionKind.SPRINT):
        raise ValueError(f"{session} pays no points; only a race and a sprint do")
    tables = _RACE_POINTS if session is SessionKind.RACE else _SPRINT_POINTS
    for first_season, table in tables:
        if season >= first_season:
            return table
    raise ValueError(f"no {session.lower()} paid points in {season}; the first season was {tables[-1][0]}")


def points_for(
    season: int,
    position: int | None,
    *,
    session: SessionKind = SessionKind.RACE,
    fastest_lap: bool = False,
    scale: float = 1.0,
) -> float:
    """Points for one classified place.

    Args:
        position: None for whoever has no official place: no points for it.
        fastest_lap: Whether this entry set the race's fastest lap. Worth a point in the seasons that had
            one; shared fastest laps and shared cars (until 1964) divide points, which this does not do.
        scale: From `points_scale`.

    Raises:
        ValueError: As `points_table`, or a position below 1.
    """
    table = points_table(season, session)
    if position is not None and position < 1:
        raise ValueError(f"there is no position {position}; the winner has position 1")
    placed = float(table[position - 1]) if position is not None and position <= len(table) else 0.0
    if session is SessionKind.RACE and fastest_lap and has_fastest_lap_point(season, position):
        placed += 1.0
    return placed * scale


def has_fastest_lap_point(season: int, position: int | None) -> bool:
    """Whether the fastest lap of a race of `season`, set by who finished in `position`, pays a point."""
    if FIRST_SEASON <= season <= _LAST_EARLY_FASTEST_LAP_SEASON:
        return True
    return season in _FASTEST_LAP_SEASONS and position is not None and position <= _LAST_FASTEST_LAP_POSITION
