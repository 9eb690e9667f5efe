"""Back-tests that are left to whoever shares the database: what is asked for, and what has been walked.

Each leg is claimed in the ledger like all work; its forecasts are stored with the ledger's DONE. They stay
until the one who asked has all of them in a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from f1graph.races.stages import Stage
from f1graph.store.engine import Read, Write
from f1graph.store.ledger import WorkStatus
from f1graph.store.tables.work import backtest_forecasts, backtests, ledger

# What nobody has come back for so long nobody will.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Leg:
    """The races of a season at one stage whose forecasts share their fits: the unit that is claimed.

    Attributes:
        refit_at: The cutoff at which the parameters are learnt.
        forecasts: How many are to be made, of all models together.
    """

    season: int
    stage: Stage
    refit_at: datetime
    forecasts: int

    @property
    def name(self) -> str:
        return f"{self.season}/{self.stage}/{self.refit_at:%Y-%m-%dT%H:%M}"


@dataclass(frozen=True)
class AskedBacktest:
    """A back-test whose legs anybody may walk.

    Attributes:
        id: Of everything that its numbers depend on.
        build: Of the one who asked; a walker of another build would get other last digits.
        settings: What its file is made with, facts included.
        legs: Those that are asked for, in the order of the walk.
        made_at: When it was asked for first: races whose cutoff had not come by then are left out.
    """

    id: str
    build: str
    settings: Mapping[str, Any]
    legs: tuple[Leg, ...]
    made_at: datetime

    def key(self, leg: Leg) -> str:
        """The leg's in the ledger."""
        return f"BACKTEST/{self.id}/{leg.name}"


@dataclass(frozen=True, slots=True)
class WalkedForecast:
    """One forecast of a back-test.

    Attributes:
        rows: Its lines of the file.
        seal: Its line of the journal, without the place in the file, as JSON.
    """

    race_id: str
    stage: Stage
    model: str
    rows: str
    seal: str


async def ask_for_backtest(write: Write, asked: AskedBacktest, *, now: datetime) -> AskedBacktest:
    """Lets the legs be walked, those that were given up anew, and forgets what nobody came back for.

    Returns:
        It as it is stored: who asks for what is there already goes on with that.
    """
    await _forget_the_old(write, now=now)
    known = await backtest_asked(write, asked.id)
    if known is None:
        await write.execute(
            insert(backtests),
            {
                "id": asked.id,
                "build": asked.build,
                "settings": dict(asked.settings),
                "legs": _as_json(asked.legs),
                "made_at": asked.made_at,
                "asked_at": now,
                "is_wanted": True,
            },
        )
        return asked
    names = {leg.name for leg in known.legs}
    legs = (*known.legs, *(leg for leg in asked.legs if leg.name not in names))
    found = AskedBacktest(known.id, known.build, known.settings, _in_order(legs), known.made_at)
    await write.execute(
        update(backtests)
        .where(backtests.c.id == asked.id)
        .values(legs=_as_json(found.legs), asked_at=now, is_wanted=True)
    )
    await write.execute(
        delete(ledger).where(
            ledger.c.key.in_([found.key(leg) for leg in found.legs]),
            ledger.c.status != WorkStatus.DONE,
            ledger.c.expires_at <= now,
        )
    )
    return found


async def let_backtest_rest(write: Write, backtest_id: str) -> None:
    """Nobody begins another leg; what was walked is kept for who asks again."""
    await write.execute(update(backtests).where(backtests.c.id == backtest_id).values(is_wanted=False))


async def backtest_asked(read: Read, backtest_id: str) -> AskedBacktest | None:
    row = await read.row(select(backtests).where(backtests.c.id == backtest_id))
    return None if row is None else _record(row)


async def wanted_backtests(read: Read, *, build: str) -> list[AskedBacktest]:
    """Those that somebody waits for and that a build may walk, the first asked for first."""
    found = await read.rows(
        select(backtests)
        .where(backtests.c.is_wanted.is_(True), backtests.c.build == build)
        .order_by(backtests.c.asked_at, backtests.c.id)
    )
    return [_record(row) for row in found]


async def store_walked(write: Write, backtest_id: str, walked: Sequence[WalkedForecast]) -> None:
    """Keeps the forecasts of a leg."""
    if walked:
        await write.execute(
            insert(backtest_forecasts),
            [
                {
                    "backtest_id": backtest_id,
                    "race_id": one.race_id,
                    "stage": one.stage,
                    "model": one.model,
                    "rows": one.rows,
                    "seal": one.seal,
                }
                for one in walked
            ],
        )


async def walked_forecasts(
    read: Read, backtest_id: str, race_ids: Collection[str]
) -> dict[tuple[str, Stage, str], WalkedForecast]:
    """What has been walked of some races, by race, stage and model."""
    table = backtest_forecasts.c
    found = await read.rows(
        select(table.race_id, table.stage, table.model, table.rows, table.seal).where(
            table.backtest_id == backtest_id, table.race_id.in_(list(race_ids))
        )
    )
    walked = [
        WalkedForecast(row.race_id, Stage(row.stage), row.model, row._mapping["rows"], row.seal)
        for row in found
    ]
    return {(one.race_id, one.stage, one.model): one for one in walked}


async def forget_backtest(write: Write, asked: AskedBacktest) -> None:
    """Removes a back-test that is in a file, with its work."""
    await write.execute(
        delete(backtest_forecasts).where(backtest_forecasts.c.backtest_id == asked.id),
    )
    await write.execute(delete(ledger).where(ledger.c.key.in_([asked.key(leg) for leg in asked.legs])))
    await write.execute(delete(backtests).where(backtests.c.id == asked.id))


async def _forget_the_old(write: Write, *, now: datetime) -> None:
    for row in await write.rows(select(backtests).where(backtests.c.asked_at < now - _KEPT)):
        await forget_backtest(write, _record(row))


def _record(row: Row[Any]) -> AskedBacktest:
    legs = [
        Leg(leg["season"], Stage(leg["stage"]), datetime.fromisoformat(leg["refit_at"]), leg["forecasts"])
        for leg in row.legs
    ]
    return AskedBacktest(row.id, row.build, row.settings, tuple(legs), row.made_at)


def _as_json(legs: Sequence[Leg]) -> list[dict[str, Any]]:
    return [
        {
            "season": leg.season,
            "stage": leg.stage.value,
            "refit_at": leg.refit_at.isoformat(),
            "forecasts": leg.forecasts,
        }
        for leg in legs
    ]


def _in_order(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    order = tuple(Stage)
    return tuple(sorted(legs, key=lambda leg: (leg.season, leg.refit_at, order.index(leg.stage))))
