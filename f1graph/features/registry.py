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
    ("driver_win_share", "share", "recent starts won, half-life 10 starts, shrunk towards 1 of the field"),
    ("driver_podium_share", "share", "as driver_win_share for the first three, towards 3 of the field"),
    ("driver_pole_share", "share", "recent starts from the first place on the grid, as driver_win_share"),
    ("driver_front_row_share", "share", "as driver_pole_share for the first two, towards 2 of the field"),
    ("team_win_share", "share", "as driver_win_share over the team's starts; half-life 16 starts"),
    ("team_podium_share", "share", "as driver_podium_share over the team's starts; half-life 16 starts"),
    (
        "driver_mean_gain",
        "places",
        "grid place less finishing place where classified, half-life 8 races, shrunk towards 0",
    ),
    (
        "teammate_qualifying_gap",
        "% of a lap",
        "how much slower than the teammate in qualifying of late: below 0 is faster; half-life 8 races",
    ),
    (
        "teammate_race_share",
        "share",
        "recent races ahead of the teammate, both classified; half-life 10 races, shrunk towards 0.5",
    ),
    ("races_with_team", "races", "starts for this team, over its renames, within the last 60 races"),
    (
        "driver_accident_rate",
        "share",
        "the driver's recent retirements by accident, shrunk towards the field's",
    ),
    ("team_mechanical_rate", "share", "the team's recent retirements by the car, shrunk towards the field's"),
    ("field_accident_rate", "share", "retirements by accident per start over the last 60 races"),
    ("field_mechanical_rate", "share", "retirements by the car per start over the last 60 races"),
    (
        "driver_circuit_form",
        "−2 … 2",
        "results here, as driver_form, beyond the ten races before; last 5 runnings, shrunk towards 0",
    ),
    ("team_circuit_form", "−2 … 2", "as driver_circuit_form over both cars of the team"),
    ("season_progress", "share", "races of this season with a result over those of last season, at most 1"),
    (
        "regulation_change",
        "0 or 1",
        "whether it is the first season of new cars: 2009, 2014, 2017, 2022, 2026",
    ),
    (
        "races_since_regulation_change",
        "races",
        "races with a result since the last first season of new cars; unknown before 2009",
    ),
    (
        "race_pace_form",
        "% of a lap",
        "how much slower than the median car in recent races, laps in clear air, tyres and fuel taken out: "
        "below 0 is faster; half-life 5 races",
    ),
    ("team_race_pace_form", "% of a lap", "as race_pace_form over both cars of the team"),
    (
        "tyre_wear_form",
        "% of a lap",
        "what a lap on the tyres costs beyond what it costs the field, recent races; half-life 10 races",
    ),
    (
        "first_lap_gain_form",
        "places",
        "grid place less place after lap 1 of late, half-life 10 races, shrunk towards 0",
    ),
    ("pit_stop_form", "s", "the team's median stop beyond the field's in recent races; half-life 8 races"),
    (
        "circuit_safety_car_share",
        "share",
        "laps behind a safety car or stopped, last 5 runnings here, shrunk towards the last 40 races",
    ),
    (
        "circuit_overtaking",
        "places",
        "places gained on the road per car and lap, last 5 runnings here, shrunk towards the last 40 races",
    ),
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
    ("practice_laps_share", "share", "laps driven in practice over those of whoever drove most"),
    ("practice_team_gap", "% of a lap", "the smaller practice_gap of the team's cars"),
    (
        "long_run_pace",
        "% of a lap",
        "how much slower than the median car in practice stints of five laps and more, compound and age of "
        "the tyres taken out: below 0 is faster",
    ),
    ("long_run_team_pace", "% of a lap", "mean long_run_pace of the team's cars"),
    (
        "long_run_degradation",
        "% of a lap",
        "what a lap on the tyres costs in those stints beyond what it costs the field, shrunk towards 0",
    ),
    ("long_run_laps", "laps", "laps that long_run_pace is made of"),
    (
        "one_lap_pace",
        "% of a lap",
        "how much slower than the median car on the best practice laps, compound and track taken out",
    ),
    ("practice_wet_share", "share", "practice laps of all cars on intermediate or wet tyres"),
    ("practice_track_temperature", "°C", "mean temperature of the track in practice"),
)
_AFTER_SPRINT = (
    ("sprint_qualifying_gap", "% of a lap", "gap to the best lap of the last sprint qualifying part driven"),
    ("sprint_position", "place", "place in the sprint, unclassified cars included"),
    ("sprint_race_pace", "% of a lap", "as race_pace_form, in the sprint of this weekend"),
)
_AFTER_QUALIFYING = (
    ("qualifying_gap", "% of a lap", "gap to the best lap of the last qualifying part driven"),
    ("qualifying_position", "place", "place in qualifying, before penalties"),
    ("grid_position", "place", "place on the starting grid, penalties included; unknown for the pit lane"),
    ("pit_lane_start", "0 or 1", "whether the car starts from the pit lane"),
    ("q1_gap", "% of a lap", "gap to the best lap of the first part, which all drive"),
    (
        "best_qualifying_gap",
        "% of a lap",
        "smallest gap to the first car's own lap of the same part: below 0 was faster in one part",
    ),
    (
        "qualifying_teammate_gap",
        "% of a lap",
        "how much slower than the teammate in the last part both drove: below 0 is faster",
    ),
    ("qualifying_team_gap", "% of a lap", "the smaller qualifying_gap of the team's cars"),
    ("front_gap_ahead", "% of a lap", "gap to the next car in front in the last part both drove; 0 for pole"),
    ("gap_behind", "% of a lap", "gap of the next car behind in the last part both drove; none for the last"),
    ("field_spread", "% of a lap", "median q1_gap of the field"),
    ("grid_penalty", "places", "place on the grid less that in qualifying; the pit lane is the last place"),
    (
        "out_of_position",
        "places",
        "rank by recent qualifying of driver and team less place on the grid: below 0 starts behind its pace",
    ),
    (
        "qualifying_surprise",
        "% of a lap",
        "qualifying, field mean less own, beyond driver_qualifying_form: above 0 was faster than expected",
    ),
    ("qualifying_speed_trap", "km/h", "highest speed in qualifying beyond the median car's"),
    ("qualifying_wet_share", "share", "qualifying laps of all cars on intermediate or wet tyres"),
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
