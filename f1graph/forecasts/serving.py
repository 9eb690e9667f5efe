"""Which trained model makes a forecast: the one in use, else the one that can be trained on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from f1graph.errors import BundleError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.members import Models
from f1graph.forecasts.training import is_outdated, load, train
from f1graph.models.bundle import MANIFEST_FILE, TENSORS_FILE
from f1graph.models.protocol import Estimator, Predictor
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, BundleStatus, active_bundle, newest_bundle
from f1graph.store.engine import Read

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Registered:
    """What the store knows of the bundles that a forecast might use.

    Attributes:
        served: In use, of the model whose forecasts users get.
        active, newest: Of the model that is trained on the way: in use, and the one that knows most without
            knowing more than the forecast may.
    """

    served: BundleRow | None
    active: BundleRow | None
    newest: BundleRow | None


async def registered(read: Read, models: Models, *, stage: Stage, cutoff: datetime) -> Registered:
    name = models.at_once.name
    return Registered(
        served=await active_bundle(read, model=models.served.name, stage=stage),
        active=await active_bundle(read, model=name, stage=stage),
        newest=await newest_bundle(read, model=name, stage=stage, cutoff=cutoff),
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """Who makes a forecast.

    Attributes:
        missing: Who should have and could not, with the reason.
        trained: What was trained on the way and is to be registered.
    """

    model: TrainedModel
    missing: tuple[tuple[str, str], ...] = ()
    trained: BundleRow | None = None


class Shelf:
    """The trained models of a process: read once, and again only if their files change."""

    def __init__(self, folder: Path, models: Models) -> None:
        self._folder = folder
        self._models = models
        self._loaded: dict[tuple[str, Stage], tuple[object, Predictor]] = {}

    def choose(
        self,
        rows: Registered,
        book: ExampleBook,
        *,
        stage: Stage,
        cutoff: datetime,
        now: datetime,
        invented: bool,
    ) -> Choice:
        """The model for a forecast. One that knows more than the cutoff allows is never used.

        Raises:
            ForecastError: There are too few races to train one.
        """
        if not self._models.is_trained_beside:
            return self._at_once(rows, book, stage=stage, cutoff=cutoff, now=now, invented=invented)
        served = self._models.served
        try:
            return Choice(self._in_use(rows.served, served, stage, cutoff))
        except BundleError as error:
            log.warning("the served model cannot speak", model=served.name, stage=stage, why=str(error))
            why = (served.name, str(error))
        choice = self._at_once(rows, book, stage=stage, cutoff=cutoff, now=now, invented=invented)
        return Choice(choice.model, (why,), choice.trained)

    def _in_use(
        self, row: BundleRow | None, estimator: Estimator, stage: Stage, cutoff: datetime
    ) -> TrainedModel:
        if row is None:
            raise BundleError(f"no trained model of it is in use for {stage}")
        if row.cutoff > cutoff:
            raise BundleError(f"{row.id}, which is in use, knows more than this forecast may")
        return TrainedModel(self._load(row, estimator), row.version, row.checksum)

    def _at_once(
        self,
        rows: Registered,
        book: ExampleBook,
        *,
        stage: Stage,
        cutoff: datetime,
        now: datetime,
        invented: bool,
    ) -> Choice:
        """The bundle in use where it fits, else the newest, else a new one.

        One that was put to use by hand fits however old it is. One that is trained for a forecast of the
        past does not take the place of the one in use.
        """
        estimator, active = self._models.at_once, rows.active
        races = len(book.known_by(cutoff, stage))
        for row in (active, rows.newest):
            if row is None or row.cutoff > cutoff:
                continue
            if is_outdated(row, cutoff=cutoff, races=races) and not row.is_pinned:
                continue
            try:
                return Choice(TrainedModel(self._load(row, estimator), row.version, row.checksum))
            except BundleError as error:
                # Broken, or of an older version of the program: another takes its place.
                log.warning("a trained model cannot be used", bundle=row.id, why=str(error))
        is_of_the_past = active is not None and active.cutoff > cutoff
        found = train(
            estimator,
            book,
            stage=stage,
            cutoff=cutoff,
            trained_at=now,
            folder=self._folder,
            status=BundleStatus.RETIRED if is_of_the_past else BundleStatus.ACTIVE,
            invented=invented,
        )
        return Choice(found.model, trained=found.row)

    def _load(self, row: BundleRow, estimator: Estimator) -> Predictor:
        key = (row.model, row.stage)
        seen = (row.checksum, *(_state_of(self._folder / row.path / name) for name in _FILES))
        kept = self._loaded.get(key)
        if kept is not None and kept[0] == seen:
            return kept[1]
        predictor = load(row, estimator, self._folder)
        self._loaded[key] = (seen, predictor)
        return predictor


_FILES = (MANIFEST_FILE, TENSORS_FILE)


def _state_of(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
