"""Which trained model is in use, which was, and which waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from f1graph.errors import RequestError, UnknownError
from f1graph.races.stages import Stage
from f1graph.store.bundles import (
    BundleRow,
    BundleStatus,
    activate,
    active_bundle,
    bundle_with,
    checksums_in_receipts,
    find_bundle,
    forget_bundle,
    load_bundles,
    newest_bundle,
    previous_bundle,
    store_bundle,
    unpin,
)
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import store_forecast
from tests.api.seed import a_forecast
from tests.builders import a_history, a_moment, a_race, a_result
from tests.store.records import facts_of, record

STAGE = Stage.BEFORE_WEEKEND
SPRING, SUMMER, AUTUMN = "2024-03-01", "2024-07-01", "2024-10-01"


def a_bundle(
    name: str,
    cutoff: str,
    *,
    status: BundleStatus = BundleStatus.ACTIVE,
    stage: Stage = Stage.BEFORE_WEEKEND,
) -> BundleRow:
    moment = a_moment(cutoff)
    return BundleRow(
        id=name,
        model="rating",
        version=f"1.0+{name}",
        stage=stage,
        cutoff=moment,
        trained_at=moment + timedelta(hours=1),
        checksum=name * 8,
        path=name,
        status=status,
        manifest={"races": 40, "facts": {"weights": [0.1, 1 / 3]}},
        invented=False,
    )


def in_use(bundle: BundleRow) -> BundleRow:
    """As it is registered when it was put to use by its training."""
    return replace(bundle, activated_at=bundle.trained_at)


async def ids(store: Store, status: BundleStatus) -> list[str]:
    async with store.read() as read:
        return [bundle.id for bundle in await load_bundles(read) if bundle.status is status]


async def test_one_bundle_is_in_use_per_model_and_stage(store: Store) -> None:
    spring, summer = a_bundle("spring", "2024-03-01"), a_bundle("summer", "2024-07-01")
    other = a_bundle("other", "2024-03-01", stage=Stage.AFTER_QUALIFYING)
    async with store.write() as write:
        for bundle in (spring, other, summer):
            await store_bundle(write, bundle)

    async with store.read() as read:
        assert await active_bundle(read, model="rating", stage=Stage.BEFORE_WEEKEND) == in_use(summer)
        assert await active_bundle(read, model="rating", stage=Stage.AFTER_QUALIFYING) == in_use(other)
        assert await active_bundle(read, model="rating", stage=Stage.AFTER_SPRINT) is None
        assert await bundle_with(read, spring.checksum) == replace(
            in_use(spring), status=BundleStatus.RETIRED
        )
        assert [bundle.id for bundle in await load_bundles(read)] == ["summer", "other", "spring"]


async def test_two_workers_that_train_at_once_leave_one_bundle_in_use(url: str) -> None:
    stores = [open_store(url, pool_size=1) for _ in range(3)]
    is_open = asyncio.Barrier(3)

    async def train(own: Store, name: str) -> None:
        await is_open.wait()
        async with own.write() as write:
            await write.value(select(1))
            await store_bundle(write, a_bundle(name, "2024-03-01"))

    async with asyncio.timeout(30):
        names = ("one", "two", "three")
        await asyncio.gather(*(train(own, name) for own, name in zip(stores, names, strict=True)))

    async with stores[0].read() as read:
        statuses = sorted(bundle.status for bundle in await load_bundles(read))
    assert statuses == [BundleStatus.ACTIVE, BundleStatus.RETIRED, BundleStatus.RETIRED]
    for store in stores:
        await store.close()


@pytest.mark.parametrize(
    ("cutoff", "expected"),
    [("2024-02-01", None), ("2024-03-01", "spring"), ("2024-06-30", "spring"), ("2024-08-01", "summer")],
)
async def test_p1_the_newest_bundle_never_knows_the_future(
    store: Store, cutoff: str, expected: str | None
) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", "2024-03-01", status=BundleStatus.RETIRED))
        await store_bundle(write, a_bundle("summer", "2024-07-01"))

    async with store.read() as read:
        found = await newest_bundle(read, model="rating", stage=Stage.BEFORE_WEEKEND, cutoff=a_moment(cutoff))
    assert (found.id if found else None) == expected


async def test_a_trained_bundle_waits_until_it_is_put_to_use(store: Store) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", SPRING))
        await store_bundle(write, a_bundle("summer", SUMMER, status=BundleStatus.CANDIDATE))
    assert await ids(store, BundleStatus.ACTIVE) == ["spring"]

    noon = a_moment("2024-07-02")
    async with store.write() as write:
        active = await activate(write, "summer", now=noon, by_hand=True)

    assert (active.status, active.activated_at, active.is_pinned) == (BundleStatus.ACTIVE, noon, True)
    assert await ids(store, BundleStatus.ACTIVE) == ["summer"]


async def test_a_bundle_that_is_trained_again_keeps_its_place(store: Store) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", SPRING))
        await store_bundle(write, a_bundle("spring", SPRING, status=BundleStatus.CANDIDATE))

    assert await ids(store, BundleStatus.ACTIVE) == ["spring"]


async def test_the_one_before_is_the_one_that_was_in_use_last(store: Store) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", SPRING))
        await store_bundle(write, a_bundle("summer", SUMMER))
        await store_bundle(write, a_bundle("of-the-past", "2024-06-01", status=BundleStatus.RETIRED))
        await store_bundle(write, a_bundle("autumn", AUTUMN))
        before = await previous_bundle(write, model="rating", stage=STAGE)
        assert before is not None
        await activate(write, before.id, now=a_moment("2024-11-01"), by_hand=True)
        back = await previous_bundle(write, model="rating", stage=STAGE)
        none = await previous_bundle(write, model="rating", stage=Stage.AFTER_SPRINT)

    assert (before.id, back.id if back else None, none) == ("summer", "autumn", None)


async def test_pins_go_with_the_place_and_are_taken_out_per_stage(store: Store) -> None:
    other = Stage.AFTER_QUALIFYING
    async with store.write() as write:
        for name, stage in (("spring", STAGE), ("summer", STAGE), ("other", other)):
            await store_bundle(write, a_bundle(name, SPRING, stage=stage))
            await activate(write, name, now=a_moment(SUMMER), by_hand=True)
        pinned = [bundle.id for bundle in await load_bundles(write) if bundle.is_pinned]
        await unpin(write, model="rating", stage=STAGE)
        left = [bundle.id for bundle in await load_bundles(write) if bundle.is_pinned]

    assert (sorted(pinned), left) == (["other", "summer"], ["other"])


async def test_a_candidate_never_serves_but_is_the_newest_that_was_trained(store: Store) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", SPRING))
        await store_bundle(write, a_bundle("summer", SUMMER, status=BundleStatus.CANDIDATE))
        found = [
            await newest_bundle(
                write, model="rating", stage=STAGE, cutoff=a_moment(AUTUMN), candidates=candidates
            )
            for candidates in (False, True)
        ]

    assert [bundle.id if bundle else None for bundle in found] == ["spring", "summer"]


async def test_a_bundle_is_found_by_the_beginning_of_its_name(store: Store) -> None:
    async with store.write() as write:
        for name in ("spring", "summer", "summer-2"):
            await store_bundle(write, a_bundle(name, SPRING))
        assert (await find_bundle(write, "spr")).id == "spring"
        assert (await find_bundle(write, "springspring")).id == "spring"
        assert (await find_bundle(write, "summer")).id == "summer"
        with pytest.raises(RequestError, match="several bundles begin with 's': spring, summer, summer-2"):
            await find_bundle(write, "s")
        for unknown in ("winter", "%", ""):
            with pytest.raises((UnknownError, RequestError)):
                await find_bundle(write, unknown)


async def test_the_bundle_in_use_cannot_be_forgotten(store: Store) -> None:
    async with store.write() as write:
        await store_bundle(write, a_bundle("spring", SPRING))
        await store_bundle(write, a_bundle("summer", SUMMER))
        for name in ("spring", "summer"):
            await forget_bundle(write, name)

    async with store.read() as read:
        assert [bundle.id for bundle in await load_bundles(read)] == ["summer"]


async def test_receipts_tell_which_bundles_are_needed(store: Store) -> None:
    race = a_race(2024, 4)
    await record(store, facts_of(a_history([race], [a_result(race)])), now=race.ends_at)
    made = a_forecast(race.id, STAGE, race.weekend_starts_at)
    in_passing = replace(made, id="baseline", receipt=replace(made.receipt, bundle_checksum=None))
    async with store.write() as write:
        for forecast in (made, in_passing):
            await store_forecast(write, forecast, is_served=True, now=forecast.made_at)
        assert await checksums_in_receipts(write) == {"bundle"}
