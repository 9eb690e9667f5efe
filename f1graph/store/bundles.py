"""Which trained models there are on disk, and which one is in use.

Of each model and stage one bundle is ACTIVE. One that was put to use by hand is pinned: it stays until
somebody lets newer ones in again. RETIRED is what was in use before, or was trained for a forecast of the
past.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, text, update

from f1graph.errors import BundleError, RequestError, UnknownError
from f1graph.races.stages import Stage
from f1graph.store.engine import Read, Write
from f1graph.store.events import EventKind, publish
from f1graph.store.search import beyond
from f1graph.store.tables.forecasts import bundles, forecasts


class BundleStatus(StrEnum):
    CANDIDATE = "CANDIDATE"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One trained model.

    Attributes:
        version: Model version, season and round it was trained up to: `rating-1.0+2024.24`.
        cutoff: Nothing learned later was used in training.
        path: Below the bundles folder.
        checksum: SHA-256 of the weights and the manifest.
        activated_at: When it was put to use last; None if it never was.
        is_pinned: It was put to use by hand.
    """

    id: str
    model: str
    version: str
    stage: Stage
    cutoff: datetime
    trained_at: datetime
    checksum: str
    path: str
    status: BundleStatus
    manifest: dict[str, Any]
    invented: bool
    activated_at: datetime | None = None
    is_pinned: bool = False


async def store_bundle(write: Write, bundle: BundleRow) -> None:
    """Registers a bundle. One that is ACTIVE is in use from its training on, and retires the one before it.

    What is registered already and was trained again keeps its place, unless it is to be ACTIVE now.
    """
    await _one_at_a_time(write)
    if await write.value(select(bundles.c.id).where(bundles.c.id == bundle.id)) is None:
        # Not ACTIVE yet: the one before it is.
        waits = bundle.status is BundleStatus.ACTIVE
        status = BundleStatus.CANDIDATE if waits else bundle.status
        await write.execute(insert(bundles), asdict(bundle) | {"status": status})
        await publish(
            write,
            EventKind.MODEL_TRAINED,
            cause=f"{bundle.id} was trained",
            bundle_id=bundle.id,
            now=bundle.trained_at,
        )
    if bundle.status is BundleStatus.ACTIVE:
        await activate(
            write, bundle.id, now=bundle.activated_at or bundle.trained_at, by_hand=bundle.is_pinned
        )


async def activate(write: Write, bundle_id: str, *, now: datetime, by_hand: bool) -> BundleRow:
    """Puts a bundle to use in the place of the one that is.

    Args:
        by_hand: It is pinned.

    Raises:
        UnknownError: There is no such bundle.
    """
    await _one_at_a_time(write)
    bundle = await _bundle(write, bundle_id)
    await write.execute(
        update(bundles)
        .where(
            bundles.c.model == bundle.model,
            bundles.c.stage == bundle.stage,
            bundles.c.status == BundleStatus.ACTIVE,
            bundles.c.id != bundle_id,
        )
        .values(status=BundleStatus.RETIRED, is_pinned=False)
    )
    await write.execute(
        update(bundles)
        .where(bundles.c.id == bundle_id)
        .values(status=BundleStatus.ACTIVE, activated_at=now, is_pinned=by_hand)
    )
    await publish(
        write,
        EventKind.MODEL_ACTIVATED,
        cause=f"{bundle_id} was put to use",
        bundle_id=bundle_id,
        now=now,
    )
    return await _bundle(write, bundle_id)


async def roll_back(write: Write, *, model: str, stage: Stage, now: datetime) -> BundleRow:
    """Puts the bundle back to use that was in use before the one that is, and pins it.

    Raises:
        UnknownError: There is none.
    """
    before = await previous_bundle(write, model=model, stage=stage)
    if before is None:
        raise UnknownError(f"no bundle of {model} for {stage} was in use before the one that is")
    return await activate(write, before.id, now=now, by_hand=True)


def require_folder(bundle: BundleRow, folder: Path) -> None:
    """Refuses a bundle that is not in the folder of bundles: it could not speak.

    Raises:
        BundleError: It is not there.
    """
    if not (folder / bundle.path).is_dir():
        raise BundleError(f"{bundle.id} is registered, but {folder / bundle.path} is gone: train it again")


async def _one_at_a_time(write: Write) -> None:
    """Two workers that train at once would each retire the one before and leave two in use.

    Taken before anything else is written here: whoever holds a row waits for who has the table, and that
    one for the row.
    """
    if write.dialect == "postgresql":
        await write.execute(text("LOCK TABLE bundles IN SHARE ROW EXCLUSIVE MODE"))


async def unpin(write: Write, *, model: str, stage: Stage) -> None:
    """Lets a newer bundle take the place of the one in use."""
    await write.execute(
        update(bundles).where(bundles.c.model == model, bundles.c.stage == stage).values(is_pinned=False)
    )


async def _bundle(read: Read, bundle_id: str) -> BundleRow:
    row = await read.row(select(bundles).where(bundles.c.id == bundle_id))
    if row is None:
        raise UnknownError(f"there is no bundle {bundle_id!r}: `f1graph models list` shows those there are")
    return _record(row)


