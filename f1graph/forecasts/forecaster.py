"""Forecasts from the store: reads history, brings a trained model, and makes, judges and verifies.

Stores no forecast and no score: who asks does, in one transaction with whatever else must hold. All
computing happens in one thread beside the event loop.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

# The first optimiser imports torch's compiler, which stops the event loop for a fifth of a second: so it
# is imported before the loop has anything else to do.
import torch._dynamo

from f1graph.errors import BundleError, ForecastError, UnknownError
from f1graph.features.build import build_features
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.explain import explain_forecast
from f1graph.forecasts.make import make_forecast
from f1graph.forecasts.members import Models
from f1graph.forecasts.metrics import calibration, model_metrics
from f1graph.forecasts.score import Judged, judge, score_forecast
from f1graph.forecasts.serving import Shelf, registered
from f1graph.forecasts.training import fitted_in_passing, load
from f1graph.forecasts.verify import Verification, verify_forecast
from f1graph.models.protocol import Estimator
from f1graph.races.calendar import Race
from f1graph.races.comparing import one_per_race
from f1graph.races.forecast import Forecast, Receipt, Score, ScoredForecast
from f1graph.races.measures import ModelMetric
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, bundle_with, store_bundle
from f1graph.store.engine import Store
from f1graph.store.forecasts import latest_forecast_id, load_forecasts
from f1graph.store.past import (
    load_classifications_of,
    load_history,
    newest_facts_version,
    newest_import,
    newest_recordings_version,
)
from f1graph.store.scores import StoredBins, newest_scores

T = TypeVar("T")

# Features look a season back from the first race that is learned from.
_SEASONS_BEFORE = 1
# Forecasts judged at once: each has draws of some hundred kilobytes.
_CHUNK = 50


@dataclass(frozen=True, eq=False)
class _Known:
    """The history of the store after some import, and what was made of it so far."""

    facts_version: int
    recordings_version: int
    imported: int
    book: ExampleBook
    history: History


class Forecaster:
    """The forecast engine of one process.

    Args:
        bundles: The folder of trained models.
        models: Whose forecasts are served, and who speaks until that one is trained.
        train_from: The first season that models learn from.
        threads: For torch.
    """

    def __init__(
        self, store: Store, *, bundles: Path, train_from: int, models: Models, threads: int = 1
    ) -> None:
        self._store = store
        self._bundles = bundles
        self._models = models
        self._shelf = Shelf(bundles, models)
        self._train_from = train_from
        self._threads = threads
        self._book: _Known | None = None
        _spare_the_collector()
        self._executor = ThreadPoolExecutor(
            max_workers=1,
            thread_name_prefix="forecasts",
            initializer=torch.set_num_threads,
            initargs=(threads,),
        )

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self._models.served.name, self._models.at_once.name)))

    def close(self) -> None:
        """Ends the thread; what runs in it is finished first."""
        self._executor.shutdown(cancel_futures=True)

    async def _beside(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)

    async def _known(self, receipt: Receipt | None = None) -> _Known:
        """The history of the store, or what a receipt says of it; read anew only after an import."""
        async with self._store.read() as read:
            if receipt is None or receipt.facts_version is None:
                facts_version = await newest_facts_version(read)
                recordings_version = await newest_recordings_version(read)
            else:
                facts_version = receipt.facts_version
                recordings_version = receipt.recordings_version or 0
            # A race can be postponed without any new fact about it.
            imported = await newest_import(read)
            known = self._book
            if known is not None and (known.facts_version, known.recordings_version, known.imported) == (
                facts_version,
                recordings_version,
                imported,
            ):
                return known
            history = await load_history(
                read,
                from_season=self._train_from - _SEASONS_BEFORE,
                facts_version=facts_version,
                recordings_version=recordings_version,
            )
        book = ExampleBook(history, build_features, first_season=self._train_from)
        self._book = _Known(facts_version, recordings_version, imported, book, history)
        _spare_the_collector()
        return self._book

    async def forecast(
        self, race_id: str, stage: Stage, *, cutoff: datetime, cause: str | None, now: datetime
    ) -> list[tuple[Forecast, bool]]:
        """The served forecast of a race and those of the baselines, each with whether it is served.

        Raises:
            ForecastError: It cannot be made.
            UnknownError: There is no such race.
        """
        known = await self._known()
        book, history = known.book, known.history
        target = _race_of(history, race_id)
        async with self._store.read() as read:
            rows = await registered(read, self._models, stage=stage, cutoff=cutoff)
            previous_id = await latest_forecast_id(read, race_id, cutoff=cutoff)
        choice = await self._beside(
            lambda: self._shelf.choose(
                rows, book, stage=stage, cutoff=cutoff, now=now, invented=target.invented
            )
        )
        if choice.trained is not None:
            async with self._store.write() as write:
                await store_bundle(write, choice.trained)
        model = choice.model

        given_up = threading.Event()

        def compute() -> list[tuple[Forecast, bool]]:
            past = history.as_of(cutoff)
            race = past.race(race_id)
            examples = book.known_by(cutoff, stage)
            served = replace(model, predictor=model.predictor.update(examples))
            baselines = [
                fitted_in_passing(estimator, book, stage=stage, cutoff=cutoff)
                for estimator in self._models.baselines
                if stage in estimator.stages
            ]
            made = []
            for one in (served, *baselines):
                if given_up.is_set():
                    raise ForecastError(f"the forecast of {race_id} was given up")
                is_served = one is served
                forecast = make_forecast(
                    past,
                    race,
                    stage=stage,
                    model=one,
                    baselines=baselines if is_served else (),
                    missing=choice.missing if is_served else (),
                    made_at=now,
                    build_features=book.build_features,
                    previous_id=previous_id if is_served else None,
                    cause=cause,
                )
                receipt = replace(
                    forecast.receipt,
                    facts_version=known.facts_version,
                    recordings_version=known.recordings_version,
                )
                explanation = None
                if is_served:
                    explanation = explain_forecast(
                        forecast,
                        one.predictor,
                        book.build_features(past, race_id, stage),
                        race_ids=[example.features.race_id for example in examples],
                    )
                made.append((replace(forecast, receipt=receipt, explanation=explanation), is_served))
            return made

        try:
            return await self._beside(compute)
        except asyncio.CancelledError:
            # A thread cannot be stopped from outside: it looks between two models.
            given_up.set()
            raise

    async def score(self, forecast_ids: Sequence[str], *, race_id: str, revision: int) -> list[Score]:
        """All measures of some forecasts of a race against one revision of its result."""
        async with self._store.read() as read:
            forecasts = await load_forecasts(read, forecast_ids)
            results = await load_classifications_of(read, [race_id], kinds=[ClassificationKind.RACE])
        result = next((result for result in results if result.revision == revision), None)
        if result is None:
            raise UnknownError(f"{race_id} has no revision {revision} of its result")
        return await self._beside(
            lambda: [score for one in forecasts for score in score_forecast(one, result).scores]
        )

    async def metrics(self, *, invented: bool, as_of: datetime) -> tuple[list[ModelMetric], list[StoredBins]]:
        """Metrics and calibration from every score known at `as_of`, per season and over all of them."""
        async with self._store.read() as read:
            scored = await newest_scores(read, invented=invented, as_of=as_of)
        seasons = sorted({one.season for one in scored})
        spans = [(season, season) for season in seasons]
        if len(seasons) > 1:
            spans.append((seasons[0], seasons[-1]))
        baselines = [estimator.name for estimator in self._models.baselines]
        metrics = await self._beside(lambda: model_metrics(scored, baselines=baselines, spans=spans))
        bins = (
            await self._calibration(one_per_race(scored), span=(seasons[0], seasons[-1])) if seasons else []
        )
        return metrics, bins

    async def _calibration(
        self, scored: Sequence[ScoredForecast], *, span: tuple[int, int]
    ) -> list[StoredBins]:
        groups: dict[tuple[str, Stage], list[ScoredForecast]] = {}
        for one in scored:
            groups.setdefault((one.model, one.stage), []).append(one)
        found = []
        for (model, stage), group in groups.items():
            judged: list[Judged] = []
            for start in range(0, len(group), _CHUNK):
                chunk = group[start : start + _CHUNK]
                async with self._store.read() as read:
                    forecasts = await load_forecasts(read, [one.forecast_id for one in chunk])
                    results = await load_classifications_of(
                        read, [one.race_id for one in chunk], kinds=[ClassificationKind.RACE]
                    )
                judged_by = {one.forecast_id: (one.race_id, one.revision) for one in chunk}
                by_revision: dict[tuple[str, int | None], Classification] = {
                    (result.race_id, result.revision): result for result in results
                }
                pairs = [(one, by_revision[judged_by[one.id]]) for one in forecasts]
                judged += await self._beside(partial(_judge, pairs))
            bins = await self._beside(partial(calibration, judged))
            found.append(StoredBins(model, stage, span[0], span[1], bins))
        return found

    async def verify(self, forecast: Forecast) -> Verification:
        """Makes a stored forecast again from what the store held then, and compares."""
        known = await self._known(forecast.receipt)
        book, history = known.book, known.history
        estimator = self._models.named(forecast.model)
        if estimator is None:
            raise ForecastError(
                f"{forecast.model} made {forecast.id}; this version of f1graph does not have that model"
            )
        checksum = forecast.receipt.bundle_checksum
        row = None
        if checksum is not None:
            async with self._store.read() as read:
                row = await bundle_with(read, checksum)
            if row is None:
                raise BundleError(f"the bundle {checksum[:12]} that made {forecast.id} is not registered")

        def compute() -> Verification:
            model = self._model_again(estimator, row, book, forecast)
            return verify_forecast(forecast, history, models=[model], build_features=book.build_features)

        return await self._beside(compute)

    def _model_again(
        self, estimator: Estimator, row: BundleRow | None, book: ExampleBook, forecast: Forecast
    ) -> TrainedModel:
        if row is None:
            return fitted_in_passing(estimator, book, stage=forecast.stage, cutoff=forecast.cutoff)
        # A member that was broken already then may be so still.
        predictor = load(row, estimator, self._bundles, whole=not forecast.missing_members)
        examples = book.known_by(forecast.cutoff, forecast.stage)
        return TrainedModel(predictor.update(examples), row.version, row.checksum)


def _spare_the_collector() -> None:
    """Takes what there is now, torch and a history of many thousand rows, out of the collector's rounds.

    Each full round over them stopped every thread for 0.4 seconds. Without cycles, an old history still
    goes when the last reference does.
    """
    gc.freeze()


def _race_of(history: History, race_id: str) -> Race:
    race = next((race for race in history.races if race.id == race_id), None)
    if race is None:
        raise UnknownError(f"there is no race {race_id!r} in the seasons that are learned from")
    return race


def _judge(pairs: Sequence[tuple[Forecast, Classification]]) -> list[Judged]:
    return [judge(forecast, result) for forecast, result in pairs]
