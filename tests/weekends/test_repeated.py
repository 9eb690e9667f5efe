"""An answer that repeats what another session is known to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.facts import Facts
from f1graph.races.laps import SessionPart
from f1graph.sources.fastf1 import Host, Part, Problem, ProblemCode, SessionAnswer
from f1graph.sources.fastf1.reading import read_session
from f1graph.store.engine import Store
from f1graph.weekends.intake import record
from f1graph.weekends.repeated import without_what_is_anothers
from f1graph.weekends.sessions import SessionFetches, fetch_session
from tests.builders import a_history, a_race
from tests.sources.fastf1.hand_made import DRIVERS, KNOWN, NOW, RACE, TEAMS, an_answer
from tests.store.records import facts_of

EARLIER = replace(a_race(2030, 2), circuit_id="monza")
HERE = replace(RACE, circuit_id="monza")
FLAGS: dict[str, list[Any]] = {"Time": [0, 60_000, 90_000], "Status": ["1", "2", "1"]}
WEATHER: dict[str, list[Any]] = {"Time": [minute * 60_000 for minute in range(30)], "AirTemp": [21.5] * 30}


def an_answer_with(**frames: Any) -> SessionAnswer:
    return read_session(an_answer(**frames), RACE, SessionKind.RACE, known=KNOWN, now=NOW)


def of(race: Race, answer: SessionAnswer, *parts: SessionPart) -> Facts:
    kept = [replace(one, race_id=race.id) for one in answer.facts.recordings if one.part in parts]
    return replace(answer.facts, recordings=tuple(kept), classifications=())


async def known_of_the_earlier_race(store: Store, answer: SessionAnswer, *parts: SessionPart) -> None:
    season = facts_of(a_history([EARLIER, HERE], []), version="2030")
    async with store.write() as write:
        await record(write, replace(season, drivers=DRIVERS, constructors=TEAMS), now=NOW)
    async with store.write() as write:
        await record(write, of(EARLIER, answer, *parts), now=NOW)


@dataclass
class Says:
    """A source that has one answer."""

    answer: SessionAnswer
    name: str = "fastf1"

    async def fetch_session(self, *_: Any, **__: Any) -> SessionAnswer:
        return self.answer

    async def fetch_schedule(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nobody asks for a schedule")


async def test_weather_that_was_measured_at_another_race_is_not_believed(store: Store) -> None:
    """S5: nothing on the page says whose it is, but no two sessions have the same to the last digit."""
    answer = an_answer_with(weather_data=WEATHER)
    await known_of_the_earlier_race(store, answer, SessionPart.WEATHER)

    found = await fetch_session(
        store,
        SessionFetches(
            Says(answer), dict.fromkeys(Host, 400), dict.fromkeys(Host, 4.0), timedelta(minutes=1)
        ),
        HERE.id,
        SessionKind.RACE,
        clock=lambda: NOW,
        use_cache=False,
        is_live=True,
    )

    assert [one["code"] for one in found.detail["problems"]] == ["WRONG_RACE"]
    assert found.problems == (
        Problem(
            Part.WEATHER,
            ProblemCode.WRONG_RACE,
            f"the weather is word for word that of RACE of {EARLIER.id}",
        ),
    )
    assert {one.part for one in found.facts.recordings} == set(SessionPart) - {SessionPart.WEATHER}


async def test_with_the_flags_of_another_race_the_laps_go_too(store: Store) -> None:
    """S5: each lap carries the flags that were shown on it."""
    answer = an_answer_with(track_status=FLAGS)
    await known_of_the_earlier_race(store, answer, SessionPart.TRACK_STATUS)

    found = await without_what_is_anothers(store, HERE, SessionKind.RACE, answer)

    assert [problem.part for problem in found.problems] == [Part.TRACK_STATUS, Part.LAPS]
    lost = {SessionPart.TRACK_STATUS, SessionPart.LAPS}
    assert {one.part for one in found.facts.recordings} == set(SessionPart) - lost


async def test_two_quiet_sessions_may_say_the_same(store: Store) -> None:
    """A green flag and nothing else; and the same session again is no other one."""
    answer = an_answer_with()
    await known_of_the_earlier_race(store, answer, SessionPart.WEATHER, SessionPart.TRACK_STATUS)

    assert await without_what_is_anothers(store, HERE, SessionKind.RACE, answer) is answer

    own = an_answer_with(weather_data=WEATHER)
    async with store.write() as write:
        await record(write, of(HERE, own, SessionPart.WEATHER), now=NOW)
    assert await without_what_is_anothers(store, HERE, SessionKind.RACE, own) is own


async def test_a_page_that_was_put_right_belongs_to_whoever_has_it(store: Store) -> None:
    """What was stored wrongly, and replaced since, keeps nobody from his own weather."""
    answer = an_answer_with(weather_data=WEATHER)
    await known_of_the_earlier_race(store, answer, SessionPart.WEATHER)
    right = an_answer_with(weather_data=WEATHER | {"AirTemp": [30.0] * 30})
    later = NOW + timedelta(hours=2)
    async with store.write() as write:
        await record(write, of(EARLIER, right, SessionPart.WEATHER), now=later)

    assert await without_what_is_anothers(store, HERE, SessionKind.RACE, answer) is answer
