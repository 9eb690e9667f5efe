"""Every way in which the hosts fail, on every page in turn: named, and the sound parts go on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import SessionPart
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import Allowance, Host, Part, ProblemCode, SessionAnswer, planned_calls
from tests.sources.fastf1.recorded import fetch, unpack_weekend
from tests.upstream import replayed_upstream

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
_SPRINT = "/static/2025/2025-11-30_Qatar_Grand_Prix/2025-11-29_Sprint/"
_LAPS = frozenset({Part.LAPS})
# Which part each page of the archive carries.
_PARTS_OF_PAGE = {
    "SessionInfo": frozenset({Part.SESSION}),
    "DriverList": frozenset({Part.SESSION}),
    "SessionStatus": _LAPS,
    "TimingData": _LAPS,
    "TimingAppData": _LAPS,
    "WeatherData": frozenset({Part.WEATHER}),
    "RaceControlMessages": frozenset({Part.RACE_CONTROL}),
    "TrackStatus": frozenset({Part.TRACK_STATUS}),
}
_CODE_OF_FAULT = {
    "403": ProblemCode.BLOCKED,
    "429": ProblemCode.RATE_LIMITED,
    "500": ProblemCode.UNAVAILABLE,
    "hang": ProblemCode.TIMED_OUT,
    "reset": ProblemCode.UNAVAILABLE,
    "truncate": ProblemCode.TRUNCATED,
    "html": ProblemCode.NOT_JSON,
    "empty": ProblemCode.EMPTY,
}


@pytest.fixture(scope="module")
def faulty() -> dict[str, tuple[str, SessionAnswer]]:
    """One fetch for each fault, each on another page."""
    two = asyncio.Semaphore(2)

    async def one(fault: str, page: str) -> SessionAnswer:
        async with two:
            # Only who hangs is not waited for: a busy machine answers late.
            patience = timedelta(seconds=1.5 if fault == "hang" else 30)
            with replayed_upstream([f"{_SPRINT}{page}.:{fault}"]) as upstream:
                return await fetch(upstream.url, "2025-qatar", SessionKind.SPRINT, call_timeout=patience)

    pages = dict(zip(_CODE_OF_FAULT, _PARTS_OF_PAGE, strict=True))

    async def every() -> list[SessionAnswer]:
        return await asyncio.gather(*(one(fault, page) for fault, page in pages.items()))

    answers = asyncio.run(every())
    return {fault: (page, answer) for (fault, page), answer in zip(pages.items(), answers, strict=True)}


@pytest.mark.parametrize("fault", _CODE_OF_FAULT)
def test_a_fault_on_one_page_is_named_and_costs_its_part_only(
    fault: str, faulty: dict[str, tuple[str, SessionAnswer]]
) -> None:
    page, answer = faulty[fault]

    assert _CODE_OF_FAULT[fault] in {failure.code for failure in answer.failures if page in failure.address}
    named = {problem.part for problem in answer.problems if problem.code is _CODE_OF_FAULT[fault]}
    assert _PARTS_OF_PAGE[page] <= named
    recorded = {Part(recording.part.value) for recording in answer.facts.recordings}
    lost = {problem.part for problem in answer.problems}
    assert recorded == {Part(part.value) for part in SessionPart} - lost
    assert len(recorded) >= 2


@pytest.mark.parametrize(
    ("fault", "code"), [("html", ProblemCode.NOT_JSON), ("429", ProblemCode.RATE_LIMITED)]
)
async def test_a_refused_ergast_leaves_no_made_up_result(
    fault: str, code: ProblemCode, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """S4: a source hides its errors and gives partial data."""
    cache = unpack_weekend("05-04_Sprint", tmp_path_factory.mktemp("miami"))
    with replayed_upstream([f"/ergast:{fault}"]) as upstream:
        answer = await fetch(upstream.url, "2024-miami", SessionKind.SPRINT, cache=cache)

    assert answer.facts.classifications == ()
    assert {(problem.part, problem.code) for problem in answer.problems} == {
        (Part.CLASSIFICATION, code),
        (Part.GRID, code),
    }
    assert SessionPart.LAPS in {recording.part for recording in answer.facts.recordings}


async def test_a_blocked_timing_host_leaves_the_race_result() -> None:
    """S1: the timing host blocks cloud addresses."""
    with replayed_upstream(["/static:403"]) as upstream:
        answer = await fetch(upstream.url, "2024-miami", SessionKind.RACE)

    kinds = {listed.kind for listed in answer.facts.classifications}
    assert kinds == {ClassificationKind.RACE, ClassificationKind.GRID}
    assert {problem.code for problem in answer.problems} == {ProblemCode.BLOCKED}
    assert {problem.part for problem in answer.problems} >= {Part.LAPS, Part.WEATHER, Part.RACE_CONTROL}
    planned = planned_calls(SessionKind.RACE)
    assert all(calls <= planned[host] for host, calls in answer.calls.items())


async def test_a_spent_budget_ends_the_fetch_without_waiting() -> None:
    allowance = Allowance({Host.SCHEDULE: 1, Host.LIVE_TIMING: 2, Host.ERGAST: 2}, timedelta(0))
    with replayed_upstream() as upstream:
        answer = await fetch(upstream.url, "2025-austria", SessionKind.PRACTICE_3, allowance=allowance)
        asked = [path for _, path in upstream.asked() if path.startswith("/static")]

    assert [problem.code for problem in answer.problems] == [ProblemCode.BUDGET_SPENT]
    assert len(asked) == 2
    assert answer.calls[Host.LIVE_TIMING] == 2


async def test_a_fetch_that_hangs_is_ended_at_its_deadline() -> None:
    with replayed_upstream(["/schedule:hang"]) as upstream:
        answer = await fetch(
            upstream.url, "2025-austria", SessionKind.PRACTICE_3, deadline=timedelta(seconds=0.5)
        )

    assert [(problem.part, problem.code) for problem in answer.problems] == [
        (Part.SESSION, ProblemCode.TIMED_OUT)
    ]
    assert answer.facts.recordings == ()


async def test_a_schedule_that_is_a_web_page_is_named() -> None:
    with replayed_upstream(["/schedule:html"]) as upstream:
        answer = await fetch(upstream.url, "2025-austria", SessionKind.PRACTICE_3)

    assert [(problem.part, problem.code) for problem in answer.problems] == [
        (Part.SESSION, ProblemCode.NOT_JSON)
    ]
