"""Explanations of forecasts: appended with them, and asked for by those who want reasons."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import insert, select

from f1graph.races.explanation import (
    Attribution,
    EntryExplanation,
    ExplainedNumber,
    Explanation,
    InputGroup,
    heaviest_first,
)
from f1graph.store.engine import Read, Write
from f1graph.store.tables.forecasts import forecast_explanations


async def store_explanation(write: Write, forecast_id: str, explanation: Explanation) -> None:
    """Appends the explanation of a forecast that is stored in the same transaction."""
    await write.execute(
        insert(forecast_explanations), {"forecast_id": forecast_id, "content": _content(explanation)}
    )


async def load_explanations(read: Read, forecast_ids: Collection[str]) -> dict[str, Explanation]:
    """By forecast, of those that are explained; one statement."""
    found = await read.rows(
        select(forecast_explanations).where(forecast_explanations.c.forecast_id.in_(list(forecast_ids)))
    )
    return {row.forecast_id: _explanation(row.content) for row in found}


def _content(explanation: Explanation) -> dict[str, Any]:
    """Compact: names stand once, and each entry has its numbers in their order."""
    attributions = [one for entry in explanation.entries for _, one in entry.numbers]
    groups = [group for group, _ in attributions[0].contributions] if attributions else []
    variables = sorted({name for entry in explanation.entries for name, _ in entry.variables})
    races = sorted({race_id for entry in explanation.entries for race_id, _ in entry.attention})
    return {
        "groups": [group.value for group in groups],
        "variables": variables,
        "races": races,
        "entries": {
            entry.driver_id: {
                "numbers": {
                    number: [one.base, *(part for _, part in one.contributions), one.rest]
                    for number, one in entry.numbers
                },
                "attention": [[races.index(race_id), weight] for race_id, weight in entry.attention],
                "variables": [weight for _, weight in sorted(entry.variables)],
            }
            for entry in explanation.entries
        },
    }


def _explanation(content: dict[str, Any]) -> Explanation:
    groups = [InputGroup(group) for group in content["groups"]]
    variables, races = content["variables"], content["races"]
    return Explanation(
        tuple(
            EntryExplanation(
                driver_id=driver_id,
                numbers=tuple(
                    (number, _attribution(groups, entry["numbers"][number]))
                    for number in ExplainedNumber
                    if number in entry["numbers"]
                ),
                attention=tuple((races[index], weight) for index, weight in entry["attention"]),
                variables=heaviest_first(zip(variables, entry["variables"], strict=True)),
            )
            for driver_id, entry in sorted(content["entries"].items())
        )
    )


def _attribution(groups: list[InputGroup], told: list[float]) -> Attribution:
    base, *parts, rest = (float(number) for number in told)
    return Attribution(base, tuple(zip(groups, parts, strict=True)), rest)
