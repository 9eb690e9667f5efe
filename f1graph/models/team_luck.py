"""Teammates share luck: a slow pit crew, a part that breaks in both cars, a set-up that fails on the day.

What happens to one car says something about the other. How much is learnt from past races: from where
teammates ended, against what had been said of each alone. It is brought into the draws by weighing them
anew: of all weights under which every car keeps its own chances, those nearest to what they were
(Deming and Stephan, "On a Least Squares Adjustment of a Sampled Frequency Table When the Expected Marginal
Totals are Known", 1940, with what teammates share as two more things that are known). So no car's own
forecast changes, only how the cars of a team hang together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example, Outcome
from f1graph.models.stacking import HALF_LIFE_YEARS, JudgedRace, Stack

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
# The first and the second car of some pairs, two indices of entries each.
Pairs = tuple[Indices, Indices]

# So many races weigh as much as what the draws have of their own. Retirements are rare and tell less each.
_PRIOR_RACES = np.array([10.0, 40.0])
# Teammates are compared with other cars that were expected to finish this near to each other, in places.
_NEAR = 5.0
_ROUNDS = 12
_OWN_ROUNDS = 4
# A draw may not come to count more than this often.
_MOST = 20.0
_FURTHEST = 3.0
# Nobody is taken to be sure to retire or not to.
_SMALLEST_CHANCE = 0.005


@dataclass(frozen=True, slots=True)
class TeamLuck:
    """How alike the races of teammates have been, against what was said of each alone.

    Attributes:
        apart: How far apart teammates finish, as a share of how far apart other cars finish that were
            expected to be as near to each other; 1 if they share nothing.
        retirement: Correlation of their retirements, given the chance of each.
        races: Of how many races this was learnt, recent ones counting more; with 0 it says nothing.
    """

    apart: float = 1.0
    retirement: float = 0.0
    races: float = 0.0

    def weigh(self, distribution: OutcomeDistribution, weights: Values, teams: Sequence[str]) -> Values:
        """Weights of the draws, summing to 1, under which teammates share what was learnt.

        Under them each car ends in each place, retired or not, as often as under `weights`.

        Args:
            weights: Of the draws, summing to 1.
            teams: Of each entry.
        """
        mates, others = paired(teams)
        if self.races == 0 or len(mates[0]) == 0:
            return weights
        cells = _cells(distribution)
        count = len(teams)
        chances = np.stack([np.bincount(own, weights, minlength=2 * count) for own in cells]).astype(
            np.float64
        )
        classified = chances[:, :count]
        finish = Finish(distribution.positions.T, ~distribution.retired.T, expected_apart(classified))
        together = np.stack(
            [
                finish.apart(mates),
                _products(_surprise(distribution.retired.T, 1 - classified.sum(axis=1)), mates),
            ]
        )  # (2, draws)
        drawn = together @ weights
        usual = finish.usual(mates, others, weights)
        trust = self.races / (self.races + _PRIOR_RACES)
        wanted = trust * [self.apart * usual, self.retirement * len(mates[0])] + (1 - trust) * drawn
        for number in range(_ROUNDS):
            # The last rounds are the cars' own: their chances are to stay what they were.
            if number < _ROUNDS - _OWN_ROUNDS:
                weights = _moved(weights, together, wanted)
            for own, chance in zip(cells, chances, strict=True):
                now = np.bincount(own, weights, minlength=2 * count)
                weights = weights * np.divide(chance, now, out=np.zeros_like(chance), where=now > 0)[own]
            weights = np.minimum(weights / weights.sum(), _MOST / distribution.draws)
            weights = weights / weights.sum()
        return weights


@dataclass(frozen=True, eq=False)
class Told:
    """What was said of a race before it, and how it ended.

    Attributes:
        classified: P(classified in each place). (entries, positions)
        retirement: (entries,)
        teams: Of each entry.
        weight: How much it counts, at most 1.
    """

    classified: Values
    retirement: Values
    teams: Sequence[str]
    outcome: Outcome
    weight: float = 1.0


def learn_team_luck(races: Iterable[Told]) -> TeamLuck:
    """Over all pairs of teammates who started."""
    apart, usual, shared, pairs, counted = 0.0, 0.0, 0.0, 0.0, 0.0
    near = np.zeros(2)
    for race in races:
        outcome, started = race.outcome, race.outcome.positions > 0
        mates, others = paired(race.teams)
        both = started[mates[0]] & started[mates[1]]
        mates = mates[0][both], mates[1][both]
        finish = Finish(
            outcome.positions[:, None], outcome.classified[:, None], expected_apart(race.classified)
        )
        apart += race.weight * finish.apart(mates)[0]
        usual += race.weight * finish.expected(mates)[0]
        others = finish.near(others)
        near += race.weight * np.array([finish.apart(others)[0], finish.expected(others)[0]])
        surprise = _surprise(outcome.retired[:, None], race.retirement)
        shared += race.weight * _products(surprise, mates)[0]
        pairs += race.weight * len(mates[0])
        counted += race.weight * bool(len(mates[0]))
    if min(apart, usual, *near) <= 0:
        return TeamLuck()
    return TeamLuck(float(apart / usual * near[1] / near[0]), float(np.clip(shared / pairs, -1, 1)), counted)


def told_of(stack: Stack, races: Sequence[JudgedRace], examples: Sequence[Example]) -> Iterator[Told]:
    """What the members of an ensemble, stacked, said of the races of its walk.

    Args:
        examples: The same races.
    """
    newest = min((race.age for race in races), default=0.0)
    for race, example in zip(races, examples, strict=True):
        yield Told(
            stack.pooled_classified(race.views),
            stack.pooled_retirement(race.views),
            example.features.constructor_ids,
            race.outcome,
            0.5 ** ((race.age - newest) / HALF_LIFE_YEARS),
        )


@dataclass(frozen=True, eq=False)
class Finish:
    """Some ends of a race.

    Attributes:
        positions: (entries, ends)
        finished: (entries, ends)
        expected_apart: What two cars would be apart if both finished and nothing linked them, in places.
            (entries, entries)
    """

    positions: NDArray[np.integer]
    finished: NDArray[np.bool_]
    expected_apart: Values

    def apart(self, pairs: Pairs) -> Values:
        """Places between the cars of each pair that finished, summed over the pairs. (ends,)"""
        one, other = pairs
        places = np.abs(self.positions[one].astype(np.int16) - self.positions[other])
        return np.asarray((places * self._both(pairs)).sum(axis=0), dtype=np.float64)

    def expected(self, pairs: Pairs) -> Values:
        """The same if nothing linked them. (ends,)"""
        return np.asarray(self.expected_apart[pairs] @ self._both(pairs), dtype=np.float64)

    def near(self, pairs: Pairs) -> Pairs:
        """Those that were expected to finish near to each other."""
        kept = self.expected_apart[pairs] < _NEAR
        return pairs[0][kept], pairs[1][kept]

    def usual(self, mates: Pairs, others: Pairs, weights: Values) -> float:
        """`apart` of teammates, if they were as other cars that are expected to finish near each other."""
        others = self.near(others)
        unlinked = float(self.expected(others) @ weights)
        linked = float(self.apart(others) @ weights) / unlinked if unlinked > 0 else 1.0
        return linked * float(self.expected(mates) @ weights)

    def _both(self, pairs: Pairs) -> NDArray[np.bool_]:
        return self.finished[pairs[0]] & self.finished[pairs[1]]


def expected_apart(classified: Values) -> Values:
    """See `Finish`, from P(classified in each place). (entries, positions) → (entries, entries)"""
    share = classified / np.maximum(classified.sum(axis=1, keepdims=True), 1e-9)
    places = np.arange(classified.shape[1])
    return np.asarray(share @ np.abs(places[:, None] - places) @ share.T, dtype=np.float64)


def paired(teams: Sequence[str]) -> tuple[Pairs, Pairs]:
    """Every two entries of the same team, and every two of different ones."""
    one, other = np.triu_indices(len(teams), 1)
    of_team = np.array(teams)
    same = of_team[one] == of_team[other]
    return (one[same], other[same]), (one[~same], other[~same])


def _cells(distribution: OutcomeDistribution) -> Indices:
    """Where each car ends in each draw: its place from 0, or, retired, as many more as there are cars.
    (entries, draws)"""
    count = len(distribution.driver_ids)
    return (distribution.positions.astype(np.int64) - 1 + count * distribution.retired).T


def _surprise(retired: NDArray[np.bool_], chance: Values) -> Values:
    """In standard deviations. (entries, draws), (entries,) → (entries, draws)"""
    inside = np.clip(chance, _SMALLEST_CHANCE, 1 - _SMALLEST_CHANCE)[:, None]
    return np.asarray((retired - inside) / np.sqrt(inside * (1 - inside)), dtype=np.float64)


def _products(values: Values, pairs: Pairs) -> Values:
    """Summed over the pairs. (entries, draws) → (draws,)"""
    return np.asarray((values[pairs[0]] * values[pairs[1]]).sum(axis=0), dtype=np.float64)


def _moved(weights: Values, together: Values, wanted: Values) -> Values:
    """One step of Newton's method towards weights under which `together` is `wanted` on average."""
    off = together - (together @ weights)[:, None]
    covariance = (off * weights) @ off.T + 1e-9 * np.eye(len(wanted))
    step = np.linalg.solve(covariance, wanted - together @ weights)
    weights = weights * np.exp(np.clip(step @ off, -_FURTHEST, _FURTHEST))
    return np.asarray(weights / weights.sum(), dtype=np.float64)
