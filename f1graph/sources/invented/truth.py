"""The true parameters behind an invented championship, and the probabilities that follow from them.

A model never sees this: it is what tests and benches compare a model with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from f1graph.errors import UnknownError
from f1graph.races.calendar import Race
from f1graph.races.entries import Entry
from f1graph.races.stages import Stage
from f1graph.sources.invented import racing
from f1graph.sources.invented.calendar import CircuitTruth
from f1graph.sources.invented.randomness import Stream, generator
from f1graph.sources.invented.seasons import Floats, SeasonTruth


@dataclass(frozen=True)
class RaceTruth:
    """One Grand Prix as only its inventor knows it, past or still ahead; arrays are by entry.

    Attributes:
        skill, car_pace: Seconds per lap; their sum is `field.pace`.
        form: Seconds per lap on top this weekend, for car and driver: what practice lets one guess.
        qualifying: What happened, or will.
        grid: With penalties and pit-lane starts, as raced or to be raced.
    """

    race: Race
    circuit: CircuitTruth
    entries: tuple[Entry, ...]
    skill: Floats
    car_pace: Floats
    field: racing.Field
    form: Floats
    qualifying: racing.QualifyingDraws
    qualifying_is_wet: bool
    grid: racing.GridDraws


@dataclass(frozen=True)
class TrueProbabilities:
    """What really was to be expected of a race, by driver id, estimated from `draws` draws.

    Attributes:
        retirement: Of starting and not being classified; a car that stops in the last tenth is.
    """

    race_id: str
    stage: Stage
    draws: int
    win: Mapping[str, float]
    podium: Mapping[str, float]
    points: Mapping[str, float]
    retirement: Mapping[str, float]


@dataclass(frozen=True)
class Truth:
    """The parameters of every season, and those of every race on demand.

    Attributes:
        seasons: By year, from the first season of the facts to the last with a calendar.
        races: By id, those of the facts, the coming ones too.
        circuits: By circuit id.
    """

    seed: int
    seasons: Mapping[int, SeasonTruth]
    races: Mapping[str, Race]
    circuits: Mapping[str, CircuitTruth]

    def race(self, race_id: str) -> RaceTruth:
        """
        Raises:
            UnknownError: The facts have no such race.
        """
        race = self.races.get(race_id)
        if race is None:
            raise UnknownError(f"the invented championship has no race {race_id!r}")
        return race_truth(
            self.seed, race, season=self.seasons[race.season], circuit=self.circuits[race.circuit_id]
        )

    def true_probabilities(
        self, race_id: str, *, stage: Stage = Stage.AFTER_QUALIFYING, draws: int = 10_000
    ) -> TrueProbabilities:
        """What a forecaster at `stage` would say who knows every parameter, but no weather and no luck.

        Before the weekend its form is unknown too. AFTER_PRACTICE and AFTER_SPRINT take the form as known
        exactly, which is more than a practice can tell. The first three places are those of the published
        order; who does not start comes last.

        Raises:
            UnknownError: The facts have no such race.
        """
        truth = self.race(race_id)
        race, field = truth.race, truth.field
        rng = generator(self.seed, Stream.TRUE_PROBABILITIES, race.season, race.round)
        form = np.broadcast_to(truth.form, (draws, field.size))
        if stage is Stage.BEFORE_WEEKEND:
            form = racing.draw_form(rng, field.size, draws)
        slot = np.broadcast_to(truth.grid.slot, (draws, field.size))
        if stage is not Stage.AFTER_QUALIFYING:
            qualifying = racing.draw_qualifying(rng, field, form, racing.draw_wet(rng, field, draws))
            slot = racing.draw_grid(rng, qualifying.rank).slot
        ends = racing.draw_race(rng, field, form, slot, racing.draw_wet(rng, field, draws))
        return TrueProbabilities(
            race_id=race_id,
            stage=stage,
            draws=draws,
            win=_by_driver(truth, _shares_in_top(ends, 1)),
            podium=_by_driver(truth, _shares_in_top(ends, 3)),
            points=_by_driver(truth, _shares_in_top(ends, 10)),
            retirement=_by_driver(truth, ends.is_retired(truth.circuit.laps).mean(axis=0)),
        )


def _shares_in_top(ends: racing.RaceDraws, places: int) -> Floats:
    draws, entries = ends.order.shape
    counts = np.bincount(ends.order[:, :places].ravel(), minlength=entries)
    return np.asarray(counts / draws)


def _by_driver(truth: RaceTruth, values: Floats) -> dict[str, float]:
    return {entry.driver_id: value for entry, value in zip(truth.entries, values.tolist(), strict=True)}


def race_truth(seed: int, race: Race, *, season: SeasonTruth, circuit: CircuitTruth) -> RaceTruth:
    """Everything about a race up to its start; the same whenever asked."""
    index = race.round - 1
    skill, car_pace = season.skill[index], np.repeat(season.car_pace[index], 2)
    drivers = [season.drivers[driver_id] for driver_id in season.lineup[index]]
    field = racing.Field(
        pace=skill + car_pace,
        wet_skill=np.array([driver.wet_skill for driver in drivers]),
        breakdown_risk=np.repeat(season.breakdown_risk, 2),
        accident_risk=np.array([driver.error_risk for driver in drivers]) * circuit.attrition,
        place_cost=circuit.place_cost,
        wet_chance=circuit.wet_chance,
    )
    form = racing.draw_form(generator(seed, Stream.FORM, race.season, race.round), field.size, 1)
    rng = generator(seed, Stream.QUALIFYING, race.season, race.round)
    wet = racing.draw_wet(rng, field, 1)
    qualifying = racing.draw_qualifying(rng, field, form, wet)
    return RaceTruth(
        race=race,
        circuit=circuit,
        entries=tuple(
            Entry(
                race_id=race.id,
                driver_id=driver.driver.id,
                constructor_id=season.teams[seat // 2].id,
                car_number=driver.driver.permanent_number,
            )
            for seat, driver in enumerate(drivers)
        ),
        skill=skill,
        car_pace=car_pace,
        field=field,
        form=form[0],
        qualifying=qualifying,
        qualifying_is_wet=bool(wet[0]),
        grid=racing.draw_grid(generator(seed, Stream.PENALTIES, race.season, race.round), qualifying.rank),
    )
