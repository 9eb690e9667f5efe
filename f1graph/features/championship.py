"""Where drivers and teams stand, counted from the results known so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from f1graph.features.recent_races import RaceRecord


class Championship:
    """Points of this season and of the one before.

    Points are added up from the results as they stood; deductions by the stewards that touch only the table
    (McLaren 2007) are not in it.
    """

    def __init__(self, records: Sequence[RaceRecord], season: int) -> None:
        this_season = [record for record in records if record.season == season]
        last_season = [record for record in records if record.season == season - 1]
        self.races = len(this_season)
        self._drivers, self._teams = _points(this_season)
        self._last_drivers, self._last_teams = _points(last_season)

    def values(self, driver_id: str, lineage_id: str) -> dict[str, float]:
        return {
            "points_share": _share(self._drivers, driver_id),
            "last_season_points_share": _share(self._last_drivers, driver_id),
            "team_points_share": _share(self._teams, lineage_id),
            "last_season_team_points_share": _share(self._last_teams, lineage_id),
            "championship_position": self._position(driver_id),
            "season_races": float(self.races),
        }

    def _position(self, driver_id: str) -> float:
        table = self._drivers if self.races else self._last_drivers
        if not table:
            return float("nan")
        own = table.get(driver_id, 0.0)
        return 1.0 + sum(points > own for points in table.values())


def _points(records: Sequence[RaceRecord]) -> tuple[dict[str, float], dict[str, float]]:
    drivers: dict[str, float] = defaultdict(float)
    teams: dict[str, float] = defaultdict(float)
    for record in records:
        for car in record.cars:
            drivers[car.driver_id] += car.points
            teams[car.lineage_id] += car.points
    return dict(drivers), dict(teams)


def _share(points: Mapping[str, float], of: str) -> float:
    """Points over the leader's; NaN for whoever took no part, and while nobody has a point."""
    best = max(points.values(), default=0.0)
    if best <= 0.0 or of not in points:
        return float("nan")
    return points[of] / best
