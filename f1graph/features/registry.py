"""Every feature by name: its unit, what it means, and the stage from which it is known.

Values are in the sport's own units; scaling, ranks and logarithms are each model's own business.
"""

from __future__ import annotations

from dataclasses import dataclass

from f1graph.races.stages import STAGE_ORDER, Stage


@dataclass(frozen=True, slots=True)
class Feature:
    """One named number per entry.

    Attributes:
        known_from: The first stage whose features have it; every later stage has it too.
    """

    name: str
    unit: str
    description: str
    known_from: Stage


_BEFORE_WEEKEND = (
    ("points_share", "share", "championship points this season over the leader's"),
    ("last_season_points_share", "share", "championship points of last season over the champion's"),
    ("team_points_share", "share", "the team's points this season over the leading team's"),
    ("last_season_team_points_share", "share", "the team's points of last season over the best team's"),
    (
        "championship_position",
        "place",
        "place in the drivers' championship, shared when level; before the season's first race that of last "
        "season",
    ),
    ("season_races", "races", "races of this season whose result is known"),
    ("driver_form", "−1 … 1", "classified places of late, 1 a win and −1 last; half-life 4 races"),
    ("driver_long_form", "−1 … 1", "as driver_form with a half-life of 15 races"),
    ("team_form", "−1 … 1", "as driver_form over both cars of the team; half-life 6 cars"),
    ("driver_grid_form", "−1 … 1", "places on the grid of late, 1 pole and −1 last; half-life 5 races"),
    (
        "driver_qualifying_form",
        "% of a lap",
        "qualifying gaps of late, field mean less own: above 0 is faster; half-life 6 races",
    ),
    ("team_qualifying_form", "% of a lap", "as driver_qualifying_form over both cars; half-life 6 cars"),
    ("recent_starts", "races", "starts within the last 60 races: 0 is a newcomer"),
    ("driver_retirement_rate", "share", "the driver's recent retirements, shrunk towards the field's"),
    ("team_retirement_rate", "share", "the team's recent retirements, shrunk towards the field's"),
    ("field_retirement_rate", "share", "retirements per start over the last 20 races"),
    (
        "circuit_attrition",
        "share",
        "retirements here beyond those of the ten races before, last 8 runnings, shrunk towards 0",
    ),
    (
        "circuit_grid_hold",
        "correlation",
        "how well the grid told the order here beyond the usual 0.65, last 8 runnings, shrunk towards 0",
    ),
    ("street_circuit", "0 or 1", "whether the circuit is laid out on streets"),
)
_AFTER_PRACTICE = (
    ("practice_gap", "% of a lap", "smallest gap to the best lap of a practice session"),
    (
        "practice_mean_gap",
        "% of a lap",
        "mean gap to the best lap over the practice sessions, each at most 5",
    ),
    ("last_practice_gap", "% of a lap", "gap to the best lap of the last practice session"),
    ("practice_laps", "laps", "laps driven in practice"),
)
_AFTER_SPRINT = (
    ("sprint_qualifying_gap", "% of a lap", "gap to the best lap of the last sprint qualifying part driven"),
    ("sprint_position", "place", "place in the sprint, unclassified cars included"),
)
_AFTER_QUALIFYING = (
    ("qualifying_gap", "% of a lap", "gap to the best lap of the last qualifying part driven"),
    ("qualifying_position", "place", "place in qualifying, before penalties"),
    ("grid_position", "place", "place on the starting grid, penalties included; unknown for the pit lane"),
    ("pit_lane_start", "0 or 1", "whether the car starts from the pit lane"),
)

FEATURES: tuple[Feature, ...] = tuple(
    Feature(name, unit, description, stage)
    for stage, group in (
        (Stage.BEFORE_WEEKEND, _BEFORE_WEEKEND),
        (Stage.AFTER_PRACTICE, _AFTER_PRACTICE),
        (Stage.AFTER_SPRINT, _AFTER_SPRINT),
        (Stage.AFTER_QUALIFYING, _AFTER_QUALIFYING),
    )
    for name, unit, description in group
)


def features_known(stage: Stage) -> tuple[Feature, ...]:
    """The features of a stage, in the order of the columns."""
    reached = STAGE_ORDER.index(stage)
    return tuple(feature for feature in FEATURES if STAGE_ORDER.index(feature.known_from) <= reached)


def feature_names(stage: Stage) -> tuple[str, ...]:
    return tuple(feature.name for feature in features_known(stage))
