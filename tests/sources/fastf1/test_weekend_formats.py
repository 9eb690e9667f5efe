"""What each year called the sessions of a weekend: five recorded weekends, and every schedule since 2018."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import SessionKind, WeekendFormat, weekend_format
from f1graph.sources.fastf1.sessions import scheduled_race

SCHEDULES = Path(__file__).resolve().parents[4] / "shared" / "upstream" / "schedule"
FP1, FP2, FP3 = SessionKind.PRACTICE_1, SessionKind.PRACTICE_2, SessionKind.PRACTICE_3
SQ, S, Q, R = SessionKind.SPRINT_QUALIFYING, SessionKind.SPRINT, SessionKind.QUALIFYING, SessionKind.RACE

# Season, round, name, what the schedule calls the format, and the sessions with their starts in UTC.
RECORDED: dict[str, Any] = {
    "Silverstone 2021, the sprint sets the grid": (
        (2021, 10, "British Grand Prix", "sprint"),
        (
            ("Practice 1", "2021-07-16T13:30:00"),
            ("Qualifying", "2021-07-16T17:00:00"),
            ("Practice 2", "2021-07-17T11:00:00"),
            ("Sprint Qualifying", "2021-07-17T15:30:00"),
            ("Race", "2021-07-18T14:00:00"),
        ),
        (WeekendFormat.SPRINT_SETS_GRID, (FP1, Q, FP2, S, R)),
    ),
    "Imola 2022, the same by its new name": (
        (2022, 4, "Emilia Romagna Grand Prix", "sprint"),
        (
            ("Practice 1", "2022-04-22T11:30:00"),
            ("Qualifying", "2022-04-22T15:00:00"),
            ("Practice 2", "2022-04-23T10:30:00"),
            ("Sprint", "2022-04-23T14:30:00"),
            ("Race", "2022-04-24T13:00:00"),
        ),
        (WeekendFormat.SPRINT_SETS_GRID, (FP1, Q, FP2, S, R)),
    ),
    "Baku 2023, a shootout after qualifying": (
        (2023, 4, "Azerbaijan Grand Prix", "sprint_shootout"),
        (
            ("Practice 1", "2023-04-28T09:30:00"),
            ("Qualifying", "2023-04-28T13:00:00"),
            ("Sprint Shootout", "2023-04-29T08:30:00"),
            ("Sprint", "2023-04-29T13:30:00"),
            ("Race", "2023-04-30T11:00:00"),
        ),
        (WeekendFormat.SPRINT_AFTER_QUALIFYING, (FP1, Q, SQ, S, R)),
    ),
    "Miami 2024, the sprint before qualifying": (
        (2024, 6, "Miami Grand Prix", "sprint_qualifying"),
        (
            ("Practice 1", "2024-05-03T16:30:00"),
            ("Sprint Qualifying", "2024-05-03T20:30:00"),
            ("Sprint", "2024-05-04T16:00:00"),
            ("Qualifying", "2024-05-04T20:00:00"),
            ("Race", "2024-05-05T20:00:00"),
        ),
        (WeekendFormat.SPRINT_BEFORE_QUALIFYING, (FP1, SQ, S, Q, R)),
    ),
    "Abu Dhabi 2024, without a sprint": (
        (2024, 24, "Abu Dhabi Grand Prix", "conventional"),
        (
            ("Practice 1", "2024-12-06T09:30:00"),
            ("Practice 2", "2024-12-06T13:00:00"),
            ("Practice 3", "2024-12-07T10:30:00"),
            ("Qualifying", "2024-12-07T14:00:00"),
            ("Race", "2024-12-08T13:00:00"),
        ),
        (WeekendFormat.CONVENTIONAL, (FP1, FP2, FP3, Q, R)),
    ),
}


def an_event(weekend: tuple[int, int, str, str], sessions: Any) -> dict[str, Any]:
    season, number, name, called = weekend
    return {
        "season": season,
        "round": number,
        "name": name,
        "official_name": "",
        "country": "",
        "place": "",
        "format": called,
        "sessions": [list(session) for session in sessions],
    }


@pytest.mark.parametrize(("weekend", "sessions", "meant"), RECORDED.values(), ids=RECORDED)
def test_each_years_weekend_is_read_as_it_was_driven(weekend: Any, sessions: Any, meant: Any) -> None:
    """S8: three sprint formats in four years, and one name for two different sessions."""
    read = scheduled_race(an_event(weekend, sessions))

    assert (read.format, tuple(session.kind for session in read.sessions)) == meant
    assert [f"{session.starts_at:%Y-%m-%dT%H:%M:%S}" for session in read.sessions] == [
        starts_at for _, starts_at in sessions
    ]
    assert read.format is weekend_format(read.season, has_sprint=S in meant[1])


def test_a_session_that_the_format_of_the_year_does_not_have_is_refused() -> None:
    """S8: a shootout of 2024 would be a mistake of the schedule, not another session."""
    (_, *baku), sessions, _ = RECORDED["Baku 2023, a shootout after qualifying"]
    with pytest.raises(BadSourceDataError, match="2024 Azerbaijan Grand Prix has the unknown session"):
        scheduled_race(an_event((2024, *baku), sessions))


@pytest.mark.skipif(not SCHEDULES.is_dir(), reason="the recorded schedules are not beside the project")
@pytest.mark.parametrize("season", range(2018, 2026))
def test_every_weekend_of_a_recorded_schedule_has_the_format_of_its_year(season: int) -> None:
    """S8: the table of formats by year against what was published."""
    table = json.loads((SCHEDULES / f"schedule_{season}.json").read_text())
    events = [{name: column[key] for name, column in table.items()} for key in table["round_number"]]
    races = [scheduled_race(_in_utc(season, event)) for event in events if event["round_number"] > 0]

    assert len(races) >= 17
    for race in races:
        has_sprint = race.session(S) is not None
        assert race.format is weekend_format(season, has_sprint=has_sprint), race.name
        assert race.session(SQ) is None or has_sprint, race.name
    recorded = {(weekend[0], weekend[1]): meant for weekend, _, meant in RECORDED.values()}
    for race in races:
        if (season, race.round) in recorded:
            kinds = tuple(session.kind for session in race.sessions)
            assert (race.format, kinds) == recorded[season, race.round]


def _in_utc(season: int, event: dict[str, Any]) -> dict[str, Any]:
    """As FastF1 gives it: sessions in UTC, made of local times and the circuit's offset."""
    sign = -1 if event["gmt_offset"].startswith("-") else 1
    hours, minutes = event["gmt_offset"].lstrip("+-").split(":")
    offset = sign * timedelta(hours=int(hours), minutes=int(minutes))
    sessions = [
        (event[f"session{number}"], _shifted(event[f"session{number}_date"], offset))
        for number in range(1, 6)
        if event[f"session{number}_date"]
    ]
    return an_event((season, event["round_number"], event["event_name"], event["event_format"]), sessions)


def _shifted(local: str, offset: timedelta) -> str:
    return (datetime.fromisoformat(local) - offset).isoformat()
