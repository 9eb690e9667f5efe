"""Seasons, circuits, races and the sessions of a race weekend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from f1graph.races.times import require_utc, utc


class SessionKind(StrEnum):
    """What is driven on a weekend. Each has a classification of its own."""

    PRE_QUALIFYING = "PRE_QUALIFYING"
    PRACTICE_1 = "PRACTICE_1"
    PRACTICE_2 = "PRACTICE_2"
    PRACTICE_3 = "PRACTICE_3"
    PRACTICE_4 = "PRACTICE_4"
    QUALIFYING_1 = "QUALIFYING_1"
    QUALIFYING_2 = "QUALIFYING_2"
    QUALIFYING = "QUALIFYING"
    SPRINT_QUALIFYING = "SPRINT_QUALIFYING"
    SPRINT = "SPRINT"
    WARM_UP = "WARM_UP"
    RACE = "RACE"


PRACTICES = (
    SessionKind.PRACTICE_1,
    SessionKind.PRACTICE_2,
    SessionKind.PRACTICE_3,
    SessionKind.PRACTICE_4,
)


class WeekendFormat(StrEnum):
    """The order of the competitive sessions, which changed three times in four years.

    The sprint of 2021 and 2022 set the race's grid; that of 2023 came after qualifying and did not;
    since 2024 it comes before qualifying.
    """

    CONVENTIONAL = "CONVENTIONAL"
    SPRINT_SETS_GRID = "SPRINT_SETS_GRID"
    SPRINT_AFTER_QUALIFYING = "SPRINT_AFTER_QUALIFYING"
    SPRINT_BEFORE_QUALIFYING = "SPRINT_BEFORE_QUALIFYING"


def weekend_format(season: int, *, has_sprint: bool) -> WeekendFormat:
    """The format of a weekend of `season` (FIA Sporting Regulations of 2021, 2023 and 2024)."""
    if not has_sprint:
        return WeekendFormat.CONVENTIONAL
    if season <= 2022:
        return WeekendFormat.SPRINT_SETS_GRID
    if season == 2023:
        return WeekendFormat.SPRINT_AFTER_QUALIFYING
    return WeekendFormat.SPRINT_BEFORE_QUALIFYING


# The longest each kind takes by the regulations, suspensions left out: when its result may be expected.
SESSION_LENGTHS: dict[SessionKind, timedelta] = {
    **dict.fromkeys(PRACTICES, timedelta(hours=1)),
    SessionKind.PRE_QUALIFYING: timedelta(hours=1),
    SessionKind.QUALIFYING_1: timedelta(hours=1),
    SessionKind.QUALIFYING_2: timedelta(hours=1),
    SessionKind.QUALIFYING: timedelta(hours=1),
    SessionKind.SPRINT_QUALIFYING: timedelta(minutes=45),
    SessionKind.SPRINT: timedelta(hours=1),
    SessionKind.WARM_UP: timedelta(minutes=30),
    SessionKind.RACE: timedelta(hours=2),
}


@dataclass(frozen=True, slots=True)
class Circuit:
    """A place where races are held.

    Attributes:
        id: F1DB's slug, stable over renames.
        kind: `RACE`, `ROAD` or `STREET`.
        time_zone: IANA name, from the coordinates.
        length_km: The newest layout's length.
    """

    id: str
    name: str
    full_name: str
    place: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    time_zone: str
    kind: str
    length_km: float
    turns: int
    invented: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a weekend.

    Attributes:
        is_nominal: The real time is not recorded; `starts_at` and `ends_at` then only hold the usual
            order of a weekend and are never shown to a user.
    """

    kind: SessionKind
    starts_at: datetime
    ends_at: datetime
    is_nominal: bool = False

    def __post_init__(self) -> None:
        require_utc(self.starts_at, "a session's start")
        require_utc(self.ends_at, "a session's end")
        if self.ends_at <= self.starts_at:
            raise ValueError(f"{self.kind} ends at {self.ends_at}, not after its start {self.starts_at}")


