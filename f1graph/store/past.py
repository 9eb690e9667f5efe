"""Reading history back: every revision, as the `History` that a `Past` is cut from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Row, func, select, true, type_coerce

from f1graph.races.calendar import Circuit, Race, Session, SessionKind, WeekendFormat
from f1graph.races.entries import Constructor, Driver
from f1graph.races.laps import SessionPart
from f1graph.races.past import History
from f1graph.races.results import (
    Classification,
    ClassificationKind,
    ClassificationRow,
    KnownAtBasis,
    Status,
)
from f1graph.store.engine import Read
from f1graph.store.facts import ROW_FIELDS
from f1graph.store.tables.facts import (
    circuits,
    classification_rows,
    classifications,
    constructors,
    drivers,
    imports,
    races,
    sessions,
)
from f1graph.store.tables.recordings import laps, recordings, weather_samples
from f1graph.store.types import Duration
from f1graph.store.weather import load_weather_forecasts

if TYPE_CHECKING:
    from f1graph.races.session_laps import SessionRecord

# What features and scores are made of. Fastest laps are read only by those who ask.
FORECAST_KINDS = frozenset(ClassificationKind) - {
    ClassificationKind.FASTEST_LAPS,
    ClassificationKind.WARM_UP,
    ClassificationKind.PRE_QUALIFYING,
}

_ROWS_OF = {SessionPart.LAPS: laps, SessionPart.WEATHER: weather_samples}
_STATUS_AT = ROW_FIELDS.index("status")
_STATUS: Mapping[str, Status] = {status.value: status for status in Status}


async def load_history(
    read: Read,
    *,
    from_season: int = 1950,
    to_season: int = 9999,
    kinds: Collection[ClassificationKind] = FORECAST_KINDS,
    facts_version: int | None = None,
    recordings_version: int | None = None,
) -> History:
    """Everything that is known of some seasons, all revisions of it.

    Args:
        facts_version: Only what the store held then (`newest_facts_version`): a fact that was recorded
            later can have an earlier `known_at`, and a forecast made before did not see it.
        recordings_version: The same for recordings (`newest_recordings_version`): 0 leaves out all of them.
    """
    in_span = races.c.season.between(from_season, to_season)
    held = classifications.c.id <= facts_version if facts_version is not None else true()
    return History.of(
        races=await load_races(read, in_span),
        classifications=await load_classifications(
            read, in_span, held, classifications.c.kind.in_([kind.value for kind in kinds])
        ),
        circuits=[circuit_record(row) for row in await read.rows(select(circuits))],
        drivers=[driver_record(row) for row in await read.rows(select(drivers))],
        constructors=[constructor_record(row) for row in await read.rows(select(constructors))],
        recordings=await load_recordings_in_columns(
            read,
            in_span,
            recordings.c.id <= recordings_version if recordings_version is not None else true(),
        ),
        # What was learned later has a later `known_at`, always: no version of these is needed.
        weather_forecasts=await load_weather_forecasts(read, in_span),
    )


async def newest_facts_version(read: Read) -> int:
    """The number of the last fact that was stored; 0 before the first."""
    return int(await read.value(select(func.coalesce(func.max(classifications.c.id), 0))))


async def newest_recordings_version(read: Read) -> int:
    """The number of the last recording that was stored; 0 before the first."""
    return int(await read.value(select(func.coalesce(func.max(recordings.c.id), 0))))


async def newest_import(read: Read) -> int:
    """The number of the last import; 0 before the first. The calendar changes by imports only."""
    return int(await read.value(select(func.coalesce(func.max(imports.c.id), 0))))


async def load_races(read: Read, *where: ColumnElement[bool]) -> list[Race]:
    """Races with their sessions, by start; two statements however many there are."""
    found = await read.rows(select(races).where(*where).order_by(races.c.starts_at, races.c.id))
    of_race: dict[str, list[Session]] = {}
    for row in await read.rows(
        select(sessions)
        .join(races, races.c.id == sessions.c.race_id)
        .where(*where)
        .order_by(sessions.c.starts_at)
    ):
        of_race.setdefault(row.race_id, []).append(session_record(row))
    return [race_record(row, of_race[row.id]) for row in found]


async def load_classifications(read: Read, *where: ColumnElement[bool]) -> list[Classification]:
    """Classifications with their rows; `where` may speak of races and classifications."""
    heads = await read.rows(
        select(classifications)
        .join(races, races.c.id == classifications.c.race_id)
        .where(*where)
        .order_by(classifications.c.id)
    )
    rows_of: dict[int, list[ClassificationRow]] = {}
    statement = (
        select(classification_rows.c.classification_id, *(classification_rows.c[name] for name in ROW_FIELDS))
        .join(classifications, classifications.c.id == classification_rows.c.classification_id)
        .join(races, races.c.id == classifications.c.race_id)
        .where(*where)
        .order_by(classification_rows.c.classification_id, classification_rows.c.order)
    )
    async for some in read.partitions(statement):
        for row in some:
            values: list[Any] = list(row[1:])
            values[_STATUS_AT] = _STATUS[values[_STATUS_AT]]
            rows_of.setdefault(row[0], []).append(ClassificationRow(*values))
    return [
        Classification(
            race_id=head.race_id,
            kind=ClassificationKind(head.kind),
            rows=tuple(rows_of.get(head.id, ())),
            known_at=head.known_at,
            known_at_basis=KnownAtBasis(head.known_at_basis),
            source=head.source,
            source_version=head.source_version,
            revision=head.revision,
            invented=head.invented,
        )
        for head in heads
    ]


async def load_recordings_in_columns(read: Read, *where: ColumnElement[bool]) -> list[SessionRecord]:
    """Every revision of the recordings that features are made of; `where` may speak of races and recordings.

    A recording's rows are turned into columns before the next one's are read, so that no more than some
    thousand rows are in memory at once.
    """
    # Brings numpy, which the API, a reader of this module too, can do without.
    from f1graph.races.session_laps import RECORDED_PARTS, RecordingName

    heads = await read.rows(
        select(
            recordings.c.id,
            recordings.c.race_id,
            recordings.c.session,
            recordings.c.part,
            recordings.c.known_at,
            recordings.c.revision,
        )
        .join(races, races.c.id == recordings.c.race_id)
        .where(*where, recordings.c.part.in_([part.value for part in RECORDED_PARTS]))
    )
    name_of = {
        head.id: RecordingName(
            head.race_id, SessionKind(head.session), SessionPart(head.part), head.known_at, head.revision
        )
        for head in heads
    }
    found = []
    for part, (names, build) in RECORDED_PARTS.items():
        table = _ROWS_OF[part]
        statement = (
            select(table.c.recording_id, *(_plainly(table.c[name]) for name in names))
            .join(recordings, recordings.c.id == table.c.recording_id)
            .join(races, races.c.id == recordings.c.race_id)
            .where(*where)
            .order_by(*table.primary_key.columns)
        )
        rows: list[Row[Any]] = []
        async for some in read.partitions(statement):
            for row in some:
                if rows and rows[-1][0] != row[0]:
                    found.append(build(name_of[rows[0][0]], [values[1:] for values in rows]))
                    rows.clear()
                rows.append(row)
        if rows:
            found.append(build(name_of[rows[0][0]], [values[1:] for values in rows]))
    return found


def _plainly(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Durations as the milliseconds they are stored in: a million of them would be read in vain."""
    return type_coerce(column, BigInteger) if isinstance(column.type, Duration) else column


