"""Past races to learn from: features at each race's own cutoff, and how the race ended as known now."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from f1graph.errors import ForecastError
from f1graph.features.build import build_features
from f1graph.features.race_features import RaceFeatures
from f1graph.models.protocol import Example, Outcome
from f1graph.races.calendar import Race
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.stages import Stage, stage_window


def learning_cutoff(race: Race, stage: Stage) -> datetime:
    """The last moment of `stage` on that weekend.

    There are too few sprints to learn from them alone: a weekend without one teaches AFTER_SPRINT what was
    known after its practice, with the sprint's columns unknown.
    """
    window = stage_window(race, stage) or stage_window(race, Stage.AFTER_PRACTICE)
    assert window is not None, "every weekend has the moment after practice"
    return window.closes_at


def outcome_of(features: RaceFeatures, result: Classification) -> Outcome:
    """How the race ended for the entries of `features`; who is not in the result did not start."""
    index = {driver: position for position, driver in enumerate(features.driver_ids)}
    entries = len(index)
    positions = np.zeros(entries, dtype=np.int64)
    retired = np.zeros(entries, dtype=np.bool_)
    classified = np.zeros(entries, dtype=np.bool_)
    grid = np.zeros(entries, dtype=np.int64)
    starters = [row for row in result.starters() if row.driver_id in index]
    for place, row in enumerate(starters, start=1):
        entry = index[row.driver_id]
        positions[entry] = place
        retired[entry] = row.retired
        classified[entry] = row.position is not None
        grid[entry] = row.grid_position or 0
    return Outcome(positions, retired, classified, grid)


class ExampleBook:
    """The examples of a history at one stage, each race's features built once.

    Features depend on nothing but the facts up to the race's own cutoff, so they never change while the
    history stays the same; outcomes are read anew for every cutoff, because results are revised.
    """

    def __init__(self, history: History, stage: Stage, *, first_season: int = 1995) -> None:
        self.stage = stage
        self._history = history
        self._first_season = first_season
        self._features: dict[str, RaceFeatures | None] = {}

    def features(self, race: Race) -> RaceFeatures | None:
        """At the race's own cutoff; None if nobody was known to be entered then."""
        if race.id not in self._features:
            past = self._history.as_of(learning_cutoff(race, self.stage))
            try:
                self._features[race.id] = build_features(past, race.id, self.stage)
            except ForecastError:
                self._features[race.id] = None
        return self._features[race.id]

    def known_at(self, cutoff: datetime) -> tuple[Example, ...]:
        """The races whose result was known at `cutoff`, oldest first."""
        past = self._history.as_of(cutoff)
        examples = []
        for race in past.classified_races():
            if race.season < self._first_season:
                continue
            features = self.features(race)
            result = past.classification(race.id, ClassificationKind.RACE)
            if features is not None and result is not None:
                examples.append(Example(features, outcome_of(features, result)))
        return tuple(examples)
