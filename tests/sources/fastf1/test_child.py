"""The child process against a small host of our own: a made-up season, answered by hand on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from f1graph.errors import UnknownError
from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationKind
from f1graph.sources.fastf1 import (
    Allowance,
    FastF1,
    Host,
    Hosts,
    Part,
    ProblemCode,
    SessionAnswer,
    planned_calls,
)
from tests.sources.fastf1.hand_made import DRIVERS, KNOWN, LAPS, NOW, RACE, TEAMS

_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
_ALL = Allowance(planned_calls(SessionKind.RACE), timedelta(0))
_ARCHIVE = "/static/2030/2030-06-02_Atlantis_Grand_Prix/2030-06-02_Race/"


def schedule() -> dict[str, dict[str, object]]:
    def of_each(*values: object) -> dict[str, object]:
        return {str(number): value for number, value in enumerate(values)}

    days = ("2030-05-03", "2030-05-17", "2030-06-02")
    names = ("Lemuria Grand Prix", "Hyperborea Grand Prix", RACE.name)
    sessions = ("Practice 1", "Practice 2", "Practice 3", "Qualifying", "Race")
    answer: dict[str, dict[str, object]] = {
        "round_number": of_each(1, 2, 3),
        "country": of_each("Lemuria", "Hyperborea", "Atlantis"),
        "location": of_each("Mu", "Thule", "Poseidonis"),
        "official_event_name": of_each("", "", ""),
        "event_date": of_each(*(f"{day}T00:00:00" for day in days)),
        "event_name": of_each(*names),
        "event_format": of_each("conventional", "conventional", "conventional"),
        "gmt_offset": of_each("02:00", "02:00", "00:00"),
        "f1_api_support": of_each(True, True, True),
    }
    for number, name in enumerate(sessions, start=1):
        answer[f"session{number}"] = of_each(name, name, name)
        answer[f"session{number}_date"] = of_each(*(f"{day}T{8 + number:02}:00:00" for day in days))
    return answer


def ergast_results(round_: int = 3) -> dict[str, object]:
    results = [
        {
            "number": str(place),
            "position": str(place),
            "positionText": str(place),
            "points": str(_POINTS[place - 1] if place <= len(_POINTS) else 0),
            "Driver": {
                "driverId": driver.last_name.lower(),
                "code": driver.code,
                "givenName": driver.first_name,
                "familyName": driver.last_name,
            },
            "Constructor": {"constructorId": "t", "name": TEAMS[(place - 1) // 2].name},
            "grid": "0" if place == len(DRIVERS) else str(place),
            "laps": str(LAPS),
            "status": "Finished",
            "Time": {"millis": "5400000", "time": "1:30:00.000" if place == 1 else f"+{place}.000"},
        }
        for place, driver in enumerate(DRIVERS, start=1)
    ]
    race = {
        "season": "2030", "round": str(round_), "raceName": RACE.name, "date": "2030-06-02",
        "Results": results,
        "Circuit": {"circuitId": "a", "circuitName": "A", "Location": {"country": "Atlantis"}},
    }  # fmt: skip
    return {
        "MRData": {
            "limit": "30", "offset": "0", "total": "20",
            "RaceTable": {"season": "2030", "round": str(round_), "Races": [race]},
        }
    }  # fmt: skip


def stream(*entries: tuple[str, object]) -> str:
    return "".join(f"{at}{json.dumps(entry)}\r\n" for at, entry in entries)


def pages() -> dict[str, str]:
    """Weather, flags and messages; the timing itself is refused, as a cloud address finds it."""
    weather = {
        "AirTemp": "21.5", "Humidity": "50.0", "Pressure": "1010.0", "Rainfall": "0",
        "TrackTemp": "30.0", "WindDirection": "180", "WindSpeed": "1.0",
    }  # fmt: skip
    message = {"Utc": "2030-06-02T13:05:00", "Category": "Flag", "Flag": "GREEN", "Message": "GREEN LIGHT"}
    return {
        "/schedule/schedule_2030.json": json.dumps(schedule()),
        "/ergast/f1/2030/3/results.json": json.dumps(ergast_results()),
        f"{_ARCHIVE}WeatherData.jsonStream": stream(("00:01:00.000", weather), ("00:02:00.000", weather)),
        f"{_ARCHIVE}TrackStatus.jsonStream": stream(
            ("00:00:00.000", {"Status": "1", "Message": "AllClear"}),
            ("00:10:00.000", {"Status": "4", "Message": "SCDeployed"}),
        ),
        f"{_ARCHIVE}RaceControlMessages.jsonStream": stream(("00:05:00.000", {"Messages": [message]})),
    }


@contextmanager
def a_host(
    answers: dict[str, str],
    *,
    silent: bool = False,
    was_asked: threading.Event | None = None,
    hangs_up_late: bool = False,
    drops: str = "",
) -> Iterator[tuple[str, list[str]]]:
    """Args:
    hangs_up_late: It keeps a connection until it is asked to close it, and then closes at the next request.
    drops: It drops the first request for a page whose address contains this.
    """
    asked: list[str] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if hangs_up_late else "HTTP/1.0"

        def handle_one_request(self) -> None:
            super().handle_one_request()
            if hangs_up_late and self.close_connection:
                self.connection.settimeout(0.5)
                with suppress(TimeoutError):
                    self.connection.recv(1)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(path)
            if drops and drops in path and asked.count(path) == 1:
                return
            if was_asked is not None:
                was_asked.set()
            if silent:
                over.wait()
                return
            body = answers.get(path, "{}").encode()
            self.send_response(200 if path in answers else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def source_at(
    url: str,
    *,
    cache: Path | None = None,
    seconds: float = 60,
    call_timeout: timedelta = timedelta(seconds=15),
) -> FastF1:
    hosts = Hosts(url, url, f"{url}/schedule/", f"{url}/ergast/f1")
    return FastF1(hosts=hosts, cache=cache, deadline=timedelta(seconds=seconds), call_timeout=call_timeout)


async def fetch(source: FastF1, allowance: Allowance = _ALL) -> SessionAnswer:
    return await source.fetch_session(
        RACE, SessionKind.RACE, known=KNOWN, allowance=allowance, use_cache=False, now=NOW
    )


async def test_a_blocked_timing_leaves_result_weather_and_messages() -> None:
    """S1: the timing host blocks cloud addresses."""
    with a_host(pages()) as (url, asked):
        answer = await fetch(source_at(url))

    kinds = [listed.kind for listed in answer.facts.classifications]
    assert kinds == [ClassificationKind.RACE, ClassificationKind.GRID]
    assert [row.driver_id for row in answer.facts.classifications[0].rows] == [d.id for d in DRIVERS]
    recorded = {recording.part.value for recording in answer.facts.recordings}
    assert recorded == {"WEATHER", "TRACK_STATUS", "RACE_CONTROL"}
    blocked = {problem.part for problem in answer.problems if problem.code is ProblemCode.BLOCKED}
    assert blocked == {Part.SESSION, Part.LAPS}
    # Nothing went out unseen, and telemetry was never asked for.
    assert sum(answer.calls.values()) == len(asked)
    assert not any("CarData" in path or "Position.z" in path for path in asked)


async def test_an_ergast_that_answers_about_another_race_is_not_believed() -> None:
    """S5: a source answers about another race than the one asked for."""
    answers = pages() | {"/ergast/f1/2030/3/results.json": json.dumps(ergast_results(round_=2))}
    with a_host(answers) as (url, _):
        answer = await fetch(source_at(url))

    assert answer.facts.classifications == ()
    wrong = {problem.part for problem in answer.problems if problem.code is ProblemCode.WRONG_RACE}
    assert wrong == {Part.CLASSIFICATION, Part.GRID}


async def test_a_host_that_is_not_in_the_budget_is_never_asked() -> None:
    with a_host(pages()) as (url, asked):
        answer = await fetch(source_at(url), Allowance({Host.SCHEDULE: 1}, timedelta(0)))

    assert asked == ["/schedule/schedule_2030.json"]
    assert [problem.code for problem in answer.problems] == [ProblemCode.BUDGET_SPENT]


async def test_a_host_that_closes_late_loses_no_call() -> None:
    """S4: FastF1 asks the archive to close each connection; the next call must not be sent on it."""
    with a_host(pages(), hangs_up_late=True) as (url, _):
        answer = await fetch(source_at(url))

    assert {failure.code for failure in answer.failures} == {ProblemCode.BLOCKED}
    recorded = {recording.part.value for recording in answer.facts.recordings}
    assert recorded == {"WEATHER", "TRACK_STATUS", "RACE_CONTROL"}


async def test_what_the_archive_drops_the_mirror_is_asked() -> None:
    """S1, S4: a call without an answer is as good a reason for the mirror as a refusal."""
    with a_host(pages(), drops="WeatherData") as (url, asked):
        answer = await fetch(source_at(url))

    assert asked.count(f"{_ARCHIVE}WeatherData.jsonStream") == 2
    recorded = {recording.part.value for recording in answer.facts.recordings}
    assert recorded == {"WEATHER", "TRACK_STATUS", "RACE_CONTROL"}
    dropped = [failure for failure in answer.failures if "WeatherData" in failure.address]
    assert [(one.host, one.code) for one in dropped] == [(Host.LIVE_TIMING, ProblemCode.UNAVAILABLE)]
    planned = planned_calls(SessionKind.RACE)
    assert all(calls <= planned[host] for host, calls in answer.calls.items())


async def test_a_silent_host_costs_the_deadline_and_no_more() -> None:
    """The host says nothing until the test is over, and a call may wait for an hour."""
    with a_host({}, silent=True) as (url, _):
        async with asyncio.timeout(60):
            answer = await fetch(source_at(url, seconds=1, call_timeout=timedelta(hours=1)))

    assert [problem.code for problem in answer.problems] == [ProblemCode.TIMED_OUT]


async def test_a_fetch_that_is_cancelled_leaves_no_process() -> None:
    was_asked = threading.Event()
    with a_host({}, silent=True, was_asked=was_asked) as (url, _):
        fetching = asyncio.create_task(fetch(source_at(url)))
        assert await asyncio.to_thread(was_asked.wait, 30)
        (child,) = [
            process
            for process in psutil.Process().children()
            if "f1graph.sources.fastf1.child" in process.cmdline()
        ]
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    assert not child.is_running()


async def test_a_schedule_is_read_in_utc() -> None:
    with a_host(pages()) as (url, _):
        answer = await source_at(url).fetch_schedule(2030, allowance=Allowance(planned_calls(None)), now=NOW)

    assert answer.problems == ()
    assert [race.round for race in answer.races] == [1, 2, 3]
    start = answer.races[0].session(SessionKind.RACE)
    assert start is not None
    assert start.starts_at.isoformat() == "2030-05-03T11:00:00+00:00"


async def test_a_schedule_of_another_year_moves_no_race() -> None:
    """S5: last year's calendar has the same races under the same names and rounds."""
    answers = {"/schedule/schedule_2031.json": json.dumps(schedule())}
    with a_host(answers) as (url, _):
        answer = await source_at(url).fetch_schedule(2031, allowance=Allowance(planned_calls(None)), now=NOW)

    assert answer.races == ()
    (problem,) = answer.problems
    assert problem.code is ProblemCode.WRONG_RACE
    assert problem.reason == "the schedule of 2031 has sessions in 2030"


async def test_a_session_that_nobody_drives_is_an_error_of_the_caller() -> None:
    with pytest.raises(UnknownError, match="no warm_up of 2030"):
        await source_at("http://127.0.0.1:9").fetch_session(
            RACE, SessionKind.WARM_UP, known=KNOWN, allowance=_ALL, use_cache=False, now=NOW
        )


@pytest.mark.parametrize("module", ["f1graph.api.app", "f1graph.sources.fastf1"])
def test_importing_loads_neither_fastf1_nor_pandas(module: str) -> None:
    """S14: the cache is pickle that a new version cannot read."""
    heavy = "{'fastf1', 'pandas', 'matplotlib', 'torch'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
