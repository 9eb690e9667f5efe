"""A weekend on a cloud address: the timing host answers nothing but 403, the results come as ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from f1graph.api.app import create_app
from f1graph.forecasts.forecaster import Forecaster
from f1graph.forecasts.members import models_of
from f1graph.races.calendar import SessionKind
from f1graph.settings import Settings
from f1graph.sources.fastf1 import Host, Part, Problem, ProblemCode
from f1graph.store.engine import Store
from f1graph.weekends.intake import take_in
from f1graph.weekends.run import run_due
from tests.builders import a_season
from tests.weekends.recorded import (
    MovingClock,
    RecordedSessions,
    RecordedSource,
    a_recorded_source,
    fetches_of,
)

SEASONS = (*a_season(2023, 12), *a_season(2024, 3))
RACE = SEASONS[-2]
QUERY = """query ($race: ID!) {
  race(id: $race) { forecasts { nodes { stage missingInputs { input } } } }
  service { sources { name lastProblem { code reason } } }
  refreshes(race: $race, first: 100) { nodes { problems { part code host } } }
}"""


def refused(part: Part) -> Problem:
    return Problem(part, ProblemCode.BLOCKED, "the archive answered 403", Host.LIVE_TIMING)


async def test_forecasts_are_made_from_results_alone_and_say_what_they_lacked(
    sqlite_store: Store, migrated_sqlite: str, clock: MovingClock, tmp_path: Path
) -> None:
    """S1: the missing inputs are on the forecast, and the service's health says which source is down."""
    whole = a_recorded_source(SEASONS)
    await take_in(sqlite_store, whole, now=clock.now)
    f1db = RecordedSource(whole.races, [fact for fact in whole.facts if fact.known_at <= clock.now])
    sessions = RecordedSessions(whole)
    for session in RACE.sessions:
        # The order of a practice is in the timing only; of qualifying and the race others know it.
        by_timing_only = session.kind not in (SessionKind.QUALIFYING, SessionKind.RACE)
        problem = refused(Part.SESSION if by_timing_only else Part.LAPS)
        sessions.problems[session.kind] = [((problem,), by_timing_only)] * 100
    forecaster = Forecaster(
        sqlite_store, bundles=tmp_path / "bundles", train_from=2023, models=models_of("rating")
    )
    try:
        while clock.now < RACE.starts_at:
            await run_due(
                sqlite_store,
                f1db,
                forecaster,
                clock=clock,
                worker_name="worker",
                sessions=fetches_of(sessions),
            )
            # The last look is when the final grid is known, half an hour before the start.
            last = RACE.starts_at - timedelta(minutes=30)
            clock.now = RACE.starts_at if clock.now == last else min(clock.now + timedelta(hours=2), last)
    finally:
        forecaster.close()

    found = ask(migrated_sqlite, clock)
    # Newest first: the last word on each stage.
    nodes = reversed(found["race"]["forecasts"]["nodes"])
    lacked = {one["stage"]: [said["input"] for said in one["missingInputs"]] for one in nodes}
    assert lacked == {
        "BEFORE_WEEKEND": [],
        "AFTER_PRACTICE": ["practice"],
        "AFTER_QUALIFYING": ["practice"],
    }
    (fastf1,) = [one for one in found["service"]["sources"] if one["name"] == "fastf1"]
    assert fastf1["lastProblem"] == {"code": "BLOCKED", "reason": "the archive answered 403"}
    problems = [one for node in found["refreshes"]["nodes"] for one in node["problems"]]
    assert {(one["code"], one["host"]) for one in problems} == {("BLOCKED", "live_timing")}


def ask(url: str, clock: MovingClock) -> Any:
    with TestClient(create_app(Settings(database_url=url), clock=clock)) as client:
        assert client.get("/readyz").status_code == 200
        answer = client.post("/graphql", json={"query": QUERY, "variables": {"race": RACE.id}}).json()
    assert "errors" not in answer, answer
    return answer["data"]
