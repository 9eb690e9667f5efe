"""Trained models: found on disk, or trained and put there."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from f1graph.errors import BundleError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.make import derive_seed
from f1graph.models.bundle import load_bundle, manifest_as_json, read_manifest, save_bundle
from f1graph.models.fit_cache import FitCache, resuming
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.models.walk_scores import WalkScore, WalkScored
from f1graph.races.intervals import bootstrap_interval
from f1graph.races.refreshes import REFIT_AFTER_RACES
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, BundleStatus


@dataclass(frozen=True, eq=False)
class Trained:
    """A predictor that is on disk, and its row for the store."""

    model: TrainedModel
    row: BundleRow


def version_of(estimator: Estimator, examples: list[Example]) -> str:
    """`ultra-1.0+2024.24`: the estimator and its version, and the newest race it learned from."""
    named = f"{estimator.name}-{estimator.version}"
    if not examples:
        return named
    newest = examples[-1].features
    return f"{named}+{newest.season}.{newest.round}"


def train(
    estimator: Estimator,
    book: ExampleBook,
    *,
    stage: Stage,
    cutoff: datetime,
    trained_at: datetime,
    folder: Path,
    status: BundleStatus,
    invented: bool,
    cache: FitCache | None = None,
) -> Trained:
    """Fits a model to what was known at `cutoff` and writes it below `folder`.

    Args:
        cache: Where an ensemble keeps its finished fits, so that it can be stopped and go on.

    Raises:
        ForecastError: There are too few races.
    """
    examples = book.known_by(cutoff, stage)
    seed = derive_seed("fit", estimator.name, stage, cutoff.isoformat())
    learner = estimator if cache is None else resuming(estimator, cache)
    begun = time.perf_counter()
    predictor = learner.fit(examples, stage=stage, seed=seed)
    seconds = time.perf_counter() - begun
    version = version_of(estimator, examples)
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside and moved into its place, so that no half bundle is ever found there.
    aside = Path(mkdtemp(prefix=".training-", dir=folder))
    try:
        manifest = save_bundle(
            aside / "bundle",
            predictor,
            estimator,
            cutoff=cutoff,
            races=len(examples),
            seed=seed,
            training_seconds=round(seconds, 3),
            walk_forward=walk_scores(predictor),
        )
        name = f"{version}-{stage.value.lower()}-{manifest.checksum[:8]}"
        if not _is_whole(folder / name, estimator):
            if (folder / name).exists():
                # What is broken goes with the folder aside.
                (folder / name).rename(aside / "broken")
            (aside / "bundle").rename(folder / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    row = BundleRow(
        id=name,
        model=estimator.name,
        version=version,
        stage=stage,
        cutoff=cutoff,
        trained_at=trained_at,
        checksum=manifest.checksum,
        path=name,
        status=status,
        manifest=manifest_as_json(manifest),
        invented=invented,
    )
    return Trained(TrainedModel(predictor, version, manifest.checksum), row)


def walk_scores(predictor: Predictor) -> list[WalkScore]:
    """How a predictor that was just fitted did on the way; nothing of one that does not keep count."""
    if not isinstance(predictor, WalkScored):
        return []
    found = []
    for measure, races in sorted(predictor.walk_forward.items()):
        values = np.array(list(races.values()), dtype=np.float64)
        if len(values):
            low, high = bootstrap_interval(values)
            found.append(WalkScore(measure, float(values.mean()), len(values), low, high, dict(races)))
    return found


def load(row: BundleRow, estimator: Estimator, folder: Path, *, whole: bool = False) -> Predictor:
    """The predictor of a registered bundle.

    Args:
        whole: An ensemble with a broken member is refused; otherwise it goes on without.

    Raises:
        BundleError: It is not there, is not what was registered, or does not fit this program.
    """
    predictor = load_bundle(folder / row.path, [estimator], whole=whole)
    found = read_manifest(folder / row.path).checksum
    if found != row.checksum:
        raise BundleError(f"{row.id} was registered with the checksum {row.checksum}, on disk it has {found}")
    return predictor


def _is_whole(bundle: Path, estimator: Estimator) -> bool:
    try:
        load_bundle(bundle, [estimator], whole=True)
    except BundleError:
        return False
    return True


def fitted_in_passing(
    estimator: Estimator, book: ExampleBook, *, stage: Stage, cutoff: datetime
) -> TrainedModel:
    """A baseline: learned anew in a moment, so never kept on disk."""
    examples = book.known_by(cutoff, stage)
    seed = derive_seed("fit", estimator.name, stage, cutoff.isoformat())
    predictor = estimator.fit(examples, stage=stage, seed=seed)
    return TrainedModel(predictor, version_of(estimator, examples))


def is_outdated(row: BundleRow, *, cutoff: datetime, races: int) -> bool:
    """Whether a bundle should be trained anew for a forecast with this cutoff.

    Args:
        races: How many races could be learned from at the cutoff.
    """
    knows_the_future = row.cutoff > cutoff
    is_old = row.cutoff.year < cutoff.year or races - int(row.manifest["races"]) >= REFIT_AFTER_RACES
    return knows_the_future or is_old
