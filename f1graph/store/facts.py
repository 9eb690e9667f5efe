"""Recording what a source gives: all of it or nothing, and only what is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, and_, bindparam, delete, func, insert, select, text, update

from f1graph.errors import StoreError
from f1graph.races.calendar import Race
from f1graph.races.facts import Facts
from f1graph.races.past import FactKey
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow, Status
from f1graph.store.engine import Read, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.recordings import RecordingKey, record_recordings
from f1graph.store.revisions import StoredRevision, following, not_yet_told
from f1graph.store.tables.facts import (
    circuits,
    classification_rows,
    classifications,
    constructors,
    drivers,
    imports,
    races,
    sessions,
    source_words,
)
from f1graph.store.two_sources import OwnWord, news_beside_another, rows_as_json

ROW_FIELDS = tuple(field.name for field in fields(ClassificationRow))

# The source whose answers come in parts, some of which may be missing at one time and there at another.
_BY_SESSION = "fastf1"

# Rows sent to the database at once: enough to be fast, few enough to keep memory flat.
_BATCH = 20_000

# A list that was published longer ago is history by the time we hear of it.
_NEWS_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an import changed.

    Attributes:
        new_revisions: Of facts that were there with other content, by (race, kind).
        classified: Races whose result is new or changed: what is to be scored.
        new_recordings: Of laps, weather, messages and flags what is new or changed, by (race, session, part).
        already_imported: The very same content had been imported before, so nothing was looked at.
    """

    source: str
    version: str
    races: int = 0
    drivers: int = 0
    constructors: int = 0
    circuits: int = 0
    first_revisions: int = 0
    new_revisions: tuple[tuple[str, ClassificationKind], ...] = ()
    classified: tuple[str, ...] = ()
    seasons: tuple[int, ...] = ()
    new_recordings: tuple[RecordingKey, ...] = ()
    already_imported: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.races or self.first_revisions or self.new_revisions or self.new_recordings)


async def was_imported(read: Read, source: str, content_hash: str, *, version: str | None = None) -> bool:
    """Whether exactly this content was the newest import of its source, or of that version of it."""
    where = [imports.c.source == source]
    if version is not None:
        where.append(imports.c.version == version)
    newest = await read.value(
        select(imports.c.content_hash).where(*where).order_by(imports.c.id.desc()).limit(1)
    )
    return bool(newest == content_hash)


async def record_facts(write: Write, facts: Facts, *, now: datetime) -> Recorded:
    """Stores what is new in `facts`.

    A classification with the content of the newest stored revision adds nothing, nor does a source that
    only repeats its own last word after another source corrected it. Other content becomes a further
    revision, known from `now` on unless the source itself recorded a later moment. For lists that two
    sources tell of see `two_sources`, for recordings `record_recordings`.

    Raises:
        StoreError: The store holds the real championship and the facts are invented, or the other way
            round: a model would learn from both.
    """
    if write.dialect == "postgresql":
        # One import at a time, as on SQLite: else two would number the same revisions. Reading goes on,
        # and so does scoring, whose foreign keys look at this table.
        await write.execute(text("LOCK TABLE classifications IN SHARE ROW EXCLUSIVE MODE"))
    await _refuse_a_mix(write, facts)
    if await was_imported(write, facts.source, facts.content_hash):
        return Recorded(facts.source, facts.version, already_imported=True)
    changed_circuits = await _record_by_id(write, circuits, facts.circuits)
    changed_drivers = await _record_by_id(write, drivers, facts.drivers)
    changed_constructors = await _record_by_id(write, constructors, facts.constructors)
    changed_races = await _record_races(write, facts.races)
    new = await _new_revisions(write, facts.classifications, now=now)
    await _insert_classifications(write, new, now=now)
    recorded = await record_recordings(write, facts.recordings, now=now)

    season_of = await _seasons_of(write, facts, {fact.race_id for fact in new})
    corrections = tuple((fact.race_id, fact.kind) for fact in new if fact.revision > 1)
    await write.execute(
        insert(imports),
        {
            "source": facts.source,
            "version": facts.version,
            "content_hash": facts.content_hash,
            "imported_at": now,
            "new_revisions": len(new) + len(recorded),
            "invented": facts.invented,
        },
    )
    await _publish_news(write, facts, new, set(changed_races), now=now)
    return Recorded(
        source=facts.source,
        version=facts.version,
        races=len(changed_races),
        drivers=len(changed_drivers),
        constructors=len(changed_constructors),
        circuits=len(changed_circuits),
        first_revisions=sum(fact.revision == 1 for fact in new),
        new_revisions=corrections,
        classified=tuple(dict.fromkeys(f.race_id for f in new if f.kind is ClassificationKind.RACE)),
        seasons=tuple(sorted({season_of[fact.race_id] for fact in new})),
        new_recordings=recorded,
    )


