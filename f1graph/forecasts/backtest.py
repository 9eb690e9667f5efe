"""Walks through history and forecasts every race as if it were ahead, into one file.

All forecasts come from `make_forecast`, the one that production uses, at an earlier cutoff. Beside the file
lies a journal (`….journal`): its first line says what was asked for, every further line seals one block
of rows. What a stop tore is not sealed, so it is cut off and made again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from f1graph import __version__
from f1graph.errors import ForecastError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import FIRST_SEASON, ExampleBook
from f1graph.forecasts.make import BuildFeatures, derive_seed, make_forecast, this_build
from f1graph.forecasts.score import score_forecast
from f1graph.models.draws import DRAWS
from f1graph.models.protocol import Estimator, Predictor
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast, ScoredForecast
from f1graph.races.measures import Measure
from f1graph.races.past import History
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, stage_window

# What is to be forecast: race, stage, model.
Key = tuple[str, Stage, str]
Progress = Callable[[int, int, str], None]

HORIZONS: Mapping[Stage, str] = {Stage.AFTER_PRACTICE: "pre_quali", Stage.AFTER_QUALIFYING: "post_quali"}


@dataclass(frozen=True)
class Walk:
    """What a back-test does.

    Attributes:
        seasons: In ascending order.
        estimators: The models and baselines, each judged by the same code.
        refits_per_season: How often parameters are learnt anew; between refits the newest results only
            move a model's state on.
        first_season: Nothing older is learnt from.
        made_at: Now; races whose cutoff has not come yet are left out.
    """

    seasons: tuple[int, ...]
    stages: tuple[Stage, ...]
    estimators: tuple[Estimator, ...]
    made_at: datetime
    refits_per_season: int = 1
    first_season: int = FIRST_SEASON
    draws: int = DRAWS

    def __post_init__(self) -> None:
        names = [estimator.name for estimator in self.estimators]
        if len(set(names)) != len(names):
            raise ForecastError(f"A back-test needs models of different names, not {names}.")
        if self.refits_per_season < 1:
            raise ForecastError("A back-test refits at least once per season.")


@dataclass(frozen=True)
class Step:
    """One forecast that the walk makes.

    Attributes:
        cutoff: The end of the stage.
        refit_at: The cutoff at which the model's parameters were learnt: that of the first race of the
            same part of the season.
    """

    race: Race
    stage: Stage
    estimator: Estimator
    cutoff: datetime
    refit_at: datetime

    @property
    def key(self) -> Key:
        return self.race.id, self.stage, self.estimator.name


def plan(history: History, walk: Walk) -> list[Step]:
    """Every forecast of a walk, in its order: race by race, stage by stage, model by model."""
    steps: list[Step] = []
    for season in walk.seasons:
        races = [race for race in history.races if race.season == season and not race.is_cancelled]
        cutoffs = {stage: _cutoffs(races, stage, walk.made_at) for stage in walk.stages}
        refits = {
            stage: _refits(list(cutoffs[stage].values()), walk.refits_per_season) for stage in walk.stages
        }
        for race in races:
            steps.extend(
                Step(race, stage, estimator, cutoffs[stage][race.id], refits[stage][cutoffs[stage][race.id]])
                for stage in walk.stages
                if race.id in cutoffs[stage]
                for estimator in walk.estimators
                if stage in estimator.stages
            )
    return steps


def _cutoffs(races: Sequence[Race], stage: Stage, made_at: datetime) -> dict[str, datetime]:
    windows = ((race.id, stage_window(race, stage)) for race in races)
    return {
        race_id: window.closes_at
        for race_id, window in windows
        if window is not None and window.closes_at <= made_at
    }


def _refits(cutoffs: Sequence[datetime], parts: int) -> dict[datetime, datetime]:
    """Of each cutoff the first one in the same of `parts` nearly equal parts."""
    count = len(cutoffs)
    part_of = [i * parts // count for i in range(count)]
    return {cutoff: cutoffs[part_of.index(part)] for cutoff, part in zip(cutoffs, part_of, strict=True)}


def walk_forward(
    history: History,
    walk: Walk,
    build_features: BuildFeatures,
    *,
    done: Container[Key] = (),
) -> Iterator[tuple[Step, Forecast]]:
    """Makes the forecasts of a walk, those in `done` left out. What was done before changes no number.

    Raises:
        ForecastError: A model had too few races to learn from.
    """
    book = ExampleBook(history, build_features, first_season=walk.first_season)
    fitted: dict[tuple[Stage, str], tuple[datetime, Predictor]] = {}
    for step in plan(history, walk):
        past = book.past(step.cutoff)
        # A race of which nobody recorded who was entered cannot be forecast.
        if step.key in done or not past.entries(step.race.id):
            continue
        key = (step.stage, step.estimator.name)
        if key not in fitted or fitted[key][0] != step.refit_at:
            fitted[key] = (step.refit_at, _fit(book, step))
        predictor = fitted[key][1]
        if step.cutoff != step.refit_at:
            predictor = predictor.update(book.known_by(step.cutoff, step.stage))
        yield (
            step,
            make_forecast(
                past,
                past.race(step.race.id),
                stage=step.stage,
                model=TrainedModel(predictor, step.estimator.version),
                made_at=walk.made_at,
                build_features=book.build_features,
                draws=walk.draws,
            ),
        )


def _fit(book: ExampleBook, step: Step) -> Predictor:
    seed = derive_seed("fit", step.estimator.name, step.stage, step.refit_at.isoformat())
    return step.estimator.fit(book.known_by(step.refit_at, step.stage), stage=step.stage, seed=seed)


def backtest(
    history: History,
    walk: Walk,
    build_features: BuildFeatures,
    *,
    out: Path,
    progress: Progress | None = None,
) -> Iterator[ScoredForecast]:
    """Walks forward and writes `out`; continues where an earlier run with the same settings stopped.

    Args:
        progress: Told how many of how many forecasts are done, and which was last.

    Yields:
        The scores of every forecast against the newest result, those of earlier runs first. A race
        without a result has none.

    Raises:
        ForecastError: `out` was made with other settings or by something else.
    """
    steps = plan(history, walk)
    tell = progress or (lambda done, total, what: None)
    with _BacktestFile.open(out, settings_of(history, walk), width=_widest_field(history, walk)) as file:
        yield from file.sealed.values()
        total, count = len(steps), len(file.sealed)
        tell(count, total, "earlier runs" if count else "")
        for step, forecast in walk_forward(history, walk, build_features, done=file.sealed):
            scored = _scored(history, step, forecast)
            file.append(step, forecast, scored)
            count += 1
            tell(count, total, f"{step.race.id} {step.stage} {step.estimator.name}")
            yield scored


def settings_of(history: History, walk: Walk) -> dict[str, Any]:
    """Everything that the numbers in a back-test's file depend on."""
    build = this_build()
    return {
        "seasons": list(walk.seasons),
        "stages": [str(stage) for stage in walk.stages],
        "models": [[estimator.name, estimator.version] for estimator in walk.estimators],
        "refits_per_season": walk.refits_per_season,
        "first_season": walk.first_season,
        "draws": walk.draws,
        "facts": _facts_fingerprint(history, upto_season=max(walk.seasons, default=0)),
        "code_version": __version__,
        "libraries": [list(library) for library in build.libraries],
        "machine": build.machine,
    }


