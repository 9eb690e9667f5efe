"""One random generator per thing that happens, so that nothing that happens later can change it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a generator is for. A number never changes its meaning: that would change every old world."""

    CIRCUITS = 1
    TEAMS = 2
    CALENDAR = 3
    CAREERS = 4
    CARS = 5
    FORM = 10
    WEATHER = 11
    PRACTICE_1 = 12
    PRACTICE_2 = 13
    PRACTICE_3 = 14
    SPRINT_QUALIFYING = 15
    SPRINT = 16
    QUALIFYING = 17
    PENALTIES = 18
    RACE = 19
    LAPS_AND_STOPS = 20
    STEWARDS = 21
    TRUE_PROBABILITIES = 30


def generator(seed: int, stream: Stream, season: int = 0, round_: int = 0) -> np.random.Generator:
    """The generator of one thing in one season and round, the same whenever and in whatever order asked."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream), season, round_)))
