"""What was recorded of sessions: laps, weather, race control, track status. Appended, and asked for by key.

A recording comes in revisions like a classification. Its rows are read by recording, driver and lap, which
is the order they lie in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, insert, or_, select, text, tuple_

from f1graph.races.calendar import SessionKind
from f1graph.races.laps import (
    Compound,
    Lap,
    RaceControlMessage,
    Recording,
    RecordingRow,
    SessionPart,
    TrackStatus,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.results import KnownAtBasis
from f1graph.store.engine import Read, Write
from f1graph.store.revisions import StoredRevision, following, not_yet_told
from f1graph.store.tables.recordings import (
    laps,
    race_control_messages,
    recordings,
    track_status_changes,
    weather_samples,
)

SessionKey = tuple[str, SessionKind]
RecordingKey = tuple[str, SessionKind, SessionPart]

# Rows sent to the database at once: a thousand would keep the event loop from answering for 40 ms.
_BATCH = 250

_TABLES: Mapping[SessionPart, Table] = {
    SessionPart.LAPS: laps,
    SessionPart.WEATHER: weather_samples,
    SessionPart.RACE_CONTROL: race_control_messages,
    SessionPart.TRACK_STATUS: track_status_changes,
}
_LAP_FIELDS = tuple(field.name for field in fields(Lap))
_LAP_COLUMNS = tuple(laps.c[name] for name in _LAP_FIELDS)
_COMPOUND_AT = _LAP_FIELDS.index("compound")
_COMPOUND: Mapping[str | None, Compound | None] = {None: None, **{one.value: one for one in Compound}}


@dataclass(frozen=True, slots=True)
class RecordingHead:
    """One revision of a recording without its rows.

    Attributes:
        size: How many rows it has.
        missing: Why it is not complete; None for a complete one.
    """

    id: int
    race_id: str
    session: SessionKind
    part: SessionPart
    revision: int
    known_at: datetime
    known_at_basis: KnownAtBasis
    source: str
    source_version: str
    size: int
    missing: str | None
    invented: bool


@dataclass(frozen=True, slots=True)
class LapsAsked:
    """Which laps of a recording are asked for, by driver and lap.

    Attributes:
        driver_ids: None asks for everybody's.
        after: Driver and number of the last lap seen.
    """

    driver_ids: tuple[str, ...] | None = None
    first_lap: int | None = None
    last_lap: int | None = None
    limit: int | None = None
    after: tuple[str, int] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.driver_ids is not None:
            found.append(laps.c.driver_id.in_(self.driver_ids))
        if self.first_lap is not None:
            found.append(laps.c.number >= self.first_lap)
        if self.last_lap is not None:
            found.append(laps.c.number <= self.last_lap)
        return found


async def record_recordings(
    write: Write, given: Iterable[Recording], *, now: datetime
) -> tuple[RecordingKey, ...]:
    """Stores what is new in `given`; the keys of what was stored.

    The rules are those of classifications: the content of the newest stored revision adds nothing, nor
    does a source that only repeats its own last word after another source corrected it; other content
    becomes a further revision, known from `now` on unless the source itself recorded a later moment.
    The newest revision known is the one that is shown, and so that it never gets worse by being fetched
    again, two rules more hold for partial recordings (those with `missing`):

    - A partial one is not stored over a complete one.
    - A partial one is stored over a partial one only if it has at least as many rows.

    A complete one is always stored over a partial one, even with the same rows: that nothing is missing
    is news.
    """
    told: dict[RecordingKey, list[Recording]] = {}
    for recording in sorted(given, key=lambda one: one.revision):
        key = (recording.race_id, recording.session, recording.part)
        told.setdefault(key, []).append(_in_order(recording))
    if not told:
        return ()
    if write.dialect == "postgresql":
        # Two at once would number the same revisions; on SQLite a writer is alone.
        await write.execute(text("LOCK TABLE recordings IN SHARE ROW EXCLUSIVE MODE"))
    stored = await _stored_revisions(write, {key[0] for key in told})
    new: list[Recording] = []
    for key, revisions in told.items():
        history = stored.get(key, [])
        for recording in _news(revisions, history, now=now):
            if history and not _replaces(recording, history[-1]):
                continue
            if history:
                recording = following(recording, history, now=now)
            history.append(_as_stored(recording))
            new.append(recording)
    await _insert(write, new, now=now)
    return tuple((one.race_id, one.session, one.part) for one in new)


def _in_order(recording: Recording) -> Recording:
    """Laps by driver and number, whatever order the source has, so that equal laps have an equal hash."""
    if recording.part is not SessionPart.LAPS:
        return recording
    in_order = tuple(sorted(recording.rows, key=_driver_and_number))
    return recording if in_order == recording.rows else replace(recording, rows=in_order)


def _driver_and_number(row: RecordingRow) -> tuple[str, int]:
    assert isinstance(row, Lap)
    return row.driver_id, row.number


def _news(
    told: Sequence[Recording], history: Sequence[StoredRevision], *, now: datetime
) -> Sequence[Recording]:
    if history and told[-1].missing is None and not history[-1].is_complete:
        return told[-1:]
    return not_yet_told(told, history, now=now)


def _replaces(recording: Recording, newest: StoredRevision) -> bool:
    """Whether a recording is stored over the newest that is there: see `record_recordings`."""
    is_complete = recording.missing is None
    if recording.content_hash == newest.content_hash:
        return is_complete and not newest.is_complete
    return is_complete or (not newest.is_complete and len(recording.rows) >= newest.size)


def _as_stored(recording: Recording) -> StoredRevision:
    return StoredRevision(
        recording.content_hash,
        recording.known_at,
        recording.source,
        len(recording.rows),
        recording.missing is None,
    )


async def _stored_revisions(
    write: Write, race_ids: Collection[str]
) -> dict[RecordingKey, list[StoredRevision]]:
    head = recordings.c
    found: dict[RecordingKey, list[StoredRevision]] = {}
    for row in await write.rows(
        select(
            head.race_id,
            head.session,
            head.part,
            head.content_hash,
            head.known_at,
            head.source,
            head.size,
            head.missing,
        )
        .where(head.race_id.in_(list(race_ids)))
        .order_by(head.race_id, head.session, head.part, head.revision)
    ):
        key = (row.race_id, SessionKind(row.session), SessionPart(row.part))
        found.setdefault(key, []).append(
            StoredRevision(row.content_hash, row.known_at, row.source, row.size, row.missing is None)
        )
    return found


async def _insert(write: Write, new: Sequence[Recording], *, now: datetime) -> None:
    if not new:
        return
    last = int(await write.value(select(func.coalesce(func.max(recordings.c.id), 0))))
    await write.execute(
        insert(recordings),
        [
            {
                "id": number,
                "race_id": one.race_id,
                "session": one.session,
                "part": one.part,
                "revision": one.revision,
                "known_at": one.known_at,
                "known_at_basis": one.known_at_basis,
                "recorded_at": now,
                "source": one.source,
                "source_version": one.source_version,
                "content_hash": one.content_hash,
                "size": len(one.rows),
                "missing": one.missing,
                "invented": one.invented,
            }
            for number, one in enumerate(new, start=last + 1)
        ],
    )
    for part, table in _TABLES.items():
        rows = (
            _values(row, number, order)
            for number, one in enumerate(new, start=last + 1)
            if one.part is part
            for order, row in enumerate(one.rows, start=1)
        )
        while batch := list(islice(rows, _BATCH)):
            await write.execute(insert(table), batch)


def _values(row: RecordingRow, recording_id: int, order: int) -> dict[str, Any]:
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    values["recording_id"] = recording_id
    if isinstance(row, WeatherSample | TrackStatusChange):
        values["order"] = order
    return values


async def recordings_known(
    read: Read, race_ids: Collection[str], moment: datetime
) -> dict[SessionKey, list[RecordingHead]]:
    """Every revision that was known at `moment` of what was recorded of some races; one statement.

    Of each session by part, then revision: the last of a part is the newest.
    """
    head = recordings.c
    found: dict[SessionKey, list[RecordingHead]] = {}
    for row in await read.rows(
        select(*(head[field.name] for field in fields(RecordingHead)))
        .where(head.race_id.in_(list(race_ids)), head.known_at <= moment)
        .order_by(head.race_id, head.session, head.part, head.revision)
    ):
        found.setdefault((row.race_id, SessionKind(row.session)), []).append(_head(row))
    return found


def _head(row: Any) -> RecordingHead:
    values = {field.name: getattr(row, field.name) for field in fields(RecordingHead)}
    return RecordingHead(
        **values
        | {
            "session": SessionKind(row.session),
            "part": SessionPart(row.part),
            "known_at_basis": KnownAtBasis(row.known_at_basis),
        }
    )


def _newest_known(moment: datetime) -> ColumnElement[bool]:
    other = recordings.alias("other")
    newest = (
        select(func.max(other.c.revision))
        .where(
            other.c.race_id == recordings.c.race_id,
            other.c.session == recordings.c.session,
            other.c.part == recordings.c.part,
            other.c.known_at <= moment,
        )
        .correlate(recordings)
        .scalar_subquery()
    )
    return recordings.c.revision == newest


async def laps_of(
    read: Read,
    sessions: Collection[SessionKey],
    *,
    moment: datetime,
    driver_ids: Collection[str] | None = None,
    first_lap: int | None = None,
    last_lap: int | None = None,
) -> dict[SessionKey, list[Lap]]:
    """The laps of some sessions as known at `moment`, by driver and number; one statement.

    A session of which no laps were known is not in the answer; one without a lap of the drivers asked
    for is not either.
    """
    asked = LapsAsked(
        None if driver_ids is None else tuple(driver_ids), first_lap=first_lap, last_lap=last_lap
    )
    head = recordings.c
    found: dict[SessionKey, list[Lap]] = {}
    statement = (
        select(head.race_id, head.session, *_LAP_COLUMNS)
        .join(recordings, head.id == laps.c.recording_id)
        .where(
            tuple_(head.race_id, head.session).in_(list(sessions)),
            head.part == SessionPart.LAPS,
            _newest_known(moment),
            *asked.conditions(),
        )
        .order_by(laps.c.recording_id, laps.c.driver_id, laps.c.number)
    )
    async for rows in read.partitions(statement):
        for row in rows:
            race_id, session, *values = list(row)
            found.setdefault((race_id, SessionKind(session)), []).append(_lap(values))
    return found


def _lap(stored: Sequence[Any]) -> Lap:
    values = list(stored)
    values[_COMPOUND_AT] = _COMPOUND[values[_COMPOUND_AT]]
    return Lap(*values)


async def laps_page(read: Read, recording_ids: Collection[int], asked: LapsAsked) -> dict[int, list[Lap]]:
    """Of each recording the next laps; one statement for all of them."""
    conditions = asked.conditions()
    if asked.after is not None:
        driver_id, number = asked.after
        conditions.append(
            or_(
                laps.c.driver_id > driver_id,
                and_(laps.c.driver_id == driver_id, laps.c.number > number),
            )
        )
    found: dict[int, list[Lap]] = {}
    statement = _first_of_each(
        laps, recording_ids, _LAP_COLUMNS, (laps.c.driver_id, laps.c.number), conditions, asked.limit
    )
    for row in await read.rows(statement):
        found.setdefault(row[0], []).append(_lap(row[1:]))
    return found


async def count_laps(read: Read, recording_ids: Collection[int], asked: LapsAsked) -> dict[int, int]:
    """How many laps of what is asked for each recording has, all pages together."""
    found = await read.rows(
        select(laps.c.recording_id, func.count().label("number"))
        .where(laps.c.recording_id.in_(list(recording_ids)), *asked.conditions())
        .group_by(laps.c.recording_id)
    )
    return {row.recording_id: row.number for row in found}


async def weather_page(
    read: Read, recording_ids: Collection[int], *, limit: int | None = None, after: int = 0
) -> dict[int, list[tuple[int, WeatherSample]]]:
    """Of each recording the next samples with their places, from the one after place `after` on."""
    found: dict[int, list[tuple[int, WeatherSample]]] = {}
    names = tuple(field.name for field in fields(WeatherSample))
    for row in await _places(read, weather_samples, recording_ids, names, limit, after):
        found.setdefault(row[0], []).append((row[1], WeatherSample(*row[2:])))
    return found


async def messages_page(
    read: Read, recording_ids: Collection[int], *, limit: int | None = None, after: int = 0
) -> dict[int, list[RaceControlMessage]]:
    """Of each recording the next messages of race control, from the one after place `after` on."""
    found: dict[int, list[RaceControlMessage]] = {}
    names = tuple(field.name for field in fields(RaceControlMessage) if field.name != "order")
    for row in await _places(read, race_control_messages, recording_ids, names, limit, after):
        found.setdefault(row[0], []).append(RaceControlMessage(*row[1:]))
    return found


async def track_status_of(read: Read, recording_ids: Collection[int]) -> dict[int, list[TrackStatusChange]]:
    """Of each recording all changes of the track's status."""
    found: dict[int, list[TrackStatusChange]] = {}
    for row in await _places(read, track_status_changes, recording_ids, ("at", "status"), None, 0):
        found.setdefault(row[0], []).append(TrackStatusChange(row[2], TrackStatus(row[3])))
    return found


