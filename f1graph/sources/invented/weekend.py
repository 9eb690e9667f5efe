"""One race weekend: every list that would be published, with the moment at which it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict

import numpy as np

from f1graph.races.calendar import PRACTICES, Race, SessionKind
from f1graph.races.entries import Entry
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, KnownAtBasis, Status
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.sources.invented import racing
from f1graph.sources.invented.randomness import Stream, generator
from f1graph.sources.invented.truth import RaceTruth

SOURCE = "invented"
# A result is recorded this long after the session's end.
PUBLISHED_AFTER = timedelta(minutes=5)
# The table of 2025 on, which has no point for the fastest lap.
RACE_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
SPRINT_POINTS = (8, 7, 6, 5, 4, 3, 2, 1)

_SPRINT_DISTANCE = 1 / 3
# Lap time lost to fuel and traffic; a lap time's difference to the race's average in the wet.
_RACE_LAP_FACTOR, _WET_FACTOR = 1.05, 1.08
_BREAKDOWNS = (
    "Engine",
    "Gearbox",
    "Hydraulics",
    "Power unit",
    "Brakes",
    "Suspension",
    "Electrical",
    "Water leak",
)
_ACCIDENTS = ("Collision", "Accident", "Spun off", "Collision damage")
_STREAM_OF_PRACTICE = {
    SessionKind.PRACTICE_1: Stream.PRACTICE_1,
    SessionKind.PRACTICE_2: Stream.PRACTICE_2,
    SessionKind.PRACTICE_3: Stream.PRACTICE_3,
}
_REVISED = 0.08


class Car(TypedDict):
    """Who a line is about, as the row's fields."""

    driver_id: str
    constructor_id: str
    car_number: str | None


@dataclass(frozen=True, slots=True)
class _Finish:
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


def entry_list(entries: Sequence[Entry], race: Race, *, known_at: datetime, version: str) -> Classification:
    """Who will drive, in an order that tells nothing."""
    rows = tuple(
        ClassificationRow(
            order=order,
            driver_id=entry.driver_id,
            constructor_id=entry.constructor_id,
            car_number=entry.car_number,
        )
        for order, entry in enumerate(
            sorted(entries, key=lambda entry: (entry.constructor_id, entry.driver_id)), start=1
        )
    )
    return _published(race, ClassificationKind.ENTRY_LIST, rows, known_at, version)


def weekend_lists(seed: int, truth: RaceTruth, *, version: str) -> Iterator[Classification]:
    """Every list of the weekend after the entry list, revisions included, whenever they get known."""
    race = truth.race
    for session in race.sessions:
        known_at = session.ends_at + PUBLISHED_AFTER
        if session.kind in PRACTICES:
            kind = ClassificationKind(session.kind.value)
            yield _published(race, kind, _practice(seed, truth, session.kind), known_at, version)
        elif session.kind is SessionKind.QUALIFYING:
            rows = _qualifying_rows(truth, truth.qualifying, is_wet=truth.qualifying_is_wet)
            yield _published(race, ClassificationKind.QUALIFYING, rows, known_at, version)
    if race.has_sprint:
        yield from _sprint_lists(seed, truth, version)
    yield from _race_lists(seed, truth, version)


def _published(
    race: Race,
    kind: ClassificationKind,
    rows: tuple[ClassificationRow, ...],
    known_at: datetime,
    version: str,
    revision: int = 1,
) -> Classification:
    return Classification(
        race_id=race.id,
        kind=kind,
        rows=rows,
        known_at=known_at,
        known_at_basis=KnownAtBasis.RECORDED,
        source=SOURCE,
        source_version=version,
        revision=revision,
        invented=True,
    )


def _car(entry: Entry) -> Car:
    return Car(driver_id=entry.driver_id, constructor_id=entry.constructor_id, car_number=entry.car_number)


def _millis(seconds: float) -> timedelta:
    return timedelta(milliseconds=round(seconds * 1000))