async def find_bundle(read: Read, name: str) -> BundleRow:
    """A bundle by its id, or by the beginning of its id or checksum where only one begins so.

    Raises:
        UnknownError: There is none.
        RequestError: There are several.
    """
    found = await read.rows(
        select(bundles)
        .where(
            bundles.c.id.startswith(name, autoescape=True)
            | bundles.c.checksum.startswith(name, autoescape=True)
        )
        .order_by(bundles.c.id)
        .limit(3)
    )
    exact = [row for row in found if row.id == name]
    if len(exact or found) > 1:
        raise RequestError(f"several bundles begin with {name!r}: {', '.join(row.id for row in found)}")
    if not found or not name:
        return await _bundle(read, name)
    return _record((exact or found)[0])


async def bundles_by_id(read: Read, ids: Collection[str]) -> dict[str, BundleRow]:
    """Bundles by id; one that was forgotten is missing."""
    found = await read.rows(select(bundles).where(bundles.c.id.in_(list(ids))))
    return {row.id: _record(row) for row in found}


async def active_bundle(read: Read, *, model: str, stage: Stage) -> BundleRow | None:
    """The bundle in use; None before the first training."""
    row = await read.row(
        select(bundles).where(
            bundles.c.model == model, bundles.c.stage == stage, bundles.c.status == BundleStatus.ACTIVE
        )
    )
    return None if row is None else _record(row)


async def previous_bundle(read: Read, *, model: str, stage: Stage) -> BundleRow | None:
    """The bundle that was in use before the one that is."""
    row = await read.row(
        select(bundles)
        .where(
            bundles.c.model == model,
            bundles.c.stage == stage,
            bundles.c.status == BundleStatus.RETIRED,
            bundles.c.activated_at.is_not(None),
        )
        .order_by(bundles.c.activated_at.desc(), bundles.c.cutoff.desc())
        .limit(1)
    )
    return None if row is None else _record(row)


async def newest_bundle(
    read: Read, *, model: str, stage: Stage, cutoff: datetime, candidates: bool = False
) -> BundleRow | None:
    """The bundle that knows most of those that know nothing later than `cutoff`, in use or not.

    Args:
        candidates: Also of those that never took the place of the one in use.
    """
    statement = select(bundles).where(
        bundles.c.model == model, bundles.c.stage == stage, bundles.c.cutoff <= cutoff
    )
    if not candidates:
        statement = statement.where(bundles.c.status != BundleStatus.CANDIDATE)
    row = await read.row(statement.order_by(bundles.c.cutoff.desc(), bundles.c.trained_at.desc()).limit(1))
    return None if row is None else _record(row)


async def bundle_with(read: Read, checksum: str) -> BundleRow | None:
    """The bundle that a receipt names."""
    row = await read.row(select(bundles).where(bundles.c.checksum == checksum))
    return None if row is None else _record(row)


async def load_bundles(
    read: Read,
    *,
    limit: int = 100,
    model: str | None = None,
    stage: Stage | None = None,
    trained_by: datetime | None = None,
    after: tuple[datetime, datetime, str] | None = None,
) -> list[BundleRow]:
    """The newest bundles first; of one model, one stage, or trained by a moment, where these are given.

    Args:
        after: Those that follow the one with this training time, cutoff and id.
    """
    statement = select(bundles).where(*_wanted(model=model, stage=stage, trained_by=trained_by))
    if after is not None:
        trained_at, cutoff, bundle_id = after
        key = (bundles.c.trained_at, bundles.c.cutoff)
        level = and_(key[0] == trained_at, key[1] == cutoff, bundles.c.id > bundle_id)
        statement = statement.where(or_(beyond(key, (trained_at, cutoff), descending=True), level))
    found = await read.rows(
        statement.order_by(bundles.c.trained_at.desc(), bundles.c.cutoff.desc(), bundles.c.id).limit(limit)
    )
    return [_record(row) for row in found]


async def count_bundles(read: Read, *, model: str | None, stage: Stage | None, trained_by: datetime) -> int:
    wanted = _wanted(model=model, stage=stage, trained_by=trained_by)
    return int(await read.value(select(func.count()).select_from(bundles).where(*wanted)))


def _wanted(
    *, model: str | None, stage: Stage | None, trained_by: datetime | None
) -> list[ColumnElement[bool]]:
    found = [] if trained_by is None else [bundles.c.trained_at <= trained_by]
    asked = {bundles.c.model: model, bundles.c.stage: stage}
    return found + [column == value for column, value in asked.items() if value is not None]


async def trained_bundle(read: Read, bundle_id: str, *, trained_by: datetime) -> BundleRow | None:
    """One bundle, if it was trained by a moment."""
    row = await read.row(select(bundles).where(bundles.c.id == bundle_id, bundles.c.trained_at <= trained_by))
    return None if row is None else _record(row)


async def checksums_in_receipts(read: Read) -> set[str]:
    """The bundles that made a stored forecast: without them it cannot be verified."""
    named = forecasts.c.receipt["bundle_checksum"].as_string()
    found = await read.rows(select(named.label("checksum")).where(named.is_not(None)).distinct())
    return {row.checksum for row in found}


async def forget_bundle(write: Write, bundle_id: str) -> None:
    """Takes a bundle out of the register, unless it is in use."""
    await write.execute(
        delete(bundles).where(bundles.c.id == bundle_id, bundles.c.status != BundleStatus.ACTIVE)
    )


def _record(row: Row[Any]) -> BundleRow:
    return BundleRow(**{**row._mapping, "stage": Stage(row.stage), "status": BundleStatus(row.status)})
