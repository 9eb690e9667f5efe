"""Driver and car strengths that drift, learned from one finishing order after another.

A race's order is Plackett–Luce (Plackett, "The Analysis of Permutations", 1975) in the sum of the driver's
and the car's strength. The strengths are jointly Gaussian; each race moves them by Laplace's approximation,
as Glickman and Hennessy do for multi-competitor sports ("A stochastic rank ordered logit model for rating
multi-competitor games and sports", 2015). In between they walk at random: a little from race to race, more
from season to season, and cars most of all into a season of new technical regulations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

# Seasons in which cars were built to substantially new technical regulations.
REGULATION_CHANGES = frozenset({2009, 2014, 2017, 2022, 2026})
_NEWTON_STEPS = 4
_FEWEST_FINISHERS = 3


@dataclass(frozen=True, slots=True)
class Drift:
    """How strengths move, in units of Plackett–Luce utility; variances per race or per season.

    Attributes:
        race_weight: How much one finishing order counts; below 1 because cars held up in traffic or by one
            safety car are not independent evidence.
        car_kept, car_kept_at_change: Share of a car's lead over the average that survives a winter.
    """

    driver_prior_mean: float = -0.3
    driver_prior_variance: float = 0.4
    driver_per_race: float = 0.004
    driver_per_season: float = 0.03
    car_prior_mean: float = -0.4
    car_prior_variance: float = 1.0
    car_per_race: float = 0.02
    car_per_season: float = 0.15
    car_at_change: float = 0.6
    car_kept: float = 0.9
    car_kept_at_change: float = 0.6
    race_weight: float = 0.6


@dataclass(frozen=True, eq=False)
class Strengths:
    """Strengths of entries before a race.

    Attributes:
        driver, car: Means. (entries,)
        deviation: Standard deviation of their sum. (entries,)
    """

    driver: Vector
    car: Vector
    deviation: Vector

    @property
    def total(self) -> Vector:
        return self.driver + self.car


class StrengthFilter:
    """The joint Gaussian over everybody who has raced so far.

    `copy` before changing one that others hold: `begin_season` and `learn` change it in place.

    Attributes:
        drivers, cars: Index of each driver and car (by team lineage) in `mean` and `covariance`.
    """

    def __init__(self, drift: Drift | None = None) -> None:
        self.drift = drift or Drift()
        self.season: int | None = None
        self.drivers: dict[str, int] = {}
        self.cars: dict[str, int] = {}
        self.mean: Vector = np.zeros(0)
        self.covariance: Matrix = np.zeros((0, 0))

    def copy(self) -> StrengthFilter:
        other = StrengthFilter(self.drift)
        other.season = self.season
        other.drivers, other.cars = dict(self.drivers), dict(self.cars)
        other.mean, other.covariance = self.mean.copy(), self.covariance.copy()
        return other

    def begin_season(self, season: int) -> None:
        """Moves the strengths over every winter up to `season`."""
        first = season if self.season is None else self.season
        for winter in range(first, season):
            self._pass_winter(into=winter + 1)
        self.season = max(season, first)

    def before(self, driver_ids: Sequence[str], lineage_ids: Sequence[str]) -> Strengths:
        """What is believed of these entries now; newcomers are met with the prior."""
        drivers, cars = self._indices(driver_ids, lineage_ids)
        variance = (
            self.covariance[drivers, drivers]
            + self.covariance[cars, cars]
            + 2 * self.covariance[drivers, cars]
        )
        return Strengths(self.mean[drivers], self.mean[cars], np.sqrt(variance))

    def doubt(self, driver_ids: Sequence[str], lineage_ids: Sequence[str]) -> float:
        """Mean variance of what entries may be from what is believed of them, against the field's mean."""
        covariance = self._covariance_of(*self._indices(driver_ids, lineage_ids))
        return float((np.trace(covariance) - covariance.mean(axis=0).sum()) / len(covariance))

    def possible(
        self,
        driver_ids: Sequence[str],
        lineage_ids: Sequence[str],
        *,
        pairs: int,
        generator: np.random.Generator,
    ) -> Matrix:
        """How far each entry may really be from what is believed of it, drawn from the joint belief.

        Teammates share what is not known of their car. Against the field's mean, because an order knows no
        other; each draw is followed by its opposite, so that on average nobody is moved. (2·pairs, entries)
        """
        values, vectors = np.linalg.eigh(self._covariance_of(*self._indices(driver_ids, lineage_ids)))
        drawn = generator.standard_normal((pairs, len(values)))
        moved = drawn @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        moved -= moved.mean(axis=1, keepdims=True)
        return np.stack([moved, -moved], axis=1).reshape(2 * pairs, len(values))

    def learn(self, driver_ids: Sequence[str], lineage_ids: Sequence[str]) -> None:
        """Takes in one finishing order: the classified entries, the winner first."""
        drivers, cars = self._indices(driver_ids, lineage_ids)
        self._drift_over_a_race(drivers, cars)
        if len(drivers) < _FEWEST_FINISHERS:
            return
        # With A the (entries, strengths) matrix that adds driver and car: P Aᵀ and A P Aᵀ.
        to_entries = self.covariance[:, drivers] + self.covariance[:, cars]
        between = to_entries[drivers] + to_entries[cars]
        prior = self.mean[drivers] + self.mean[cars]
        utility = prior
        identity = np.eye(len(prior))
        for _ in range(_NEWTON_STEPS):
            gradient, information = _order_likelihood(utility)
            gradient, information = gradient * self.drift.race_weight, information * self.drift.race_weight
            step = np.linalg.solve(
                identity + information @ between, gradient + information @ (utility - prior)
            )
            utility = prior + between @ step
        gain = np.linalg.solve(identity + information @ between, information)
        self.mean = self.mean + to_entries @ step
        covariance = self.covariance - to_entries @ gain @ to_entries.T
        self.covariance = (covariance + covariance.T) / 2

    def _covariance_of(self, drivers: Places, cars: Places) -> Matrix:
        """Of the sums of driver and car. (entries, entries)"""
        to_entries = self.covariance[:, drivers] + self.covariance[:, cars]
        return to_entries[drivers] + to_entries[cars]

    def _indices(self, driver_ids: Sequence[str], lineage_ids: Sequence[str]) -> tuple[Places, Places]:
        drift = self.drift
        drivers = [
            self._index(self.drivers, id_, drift.driver_prior_mean, drift.driver_prior_variance)
            for id_ in driver_ids
        ]
        cars = [
            self._index(self.cars, id_, drift.car_prior_mean, drift.car_prior_variance) for id_ in lineage_ids
        ]
        return np.array(drivers, dtype=np.int64), np.array(cars, dtype=np.int64)

    def _index(self, known: dict[str, int], id_: str, mean: float, variance: float) -> int:
        if id_ not in known:
            size = len(self.mean)
            known[id_] = size
            self.mean = np.append(self.mean, mean)
            self.covariance = np.pad(self.covariance, (0, 1))
            self.covariance[size, size] = variance
        return known[id_]

    def _drift_over_a_race(self, drivers: Places, cars: Places) -> None:
        diagonal = np.einsum("ii->i", self.covariance)
        diagonal[np.unique(drivers)] += self.drift.driver_per_race
        diagonal[np.unique(cars)] += self.drift.car_per_race

    def _pass_winter(self, *, into: int) -> None:
        drift, changed = self.drift, into in REGULATION_CHANGES
        drivers, cars = list(self.drivers.values()), list(self.cars.values())
        kept = np.ones(len(self.mean))
        kept[cars] = drift.car_kept_at_change if changed else drift.car_kept
        self.mean = self.mean * kept
        self.covariance = self.covariance * kept[:, None] * kept[None, :]
        diagonal = np.einsum("ii->i", self.covariance)
        diagonal[drivers] += drift.driver_per_season
        diagonal[cars] += drift.car_at_change if changed else drift.car_per_season


def _order_likelihood(utility: Vector) -> tuple[Vector, Matrix]:
    """Gradient and negative Hessian of the Plackett–Luce log likelihood of entries in finishing order."""
    entries = len(utility)
    worth = np.exp(utility - utility.max())
    still_to_finish = np.cumsum(worth[::-1])[::-1]
    # (places, entries): who takes each place, given who is left; the last place is no choice.
    chance = np.triu(worth[None, :] / still_to_finish[:, None])[:-1]
    gradient = np.append(np.ones(entries - 1), 0.0) - chance.sum(axis=0)
    return gradient, np.diag(chance.sum(axis=0)) - chance.T @ chance
