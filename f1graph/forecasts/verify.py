"""Makes a stored forecast again from its receipt and compares.

The explanation is left out: it is read off the same inputs and bundle, which are compared, and nothing is
judged by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from f1graph.errors import ForecastError
from f1graph.forecasts.asking import TrainedModel
from f1graph.forecasts.make import Build, BuildFeatures, make_forecast, this_build
from f1graph.races.forecast import EntryForecast, Forecast, Receipt
from f1graph.races.past import History

# Between machines the last bits differ, and with them a draw here and there.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Verification:
    """What came of making a forecast again.

    Attributes:
        same_machine: Same kind of machine and same libraries, so that the draws must be equal to the bit.
        identical: The draws are.
        largest_difference: Of any probability; None if it could not be made again.
        differences: What does not agree, in words; empty when it verifies.
    """

    forecast_id: str
    same_machine: bool
    identical: bool
    largest_difference: float | None
    differences: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.differences


def verify_forecast(
    forecast: Forecast,
    history: History,
    *,
    models: Sequence[TrainedModel],
    build_features: BuildFeatures,
    build: Build | None = None,
) -> Verification:
    """Makes `forecast` again from what `history` says was known at its cutoff, and compares.

    Args:
        models: Among them the one that made it, restored from the bundle that its receipt names.
    """
    build = build or this_build()
    receipt = forecast.receipt
    same_machine = (receipt.machine, receipt.libraries) == (build.machine, build.libraries)
    try:
        again = _make_again(forecast, history, _model_of(forecast, models), build_features, build)
    except ForecastError as error:
        return Verification(forecast.id, same_machine, False, None, (str(error),))
    identical = again.draws == forecast.draws
    largest = _largest_difference(forecast, again)
    return Verification(
        forecast_id=forecast.id,
        same_machine=same_machine,
        identical=identical,
        largest_difference=largest,
        differences=(
            *_receipt_differences(receipt, again.receipt),
            *_content_differences(forecast, again, same_machine=same_machine, largest=largest),
        ),
    )


def _model_of(forecast: Forecast, models: Sequence[TrainedModel]) -> TrainedModel:
    checksum = forecast.receipt.bundle_checksum
    for model in models:
        if (model.name, model.version, model.bundle_checksum) == (
            forecast.model,
            forecast.model_version,
            checksum,
        ):
            return model
    bundle = f"bundle {checksum[:12]}" if checksum is not None else "no bundle"
    raise ForecastError(
        f"{forecast.model} {forecast.model_version} ({bundle}), which made it, is not among the models given."
    )


def _make_again(
    forecast: Forecast,
    history: History,
    model: TrainedModel,
    build_features: BuildFeatures,
    build: Build,
) -> Forecast:
    past = history.as_of(forecast.cutoff)
    race = next((race for race in past.races if race.id == forecast.race_id), None)
    if race is None:
        raise ForecastError(f"{forecast.race_id} is not in the calendar any more.")
    return make_forecast(
        past,
        race,
        stage=forecast.stage,
        model=model,
        made_at=forecast.made_at,
        build_features=build_features,
        seed=forecast.receipt.seed,
        draws=forecast.receipt.draws,
        build=build,
    )


def _receipt_differences(stored: Receipt, again: Receipt) -> list[str]:
    if stored.inputs_fingerprint == again.inputs_fingerprint:
        return []
    return [
        f"the inputs are not the same: {stored.inputs_fingerprint[:12]} then, "
        f"{again.inputs_fingerprint[:12]} now (code {stored.code_version} then, {again.code_version} now)"
    ]


def _content_differences(
    stored: Forecast, again: Forecast, *, same_machine: bool, largest: float | None
) -> list[str]:
    if stored.draws == again.draws and largest is not None:
        allowed = 0 if same_machine else TOLERANCE
        return [] if largest <= allowed else ["the stored numbers are not those of the stored draws"]
    if largest is None:
        return [f"the entries are not the same: {stored.driver_ids} then, {again.driver_ids} now"]
    if same_machine:
        return [f"the draws differ on the same kind of machine (probabilities by up to {largest:.2g})"]
    if largest > TOLERANCE:
        return [f"probabilities differ by up to {largest:.2g}, more than {TOLERANCE} between machines"]
    return []


def _largest_difference(stored: Forecast, again: Forecast) -> float | None:
    if stored.driver_ids != again.driver_ids:
        return None
    return float(np.abs(_numbers(stored) - _numbers(again)).max())


def _numbers(forecast: Forecast) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([_probabilities(entry) for entry in forecast.entries])


def _probabilities(entry: EntryForecast) -> list[float]:
    told = (entry.mechanical, entry.accident, entry.other, entry.confidence)
    return [
        *(entry.win, entry.podium, entry.points, entry.retirement),
        # What is not told differs from whatever may be told.
        *(-1.0 if probability is None else probability for probability in told),
        *entry.position_probabilities,
    ]
