"""Careers and cars from season to season: who drives what, and how good both truly are.

The world begins in FIRST_SEASON whatever season is asked for, so that a season never depends on when or from
where it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from f1graph.races.entries import Constructor, Driver
from f1graph.sources.invented.names import FIRST_NAMES, LAST_NAMES, NATIONALITIES, TEAM_NAMES
from f1graph.sources.invented.randomness import Stream, generator

FIRST_SEASON = 1950
MOST_TEAMS = len(TEAM_NAMES)

Floats = npt.NDArray[np.float64]


def is_regulation_change(season: int) -> bool:
    """Every fourth season has new rules, and old car pace counts for little: 2018, 2022, 2026 …"""
    return season % 4 == 2


@dataclass(frozen=True, slots=True)
class DriverTruth:
    """A driver and what she is truly capable of.

    Attributes:
        talent: Seconds per lap that she is faster than an average driver at her best age.
        best_age: When she is at her best; skill falls with the square of the distance.
        wet_skill: Seconds per lap gained in the wet, on top.
        error_risk: Chance of ending a dry race of average attrition in an accident.
    """

    driver: Driver
    born: date
    talent: float
    best_age: float
    wet_skill: float
    error_risk: float

    def skill(self, season: int) -> float:
        """Seconds per lap at the start of the season, before any drift of form."""
        age = season - self.born.year
        return self.talent - 0.0015 * (age - self.best_age) ** 2


@dataclass(frozen=True)
class SeasonTruth:
    """One season: `Floats` are by round (first axis) and team or seat.

    Attributes:
        lineup: By round, the driver of every seat; seats 2k and 2k+1 are those of team k.
        skill: By round and seat, seconds per lap: talent at this age and the drift of form.
        car_pace: By round and team, seconds per lap faster than the average car.
        breakdown_risk: By team, the chance that a car breaks down in a race.
    """

    season: int
    teams: tuple[Constructor, ...]
    drivers: Mapping[str, DriverTruth]
    lineup: tuple[tuple[str, ...], ...]
    skill: Floats
    car_pace: Floats
    breakdown_risk: Floats

    @property
    def rounds(self) -> int:
        return len(self.lineup)


def all_seasons(seed: int, *, last: int, teams: int, rounds: int) -> Iterator[SeasonTruth]:
    """Every season from the world's first to `last`, in their order."""
    sales = generator(seed, Stream.TEAMS).integers(FIRST_SEASON + 2, FIRST_SEASON + 80, size=MOST_TEAMS)
    people = _People()
    cars: _Cars | None = None
    for season in range(FIRST_SEASON, last + 1):
        cars = _next_cars(seed, season, cars, teams=teams, rounds=rounds)
        lineup = people.next_lineup(
            generator(seed, Stream.CAREERS, season), season, strength=cars.pace[0], rounds=rounds
        )
        named = {driver_id: people.known[driver_id] for row in lineup for driver_id in row}
        form = people.form_by_round
        yield SeasonTruth(
            season=season,
            teams=tuple(_constructor(slot, is_sold=season >= sales[slot]) for slot in range(teams)),
            drivers=named,
            lineup=lineup,
            skill=np.array(
                [
                    [named[driver_id].skill(season) + form[driver_id][index] for driver_id in row]
                    for index, row in enumerate(lineup)
                ]
            ),
            car_pace=cars.pace,
            breakdown_risk=cars.breakdown_risk,
        )


def _constructor(slot: int, *, is_sold: bool) -> Constructor:
    team = TEAM_NAMES[slot]
    constructor_id, name = team.renamed if team.renamed and is_sold else (team.id, team.name)
    return Constructor(
        id=constructor_id,
        name=name,
        full_name=f"{name} Formula One Team (invented)",
        country=team.country,
        lineage_id=team.id,
        invented=True,
    )


@dataclass(frozen=True)
class _Cars:
    resources: Floats  # (teams,) what a team can spend: lasts
    pace: Floats  # (rounds, teams)
    breakdown_risk: Floats  # (teams,)


