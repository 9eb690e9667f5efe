"""A made-up weekend lived from two days before to thirty days after, with FastF1 and answers of our own."""

from __future__ import annotations

from datetime import timedelta

from f1graph.races.calendar import SessionKind
from f1graph.races.results import ClassificationKind, Status
from f1graph.sources.fastf1 import FastF1, Hosts
from f1graph.store.engine import Store
from f1graph.store.ledger import WorkStatus
from f1graph.store.results import classifications_known, revisions_known
from f1graph.weekends.intake import take_in
from f1graph.weekends.work import WorkKind, fetch_key
from tests.sources.fastf1.hand_made import DRIVERS
from tests.sources.fastf1.test_child import a_host
from tests.weekends.atlantis import ENTRY_LIST, RACE, Release, address, ergast, everything, race_result
from tests.weekends.lived import EngineOfRealNames, lived

WEATHER = address(SessionKind.PRACTICE_1, "WeatherData")
ORDER = [driver.id for driver in DRIVERS]
CAR_2 = ORDER[1]
HELD_BY_ALL = ("+30min", "+120min", "+720min", "+4320min", "+43200min")


async def test_a_weekend_is_lived_with_a_blocked_page_on_its_first_day_and_a_disqualification_on_its_last(
    sqlite_store: Store,
) -> None:
    """S1, S4, S6, S7: each stage once, each session at its times, the page repaired, the revision scored."""
    served = everything()
    weather = served.pop(WEATHER)  # refused, at first
    with a_host(served) as (url, asked):
        hosts = Hosts(url, url, f"{url}/schedule/", f"{url}/ergast/f1")
        source = FastF1(hosts=hosts, cache=None, deadline=timedelta(seconds=60))
        engine = EngineOfRealNames(entry_lists=[ENTRY_LIST])
        async with lived(RACE, sqlite_store, Release(), engine, source) as weekend:
            await take_in(weekend.store, weekend.source, now=weekend.clock.now)
            practice = RACE.sessions[0]
            await weekend.live_until(practice.ends_at + timedelta(minutes=30))
            (row,) = await weekend.fetched()
            assert row.detail["again"] == ["WEATHER"]
            assert row.detail["problems"] == [
                {
                    "part": "WEATHER",
                    "code": "BLOCKED",
                    "reason": "live_timing refuses our address (403): WeatherData.jsonStream",
                    "host": "live_timing",
                }
            ]
            served[WEATHER] = weather
            await weekend.live_until_monday()
            asked_by_monday = len(asked)
            served[ergast("results")] = race_result(disqualified="2")
            await weekend.live_to_the_end()

        rows = await weekend.fetched()
        assert {row.status for row in rows} == {WorkStatus.DONE}
        assert [row.detail["problems"] for row in rows if row.detail["problems"]] == [
            row.detail["problems"] for row in rows if row.key.endswith("PRACTICE_1/+30min")
        ]
        for session in RACE.sessions:
            prefix = f"{fetch_key(RACE.id, session.kind)}/"
            times = [row.key.removeprefix(prefix) for row in rows if row.key.startswith(prefix)]
            repaired = ["+30min/again-1"] if session.kind is SessionKind.PRACTICE_1 else []
            assert sorted(times) == sorted([*HELD_BY_ALL, *repaired])
        stages = [stage for stage, _ in await weekend.served()]
        assert stages == ["BEFORE_WEEKEND", "AFTER_PRACTICE", "AFTER_QUALIFYING"]
        # Every call that the hosts saw is in the ledger.
        ledger = await weekend.ledger()
        assert len(asked) == sum(sum(row.detail.get("calls", {}).values()) for row in ledger)
        assert asked_by_monday < len(asked)

        known = await weekend.known()
        assert [row.driver_id for row in known[ClassificationKind.PRACTICE_1].rows] == ORDER
        assert [row.driver_id for row in known[ClassificationKind.QUALIFYING].rows] == ORDER
        assert [row.driver_id for row in known[ClassificationKind.GRID].rows] == ORDER
        race = known[ClassificationKind.RACE]
        assert [row.driver_id for row in race.rows] == [one for one in ORDER if one != CAR_2] + [CAR_2]
        assert race.rows[-1].status is Status.DISQUALIFIED
        async with weekend.store.read() as read:
            told = await revisions_known(read, [RACE.id], weekend.clock.now)
            on_monday = RACE.ends_at + timedelta(days=1)
            then = await classifications_known(read, [RACE.id], [ClassificationKind.RACE], on_monday)
        revisions = [one.revision for one in told[RACE.id] if one.kind is ClassificationKind.RACE]
        assert revisions == [1, 2]
        # asOf: what was said on Monday stays as it was said.
        assert [row.driver_id for row in then[RACE.id, ClassificationKind.RACE].rows] == ORDER
        scored = [row.detail for row in ledger if row.kind == WorkKind.SCORE]
        assert sorted((one["revision"], one["forecasts"]) for one in scored) == [(1, 3), (2, 3)]
