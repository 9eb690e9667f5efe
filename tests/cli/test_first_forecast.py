"""What `f1graph up` shows first: the next race's forecast, as of its own clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from f1graph.cli.up import first_forecast
from f1graph.races.stages import Stage
from f1graph.store.engine import Store, open_store
from f1graph.store.facts import record_facts
from f1graph.store.forecasts import store_forecast
from f1graph.store.ledger import claim, fail
from tests.api.seed import a_forecast, facts_of
from tests.builders import a_history, a_result, a_season

RACE, NEXT = a_season(2024, 2)
THURSDAY = RACE.weekend_starts_at - timedelta(days=1)
SATURDAY = RACE.starts_at - timedelta(hours=20)
THEN = a_forecast(RACE.id, Stage.BEFORE_WEEKEND, THURSDAY - timedelta(hours=1))
LATER = a_forecast(RACE.id, Stage.AFTER_QUALIFYING, SATURDAY)


@pytest.fixture
async def store(migrated_sqlite: str) -> AsyncIterator[Store]:
    opened = open_store(migrated_sqlite)
    async with opened.write() as write:
        await record_facts(write, facts_of(a_history([RACE, NEXT], [a_result(RACE)])), now=RACE.ends_at)
    yield opened
    await opened.close()


async def test_a_weekend_lived_again_does_not_begin_with_what_was_said_at_its_end(store: Store) -> None:
    async with store.write() as write:
        for forecast in (THEN, LATER):
            await store_forecast(write, forecast, is_served=True, now=forecast.made_at)

    shown = await first_forecast(store, RACE.id, lambda: THURSDAY)

    assert shown is not None
    assert shown.id == THEN.id


async def test_the_failure_of_another_race_is_not_told_of_this_one(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    async with store.write() as write:
        for race, error in ((NEXT, "nobody is entered"), (RACE, "too few races")):
            key = f"FORECAST/{race.id}"
            await claim(
                write,
                key,
                kind="FORECAST",
                worker="one",
                now=THURSDAY,
                lease=timedelta(minutes=1),
                race_id=race.id,
            )
            await fail(write, key, worker="one", now=THURSDAY, error=error, pause=timedelta(minutes=1))

    assert await first_forecast(store, RACE.id, lambda: THURSDAY) is None

    said = capsys.readouterr().out
    assert "too few races" in said
    assert "nobody is entered" not in said
