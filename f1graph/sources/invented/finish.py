"""The lists of a race: its result, the fastest laps, the pit stops, and what the stewards change later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from f1graph.races.results import ClassificationRow, Status
from f1graph.sources.invented import racing
from f1graph.sources.invented.lines import WET_FACTOR, Car, car_of, milliseconds
from f1graph.sources.invented.sessions import grid_positions
from f1graph.sources.invented.truth import RaceTruth

# The table of 2025 on, which has no point for the fastest lap.
RACE_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
SPRINT_POINTS = (8, 7, 6, 5, 4, 3, 2, 1)

# Lap times in a race, with fuel and traffic, to those in qualifying.
_RACE_LAP_FACTOR = 1.05
# How often a result is revised.
_REVISED = 0.08
_BREAKDOWNS = (
    "Engine", "Gearbox", "Hydraulics", "Power unit", "Brakes", "Suspension", "Electrical", "Water leak",
)  # fmt: skip
_ACCIDENTS = ("Collision", "Accident", "Spun off", "Collision damage")


@dataclass(frozen=True, slots=True)
class Finish:
    """How one car's race ended, before the stewards give it a place.

    Attributes:
        time: From the start to the flag; None for the lapped and the retired.
        place_on_road: Among all, as drawn.
    """

    car: Car
    place_on_road: int
    status: Status
    laps: int
    time: timedelta | None
    reason_retired: str | None
    qualifying_position: int
    grid_position: int | None
    pit_stops: int | None = None
    fastest_lap: bool = False
    time_penalty: timedelta | None = None


def with_laps_and_stops(
    finishes: Sequence[Finish], fastest: Sequence[ClassificationRow], stops: Sequence[ClassificationRow]
) -> list[Finish]:
    counted = Counter(row.driver_id for row in stops)
    best = fastest[0].driver_id if fastest else None
    return [
        replace(
            finish,
            pit_stops=counted[finish.car["driver_id"]],
            fastest_lap=finish.car["driver_id"] == best,
        )
        for finish in finishes
    ]


def finishes_of(
    rng: np.random.Generator,
    truth: RaceTruth,
    end: racing.RaceDraws,
    grid: racing.GridDraws,
    qualifying_rank: list[int],
    *,
    laps: int,
) -> list[Finish]:
    """The end of a race in the order on the road: gaps grow with the difference of pace, lap by lap."""
    lap_time = (
        truth.circuit.lap_time.total_seconds() * _RACE_LAP_FACTOR * (WET_FACTOR if end.is_wet[0] else 1.0)
    )
    reasons = rng.random(truth.field.size).tolist()
    pace, share = end.pace[0].tolist(), end.share[0].tolist()
    did_not_start, is_disqualified = end.did_not_start[0].tolist(), end.is_disqualified[0].tolist()
    has_accident, positions = end.has_accident[0].tolist(), grid_positions(grid)
    order = end.order[0].tolist()
    winner_pace = pace[order[0]]
    winner_time = laps * (lap_time - winner_pace)
    # Far fewer laps down than the tenth of the distance that would cost the classification.
    last_time, behind, most_behind = 0.0, 0, laps // 20
    finishes = []
    for place, seat in enumerate(order, start=1):
        car = car_of(truth.entries[seat])
        time: timedelta | None = None
        reason: str | None = None
        if did_not_start[seat]:
            status, covered = Status.DID_NOT_START, 0
        elif share[seat] < 1:
            # Who stopped is not ahead of the slowest car at the flag.
            covered = min(int(share[seat] * laps), laps - behind)
            is_late = covered >= racing.CLASSIFIED_FROM * laps
            status = Status.CLASSIFIED if is_late else Status.DID_NOT_FINISH
            names = _ACCIDENTS if has_accident[seat] else _BREAKDOWNS
            reason = names[int(reasons[seat] * len(names))]
        else:
            gap = laps * (winner_pace - pace[seat])
            # Tied times at the flag do not happen, and nobody overtakes by rounding.
            last_time = max(winner_time + gap, last_time + 0.001)
            if is_disqualified[seat]:
                status, covered = Status.DISQUALIFIED, laps
            else:
                behind = max(behind, min(int(gap / lap_time), most_behind))
                status, covered = Status.CLASSIFIED, laps - behind
                time = milliseconds(last_time) if behind == 0 else None
        finishes.append(
            Finish(
                car=car,
                place_on_road=place,
                status=status,
                laps=covered,
                time=time,
                reason_retired=reason,
                qualifying_position=qualifying_rank[seat] + 1,
                grid_position=positions[seat],
            )
        )
    return finishes


_RANK_OF_STATUS = {
    Status.CLASSIFIED: 0,
    Status.DID_NOT_FINISH: 1,
    Status.DISQUALIFIED: 2,
    Status.DID_NOT_START: 3,
}


def _order_of_finish(finish: Finish) -> tuple[int, bool, timedelta, int]:
    """Places: by time on the lead lap, else as on the road; the unclassified behind."""
    return (
        _RANK_OF_STATUS[finish.status],
        finish.time is None,
        finish.time or timedelta(0),
        finish.place_on_road,
    )


def classify(finishes: Sequence[Finish], points: tuple[int, ...]) -> tuple[ClassificationRow, ...]:
    ordered = sorted(finishes, key=_order_of_finish)
    winner = ordered[0]
    rows = []
    for order, finish in enumerate(ordered, start=1):
        is_classified = finish.status is Status.CLASSIFIED
        is_behind = is_classified and order > 1
        laps_behind = winner.laps - finish.laps
        gap = finish.time - winner.time if is_behind and finish.time and winner.time else None
        rows.append(
            ClassificationRow(
                order=order,
                **finish.car,
                status=finish.status,
                position=order if is_classified else None,
                laps=finish.laps,
                time=finish.time,
                time_penalty=finish.time_penalty,
                gap=gap,
                gap_laps=laps_behind if is_behind and laps_behind > 0 else None,
                points=float(points[order - 1]) if is_classified and order <= len(points) else None,
                qualifying_position=finish.qualifying_position,
                grid_position=finish.grid_position,
                reason_retired=finish.reason_retired,
                pit_stops=finish.pit_stops,
                fastest_lap=finish.fastest_lap,
            )
        )
    return tuple(rows)


def fastest_laps(
    rng: np.random.Generator, truth: RaceTruth, end: racing.RaceDraws, laps_of: Mapping[str, int]
) -> tuple[ClassificationRow, ...]:
    """The best lap of everybody who drove one flying lap."""
    base = truth.circuit.lap_time.total_seconds() * (WET_FACTOR if end.is_wet[0] else 1.0) + 2.5
    luck = rng.gamma(2, 0.25, truth.field.size)
    seconds = (base - truth.field.pace - truth.form + luck).tolist()
    when = rng.uniform(0.4, 1, truth.field.size).tolist()
    laps = [laps_of[entry.driver_id] for entry in truth.entries]
    seats = sorted((seat for seat in range(truth.field.size) if laps[seat] >= 2), key=seconds.__getitem__)
    return tuple(
        ClassificationRow(
            order=place,
            position=place,
            **car_of(truth.entries[seat]),
            lap=max(2, round(when[seat] * laps[seat])),
            time=milliseconds(seconds[seat]),
            gap=milliseconds(seconds[seat]) - milliseconds(seconds[seats[0]]) if place > 1 else None,
        )
        for place, seat in enumerate(seats, start=1)
    )


def pit_stops(
    rng: np.random.Generator, truth: RaceTruth, laps_of: Mapping[str, int]
) -> tuple[ClassificationRow, ...]:
    """One to three stops a car, in the order of the laps, with the time lost in the pit lane."""
    size = truth.field.size
    planned = rng.choice(3, size=size, p=(0.5, 0.42, 0.08)) + 1
    jitter = rng.uniform(-0.1, 0.1, (size, 3)).tolist()
    lost = (21 + rng.gamma(2, 0.6, (size, 3))).tolist()
    stops = []
    for seat, count in enumerate(planned.tolist()):
        for stop in range(1, count + 1):
            lap = max(2, round((stop / (count + 1) + jitter[seat][stop - 1]) * truth.circuit.laps))
            if lap <= laps_of[truth.entries[seat].driver_id]:
                stops.append((lap, seat, stop, lost[seat][stop - 1]))
    return tuple(
        ClassificationRow(
            order=order, **car_of(truth.entries[seat]), lap=lap, stop=stop, time=milliseconds(seconds)
        )
        for order, (lap, seat, stop, seconds) in enumerate(sorted(stops), start=1)
    )


def revise(rng: np.random.Generator, finishes: list[Finish]) -> tuple[timedelta, list[Finish]] | None:
    """Now and then the stewards come back days later: a disqualification, or five seconds added."""
    is_revised, is_disqualification, which = rng.random(3).tolist()
    after = timedelta(days=int(rng.integers(2, 25)), hours=int(rng.integers(0, 6)))
    timed = [index for index, finish in enumerate(finishes) if finish.time is not None]
    if is_revised >= _REVISED or len(timed) < 2:
        return None
    index = timed[int(which * len(timed))]
    finish = finishes[index]
    if is_disqualification < 0.4 or finish.time is None:
        corrected = replace(finish, status=Status.DISQUALIFIED, time=None)
    else:
        penalty = timedelta(seconds=5)
        corrected = replace(finish, time=finish.time + penalty, time_penalty=penalty)
    return after, [*finishes[:index], corrected, *finishes[index + 1 :]]
