"""How much to trust each member, learnt from what they said of past races before those were run.

A linear pool (Stone, "The Opinion Pool", 1961): the ensemble's draws are the members' draws in some
proportion. The proportions are the most likely ones given how past races ended, found by expectation
maximisation and held near equal shares by a prior, because fitted weights of good members hardly beat equal
ones. The winner has proportions of his own: what tells who wins is not what tells who is eleventh. Anchors,
tables that know less but never rule anything out, have a word on the winner only: in the order every share
of theirs costs. Recent races count more, so that a change of regulations is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.models.protocol import Outcome
from f1graph.models.scaling import log_odds_of

Values = NDArray[np.float64]

# Chosen on the seasons up to 2018.
HALF_LIFE_YEARS = 4.0
_ORDER_PRIOR_RACES = 40.0
_WINNER_PRIOR_RACES = 40.0
# The prior share of all anchors together in the word on who wins.
_ANCHORS_SHARE = 0.1
_STEPS = 200
_FLOOR = 1e-4
_POWERS = np.linspace(0.8, 1.4, 25)
_POWER_PRIOR = 0.1
_LOGISTIC_STEPS = 25
_LOGISTIC_PRIOR = 0.002


@dataclass(frozen=True, eq=False)
class View:
    """What one component said of one race.

    Attributes:
        positions: (entries, positions)
        win: P(classified first). (entries,)
        retirement: (entries,)
        classified: P(classified in each place), (entries, positions); None where nobody asks what hangs
            together.
    """

    positions: Values
    win: Values
    retirement: Values
    classified: Values | None = None


@dataclass(frozen=True, eq=False)
class JudgedRace:
    """A past race: what every component had said, and what happened.

    Attributes:
        age: Years before the newest race.
    """

    views: Mapping[str, View]
    outcome: Outcome
    age: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """A correction of probabilities: log odds times `slope` plus `shift`."""

    slope: float = 1.0
    shift: float = 0.0

    def apply(self, probabilities: Values) -> Values:
        return 1.0 / (1.0 + np.exp(-(self.shift + self.slope * log_odds_of(probabilities, smallest=_FLOOR))))


@dataclass(frozen=True)
class Stack:
    """What was learnt.

    Attributes:
        order: Share of each member's draws, summing to 1.
        winner: Share of each component's word on who wins, summing to 1.
        winner_power: The pooled chances to win are raised to it and made to sum to 1 again: above 1
            sharpens, because a pool of calibrated members is too flat.
        retirement: Correction of the pooled chance to retire.
        races: From how many races it was learnt; with none, everything is the prior.
    """

    order: Mapping[str, float]
    winner: Mapping[str, float]
    winner_power: float
    retirement: Logistic
    races: int

    def without(self, missing: Sequence[str]) -> Stack:
        """The same with the shares of the others grown in proportion."""
        return Stack(
            _normalised({name: share for name, share in self.order.items() if name not in missing}),
            _normalised({name: share for name, share in self.winner.items() if name not in missing}),
            self.winner_power,
            self.retirement,
            self.races,
        )

    def pooled_win(self, views: Mapping[str, View]) -> Values:
        """Of all entries, along the last axis."""
        pool = sum(share * np.maximum(views[name].win, _FLOOR / 10) for name, share in self.winner.items())
        sharpened = np.asarray(pool, dtype=np.float64) ** self.winner_power
        return np.asarray(sharpened / sharpened.sum(axis=-1, keepdims=True), dtype=np.float64)

    def pooled_classified(self, views: Mapping[str, View]) -> Values:
        """Before the winner's and the retirements' corrections. (entries, positions)

        Raises:
            ValueError: A view does not tell.
        """
        told = [(share, views[name].classified) for name, share in self.order.items()]
        known = [share * classified for share, classified in told if classified is not None]
        if len(known) < len(told):
            raise ValueError(f"not all of {', '.join(self.order)} tell who is classified where")
        return np.asarray(sum(known), dtype=np.float64)

    def pooled_retirement(self, views: Mapping[str, View]) -> Values:
        pool = sum(share * views[name].retirement for name, share in self.order.items())
        return self.retirement.apply(np.asarray(pool, dtype=np.float64))


def learn_stack(races: Sequence[JudgedRace], *, members: Sequence[str], anchors: Sequence[str]) -> Stack:
    """The most likely proportions, given the prior and how the races ended."""
    alike = dict.fromkeys(members, 1 / len(members))
    anchored = {name: (1 - _ANCHORS_SHARE * bool(anchors)) * share for name, share in alike.items()}
    anchored |= {name: _ANCHORS_SHARE / len(anchors) for name in anchors}
    if not races:
        return Stack(alike, anchored, 1.0, Logistic(), 0)
    ages = np.array([race.age for race in races])
    # Counted from the newest of these races, so that later ones, merely by being there, change nothing.
    weight = 0.5 ** ((ages - ages.min()) / HALF_LIFE_YEARS)
    order_chance = [_chance_of_positions(race, members) for race in races]
    order = _most_likely(
        np.concatenate(order_chance),
        # A race is one piece of evidence, whatever the size of its field.
        np.concatenate(
            [np.full(len(one), w / len(one)) for one, w in zip(order_chance, weight, strict=True)]
        ),
        np.array(list(alike.values())),
        _ORDER_PRIOR_RACES,
    )
    won = [
        (chance, w)
        for race, w in zip(races, weight, strict=True)
        for chance in _chance_of_winner(race, list(anchored))
    ]
    chance, counted = np.array([one for one, _ in won]), np.array([w for _, w in won])
    winner = _most_likely(chance, counted, np.array(list(anchored.values())), _WINNER_PRIOR_RACES)
    stack = Stack(
        dict(zip(members, order.tolist(), strict=True)),
        dict(zip(anchored, winner.tolist(), strict=True)),
        1.0,
        Logistic(),
        len(races),
    )
    return Stack(
        stack.order,
        stack.winner,
        _power(stack, races, weight),
        fit_logistic(
            np.concatenate([stack.pooled_retirement(race.views)[_started(race)] for race in races]),
            np.concatenate([race.outcome.retired[_started(race)] for race in races]),
            np.concatenate([np.full(_started(race).sum(), w) for race, w in zip(races, weight, strict=True)]),
        ),
        len(races),
    )


def fit_logistic(probabilities: Values, happened: NDArray[np.bool_], weight: Values) -> Logistic:
    """Newton's method on the log loss, held near no correction at all."""
    log_odds = log_odds_of(probabilities, smallest=_FLOOR)
    design = np.stack([log_odds, np.ones_like(log_odds)], axis=1)
    nothing = np.array([1.0, 0.0])
    found, prior = nothing.copy(), _LOGISTIC_PRIOR * weight.sum()
    for _ in range(_LOGISTIC_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(design @ found)))
        gradient = design.T @ (weight * (chance - happened)) + prior * (found - nothing)
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + prior * np.eye(2)
        found = found - np.linalg.solve(curvature, gradient)
    return Logistic(float(found[0]), float(found[1]))


