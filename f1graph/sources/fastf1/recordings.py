"""Turns FastF1's laps, weather, messages and flags into recordings, and holds them against the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from f1graph.errors import BadSourceDataError
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import (
    Compound,
    Lap,
    RaceControlMessage,
    TrackStatus,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.results import ClassificationRow
from f1graph.sources.fastf1.classifications import People
from f1graph.sources.fastf1.values import Line, count, duration, flag, moment, number, text

_LONGEST_RECORDING = timedelta(hours=12)
# Race control speaks before the session, and stewards after it.
_BEFORE, _AFTER = timedelta(hours=4), timedelta(hours=12)
# By its start at the latest: in 71 recorded sessions the first message came within three minutes of it.
_SILENCE = timedelta(hours=2)
_SHORTEST_LAP = timedelta(seconds=45)
_MOST_CARS = 26
_CODES = frozenset(status.value for status in TrackStatus)
# The lap back to the pits may be counted.
LAPS_AFTER_THE_FLAG = 2
# Fewer of the laps that were driven are no recording of a race.
_LEAST_SHARE = 0.5
_RACES = (SessionKind.RACE, SessionKind.SPRINT)


def lap_rows(laps: Sequence[Line], people: People, *, race_laps: int | None) -> tuple[Lap, ...]:
    """Every lap, by driver and number.

    Args:
        race_laps: Of a race or sprint: how many laps it had at most.

    Raises:
        BadSourceDataError: The laps contradict each other.
        UnknownIdentityError: A driver is not known.
    """
    rows = sorted((_lap(line, people) for line in laps), key=lambda lap: (lap.driver_id, lap.number))
    if not rows:
        raise BadSourceDataError("there are no laps")
    last = max(lap.number for lap in rows)
    if race_laps is not None and last > race_laps + LAPS_AFTER_THE_FLAG:
        raise BadSourceDataError(f"lap {last} of a race of {race_laps} laps")
    cars = {lap.driver_id for lap in rows}
    if len(cars) > _MOST_CARS:
        raise BadSourceDataError(f"{len(cars)} cars drove; a session has at most {_MOST_CARS}")
    for before, lap in pairwise(rows):
        if before.driver_id != lap.driver_id:
            continue
        if lap.number == before.number:
            raise BadSourceDataError(f"{lap.driver_id} has lap {lap.number} twice")
        if lap.at is not None and before.at is not None and lap.at < before.at:
            raise BadSourceDataError(f"lap {lap.number} of {lap.driver_id} ends before the lap before it")
    return tuple(rows)


def missing_laps(
    session: SessionKind,
    laps: Sequence[Lap],
    *,
    classified: Sequence[ClassificationRow],
    race_laps: int | None,
) -> str | None:
    """What a plausible recording lacks, in words; None if nothing.

    Args:
        classified: The session's own order, as far as it is known.
        race_laps: Of a race or sprint: how many laps it has by the timing, or as announced.

    Raises:
        BadSourceDataError: Too little for a recording at all.
    """
    driven: dict[str, int] = {}
    for lap in laps:
        driven[lap.driver_id] = driven.get(lap.driver_id, 0) + 1
    if session not in _RACES:
        absent = [row.driver_id for row in classified if (row.laps or 0) > 0 and row.driver_id not in driven]
        return f"no laps of {', '.join(sorted(absent))}" if absent else None
    expected = {row.driver_id: row.laps for row in classified if row.laps}
    if not expected:
        return _short_of(max(lap.number for lap in laps), race_laps)
    lacking = {
        driver: laps_of - driven.get(driver, 0)
        for driver, laps_of in expected.items()
        if driven.get(driver, 0) < laps_of
    }
    total, lost = sum(expected.values()), sum(lacking.values())
    if total - lost < _LEAST_SHARE * total:
        raise BadSourceDataError(f"{total - lost} of the {total} laps that were driven")
    if not lacking:
        return None
    return (
        f"{lost} of {total} laps, of {len(lacking)} of {len(expected)} starters: {', '.join(sorted(lacking))}"
    )


def _short_of(last: int, race_laps: int | None) -> str | None:
    if race_laps is None or last >= race_laps:
        return None
    if last < _LEAST_SHARE * race_laps:
        raise BadSourceDataError(f"{last} laps of {race_laps}")
    return f"laps {last + 1} to {race_laps}, or the race was stopped"


def stops_early(laps: Sequence[Line], statuses: Sequence[Line]) -> str | None:
    """How far laps of practice or qualifying reach that lack most of the session, in words; else None.

    Nobody publishes how many laps there were: the session's own start and end are all there is to go by.
    """
    times = {
        status: [at for line in statuses if line.get("Status") == status and (at := _known_at(line))]
        for status in ("Started", "Finished")
    }
    ends = [at for line in laps if (at := _known_at(line))]
    if not (ends and times["Started"] and times["Finished"]):
        return None
    started, finished, last = min(times["Started"]), max(times["Finished"]), max(ends)
    if last - started >= _LEAST_SHARE * (finished - started):
        return None
    minutes = timedelta(minutes=1)
    driven = max(last - started, timedelta(0)) // minutes
    return f"the last lap ends after {driven} of {(finished - started) // minutes} minutes"


def weather_rows(weather: Sequence[Line]) -> tuple[WeatherSample, ...]:
    rows = tuple(
        WeatherSample(
            at=_at(line, "Time"),
            air_temperature=number(line, "AirTemp"),
            track_temperature=number(line, "TrackTemp"),
            humidity=number(line, "Humidity"),
            pressure=number(line, "Pressure"),
            rain=flag(line, "Rainfall"),
            wind_speed=number(line, "WindSpeed"),
            wind_direction=count(line, "WindDirection"),
        )
        for line in weather
    )
    _check_times("the weather", [row.at for row in rows])
    for row in rows:
        if row.air_temperature is not None and not -30 <= row.air_temperature <= 60:
            raise BadSourceDataError(f"the air has {row.air_temperature} °C")
        if row.humidity is not None and not 0 <= row.humidity <= 100:
            raise BadSourceDataError(f"the humidity is {row.humidity} %")
    return rows


def message_rows(messages: Sequence[Line], *, starts_at: datetime | None) -> tuple[RaceControlMessage, ...]:
    """Args:
    starts_at: When the session began by the schedule; None where nobody knows.
    """
    timed = [(moment(line.get("Time"), "the time of a message"), line) for line in messages]
    if not timed:
        raise BadSourceDataError("there are no messages")
    for sent_at, _ in timed:
        if starts_at is not None and not starts_at - _BEFORE <= sent_at <= starts_at + _AFTER:
            raise BadSourceDataError(f"a message of {sent_at} in a session of {starts_at}")
    timed.sort(key=lambda sent: sent[0])  # stable: messages of the same second stay as they were sent
    first, last = timed[0][0], timed[-1][0]
    if starts_at is not None and (last < starts_at or first > starts_at + _SILENCE):
        # The other session of the same day.
        raise BadSourceDataError(f"messages from {first} to {last} in a session of {starts_at}")
    return tuple(
        RaceControlMessage(
            order=order,
            sent_at=sent_at,
            category=text(line, "Category") or "Other",
            message=text(line, "Message") or "",
            lap=count(line, "Lap"),
            flag=text(line, "Flag"),
            scope=text(line, "Scope"),
            sector=count(line, "Sector"),
            car_number=text(line, "RacingNumber"),
        )
        for order, (sent_at, line) in enumerate(timed, start=1)
    )


def track_status_rows(statuses: Sequence[Line]) -> tuple[TrackStatusChange, ...]:
    rows = []
    for line in statuses:
        code = text(line, "Status") or ""
        if code not in _CODES:
            raise BadSourceDataError(f"the track has the status {code!r}, which is none")
        rows.append(TrackStatusChange(at=_at(line, "Time"), status=TrackStatus(code)))
    _check_times("the track status", [row.at for row in rows])
    return tuple(rows)


def laps_driven(laps: Mapping[str, list[object]]) -> dict[str, int]:
    """Laps by car number, those that FastF1 made up for a car that stopped left out."""
    driven: dict[str, int] = {}
    made_up = laps.get("FastF1Generated") or [False] * len(laps["DriverNumber"])
    for car, generated in zip(laps["DriverNumber"], made_up, strict=True):
        if not generated:
            driven[str(car)] = driven.get(str(car), 0) + 1
    return driven


def fastest_car(laps: Sequence[Line]) -> str | None:
    """The number of the car with the fastest lap that was not taken away."""
    timed = [
        (time, str(line["DriverNumber"]))
        for line in laps
        if (time := duration(line, "LapTime")) is not None and line.get("Deleted") is not True
    ]
    return min(timed)[1] if timed else None


def _lap(line: Line, people: People) -> Lap:
    car, lap_number = text(line, "DriverNumber"), count(line, "LapNumber")
    if car is None or not lap_number:
        raise BadSourceDataError(f"a lap of car {car} has the number {lap_number}")
    lap = Lap(
        driver_id=people.driver(car),
        number=lap_number,
        at=duration(line, "Time"),
        time=duration(line, "LapTime"),
        sector_1=duration(line, "Sector1Time"),
        sector_2=duration(line, "Sector2Time"),
        sector_3=duration(line, "Sector3Time"),
        stint=count(line, "Stint"),
        compound=_compound(text(line, "Compound")),
        tyre_life=count(line, "TyreLife"),
        fresh_tyre=flag(line, "FreshTyre"),
        pit_in_at=duration(line, "PitInTime"),
        pit_out_at=duration(line, "PitOutTime"),
        track_status=text(line, "TrackStatus"),
        position=count(line, "Position"),
        is_personal_best=flag(line, "IsPersonalBest"),
        is_accurate=flag(line, "IsAccurate"),
        deleted=flag(line, "Deleted"),
        deleted_reason=text(line, "DeletedReason"),
        speed_1=number(line, "SpeedI1"),
        speed_2=number(line, "SpeedI2"),
        speed_finish=number(line, "SpeedFL"),
        speed_trap=number(line, "SpeedST"),
    )
    if lap.time is not None and lap.time < _SHORTEST_LAP:
        raise BadSourceDataError(f"lap {lap.number} of {lap.driver_id} took {lap.time}")
    if lap.position is not None and not 1 <= lap.position <= _MOST_CARS:
        raise BadSourceDataError(f"{lap.driver_id} was {lap.position}. after lap {lap.number}")
    return lap


def _compound(name: str | None) -> Compound | None:
    if name is None:
        return None
    first = name.upper().removesuffix("_UNKNOWN")
    return Compound(first) if first in Compound.__members__ else Compound.UNKNOWN


def _known_at(line: Line) -> timedelta | None:
    try:
        return duration(line, "Time")
    except BadSourceDataError:
        return None


def _at(line: Line, column: str) -> timedelta:
    at = duration(line, column)
    if at is None or at > _LONGEST_RECORDING:
        raise BadSourceDataError(f"{column} is {at}, which is no time of a session")
    return at


def _check_times(what: str, times: Sequence[timedelta]) -> None:
    if not times:
        raise BadSourceDataError(f"{what} has no lines")
    if list(times) != sorted(times):
        raise BadSourceDataError(f"{what} is not in the order of its times")
