"""Past races to learn from: each with the features of its own day, and its outcome as known today."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from f1graph.errors import ForecastError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.make import BuildFeatures
from f1graph.models.protocol import CAUSES, Example, Outcome
from f1graph.races.calendar import Race
from f1graph.races.past import History, Past
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.retirement_causes import retirement_cause
from f1graph.races.stages import Stage, stage_window

# Before: pre-qualifying, forty entries, half the field retiring. It teaches little about today.
FIRST_SEASON = 1994


class ExampleBook:
    """Examples of one history, with a memory: a walk asks for the same races before every race.

    Features depend on their own race's cutoff only, so they are built once per race and stage. Outcomes
    are read again, since results are revised.
    """

    def __init__(
        self, history: History, build_features: BuildFeatures, *, first_season: int = FIRST_SEASON
    ) -> None:
        self._history = history
        self._build = build_features
        self._first_season = first_season
        self._features: dict[tuple[str, Stage, datetime], RaceFeatures | None] = {}
        self._examples: dict[tuple[str, Stage], tuple[Classification, Example]] = {}
        self._last_past: Past | None = None
        self._last_known: tuple[datetime, Stage, list[Example]] | None = None

    def past(self, cutoff: datetime) -> Past:
        """What was known at `cutoff`; the last one asked for is kept, since models ask in turn."""
        if self._last_past is None or self._last_past.cutoff != cutoff:
            self._last_past = self._history.as_of(cutoff)
        return self._last_past

    def build_features(self, past: Past, race_id: str, stage: Stage) -> RaceFeatures:
        """The features, from memory where this history was cut there before: give this to `make_forecast`."""
        key = (race_id, stage, past.cutoff)
        known = self._features.get(key)
        if known is None:
            known = self._features[key] = self._build(past, race_id, stage)
        return known

    def known_by(self, cutoff: datetime, stage: Stage) -> list[Example]:
        """The races whose result was known at `cutoff`, by start. The same race gives the same object
        until its result is revised."""
        if self._last_known is None or self._last_known[:2] != (cutoff, stage):
            past = self.past(cutoff)
            found = (
                self._example(past, race, stage)
                for race in past.classified_races()
                if race.season >= self._first_season and not race.is_cancelled
            )
            self._last_known = (cutoff, stage, [example for example in found if example is not None])
        return list(self._last_known[2])

    def _example(self, past: Past, race: Race, stage: Stage) -> Example | None:
        result = past.classification(race.id, ClassificationKind.RACE)
        remembered = self._examples.get((race.id, stage))
        if (
            remembered is not None
            and remembered[0] is result
            and remembered[1].features.cutoff <= past.cutoff
        ):
            return remembered[1]
        cutoff = _cutoff_to_learn_from(race, stage)
        if result is None or cutoff is None or cutoff > past.cutoff:
            return None
        features = self._features_of(race, stage, cutoff)
        if features is None or not features.driver_ids:
            return None
        grid = past.classification(race.id, ClassificationKind.GRID)
        example = Example(features, outcome_of(features.driver_ids, result, grid))
        self._examples[race.id, stage] = (result, example)
        return example

    def _features_of(self, race: Race, stage: Stage, cutoff: datetime) -> RaceFeatures | None:
        key = (race.id, stage, cutoff)
        if key not in self._features:
            try:
                self._features[key] = self._build(self._history.as_of(cutoff), race.id, stage)
            except ForecastError:
                # Nobody recorded the entries before that stage: the race teaches nothing there.
                self._features[key] = None
        return self._features[key]


def _cutoff_to_learn_from(race: Race, stage: Stage) -> datetime | None:
    """The end of the stage. A weekend without a sprint teaches AFTER_SPRINT what it knew before qualifying.

    There are six sprints a year and have been since 2021: alone they are too few, and a rating that saw
    only them would miss every other race.
    """
    window = stage_window(race, stage)
    if window is None and stage is Stage.AFTER_SPRINT:
        window = stage_window(race, Stage.AFTER_PRACTICE)
    return None if window is None else window.closes_at


def outcome_of(
    driver_ids: tuple[str, ...], result: Classification, grid: Classification | None = None
) -> Outcome:
    """How the race ended for `driver_ids`.

    Starters that are not among them are left out, and the others move up.
    """
    index = {driver_id: i for i, driver_id in enumerate(driver_ids)}
    positions = np.zeros(len(driver_ids), dtype=np.int64)
    retired = np.zeros(len(driver_ids), dtype=np.bool_)
    classified = np.zeros(len(driver_ids), dtype=np.bool_)
    starts = np.zeros(len(driver_ids), dtype=np.int64)
    causes = np.full(len(driver_ids), -1, dtype=np.int64)
    starters = [row for row in result.starters() if row.driver_id in index]
    for place, row in enumerate(starters, start=1):
        i = index[row.driver_id]
        positions[i] = place
        retired[i] = row.retired
        classified[i] = row.position is not None
        published = grid.of_driver(row.driver_id) if grid is not None else None
        starts[i] = row.grid_position or (published.grid_position if published is not None else None) or 0
        cause = retirement_cause(row)
        causes[i] = CAUSES.index(cause) if cause in CAUSES else -1
    return Outcome(positions, retired, classified, starts, causes)
