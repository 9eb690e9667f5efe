"""Puts the features of one race at one stage together, from a `Past` and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from f1graph.errors import ForecastError
from f1graph.features.championship import Championship
from f1graph.features.circuit import circuit_values
from f1graph.features.circuit_form import CircuitForm
from f1graph.features.expectation import expectation_values
from f1graph.features.form import Form
from f1graph.features.lap_form import LapForm
from f1graph.features.race_features import RaceFeatures
from f1graph.features.recent_races import RecentCars, lineage_of, races_before, recent_records
from f1graph.features.recorded_weekend import recorded_values
from f1graph.features.registry import feature_names
from f1graph.features.regulations import season_values
from f1graph.features.reliability import Reliability
from f1graph.features.success import Success
from f1graph.features.teammates import teammate_values
from f1graph.features.weekend import missing_inputs, weekend_values
from f1graph.races.calendar import Race
from f1graph.races.entries import Entry
from f1graph.races.past import Past
from f1graph.races.stages import Stage


def build_features(past: Past, race_id: str, stage: Stage) -> RaceFeatures:
    """The features of a race as known at the cutoff of `past`.

    What the stage would know but the past does not hold is NaN, and named in `missing_inputs`. The past may
    know more than the stage (a grid, before qualifying): columns of later stages are left out.

    Raises:
        ForecastError: Nobody is known to be entered for the race.
    """
    race = past.race(race_id)
    entries = past.entries(race_id)
    if not entries:
        raise ForecastError(
            f"nobody is known to be entered for {race_id} at {past.cutoff:%Y-%m-%d %H:%M} UTC; "
            "import its entry list first"
        )
    lineages = tuple(lineage_of(past.constructors, entry.constructor_id) for entry in entries)
    of_race, forms = _before_weekend(past, race, entries, lineages)
    of_weekend = {
        **weekend_values(past, race, entries),
        **recorded_values(past, race, entries),
        **expectation_values(past, race, forms),
    }
    names = feature_names(stage)
    values = np.empty((len(entries), len(names)))
    for index, entry in enumerate(entries):
        known = {
            **of_race,
            **forms[entry.driver_id],
            **{name: drivers.get(entry.driver_id, np.nan) for name, drivers in of_weekend.items()},
        }
        values[index] = [known[name] for name in names]
    return RaceFeatures(
        race_id=race.id,
        season=race.season,
        round=race.round,
        circuit_id=race.circuit_id,
        starts_at=race.starts_at,
        stage=stage,
        cutoff=past.cutoff,
        driver_ids=tuple(entry.driver_id for entry in entries),
        constructor_ids=tuple(entry.constructor_id for entry in entries),
        lineage_ids=lineages,
        names=names,
        values=values,
        missing_inputs=missing_inputs(past, race, stage),
    )


def _before_weekend(
    past: Past, race: Race, entries: Sequence[Entry], lineages: Sequence[str]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """What is known before the weekend: of the race, and of each driver."""
    before = races_before(past, race)
    recent = RecentCars(recent_records(past, before))
    form, success, reliability = Form(recent), Success(recent), Reliability(recent)
    championship = Championship(recent.records, race.season)
    circuit_form, laps = CircuitForm(past, race, before), LapForm(past, race, before)
    of_race = {
        **circuit_values(past, race, before),
        **laps.circuit_values,
        **season_values(race, before),
        **reliability.field_values,
        "field_retirement_rate": form.field_retirement_rate,
    }
    forms = {
        entry.driver_id: {
            **form.driver_values(entry.driver_id),
            **form.team_values(lineage),
            **success.driver_values(entry.driver_id),
            **success.team_values(lineage),
            **teammate_values(recent, entry.driver_id, lineage),
            **reliability.driver_values(entry.driver_id),
            **reliability.team_values(lineage),
            **circuit_form.values(entry.driver_id, lineage),
            **laps.driver_values(entry.driver_id),
            **laps.team_values(lineage),
            **championship.values(entry.driver_id, lineage),
        }
        for entry, lineage in zip(entries, lineages, strict=True)
    }
    return of_race, forms