def _practice(seed: int, truth: RaceTruth, kind: SessionKind) -> tuple[ClassificationRow, ...]:
    """Best laps on unknown fuel: they show the pace of the weekend through a good deal of noise."""
    rng = generator(seed, _STREAM_OF_PRACTICE[kind], truth.race.season, truth.race.round)
    size = truth.field.size
    is_wet = bool(racing.draw_wet(rng, truth.field, 1)[0])
    programme = np.repeat(rng.normal(0, 0.15, size // 2), 2)
    pace = truth.field.pace + truth.form + programme + rng.normal(0, 0.2, size)
    seconds = (
        truth.circuit.lap_time.total_seconds() * (_WET_FACTOR if is_wet else 1.0) + 0.8 - pace
    ).tolist()
    laps = rng.integers(14, 32, size).tolist()
    has_time = (rng.random(size) >= 0.01).tolist()
    order = sorted(range(size), key=lambda seat: (not has_time[seat], seconds[seat]))
    best = _millis(seconds[order[0]])
    rows = []
    for place, seat in enumerate(order, start=1):
        time = _millis(seconds[seat]) if has_time[seat] else None
        rows.append(
            ClassificationRow(
                order=place,
                position=place,
                **_car(truth.entries[seat]),
                laps=laps[seat] if has_time[seat] else 1,
                time=time,
                gap=time - best if time is not None and place > 1 else None,
            )
        )
    return tuple(rows)


def _qualifying_rows(
    truth: RaceTruth, draws: racing.QualifyingDraws, *, is_wet: bool
) -> tuple[ClassificationRow, ...]:
    """The first of `draws` as a knock-out with the best laps of its three parts."""
    # Each part is a little faster than the one before it, as rubber goes down.
    base = truth.circuit.lap_time.total_seconds() * (_WET_FACTOR if is_wet else 1.0)
    parts = [
        [_millis(base - 0.25 * number - pace) for pace in part[0].tolist()]
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
                **_car(truth.entries[seat]),
                laps=6 * (last + 1),
                time=time,
                gap=time - best if place > 1 and last == 2 else None,
                q1=parts[0][seat],
                q2=parts[1][seat] if last >= 1 else None,
                q3=parts[2][seat] if last >= 2 else None,
            )
        )
    return tuple(rows)


def _grid_rows(
    truth: RaceTruth, grid: racing.GridDraws, qualified: tuple[ClassificationRow, ...]
) -> tuple[ClassificationRow, ...]:
    by_driver = {row.driver_id: row for row in qualified}
    positions, penalty = _grid_positions(grid), grid.penalty[0].tolist()
    rows = []
    for place, seat in enumerate(np.argsort(grid.slot[0]).tolist(), start=1):
        car = _car(truth.entries[seat])
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


def _grid_positions(grid: racing.GridDraws) -> list[int | None]:
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


def _sprint_lists(seed: int, truth: RaceTruth, version: str) -> Iterator[Classification]:
    race = truth.race
    qualifying = race.session(SessionKind.SPRINT_QUALIFYING)
    sprint = race.session(SessionKind.SPRINT)
    if qualifying is None or sprint is None:
        raise ValueError(f"{race.id} has a sprint, but no session for it")
    form = truth.form[None, :]
    rng = generator(seed, Stream.SPRINT_QUALIFYING, race.season, race.round)
    wet = racing.draw_wet(rng, truth.field, 1)
    laps = racing.draw_qualifying(rng, truth.field, form, wet)
    qualified = _qualifying_rows(truth, laps, is_wet=bool(wet[0]))
    yield _published(
        race, ClassificationKind.SPRINT_QUALIFYING, qualified, qualifying.ends_at + PUBLISHED_AFTER, version
    )
    grid = racing.unchanged_grid(laps.rank)
    yield _published(
        race,
        ClassificationKind.SPRINT_GRID,
        _grid_rows(truth, grid, qualified),
        sprint.starts_at - GRID_KNOWN_BEFORE_START,
        version,
    )
    rng = generator(seed, Stream.SPRINT, race.season, race.round)
    end = racing.draw_race(
        rng, truth.field, form, grid.slot, racing.draw_wet(rng, truth.field, 1), distance=_SPRINT_DISTANCE
    )
    laps_of_sprint = round(truth.circuit.laps * _SPRINT_DISTANCE)
    finishes = _finishes(rng, truth, end, grid, laps.rank[0].tolist(), laps=laps_of_sprint)
    yield _published(
        race,
        ClassificationKind.SPRINT,
        _classify(finishes, SPRINT_POINTS),
        sprint.ends_at + PUBLISHED_AFTER,
        version,
    )


def _race_lists(seed: int, truth: RaceTruth, version: str) -> Iterator[Classification]:
    race, grid = truth.race, truth.grid
    known_at = race.ends_at + PUBLISHED_AFTER
    qualified = _qualifying_rows(truth, truth.qualifying, is_wet=truth.qualifying_is_wet)
    yield _published(
        race,
        ClassificationKind.GRID,
        _grid_rows(truth, grid, qualified),
        race.starts_at - GRID_KNOWN_BEFORE_START,
        version,
    )
    rng = generator(seed, Stream.RACE, race.season, race.round)
    end = racing.draw_race(
        rng, truth.field, truth.form[None, :], grid.slot, racing.draw_wet(rng, truth.field, 1)
    )
    extras = generator(seed, Stream.LAPS_AND_STOPS, race.season, race.round)
    ended = _finishes(rng, truth, end, grid, truth.qualifying.rank[0].tolist(), laps=truth.circuit.laps)
    laps_of = {finish.car["driver_id"]: finish.laps for finish in ended}
    fastest = _fastest_laps(extras, truth, end, laps_of)
    stops = _pit_stops(extras, truth, laps_of)
    finishes = _with_laps_and_stops(ended, fastest, stops)
    yield _published(race, ClassificationKind.RACE, _classify(finishes, RACE_POINTS), known_at, version)
    yield _published(race, ClassificationKind.FASTEST_LAPS, fastest, known_at, version)
    if stops:
        yield _published(race, ClassificationKind.PIT_STOPS, stops, known_at, version)
    revised = _revise(generator(seed, Stream.STEWARDS, race.season, race.round), finishes)
    if revised is not None:
        after, corrected = revised
        rows = _classify(corrected, RACE_POINTS)
        yield _published(race, ClassificationKind.RACE, rows, known_at + after, version, revision=2)


def _with_laps_and_stops(
    finishes: Sequence[_Finish], fastest: Sequence[ClassificationRow], stops: Sequence[ClassificationRow]
) -> list[_Finish]:
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


def _finishes(
    rng: np.random.Generator,
    truth: RaceTruth,
    end: racing.RaceDraws,
    grid: racing.GridDraws,
    qualifying_rank: list[int],
    *,
    laps: int,
) -> list[_Finish]:
    """The end of a race in the order on the road: gaps grow with the difference of pace, lap by lap."""
    lap_time = (
        truth.circuit.lap_time.total_seconds() * _RACE_LAP_FACTOR * (_WET_FACTOR if end.is_wet[0] else 1.0)
    )
    reasons = rng.random(truth.field.size).tolist()
    pace, share = end.pace[0].tolist(), end.share[0].tolist()
    did_not_start, is_disqualified = end.did_not_start[0].tolist(), end.is_disqualified[0].tolist()
    has_accident, positions = end.has_accident[0].tolist(), _grid_positions(grid)
    order = end.order[0].tolist()
    winner_pace = pace[order[0]]
    winner_time = laps * (lap_time - winner_pace)
    # Far fewer laps down than the tenth of the distance that would cost the classification.
    last_time, behind, most_behind = 0.0, 0, laps // 20
    finishes = []
    for place, seat in enumerate(order, start=1):
        car = _car(truth.entries[seat])
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
                time = _millis(last_time) if behind == 0 else None
        finishes.append(
            _Finish(
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


def _order_of_finish(finish: _Finish) -> tuple[int, bool, timedelta, int]:
    """Places: by time on the lead lap, else as on the road; the unclassified behind."""
    return (
        _RANK_OF_STATUS[finish.status],
        finish.time is None,
        finish.time or timedelta(0),
        finish.place_on_road,
    )


def _classify(finishes: Sequence[_Finish], points: tuple[int, ...]) -> tuple[ClassificationRow, ...]:
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


def _fastest_laps(
    rng: np.random.Generator, truth: RaceTruth, end: racing.RaceDraws, laps_of: Mapping[str, int]
) -> tuple[ClassificationRow, ...]:
    """The best lap of everybody who drove one flying lap."""
    base = truth.circuit.lap_time.total_seconds() * (_WET_FACTOR if end.is_wet[0] else 1.0) + 2.5
    luck = rng.gamma(2, 0.25, truth.field.size)
    seconds = (base - truth.field.pace - truth.form + luck).tolist()
    when = rng.uniform(0.4, 1, truth.field.size).tolist()
    laps = [laps_of[entry.driver_id] for entry in truth.entries]
    seats = sorted((seat for seat in range(truth.field.size) if laps[seat] >= 2), key=seconds.__getitem__)
    return tuple(
        ClassificationRow(
            order=place,
            position=place,
            **_car(truth.entries[seat]),
            lap=max(2, round(when[seat] * laps[seat])),
            time=_millis(seconds[seat]),
            gap=_millis(seconds[seat]) - _millis(seconds[seats[0]]) if place > 1 else None,
        )
        for place, seat in enumerate(seats, start=1)
    )


def _pit_stops(
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
        ClassificationRow(order=order, **_car(truth.entries[seat]), lap=lap, stop=stop, time=_millis(seconds))
        for order, (lap, seat, stop, seconds) in enumerate(sorted(stops), start=1)
    )


def _revise(rng: np.random.Generator, finishes: list[_Finish]) -> tuple[timedelta, list[_Finish]] | None:
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
