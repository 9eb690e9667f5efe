"""The vocabulary's enumerations, with a sentence on each value."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Any

import strawberry

from f1graph.races.calendar import SessionKind, WeekendFormat
from f1graph.races.explanation import ExplainedNumber, InputGroup
from f1graph.races.laps import Compound, SessionPart, TrackStatus
from f1graph.races.measures import Direction, Measure, Target
from f1graph.races.results import ClassificationKind, KnownAtBasis, Status
from f1graph.races.stages import Stage
from f1graph.store.bundles import BundleStatus
from f1graph.store.ledger import WorkStatus


class StandingsBasis(StrEnum):
    """Where a championship table comes from."""

    COMPUTED = "COMPUTED"
    OFFICIAL = "OFFICIAL"


class ForecastUnavailableReason(StrEnum):
    """Why there is no forecast."""

    CANCELLED = "CANCELLED"
    NO_SUCH_STAGE = "NO_SUCH_STAGE"
    NOT_DUE_YET = "NOT_DUE_YET"
    NOT_MADE = "NOT_MADE"


class ResultKind(StrEnum):
    """What a result is of."""

    RACE = "RACE"
    SPRINT = "SPRINT"


class RaceOrder(StrEnum):
    """In which order races are listed, and what was driven in them."""

    OLDEST_FIRST = "OLDEST_FIRST"
    NEWEST_FIRST = "NEWEST_FIRST"


class UpdateKind(StrEnum):
    """What was published."""

    FORECAST_PUBLISHED = "FORECAST_PUBLISHED"
    RESULT_PUBLISHED = "RESULT_PUBLISHED"
    SCORES_PUBLISHED = "SCORES_PUBLISHED"
    MODEL_ACTIVATED = "MODEL_ACTIVATED"
    CALENDAR_CHANGED = "CALENDAR_CHANGED"


def _describe(enum: type[Enum], description: str, **values: str) -> None:
    """Makes an enumeration of the vocabulary one of the graph; every value needs its sentence."""
    strawberry.enum(enum, description=description)
    definition: Any = enum.__strawberry_definition__  # type: ignore[attr-defined]  # set by the decorator
    for value in definition.values:
        value.description = values[value.name]


_describe(
    Stage,
    "What a forecast of a race may know, in the order of a weekend. A stage opens at the end of the session "
    "that "
    "it is named after, and its last forecast is made before the next thing that tells more begins.",
    BEFORE_WEEKEND="Nothing of this weekend yet: the races before it, the entry list, the circuit.",
    AFTER_PRACTICE="All practice before the first competitive session.",
    AFTER_SPRINT="The sprint too. Exists on sprint weekends only.",
    AFTER_QUALIFYING="Qualifying and the grid as far as it is published, penalties included.",
)
_describe(
    SessionKind,
    "What is driven on a race weekend.",
    PRE_QUALIFYING="Pre-qualifying (1988 to 1992), in which the slowest teams drove for the right to "
    "qualify.",
    PRACTICE_1="First free practice.",
    PRACTICE_2="Second free practice.",
    PRACTICE_3="Third free practice.",
    PRACTICE_4="Fourth free practice (until 2002).",
    QUALIFYING_1="First of two separate qualifying sessions (until 1995, and 2003 to 2005).",
    QUALIFYING_2="Second of two separate qualifying sessions.",
    QUALIFYING="Qualifying; where there were two sessions, their combined order.",
    SPRINT_QUALIFYING="Qualifying for the sprint (2023: sprint shootout).",
    SPRINT="The sprint, a short race for points, since 2021.",
    WARM_UP="The warm-up on the morning of the race (until 2002).",
    RACE="The Grand Prix itself.",
)
_describe(
    WeekendFormat,
    "The order of the competitive sessions.",
    CONVENTIONAL="Practice, qualifying, race; no sprint.",
    SPRINT_SETS_GRID="2021 and 2022: qualifying sets the grid of the sprint, and the sprint that of the "
    "race.",
    SPRINT_AFTER_QUALIFYING="2023: qualifying for the race first, then a separate sprint day.",
    SPRINT_BEFORE_QUALIFYING="Since 2024: sprint qualifying and sprint first, then qualifying for the race.",
)
_describe(
    ClassificationKind,
    "A list that is published about a race weekend. Each is revised on its own.",
    ENTRY_LIST="Who is entered, and for which team.",
    PRE_QUALIFYING="The order of pre-qualifying.",
    PRACTICE_1="The order of first practice, by best lap.",
    PRACTICE_2="The order of second practice, by best lap.",
    PRACTICE_3="The order of third practice, by best lap.",
    PRACTICE_4="The order of fourth practice, by best lap.",
    QUALIFYING_1="The order of the first of two qualifying sessions.",
    QUALIFYING_2="The order of the second of two qualifying sessions.",
    QUALIFYING="The order of qualifying, before penalties.",
    SPRINT_QUALIFYING="The order of qualifying for the sprint, before penalties.",
    SPRINT_GRID="The starting grid of the sprint, penalties applied.",
    SPRINT="The classification of the sprint.",
    GRID="The starting grid of the race, penalties applied.",
    WARM_UP="The order of the warm-up, by best lap.",
    RACE="The classification of the race.",
    FASTEST_LAPS="The fastest lap of each driver in the race.",
    PIT_STOPS="Every pit stop of the race.",
)
_describe(
    Status,
    "How an entry ended in a session. Only a classified entry counts as a finisher. An entry that did not "
    "take the "
    "start is void: no outcome, and no forecast of it is judged.",
    CLASSIFIED="Has an official position. A car that stopped but covered nine tenths of the distance is too.",
    DID_NOT_FINISH="Took the start and retired. Counts as a retirement.",
    NOT_CLASSIFIED="Was running at the end but too far behind. Counts as a retirement.",
    DISQUALIFIED="Took the start and was disqualified afterwards: no position, no podium, no points, but "
    "not a "
    "retirement.",
    DID_NOT_START="Was entered and did not take the start: void.",
    DID_NOT_QUALIFY="Was too slow to take part in the race: void.",
    DID_NOT_PRE_QUALIFY="Was too slow to take part in qualifying: void.",
    DID_NOT_PRACTISE="Was entered and did not leave the pits: void.",
    EXCLUDED="Was excluded from the event: void.",
    PIT_LANE="Of a grid: starts from the pit lane.",
)
_describe(
    SessionPart,
    "A part of what is recorded of a session, beside its classification.",
    LAPS="Every lap of every driver.",
    WEATHER="The weather at the circuit.",
    RACE_CONTROL="What race control said.",
    TRACK_STATUS="Flags and safety cars that hold for the whole track.",
)
_describe(
    Compound,
    "A tyre as it is called in its weekend; until 2018 there were more names for dry ones.",
    HYPERSOFT="The softest of 2018.",
    ULTRASOFT="The second softest of 2018.",
    SUPERSOFT="Of 2018, softer than soft.",
    SOFT="The softest of the three of a weekend, from 2019.",
    MEDIUM="The middle one of the three of a weekend, from 2019.",
    HARD="The hardest of the three of a weekend, from 2019.",
    SUPERHARD="The hardest of 2018.",
    INTERMEDIATE="For a damp track.",
    WET="For a wet track.",
    TEST="A tyre that is being developed, driven in practice.",
    UNKNOWN="The timing system does not say.",
)
_describe(
    TrackStatus,
    "The state of the track.",
    CLEAR="No flag.",
    YELLOW="A yellow flag somewhere.",
    SAFETY_CAR="The safety car is out.",
    RED="The session is stopped.",
    VIRTUAL_SAFETY_CAR="Everybody must keep to a slower pace.",
    VIRTUAL_SAFETY_CAR_ENDING="The virtual safety car is about to end.",
)
_describe(
    KnownAtBasis,
    "Where it comes from when a fact became known.",
    RECORDED="We saw it at that moment.",
    SESSION_END="Nobody recorded it: the end of its session.",
    NOMINAL="Not even the time of its session is recorded: only the usual order of a weekend.",
)
_describe(
    Direction,
    "Which values of a measure are good.",
    LOWER_IS_BETTER="The lower the better: a loss or an error.",
    HIGHER_IS_BETTER="The higher the better: a rate of hits.",
)
_describe(
    Measure,
    "A named way to judge a forecast. Judged are those who took the start; an entry that did not is void, "
    "and the "
    "win probabilities of the others are scaled to add up to 1.",
    **{measure.value: measure.definition.sentence for measure in Measure},
)
_describe(
    Target,
    "A yes-or-no question that a forecast answers for each entry.",
    WIN="Is classified first.",
    PODIUM="Is classified in the first three.",
    POINTS="Is classified in the first ten.",
    RETIREMENT="Took the start and is not classified, without a disqualification.",
)
_describe(
    ExplainedNumber,
    "A number of an entry's forecast that is told apart by its inputs.",
    WIN="P(classified first), from 0 to 1.",
    PODIUM="P(classified in the first three), from 0 to 1.",
    RETIREMENT="P(takes the start, and does not finish or is not classified), from 0 to 1.",
    MEAN_POSITION="The mean of the positions, in places; 1 is first. Not `expectedPosition`, which is the "
    "median.",
)
_describe(
    InputGroup,
    "What a model looks at, in few words. Every input belongs to exactly one group.",
    GRID="The place on the starting grid, penalties and a start from the pit lane included, and how far that "
    "is from where the car's pace belongs.",
    QUALIFYING_PACE="Lap times and places in qualifying, before penalties.",
    SPRINT="The sprint of the weekend and its qualifying.",
    PRACTICE_PACE="One lap, long runs and distance in practice.",
    RACE_PACE="Lap times in clear air in recent races.",
    TYRES="What a lap on the tyres costs, in recent races and in the long runs of practice.",
    CAR_FORM="Results, points, qualifying and pit stops of the team of late, and how strong its car is "
    "believed to be.",
    DRIVER_FORM="Results, points, qualifying and first laps of the driver of late, also against the "
    "teammate, and how strong the driver is believed to be.",
    EXPERIENCE="Starts so far, also for this team, and how uncertain the strengths of driver and car are.",
    RELIABILITY="How often driver, team and field have retired of late, and why.",
    CIRCUIT="What sort of circuit it is, and how driver and team have done on it.",
    WEATHER="Wet tyres and the track's temperature in the sessions so far.",
    SEASON="How far the season is, and how long ago the regulations changed.",
)
_describe(
    BundleStatus,
    "Whether a trained model is used.",
    CANDIDATE="Trained and not in use yet.",
    ACTIVE="In use for its stage.",
    RETIRED="Was in use; another took its place.",
)
_describe(
    WorkStatus,
    "How a unit of the service's work stands.",
    CLAIMED="A worker is doing it.",
    WAITING="Put back until the budget of calls has room; nothing was tried.",
    DONE="Done, with its result stored.",
    FAILED="The last attempt failed; it will be tried again.",
)
_describe(
    StandingsBasis,
    StandingsBasis.__doc__ or "",
    COMPUTED="Computed by us from the results and the points and tie rules, and checked against the "
    "official table.",
    OFFICIAL="As published: before 1991 only some results counted, by rules that are not modelled.",
)
_describe(
    ForecastUnavailableReason,
    ForecastUnavailableReason.__doc__ or "",
    CANCELLED="The race is cancelled.",
    NO_SUCH_STAGE="The weekend has no such stage: there is no sprint.",
    NOT_DUE_YET="The stage has not begun at the moment asked for.",
    NOT_MADE="None was made by the moment asked for.",
)
_describe(
    RaceOrder,
    RaceOrder.__doc__ or "",
    OLDEST_FIRST="By start, the first race first.",
    NEWEST_FIRST="By start, the last race first.",
)
_describe(
    ResultKind,
    ResultKind.__doc__ or "",
    RACE="The Grand Prix itself.",
    SPRINT="The sprint, a short race for points, since 2021.",
)

_describe(
    UpdateKind,
    "What was published.",
    FORECAST_PUBLISHED="A forecast of a race.",
    RESULT_PUBLISHED="A published list of a weekend, or its correction.",
    SCORES_PUBLISHED="How the forecasts of a race did.",
    MODEL_ACTIVATED="A trained model was put to use.",
    CALENDAR_CHANGED="A race that is not over is new in the calendar, or was changed in it.",
)
