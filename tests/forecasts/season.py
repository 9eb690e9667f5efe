"""A small invented championship in a store, and a forecaster of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.members import Models, models_of
from f1graph.races.calendar import Race
from f1graph.races.facts import Facts
from f1graph.races.results import Classification
from f1graph.sources.invented.championship import championship
from f1graph.store.engine import Store
from f1graph.store.facts import record_facts

# A Wednesday: the last weekend is over, the next one has not begun.
NOW = datetime(2025, 6, 18, 12, tzinfo=UTC)
FIRST_SEASON = 2023


@cache
def facts_at(now: datetime = NOW) -> Facts:
    """All that is known at a moment of three seasons with twelve races and twelve drivers."""
    seasons = now.year - FIRST_SEASON + 1
    return championship(seed=7, seasons=seasons, now=now, races_per_season=12, teams=6).facts


async def fill_season(store: Store) -> None:
    """The facts that are known at `NOW`."""
    await take_in(store, facts_at())


async def take_in(store: Store, facts: Facts, *, now: datetime = NOW) -> None:
    async with store.write() as write:
        await record_facts(write, facts, now=now)


def next_race(now: datetime = NOW) -> Race:
    return next(race for race in facts_at().races if race.weekend_starts_at > now)


def races_before(now: datetime = NOW) -> list[Race]:
    return [race for race in facts_at().races if race.ends_at < now]


def a_forecaster(store: Store, folder: Path, models: Models | None = None) -> Forecaster:
    """Of the rating, unless other models are given."""
    return Forecaster(
        store, bundles=folder / "bundles", train_from=FIRST_SEASON, models=models or models_of("rating")
    )


def with_facts(
    facts: Facts, change: Callable[[Classification], Classification | None], *, version: str
) -> Facts:
    """The same championship, in which each list says what `change` makes of it; None takes it out."""
    changed = (change(fact) for fact in facts.classifications)
    return replace(
        facts,
        version=version,
        content_hash=version,
        classifications=tuple(fact for fact in changed if fact is not None),
    )
