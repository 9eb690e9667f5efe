"""The lists before a race: practice, qualifying and the grid."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationRow, Status
from f1graph.sources.invented import racing
from f1graph.sources.invented.lines import WET_FACTOR, car_of, milliseconds
from f1graph.sources.invented.randomness import Stream, generator
from f1graph.sources.invented.truth import RaceTruth

_STREAM_OF_PRACTICE = {
    SessionKind.PRACTICE_1: Stream.PRACTICE_1,
    SessionKind.PRACTICE_2: Stream.PRACTICE_2,
    SessionKind.PRACTICE_3: Stream.PRACTICE_3,
}


def practice_rows(seed: int, truth: RaceTruth, kind: SessionKind) -> tuple[ClassificationRow, ...]:
    """Best laps on unknown fuel: they show the pace of the weekend through a good deal of noise."""
    rng = generator(seed, _STREAM_OF_PRACTICE[kind], truth.race.season, truth.race.round)
    size = truth.field.size
    is_wet = bool(racing.draw_wet(rng, truth.field, 1)[0])
    programme = np.repeat(rng.normal(0, 0.15, size // 2), 2)
    pace = truth.field.pace + truth.form + programme + rng.normal(0, 0.2, size)
    seconds = (truth.circuit.lap_time.total_seconds() * (WET_FACTOR if is_wet else 1.0) + 0.8 - pace).tolist()
    laps = rng.integers(14, 32, size).tolist()
    has_time = (rng.random(size) >= 0.01).tolist()
    order = sorted(range(size), key=lambda seat: (not has_time[seat], seconds[seat]))
    best = milliseconds(seconds[order[0]])
    rows = []
    for place, seat in enumerate(order, start=1):
        time = milliseconds(seconds[seat]) if has_time[seat] else None
        rows.append(
            ClassificationRow(
                order=place,
                position=place,
                **car_of(truth.entries[seat]),
                laps=laps[seat] if has_time[seat] else 1,
                time=time,
                gap=time - best if time is not None and place > 1 else None,
            )
        )
    return tuple(rows)


def qualifying_rows(
    truth: RaceTruth, draws: racing.QualifyingDraws, *, is_wet: bool
) -> tuple[ClassificationRow, ...]:
    """The first of `draws` as a knock-out with the best laps of its three parts."""
    # Each part is a little faster than the one before it, as rubber goes down.
    base = truth.circuit.lap_time.total_seconds() * (WET_FACTOR if is_wet else 1.0)
    parts = [
        [milliseconds(base - 0.25 * number - pace) for pace in part[0].tolist()]
        for number, part in enumerate(draws.parts)
    ]
    reached = draws.reached[0].tolist()
    rows = []
    best: timedelta | None = None
    for place, seat in enumerate(np.argsort(draws.rank[0]).tolist(), start=1):
        last = reached[seat]
        time = parts[last][seat]
        best = time if best is None else best
        rows.append(
            ClassificationRow(
                order=place,
                position=place,
                **car_of(truth.entries[seat]),
                laps=6 * (last + 1),
                time=time,
                gap=time - best if place > 1 and last == 2 else None,
                q1=parts[0][seat],
                q2=parts[1][seat] if last >= 1 else None,
                q3=parts[2][seat] if last >= 2 else None,
            )
        )
    return tuple(rows)


def grid_rows(
    truth: RaceTruth, grid: racing.GridDraws, qualified: tuple[ClassificationRow, ...]
) -> tuple[ClassificationRow, ...]:
    by_driver = {row.driver_id: row for row in qualified}
    positions, penalty = grid_positions(grid), grid.penalty[0].tolist()
    rows = []
    for place, seat in enumerate(np.argsort(grid.slot[0]).tolist(), start=1):
        car = car_of(truth.entries[seat])
        rows.append(
            ClassificationRow(
                order=place,
                position=positions[seat],
                status=Status.PIT_LANE if positions[seat] is None else Status.CLASSIFIED,
                **car,
                time=by_driver[car["driver_id"]].time,
                qualifying_position=by_driver[car["driver_id"]].position,
                grid_position=positions[seat],
                grid_penalty=_penalty_text(penalty[seat]),
            )
        )
    return tuple(rows)


def grid_positions(grid: racing.GridDraws) -> list[int | None]:
    """By seat; None for a start from the pit lane."""
    from_pit_lane = grid.from_pit_lane[0].tolist()
    return [
        None if pit_lane else slot + 1
        for slot, pit_lane in zip(grid.slot[0].tolist(), from_pit_lane, strict=True)
    ]


def _penalty_text(places: int) -> str | None:
    if places == 0:
        return None
    return "SFB" if places >= racing.TO_THE_BACK else str(places)
