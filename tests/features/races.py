"""Small weekends in which only what a test is about is unusual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from f1graph.features.build import build_features
from f1graph.features.race_features import RaceFeatures
from f1graph.races.calendar import Race
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import DRIVERS, a_history, a_list, a_result, a_row, an_entry_list


def features_of(
    race: Race,
    facts: Iterable[Classification],
    *,
    before: Sequence[Race] = (),
    stage: Stage = Stage.AFTER_QUALIFYING,
) -> RaceFeatures:
    """Features at the start of `race`, for which everybody is entered."""
    history = a_history([*before, race], [*facts, an_entry_list(race)])
    return build_features(history.as_of(race.starts_at), race.id, stage)


def value(features: RaceFeatures, name: str, driver_id: str) -> float:
    return float(features.column(name)[features.driver_ids.index(driver_id)])


def a_race_from(
    race: Race,
    order: Sequence[str],
    *,
    grid: Sequence[str] = DRIVERS,
    out: Mapping[str, str | None] | None = None,
) -> Classification:
    """A result with everybody's grid place; `out` are those who stopped, with the reason."""
    out = out or {}
    result = a_result(race, [driver for driver in order if driver not in out], out=list(out))
    rows = (
        replace(
            row,
            grid_position=grid.index(row.driver_id) + 1,
            reason_retired=out.get(row.driver_id),
        )
        for row in result.rows
    )
    return replace(result, rows=tuple(rows))


def a_qualifying(race: Race, laps: Mapping[str, Sequence[float]]) -> Classification:
    """A knock-out qualifying: of each driver, in order, the best laps of the parts in seconds."""
    rows = []
    for place, (driver, own) in enumerate(laps.items(), start=1):
        times = [timedelta(seconds=lap) for lap in own]
        q1, q2, q3 = (*times, None, None)[:3]
        rows.append(replace(a_row(place, driver), q1=q1, q2=q2, q3=q3))
    return a_list(race, ClassificationKind.QUALIFYING, rows)
