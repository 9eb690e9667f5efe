"""Small weekends in which only what a test is about is unusual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from f1graph.features.build import build_features
from f1graph.features.race_features import RaceFeatures
from f1graph.races.calendar import Race
from f1graph.races.laps import Compound, Lap, Recording, SessionPart, WeatherSample
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from tests.builders import (
    DRIVERS,
    a_history,
    a_list,
    a_recording,
    a_result,
    a_row,
    an_entry_list,
)


def features_of(
    race: Race,
    facts: Iterable[Classification],
    *,
    before: Sequence[Race] = (),
    recordings: Iterable[Recording] = (),
    stage: Stage = Stage.AFTER_QUALIFYING,
) -> RaceFeatures:
    """Features at the start of `race`, for which everybody is entered."""
    history = a_history([*before, race], [*facts, an_entry_list(race)], recordings=recordings)
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


def a_stint(
    driver: str,
    seconds: Sequence[float],
    *,
    first_lap: int = 1,
    stint: int = 1,
    compound: Compound = Compound.MEDIUM,
    at: float = 3600.0,
    wear: float = 0.0,
) -> list[Lap]:
    """Undisturbed laps on one set of tyres, one after the other from `at` on, `wear` percent slower each."""
    laps = []
    for age, lap in enumerate(seconds):
        own = lap * (1 + wear * age / 100)
        at += own
        laps.append(
            Lap(
                driver_id=driver,
                number=first_lap + age,
                at=timedelta(seconds=at),
                time=timedelta(seconds=own),
                stint=stint,
                compound=compound,
                tyre_life=age + 1,
                track_status="1",
                is_accurate=True,
            )
        )
    return laps


def recorded(race: Race, drivers: Sequence[str] = DRIVERS, *, seed: int = 0) -> list[Recording]:
    """Laps and weather of every session of a weekend, everybody a little faster or slower in each."""
    generator = np.random.default_rng([seed, race.season, race.round])
    found = []
    for session in race.sessions:
        pace = {driver: 85 + 0.3 * float(generator.normal()) for driver in drivers}
        order = sorted(drivers, key=lambda driver: pace[driver])
        laps = [
            replace(lap, position=order.index(driver) + 1, speed_trap=float(generator.normal(320, 5)))
            for driver in drivers
            for lap in a_stint(
                driver, [pace[driver] + float(generator.normal(0, 0.2)) for _ in range(14)], wear=0.05
            )
        ]
        found.append(a_recording(race, laps, session=session.kind))
        samples = [
            WeatherSample(timedelta(minutes=minute), track_temperature=30 + float(generator.normal()))
            for minute in range(3)
        ]
        found.append(a_recording(race, samples, session=session.kind, part=SessionPart.WEATHER))
    return found


def pit_stops(race: Race, seconds: Mapping[str, float]) -> Classification:
    """One stop of each driver, with the time it took."""
    rows = [
        a_row(place, driver, time=timedelta(seconds=time))
        for place, (driver, time) in enumerate(seconds.items(), start=1)
    ]
    return a_list(race, ClassificationKind.PIT_STOPS, rows)
