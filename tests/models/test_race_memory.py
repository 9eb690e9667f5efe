"""What is remembered of past races."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from f1graph.models.protocol import Example
from f1graph.models.race_memory import LENGTH, TOKEN, RaceMemory, Remembered, remember
from tests.models.fields import an_outcome, some_features
from tests.models.networks import CARS, a_next_race, invented_races, teams

FINISH, GRID, GAINED, RETIRED, ACCIDENT, STRENGTH, MATE, AGO = range(len(TOKEN))
THREE = ("driver-a", "driver-b", "driver-c")
RACES = invented_races(24)
NEXT = a_next_race()


def a_result(number: int, order: tuple[str, ...], *, owner: dict[str, str] | None = None) -> Example:
    drivers = tuple(sorted(order))
    return Example(some_features(number, drivers=drivers, teams=owner), an_outcome(drivers, order))


def assert_same(one: Remembered, other: Remembered) -> None:
    np.testing.assert_array_equal(one.sequence, other.sequence)
    np.testing.assert_array_equal(one.length, other.length)
    np.testing.assert_array_equal(one.strengths.total, other.strengths.total)
    np.testing.assert_array_equal(one.strengths.deviation, other.strengths.deviation)
    assert one.former_teams == other.former_teams


def turned(example: Example) -> Example:
    """The same race with the result upside down and all features changed."""
    outcome = replace(example.outcome, positions=example.outcome.positions[::-1].copy())
    features = replace(example.features, values=example.features.values + 1)
    return Example(features, outcome)


def test_p1_what_is_remembered_before_a_race_depends_on_earlier_races_only() -> None:
    """P1: the later ones may be corrupted, and nothing changes."""
    before, _ = remember(RACES)

    corrupted, _ = remember([*RACES[:15], *(turned(example) for example in RACES[15:])])

    for one, other in zip(before[:16], corrupted[:16], strict=True):
        assert_same(one, other)
    assert not np.array_equal(before[16].sequence, corrupted[16].sequence)
    assert not np.array_equal(before[16].strengths.total, corrupted[16].strengths.total)


@pytest.mark.parametrize("learned", [0, 1, 13, 24])
def test_races_that_are_learned_one_by_one_are_remembered_as_those_learned_at_once(learned: int) -> None:
    _, memory = remember(RACES[:learned])
    _, at_once = remember(RACES)

    updated = memory.updated(RACES)

    assert (updated.learned, updated.digest) == (len(RACES), at_once.digest)
    assert_same(updated.before(NEXT), at_once.before(NEXT))
    # Others may still hold the old one.
    assert memory.learned == learned


def test_a_revised_result_is_remembered_instead_of_the_first_one() -> None:
    _, memory = remember(RACES)
    disqualified = replace(RACES[4].outcome, positions=RACES[4].outcome.positions[::-1].copy())
    revised = [*RACES[:4], Example(RACES[4].features, disqualified), *RACES[5:]]

    updated = memory.updated(revised)

    assert_same(updated.before(NEXT), remember(revised)[1].before(NEXT))
    assert updated.digest != memory.digest


def test_a_memory_of_races_that_are_no_longer_known_begins_anew() -> None:
    _, memory = remember(RACES)

    assert_same(memory.updated(RACES[:10]).before(NEXT), remember(RACES[:10])[1].before(NEXT))


def test_what_is_stored_is_remembered_to_the_last_bit() -> None:
    _, memory = remember(RACES[:20])
    tensors, facts = memory.state()

    restored = RaceMemory.restore(tensors, json.loads(json.dumps(facts)))

    assert_same(restored.before(NEXT), memory.before(NEXT))
    assert_same(restored.updated(RACES).before(NEXT), memory.updated(RACES).before(NEXT))
    assert restored.digest == memory.digest


def test_an_empty_memory_can_be_stored() -> None:
    restored = RaceMemory.restore(*RaceMemory().state())

    assert not restored.before(NEXT).length.any()
    assert restored.learned == 0


def test_looking_at_a_race_changes_nothing() -> None:
    _, memory = remember(RACES)
    stored = memory.state()

    memory.before(a_next_race(drivers=(*CARS, "driver-z")))

    again = memory.state()
    assert again[1] == stored[1]
    assert all((again[0][name] == tensor).all() for name, tensor in stored[0].items())


def test_a_driver_who_changed_teams_is_remembered_with_the_former_one() -> None:
    alone = {"driver-a": "red", "driver-b": "blue", "driver-c": "green"}
    moved = {**alone, "driver-a": "blue"}
    memory = RaceMemory()
    for number, owner in enumerate((alone, moved, moved), start=1):
        memory.learn(a_result(number, THREE, owner=owner))

    def former(owner: dict[str, str], drivers: tuple[str, ...] = THREE) -> tuple[str | None, ...]:
        race = some_features(4, drivers=drivers, teams=owner)
        return memory.before(race).former_teams

    assert former(moved) == ("red", None, None)
    # A move is known as soon as the entry list is.
    assert former({**moved, "driver-c": "red"}) == ("red", None, "green")
    assert former(alone) == ("blue", None, None)
    assert former({"driver-z": "red"}, ("driver-z",)) == (None,)


def test_a_newcomer_has_no_past() -> None:
    _, memory = remember(RACES)

    found = memory.before(a_next_race(drivers=(*CARS, "driver-z")))

    assert found.length[-1] == 0
    assert not found.sequence[-1].any()
    assert found.strengths.deviation[-1] > found.strengths.deviation[:-1].max()


def test_a_sequence_ends_with_the_last_race_and_keeps_half_a_season() -> None:
    memory = RaceMemory()
    for number in range(LENGTH + 3):
        winner_first = THREE if number % 2 else THREE[::-1]
        memory.learn(a_result(number, winner_first))
    memory.learn(a_result(LENGTH + 3, ("driver-b", "driver-c")))

    found = memory.before(some_features(30, drivers=THREE))

    assert list(found.length) == [LENGTH] * 3
    # The first of three starters, then the last, and so on; the last race was missed.
    np.testing.assert_allclose(found.sequence[0, -4:, FINISH], [1.0, -1.0, 1.0, -1.0])
    np.testing.assert_allclose(found.sequence[0, -2:, AGO], [0.3, 0.2])
    assert found.sequence[1, -1, AGO] == pytest.approx(0.1)


def test_a_race_is_remembered_with_its_grid_its_retirements_and_the_team_mate() -> None:
    drivers = ("driver-a", "driver-b", "driver-c", "driver-d")
    owner = {driver: "red" if driver < "driver-c" else f"team-{driver}" for driver in drivers}
    outcome = replace(
        an_outcome(drivers, ["driver-b", "driver-c"], out=["driver-a"], absent=["driver-d"]),
        grid=np.array([1, 2, 0, 0]),
        causes=np.array([1, -1, -1, -1]),
    )
    memory = RaceMemory()
    memory.learn(Example(some_features(1, drivers=drivers, teams=owner), outcome))

    found = memory.before(some_features(2, drivers=drivers, teams=owner))

    a, b, c = found.sequence[:3, -1]
    assert list(found.length) == [1, 1, 1, 0]
    assert (a[FINISH], b[FINISH], c[FINISH]) == (-1, 1, 0)
    # From the pit lane one starts behind all others.
    assert (a[GRID], b[GRID], c[GRID]) == (1, 0, -1)
    assert (a[GAINED], b[GAINED], c[GAINED]) == (-1, 0.5, 0.5)
    assert (a[RETIRED], a[ACCIDENT], b[RETIRED], b[ACCIDENT]) == (1, 1, 0, 0)
    assert (a[MATE], b[MATE], c[MATE]) == (-1, 1, 0)
    # Nobody knew anything of anybody.
    np.testing.assert_allclose(found.sequence[:3, -1, STRENGTH], 0, atol=1e-12)


def test_a_winter_makes_strengths_less_certain() -> None:
    _, memory = remember(RACES)
    this_season = some_features(12, season=2024, drivers=CARS, teams=teams(True))

    assert (memory.before(NEXT).strengths.deviation > memory.before(this_season).strengths.deviation).all()
