"""The budget of calls: shared by all processes, never exceeded, given back where it was not used."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from f1graph.errors import WorkError
from f1graph.store.budget import NotYet, Reservation, Spent, reserve, settle, spent
from f1graph.store.engine import Store, open_store
from tests.builders import a_moment

NOON = a_moment("2024-03-14 12:00")
LASTS = timedelta(minutes=3)


@pytest.fixture
async def other_store(url: str) -> AsyncIterator[Store]:
    """The same database as another process sees it."""
    opened = open_store(url)
    yield opened
    await opened.close()


async def take(store: Store, calls: int, now: datetime, *, limit: int = 10) -> Reservation | NotYet:
    async with store.write() as write:
        return await reserve(write, {"ergast": calls}, per_hour={"ergast": limit}, now=now, lasts=LASTS)


async def make(store: Store, calls: int, now: datetime, *, used: int, limit: int = 10) -> Reservation:
    taken = await take(store, calls, now, limit=limit)
    assert isinstance(taken, Reservation)
    async with store.write() as write:
        await settle(write, taken, {"ergast": used}, now=now)
    return taken


async def test_calls_that_were_not_made_are_given_back(store: Store) -> None:
    """S2: hosts allow so many calls an hour, and fewer every year."""
    await make(store, 8, NOON, used=2)
    async with store.read() as read:
        assert await spent(read, ["ergast"], now=NOON) == {"ergast": Spent(2, 0)}
    await make(store, 8, NOON, used=8)


async def test_an_hour_that_is_spent_says_when_there_is_room_again(store: Store) -> None:
    """S2: hosts allow so many calls an hour, and fewer every year."""
    await make(store, 4, NOON, used=4)
    await make(store, 6, NOON + timedelta(minutes=10), used=6)
    at = NOON + timedelta(minutes=20)
    few, many = await take(store, 4, at), await take(store, 5, at)
    assert isinstance(few, NotYet)
    assert isinstance(many, NotYet)
    assert (few.until, many.until) == (NOON + timedelta(hours=1), NOON + timedelta(minutes=70))
    assert not few.is_busy
    assert "ergast are spent until 13:00:00 UTC" in few.reason
    assert isinstance(await take(store, 4, few.until), Reservation)


async def test_a_killed_process_has_spent_all_it_reserved(store: Store) -> None:
    """S3: all processes share one budget, and none blocks its event loop."""
    killed = await take(store, 8, NOON)
    assert isinstance(killed, Reservation)
    after = NOON + LASTS
    refused = await take(store, 3, after)
    assert isinstance(refused, NotYet)
    assert refused.until == after + timedelta(hours=1)
    assert isinstance(await take(store, 2, after), Reservation)


async def test_a_host_that_somebody_asks_is_left_to_him(store: Store) -> None:
    """S3: two processes at two calls a second each would be four."""
    one = await take(store, 2, NOON)
    assert isinstance(one, Reservation)
    refused = await take(store, 2, NOON)
    assert isinstance(refused, NotYet)
    assert refused.is_busy
    async with store.write() as write:
        await settle(write, one, {"ergast": 1}, now=NOON)
    assert isinstance(await take(store, 2, NOON), Reservation)


async def test_all_hosts_of_a_fetch_are_reserved_or_none(store: Store) -> None:
    await make(store, 10, NOON, used=10)
    limits = {"ergast": 10, "schedule": 10}
    async with store.write() as write:
        refused = await reserve(write, {"schedule": 1, "ergast": 1}, per_hour=limits, now=NOON, lasts=LASTS)
    assert isinstance(refused, NotYet)
    assert refused.host == "ergast"
    async with store.read() as read:
        assert (await spent(read, ["schedule"], now=NOON))["schedule"] == Spent(0, 0)


async def test_what_never_fits_is_an_error_and_not_a_wait(store: Store) -> None:
    with pytest.raises(WorkError, match="up to 11 calls to ergast, but its budget is 10 an hour"):
        await take(store, 11, NOON)


async def test_processes_that_look_at_the_same_time_never_take_more_than_there_is(
    store: Store, other_store: Store
) -> None:
    """S3: all processes share one budget, and none blocks its event loop."""
    taken = await asyncio.gather(*(take(one, 6, NOON) for one in (store, other_store) * 3))
    assert sum(isinstance(one, Reservation) for one in taken) == 1


@pytest.mark.parametrize("seed", range(5))
async def test_no_hour_ever_has_more_calls_than_the_budget(store: Store, seed: int) -> None:
    """S2: whatever is asked when, and whoever is killed: the calls of any hour stay within it."""
    chance = random.Random(seed)
    made: list[tuple[datetime, int]] = []
    now = NOON
    for _ in range(40):
        now += timedelta(seconds=chance.randint(0, 2400))
        calls = chance.randint(1, 6)
        taken = await take(store, calls, now)
        if not isinstance(taken, Reservation):
            continue
        if chance.random() < 0.2:  # killed after its last call, at the last moment
            made.append((now + LASTS, calls))
            continue
        used = chance.randint(0, calls)
        async with store.write() as write:
            await settle(write, taken, {"ergast": used}, now=now)
        made.append((now, used))
    assert sum(calls for _, calls in made) > 10
    for moment, _ in made:
        assert sum(n for at, n in made if moment - timedelta(hours=1) < at <= moment) <= 10
