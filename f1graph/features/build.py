"""Puts the features of one race at one stage together, from a `Past` and nothing else."""

from __future__ import annotations

import numpy as np

from f1graph.errors import ForecastError
from f1graph.features.championship import Championship
from f1graph.features.circuit import circuit_values
from f1graph.features.form import Form
from f1graph.features.race_features import RaceFeatures
from f1graph.features.recent_races import lineage_of, races_before, recent_records
from f1graph.features.registry import feature_names
from f1graph.features.weekend import missing_inputs, weekend_values
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
    before = races_before(past, race)
    records = recent_records(past, before)
    form = Form(records)
    championship = Championship(records, race.season)
    of_race = {**circuit_values(past, race, before), "field_retirement_rate": form.field_retirement_rate}
    of_weekend = weekend_values(past, race)
    lineages = tuple(lineage_of(past, entry.constructor_id) for entry in entries)
    names = feature_names(stage)
    values = np.empty((len(entries), len(names)))
    for index, (entry, lineage) in enumerate(zip(entries, lineages, strict=True)):
        known = {
            **of_race,
            **form.driver_values(entry.driver_id),
            **form.team_values(lineage),
            **championship.values(entry.driver_id, lineage),
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
