"""A small championship in a database: a finished season, one in progress, and forecasts of its races.

It is Sunday morning of the fourth of six races of 2024, with everything that is still to come already in the
database: none of it may be seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from f1graph.races.draws import pack_draws
from f1graph.races.explanation import (
    Attribution,
    EntryExplanation,
    ExplainedNumber,
    Explanation,
    InputGroup,
)
from f1graph.races.facts import Facts
from f1graph.races.forecast import (
    Consensus,
    EntryForecast,
    Forecast,
    MemberEntry,
    MemberView,
    Receipt,
    Score,
)
from f1graph.races.laps import (
    RaceControlMessage,
    Recording,
    SessionPart,
    TrackStatus,
    TrackStatusChange,
    WeatherSample,
)
from f1graph.races.measures import CalibrationBin, Comparison, Measure, ModelMetric, Target
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind, KnownAtBasis
from f1graph.races.stages import Stage, stage_window
from f1graph.store.audit import AuditRow, record_write
from f1graph.store.bundles import BundleRow, BundleStatus, store_bundle
from f1graph.store.engine import Store
from f1graph.store.facts import record_facts
from f1graph.store.forecasts import store_forecast
from f1graph.store.keys import Scope, create_key
from f1graph.store.ledger import claim, finish
from f1graph.store.scores import StoredBins, replace_metrics, store_scores
from tests.builders import (
    DRIVERS,
    a_history,
    a_moment,
    a_race,
    a_recording,
    a_result,
    a_season,
    a_timed_session,
    a_weekend,
    some_laps,
    team_of,
)

SEASON = a_season(2024, 6, sprints=(2,))
CANCELLED = a_race(2024, 7, circuit_id="monza", is_cancelled=True)
OLD = tuple(
    replace(race, sessions=tuple(replace(session, is_nominal=True) for session in race.sessions))
    for race in a_season(2023, 4)
)
FIRST, SECOND, THIRD, NEXT = SEASON[:4]
NOW = NEXT.starts_at - timedelta(hours=3)
# Two weeks after the second race its winner was disqualified.
REVISED_AT = SECOND.ends_at + timedelta(days=10)
# The laps of the third race came in two days later once more, with a third lap that was deleted.
LAPS_REVISED_AT = THIRD.ends_at + timedelta(days=2)


MANIFEST = {
    "races": 40,
    "seed": 2**40,
    "training_seconds": 12.5,
    "code_version": "0.1.0",
    "libraries": {"numpy": "2.4", "torch": "2.13"},
    "parts": {"": "1" * 64, "tft": "2" * 64, "rating": "3" * 64},
    "feature_names": ["points_share", "driver_form"],
    "feature_fingerprint": "f" * 64,
    "walk_forward": [
        {
            "measure": "RANKED_PROBABILITY",
            "value": 0.115,
            "count": 2,
            "low": 0.11,
            "high": 0.12,
            "races": {"2024-gp-1": 0.11, "2024-gp-2": 0.12},
        }
    ],
}


def facts_of(history: History, *, version: str = "1", invented: bool = False) -> Facts:
    return Facts(
        source="f1db",
        version=version,
        content_hash=hashlib.sha256(version.encode()).hexdigest(),
        circuits=tuple(history.circuits.values()),
        drivers=tuple(history.drivers.values()),
        constructors=tuple(history.constructors.values()),
        races=history.races,
        classifications=tuple(fact for facts in history.revisions.values() for fact in facts),
        invented=invented,
    )


def a_forecast(
    race_id: str,
    stage: Stage,
    made_at: datetime,
    *,
    model: str = "rating",
    drivers: Sequence[str] = DRIVERS,
    previous_id: str | None = None,
    retrospective: bool = False,
    favourite: str | None = None,
) -> Forecast:
    """A forecast in which each next driver is a little slower; the favourite is first."""
    order = sorted(drivers, key=lambda driver: (driver != favourite, driver))
    size = len(order)
    identity = f"{race_id} {stage} {made_at} {model}"
    entries = []
    for place, driver in enumerate(order):
        weights = [1 / (1 + abs(place - position)) for position in range(size)]
        probabilities = tuple(weight / sum(weights) for weight in weights)
        entries.append(
            EntryForecast(
                driver_id=driver,
                constructor_id=team_of(driver),
                grid=place + 1 if stage is Stage.AFTER_QUALIFYING else None,
                win=probabilities[0],
                podium=min(1.0, sum(probabilities[:3])),
                points=min(1.0, sum(probabilities[:10])),
                retirement=0.1,
                expected_position=place + 1,
                interval80_low=max(1, place - 1),
                interval80_high=min(size, place + 3),
                position_probabilities=probabilities,
                entropy_bits=2.5,
                mechanical=0.05,
                accident=0.03,
                other=0.02,
                aleatoric=9.0,
                epistemic=1.5,
                confidence=0.6,
                divergence_bits=0.1,
            )
        )
    views = [
        MemberEntry(e.driver_id, e.win, e.podium, e.points, e.retirement, e.expected_position)
        for e in entries
    ]
    return Forecast(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        race_id=race_id,
        stage=stage,
        cutoff=made_at,
        made_at=made_at,
        model=model,
        model_version="1.0+2024.3",
        invented=False,
        retrospective=retrospective,
        missing_inputs=(("PRACTICE_2", "nobody published it"),),
        entries=tuple(sorted(entries, key=lambda entry: entry.driver_id)),
        members=(
            MemberView(model, "1.0", tuple(views), weight=0.6),
            MemberView("another", "2.0", tuple(views), weight=0.4),
            MemberView("uniform", "1", tuple(views), is_baseline=True),
        ),
        draws=some_draws(tuple(order)),
        consensus=Consensus(2, 0.9, 0.1),
        receipt=Receipt("inputs", "bundle", "0.1.0", (("numpy", "2.4"),), 2**40, 10_000, "x86_64"),
        previous_id=previous_id,
        cause="the weekend begins" if previous_id is None else "qualifying is over",
        missing_members=(("third", "its weights are broken"),),
        explanation=an_explanation(entries, stage),
    )


@lru_cache
def some_draws(order: tuple[str, ...]) -> bytes:
    """A thousand finishing orders in which each next driver is a little slower; one car in ten retires."""
    generator = np.random.default_rng(2024)
    size = len(order)
    slowness = np.arange(size) + generator.gumbel(0, 2, (1000, size))
    retired = generator.random((1000, size)) < 0.1
    positions = np.argsort(np.argsort(slowness + 1000 * retired, axis=1), axis=1) + 1
    of_entries = [order.index(driver) for driver in sorted(order)]
    return pack_draws(positions[:, of_entries].astype(np.uint8), retired[:, of_entries])


def an_explanation(entries: Sequence[EntryForecast], stage: Stage) -> Explanation:
    """All from an average car in the middle, by the form of the car, and by the grid once it is known."""
    middle = (len(entries) + 1) / 2
    explained = []
    for entry in entries:
        mean = sum(k * chance for k, chance in enumerate(entry.position_probabilities, start=1))
        told = {
            ExplainedNumber.WIN: (entry.win, 0.01),
            ExplainedNumber.PODIUM: (entry.podium, 0.1),
            ExplainedNumber.RETIREMENT: (entry.retirement, 0.1),
            ExplainedNumber.MEAN_POSITION: (mean, middle),
        }
        explained.append(
            EntryExplanation(
                driver_id=entry.driver_id,
                numbers=tuple(
                    (number, _attribution(value, base, stage)) for number, (value, base) in told.items()
                ),
                attention=((OLD[0].id, 0.25), (OLD[-1].id, 0.75)),
                variables=(("strength", 0.5), ("driver_form", 0.3), ("qualifying_gap", 0.2)),
            )
        )
    return Explanation(tuple(sorted(explained, key=lambda one: one.driver_id)))


def _attribution(value: float, base: float, stage: Stage) -> Attribution:
    moved, rest = value - base, 0.001
    if stage is not Stage.AFTER_QUALIFYING:
        return Attribution(base, ((InputGroup.CAR_FORM, moved - rest),), rest)
    of_form = moved / 4
    return Attribution(
        base, ((InputGroup.GRID, moved - of_form - rest), (InputGroup.CAR_FORM, of_form)), rest
    )


def cutoff_of(race_id: str, stage: Stage) -> datetime:
    race = next(race for race in SEASON if race.id == race_id)
    window = stage_window(race, stage)
    assert window is not None
    return window.closes_at - timedelta(minutes=10)


async def fill_championship(store: Store) -> None:
    """The facts of two seasons, forecasts of four races, scores, metrics, a bundle, and work done."""
    whole = a_history((*OLD, *SEASON, CANCELLED), facts=_facts())
    async with store.write() as write:
        told = replace(facts_of(whole), recordings=tuple(_recordings()))
        await record_facts(write, told, now=a_moment("2024-01-01"))
        key, begun = "import:f1db:1", a_moment("2024-01-01")
        await claim(write, key, kind="import", worker="test", now=begun, lease=timedelta(minutes=1))
        await finish(write, key, worker="test", now=begun, detail={})
    for race in SEASON:
        previous: str | None = None
        for stage in (Stage.BEFORE_WEEKEND, Stage.AFTER_PRACTICE, Stage.AFTER_QUALIFYING):
            made_at = cutoff_of(race.id, stage)
            if race is NEXT and stage is Stage.AFTER_QUALIFYING:
                made_at = NOW - timedelta(hours=12)
            served = a_forecast(race.id, stage, made_at, previous_id=previous, favourite="verstappen")
            baseline = replace(a_forecast(race.id, stage, made_at, model="grid"), explanation=None)
            previous = served.id
            async with store.write() as write:
                await store_forecast(write, served, is_served=True, now=made_at)
                await store_forecast(write, baseline, is_served=False, now=made_at)
            await _judge(store, race.id, [served, baseline], race.ends_at + timedelta(hours=1))
    await _track_record(store)
    async with store.write() as write:
        api_key, _ = await create_key(write, name="a fan site", scopes=[Scope.LIMITS_RAISED], now=NOW)
        await record_write(write, AuditRow(NOW, "keys create", {"id": api_key.id}, key_id=api_key.id))


def _facts() -> list[Classification]:
    facts = []
    for race in (*OLD, *SEASON):
        for fact in a_weekend(race):
            if race is THIRD and fact.kind is ClassificationKind.RACE:
                continue
            facts.append(fact)
            if race is SECOND and fact.kind is ClassificationKind.RACE:
                # Away from the order of the alphabet, so that a revision is seen.
                facts[-1] = a_result(SECOND, DRIVERS)
                facts.append(
                    a_result(SECOND, DRIVERS[1:], disqualified=DRIVERS[:1], known_at=REVISED_AT, revision=2)
                )
    facts.append(
        a_result(
            THIRD,
            ("verstappen", "norris", "leclerc", "russell"),
            out=("alonso", "bottas"),
            disqualified=("gasly",),
            void=("hamilton",),
        )
    )
    facts.append(a_timed_session(THIRD, ClassificationKind.FASTEST_LAPS))
    return facts


def _recordings() -> list[Recording]:
    corrected = [replace(lap, deleted=True) if lap.number == 3 else lap for lap in some_laps()]
    second = a_recording(THIRD, corrected, known_at=LAPS_REVISED_AT, revision=2)
    start = THIRD.starts_at
    return [
        a_recording(FIRST),
        # Of the sprint weekend only some laps of the race are there.
        a_recording(SECOND, some_laps(DRIVERS[:3]), missing="laps of 3 of 8 drivers"),
        a_recording(THIRD),
        replace(second, known_at_basis=KnownAtBasis.RECORDED),
        a_recording(
            THIRD,
            [
                WeatherSample(timedelta(minutes=n), 20.0 + n, 35.0, 41, 1013.2, False, 1.5, 90)
                for n in range(5)
            ],
            part=SessionPart.WEATHER,
        ),
        a_recording(
            THIRD,
            [
                RaceControlMessage(n, start + timedelta(minutes=n), "Flag", f"MESSAGE {n}", n, "YELLOW")
                for n in range(1, 6)
            ],
            part=SessionPart.RACE_CONTROL,
        ),
        a_recording(
            THIRD,
            [TrackStatusChange(timedelta(minutes=n), one) for n, one in enumerate(TrackStatus)],
            part=SessionPart.TRACK_STATUS,
        ),
        # Still to come, and already in the database.
        a_recording(NEXT),
    ]


async def _judge(store: Store, race_id: str, judged: list[Forecast], now: datetime) -> None:
    value = {"rating": 1.2, "grid": 1.5}
    async with store.write() as write:
        await store_scores(
            write,
            race_id,
            [Score(one.id, 1, Measure.WINNER_LOG_LOSS, value[one.model]) for one in judged],
            now=now,
        )
        if race_id == SECOND.id:
            await store_scores(
                write,
                race_id,
                [Score(one.id, 2, Measure.WINNER_LOG_LOSS, value[one.model] + 1) for one in judged],
                now=REVISED_AT + timedelta(hours=1),
            )


async def _track_record(store: Store) -> None:
    metric = ModelMetric(
        model="rating",
        stage=Stage.AFTER_QUALIFYING,
        first_season=2023,
        last_season=2024,
        measure=Measure.WINNER_LOG_LOSS,
        races=7,
        retrospective_races=4,
        value=1.3,
        low=1.0,
        high=1.6,
        baselines=(Comparison("grid", 7, 1.5, -0.2, -0.3, -0.1),),
    )
    few = CalibrationBin(Target.WIN, 0.0, 0.1, 7, 0.05, 0.0, 0.0, 0.35)
    many = CalibrationBin(Target.WIN, 0.1, 0.2, 40, 0.15, 0.175, 0.087, 0.32)
    async with store.write() as write:
        await replace_metrics(
            write,
            [metric],
            [StoredBins("rating", Stage.AFTER_QUALIFYING, 2023, 2024, (few, many))],
            invented=False,
            now=NOW - timedelta(days=1),
        )
        await store_bundle(
            write,
            BundleRow(
                id="rating-1",
                model="rating",
                version="rating-1.0+2024.3",
                stage=Stage.AFTER_QUALIFYING,
                cutoff=THIRD.ends_at,
                trained_at=THIRD.ends_at + timedelta(hours=2),
                checksum="0" * 64,
                path="rating-1",
                status=BundleStatus.ACTIVE,
                manifest=MANIFEST,
                invented=False,
            ),
        )
