"""Forecasts of an ensemble from the store: until it is trained, afterwards, and when it breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from f1graph.errors import BundleError
from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.make import distribution_of
from f1graph.forecasts.members import RATING, Models
from f1graph.models.bundle import TENSORS_FILE
from f1graph.races.forecast import Forecast
from f1graph.races.stages import Stage
from f1graph.store.bundles import load_bundles
from f1graph.store.engine import Store, open_store
from f1graph.store.forecasts import load_forecast, store_forecast
from tests.databases import SqliteTemplates
from tests.forecasts.pool import PoolEstimator, train_pool
from tests.forecasts.season import NOW, a_forecaster, fill_season, next_race

NEXT = next_race()
STAGE = Stage.BEFORE_WEEKEND
MODELS = Models(served=PoolEstimator(), at_once=RATING)


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
    made = a_forecaster(store, tmp_path, MODELS)
    yield made
    made.close()


async def forecast(forecaster: Forecaster, *, cutoff: datetime = NOW) -> Forecast:
    """The served one."""
    made = await forecaster.forecast(NEXT.id, STAGE, cutoff=cutoff, cause="asked", now=cutoff)
    return next(one for one, is_served in made if is_served)


async def stored(store: Store, made: Forecast) -> Forecast:
    """As it comes back from the database."""
    async with store.write() as write:
        await store_forecast(write, made, is_served=True, now=made.made_at)
        return await load_forecast(write, made.id)


async def test_until_the_ensemble_is_trained_the_rating_speaks_and_says_so(
    store: Store, forecaster: Forecaster
) -> None:
    found = await stored(store, await forecast(forecaster))

    assert found.model == "rating"
    assert found.missing_members == (("ultra", "no trained model of it is in use for BEFORE_WEEKEND"),)


async def test_a_trained_ensemble_is_served_with_its_members_and_verifies(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    verdict = await train_pool(store, tmp_path)

    made = await forecast(forecaster)
    found = await stored(store, made)

    assert verdict.bundle.version == "ultra-1.0+2025.4"
    assert (found.model, found.model_version) == ("ultra", "ultra-1.0+2025.4")
    assert found.receipt.bundle_checksum == verdict.bundle.checksum
    assert found.missing_members == ()
    assert [(view.model, view.weight) for view in found.members] == [
        ("rating", 0.75),
        ("championship", 0.25),
        ("uniform", None),
    ]
    assert (found.entries, found.members, found.consensus) == (made.entries, made.members, made.consensus)
    other_process = a_forecaster(store, tmp_path, MODELS)
    verified = await other_process.verify(found)
    other_process.close()
    assert (verified.differences, verified.identical, verified.largest_difference) == ((), True, 0)


async def test_t9_a_stored_forecast_of_an_ensemble_does_not_contradict_itself(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    """T9: rows and columns of the positions sum to 1, and a win is no likelier than a podium."""
    await train_pool(store, tmp_path)
    found = await stored(store, await forecast(forecaster))
    drawn = distribution_of(found)

    columns = [sum(entry.position_probabilities[place] for entry in found.entries) for place in range(12)]
    assert columns == pytest.approx([1.0] * 12, abs=1e-6)
    for entry in found.entries:
        assert sum(entry.position_probabilities) == pytest.approx(1, abs=1e-6)
        assert entry.win <= entry.podium <= entry.points <= 1
        causes = (entry.mechanical or 0) + (entry.accident or 0) + (entry.other or 0)
        assert causes == pytest.approx(entry.retirement, abs=1e-9)
        assert entry.aleatoric is not None
        assert entry.epistemic is not None
        assert entry.aleatoric > 0 <= entry.epistemic
        assert 0 <= (entry.confidence or -1) <= 1
    first, second = found.driver_ids[:2]
    # Of two that retire, the one that drove longer is ahead: one of them always is.
    assert drawn.ahead(first, second) + drawn.ahead(second, first) == pytest.approx(1)


def break_member(folder: Path, member: str, *, remove: bool) -> None:
    (bundle,) = (path for path in folder.iterdir() if path.name.startswith("ultra"))
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(bundle / TENSORS_FILE).items():
        if name.startswith(f"{member}/"):
            if remove:
                continue
            tensor.view(-1)[0] += 1
        tensors[name] = tensor
    save_file(tensors, bundle / TENSORS_FILE)


@pytest.mark.parametrize("remove", [True, False], ids=["missing", "broken"])
async def test_t8_without_a_member_the_ensemble_still_forecasts_and_says_so(
    store: Store, forecaster: Forecaster, tmp_path: Path, remove: bool
) -> None:
    """T8: with renormalised weights."""
    await train_pool(store, tmp_path)
    whole = await forecast(forecaster)
    break_member(tmp_path / "bundles", "rating", remove=remove)

    found = await stored(store, await forecast(forecaster))

    assert found.model == "ultra"
    assert found.missing_members == (("rating", "its part of the bundle is missing"),)
    assert [(view.model, view.weight) for view in found.members if not view.is_baseline] == [
        ("championship", 1.0)
    ]
    assert found.draws != whole.draws
    assert sum(entry.win for entry in found.entries) == pytest.approx(1)
    # What was made without the member verifies without it; what was made with it does not.
    assert (await forecaster.verify(found)).holds
    with pytest.raises(BundleError, match="was changed: its checksum of rating"):
        await forecaster.verify(whole)


async def test_t8_an_ensemble_that_cannot_be_read_leaves_it_to_the_rating(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    await train_pool(store, tmp_path)
    (bundle,) = (tmp_path / "bundles").iterdir()
    (bundle / TENSORS_FILE).write_bytes(b"half of")

    found = await forecast(forecaster)

    assert found.model == "rating"
    ((model, why),) = found.missing_members
    assert model == "ultra"
    assert "was changed" in why


async def test_p1_an_ensemble_that_knows_the_future_leaves_the_past_to_the_rating(
    store: Store, forecaster: Forecaster, tmp_path: Path
) -> None:
    verdict = await train_pool(store, tmp_path)

    found = await forecast(forecaster, cutoff=NOW - timedelta(hours=1))

    assert found.model == "rating"
    assert found.missing_members == (
        ("ultra", f"{verdict.bundle.id}, which is in use, knows more than this forecast may"),
    )


async def test_a_worse_candidate_does_not_speak(store: Store, forecaster: Forecaster, tmp_path: Path) -> None:
    good = await train_pool(store, tmp_path)
    worse = await train_pool(
        store, tmp_path, cutoff=NOW + timedelta(hours=1), estimator=PoolEstimator(score=0.2)
    )

    found = await forecast(forecaster, cutoff=NOW + timedelta(hours=2))

    assert (worse.is_in_use, found.receipt.bundle_checksum) == (False, good.bundle.checksum)
    async with store.read() as read:
        of_ultra = {bundle.id: bundle.manifest for bundle in await load_bundles(read, model="ultra")}
    (score,) = of_ultra[worse.bundle.id]["walk_forward"]
    assert (score["measure"], score["count"]) == ("RANKED_PROBABILITY", 10)
    assert score["value"] == pytest.approx(0.2)