async def _publish_news(
    write: Write, facts: Facts, new: Sequence[Classification], changed_races: set[str], *, now: datetime
) -> None:
    """Publishes what an import brought. The history of seventy years, taken in at last, is no news."""
    cause = f"{facts.source} {facts.version}"
    for race in facts.races:
        if race.id in changed_races and race.ends_at > now:
            await publish(write, EventKind.CALENDAR_CHANGED, cause=cause, race_id=race.id, now=now)
    for fact in new:
        if now - _NEWS_FOR <= fact.known_at <= now:
            await publish(
                write,
                EventKind.RESULT_PUBLISHED,
                cause=cause,
                race_id=fact.race_id,
                classification=fact.kind,
                revision=fact.revision,
                now=now,
            )
    await publish(write, EventKind.IMPORTED, cause=cause, now=now)


async def _seasons_of(read: Read, facts: Facts, race_ids: Collection[str]) -> dict[str, int]:
    """Of races that a source speaks of, also where it does not tell the calendar itself."""
    told = {race.id: race.season for race in facts.races}
    others = [race_id for race_id in race_ids if race_id not in told]
    found = (
        await read.rows(select(races.c.id, races.c.season).where(races.c.id.in_(others))) if others else []
    )
    return told | {row.id: row.season for row in found}


async def _refuse_a_mix(write: Write, facts: Facts) -> None:
    held = await holds_invented(write)
    if held is not None and held != facts.invented:
        what = {True: "the invented championship", False: "the real championship"}
        raise StoreError(
            f"this database holds {what[held]}, and {facts.source} has {what[facts.invented]}: "
            "give each a database of its own (F1GRAPH_DATA_DIR or F1GRAPH_DATABASE_URL)"
        )


async def holds_invented(read: Read) -> bool | None:
    """Whether the races in the store are invented; None while there are none."""
    found = await read.value(select(races.c.invented).limit(1))
    return None if found is None else bool(found)


async def _record_by_id(write: Write, table: Table, records: Sequence[Any]) -> list[Any]:
    """Inserts the unknown and updates the changed of records that are keyed by `id`; their ids."""
    if not records:
        return []
    names = [column.name for column in table.columns]
    stored = await _stored(write, table, ("id",), [record.id for record in records])
    values = [{name: getattr(record, name) for name in names} for record in records]
    return await _upsert(write, table, ("id",), stored, values)


async def _stored(
    write: Write, table: Table, key: tuple[str, ...], ids: Collection[str]
) -> dict[Any, tuple[Any, ...]]:
    """The stored rows of these ids, by key. Asked for in parts: a calendar since 1950 takes a tenth of a
    second, in which the event loop would answer nobody."""
    found: dict[Any, tuple[Any, ...]] = {}
    columns = [table.c[name] for name in key]
    statement = select(*table.columns).where(columns[0].in_(list(ids)))
    async for rows in write.partitions(statement):
        for row in rows:
            values = tuple(row._mapping[column] for column in columns)
            found[values[0] if len(key) == 1 else values] = tuple(row)
    return found


