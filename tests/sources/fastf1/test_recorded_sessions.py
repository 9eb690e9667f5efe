"""Real sessions from the recorded upstream: what FastF1 gives is what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from f1graph.races.calendar import SessionKind, WeekendFormat
from f1graph.races.laps import SessionPart
from f1graph.races.results import ClassificationKind, ClassificationRow, Status
from f1graph.sources.fastf1 import (
    Allowance,
    FastF1,
    Host,
    Part,
    ProblemCode,
    SessionAnswer,
    planned_calls,
)
from tests.sources.fastf1.recorded import (
    NOW,
    RAW_SESSIONS,
    fetch,
    hosts_at,
    published,
    race_of,
    unpack_weekend,
)
from tests.upstream import replayed_upstream

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
Answers = dict[tuple[str, SessionKind], SessionAnswer]


@pytest.fixture(scope="module")
def weekends(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Miami 2024, a sprint weekend, and Abu Dhabi 2024, a conventional one, out of FastF1's caches."""
    caches = [
        (race_id, unpack_weekend(folder, tmp_path_factory.mktemp(race_id)))
        for race_id, folder in (("2024-miami", "Miami"), ("2024-abu-dhabi", "Abu_Dhabi"))
    ]
    with replayed_upstream() as upstream:

        async def weekend(race_id: str, cache: Path) -> Answers:
            return {
                (race_id, session.kind): await fetch(upstream.url, race_id, session.kind, cache=cache)
                for session in race_of(race_id).sessions
            }

        async def both() -> list[Answers]:
            return await asyncio.gather(*(weekend(race_id, cache) for race_id, cache in caches))

        first, second = asyncio.run(both())
    return first | second


@pytest.fixture(scope="module")
def raw_sessions() -> Answers:
    """The seven sessions whose raw streams were recorded, asked without any cache, two at a time."""
    two = asyncio.Semaphore(2)
    with replayed_upstream() as upstream:

        async def one(race_id: str, session: SessionKind) -> SessionAnswer:
            async with two:
                return await fetch(upstream.url, race_id, session)

        async def all_of_them() -> list[SessionAnswer]:
            return await asyncio.gather(*(one(*session) for session in RAW_SESSIONS))

        return dict(zip(RAW_SESSIONS, asyncio.run(all_of_them()), strict=True))


def the_same_in_both(row: ClassificationRow, kind: ClassificationKind) -> tuple[object, ...]:
    what = (row.order, row.position, row.driver_id, row.constructor_id, row.car_number, row.status)
    if kind.session is SessionKind.QUALIFYING or kind is ClassificationKind.SPRINT_QUALIFYING:
        return (*what, row.q1, row.q2, row.q3)
    if kind in (ClassificationKind.GRID, ClassificationKind.SPRINT_GRID):
        return what
    timed = (*what, row.time, row.gap, row.laps)
    if kind in (ClassificationKind.RACE, ClassificationKind.SPRINT):
        return (*timed, row.gap_laps, row.points, row.grid_position, row.fastest_lap)
    return timed


def test_a_sprint_and_a_conventional_weekend_are_classified_as_published(weekends: Answers) -> None:
    kinds = set()
    for (race_id, _), answer in weekends.items():
        for given in answer.facts.classifications:
            expected = published(race_id, given.kind)
            kinds.add((race_id, given.kind))
            assert [the_same_in_both(row, given.kind) for row in given.rows] == [
                the_same_in_both(row, given.kind) for row in expected.rows
            ], (race_id, given.kind)
    assert len(kinds) == 7 + 6  # Miami: practice, two qualifyings, two races and their grids


def test_a_pit_lane_start_is_on_the_grid_without_a_place(weekends: Answers) -> None:
    lists = weekends["2024-miami", SessionKind.SPRINT].facts.classifications
    grid = next(listed for listed in lists if listed.kind is ClassificationKind.SPRINT_GRID)

    assert [row.driver_id for row in grid.rows if row.status is Status.PIT_LANE] == ["alexander-albon"]


def test_every_session_brings_laps_weather_and_flags(weekends: Answers, raw_sessions: Answers) -> None:
    for asked, answer in (weekends | raw_sessions).items():
        parts = {recording.part: recording for recording in answer.facts.recordings}
        assert {SessionPart.LAPS, SessionPart.WEATHER, SessionPart.TRACK_STATUS} <= set(parts), asked
        assert parts[SessionPart.LAPS].missing is None, asked


