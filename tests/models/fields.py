"""Simulated fields with a known truth, as features and outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.features.registry import feature_names
from f1graph.models.protocol import Example, Outcome
from f1graph.races.stages import Stage

FIELD = tuple(f"driver-{letter}" for letter in "abcdefghij")
# What a race without any history would have.
_USUAL = {
    "season_races": 5.0,
    "recent_starts": 40.0,
    "driver_retirement_rate": 0.15,
    "team_retirement_rate": 0.15,
    "field_retirement_rate": 0.15,
    "circuit_attrition": 0.0,
    "circuit_grid_hold": 0.0,
    "street_circuit": 0.0,
}


def team_of(driver_id: str) -> str:
    return f"team-{FIELD.index(driver_id) // 2}" if driver_id in FIELD else "team-guest"


def some_features(
    number: int = 1,
    *,
    season: int = 2024,
    stage: Stage = Stage.BEFORE_WEEKEND,
    drivers: Sequence[str] = FIELD,
    teams: Mapping[str, str] | None = None,
    columns: Mapping[str, NDArray[np.floating[Any]]] | None = None,
) -> RaceFeatures:
    """The `number`th race of a season in which nothing but `columns` is known. Drivers in ascending order."""
    names = feature_names(stage)
    values = np.full((len(drivers), len(names)), np.nan)
    for name, value in {**_USUAL, **(columns or {})}.items():
        values[:, names.index(name)] = value
    owner = tuple((teams or {}).get(driver, team_of(driver)) for driver in drivers)
    starts_at = datetime(season, 3, 1, 13, tzinfo=UTC) + timedelta(weeks=number)
    return RaceFeatures(
        race_id=f"{season}-gp-{number}",
        season=season,
        round=number,
        circuit_id="monza",
        starts_at=starts_at,
        stage=stage,
        cutoff=starts_at - timedelta(days=1),
        driver_ids=tuple(drivers),
        constructor_ids=owner,
        lineage_ids=owner,
        names=names,
        values=values,
    )


def an_outcome(
    drivers: Sequence[str], order: Sequence[str], *, out: Sequence[str] = (), absent: Sequence[str] = ()
) -> Outcome:
    """`order` classified, then `out` retired; `absent` did not start."""
    places = [*order, *out]
    return Outcome(
        positions=np.array([0 if d in absent else places.index(d) + 1 for d in drivers], dtype=np.int64),
        retired=np.array([d in out for d in drivers]),
        classified=np.array([d in order for d in drivers]),
        grid=np.zeros(len(drivers), dtype=np.int64),
        causes=np.full(len(drivers), -1, dtype=np.int64),
    )


def simulated_seasons(
    strengths: Mapping[str, float],
    *,
    races: int,
    seed: int,
    stage: Stage = Stage.BEFORE_WEEKEND,
    retirement: float = 0.15,
    last_season: int = 2024,
    teams: Mapping[str, str] | None = None,
) -> list[Example]:
    """Races of ten a year, Plackett–Luce in `strengths`, everybody as likely to retire as anybody."""
    generator = np.random.default_rng(seed)
    drivers = tuple(sorted(strengths))
    worth = np.array([strengths[driver] for driver in drivers])
    first_season = last_season - (races - 1) // 10
    examples = []
    for race in range(races):
        order = np.argsort(-(worth + generator.gumbel(size=len(drivers))))
        stopped = generator.random(len(drivers)) < retirement
        features = some_features(
            race % 10 + 1, season=first_season + race // 10, stage=stage, drivers=drivers, teams=teams
        )
        outcome = an_outcome(
            drivers,
            [drivers[i] for i in order if not stopped[i]],
            out=[drivers[i] for i in order if stopped[i]],
        )
        examples.append(Example(features, outcome))
    return examples
