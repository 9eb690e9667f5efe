"""Walks through history and forecasts every race as if it were ahead, into one file.

All forecasts come from `make_forecast`, the one that production uses, at an earlier cutoff. How the file is
kept, so that a walk can be stopped at any time, stands in `backtest_file`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1graph import __version__
from f1graph.errors import ForecastError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.backtest_file import BacktestFile, Drawn, Key, Seal
from f1graph.forecasts.examples import FIRST_SEASON, ExampleBook
from f1graph.forecasts.make import BuildFeatures, derive_seed, distribution_of, make_forecast, this_build
from f1graph.forecasts.score import score_forecast, without
from f1graph.models.draws import DRAWS
from f1graph.models.protocol import Estimator, Predictor
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast, ScoredForecast
from f1graph.races.past import History
from f1graph.races.results import ClassificationKind
from f1graph.races.stages import Stage, stage_window

Progress = Callable[[int, int, str], None]


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
    yield from walk_steps(plan(history, walk), walk, book, done=done)


def walk_steps(
    steps: Iterable[Step], walk: Walk, book: ExampleBook, *, done: Container[Key] = ()
) -> Iterator[tuple[Step, Forecast]]:
    """As `walk_forward`, of some steps of a plan. Those that share a fit should follow each other."""
    fitted: dict[tuple[Stage, str], tuple[datetime, Predictor]] = {}
    for step in steps:
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
    with BacktestFile.open(out, settings_of(history, walk), width=widest_field(history, walk)) as file:
        yield from file.scored()
        total, count = len(steps), len(file.sealed)
        tell(count, total, "earlier runs" if count else "")
        for step, forecast in walk_forward(history, walk, build_features, done=file.sealed):
            seal = seal_of(history, step, forecast)
            file.append(step.race, forecast, seal)
            count += 1
            tell(count, total, f"{step.race.id} {step.stage} {step.estimator.name}")
            yield seal.scored


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
    for recording in history.recordings:
        name = recording.name
        if name.race_id in races:
            # A revision never changes, so its number says which laps or samples they are.
            line = f"{name.race_id}|{name.session}|{name.part}|{name.known_at.isoformat()}|{name.revision}\n"
            digest.update(line.encode())
    return digest.hexdigest()


def widest_field(history: History, walk: Walk) -> int:
    entered = (
        len(revision.entries())
        for race in history.races
        if race.season in walk.seasons
        for revision in history.revisions.get((race.id, ClassificationKind.ENTRY_LIST), ())
    )
    return max(entered, default=0)


def seal_of(history: History, step: Step, forecast: Forecast) -> Seal:
    """What the journal tells of a forecast: its scores against the newest result, and what its draws say."""
    return Seal(_scored(history, step, forecast), _drawn(history, forecast))


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


def _drawn(history: History, forecast: Forecast) -> Drawn:
    """What the draws say of the race as a whole, of those who started; of all where there is no result."""
    result = history.latest(forecast.race_id, ClassificationKind.RACE)
    starters = None if result is None else {row.driver_id for row in result.starters()}
    kept = [i for i, entry in enumerate(forecast.entries) if starters is None or entry.driver_id in starters]
    drawn = distribution_of(forecast)
    field = drawn if starters is None else without(drawn, tuple(set(drawn.driver_ids) - starters))
    teams = np.array([forecast.entries[i].constructor_id for i in kept])
    in_points = (field.positions <= 10) & ~field.retired
    return Drawn(
        retirements=_counted(field.retired.sum(axis=1)),
        teams_out=_counted(_whole_teams(field.retired, teams)),
        teams_in_points=_counted(_whole_teams(in_points, teams)),
    )


def _whole_teams(of_car: NDArray[np.bool_], teams: NDArray[np.str_]) -> NDArray[np.int64]:
    """How many teams with more than one car have it of all of them. (draws, entries) → (draws,)"""
    counted = [of_car[:, teams == team].all(axis=1) for team in np.unique(teams) if (teams == team).sum() > 1]
    return np.sum(counted, axis=0) if counted else np.zeros(len(of_car), dtype=np.int64)


def _counted(numbers: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(np.bincount(numbers).tolist())