@dataclass(frozen=True, slots=True)
class Race:
    """One Grand Prix.

    Attributes:
        id: Ours and stable: season and Grand Prix, `2024-abu-dhabi`. Rounds shift when a race is
            cancelled, so the round is an attribute and never a key.
        date: The date of the start in UTC. Las Vegas starts on Saturday night there, on Sunday in UTC.
        sessions: In the order in which they are driven; the last is the race.
        scheduled_laps: As announced; None where nobody recorded it.
    """

    id: str
    season: int
    round: int
    grand_prix_id: str
    name: str
    official_name: str
    circuit_id: str
    date: date
    format: WeekendFormat
    sessions: tuple[Session, ...]
    scheduled_laps: int | None = None
    distance_km: float | None = None
    is_cancelled: bool = False
    invented: bool = False

    def __post_init__(self) -> None:
        kinds = [session.kind for session in self.sessions]
        if SessionKind.RACE not in kinds or len(set(kinds)) != len(kinds):
            raise ValueError(f"{self.id} needs one race and no session twice, not {kinds}")
        starts = [session.starts_at for session in self.sessions]
        if starts != sorted(starts):
            raise ValueError(f"the sessions of {self.id} are not in the order of their start")

    def session(self, kind: SessionKind) -> Session | None:
        return next((session for session in self.sessions if session.kind is kind), None)

    @property
    def race_session(self) -> Session:
        return next(session for session in self.sessions if session.kind is SessionKind.RACE)

    @property
    def starts_at(self) -> datetime:
        """The start of the race itself; nominal where `race_session.is_nominal`."""
        return self.race_session.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.race_session.ends_at

    @property
    def weekend_starts_at(self) -> datetime:
        return self.sessions[0].starts_at

    @property
    def has_sprint(self) -> bool:
        return self.format is not WeekendFormat.CONVENTIONAL


def race_id(season: int, grand_prix_id: str) -> str:
    return f"{season}-{grand_prix_id}"


# Days before the race and UTC hour at which a session is placed when its time is not recorded.
_NOMINAL_CONVENTIONAL: dict[SessionKind, tuple[int, int]] = {
    SessionKind.PRE_QUALIFYING: (2, 7),
    SessionKind.PRACTICE_1: (2, 9),
    SessionKind.PRACTICE_2: (2, 11),
    SessionKind.QUALIFYING_1: (2, 14),
    SessionKind.PRACTICE_3: (1, 8),
    SessionKind.PRACTICE_4: (1, 10),
    SessionKind.QUALIFYING_2: (1, 12),
    SessionKind.QUALIFYING: (1, 14),
    SessionKind.WARM_UP: (0, 9),
    SessionKind.RACE: (0, 13),
}
_NOMINAL_SPRINT: dict[WeekendFormat, dict[SessionKind, tuple[int, int]]] = {
    WeekendFormat.CONVENTIONAL: {},
    WeekendFormat.SPRINT_SETS_GRID: {
        SessionKind.PRACTICE_1: (2, 9),
        SessionKind.QUALIFYING: (2, 14),
        SessionKind.PRACTICE_2: (1, 9),
        SessionKind.SPRINT: (1, 14),
    },
    WeekendFormat.SPRINT_AFTER_QUALIFYING: {
        SessionKind.PRACTICE_1: (2, 9),
        SessionKind.QUALIFYING: (2, 14),
        SessionKind.SPRINT_QUALIFYING: (1, 9),
        SessionKind.SPRINT: (1, 14),
    },
    WeekendFormat.SPRINT_BEFORE_QUALIFYING: {
        SessionKind.PRACTICE_1: (2, 9),
        SessionKind.SPRINT_QUALIFYING: (2, 14),
        SessionKind.SPRINT: (1, 9),
        SessionKind.QUALIFYING: (1, 14),
    },
}


def nominal_session(kind: SessionKind, *, race_date: date, weekend: WeekendFormat) -> Session:
    """A session whose time nobody recorded, placed where such a session usually stood in its weekend.

    Before 2024 F1DB has no session times. What was known before what must still hold, so history gets
    the usual order of a weekend; the times themselves are marked nominal.
    """
    days, hour = {**_NOMINAL_CONVENTIONAL, **_NOMINAL_SPRINT[weekend]}[kind]
    starts_at = utc(datetime.combine(race_date, time(hour))) - timedelta(days=days)
    return Session(kind, starts_at, starts_at + SESSION_LENGTHS[kind], is_nominal=True)


def local_date(moment: datetime, time_zone: str) -> date:
    """The date on the circuit's own calendar at `moment`."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
