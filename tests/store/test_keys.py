"""API keys, the audit and what is asked for with them, in the database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from f1graph.errors import RequestError, UnknownError
from f1graph.races.calendar import SessionKind
from f1graph.store.audit import AuditRow, load_audit, record_write
from f1graph.store.engine import Store
from f1graph.store.keys import Scope, create_key, find_key, load_keys, revoke_key, split_key
from f1graph.store.ledger import claim, fail, finish
from f1graph.store.refresh_requests import (
    MOST_ATTEMPTS,
    MOST_OPEN,
    STAYS_OPEN_FOR,
    RefreshRequest,
    ask_for_refresh,
    open_requests,
)
from tests.builders import a_history, a_moment, a_race
from tests.store.records import facts_of, record

NOW = a_moment("2024-12-05")
RACES = [a_race(2024, number) for number in range(1, MOST_OPEN + 2)]
RACE = RACES[0]


async def a_key(store: Store, *scopes: Scope, expires_in: timedelta | None = None) -> tuple[str, str]:
    """The id of a new key and what its user is given."""
    async with store.write() as write:
        key, given = await create_key(
            write,
            name="a fan site",
            scopes=scopes or [Scope.REFRESH],
            now=NOW,
            expires_at=None if expires_in is None else NOW + expires_in,
        )
    return key.id, given


async def test_of_a_key_only_a_hash_is_kept(store: Store) -> None:
    key_id, given = await a_key(store, Scope.MODELS_WRITE, Scope.REFRESH)
    split = split_key(given)
    assert split is not None
    assert split[0] == key_id

    async with store.read() as read:
        row = await read.row(text("SELECT * FROM api_keys"))
        key = await find_key(read, key_id)
    assert split[1] not in str(row)
    assert key is not None
    assert key.scopes == {Scope.MODELS_WRITE, Scope.REFRESH}
    assert key.is_secret(split[1])
    assert not key.is_secret(split[1][:-1] + ("A" if split[1][-1] != "A" else "B"))
    assert key.secret_hash not in repr(key)


async def test_two_keys_of_one_name_are_two_keys(store: Store) -> None:
    first, second = await a_key(store), await a_key(store)

    assert first[0] != second[0]
    async with store.read() as read:
        assert {key.id for key in await load_keys(read)} == {first[0], second[0]}


async def test_a_key_lives_until_it_expires_or_is_revoked(store: Store) -> None:
    key_id, _ = await a_key(store, expires_in=timedelta(days=1))
    async with store.write() as write:
        key = await find_key(write, key_id)
        assert key is not None
        assert key.is_valid(NOW + timedelta(hours=23))
        assert not key.is_valid(NOW + timedelta(days=1))

        revoked = await revoke_key(write, key_id, now=NOW)
        again = await revoke_key(write, key_id, now=NOW + timedelta(hours=1))
    assert not revoked.is_valid(NOW)
    assert again.revoked_at == NOW


async def test_an_unknown_key_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(UnknownError, match=r"no key 'nope'.*keys list"):
        async with store.write() as write:
            await revoke_key(write, "nope", now=NOW)


@pytest.mark.parametrize(
    ("name", "scopes", "expires_in", "why"),
    [
        (" ", [Scope.REFRESH], None, "no name"),
        ("x" * 81, [Scope.REFRESH], None, "no name"),
        ("ours", [], None, "needs a scope: refresh, models:write, limits:raised"),
        ("ours", [Scope.REFRESH], timedelta(0), "2024-12-05T00:00Z is over"),
    ],
)
async def test_a_key_that_would_be_of_no_use_is_not_made(
    store: Store, name: str, scopes: list[Scope], expires_in: timedelta | None, why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        async with store.write() as write:
            await create_key(
                write,
                name=name,
                scopes=scopes,
                now=NOW,
                expires_at=None if expires_in is None else NOW + expires_in,
            )


@pytest.mark.parametrize("given", ["", "f1g_", "f1g_0123_x", "f1g_0123456789ab_" + "x" * 44, "Bearer"])
def test_what_does_not_look_like_a_key_is_not_looked_up(given: str) -> None:
    assert split_key(given) is None


async def test_d7_the_audit_names_no_key_that_is_not_there(store: Store) -> None:
    """D7: on SQLite and Postgres."""
    with pytest.raises(IntegrityError):
        async with store.write() as write:
            await record_write(write, AuditRow(NOW, "refresh", key_id="nobody"))


async def test_d7_nothing_is_asked_for_by_a_key_or_of_a_race_that_is_not_there(store: Store) -> None:
    """D7: on SQLite and Postgres."""
    key_id, _ = await a_key(store)
    for key, race in (("nobody", None), (key_id, "2099-nowhere")):
        with pytest.raises(IntegrityError):
            async with store.write() as write:
                await ask_for_refresh(
                    write,
                    race_id=race,
                    session=None if race is None else SessionKind.RACE,
                    key_id=key,
                    now=NOW,
                )


async def test_the_audit_tells_the_newest_first_and_of_one_key_alone(store: Store) -> None:
    key_id, _ = await a_key(store)
    rows = [
        AuditRow(NOW, "keys create", {"name": "a fan site"}),
        AuditRow(NOW, "activateModel", {"bundle": "x"}, "NOT_FOUND", key_id, "a fan site", "192.0.2.7"),
        AuditRow(NOW, "refresh", {"race": None}, key_id=key_id, key_name="a fan site"),
    ]
    async with store.write() as write:
        for row in rows:
            await record_write(write, row)

    async with store.read() as read:
        assert await load_audit(read, limit=10) == rows[::-1]
        assert await load_audit(read, limit=1, key_id=key_id) == [rows[2]]


async def with_race(store: Store) -> str:
    """A store with a race, and a key that may ask."""
    await record(store, facts_of(a_history([RACE], [])), now=NOW)
    return (await a_key(store))[0]


async def ask(
    store: Store, key_id: str, session: SessionKind | None = None, *, now: datetime = NOW
) -> tuple[RefreshRequest, bool]:
    async with store.write() as write:
        return await ask_for_refresh(
            write,
            race_id=None if session is None else RACE.id,
            session=session,
            key_id=key_id,
            now=now,
        )


async def begin(store: Store, asked: RefreshRequest, *, ends: str, now: datetime = NOW) -> None:
    """A worker's attempt at it."""
    async with store.write() as write:
        lease = timedelta(minutes=1)
        assert await claim(write, asked.unit, kind="FETCH", worker="w", now=now, lease=lease)
        if ends == "DONE":
            await finish(write, asked.unit, worker="w", now=now)
        if ends == "FAILED":
            await fail(write, asked.unit, worker="w", now=now, error="no", pause=timedelta(0))


