"""Whether the draws look like races: what was observed beside what was drawn.

What a row per driver holds is read from the CSV; what hangs together within a race (how many cars retire
at once) from the draws' counts in the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1graph.forecasts.report.reading import JudgedForecast
from f1graph.races.intervals import SEED

Floats = NDArray[np.float64]
_SEASONS_DRAWN = 10_000
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Band:
    """The middle 95 % of what as many races would show, if each was drawn once from its own forecast."""

    low: float
    high: float

    def holds(self, observed: float) -> bool:
        return self.low <= observed <= self.high


@dataclass(frozen=True)
class PerRace:
    """A number that each race has: how often it was observed and how often drawn.

    Attributes:
        observed, drawn: The share of races, and of draws of all races, with 0, 1, 2 … (as many each).
        low, high: Of each share, the band of the draws.
        mean, variance: Over the races, the band of the draws.
    """

    races: int
    observed: tuple[float, ...]
    drawn: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: Band
    variance: Band

    @property
    def observed_moments(self) -> tuple[float, float]:
        """Mean and variance."""
        return _moments(np.array(self.observed))

    @property
    def drawn_moments(self) -> tuple[float, float]:
        return _moments(np.array(self.drawn))


def _moments(shares: Floats) -> tuple[float, float]:
    numbers = np.arange(len(shares))
    mean = float(shares @ numbers)
    return mean, float(shares @ (numbers - mean) ** 2)


@dataclass(frozen=True)
class Retirements:
    """How many cars retire in a race.

    Attributes:
        per_race: None where the journal tells nothing of the draws.
        observed_mean, observed_variance: Over the races.
        expected_mean: Of the retirement probabilities of the starters, summed up.
        independent_variance: What it would be if each car retired by itself with its probability.
    """

    model: str
    races: int
    per_race: PerRace | None
    observed_mean: float
    observed_variance: float
    expected_mean: float
    independent_variance: float


def retirements(forecasts: Sequence[JudgedForecast], *, model: str, seed: int = SEED) -> Retirements | None:
    """One model at one stage; None where it forecast nothing."""
    of_model = [each for each in forecasts if each.model == model]
    if not of_model:
        return None
    observed = np.array([int(each.judged.retired.sum()) for each in of_model])
    expected = np.array([each.judged.retirement.sum() for each in of_model])
    alone = np.array([(each.judged.retirement * (1 - each.judged.retirement)).sum() for each in of_model])
    drawn = [each.drawn for each in of_model if each.drawn is not None]
    is_whole = len(drawn) == len(of_model)
    return Retirements(
        model=model,
        races=len(of_model),
        per_race=_per_race(observed.tolist(), [d.retirements for d in drawn], seed) if is_whole else None,
        observed_mean=float(observed.mean()),
        observed_variance=float(observed.var()),
        expected_mean=float(expected.mean()),
        independent_variance=float(alone.mean() + expected.var()),
    )


@dataclass(frozen=True)
class Teammates:
    """What happens to all cars of a team that starts more than one; None where the journal is silent.

    Attributes:
        out: How many teams of a race lose all of them.
        in_points: How many have all in the first ten.
    """

    model: str
    races: int
    out: PerRace | None
    in_points: PerRace | None


def teammates(forecasts: Sequence[JudgedForecast], *, model: str, seed: int = SEED) -> Teammates | None:
    """One model at one stage; None where it forecast nothing."""
    of_model = [each for each in forecasts if each.model == model]
    if not of_model:
        return None
    drawn = [each.drawn for each in of_model if each.drawn is not None]
    told = [each for each in drawn if each.teams_in_points]
    return Teammates(
        model=model,
        races=len(of_model),
        out=_per_race([each.teams_out for each in of_model], [d.teams_out for d in drawn], seed)
        if len(drawn) == len(of_model)
        else None,
        in_points=_per_race(
            [each.teams_in_points for each in of_model], [d.teams_in_points for d in told], seed
        )
        if len(told) == len(of_model)
        else None,
    )


def _per_race(observed: Sequence[int], drawn: Sequence[Sequence[int]], seed: int) -> PerRace:
    width = max(max(observed) + 1, *(len(counts) for counts in drawn))
    shares = np.array([np.pad(counts, (0, width - len(counts))) / sum(counts) for counts in drawn])
    generator = np.random.default_rng(seed)
    # One number per race and resample, from the race's own forecast.
    at = generator.random((2000, len(observed), 1))
    numbers = (at > shares.cumsum(axis=1)[None]).sum(axis=2).clip(max=width - 1)  # (resamples, races)
    many = np.stack([(numbers == number).mean(axis=1) for number in range(width)])  # (numbers, resamples)
    low, high = np.percentile(many, [2.5, 97.5], axis=1)
    seen = np.bincount(observed, minlength=width) / len(observed)
    return PerRace(
        len(observed),
        tuple(seen.tolist()),
        tuple(shares.mean(axis=0).tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
        mean=_band(numbers.mean(axis=1)),
        variance=_band(numbers.var(axis=1)),
    )


def _band(values: Floats) -> Band:
    low, high = np.percentile(values, [2.5, 97.5])
    return Band(float(low), float(high))


@dataclass(frozen=True, slots=True)
class Winners:
    """How many different drivers won in a season.

    Attributes:
        races: Of the season, as far as they were forecast.
        mean, low, high: Of seasons in which each race's winner is drawn from its own forecast: mean and
            middle 95 %. Each forecast knows the races before it, so this is no forecast of the season.
    """

    season: int
    races: int
    observed: int
    mean: float
    low: int
    high: int


def winners(forecasts: Sequence[JudgedForecast], *, model: str, seed: int = SEED) -> list[Winners]:
    """One model at one stage, season by season."""
    of_model = [each for each in forecasts if each.model == model and each.judged.winners == 1]
    found: list[Winners] = []
    for season in sorted({each.season for each in of_model}):
        races = [each for each in of_model if each.season == season]
        drivers = sorted({driver for each in races for driver in each.judged.driver_ids})
        generator = np.random.default_rng([seed, season])
        has_won = np.zeros((_SEASONS_DRAWN, len(drivers)), dtype=np.bool_)
        for each in races:
            seats = np.array([drivers.index(driver) for driver in each.judged.driver_ids])
            won = generator.choice(seats, size=_SEASONS_DRAWN, p=each.judged.win)
            has_won[np.arange(_SEASONS_DRAWN), won] = True
        drawn = has_won.sum(axis=1)
        low, high = np.percentile(drawn, [2.5, 97.5], method="inverted_cdf")
        found.append(
            Winners(
                season=season,
                races=len(races),
                # An unforecast winner is one more.
                observed=len({_winner(each) for each in races}),
                mean=float(drawn.mean()),
                low=int(low),
                high=int(high),
            )
        )
    return found


def _winner(forecast: JudgedForecast) -> str:
    judged = forecast.judged
    named = [driver for driver, won in zip(judged.driver_ids, judged.won, strict=True) if won]
    return named[0] if named else f"unforecast in {forecast.race_id}"


@dataclass(frozen=True)
class Gains:
    """Places gained from the grid to the finish, of all starters with a place on the grid.

    Attributes:
        gains: From the greatest loss to the greatest gain, without holes.
        observed, drawn: The share of driver-races with each.
        observed_spread, drawn_spread: Standard deviation, in places.
        spread: The band of the draws, as if no car was in another's way.
    """

    model: str
    count: int
    gains: tuple[int, ...]
    observed: tuple[float, ...]
    drawn: tuple[float, ...]
    observed_spread: float
    drawn_spread: float
    spread: Band

    def far(self, places: int = 5) -> tuple[float, float]:
        """The share, observed and drawn, that ends at least `places` from its place on the grid."""
        away = np.abs(self.gains) >= places
        return float(np.array(self.observed)[away].sum()), float(np.array(self.drawn)[away].sum())


def positions_gained(forecasts: Sequence[JudgedForecast], *, model: str, seed: int = SEED) -> Gains | None:
    """One model at one stage; None where no place on the grid is known.

    Places on the grid are counted among the starters with one, as positions are among the starters.
    """
    of_model = [each for each in forecasts if each.model == model]
    widest = max((len(each.grid) for each in of_model), default=0)
    observed, drawn = np.zeros(2 * widest + 1), np.zeros(2 * widest + 1)
    generator = np.random.default_rng(seed)
    simulated: list[NDArray[np.int64]] = []  # each (resamples, starters)
    for each in of_model:
        there = np.flatnonzero(each.grid)
        # Who did not start leaves no gap, and who starts from the pit lane is behind.
        starts = 1 + np.argsort(np.argsort(each.grid[there]))
        np.add.at(observed, widest + starts - each.judged.positions[there], 1)
        probabilities = each.judged.position_probabilities[there]
        places = np.arange(1, probabilities.shape[1] + 1)
        np.add.at(drawn, widest + starts[:, None] - places[None], probabilities)
        at = generator.random((_RESAMPLES, len(there), 1))
        simulated.append(starts - 1 - (at > probabilities.cumsum(axis=1)).sum(axis=2))
    if not observed.any():
        return None
    kept = np.flatnonzero((observed > 0) | (drawn > 0))
    span = slice(int(kept[0]), int(kept[-1]) + 1)
    gains = np.arange(-widest, widest + 1)[span]
    seen, said = observed[span] / observed.sum(), drawn[span] / drawn.sum()
    return Gains(
        model=model,
        count=int(observed.sum()),
        gains=tuple(gains.tolist()),
        observed=tuple(seen.tolist()),
        drawn=tuple(said.tolist()),
        observed_spread=_spread(gains, seen),
        drawn_spread=_spread(gains, said),
        spread=_band(np.concatenate(simulated, axis=1).std(axis=1)),
    )


def _spread(values: NDArray[np.int64], shares: Floats) -> float:
    mean = shares @ values
    return float(np.sqrt(shares @ (values - mean) ** 2))