async def _upsert(
    write: Write,
    table: Table,
    key: tuple[str, ...],
    stored: dict[Any, tuple[Any, ...]],
    values: list[dict[str, Any]],
) -> list[Any]:
    """Inserts and updates; the keys of the rows that are new or changed."""

    def key_of(value: dict[str, Any]) -> Any:
        return value[key[0]] if len(key) == 1 else tuple(value[name] for name in key)

    new = [value for value in values if key_of(value) not in stored]
    changed = [v for v in values if key_of(v) in stored and stored[key_of(v)] != tuple(v.values())]
    if new:
        await write.execute(insert(table), new)
    if changed:
        others = [column.name for column in table.columns if column.name not in key]
        statement = (
            update(table)
            .where(and_(*(table.c[name] == bindparam(f"key_{name}") for name in key)))
            .values({name: bindparam(f"new_{name}") for name in others})
        )
        await write.execute(
            statement,
            [
                {f"key_{name}": v[name] for name in key} | {f"new_{name}": v[name] for name in others}
                for v in changed
            ],
        )
    return [key_of(value) for value in (*new, *changed)]


async def _record_races(write: Write, records: Sequence[Race]) -> list[str]:
    """Inserts and updates races with their sessions; a session that was dropped goes.

    Returns:
        The race's id for each row that is new, changed or gone.
    """
    if not records:
        return []
    names = [column.name for column in races.columns]
    told = {race.id for race in records}
    stored = await _stored(write, races, ("id",), told)
    values = [{name: getattr(race, name) for name in names} for race in records]
    changed = await _upsert(write, races, ("id",), stored, values)

    session_names = [column.name for column in sessions.columns]
    stored_sessions = await _stored(write, sessions, ("race_id", "kind"), told)
    session_values = [
        {"race_id": race.id} | {name: getattr(session, name) for name in session_names[1:]}
        for race in records
        for session in race.sessions
    ]
    keys = await _upsert(write, sessions, ("race_id", "kind"), stored_sessions, session_values)
    changed += [race_id for race_id, _ in keys]
    given = {(value["race_id"], str(value["kind"])) for value in session_values}
    for race_id, kind in stored_sessions:
        if (race_id, kind) not in given:
            await write.execute(
                delete(sessions).where(sessions.c.race_id == race_id, sessions.c.kind == kind)
            )
            changed.append(race_id)
    return changed


async def _new_revisions(
    write: Write, given: Iterable[Classification], *, now: datetime
) -> list[Classification]:
    """Of `given` what the store does not have, numbered as revisions."""
    told: dict[FactKey, list[Classification]] = {}
    for fact in sorted(given, key=lambda fact: fact.revision):
        told.setdefault((fact.race_id, fact.kind), []).append(fact)
    stored = await _stored_revisions(write, {race_id for race_id, _ in told})
    new: list[Classification] = []
    for key, revisions in told.items():
        history = stored.get(key, [])
        if history and len(revisions) == 1 and history[-1].source == revisions[-1].source == _BY_SESSION:
            # Without the timing archive its lists have fewer fields than before: that takes nothing back.
            revisions = await _completed_word(write, revisions[0], history)
        elif any(one.source != revisions[-1].source for one in history):
            news = await _word_beside_another(write, revisions[-1], history, now=now)
            if news is not None:
                fact = following(news, history, now=now)
                history.append(StoredRevision(fact.content_hash, fact.known_at, fact.source))
                new.append(fact)
            continue
        for fact in not_yet_told(revisions, history, now=now) if revisions else ():
            if history and history[-1].content_hash == fact.content_hash:
                continue
            if history:
                fact = following(fact, history, now=now)
            history.append(StoredRevision(fact.content_hash, fact.known_at, fact.source))
            new.append(fact)
    return new