async def load_classifications_of(
    read: Read, race_ids: Collection[str], *, kinds: Collection[ClassificationKind]
) -> list[Classification]:
    """All revisions of some lists of some races."""
    return await load_classifications(
        read,
        classifications.c.race_id.in_(list(race_ids)),
        classifications.c.kind.in_([kind.value for kind in kinds]),
    )


def race_record(row: Row[Any], of_race: list[Session]) -> Race:
    return Race(
        id=row.id,
        season=row.season,
        round=row.round,
        grand_prix_id=row.grand_prix_id,
        name=row.name,
        official_name=row.official_name,
        circuit_id=row.circuit_id,
        date=row.date,
        format=WeekendFormat(row.format),
        sessions=tuple(of_race),
        scheduled_laps=row.scheduled_laps,
        distance_km=row.distance_km,
        is_cancelled=row.is_cancelled,
        invented=row.invented,
    )


def session_record(row: Row[Any]) -> Session:
    return Session(SessionKind(row.kind), row.starts_at, row.ends_at, row.is_nominal)


def circuit_record(row: Row[Any]) -> Circuit:
    return Circuit(**row._mapping)


def driver_record(row: Row[Any]) -> Driver:
    return Driver(**row._mapping)


def constructor_record(row: Row[Any]) -> Constructor:
    return Constructor(**row._mapping)
