"""What was recorded of a session: laps, stints, weather, race control, track status, and their revisions."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import field

import f1graph.races.laps as records
import f1graph.races.stints as stint_records
from f1graph.api.context import Context
from f1graph.api.ids import MOST_ROWS, cursor, key_of, page_size, read_cursor
from f1graph.api.lists import Connection, connection
from f1graph.api.node import present
from f1graph.errors import RequestError, UnknownError
from f1graph.races.calendar import SessionKind
from f1graph.races.laps import Compound, SessionPart, TrackStatus
from f1graph.races.results import KnownAtBasis
from f1graph.store.recordings import LapsAsked, RecordingHead

if TYPE_CHECKING:
    from f1graph.api.people import Driver

LazyDriver = Annotated["Driver", strawberry.lazy("f1graph.api.people")]

_MOST_DRIVERS = 40
_MOST_LAPS = 1_000
# What the stints of a session count for: so many laps are not given out, but read.
_STINTS_COUNT = 100
_STATUS = {status.value: status for status in TrackStatus}

FirstRows = Annotated[
    int,
    strawberry.argument(
        description=f"How many items at most, from 1 to {MOST_ROWS}; all such lists of one request together "
        f"may ask for {MOST_ROWS}."
    ),
]
DriverAsked = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only of this driver: a global id or a slug, `max-verstappen`."),
]
DriversAsked = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(
        description=f"Only of these drivers, at most {_MOST_DRIVERS}: global ids or slugs. With `driver`: "
        "of all of them."
    ),
]


@strawberry.type(
    description="That a part of a session was recorded, or corrected later. Each part is revised on its own."
)
class RecordingRevision:
    part: SessionPart = field(description="What was recorded.")
    revision: int = field(description="1 is the first; the newest known is the one that is shown.")
    known_at: datetime = field(description="When we learned it. `asOf` before this moment does not see it.")
    known_at_basis: KnownAtBasis = field(description="How far `knownAt` can be trusted.")
    source: str = field(
        description="Where it comes from: `fastf1`, `lap-file` (a file of laps from FastF1) or `invented`."
    )
    source_version: str = field(description="The source's run, or the name of the file.")
    size: int = field(description="How many laps, samples, messages or changes it has.")
    missing: str | None = field(
        description="What it lacks, in words: `ends at lap 77 of 78`. Null for a complete one."
    )
    is_complete: bool = field(
        description="Whether nothing is known to be missing. A partial recording is shown until there is a "
        "complete one, and never in place of one."
    )
    invented: bool = field(description="True for a recording of the invented championship.")

    @classmethod
    def of(cls, head: RecordingHead) -> RecordingRevision:
        return cls(
            part=head.part,
            revision=head.revision,
            known_at=head.known_at,
            known_at_basis=head.known_at_basis,
            source=head.source,
            source_version=head.source_version,
            size=head.size,
            missing=head.missing,
            is_complete=head.missing is None,
            invented=head.invented,
        )


@strawberry.type(description="One lap of one driver. What nobody measured is null.")
class Lap:
    number: int = field(description="1 is the driver's first lap of the session.")
    time: timedelta | None = field(
        description="Seconds. Null for many laps into or out of the pits, and where it was not measured."
    )
    sector_1: timedelta | None = field(name="sector1", description="Seconds in the first sector.")
    sector_2: timedelta | None = field(name="sector2", description="Seconds in the second sector.")
    sector_3: timedelta | None = field(name="sector3", description="Seconds in the third sector.")
    at: timedelta | None = field(
        description="Seconds from the start of the recording, which is before that of the session, to the "
        "end of the lap."
    )
    position: int | None = field(
        description="Place at the end of the lap of a race or sprint. On the last lap not the "
        "classification, which knows penalties."
    )
    stint: int | None = field(
        description="As the timing system counts: 1 until the first change of tyres. After a red flag it "
        "may skip numbers; `stints` counts anew."
    )
    compound: Compound | None = field(description="The tyres. Null where unknown.")
    compound_name: str | None = field(
        description="Which rubber it was, from `C1` (hard) to `C6` (soft). Null where unknown."
    )
    tyre_life: int | None = field(description="Laps the tyres had done after this one. Null where unknown.")
    is_fresh_tyre: bool | None = field(
        description="Whether the tyres were new at the start of the stint. Null where unknown."
    )
    pit_in_at: timedelta | None = field(
        description="Seconds from the start of the recording to the entry of the pit lane. Null for a lap "
        "without one."
    )
    pit_out_at: timedelta | None = field(
        description="Seconds from the start of the recording to the exit of the pit lane. Null for a lap "
        "without one."
    )
    track_status: list[TrackStatus] = field(
        description="Every status that was shown during the lap, in the order recorded; a handful at most, "
        "empty where unknown."
    )
    is_personal_best: bool | None = field(
        description="Whether it was the driver's fastest so far. Null where unknown."
    )
    is_accurate: bool | None = field(
        description="Whether its times fit together, and it is no lap into or out of the pits or behind a "
        "safety car: such laps can be compared. Null where unknown."
    )
    is_deleted: bool | None = field(
        description="Whether the time was taken away for leaving the track. Null where nobody recorded it."
    )
    deleted_reason: str | None = field(description="Why, as race control said. Null where unknown.")
    speed_1: float | None = field(name="speed1", description="km/h at the end of the first sector.")
    speed_2: float | None = field(name="speed2", description="km/h at the end of the second sector.")
    speed_finish: float | None = field(description="km/h at the finish line.")
    speed_trap: float | None = field(description="km/h on the longest straight.")
    driver: LazyDriver = field(description="Who drove.")

    @classmethod
    def of(cls, record: records.Lap, driver: Driver) -> Lap:
        return cls(
            number=record.number,
            time=record.time,
            sector_1=record.sector_1,
            sector_2=record.sector_2,
            sector_3=record.sector_3,
            at=record.at,
            position=record.position,
            stint=record.stint,
            compound=record.compound,
            compound_name=record.compound_name,
            tyre_life=record.tyre_life,
            is_fresh_tyre=record.fresh_tyre,
            pit_in_at=record.pit_in_at,
            pit_out_at=record.pit_out_at,
            track_status=[_STATUS[code] for code in record.track_status or "" if code in _STATUS],
            is_personal_best=record.is_personal_best,
            is_accurate=record.is_accurate,
            is_deleted=record.deleted,
            deleted_reason=record.deleted_reason,
            speed_1=record.speed_1,
            speed_2=record.speed_2,
            speed_finish=record.speed_finish,
            speed_trap=record.speed_trap,
            driver=driver,
        )


@strawberry.type(description="The laps of one driver on one set of tyres, derived from the recorded laps.")
class Stint:
    number: int = field(description="1, 2, 3 … in the order in which the driver drove them.")
    compound: Compound | None = field(description="The tyres. Null where no lap of it says.")
    compound_name: str | None = field(
        description="Which rubber it was, from `C1` (hard) to `C6` (soft). Null where unknown."
    )
    from_lap: int = field(description="Its first lap.")
    to_lap: int = field(description="Its last lap.")
    laps: int = field(
        description="How many laps of it were recorded: fewer than from first to last where some are missing."
    )
    tyre_life_at_start: int | None = field(
        description="Laps the tyres had done before it; 0 for new ones. Null where unknown."
    )
    is_fresh_tyre: bool | None = field(description="Whether the tyres were new. Null where unknown.")
    driver: LazyDriver = field(description="Who drove.")

    @classmethod
    def of(cls, record: stint_records.Stint, driver: Driver) -> Stint:
        return cls(
            number=record.number,
            compound=record.compound,
            compound_name=record.compound_name,
            from_lap=record.first_lap,
            to_lap=record.last_lap,
            laps=record.laps,
            tyre_life_at_start=record.tyre_life_at_start,
            is_fresh_tyre=record.fresh_tyre,
            driver=driver,
        )


@strawberry.type(description="The weather at the circuit, measured about once a minute.")
class WeatherSample:
    at: timedelta = field(
        description="Seconds from the start of the recording, which is before that of the session."
    )
    air_temperature: float | None = field(description="°C. Null where not measured.")
    track_temperature: float | None = field(description="°C on the asphalt. Null where not measured.")
    humidity: float | None = field(description="Relative, in %. Null where not measured.")
    pressure: float | None = field(description="mbar. Null where not measured.")
    is_raining: bool | None = field(description="Whether it rained. Null where not measured.")
    wind_speed: float | None = field(description="m/s. Null where not measured.")
    wind_direction: int | None = field(
        description="Degrees from which it blows; 0 is north, 90 east. Null where not measured."
    )

    @classmethod
    def of(cls, record: records.WeatherSample) -> WeatherSample:
        return cls(
            at=record.at,
            air_temperature=record.air_temperature,
            track_temperature=record.track_temperature,
            humidity=record.humidity,
            pressure=record.pressure,
            is_raining=record.rain,
            wind_speed=record.wind_speed,
            wind_direction=record.wind_direction,
        )


@strawberry.type(description="A message of race control to everybody.")
class RaceControlMessage:
    order: int = field(description="1, 2, 3 … as sent.")
    sent_at: datetime = field(description="When it was sent.")
    category: str = field(
        description="Of what kind, as race control says: `Flag`, `SafetyCar`, `Drs`, `Other` and others."
    )
    message: str = field(description="The text.")
    lap: int | None = field(
        description="Lap of the leader, in a race or sprint. Null for other sessions and where unknown."
    )
    flag: str | None = field(
        description="`GREEN`, `YELLOW`, `DOUBLE YELLOW`, `RED`, `BLUE`, `CHEQUERED` … Null without one."
    )
    scope: str | None = field(description="Whom a flag is for: `Track`, `Sector` or `Driver`. Null without.")
    sector: int | None = field(description="Which marshals' sector. Null where it is for none.")
    car_number: str | None = field(description="The number of the car it speaks of, as text. Null for none.")

    @classmethod
    def of(cls, record: records.RaceControlMessage) -> RaceControlMessage:
        return cls(
            order=record.order,
            sent_at=record.sent_at,
            category=record.category,
            message=record.message,
            lap=record.lap,
            flag=record.flag,
            scope=record.scope,
            sector=record.sector,
            car_number=record.car_number,
        )


@strawberry.type(description="From when on the track had a status.")
class TrackStatusChange:
    at: timedelta = field(
        description="Seconds from the start of the recording, which is before that of the session."
    )
    status: TrackStatus = field(description="The status, until the next change.")


class Recorded:
    """What was recorded of one session, for the resolvers of `Session`."""

    def __init__(self, context: Context, race_id: str, kind: SessionKind, as_of: datetime | None) -> None:
        self._context = context
        self._loaders = context.loaders
        self._race_id = race_id
        self._kind = kind
        self._moment = context.known_at(as_of)

    async def heads(self) -> list[RecordingHead]:
        """Every revision of every part."""
        of_race = await self._loaders.recordings.load((self._race_id, self._moment)) or {}
        return of_race.get(self._kind, [])

    async def _revision(self, part: SessionPart, revision: int | None) -> RecordingHead | None:
        """The newest, or the one whose pages are being read."""
        heads = [head for head in await self.heads() if head.part is part]
        if revision is None:
            return heads[-1] if heads else None
        return next((head for head in heads if head.revision == revision), None)

    def _order(self, part: SessionPart) -> str:
        return f"{part} {self._race_id} {self._kind}"

    async def laps(
        self,
        driver_ids: tuple[str, ...] | None,
        *,
        from_lap: int | None,
        to_lap: int | None,
        first: int,
        after: str | None,
    ) -> Connection[Lap] | None:
        order, loaders = self._order(SessionPart.LAPS), self._loaders
        revision, place = None, None
        if after is not None:
            revision, driver_id, number = read_cursor(after, order, (int, str, int))
            place = (driver_id, number)
        loaders.take_rows(page_size(first, most=MOST_ROWS), most=MOST_ROWS)
        head = await self._revision(SessionPart.LAPS, revision)
        if head is None:
            return None
        shown = head
        asked = LapsAsked(driver_ids, from_lap, to_lap, first + 1, place)
        found = await loaders.laps.load((shown.id, asked)) or []
        drivers = await self._drivers({lap.driver_id for lap in found})

        async def count() -> int:
            wanted = LapsAsked(driver_ids, from_lap, to_lap)
            return await loaders.count_laps.load((shown.id, wanted)) or 0

        return connection(
            found,
            first=first,
            after=after,
            node=lambda lap: Lap.of(lap, drivers[lap.driver_id]),
            # The revision too: pages of one list are of one revision, whatever comes in meanwhile.
            cursor=lambda lap: cursor(order, shown.revision, lap.driver_id, lap.number),
            count=count,
        )

    async def stints(self, driver_ids: tuple[str, ...] | None) -> list[Stint] | None:
        self._loaders.take_rows(_STINTS_COUNT, most=MOST_ROWS)
        head = await self._revision(SessionPart.LAPS, None)
        if head is None:
            return None
        found = await self._loaders.laps.load((head.id, LapsAsked(driver_ids))) or []
        drivers = await self._drivers({lap.driver_id for lap in found})
        return [Stint.of(stint, drivers[stint.driver_id]) for stint in stint_records.stints_of(found)]

    async def _drivers(self, ids: Collection[str]) -> Mapping[str, Driver]:
        """Once per driver: a resolver that waits on each of a thousand laps costs more than the question."""
        from f1graph.api.people import Driver

        asked = {driver_id: self._loaders.driver.load(driver_id) for driver_id in ids}
        return {driver_id: Driver.of(present(await found)) for driver_id, found in asked.items()}

    async def weather(self, *, first: int, after: str | None) -> Connection[WeatherSample] | None:
        order, loaders = self._order(SessionPart.WEATHER), self._loaders
        revision, place = (None, 0) if after is None else read_cursor(after, order, (int, int))
        loaders.take_rows(page_size(first, most=MOST_ROWS), most=MOST_ROWS)
        head = await self._revision(SessionPart.WEATHER, revision)
        if head is None:
            return None
        shown = head
        found = await loaders.weather.load((shown.id, (first + 1, place))) or []

        async def count() -> int:
            return shown.size

        return connection(
            found,
            first=first,
            after=after,
            node=lambda sample: WeatherSample.of(sample[1]),
            cursor=lambda sample: cursor(order, shown.revision, sample[0]),
            count=count,
        )

    async def race_control(self, *, first: int, after: str | None) -> Connection[RaceControlMessage] | None:
        order, loaders = self._order(SessionPart.RACE_CONTROL), self._loaders
        revision, place = (None, 0) if after is None else read_cursor(after, order, (int, int))
        loaders.take_rows(page_size(first, most=MOST_ROWS), most=MOST_ROWS)
        head = await self._revision(SessionPart.RACE_CONTROL, revision)
        if head is None:
            return None
        shown = head
        found = await loaders.messages.load((shown.id, (first + 1, place))) or []

        async def count() -> int:
            return shown.size

        return connection(
            found,
            first=first,
            after=after,
            node=RaceControlMessage.of,
            cursor=lambda message: cursor(order, shown.revision, message.order),
            count=count,
        )

    async def track_status(self) -> list[TrackStatusChange] | None:
        head = await self._revision(SessionPart.TRACK_STATUS, None)
        if head is None:
            return None
        found = await self._loaders.track_status.load(head.id) or []
        return [TrackStatusChange(at=change.at, status=change.status) for change in found]


def lap_bound(name: str, number: int | None) -> int | None:
    """A lap asked for, if there can be such a lap.

    Raises:
        RequestError: There cannot.
    """
    if number is not None and not 1 <= number <= _MOST_LAPS:
        raise RequestError(f"`{name}` must be between 1 and {_MOST_LAPS}, not {number}")
    return number


async def drivers_asked(
    context: Context, driver: str | None, drivers: list[strawberry.ID] | None
) -> tuple[str, ...] | None:
    """The drivers meant, each once; None where nobody is named.

    Raises:
        UnknownError: There is no such driver.
        RequestError: They are too many.
    """
    if driver is None and drivers is None:
        return None
    named = [*(drivers or ()), *([] if driver is None else [driver])]
    if len(named) > _MOST_DRIVERS:
        raise RequestError(f"`drivers` may name at most {_MOST_DRIVERS} drivers, not {len(named)}")
    keys = sorted({key_of("Driver", one) for one in named})
    for key, record in zip(keys, await context.loaders.driver.load_many(keys), strict=True):
        if record is None:
            raise UnknownError(f"there is no driver {key!r}; a slug looks like max-verstappen")
    return tuple(keys)