def _facts_fingerprint(history: History, *, upto_season: int) -> str:
    """SHA-256 of all facts that the walk can see; next season's do not stop it from being continued."""
    digest = hashlib.sha256()
    races = {race.id for race in history.races if race.season <= upto_season}
    for race in history.races:
        if race.id in races:
            line = f"{race.id}|{race.round}|{race.starts_at.isoformat()}|{race.is_cancelled}\n"
            digest.update(line.encode())
    for (race_id, kind), revisions in sorted(history.revisions.items()):
        if race_id not in races:
            continue
        for fact in revisions:
            line = f"{race_id}|{kind}|{fact.known_at.isoformat()}|{fact.content_hash}\n"
            digest.update(line.encode())
    return digest.hexdigest()


def _widest_field(history: History, walk: Walk) -> int:
    entered = (
        len(revision.entries())
        for race in history.races
        if race.season in walk.seasons
        for revision in history.revisions.get((race.id, ClassificationKind.ENTRY_LIST), ())
    )
    return max(entered, default=0)


def _scored(history: History, step: Step, forecast: Forecast) -> ScoredForecast:
    result = history.latest(step.race.id, ClassificationKind.RACE)
    scores = () if result is None else score_forecast(forecast, result).scores
    return ScoredForecast(
        forecast_id=forecast.id,
        race_id=forecast.race_id,
        season=step.race.season,
        stage=forecast.stage,
        model=forecast.model,
        model_version=forecast.model_version,
        cutoff=forecast.cutoff,
        made_at=forecast.made_at,
        retrospective=forecast.retrospective,
        values={score.measure: score.value for score in scores},
    )