async def _completed_word(
    write: Write, told: Classification, history: Sequence[StoredRevision]
) -> list[Classification]:
    """What a source says of its own list after an earlier, fuller word; nothing if it only says less."""
    if told.content_hash == history[-1].content_hash:
        return []
    news = news_beside_another(told, await _rows_of_revision(write, told, len(history)), OwnWord(""))
    return [] if news is None else [news]


async def _word_beside_another(
    write: Write, told: Classification, history: Sequence[StoredRevision], *, now: datetime
) -> Classification | None:
    """What a source says of a list of which another has spoken, if it is news: see `two_sources`."""
    # In a past weekend that is lived again a source does not know yet what the store knows of later.
    own = [one.content_hash for one in history if one.source == told.source and one.known_at <= now]
    here = and_(
        source_words.c.race_id == told.race_id,
        source_words.c.kind == told.kind,
        source_words.c.source == told.source,
    )
    word = await write.value(select(source_words.c.content_hash).where(here)) or (own[-1] if own else None)
    if word == told.content_hash or history[-1].content_hash == told.content_hash:
        return None
    newest = await _rows_of_revision(write, told, len(history))
    await write.execute(delete(source_words).where(here))
    await write.execute(
        insert(source_words),
        {
            "race_id": told.race_id,
            "kind": told.kind,
            "source": told.source,
            "content_hash": told.content_hash,
            "told_at": now,
            "rows": rows_as_json(told.rows),
        },
    )
    return news_beside_another(told, newest, None if word is None else OwnWord(word))


async def _rows_of_revision(write: Write, told: Classification, revision: int) -> list[ClassificationRow]:
    found = await write.rows(
        select(*(classification_rows.c[name] for name in ROW_FIELDS))
        .join(classifications, classifications.c.id == classification_rows.c.classification_id)
        .where(
            classifications.c.race_id == told.race_id,
            classifications.c.kind == told.kind,
            classifications.c.revision == revision,
        )
        .order_by(classification_rows.c.order)
    )
    return [ClassificationRow(**{**row._mapping, "status": Status(row.status)}) for row in found]


async def _stored_revisions(write: Write, race_ids: Collection[str]) -> dict[FactKey, list[StoredRevision]]:
    """Of some races only: those of all seasons would hold the event loop for a tenth of a second."""
    table = classifications.c
    found: dict[FactKey, list[StoredRevision]] = {}
    async for rows in write.partitions(
        select(table.race_id, table.kind, table.content_hash, table.known_at, table.source)
        .where(table.race_id.in_(list(race_ids)))
        .order_by(table.race_id, table.kind, table.revision)
    ):
        for row in rows:
            found.setdefault((row.race_id, ClassificationKind(row.kind)), []).append(
                StoredRevision(row.content_hash, row.known_at, row.source)
            )
    return found


async def _insert_classifications(write: Write, new: Sequence[Classification], *, now: datetime) -> None:
    # Nobody else counts on from the last number meanwhile: see `record_facts`.
    last = await write.value(select(func.coalesce(func.max(classifications.c.id), 0)))
    numbered = list(enumerate(new, start=int(last) + 1))
    for start in range(0, len(numbered), _BATCH):
        await write.execute(
            insert(classifications),
            [
                {
                    "id": number,
                    "race_id": fact.race_id,
                    "kind": fact.kind,
                    "revision": fact.revision,
                    "known_at": fact.known_at,
                    "known_at_basis": fact.known_at_basis,
                    "recorded_at": now,
                    "source": fact.source,
                    "source_version": fact.source_version,
                    "content_hash": fact.content_hash,
                    "invented": fact.invented,
                }
                for number, fact in numbered[start : start + _BATCH]
            ],
        )
    batch: list[dict[str, Any]] = []
    for number, fact in numbered:
        for row in fact.rows:
            values = {name: getattr(row, name) for name in ROW_FIELDS}
            values["classification_id"] = number
            batch.append(values)
        if len(batch) >= _BATCH:
            await write.execute(insert(classification_rows), batch)
            batch = []
    if batch:
        await write.execute(insert(classification_rows), batch)
