"""Where a race stands in its season and in the life of its regulations."""

from __future__ import annotations

from collections.abc import Sequence

from f1graph.races.calendar import Race

# The first seasons of new cars: aerodynamics of 2009, hybrid engines of 2014, wide cars of 2017, ground
# effect of 2022, active aerodynamics of 2026.
REGULATION_CHANGES = (2009, 2014, 2017, 2022, 2026)


def season_values(race: Race, before: Sequence[Race]) -> dict[str, float]:
    """`before`: the races with a result before this one, oldest first.

    Counted from results alone: the calendar of the running season changes, and a forecast that had used
    it could not be made again.
    """
    driven = sum(other.season == race.season for other in before)
    last_season = sum(other.season == race.season - 1 for other in before)
    reset = max((season for season in REGULATION_CHANGES if season <= race.season), default=None)
    return {
        "season_progress": min(driven / last_season, 1.0) if last_season else float("nan"),
        "regulation_change": float(race.season in REGULATION_CHANGES),
        "races_since_regulation_change": (
            float("nan") if reset is None else float(sum(other.season >= reset for other in before))
        ),
    }
