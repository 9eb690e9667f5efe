"""How near forecasts come to the true chances, which only an invented championship has.

Trained on 300 invented races; forecast are the twenty of the season after them, once the grid is known. The
truth is what a forecaster would say who knows every parameter, this weekend's form included, but no luck.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch

from f1graph.features.build import build_features
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.members import BASELINES, RATING, ULTRA
from f1graph.models.protocol import Estimator
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.sources.invented import championship
from tests.benchmarks.measuring import show

NOW = datetime(2025, 12, 31, tzinfo=UTC)
STAGE = Stage.AFTER_QUALIFYING
RACES_LEARNT = 300
_SEASONS = 16
_TRUE_DRAWS = 10_000
_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class FromTruth:
    """How far a model's chances are from the true ones: means over driver-races of the absolute difference.

    Attributes:
        favourite: The mean difference for the driver with the highest true chance to win; below 0 the model
            is too careful.
    """

    model: str
    races: int
    win: float
    podium: float
    retirement: float
    favourite: float


def from_truth(estimators: Sequence[Estimator], *, seed: int = 1) -> Iterator[FromTruth]:
    made = championship(seed=seed, seasons=_SEASONS, now=NOW)
    facts = made.facts
    history = History.of(
        races=facts.races,
        classifications=facts.classifications,
        circuits=facts.circuits,
        drivers=facts.drivers,
        constructors=facts.constructors,
    )
    examples = ExampleBook(history, build_features).known_by(NOW, STAGE)
    known, ahead = examples[:RACES_LEARNT], examples[RACES_LEARNT:]
    true = [
        made.truth.true_probabilities(one.features.race_id, stage=STAGE, draws=_TRUE_DRAWS) for one in ahead
    ]
    for estimator in estimators:
        fitted = estimator.fit(known, stage=STAGE, seed=1)
        apart: dict[str, list[float]] = {"win": [], "podium": [], "retirement": []}
        favourites = []
        for number, (example, truth) in enumerate(zip(ahead, true, strict=True)):
            predictor = fitted.update(examples[: RACES_LEARNT + number])
            said = predictor.predict(example.features, draws=_DRAWS, seed=number)
            for name, chances in (
                ("win", truth.win),
                ("podium", truth.podium),
                ("retirement", truth.retirement),
            ):
                really = np.array([chances[driver] for driver in said.driver_ids])
                apart[name] += np.abs(getattr(said, name) - really).tolist()
            first = max(truth.win, key=lambda driver: truth.win[driver])
            favourites.append(said.win[said.driver_ids.index(first)] - truth.win[first])
        yield FromTruth(
            model=estimator.name,
            races=len(ahead),
            win=float(np.mean(apart["win"])),
            podium=float(np.mean(apart["podium"])),
            retirement=float(np.mean(apart["retirement"])),
            favourite=float(np.mean(favourites)),
        )


def main() -> None:
    torch.set_num_threads(1)
    show(
        f"{STAGE} of an invented championship, {RACES_LEARNT} races learnt: mean distance to the truth",
        ("model", "races", "win", "podium", "retirement", "favourite's win, mean difference"),
        [
            (
                found.model,
                str(found.races),
                f"{found.win:.4f}",
                f"{found.podium:.4f}",
                f"{found.retirement:.4f}",
                f"{found.favourite:+.3f}",
            )
            for found in from_truth((*BASELINES, RATING, ULTRA))
        ],
    )