async def _places(
    read: Read,
    table: Table,
    recording_ids: Collection[int],
    names: Sequence[str],
    limit: int | None,
    after: int,
) -> Sequence[Any]:
    columns = (table.c.order, *(table.c[name] for name in names))
    statement = _first_of_each(
        table, recording_ids, columns, (table.c.order,), [table.c.order > after], limit
    )
    return await read.rows(statement)


def _first_of_each(
    table: Table,
    recording_ids: Collection[int],
    columns: Sequence[ColumnElement[Any]],
    order: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
    limit: int | None,
) -> Select[Any]:
    """Recording and columns of the first rows of each recording, in order."""
    of_recording = table.c.recording_id
    where = (of_recording.in_(list(recording_ids)), *conditions)
    if limit is None or len(recording_ids) == 1:
        # Of one recording the key's own order ends the reading at the limit.
        return select(of_recording, *columns).where(*where).order_by(of_recording, *order).limit(limit)
    place = func.row_number().over(partition_by=of_recording, order_by=list(order))
    numbered = select(of_recording, *columns, place.label("place")).where(*where).subquery()
    shown = [column for column in numbered.c if column.name != "place"]
    return select(*shown).where(numbered.c.place <= limit).order_by(numbered.c.recording_id, numbered.c.place)


async def load_recordings(
    read: Read, race_ids: Collection[str], *, moment: datetime, parts: Collection[SessionPart]
) -> list[Recording]:
    """The newest revisions known at `moment` with all their rows; one statement per part, and one."""
    newest: dict[RecordingKey, RecordingHead] = {}
    for heads in (await recordings_known(read, race_ids, moment)).values():
        for head in heads:
            if head.part in parts:
                newest[head.race_id, head.session, head.part] = head
    rows: dict[int, Sequence[RecordingRow]] = {}
    for part in parts:
        ids = [head.id for head in newest.values() if head.part is part]
        rows |= await _all_rows(read, part, ids)
    return [
        Recording(
            race_id=head.race_id,
            session=head.session,
            part=head.part,
            rows=tuple(rows.get(head.id, ())),
            known_at=head.known_at,
            known_at_basis=head.known_at_basis,
            source=head.source,
            source_version=head.source_version,
            missing=head.missing,
            revision=head.revision,
            invented=head.invented,
        )
        for head in newest.values()
    ]


async def _all_rows(
    read: Read, part: SessionPart, recording_ids: Collection[int]
) -> Mapping[int, Sequence[RecordingRow]]:
    match part:
        case SessionPart.LAPS:
            return await laps_page(read, recording_ids, LapsAsked())
        case SessionPart.WEATHER:
            found = await weather_page(read, recording_ids)
            return {number: [sample for _, sample in samples] for number, samples in found.items()}
        case SessionPart.RACE_CONTROL:
            return await messages_page(read, recording_ids)
        case SessionPart.TRACK_STATUS:
            return await track_status_of(read, recording_ids)
