"""`f1graph models train`: what it does, with progress for people or for the worker that started it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from f1graph.cli.output import bar, run, show_json
from f1graph.errors import UnknownError
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.settings import Settings

if TYPE_CHECKING:
    from f1graph.models.fit_cache import Fit
    from f1graph.models.protocol import Estimator

# A forecast, an answer of the API: whatever else runs on the machine goes first.
_NICER_BY = 10
# What nobody has read for so long belongs to a training that nobody goes on with.
_FITS_KEPT = timedelta(days=60)

OnFit = Callable[["Fit"], None]


def train_models(
    settings: Settings, model: str, stages: Sequence[Stage], *, beside: bool
) -> list[dict[str, Any]]:
    """Trains a model for some stages with all that is known now, and says what became of each bundle.

    Not in a thread beside an event loop: Ctrl-C and SIGTERM end it at once. What it has finished is kept.

    Args:
        beside: Lets everything else go first, and says each step as a line of JSON.

    Raises:
        UnknownError: There is no such model, or it does not know a stage.
        ForecastError: There are too few races to learn from.
    """
    import torch

    from f1graph.features.build import build_features
    from f1graph.forecasts.examples import ExampleBook
    from f1graph.forecasts.training import train
    from f1graph.models.fit_cache import FitCache
    from f1graph.store.bundles import BundleStatus

    if beside:
        os.nice(_NICER_BY)
    torch.set_num_threads(settings.threads)
    estimator = _estimator(model)
    wanted = [stage for stage in Stage if stage in (stages or estimator.stages)]
    if unknown := [stage for stage in wanted if stage not in estimator.stages]:
        raise UnknownError(f"{model} knows nothing of {', '.join(unknown)}")
    now = settings.clock()()
    history, invented = run(_history(settings))
    book = ExampleBook(history, build_features, first_season=settings.train_from)
    answers = []
    for stage in wanted:
        with _progress(f"{model} {stage}", in_lines=beside) as on_fit:
            cache = FitCache(settings.fits_dir, on_fit=on_fit)
            trained = train(
                estimator,
                book,
                stage=stage,
                cutoff=now,
                trained_at=now,
                folder=settings.bundles_dir,
                status=BundleStatus.CANDIDATE,
                invented=invented,
                cache=cache,
            )
        answers.append(run(_register(settings, trained.row, now)))
        cache.prune(unused_since=now - _FITS_KEPT)
    return answers


def _estimator(model: str) -> Estimator:
    from f1graph.forecasts.members import SERVABLE

    for estimator in SERVABLE:
        if estimator.name == model:
            return estimator
    names = ", ".join(estimator.name for estimator in SERVABLE)
    raise UnknownError(f"there is no model {model!r} to be trained: there are {names}")


async def _history(settings: Settings) -> tuple[History, bool]:
    from f1graph.store.facts import holds_invented
    from f1graph.store.migrate import require_newest
    from f1graph.store.past import load_history
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store:
        await require_newest(store)
        async with store.read() as read:
            invented = await holds_invented(read)
            if invented is None:
                raise UnknownError("there is no race in the database to learn from: import history first")
            # Features look a season back from the first race that is learned from.
            return await load_history(read, from_season=settings.train_from - 1), invented


async def _register(settings: Settings, row: Any, now: datetime) -> dict[str, Any]:
    from f1graph.forecasts.life_cycle import register
    from f1graph.wiring import opened_store

    async with opened_store(settings) as store, store.write() as write:
        verdict = await register(write, row, now=now)
    bundle = verdict.bundle
    return {
        "bundle": bundle.id,
        "model": bundle.model,
        "version": bundle.version,
        "stage": bundle.stage,
        "status": bundle.status,
        "is_in_use": verdict.is_in_use,
        "why": verdict.why,
        "checksum": bundle.checksum,
        "races": bundle.manifest["races"],
        "training_seconds": bundle.manifest["training_seconds"],
    }


@contextmanager
def _progress(what: str, *, in_lines: bool) -> Iterator[OnFit]:
    if in_lines:
        yield lambda fit: show_json({"fit": asdict(fit)}, at_once=True)
        return
    with bar(f"Training {what}") as progress:

        def tell(fit: Fit) -> None:
            kept = ", kept from before" if fit.was_kept else ""
            progress.update(
                progress.task_ids[0],
                completed=fit.number,
                total=fit.expected,
                description=f"Training {what}: {fit.estimator} on {fit.races} races{kept}",
            )

        yield tell
