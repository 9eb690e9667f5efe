"""Forecasts from the store: trained, made, judged and verified."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from f1graph.errors import BundleError, ForecastError, UnknownError
from f1graph.features.race_features import RaceFeatures
from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.make import distribution_of
from f1graph.forecasts.members import RATING, Models
from f1graph.forecasts.record import record_forecast
from f1graph.models.baselines import UniformEstimator, UniformPredictor
from f1graph.models.bundle import TENSORS_FILE
from f1graph.models.draws import OutcomeDistribution
from f1graph.models.protocol import Example
from f1graph.models.rating import RatingEstimator, RatingPredictor
from f1graph.races.calendar import Race
from f1graph.races.forecast import Forecast
from f1graph.races.results import Classification
from f1graph.races.stages import Stage, stage_window
from f1graph.store.bundles import BundleStatus, active_bundle, load_bundles, store_bundle
from f1graph.store.engine import Store, open_store
from f1graph.store.migrate import migrate
from tests.counting import Calls
from tests.databases import SqliteTemplates
from tests.features.races import recorded
from tests.forecasts.season import (
    NOW,
    a_forecaster,
    facts_at,
    fill_season,
    next_race,
    races_before,
    take_in,
    with_facts,
)

NEXT = next_race()
# The next weekend, when all of it is known.
MONDAY = NEXT.ends_at + timedelta(days=1)
TWELVE = sorted(driver.id for driver in facts_at().drivers)


@pytest.fixture
def url(tmp_path: Path, sqlite_templates: SqliteTemplates) -> str:
    return sqlite_templates.copy(tmp_path, fill_season)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def forecaster(store: Store, tmp_path: Path) -> Iterator[Forecaster]:
    made = a_forecaster(store, tmp_path)
    yield made
    made.close()


async def forecast_at(
    forecaster: Forecaster,
    race: Race = NEXT,
    stage: Stage = Stage.BEFORE_WEEKEND,
    *,
    cutoff: datetime = NOW,
    now: datetime | None = None,
) -> Forecast:
    """The served forecast."""
    made = await forecaster.forecast(race.id, stage, cutoff=cutoff, cause="asked", now=now or cutoff)
    return next(forecast for forecast, is_served in made if is_served)


def probabilities(forecast: Forecast) -> list[tuple[str, tuple[float, ...]]]:
    return [(entry.driver_id, entry.position_probabilities) for entry in forecast.entries]


def closes_at(race: Race, stage: Stage) -> datetime:
    window = stage_window(race, stage)
    assert window is not None
    return window.closes_at


async def statuses(store: Store) -> dict[str, BundleStatus]:
    async with store.read() as read:
        return {bundle.id: bundle.status for bundle in await load_bundles(read)}


async def test_the_next_race_gets_a_served_forecast_and_its_baselines(forecaster: Forecaster) -> None:
    made = await forecaster.forecast(NEXT.id, Stage.BEFORE_WEEKEND, cutoff=NOW, cause="a quiet week", now=NOW)

    assert [(one.model, is_served) for one, is_served in made] == [
        ("rating", True),
        ("uniform", False),
        ("championship", False),
    ]
    served = made[0][0]
    assert len(served.entries) == 12
    assert (served.invented, served.retrospective, served.cause) == (True, False, "a quiet week")
    assert [(member.model, member.is_baseline) for member in served.members] == [
        ("rating", False),
        ("championship", True),
        ("uniform", True),
    ]
    assert served.receipt.bundle_checksum is not None
    assert served.receipt.facts_version == len(facts_at().classifications)
    assert len(distribution_of(served).driver_ids) == 12


async def test_after_qualifying_the_grid_is_a_baseline_too(store: Store, forecaster: Forecaster) -> None:
    await take_in(store, facts_at(MONDAY), now=MONDAY)
    cutoff = closes_at(NEXT, Stage.AFTER_QUALIFYING)
    made = await forecaster.forecast(NEXT.id, Stage.AFTER_QUALIFYING, cutoff=cutoff, cause=None, now=cutoff)

    assert "grid" in {one.model.split("_")[0] for one, _ in made}
    assert max(entry.grid or 0 for entry in made[0][0].entries) > 1


async def test_the_second_forecast_uses_the_model_of_the_first(store: Store, forecaster: Forecaster) -> None:
    first = await forecast_at(forecaster)
    second = await forecast_at(forecaster, cutoff=NOW + timedelta(hours=1))

    assert first.receipt.bundle_checksum == second.receipt.bundle_checksum
    assert list((await statuses(store)).values()) == [BundleStatus.ACTIVE]


async def test_a_forecast_verifies_to_the_last_bit(store: Store, tmp_path: Path) -> None:
    """S15: a forecast is made again from what is stored here, with no source to ask."""
    first = a_forecaster(store, tmp_path)
    made = await first.forecast(NEXT.id, Stage.BEFORE_WEEKEND, cutoff=NOW, cause=None, now=NOW)
    first.close()
    # Another process, which has nothing but the store and the bundle.
    second = a_forecaster(store, tmp_path)
    found = [await second.verify(forecast) for forecast, _ in made]
    second.close()

    assert [one.differences for one in found] == [(), (), ()]
    assert all(one.identical and one.same_machine and one.largest_difference == 0 for one in found)


async def test_a_forecast_verifies_after_a_back_dated_fact(migrated_sqlite: str, tmp_path: Path) -> None:
    """A result that was stored late has the early `known_at` of its session; this forecast did not see it."""
    last = races_before()[-1]

    def without_the_last(fact: Classification) -> Classification | None:
        return None if (fact.race_id, fact.kind) == (last.id, "RACE") else fact

    store = open_store(migrated_sqlite)
    forecaster = a_forecaster(store, tmp_path)
    await take_in(store, with_facts(facts_at(), without_the_last, version="late"))
    forecast = await forecast_at(forecaster)
    await take_in(store, facts_at(MONDAY), now=MONDAY)
    knows_more = await forecast_at(forecaster)

    assert (await forecaster.verify(forecast)).holds
    assert probabilities(knows_more) != probabilities(forecast)
    forecaster.close()
    await store.close()


async def test_a_forecast_verifies_after_laps_were_imported(store: Store, forecaster: Forecaster) -> None:
    """Laps of years ago are known from the end of their session on; this forecast did not see them."""
    forecast = await forecast_at(forecaster)
    last = races_before()[-1]
    laps = replace(facts_at(), content_hash="laps", version="laps", recordings=tuple(recorded(last, TWELVE)))
    await take_in(store, laps)
    knows_more = await forecast_at(forecaster)

    assert (forecast.receipt.recordings_version, knows_more.receipt.recordings_version) == (
        0,
        len(laps.recordings),
    )
    assert knows_more.receipt.inputs_fingerprint != forecast.receipt.inputs_fingerprint
    assert (await forecaster.verify(forecast)).holds
    assert (await forecaster.verify(knows_more)).holds
    before_there_were_any = replace(forecast, receipt=replace(forecast.receipt, recordings_version=None))
    assert (await forecaster.verify(before_there_were_any)).holds


async def test_a_fact_that_was_changed_behind_the_back_of_a_forecast_is_noticed(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    forecast = await forecast_at(forecaster)
    last = races_before()[-1]

    def tampered(fact: Classification) -> Classification:
        return reversed_order(fact) if (fact.race_id, fact.kind) == (last.id, "RACE") else fact

    url = f"sqlite:///{tmp_path}/tampered.db"
    await migrate(url)
    other = open_store(url)
    await take_in(other, with_facts(facts_at(), tampered, version="tampered"))
    await copy_bundles(store, other)
    skeptic = a_forecaster(other, tmp_path)
    found = await skeptic.verify(forecast)
    skeptic.close()
    await other.close()

    assert not found.holds
    assert "the inputs are not the same" in found.differences[0]


async def copy_bundles(store: Store, other: Store) -> None:
    async with store.read() as read:
        bundles = await load_bundles(read)
    async with other.write() as write:
        for bundle in bundles:
            await store_bundle(write, bundle)


def reversed_order(fact: Classification) -> Classification:
    """The same list with the drivers from behind."""
    drivers = [row.driver_id for row in reversed(fact.rows)]
    rows = [replace(row, driver_id=driver) for row, driver in zip(fact.rows, drivers, strict=True)]
    return replace(fact, rows=tuple(rows))


def bundle_folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "bundles").iterdir()
    return folder


async def test_a_bundle_that_was_changed_cannot_verify_a_forecast(
    forecaster: Forecaster, tmp_path: Path
) -> None:
    forecast = await forecast_at(forecaster)
    tensors = bundle_folder(tmp_path) / TENSORS_FILE
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"\0")

    with pytest.raises(BundleError, match="was changed: its checksum is"):
        await forecaster.verify(forecast)


async def test_another_bundle_in_the_place_of_the_one_that_forecast_is_noticed(
    forecaster: Forecaster, tmp_path: Path
) -> None:
    """It is whole in itself; only the store knows which one it should be."""
    forecast = await forecast_at(forecaster)
    mine = bundle_folder(tmp_path)
    earlier = races_before()[-4]
    await forecast_at(forecaster, earlier, cutoff=closes_at(earlier, Stage.BEFORE_WEEKEND), now=NOW)
    (other,) = (folder for folder in (tmp_path / "bundles").iterdir() if folder != mine)
    shutil.rmtree(mine)
    other.rename(mine)

    with pytest.raises(BundleError, match=r"registered with the checksum \w+, on disk it has"):
        await forecaster.verify(forecast)


async def test_a_broken_bundle_is_replaced(store: Store, forecaster: Forecaster, tmp_path: Path) -> None:
    before = await forecast_at(forecaster)
    tensors = bundle_folder(tmp_path) / TENSORS_FILE
    tensors.write_bytes(b"half of")

    after = await forecast_at(forecaster)

    assert probabilities(after) == probabilities(before)
    assert (await forecaster.verify(after)).holds
    assert list((await statuses(store)).values()) == [BundleStatus.ACTIVE]
    assert [folder.name for folder in (tmp_path / "bundles").iterdir()] == [bundle_folder(tmp_path).name]


async def test_a_missing_bundle_is_replaced_by_one_that_knows_what_is_known_now(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    await forecast_at(forecaster)
    shutil.rmtree(tmp_path / "bundles")

    later = await forecast_at(forecaster, cutoff=NOW + timedelta(hours=1))

    assert (await forecaster.verify(later)).holds
    assert sorted((await statuses(store)).values()) == [BundleStatus.ACTIVE, BundleStatus.RETIRED]


async def test_p1_a_model_that_knows_the_future_never_forecasts_the_past(
    store: Store, forecaster: Forecaster
) -> None:
    earlier = races_before()[-4]
    cutoff = closes_at(earlier, Stage.BEFORE_WEEKEND)
    now = await forecast_at(forecaster)
    past = await forecast_at(forecaster, earlier, cutoff=cutoff, now=NOW)

    async with store.read() as read:
        bundles = {bundle.checksum: bundle for bundle in await load_bundles(read)}
        active = await active_bundle(read, model="rating", stage=Stage.BEFORE_WEEKEND)
    assert past.retrospective
    assert bundles[str(past.receipt.bundle_checksum)].cutoff <= cutoff
    # And the one that is trained for the past does not take the place of today's.
    assert active is not None
    assert active.checksum == now.receipt.bundle_checksum


@pytest.mark.parametrize("stage", Stage)
async def test_p1_nothing_learned_after_the_cutoff_changes_a_probability(
    stage: Stage, tmp_path: Path
) -> None:
    """End to end through two databases: one knows no more, the other a false future."""
    race = next(race for race in reversed(races_before()) if stage_window(race, stage) is not None)
    cutoff = closes_at(race, stage)

    def unknown(fact: Classification) -> Classification | None:
        return fact if fact.known_at <= cutoff else None

    def false(fact: Classification) -> Classification:
        return fact if fact.known_at <= cutoff else reversed_order(fact)

    found = []
    for name, change in (("unknown", unknown), ("false", false)):
        url = f"sqlite:///{tmp_path}/{name}/f1graph.db"
        await migrate(url)
        store = open_store(url)
        await take_in(store, with_facts(facts_at(), change, version=name))
        forecaster = a_forecaster(store, tmp_path / name)
        found.append(await forecast_at(forecaster, race, stage, cutoff=cutoff, now=NOW))
        forecaster.close()
        await store.close()

    without, lied_to = found
    assert without.receipt.inputs_fingerprint == lied_to.receipt.inputs_fingerprint
    assert probabilities(without) == probabilities(lied_to)
    assert without.id == lied_to.id


async def test_a_postponed_race_is_forecast_by_its_new_times(store: Store, forecaster: Forecaster) -> None:
    """The calendar changes without any new result: what was read before must not be used on."""
    await forecast_at(forecaster)
    week = timedelta(days=7)
    postponed = replace(
        NEXT,
        sessions=tuple(
            replace(session, starts_at=session.starts_at + week, ends_at=session.ends_at + week)
            for session in NEXT.sessions
        ),
    )
    races = tuple(postponed if race.id == NEXT.id else race for race in facts_at().races)
    await take_in(store, replace(facts_at(), races=races, content_hash="postponed"))

    # Before the change the stage was over by then.
    late = NEXT.weekend_starts_at + timedelta(days=1)
    forecast = await forecast_at(forecaster, cutoff=late)

    assert not forecast.retrospective


async def test_a_cutoff_after_the_stage_is_refused(forecaster: Forecaster) -> None:
    late = NEXT.weekend_starts_at + timedelta(days=1)
    with pytest.raises(ForecastError, match=r"BEFORE_WEEKEND of .* ends at"):
        await forecast_at(forecaster, cutoff=late)


async def test_an_unknown_race_is_named(forecaster: Forecaster) -> None:
    with pytest.raises(UnknownError, match="no race '1949-nowhere'"):
        await forecaster.forecast("1949-nowhere", Stage.BEFORE_WEEKEND, cutoff=NOW, cause=None, now=NOW)


async def test_a_forecast_follows_one_that_knew_no_more(store: Store, forecaster: Forecaster) -> None:
    race = races_before()[-1]
    early, late = Stage.BEFORE_WEEKEND, Stage.AFTER_QUALIFYING
    second = await record_forecast(store, forecaster, race, late, now=NOW, cause=None)
    first = await record_forecast(store, forecaster, race, early, now=NOW, cause=None)
    third = await record_forecast(store, forecaster, race, Stage.AFTER_PRACTICE, now=NOW, cause=None)

    assert (second.previous_id, first.previous_id, third.previous_id) == (None, None, first.id)


async def test_a_result_that_is_not_there_cannot_be_scored_against(
    store: Store, forecaster: Forecaster
) -> None:
    race = races_before()[-1]
    forecast = await record_forecast(store, forecaster, race, Stage.BEFORE_WEEKEND, now=NOW, cause=None)
    with pytest.raises(UnknownError, match="no revision 9"):
        await forecaster.score([forecast.id], race_id=race.id, revision=9)


async def test_t2_the_event_loop_answers_while_a_model_is_trained(store: Store, tmp_path: Path) -> None:
    """T2: health checks are answered by the loop that forecasts; it computes nothing of a model itself."""
    loop = asyncio.get_running_loop()
    answered: list[int] = []

    async def answer() -> None:
        async with store.read() as read:
            answered.append(await read.value(text("SELECT 1")))

    class Asking(RatingEstimator):
        """Begins to learn only after the loop has answered in the meantime."""

        def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> RatingPredictor:
            asyncio.run_coroutine_threadsafe(answer(), loop).result(timeout=30)
            return super().fit(examples, stage=stage, seed=seed)

    estimator = Asking()
    forecaster = a_forecaster(store, tmp_path, Models(served=estimator, at_once=estimator))
    with Calls() as calls:
        await forecast_at(forecaster)
    forecaster.close()

    assert answered == [1]
    computing = {Path(code.co_filename).parent.name for code in calls.functions} & {"features", "models"}
    assert computing == set()


async def test_a_forecast_that_is_given_up_begins_with_no_further_model(store: Store, tmp_path: Path) -> None:
    """Q5: a thread cannot be stopped from outside; it looks between two models whether anybody waits."""
    begun, go_on, asked = threading.Event(), threading.Event(), []

    @dataclass(frozen=True)
    class Slow(UniformPredictor):
        def predict(self, features: RaceFeatures, *, draws: int, seed: int) -> OutcomeDistribution:
            asked.append(seed)
            begun.set()
            go_on.wait()
            return super().predict(features, draws=draws, seed=seed)

    @dataclass(frozen=True)
    class SlowEstimator(UniformEstimator):
        def fit(self, examples: Sequence[Example], *, stage: Stage, seed: int) -> Slow:
            fitted = super().fit(examples, stage=stage, seed=seed)
            return Slow(fitted.stage, fitted.feature_names, fitted.retirement)

    models = Models(served=RATING, at_once=RATING, baselines=(SlowEstimator(),))
    forecaster = a_forecaster(store, tmp_path, models)
    forecasting = asyncio.create_task(forecast_at(forecaster))
    assert await asyncio.to_thread(begun.wait, 60)
    forecasting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forecasting
    go_on.set()
    await asyncio.to_thread(forecaster.close)

    # Beside the served model it spoke; its own forecast was not begun.
    assert len(asked) == 1
