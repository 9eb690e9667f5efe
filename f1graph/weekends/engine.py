"""What running a season asks of who forecasts and who trains. How they do it is not known here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from f1graph.races.forecast import Forecast, Score
from f1graph.races.measures import ModelMetric
from f1graph.races.stages import Stage
from f1graph.store.backtests import Leg, WalkedForecast
from f1graph.store.scores import StoredBins


class ForecastEngine(Protocol):
    """Makes and judges forecasts; reads the store by itself, and stores none of what it returns.

    What is returned is stored by `weekends.run` in one transaction with the ledger's DONE, so a killed
    worker leaves both or neither. A model that had to be trained on the way may be registered by the
    engine in a transaction of its own: the next attempt finds it.

    No method blocks the event loop. Each is cancelled when its time is up; a thread behind it should then
    stop at its next batch.
    """

    @property
    def models(self) -> Sequence[str]:
        """Whose bundles forecast, the first that has one in use: another one makes a new forecast."""
        ...

    async def forecast(
        self, race_id: str, stage: Stage, *, cutoff: datetime, cause: str | None, now: datetime
    ) -> Sequence[tuple[Forecast, bool]]:
        """Forecasts of a race at a stage from what was known at `cutoff`, each with whether it is served.

        Args:
            cutoff: Never after the stage's window.
            cause: Why it is made, for `Forecast.cause`.
            now: For `Forecast.made_at`.

        Raises:
            ForecastError: It cannot be made.
        """
        ...

    async def score(self, forecast_ids: Sequence[str], *, race_id: str, revision: int) -> Sequence[Score]:
        """All measures of some forecasts of a race against one revision of its result."""
        ...

    async def metrics(
        self, *, invented: bool, as_of: datetime
    ) -> tuple[Sequence[ModelMetric], Sequence[StoredBins]]:
        """Metrics and calibration of the real or of the invented championship, from every score that was
        known at `as_of`."""
        ...


# Told what a training has done so far, as it is to stand in the ledger.
OnTraining = Callable[[dict[str, Any]], Awaitable[None]]


class Trainer(Protocol):
    """Trains the model that takes too long to be trained on the way to a forecast."""

    @property
    def model(self) -> str: ...

    async def train(self, model: str, stage: Stage, *, on_progress: OnTraining) -> dict[str, Any]:
        """Trains a model with all that is known now, and registers its bundle.

        It neither blocks the event loop nor holds up a forecast. Cancelled, it stops; what it has finished
        by then is kept, and the next one goes on from there.

        Returns:
            What it made, for the ledger.

        Raises:
            WorkError: It failed.
        """
        ...


# Told how many forecasts of a leg there are so far.
OnWalk = Callable[[int], Awaitable[None]]


class Walker(Protocol):
    """Walks legs of back-tests that somebody else asked for."""

    @property
    def build(self) -> str:
        """Whose back-tests it may walk: see `AskedBacktest`."""
        ...

    async def walk(self, backtest_id: str, leg: Leg, *, on_progress: OnWalk) -> Sequence[WalkedForecast]:
        """Makes all forecasts of a leg.

        It neither blocks the event loop nor holds up a forecast. Cancelled, it stops.

        Raises:
            WorkError: It failed.
        """
        ...

    async def close(self) -> None:
        """Frees what it keeps from one leg to the next; it may be asked again."""
        ...
