"""Forecasts, as they were stored, and how they did."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import field

import f1graph.races.forecast as records
from f1graph.api.chance import Chance, HappeningAsked, HeadToHead, drawn
from f1graph.api.context import Info
from f1graph.api.forecast_entry import ForecastEntry, forecast_entries
from f1graph.api.ids import cursor, global_id, key_of, read_cursor
from f1graph.api.lists import AsOf
from f1graph.api.movement import Movement, movement
from f1graph.api.node import LazyRace, Node, present
from f1graph.errors import RequestError
from f1graph.races.measures import Direction, Measure
from f1graph.races.stages import Stage
from f1graph.store.published import ForecastHead
from f1graph.store.track_record import ScoreRow

_ORDER = "forecasts"

StageAsked = Annotated[
    Stage | None, strawberry.argument(description="Only of this stage. Empty: of any, the newest first.")
]


@strawberry.type(description="Which model made a forecast.")
class Model:
    name: str = field(description="The model's name: `ultra`.")
    version: str = field(
        description="Model, its version, and the season and round up to which it was trained: "
        "`ultra-1.0+2024.24`."
    )


@strawberry.type(description="Something a forecast of its stage should have known and did not.")
class MissingInput:
    input: str = field(description="What was missing: `PRACTICE_2`.")
    reason: str = field(description="Why.")


@strawberry.type(description="A model that should have spoken in a forecast and could not.")
class MissingMember:
    model: str = field(description="The model's name: `tft`.")
    reason: str = field(description="Why.")


@strawberry.type(
    description="How far the members of an ensemble agree on a race. Baselines and members of weight 0 have "
    "no voice."
)
class Consensus:
    members: int = field(description="How many members there are, two or more.")
    kendall_w: float = field(
        description="Kendall's W of their orders, from 0 (no agreement) to 1 (all have the same order)."
    )
    divergence_bits: float = field(
        description="Jensen–Shannon divergence of their position distributions in bits, averaged over the "
        "entries: 0 is the same distribution, log2(members) is nothing in common."
    )


@strawberry.type(description="A library that the numbers depend on.")
class Library:
    name: str = field(description="Its name.")
    version: str = field(description="Its version.")


@strawberry.type(description="What a forecast was made from: enough to make it again and compare.")
class Receipt:
    inputs_fingerprint: str = field(description="SHA-256 of everything the model was given.")
    bundle_checksum: str | None = field(
        description="SHA-256 of the trained model on disk. Null where it was trained in passing, in a "
        "back-test."
    )
    code_version: str = field(description="The version of f1graph.")
    libraries: list[Library] = field(description="Libraries whose numbers matter; a handful.")
    seed: str = field(description="Of the random numbers. As text, because it may not fit into 32 bits.")
    draws: int = field(description="How many finishing orders were drawn.")
    machine: str = field(
        description="The kind of machine: on the same kind with the same libraries the draws are equal to "
        "the bit."
    )


@strawberry.type(description="The same measure of a baseline's forecast for the same race and stage.")
class BaselineScore:
    model: str = field(description="The baseline's name.")
    value: float = field(description="In the unit of the measure.")


@strawberry.type(description="How a forecast did by one measure, against the race's newest classification.")
class ForecastScore:
    measure: Measure = field(description="Which measure.")
    title: str = field(description="The measure's name for a reader.")
    definition: str = field(description="What is measured, with unit, rule and who is left out.")
    direction: Direction = field(description="Whether low or high is good.")
    value: float = field(description="In the unit that the definition tells.")
    revision: int = field(
        description="Revision of the race's classification that it was judged by. A later revision is "
        "judged anew."
    )
    scored_at: datetime = field(description="When it was judged.")
    baselines: list[BaselineScore] = field(
        description="What the simple guesses got for the same race and stage, by name; a handful."
    )


def _score(row: ScoreRow) -> ForecastScore:
    definition = row.measure.definition
    return ForecastScore(
        measure=row.measure,
        title=definition.title,
        definition=definition.sentence,
        direction=definition.direction,
        value=row.value,
        revision=row.revision,
        scored_at=row.scored_at,
        baselines=[BaselineScore(model=model, value=value) for model, value in row.baselines],
    )


@strawberry.type(
    description="A forecast of a whole finishing order: made once at a stage of the weekend, and never "
    "changed. What "
    "was learned later makes a new one."
)
class Forecast(Node):
    key: str = field(
        description="The id that the command line and the receipt use: made of the content, so the same "
        "forecast "
        "made again has the same."
    )
    stage: Stage = field(description="What it may know.")
    cutoff: datetime = field(description="Nothing learned later was used.")
    made_at: datetime = field(description="When it was computed and published.")
    model: Model = field(description="Which model made it.")
    invented: bool = field(description="True for a race of the invented championship: it means nothing.")
    retrospective: bool = field(
        description="True if it was made after the race had started, from what was known at the cutoff: a "
        "back-test, "
        "never a promise."
    )
    missing_inputs: list[MissingInput] = field(
        description="What the stage should have known and did not; empty for a complete forecast."
    )
    missing_members: list[MissingMember] = field(
        description="Models that should have spoken and could not: a member whose weights are broken (the "
        "others then share its weight), or the whole ensemble while it is not trained yet. Empty for a "
        "complete forecast."
    )
    consensus: Consensus | None = field(
        description="How far its members agree. Null with fewer than two members."
    )
    cause: str | None = field(
        description="What happened since the forecast before: why this one was made. Null where nobody told."
    )
    receipt: Receipt = field(description="What it was made from.")
    race_id: strawberry.Private[str]
    previous_id: strawberry.Private[str | None]
    sequence: strawberry.Private[int]

    @classmethod
    def of(cls, head: ForecastHead) -> Forecast:
        return cls(
            id=strawberry.ID(global_id("Forecast", head.id)),
            key=head.id,
            stage=head.stage,
            cutoff=head.cutoff,
            made_at=head.made_at,
            model=Model(name=head.model, version=head.model_version),
            invented=head.invented,
            retrospective=head.retrospective,
            missing_inputs=[MissingInput(input=name, reason=reason) for name, reason in head.missing_inputs],
            missing_members=[
                MissingMember(model=name, reason=reason) for name, reason in head.missing_members
            ],
            consensus=_consensus(head.consensus),
            cause=head.cause,
            receipt=_receipt(head.receipt),
            race_id=head.race_id,
            previous_id=head.previous_id,
            sequence=head.sequence,
        )

    @field(description="The race that it is about.")
    async def race(self, info: Info) -> LazyRace:
        from f1graph.api.calendar import Race

        record = present(await info.context.loaders.race.load(self.race_id))
        return info.context.shown(Race.of, record)

    @field(description="Every entry, by expected position, then by chance to win; one per car.")
    async def entries(self, info: Info) -> list[ForecastEntry]:
        rows = await info.context.loaders.entries.load(self.key)
        return [] if rows is None else info.context.shown(forecast_entries, rows)

    @field(
        description="How likely something is that may happen in this race, all together: who is ahead of "
        "whom, on the podium, in the points, out. Counted in the same draws that all numbers of the forecast "
        'are read from, so `of: {win: ["VER"]}` is the `win` of that entry. Null, with an error, where '
        "nothing is asked, or of somebody who is not entered. One request may ask it of 20 forecasts, of "
        "each many times."
    )
    async def chance(
        self,
        info: Info,
        of: Annotated[HappeningAsked, strawberry.argument(description="What is to happen, all of it.")],
    ) -> Chance | None:
        return (await drawn(info.context.loaders, self.key)).chance(of)

    @field(
        description="Which of two drivers is ahead of the other at the end. Null, with an error, where one "
        "is not entered. Counts for one of the 20 forecasts that `chance` may be asked of."
    )
    async def head_to_head(
        self,
        info: Info,
        a: Annotated[
            strawberry.ID,
            strawberry.argument(description="A driver: a global id, a slug or a three-letter code."),
        ],
        b: Annotated[strawberry.ID, strawberry.argument(description="Another, given in the same way.")],
    ) -> HeadToHead | None:
        return (await drawn(info.context.loaders, self.key)).head_to_head(a, b)

    @field(description="The forecast of this race that it followed. Null for the first.")
    async def previous(self, info: Info) -> Forecast | None:
        if self.previous_id is None:
            return None
        head = await info.context.loaders.forecast.load(self.previous_id)
        return None if head is None else Forecast.of(head)

    @field(
        description="What moved since the forecast before, or since any earlier one of this race, and by "
        "what cause. Null for the first; with an error where `since` is none that was made before this one."
    )
    async def movement(
        self,
        info: Info,
        since: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="An earlier forecast of this race: a global id, or the key as in the receipt. "
                "Empty: the one before."
            ),
        ] = None,
    ) -> Movement | None:
        asked = self.previous_id if since is None else key_of("Forecast", since)
        before = None if asked is None else await info.context.loaders.forecast.load(asked)
        if since is not None and (
            before is None or before.race_id != self.race_id or before.sequence >= self.sequence
        ):
            raise RequestError(f"{since!r} is no forecast of this race that was made before {self.key!r}")
        if before is None:
            return None
        return movement(
            before,
            forecast_id=self.key,
            model=self.model.name,
            version=self.model.version,
            cause=self.cause,
        )

    @field(
        description="The forecast of this race that took its place: at a later stage, or because the "
        "line-up, the grid or the model changed; its `cause` says why. Null while this one is the last word."
    )
    async def superseded_by(self, info: Info) -> Forecast | None:
        head = await info.context.loaders.forecast_after.load(self.key)
        return None if head is None else Forecast.of(head)

    @field(
        description="How it did, one score per measure, beside the baselines. Empty until the race is "
        "classified "
        "and judged."
    )
    async def scores(self, info: Info, as_of: AsOf = None) -> list[ForecastScore]:
        moment = info.context.known_at(as_of)
        return [_score(row) for row in await info.context.loaders.scores.load((self.key, moment)) or ()]


def _consensus(record: records.Consensus | None) -> Consensus | None:
    if record is None:
        return None
    return Consensus(
        members=record.members, kendall_w=record.kendall_w, divergence_bits=record.divergence_bits
    )


def _receipt(record: records.Receipt) -> Receipt:
    return Receipt(
        inputs_fingerprint=record.inputs_fingerprint,
        bundle_checksum=record.bundle_checksum,
        code_version=record.code_version,
        libraries=[Library(name=name, version=version) for name, version in record.libraries],
        seed=str(record.seed),
        draws=record.draws,
        machine=record.machine,
    )


def forecast_key(head: ForecastHead) -> str:
    return cursor(_ORDER, head.sequence)


def read_forecast_cursor(text: str | None) -> int | None:
    return None if text is None else int(read_cursor(text, _ORDER, (int,))[0])