def test_missing_messages_of_race_control_are_named(weekends: Answers) -> None:
    answer = weekends["2024-abu-dhabi", SessionKind.PRACTICE_1]

    named = {(problem.part, problem.code) for problem in answer.problems}
    assert named == {
        (Part.RACE_CONTROL, ProblemCode.UNAVAILABLE),
        (Part.CLASSIFICATION, ProblemCode.INCOMPLETE),
    }


def test_a_practice_of_2020_is_ordered_as_published(raw_sessions: Answers) -> None:
    given = raw_sessions["2020-70th-anniversary", SessionKind.PRACTICE_2].facts.classifications[0]
    expected = published("2020-70th-anniversary", ClassificationKind.PRACTICE_2)

    assert [(row.driver_id, row.time) for row in given.rows] == [
        (row.driver_id, row.time) for row in expected.rows
    ]


def test_no_fetch_needs_more_calls_than_planned(raw_sessions: Answers) -> None:
    for (_, session), answer in raw_sessions.items():
        planned = planned_calls(session)
        assert all(calls <= planned[host] for host, calls in answer.calls.items())
        assert answer.calls[Host.LIVE_TIMING] == planned[Host.LIVE_TIMING]
        assert len(answer.raw_hashes) == sum(answer.calls.values())


def leaves(value: Any) -> Iterator[Any]:
    if is_dataclass(value):
        for field in fields(value):
            yield from leaves(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_nothing_of_pandas_and_no_naive_time_leaves_the_source(
    weekends: Answers, raw_sessions: Answers
) -> None:
    """S11: local date and UTC date differ, and data frames hold naive times, NaT and NaN."""
    for answer in (weekends | raw_sessions).values():
        for leaf in leaves(answer.facts):
            assert leaf is None or isinstance(leaf, Enum) or type(leaf) in (
                str, int, float, bool, datetime, timedelta,
            ), leaf  # fmt: skip
            assert leaf == leaf, "NaN is unequal to itself"
            if isinstance(leaf, datetime):
                assert leaf.utcoffset() == timedelta(0)


def test_a_session_stays_under_a_gigabyte(weekends: Answers, raw_sessions: Answers) -> None:
    """S13: telemetry is what fills memory and disk."""
    peaks = [answer.peak_memory for answer in (weekends | raw_sessions).values()]
    assert min(peaks) > 50_000_000  # each was told
    assert max(peaks) < 1_000_000_000


async def test_a_deleted_cache_changes_nothing(raw_sessions: Answers, tmp_path: Path) -> None:
    """S14: the cache is pickle that a new version cannot read."""
    asked = ("2025-austria", SessionKind.PRACTICE_3)
    with replayed_upstream() as upstream:
        with_cache = await fetch(upstream.url, *asked, cache=tmp_path / "cache")

    assert with_cache.facts.content_hash == raw_sessions[asked].facts.content_hash


@pytest.mark.parametrize(
    ("season", "format_of_sprints", "sprints"),
    [
        (2021, WeekendFormat.SPRINT_SETS_GRID, 3),
        (2022, WeekendFormat.SPRINT_SETS_GRID, 3),
        (2023, WeekendFormat.SPRINT_AFTER_QUALIFYING, 6),
        (2024, WeekendFormat.SPRINT_BEFORE_QUALIFYING, 6),
    ],
)
async def test_a_schedule_tells_each_kind_of_sprint_weekend(
    season: int, format_of_sprints: WeekendFormat, sprints: int
) -> None:
    """S8: three sprint formats in four years."""
    with replayed_upstream() as upstream:
        source = FastF1(hosts=hosts_at(upstream.url), cache=None, deadline=timedelta(seconds=30))
        answer = await source.fetch_schedule(season, allowance=Allowance(planned_calls(None)), now=NOW)

    assert answer.problems == ()
    with_sprint = [race for race in answer.races if race.session(SessionKind.SPRINT) is not None]
    assert {race.format for race in with_sprint} == {format_of_sprints}
    assert len(with_sprint) == sprints
