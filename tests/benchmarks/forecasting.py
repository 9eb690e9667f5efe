"""Fitting and forecasting: the served model beside the baselines."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

import torch

from f1graph.features.build import build_features
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.members import ESTIMATORS
from f1graph.models.draws import DRAWS
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.sources.invented import championship
from tests.benchmarks.measuring import milliseconds, show

NOW = datetime(2024, 12, 1, tzinfo=UTC)


def main() -> None:
    torch.set_num_threads(1)
    facts = championship(seed=1, seasons=15, now=NOW).facts
    history = History.of(
        races=facts.races,
        classifications=facts.classifications,
        circuits=facts.circuits,
        drivers=facts.drivers,
        constructors=facts.constructors,
    )
    book = ExampleBook(history, build_features)
    started = time.perf_counter()
    examples = book.known_by(NOW, Stage.AFTER_QUALIFYING)
    built = time.perf_counter() - started
    rows = []
    for estimator in ESTIMATORS:
        started = time.perf_counter()
        predictor = estimator.fit(examples, stage=Stage.AFTER_QUALIFYING, seed=1)
        fitted = time.perf_counter() - started
        features = examples[-1].features
        drawn = statistics.median(
            milliseconds(lambda: predictor.predict(features, draws=DRAWS, seed=1), times=20)  # noqa: B023 - called at once
        )
        rows.append((estimator.name, f"{fitted:.2f}", f"{drawn:.0f}"))
    show(
        f"One stage of an invented championship: {len(examples)} races, features built in {built:.1f} s, "
        f"one thread",
        ("model", "fit, s", f"{DRAWS:,} draws of {len(features.driver_ids)} cars, median ms"),
        rows,
    )


if __name__ == "__main__":
    main()