def forecast_rows(step: Step, forecast: Forecast, *, width: int) -> str:
    """The lines of one forecast: by driver id, places beyond the field empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    horizon = HORIZONS.get(forecast.stage, forecast.stage.lower())
    for entry in forecast.entries:
        places = [_number(probability) for probability in entry.position_probabilities]
        writer.writerow(
            [
                step.race.season,
                step.race.round,
                entry.driver_id,
                horizon,
                forecast.model,
                *(_number(value) for value in (entry.win, entry.podium, entry.points, entry.retirement)),
                entry.expected_position,
                *places,
                *[""] * (width - len(places)),
            ]
        )
    return text.getvalue()


def header(width: int) -> str:
    columns = ["season", "round", "driver_id", "horizon", "model", "p_win", "p_podium", "p_points", "p_dnf"]
    places = [f"p_pos_{place}" for place in range(1, width + 1)]
    return ",".join([*columns, "expected_position", *places]) + "\n"


def _number(probability: float) -> str:
    return f"{probability:.8g}"


class _BacktestFile:
    """The rows and, beside them, the journal that seals them block by block."""

    def __init__(self, rows: Path, journal: Path, width: int, sealed: dict[Key, ScoredForecast]) -> None:
        self.sealed = sealed
        self._width = width
        self._rows = rows.open("ab")
        self._journal = journal.open("ab")

    @classmethod
    def open(cls, out: Path, settings: dict[str, Any], *, width: int) -> _BacktestFile:
        journal = out.with_name(out.name + ".journal")
        first = json.dumps({"settings": settings, "width": width}, sort_keys=True) + "\n"
        if not journal.exists():
            if out.exists() and out.stat().st_size:
                raise ForecastError(
                    f"{out} is there already, but not its journal {journal.name}, so it cannot be "
                    "continued. Move it away or name another file."
                )
            out.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(out, header(width).encode())
            _write_durably(journal, first.encode())
            return cls(out, journal, width, {})
        sealed = _recover(out, journal, first)
        return cls(out, journal, width, sealed)

    def append(self, step: Step, forecast: Forecast, scored: ScoredForecast) -> None:
        """Rows first, then the seal: a stop in between leaves rows that the next run cuts off."""
        _append_durably(self._rows, forecast_rows(step, forecast, width=self._width).encode())
        _append_durably(self._journal, _sealing_line(scored, end=self._rows.tell()))
        self.sealed[step.key] = scored

    def __enter__(self) -> _BacktestFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._rows.close()
        self._journal.close()


def _sealing_line(scored: ScoredForecast, *, end: int) -> bytes:
    line = {
        "end": end,
        "forecast_id": scored.forecast_id,
        "race_id": scored.race_id,
        "season": scored.season,
        "stage": scored.stage,
        "model": scored.model,
        "model_version": scored.model_version,
        "cutoff": scored.cutoff.isoformat(),
        "made_at": scored.made_at.isoformat(),
        "retrospective": scored.retrospective,
        "values": dict(scored.values),
    }
    return (json.dumps(line) + "\n").encode()


def _recover(out: Path, journal: Path, first: str) -> dict[Key, ScoredForecast]:
    """Reads the seals, and cuts off both files behind the last block that is whole."""
    size = out.stat().st_size if out.exists() else 0
    lines = journal.read_bytes().splitlines(keepends=True)
    _refuse_other_settings(out, lines[0] if lines else b"", first)
    begun = json.loads(first)
    end, kept = len(header(begun["width"])), 1
    if size < end:
        raise ForecastError(f"{out} has lost its first line. Remove it and {journal.name} to start again.")
    sealed: dict[Key, ScoredForecast] = {}
    for line in lines[1:]:
        if not line.endswith(b"\n"):
            break
        facts = json.loads(line)
        if facts.pop("end") > size:
            break
        end = json.loads(line)["end"]
        kept += 1
        scored = _read_scored(facts)
        sealed[scored.race_id, scored.stage, scored.model] = scored
    os.truncate(out, end)
    os.truncate(journal, sum(len(line) for line in lines[:kept]))
    return sealed


def _read_scored(facts: dict[str, Any]) -> ScoredForecast:
    return ScoredForecast(
        **{
            **facts,
            "stage": Stage(facts["stage"]),
            "cutoff": datetime.fromisoformat(facts["cutoff"]),
            "made_at": datetime.fromisoformat(facts["made_at"]),
            "values": {Measure(measure): value for measure, value in facts["values"].items()},
        }
    )


def _refuse_other_settings(out: Path, found: bytes, wanted: str) -> None:
    if found == wanted.encode():
        return
    try:
        before = json.loads(found)["settings"]
    except (ValueError, KeyError):
        before = {}
    now = json.loads(wanted)["settings"]
    other = sorted(name for name in now if before.get(name) != now[name])
    said = "; ".join(f"{name} was {before.get(name)}, is {now[name]}" for name in other)
    raise ForecastError(
        f"{out} was made with other settings ({said or 'another field size'}). "
        "Name another file, or remove this one and its journal."
    )


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        _append_durably(file, content)


def _append_durably(file: Any, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
