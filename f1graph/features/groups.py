"""Which group each feature belongs to: the few words in which a forecast is explained."""

from __future__ import annotations

from collections.abc import Mapping

from f1graph.races.explanation import InputGroup

FEATURES_OF: Mapping[InputGroup, tuple[str, ...]] = {
    InputGroup.GRID: ("grid_position", "pit_lane_start", "grid_penalty", "out_of_position"),
    InputGroup.QUALIFYING_PACE: (
        "qualifying_gap",
        "qualifying_position",
        "q1_gap",
        "best_qualifying_gap",
        "qualifying_teammate_gap",
        "qualifying_team_gap",
        "front_gap_ahead",
        "gap_behind",
        "field_spread",
        "qualifying_surprise",
        "qualifying_speed_trap",
    ),
    InputGroup.SPRINT: ("sprint_qualifying_gap", "sprint_position", "sprint_race_pace"),
    InputGroup.PRACTICE_PACE: (
        "practice_gap",
        "practice_mean_gap",
        "last_practice_gap",
        "practice_laps",
        "practice_laps_share",
        "practice_team_gap",
        "long_run_pace",
        "long_run_team_pace",
        "long_run_laps",
        "one_lap_pace",
    ),
    InputGroup.RACE_PACE: ("race_pace_form", "team_race_pace_form"),
    InputGroup.TYRES: ("tyre_wear_form", "long_run_degradation"),
    InputGroup.CAR_FORM: (
        "team_points_share",
        "last_season_team_points_share",
        "team_form",
        "team_qualifying_form",
        "team_win_share",
        "team_podium_share",
        "pit_stop_form",
    ),
    InputGroup.DRIVER_FORM: (
        "points_share",
        "last_season_points_share",
        "championship_position",
        "driver_form",
        "driver_long_form",
        "driver_grid_form",
        "driver_qualifying_form",
        "driver_win_share",
        "driver_podium_share",
        "driver_pole_share",
        "driver_front_row_share",
        "driver_mean_gain",
        "teammate_qualifying_gap",
        "teammate_race_share",
        "first_lap_gain_form",
    ),
    InputGroup.EXPERIENCE: ("recent_starts", "races_with_team"),
    InputGroup.RELIABILITY: (
        "driver_retirement_rate",
        "team_retirement_rate",
        "field_retirement_rate",
        "driver_accident_rate",
        "team_mechanical_rate",
        "field_accident_rate",
        "field_mechanical_rate",
    ),
    InputGroup.CIRCUIT: (
        "circuit_attrition",
        "circuit_grid_hold",
        "street_circuit",
        "driver_circuit_form",
        "team_circuit_form",
        "circuit_safety_car_share",
        "circuit_overtaking",
    ),
    InputGroup.WEATHER: ("practice_wet_share", "practice_track_temperature", "qualifying_wet_share"),
    InputGroup.SEASON: (
        "season_races",
        "season_progress",
        "regulation_change",
        "races_since_regulation_change",
    ),
}

_GROUP_OF = {name: group for group, names in FEATURES_OF.items() for name in names}


def group_of(feature: str) -> InputGroup:
    """The group of a feature of the registry.

    Raises:
        KeyError: It is in none.
    """
    return _GROUP_OF[feature]
