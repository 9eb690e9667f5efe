"""One race weekend: every list that would be published, with the moment at which it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from f1graph.races.calendar import PRACTICES, Race, SessionKind
from f1graph.races.entries import Entry
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, KnownAtBasis
from f1graph.races.stages import GRID_KNOWN_BEFORE_START
from f1graph.sources.invented import racing
from f1graph.sources.invented.finish import (
    RACE_POINTS,
    SPRINT_POINTS,
    classify,
    fastest_laps,
    finishes_of,
    pit_stops,
    revise,
    with_laps_and_stops,
)
from f1graph.sources.invented.lines import car_of
from f1graph.sources.invented.randomness import Stream, generator
from f1graph.sources.invented.sessions import grid_rows, practice_rows, qualifying_rows
from f1graph.sources.invented.truth import RaceTruth

SOURCE = "invented"
# A result is recorded this long after the session's end.
PUBLISHED_AFTER = timedelta(minutes=5)
_SPRINT_DISTANCE = 1 / 3


def entry_list(entries: Sequence[Entry], race: Race, *, known_at: datetime, version: str) -> Classification:
    """Who will drive, in an order that tells nothing."""
    rows = tuple(
        ClassificationRow(
            order=order,
            **car_of(entry),
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
            yield _published(race, kind, practice_rows(seed, truth, session.kind), known_at, version)
        elif session.kind is SessionKind.QUALIFYING:
            rows = qualifying_rows(truth, truth.qualifying, is_wet=truth.qualifying_is_wet)
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
    qualified = qualifying_rows(truth, laps, is_wet=bool(wet[0]))
    yield _published(
        race, ClassificationKind.SPRINT_QUALIFYING, qualified, qualifying.ends_at + PUBLISHED_AFTER, version
    )
    grid = racing.unchanged_grid(laps.rank)
    yield _published(
        race,
        ClassificationKind.SPRINT_GRID,
        grid_rows(truth, grid, qualified),
        sprint.starts_at - GRID_KNOWN_BEFORE_START,
        version,
    )
    rng = generator(seed, Stream.SPRINT, race.season, race.round)
    end = racing.draw_race(
        rng, truth.field, form, grid.slot, racing.draw_wet(rng, truth.field, 1), distance=_SPRINT_DISTANCE
    )
    laps_of_sprint = round(truth.circuit.laps * _SPRINT_DISTANCE)
    finishes = finishes_of(rng, truth, end, grid, laps.rank[0].tolist(), laps=laps_of_sprint)
    yield _published(
        race,
        ClassificationKind.SPRINT,
        classify(finishes, SPRINT_POINTS),
        sprint.ends_at + PUBLISHED_AFTER,
        version,
    )


def _race_lists(seed: int, truth: RaceTruth, version: str) -> Iterator[Classification]:
    race, grid = truth.race, truth.grid
    known_at = race.ends_at + PUBLISHED_AFTER
    qualified = qualifying_rows(truth, truth.qualifying, is_wet=truth.qualifying_is_wet)
    yield _published(
        race,
        ClassificationKind.GRID,
        grid_rows(truth, grid, qualified),
        race.starts_at - GRID_KNOWN_BEFORE_START,
        version,
    )
    rng = generator(seed, Stream.RACE, race.season, race.round)
    end = racing.draw_race(
        rng, truth.field, truth.form[None, :], grid.slot, racing.draw_wet(rng, truth.field, 1)
    )
    extras = generator(seed, Stream.LAPS_AND_STOPS, race.season, race.round)
    ended = finishes_of(rng, truth, end, grid, truth.qualifying.rank[0].tolist(), laps=truth.circuit.laps)
    laps_of = {finish.car["driver_id"]: finish.laps for finish in ended}
    fastest = fastest_laps(extras, truth, end, laps_of)
    stops = pit_stops(extras, truth, laps_of)
    finishes = with_laps_and_stops(ended, fastest, stops)
    yield _published(race, ClassificationKind.RACE, classify(finishes, RACE_POINTS), known_at, version)
    yield _published(race, ClassificationKind.FASTEST_LAPS, fastest, known_at, version)
    if stops:
        yield _published(race, ClassificationKind.PIT_STOPS, stops, known_at, version)
    revised = revise(generator(seed, Stream.STEWARDS, race.season, race.round), finishes)
    if revised is not None:
        after, corrected = revised
        rows = classify(corrected, RACE_POINTS)
        yield _published(race, ClassificationKind.RACE, rows, known_at + after, version, revision=2)