async def still_open(store: Store, *, now: datetime = NOW) -> list[RefreshRequest]:
    async with store.read() as read:
        return await open_requests(read, now=now)


async def test_who_asks_for_the_same_while_it_is_open_gets_the_same(store: Store) -> None:
    key_id = await with_race(store)
    race, is_new = await ask(store, key_id, SessionKind.RACE)
    everything, _ = await ask(store, key_id)

    assert is_new
    assert await ask(store, key_id, SessionKind.RACE) == (race, False)
    assert await ask(store, key_id) == (everything, False)
    assert (await ask(store, key_id, SessionKind.QUALIFYING))[1]


async def test_a_refresh_that_is_done_is_asked_for_anew(store: Store) -> None:
    key_id = await with_race(store)
    first, _ = await ask(store, key_id, SessionKind.RACE)
    await begin(store, first, ends="CLAIMED")
    assert await still_open(store) == [first]

    second, _ = await ask(store, key_id)
    await begin(store, second, ends="DONE")

    assert await still_open(store) == [first]
    third, is_new = await ask(store, key_id)
    assert is_new
    assert third.unit != second.unit


async def test_a_refresh_that_fails_is_tried_again_and_then_given_up(store: Store) -> None:
    key_id = await with_race(store)
    asked, _ = await ask(store, key_id, SessionKind.RACE)

    for _ in range(MOST_ATTEMPTS):
        assert await still_open(store) == [asked]
        await begin(store, asked, ends="FAILED")

    assert await still_open(store) == []


async def test_a_refresh_that_nobody_did_within_a_day_is_forgotten(store: Store) -> None:
    key_id = await with_race(store)
    asked, _ = await ask(store, key_id, SessionKind.RACE)

    assert await still_open(store, now=NOW + STAYS_OPEN_FOR - timedelta(seconds=1)) == [asked]
    assert await still_open(store, now=NOW + STAYS_OPEN_FOR) == []


async def test_many_who_ask_at_once_get_one_refresh(store: Store) -> None:
    """D4: also where they write at the same moment."""
    key_id = await with_race(store)

    found = await asyncio.gather(*(ask(store, key_id, SessionKind.RACE) for _ in range(8)))

    assert len({asked.unit for asked, _ in found}) == 1
    assert [is_new for _, is_new in found].count(True) == 1


async def test_only_so_many_refreshes_wait_at_once(store: Store) -> None:
    await record(store, facts_of(a_history(RACES, [])), now=NOW)
    key_id, _ = await a_key(store)
    async with store.write() as write:
        for race in RACES[:MOST_OPEN]:
            await ask_for_refresh(write, race_id=race.id, session=SessionKind.RACE, key_id=key_id, now=NOW)

    with pytest.raises(RequestError, match="20 refreshes are waiting"):
        await ask(store, key_id)
