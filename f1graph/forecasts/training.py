"""Trained models: found on disk, or trained and put there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from f1graph.errors import BundleError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.make import derive_seed
from f1graph.models.bundle import load_bundle, manifest_as_json, read_manifest, save_bundle
from f1graph.models.protocol import Estimator, Example, Predictor
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, BundleStatus

# A walk that refitted four times a season was better than one that did so once.
REFIT_AFTER_RACES = 6


@dataclass(frozen=True, eq=False)
class Trained:
    """A predictor that is on disk, and its row for the store."""

    model: TrainedModel
    row: BundleRow


def version_of(estimator: Estimator, examples: list[Example]) -> str:
    """`1.0+2024.24`: the estimator's version, and the newest race it learned from."""
    if not examples:
        return estimator.version
    newest = examples[-1].features
    return f"{estimator.version}+{newest.season}.{newest.round}"


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
) -> Trained:
    """Fits a model to what was known at `cutoff` and writes it below `folder`.

    Raises:
        ForecastError: There are too few races.
    """
    examples = book.known_by(cutoff, stage)
    seed = derive_seed("fit", estimator.name, stage, cutoff.isoformat())
    predictor = estimator.fit(examples, stage=stage, seed=seed)
    version = version_of(estimator, examples)
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside and moved into its place, so that no half bundle is ever found there.
    aside = Path(mkdtemp(prefix=".training-", dir=folder))
    try:
        manifest = save_bundle(
            aside / "bundle", predictor, estimator, cutoff=cutoff, races=len(examples), seed=seed
        )
        name = f"{estimator.name}-{version}-{stage.value.lower()}-{manifest.checksum[:8]}"
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


def load(row: BundleRow, estimator: Estimator, folder: Path) -> Predictor:
    """The predictor of a registered bundle.

    Raises:
        BundleError: It is not there, is not what was registered, or does not fit this program.
    """
    predictor = load_bundle(folder / row.path, [estimator])
    found = read_manifest(folder / row.path).checksum
    if found != row.checksum:
        raise BundleError(f"{row.id} was registered with the checksum {row.checksum}, on disk it has {found}")
    return predictor


def _is_whole(bundle: Path, estimator: Estimator) -> bool:
    try:
        load_bundle(bundle, [estimator])
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