def _next_cars(seed: int, season: int, last: _Cars | None, *, teams: int, rounds: int) -> _Cars:
    rng = generator(seed, Stream.CARS, season)
    is_new = last is None or is_regulation_change(season)
    resources = rng.normal(0, 0.22, teams) if last is None else last.resources
    kept = np.zeros(teams) if last is None else last.pace[-1] * (0.3 if is_new else 0.85)
    start = (
        kept + (1 - (0.3 if is_new else 0.85)) * resources + rng.normal(0, 0.38 if is_new else 0.14, teams)
    )
    development = rng.normal(0, 0.1, teams) * np.linspace(0, 1, rounds)[:, None]
    upgrades = np.cumsum(rng.normal(0, 0.03, (rounds, teams)), axis=0)
    pace = start + development + upgrades  # (rounds, teams)
    new_risk = rng.beta(3, 45, teams) + (0.03 if is_new else 0.0)
    risk = new_risk if last is None or is_new else 0.6 * last.breakdown_risk + 0.4 * new_risk
    return _Cars(resources, pace - pace.mean(axis=1, keepdims=True), risk)


class _People:
    """Everybody who ever drove, and who has a seat now; moves on one season at a time.

    Attributes:
        seats: By seat, None while it is to be filled.
        reserves: Who waits for a seat.
        around: Who has or had a seat this season or the last: a newcomer must not be mistaken for them.
        codes: Given ones; no two drivers of a world share one.
        form: Seconds per lap at the end of the last season.
    """

    def __init__(self) -> None:
        self.known: dict[str, DriverTruth] = {}
        self.seats: list[str | None] = []
        self.reserves: list[str] = []
        self.around: list[str] = []
        self.codes: set[str] = set()
        self.form: dict[str, float] = {}
        self.form_by_round: dict[str, Floats] = {}

    def next_lineup(
        self, rng: np.random.Generator, season: int, *, strength: Floats, rounds: int
    ) -> tuple[tuple[str, ...], ...]:
        """Fills the seats for a season and says who drives in each round."""
        if not self.seats:
            self.seats = [None] * (2 * len(strength))
        self.around = [*filter(None, self.seats), *self.reserves]
        market = self._empty_seats(rng, season)
        self._fill_seats(rng, season, market, strength)
        lineup = self._drive_season(rng, season, rounds)
        self.seats = list(lineup[-1])
        self._drift(rng, rounds, {driver_id for row in lineup for driver_id in row})
        return lineup

    def _empty_seats(self, rng: np.random.Generator, season: int) -> list[str]:
        """Retirements from the sport and ended contracts; returns who looks for a seat."""
        market = [driver_id for driver_id in self.reserves if season - self.known[driver_id].born.year < 36]
        self.reserves = []
        for seat, driver_id in enumerate(self.seats):
            retires, contract_ends = rng.random(2)
            if driver_id is None:
                continue
            age = season - self.known[driver_id].born.year
            if retires < 0.02 + 0.07 * max(0, age - 34):
                self.seats[seat] = None
            elif contract_ends < 0.3:
                self.seats[seat] = None
                market.append(driver_id)
        return market

    def _fill_seats(self, rng: np.random.Generator, season: int, market: list[str], strength: Floats) -> None:
        """The best cars choose first, among those on the market and a few newcomers."""
        empty = [seat for seat, driver_id in enumerate(self.seats) if driver_id is None]
        newcomers = max(len(empty) - len(market), 0) + int(rng.integers(0, 3))
        market += [self._debut(rng, season) for _ in range(newcomers)]
        looks = {driver_id: self.known[driver_id].skill(season) + rng.normal(0, 0.1) for driver_id in market}
        market.sort(key=lambda driver_id: (-looks[driver_id], driver_id))
        for seat, driver_id in zip(
            sorted(empty, key=lambda seat: (-strength[seat // 2], seat)), market, strict=False
        ):
            self.seats[seat] = driver_id
        self.reserves = [driver_id for driver_id in market if driver_id not in self.seats][:1]

    def _drive_season(
        self, rng: np.random.Generator, season: int, rounds: int
    ) -> tuple[tuple[str, ...], ...]:
        """The seats of every round: in some seasons two drivers swap teams, in some a reserve stands in."""
        seats = [driver_id for driver_id in self.seats if driver_id is not None]
        rows = [list(seats) for _ in range(rounds)]
        if rng.random() < 0.35 and rounds > 4:
            one, other = rng.choice(len(seats) // 2, size=2, replace=False) * 2 + rng.integers(0, 2, 2)
            for row in rows[int(rng.integers(3, rounds - 1)) :]:
                row[one], row[other] = row[other], row[one]
        if rng.random() < 0.6 and rounds > 4:
            reserve = self.reserves[0] if self.reserves else self._debut(rng, season)
            self.reserves = [reserve]
            first, seat = int(rng.integers(1, rounds - 3)), int(rng.integers(0, len(seats)))
            for row in rows[first : first + int(rng.integers(1, 3))]:
                row[seat] = reserve
        return tuple(tuple(row) for row in rows)

    def _drift(self, rng: np.random.Generator, rounds: int, drivers: set[str]) -> None:
        """Form wanders slowly through a season and is half forgotten over the winter."""
        self.form_by_round = {}
        for driver_id in sorted(drivers):
            steps = np.cumsum(rng.normal(0, 0.012, rounds))
            self.form_by_round[driver_id] = 0.5 * self.form.get(driver_id, 0.0) + steps
        self.form = {driver_id: float(form[-1]) for driver_id, form in self.form_by_round.items()}

    def _debut(self, rng: np.random.Generator, season: int) -> str:
        """A newcomer whose name, code and number nobody around has."""
        around = [self.known[driver_id].driver for driver_id in self.around]
        first_name, last_name = _unused_name(rng, set(self.known), {driver.last_name for driver in around})
        name = f"{first_name} {last_name}"
        numbers = {driver.permanent_number for driver in around}
        number = next(n for n in map(str, (rng.permutation(98) + 2).tolist()) if n not in numbers)
        age = int(rng.integers(19, 26) if season > FIRST_SEASON else rng.integers(20, 36))
        born = date(season - age, 1, 1) + timedelta(days=int(rng.integers(0, 365)))
        driver = Driver(
            id=driver_slug(first_name, last_name),
            name=name,
            first_name=first_name,
            last_name=last_name,
            code=_unused_code(last_name, first_name, self.codes),
            nationality=str(rng.choice(NATIONALITIES)),
            permanent_number=number,
            date_of_birth=born,
            invented=True,
        )
        self.around.append(driver.id)
        self.codes.add(driver.code)
        self.known[driver.id] = DriverTruth(
            driver=driver,
            born=born,
            talent=float(rng.normal(0, 0.2)),
            best_age=float(rng.uniform(26, 32)),
            wet_skill=float(rng.normal(0, 0.15)),
            error_risk=float(rng.beta(4, 76)),
        )
        return driver.id


def driver_slug(first_name: str, last_name: str) -> str:
    return f"invented-{first_name}-{last_name}".lower()


def _unused_name(rng: np.random.Generator, known: set[str], surnames_around: set[str]) -> tuple[str, str]:
    while True:
        first_name, last_name = str(rng.choice(FIRST_NAMES)), str(rng.choice(LAST_NAMES))
        if last_name not in surnames_around and driver_slug(first_name, last_name) not in known:
            return first_name, last_name


def _unused_code(last_name: str, first_name: str, used: set[str]) -> str:
    """The first three letters of the surname, else the next best three; never given twice in a world."""
    letters = [letter for letter in last_name.upper() if letter.isalpha()]
    initial = first_name[0].upper()
    ordered = [
        letters[0] + second + third for i, second in enumerate(letters[1:], 1) for third in letters[i + 1 :]
    ]
    with_initial = [initial + first + second for first, second in pairwise(letters)]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    numbered = (letters[0] + second + third for second in alphabet for third in alphabet)
    return next(code for code in (*ordered, *with_initial, *numbered) if code not in used)
