"""A back-test that is left to others, leg by leg: what is asked of them, walking a leg, and putting it all
together as if one had walked it.

A leg's forecasts depend on the facts alone, never on other legs, so the whole is the same to the byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest import (
    Step,
    Walk,
    plan,
    seal_of,
    settings_of,
    walk_steps,
    widest_field,
)
from f1graph.forecasts.backtest_file import (
    BacktestFile,
    Key,
    forecast_rows,
    seal_as_json,
    seal_from_json,
)
from f1graph.forecasts.examples import ExampleBook
from f1graph.forecasts.make import BuildFeatures, this_build
from f1graph.models.protocol import Estimator
from f1graph.races.forecast import ScoredForecast
from f1graph.races.past import History
from f1graph.races.stages import Stage
from f1graph.store.backtests import AskedBacktest, Leg, WalkedForecast

# Asked for what has been walked of some races.
LoadWalked = Callable[[Collection[str]], Mapping[Key, WalkedForecast]]


def build_name() -> str:
    """The same for processes whose numbers are the same to the last bit."""
    return _digest(asdict(this_build()))


def legs_of(steps: Sequence[Step]) -> dict[Leg, list[Step]]:
    """The legs of a plan, in the order in which it comes to them."""
    shared: dict[tuple[int, Stage, datetime], list[Step]] = {}
    for step in steps:
        shared.setdefault((step.race.season, step.stage, step.refit_at), []).append(step)
    return {Leg(*key, forecasts=len(of_leg)): of_leg for key, of_leg in shared.items()}


def to_be_asked(history: History, walk: Walk, out: Path) -> AskedBacktest:
    """The back-test with those legs of which `out` lacks a forecast.

    Raises:
        ForecastError: `out` was made with other settings or by something else.
    """
    settings, steps = settings_of(history, walk), plan(history, walk)
    with BacktestFile.open(out, settings, width=widest_field(history, walk)) as file:
        sealed = set(file.sealed)
    planned = [[*step.key, step.cutoff.isoformat(), step.refit_at.isoformat()] for step in steps]
    return AskedBacktest(
        id=_digest([settings, planned])[:16],
        build=build_name(),
        settings=settings,
        legs=tuple(
            leg for leg, of_leg in legs_of(steps).items() if any(step.key not in sealed for step in of_leg)
        ),
        made_at=walk.made_at,
    )


def walk_of(asked: AskedBacktest, estimators: Sequence[Estimator]) -> Walk:
    """The walk that was asked for, with these models."""
    settings = asked.settings
    return Walk(
        seasons=tuple(settings["seasons"]),
        stages=tuple(Stage(stage) for stage in settings["stages"]),
        estimators=tuple(estimators),
        made_at=asked.made_at,
        refits_per_season=settings["refits_per_season"],
        first_season=settings["first_season"],
        draws=settings["draws"],
    )


class LegWalker:
    """Walks legs of one back-test, one after the other: what they share is worked out once.

    Args:
        history: Must be what was asked about.

    Raises:
        ForecastError: Facts, models or anything else that the numbers depend on has changed since.
    """

    def __init__(
        self, history: History, asked: AskedBacktest, walk: Walk, build_features: BuildFeatures
    ) -> None:
        settings = json.loads(json.dumps(settings_of(history, walk)))
        other = sorted(name for name in settings if settings[name] != asked.settings.get(name))
        if other:
            raise ForecastError(
                f"the back-test {asked.id} cannot be walked any more: {', '.join(other)} changed since it "
                "was asked for. Ask for it again."
            )
        self._history, self._walk = history, walk
        self._width = widest_field(history, walk)
        self._legs = {leg.name: steps for leg, steps in legs_of(plan(history, walk)).items()}
        self._book = ExampleBook(history, build_features, first_season=walk.first_season)

    def walk(self, leg_name: str) -> Iterator[WalkedForecast]:
        """Makes the forecasts of a leg; a race of which nobody recorded who was entered has none.

        Raises:
            ForecastError: There is no such leg, or a model had too few races to learn from.
        """
        if leg_name not in self._legs:
            raise ForecastError(f"the back-test has no leg {leg_name}")
        for step, forecast in walk_steps(self._legs[leg_name], self._walk, self._book):
            yield WalkedForecast(
                race_id=step.race.id,
                stage=step.stage,
                model=step.estimator.name,
                rows=forecast_rows(step.race, forecast, width=self._width),
                seal=json.dumps(seal_as_json(seal_of(self._history, step, forecast))),
            )


def put_legs_together(
    history: History, walk: Walk, *, load: LoadWalked, out: Path
) -> Iterator[ScoredForecast]:
    """Appends to `out` what it lacks, in the order of one walk.

    Yields:
        The scores of every forecast, those that were in `out` first.

    Raises:
        ForecastError: `out` was made with other settings or by something else.
    """
    width = widest_field(history, walk)
    with BacktestFile.open(out, settings_of(history, walk), width=width) as file:
        yield from file.scored()
        for _, of_season in groupby(plan(history, walk), key=lambda step: step.race.season):
            steps = [step for step in of_season if step.key not in file.sealed]
            walked = load({step.race.id for step in steps}) if steps else {}
            for step in steps:
                # A race of which nobody recorded who was entered was not forecast.
                if step.key in walked:
                    one = walked[step.key]
                    seal = seal_from_json(json.loads(one.seal))
                    file.append_rows(one.rows.encode(), seal)
                    yield seal.scored


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
