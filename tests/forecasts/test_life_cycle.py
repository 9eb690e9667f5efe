"""Which trained model is in use, and when a newer one takes its place."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from f1graph.errors import BundleError, UnknownError
from f1graph.forecasts.life_cycle import (
    compare,
    described,
    let_newer_in,
    prune,
    register,
    takes_the_place,
)
from f1graph.races.measures import Measure
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleRow, BundleStatus, active_bundle, load_bundles, roll_back
from f1graph.store.engine import Read, Store, open_store
from f1graph.store.facts import record_facts
from f1graph.store.forecasts import store_forecast
from tests.api.seed import a_forecast, facts_of
from tests.builders import a_history, a_race, a_result

STAGE = Stage.AFTER_QUALIFYING
NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)


def a_bundle(
    name: str, *, month: int = 6, scores: Mapping[str, float] | None = None, stage: Stage = STAGE
) -> BundleRow:
    """Trained in some month of 2024; `scores` are its ranked probability scores by race."""
    cutoff = datetime(2024, month, 1, tzinfo=UTC)
    walk = [] if scores is None else [{"measure": Measure.RANKED_PROBABILITY, "races": dict(scores)}]
    return BundleRow(
        id=name,
        model="ultra",
        version=f"ultra-1.0+2024.{month}",
        stage=stage,
        cutoff=cutoff,
        trained_at=cutoff + timedelta(hours=1),
        checksum=f"checksum-of-{name}",
        path=name,
        status=BundleStatus.CANDIDATE,
        manifest={"races": 40, "facts": {"weights": [1]}, "walk_forward": walk},
        invented=False,
    )


@pytest.fixture
async def store(migrated_sqlite: str) -> AsyncIterator[Store]:
    opened = open_store(migrated_sqlite)
    yield opened
    await opened.close()


async def registered(store: Store, *bundles: BundleRow) -> list[tuple[bool, str]]:
    found = []
    async with store.write() as write:
        for bundle in bundles:
            verdict = await register(write, bundle, now=bundle.trained_at)
            found.append((verdict.is_in_use, verdict.why))
    return found


async def in_use(store: Store) -> str | None:
    async with store.read() as read:
        return await in_use_in(read)


async def in_use_in(read: Read) -> str | None:
    found = await active_bundle(read, model="ultra", stage=STAGE)
    return None if found is None else found.id


async def statuses(store: Store) -> dict[str, str]:
    async with store.read() as read:
        return {bundle.id: str(bundle.status) for bundle in await load_bundles(read)}


def test_two_bundles_are_compared_on_the_races_that_both_were_tried_on() -> None:
    first = a_bundle("first", scores={"a": 0.10, "b": 0.14, "only-here": 0.9})
    second = a_bundle("second", scores={"b": 0.10, "a": 0.12, "only-there": 0.0})

    (paired,) = compare(first, second)

    assert (paired.measure, paired.races) == (Measure.RANKED_PROBABILITY, 2)
    assert paired.first == pytest.approx(0.12)
    assert paired.second == pytest.approx(0.11)
    assert paired.difference == pytest.approx(0.01)
    assert paired.low is not None
    assert paired.high is not None
    assert paired.low <= paired.difference <= paired.high
    assert compare(first, a_bundle("third", scores={"c": 0.1})) == []


EASY, HARD = {"a": 0.05}, {"a": 0.05, "b": 0.30}


@pytest.mark.parametrize(
    ("candidate", "active", "expected"),
    [
        (a_bundle("new", scores={"a": 0.1}), None, True),
        (a_bundle("new", scores={"a": 0.11}), a_bundle("old", scores={"a": 0.1}), False),
        (a_bundle("new", scores={"a": 0.1}), a_bundle("old", scores={"a": 0.1}), True),
        (a_bundle("new", scores={"a": 0.09}), a_bundle("old", scores={"a": 0.1}), True),
        # By its mean it is worse, but only since it was tried on a hard race more.
        (a_bundle("new", scores=HARD), a_bundle("old", scores=EASY), True),
        (a_bundle("new", scores={"a": 0.01}), a_bundle("old", scores={"b": 0.2}), False),
        (a_bundle("new"), a_bundle("old", scores={"a": 0.2}), False),
        (a_bundle("new"), a_bundle("old"), True),
        (a_bundle("new", scores={"a": 0.01}), replace(a_bundle("old"), is_pinned=True), False),
    ],
    ids=[
        "the first",
        "worse",
        "level",
        "better",
        "tried on harder races",
        "no common race",
        "does not tell how it did",
        "neither tells",
        "the other was chosen by hand",
    ],
)
def test_a_candidate_takes_the_place_only_if_it_is_not_worse_on_the_same_races(
    candidate: BundleRow, active: BundleRow | None, expected: bool
) -> None:
    deserves, why = takes_the_place(candidate, active)

    assert deserves is expected
    assert why


async def test_a_better_one_is_put_to_use_and_a_worse_one_waits(store: Store) -> None:
    found = await registered(
        store,
        a_bundle("spring", month=3, scores={"a": 0.12}),
        a_bundle("summer", month=6, scores={"a": 0.11}),
        a_bundle("autumn", month=8, scores={"a": 0.13}),
    )

    assert [is_in_use for is_in_use, _ in found] == [True, True, False]
    assert found[2][1] == "ranked probability score 0.1300 against 0.1100 of summer on 1 races"
    assert await statuses(store) == {"autumn": "CANDIDATE", "summer": "ACTIVE", "spring": "RETIRED"}


async def test_what_is_trained_for_the_past_does_not_take_the_place_of_todays(store: Store) -> None:
    found = await registered(store, a_bundle("today", month=8), a_bundle("past", month=3, scores={"a": 0.0}))

    assert [is_in_use for is_in_use, _ in found] == [True, False]
    assert await statuses(store) == {"today": "ACTIVE", "past": "RETIRED"}


async def test_training_the_same_again_changes_nothing(store: Store) -> None:
    spring = a_bundle("spring", scores={"a": 0.12})
    found = await registered(store, spring, spring)

    assert found[1] == (True, "it is in use")
    assert await statuses(store) == {"spring": "ACTIVE"}


async def test_whoever_rolls_back_stays_there_until_newer_ones_are_let_in(store: Store) -> None:
    await registered(
        store,
        a_bundle("spring", month=3, scores={"a": 0.12}),
        a_bundle("summer", month=6, scores={"a": 0.11}),
    )
    async with store.write() as write:
        back = await roll_back(write, model="ultra", stage=STAGE, now=NOW)
    assert (back.id, back.is_pinned, await in_use(store)) == ("spring", True, "spring")

    (better,) = await registered(store, a_bundle("autumn", month=8, scores={"a": 0.10}))
    assert better == (False, "spring was put to use by hand")
    assert await in_use(store) == "spring"

    async with store.write() as write:
        verdict = await let_newer_in(write, model="ultra", stage=STAGE, now=NOW)
    assert verdict is not None
    assert (verdict.is_in_use, await in_use(store)) == (True, "autumn")


async def test_letting_newer_ones_in_takes_a_rollback_back(store: Store) -> None:
    await registered(store, a_bundle("spring", month=3), a_bundle("summer"))
    async with store.write() as write:
        await roll_back(write, model="ultra", stage=STAGE, now=NOW)
        assert await in_use_in(write) == "spring"
        await let_newer_in(write, model="ultra", stage=STAGE, now=NOW)
        assert await in_use_in(write) == "summer"


async def test_letting_newer_ones_in_does_not_let_a_worse_one_in(store: Store) -> None:
    await registered(
        store, a_bundle("spring", month=3, scores={"a": 0.1}), a_bundle("summer", scores={"a": 0.2})
    )
    async with store.write() as write:
        verdict = await let_newer_in(write, model="ultra", stage=STAGE, now=NOW)
        none = await let_newer_in(write, model="ultra", stage=Stage.AFTER_SPRINT, now=NOW)

    assert verdict is not None
    assert (verdict.bundle.id, verdict.is_in_use, none) == ("summer", False, None)
    assert await in_use(store) == "spring"


async def test_the_first_bundle_cannot_be_rolled_back(store: Store) -> None:
    await registered(store, a_bundle("spring"))

    with pytest.raises(UnknownError, match="no bundle of ultra for AFTER_QUALIFYING was in use before"):
        async with store.write() as write:
            await roll_back(write, model="ultra", stage=STAGE, now=NOW)


def on_disk(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.json").write_text("{}")


def folders(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


async def test_pruning_keeps_what_is_in_use_what_was_and_what_forecasts_were_made_with(
    store: Store, tmp_path: Path
) -> None:
    race = a_race(2024, 4)
    made = a_forecast(race.id, STAGE, race.starts_at)
    receipt = replace(made.receipt, bundle_checksum="checksum-of-used")
    async with store.write() as write:
        await record_facts(write, facts_of(a_history([race], [a_result(race)])), now=race.ends_at)
        await store_forecast(write, replace(made, receipt=receipt), is_served=True, now=made.made_at)
    names = ["used", "before", "active", "worse-1", "worse-2", "worse-3"]
    scores = {"used": 0.5, "before": 0.4, "active": 0.3}
    bundles = [
        a_bundle(name, month=month, scores={"a": scores.get(name, 0.9)})
        for month, name in enumerate(names, start=1)
    ]
    await registered(store, *bundles)
    on_disk(tmp_path, *names, ".training-old", ".training-new")
    old = (NOW - timedelta(days=3)).timestamp()
    os.utime(tmp_path / ".training-old", (old, old))

    gone = await prune(store, tmp_path, keep=1, now=NOW)

    assert [bundle.id for bundle in gone] == ["worse-2", "worse-1"]
    assert set(await statuses(store)) == {"used", "before", "active", "worse-3"}
    assert folders(tmp_path) == {"used", "before", "active", "worse-3", ".training-new"}


def test_a_bundle_whose_folder_is_gone_cannot_be_shown(tmp_path: Path) -> None:
    on_disk(tmp_path, "there")

    told = described(a_bundle("there"), tmp_path)

    assert (told["bytes"], told["manifest"]) == (2, {"races": 40, "walk_forward": []})
    with pytest.raises(BundleError, match=r"gone is registered, but .*gone is gone: train it again"):
        described(a_bundle("gone"), tmp_path)
