"""What an answer repeats of another session: pages that do not say whose they are, and are known already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from f1graph.races.calendar import Race, SessionKind
from f1graph.races.laps import SessionPart
from f1graph.sources.fastf1 import Part, Problem, ProblemCode, SessionAnswer
from f1graph.store.engine import Store
from f1graph.store.work import same_elsewhere

# From so many rows on two sessions never say the same; a quiet one shows the green flag and nothing else.
_TELLING: Mapping[SessionPart, int] = dict.fromkeys(SessionPart, 10) | {SessionPart.TRACK_STATUS: 3}
# What is made with the help of a part goes with it.
_MADE_WITH = {SessionPart.TRACK_STATUS: SessionPart.LAPS}


async def without_what_is_anothers(
    store: Store, race: Race, session: SessionKind, answer: SessionAnswer
) -> SessionAnswer:
    """The answer without the recordings that another session is known to have, each named as a problem."""
    given = {one.part: one for one in answer.facts.recordings}
    contents = {
        part.value: one.content_hash for part, one in given.items() if len(one.rows) >= _TELLING[part]
    }
    async with store.read() as read:
        owners = await same_elsewhere(read, race.id, session, contents)
    refused: dict[SessionPart, str] = {}
    for name, (race_id, kind) in owners.items():
        part = SessionPart(name)
        why = f"the {part.value.replace('_', ' ').lower()} is word for word that of {kind} of {race_id}"
        refused |= {one: why for one in (part, _MADE_WITH.get(part)) if one in given}
    if not refused:
        return answer
    return replace(
        answer,
        facts=replace(
            answer.facts,
            recordings=tuple(one for one in answer.facts.recordings if one.part not in refused),
        ),
        problems=(
            *answer.problems,
            *(Problem(Part(part.value), ProblemCode.WRONG_RACE, why) for part, why in refused.items()),
        ),
    )
