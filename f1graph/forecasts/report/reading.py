"""Reads the CSV of a back-test and lays every forecast in it beside what happened.

Everything is read from the file as somebody from outside would read it, so that the scores are the same.
Files of other people's models in the same columns, with no journal, can be read too.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest_file import HORIZONS, Drawn, Journal, journal_of, read_journal
from f1graph.forecasts.score import Judged, judge_entries, measure_race
from f1graph.races.calendar import Race
from f1graph.races.measures import Measure
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow
from f1graph.races.stages import Stage

Floats = NDArray[np.float64]
_STAGES = {horizon: stage for stage, horizon in HORIZONS.items()}
_NUMBERS = ("p_win", "p_podium", "p_points", "p_dnf", "expected_position")
_COLUMNS = ("season", "round", "driver_id", "horizon", "model", *_NUMBERS, "p_pos_1")
# The order of races is that of the seasons, so that resamples are the same for whoever draws them.
RaceKey = tuple[int, int]
# Season, round, stage, model.
BlockKey = tuple[int, int, Stage, str]


@dataclass(frozen=True, eq=False)
class JudgedForecast:
    """One forecast of the file beside what happened.

    Attributes:
        judged: With the position probabilities of the starters. Where an entry did not start, the file cannot
            tell the order of the others without it: the last columns are cut off and the rest is scaled
            to one.
        values: What `forecasts.score` makes of it.
        grid: Place on the grid of each starter that was forecast; 0 for the pit lane or unknown.
        teams_out: How many teams lost all their cars, of those that started more than one.
        teams_in_points: How many of them had all in the first ten.
        drawn: What the journal tells of the draws; None without one.
    """

    race_id: str
    season: int
    round: int
    stage: Stage
    model: str
    judged: Judged
    values: Mapping[Measure, float]
    grid: NDArray[np.int64]
    teams_out: int
    teams_in_points: int
    drawn: Drawn | None

    @property
    def race(self) -> RaceKey:
        return self.season, self.round


@dataclass(frozen=True)
class Reading:
    """What stood in the files.

    Attributes:
        forecasts: By race, stage, model.
        journals: By file; files without one are not in it.
        without_result: Forecasts of races that have no result yet; they are not judged.
        invented: Some race is of the invented championship.
    """

    forecasts: tuple[JudgedForecast, ...]
    journals: Mapping[str, Journal]
    without_result: int
    invented: bool


@dataclass(frozen=True, slots=True)
class _Row:
    driver_id: str
    win: float
    podium: float
    points: float
    retirement: float
    expected_position: float
    positions: tuple[float, ...]


@dataclass(frozen=True)
class ForecastFiles:
    """The rows of some files, not judged yet.

    Attributes:
        blocks: The rows of each race, stage and model.
        journals: By file; files without one are not in it.
    """

    blocks: Mapping[BlockKey, tuple[_Row, ...]]
    journals: Mapping[str, Journal]

    @property
    def seasons(self) -> tuple[int, int]:
        """The first and the last."""
        seasons = [season for season, *_ in self.blocks]
        return min(seasons), max(seasons)


def read_files(files: Sequence[Path]) -> ForecastFiles:
    """Reads forecasts.

    Raises:
        ForecastError: A file is not there, lacks a column, holds something that is no number or no forecast,
            or forecasts the same race at the same stage by the same model as another.
    """
    blocks: dict[BlockKey, tuple[_Row, ...]] = {}
    for path in files:
        for key, rows in _blocks(path):
            if key in blocks:
                season, round_, stage, model = key
                raise ForecastError(f"{path} forecasts {season} round {round_} {stage} by {model} once more")
            blocks[key] = rows
    if not blocks:
        raise ForecastError(f"there is no forecast in {', '.join(str(path) for path in files)}")
    return ForecastFiles(
        blocks, {path.name: read_journal(path) for path in files if journal_of(path).exists()}
    )


def judge_files(files: ForecastFiles, history: History) -> Reading:
    """Every forecast in some files, judged by the newest results.

    Raises:
        ForecastError: A forecast has fewer positions than its race had starters.
    """
    races = {(race.season, race.round): race for race in history.races}
    drawn = {seal.key: seal.drawn for journal in files.journals.values() for seal, _ in journal.seals}
    forecasts: list[JudgedForecast] = []
    without_result, invented = 0, False
    for (season, round_, stage, model), rows in files.blocks.items():
        race = races.get((season, round_))
        result = None if race is None else history.latest(race.id, ClassificationKind.RACE)
        if race is None or result is None:
            without_result += 1
            continue
        invented |= race.invented
        of_draws = drawn.get((race.id, stage, model))
        forecasts.append(_laid_beside(race, stage, model, rows, result, history, of_draws))
    forecasts.sort(key=lambda each: (each.race, list(Stage).index(each.stage), each.model))
    return Reading(tuple(forecasts), files.journals, without_result, invented)


def _laid_beside(
    race: Race,
    stage: Stage,
    model: str,
    rows: Sequence[_Row],
    result: Classification,
    history: History,
    drawn: Drawn | None,
) -> JudgedForecast:
    # By driver, so that the order of a file tells nothing.
    entries = sorted(rows, key=lambda row: row.driver_id)

    def among_starters(void: tuple[str, ...]) -> Floats:
        kept = [row.positions for row in entries if row.driver_id not in void]
        if min(len(positions) for positions in kept) < len(kept):
            raise ForecastError(f"{model} forecasts fewer positions of {race.id} than {len(kept)} starters")
        cut = np.array([positions[: len(kept)] for positions in kept])
        return np.asarray(cut / cut.sum(axis=1, keepdims=True))

    judged = judge_entries(entries, result, among_starters=among_starters)
    return JudgedForecast(
        race_id=race.id,
        season=race.season,
        round=race.round,
        stage=stage,
        model=model,
        judged=judged,
        values=measure_race(judged),
        grid=_grid(judged.driver_ids, result, history.latest(race.id, ClassificationKind.GRID)),
        teams_out=_whole_teams(result, lambda row: row.retired),
        teams_in_points=_whole_teams(result, lambda row: row.position is not None and row.position <= 10),
        drawn=drawn,
    )


def _grid(
    driver_ids: Sequence[str], result: Classification, published: Classification | None
) -> NDArray[np.int64]:
    places = {row.driver_id: row.grid_position for row in published.rows} if published is not None else {}
    places |= {row.driver_id: row.grid_position for row in result.starters() if row.grid_position is not None}
    return np.array([places.get(driver_id) or 0 for driver_id in driver_ids], dtype=np.int64)


def _whole_teams(result: Classification, of_car: Callable[[ClassificationRow], bool]) -> int:
    cars: dict[str, list[bool]] = {}
    for row in result.starters():
        cars.setdefault(row.constructor_id, []).append(of_car(row))
    return sum(len(found) > 1 and all(found) for found in cars.values())


def _blocks(path: Path) -> Iterator[tuple[BlockKey, tuple[_Row, ...]]]:
    """The rows of each race, stage and model; they stand together in the file of a back-test, and are sorted
    so in any other."""
    with _opened(path) as file:
        reader = csv.DictReader(file)
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
        if lacking := [name for name in _COLUMNS if name not in columns]:
            raise ForecastError(f"{path} is no file of forecasts: it lacks {', '.join(lacking)}")
        reader.fieldnames = columns
        places = [name for name in columns if name.startswith("p_pos_")]
        rows = [_read_row(path, line, row, places) for line, row in enumerate(reader, start=2)]
    rows.sort(key=lambda row: row[0])
    for key, of_block in groupby(rows, key=lambda row: row[0]):
        yield key, tuple(row for _, row in of_block)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            yield file
    except FileNotFoundError as error:
        raise ForecastError(f"{path} is not there") from error


def _read_row(path: Path, line: int, row: Mapping[str, str], places: Iterable[str]) -> tuple[BlockKey, _Row]:
    try:
        stage = _STAGES[row["horizon"].strip()]
        key = (int(row["season"]), int(row["round"]), stage, row["model"].strip())
        win, podium, points, retirement, expected = (float(row[name]) for name in _NUMBERS)
        # The widest field sets how many columns there are; a smaller one leaves the last empty.
        positions = tuple(float(row[place]) for place in places if row[place])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ForecastError(f"{path}, line {line}: {error} cannot be read") from error
    return key, _Row(row["driver_id"].strip(), win, podium, points, retirement, expected, positions)
