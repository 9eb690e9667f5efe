"""Barcelona and Madrid 2026: two races in Spain, and the name of the one was the other's the year before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from f1graph.races.calendar import Race
from f1graph.sources.fastf1 import ScheduledRace, ScheduledSession
from f1graph.sources.fastf1.sessions import why_another_race
from f1graph.store.calendar import races_of_seasons
from f1graph.store.engine import Store
from f1graph.weekends.intake import record
from f1graph.weekends.schedule import rescheduled
from tests.builders import a_history, a_moment, a_race
from tests.store.records import facts_of

BEFORE_THE_SEASON = a_moment("2026-02-01")


def a_spanish_race(round_: int, grand_prix_id: str, name: str, on: date) -> Race:
    race = a_race(2026, round_, grand_prix_id=grand_prix_id, on=on)
    return replace(race, name=f"{name} Grand Prix", official_name=f"GRAN PREMIO {name} 2026")


BARCELONA = a_spanish_race(9, "barcelona-catalunya", "Barcelona-Catalunya", date(2026, 6, 14))
MADRID = a_spanish_race(16, "spain", "Spanish", date(2026, 9, 13))


def announced(race: Race, name: str, *, round_: int | None = None) -> ScheduledRace:
    return ScheduledRace(
        season=race.season,
        round=race.round if round_ is None else round_,
        name=f"{name} Grand Prix",
        official_name="",
        country="Spain",
        place="",
        format=race.format,
        sessions=tuple(ScheduledSession(one.kind, one.starts_at) for one in race.sessions),
    )


@pytest.mark.parametrize(
    "names",
    [("Barcelona-Catalunya", "Spanish"), ("Barcelona", "Spanish"), ("Spanish", "Madrid")],
    ids=" and ".join,
)
def test_whatever_a_schedule_calls_them_each_keeps_its_days(names: Sequence[str]) -> None:
    """S10: two Spanish races in 2026."""
    schedule = [announced(race, name) for race, name in zip((BARCELONA, MADRID), names, strict=True)]

    changes = rescheduled([BARCELONA, MADRID], schedule, now=BEFORE_THE_SEASON)

    assert changes.races == ()
    assert changes.problems == ()


def test_the_one_can_be_postponed_while_the_other_stays() -> None:
    """S10: a race that is moved keeps its identity, also beside another of its country."""
    later = replace(
        MADRID,
        sessions=tuple(
            replace(
                one, starts_at=one.starts_at + timedelta(days=14), ends_at=one.ends_at + timedelta(days=14)
            )
            for one in MADRID.sessions
        ),
    )
    schedule = [announced(BARCELONA, "Barcelona"), announced(later, "Spanish")]

    (moved,) = rescheduled([BARCELONA, MADRID], schedule, now=BEFORE_THE_SEASON).races

    assert (moved.id, moved.starts_at) == (MADRID.id, later.starts_at)


@pytest.mark.parametrize(
    ("asked", "other"), [(BARCELONA, MADRID), (MADRID, BARCELONA)], ids=["June", "September"]
)
def test_an_answer_about_the_other_is_refused_even_under_its_round(asked: Race, other: Race) -> None:
    """S5, S10: a cancelled race shifts round numbers, so the round alone does not tell."""
    of_the_other = announced(other, other.name.removesuffix(" Grand Prix"), round_=asked.round)

    assert why_another_race(of_the_other, asked) is not None
    assert why_another_race(announced(asked, "Spanish"), asked) is None


async def test_both_are_in_the_store_under_ids_of_their_own(store: Store) -> None:
    """S10: the ids are ours; a race before them is cancelled, and both move up a round."""
    async with store.write() as write:
        await record(write, facts_of(a_history([BARCELONA, MADRID], [])), now=BEFORE_THE_SEASON)
    moved_up = [replace(race, round=race.round - 1) for race in (BARCELONA, MADRID)]
    async with store.write() as write:
        await record(write, facts_of(a_history(moved_up, []), version="2"), now=BEFORE_THE_SEASON)

    async with store.read() as read:
        found = (await races_of_seasons(read, [2026]))[2026]

    assert {race.round: (race.id, race.name) for race in found} == {
        8: ("2026-barcelona-catalunya", "Barcelona-Catalunya Grand Prix"),
        15: ("2026-spain", "Spanish Grand Prix"),
    }