def _most_likely(chance: Values, weight: Values, prior: Values, prior_races: float) -> Values:
    """Shares of a mixture: chance of each thing that happened (things, components), and its weight."""
    shares = prior.copy()
    for _ in range(_STEPS):
        responsible = shares * np.maximum(chance, 1e-9)
        responsible /= responsible.sum(axis=1, keepdims=True)
        shares = (weight[:, None] * responsible).sum(axis=0) + prior_races * prior
        shares /= shares.sum()
    return shares


def _power(stack: Stack, races: Sequence[JudgedRace], weight: Values) -> float:
    logs, winners, counted = [], [], []
    for race, w in zip(races, weight, strict=True):
        winner = _winner(race)
        if winner is not None:
            logs.append(np.log(np.maximum(stack.pooled_win(race.views), _FLOOR)))
            winners.append(winner)
            counted.append(w)

    def loss(power: float) -> float:
        chances = [
            power * log[winner] - np.logaddexp.reduce(power * log)
            for log, winner in zip(logs, winners, strict=True)
        ]
        held = (power - 1) ** 2 / (2 * _POWER_PRIOR**2)
        return float(held - np.dot(counted, chances))

    return float(min(_POWERS, key=loss))


def _chance_of_positions(race: JudgedRace, names: Sequence[str]) -> Values:
    """What each component gave to the position where each starter ended. (starters, components)"""
    started = np.flatnonzero(_started(race))
    place = race.outcome.positions[started] - 1
    return np.stack([race.views[name].positions[started, place] for name in names], axis=1)


def _chance_of_winner(race: JudgedRace, names: Sequence[str]) -> list[Values]:
    winner = _winner(race)
    return [] if winner is None else [np.array([race.views[name].win[winner] for name in names])]


def _winner(race: JudgedRace) -> int | None:
    first = np.flatnonzero((race.outcome.positions == 1) & race.outcome.classified)
    return int(first[0]) if len(first) else None


def _started(race: JudgedRace) -> NDArray[np.bool_]:
    return race.outcome.positions > 0


def _normalised(shares: Mapping[str, float]) -> dict[str, float]:
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}
