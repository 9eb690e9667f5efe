"""What the laps and the weather of the weekend itself have shown so far."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from f1graph.features.practice_runs import long_runs, one_lap_pace, wet_share
from f1graph.features.qualifying import ValuesByName
from f1graph.features.race_pace import race_pace
from f1graph.races.calendar import PRACTICES, Race, SessionKind
from f1graph.races.entries import Entry
from f1graph.races.past import Past
from f1graph.races.results import ClassificationKind
from f1graph.races.session_laps import SessionLaps

_FEWEST_CARS = 6


def recorded_values(past: Past, race: Race, entries: Sequence[Entry]) -> ValuesByName:
    """By feature, then by driver; whoever has no such laps is absent."""
    practices = [past.laps(race.id, kind) for kind in PRACTICES]
    officials = [past.classification(race.id, ClassificationKind(kind.value)) for kind in PRACTICES]
    qualifying = past.laps(race.id, SessionKind.QUALIFYING)
    sprint = past.laps(race.id, SessionKind.SPRINT)
    runs = past.recall(long_runs, *practices)
    turns = [one for turn in zip(practices, officials, strict=True) for one in turn]
    return {
        "long_run_pace": runs.pace,
        "long_run_team_pace": _mean_of_team(runs.pace, entries),
        "long_run_degradation": runs.wear,
        "long_run_laps": runs.laps,
        "one_lap_pace": past.recall(one_lap_pace, *turns),
        "practice_wet_share": _of_all(past.recall(wet_share, *practices), entries),
        "practice_track_temperature": _of_all(_track_temperature(past, race), entries),
        "sprint_race_pace": {} if sprint is None else past.recall(race_pace, sprint).pace,
        "qualifying_speed_trap": {} if qualifying is None else past.recall(_speeds_beyond_field, qualifying),
        "qualifying_wet_share": _of_all(past.recall(wet_share, qualifying), entries),
    }


def _mean_of_team(values: dict[str, float], entries: Sequence[Entry]) -> dict[str, float]:
    of_team: dict[str, list[float]] = {}
    for entry in entries:
        if entry.driver_id in values:
            of_team.setdefault(entry.constructor_id, []).append(values[entry.driver_id])
    return {
        entry.driver_id: fmean(of_team[entry.constructor_id])
        for entry in entries
        if entry.constructor_id in of_team
    }


def _of_all(value: float | None, entries: Sequence[Entry]) -> dict[str, float]:
    return {} if value is None else {entry.driver_id: value for entry in entries}


def _track_temperature(past: Past, race: Race) -> float | None:
    measured = [past.weather(race.id, kind) for kind in PRACTICES]
    known = [
        float(np.nanmean(one.track_temperature))
        for one in measured
        if one is not None and np.isfinite(one.track_temperature).any()
    ]
    return fmean(known) if known else None


def _speeds_beyond_field(laps: SessionLaps) -> dict[str, float]:
    """Each driver's highest speed in the trap beyond the field's median, in km/h."""
    best = np.full(len(laps.driver_ids), np.nan)
    known = np.isfinite(laps.speed_trap)
    np.fmax.at(best, laps.driver[known], laps.speed_trap[known])
    measured = np.flatnonzero(np.isfinite(best))
    if len(measured) < _FEWEST_CARS:
        return {}
    beyond = best - np.nanmedian(best)
    return {laps.driver_ids[index]: float(beyond[index]) for index in measured}
