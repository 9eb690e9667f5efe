"""What was known at a moment. The only thing that features and models ever get to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, cast

from f1graph.errors import FutureFactError
from f1graph.races.calendar import Circuit, Race, SessionKind
from f1graph.races.entries import Constructor, Driver, Entry
from f1graph.races.laps import SessionPart
from f1graph.races.results import Classification, ClassificationKind
from f1graph.races.times import require_utc
from f1graph.races.weather import WeatherForecast

if TYPE_CHECKING:
    # Brings numpy, which whoever only reads classifications can do without.
    from f1graph.races.session_laps import SessionLaps, SessionRecord, SessionWeather

FactKey = tuple[str, ClassificationKind]
RecordingKey = tuple[str, SessionKind, SessionPart]
T = TypeVar("T")
Facts = TypeVarTuple("Facts")


class Memory:
    """What was worked out of facts, as long as the facts themselves are kept.

    Facts never change, so an answer that depends on the very same objects is the same answer. They are told
    apart by identity: comparing thousands of rows would cost more than working it out again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[tuple[object, ...], Any]] = {}

    def recall(self, work_out: Callable[[*Facts], T], *facts: *Facts) -> T:
        key = (id(work_out), *map(id, facts))
        found = self._known.get(key)
        if found is None:
            # Function and facts are kept with the answer, so that no other object can get their identity.
            found = self._known[key] = ((work_out, *facts), work_out(*facts))
        return cast(T, found[1])


@dataclass(frozen=True)
class Past:
    """Facts as they were known at `cutoff`.

    Attributes:
        races: The calendar up to the end of the season after the cutoff's, by start. A calendar is
            published before its season starts, so races after the cutoff are there, without results.
        facts: By race and kind the newest revision known at the cutoff.
        circuits, drivers, constructors: By id. Only what never changes may be read from them.
        recordings: By race, session and part the newest revision known at the cutoff.
        weather_forecasts: By race the newest known at the cutoff.

    Raises:
        FutureFactError: One of `facts`, `recordings` or `weather_forecasts` was learned after the cutoff.
    """

    cutoff: datetime
    races: tuple[Race, ...]
    facts: Mapping[FactKey, Classification]
    circuits: Mapping[str, Circuit]
    drivers: Mapping[str, Driver]
    constructors: Mapping[str, Constructor]
    recordings: Mapping[RecordingKey, SessionRecord] = field(default_factory=dict)
    weather_forecasts: Mapping[str, WeatherForecast] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_utc(self.cutoff, "a cutoff")
        for (race_id, kind), fact in self.facts.items():
            if fact.known_at > self.cutoff:
                self._refuse(f"{kind} of {race_id}", fact.known_at)
        for (race_id, session, part), recording in self.recordings.items():
            if recording.name.known_at > self.cutoff:
                self._refuse(f"{part} of {session} of {race_id}", recording.name.known_at)
        for race_id, forecast in self.weather_forecasts.items():
            if forecast.known_at > self.cutoff:
                self._refuse(f"a weather forecast of {race_id}", forecast.known_at)

    def _refuse(self, what: str, known_at: datetime) -> None:
        raise FutureFactError(
            f"{what} was learned at {known_at:%Y-%m-%d %H:%M} UTC, after the cutoff "
            f"{self.cutoff:%Y-%m-%d %H:%M} UTC"
        )

    @cached_property
    def _race_by_id(self) -> dict[str, Race]:
        return {race.id: race for race in self.races}

    def race(self, race_id: str) -> Race:
        return self._race_by_id[race_id]

    def classification(self, race_id: str, kind: ClassificationKind) -> Classification | None:
        """The newest revision known at the cutoff; None if nothing was known yet."""
        return self.facts.get((race_id, kind))

    def laps(self, race_id: str, session: SessionKind) -> SessionLaps | None:
        """The laps of a session as they were known at the cutoff; None if none were."""
        return cast("SessionLaps | None", self.recordings.get((race_id, session, SessionPart.LAPS)))

    def weather(self, race_id: str, session: SessionKind) -> SessionWeather | None:
        """The weather measured in a session as it was known at the cutoff; None if none was."""
        return cast("SessionWeather | None", self.recordings.get((race_id, session, SessionPart.WEATHER)))

    def weather_forecast(self, race_id: str) -> WeatherForecast | None:
        """The newest weather forecast known at the cutoff; None if none was. There is no history of them to
        learn from, so no feature is made of it."""
        return self.weather_forecasts.get(race_id)

    def entries(self, race_id: str) -> tuple[Entry, ...]:
        """Who is entered for the race, ordered by driver id so that the order tells nothing."""
        known = self.classification(race_id, ClassificationKind.ENTRY_LIST)
        if known is None:
            return ()
        return tuple(sorted(known.entries(), key=lambda entry: entry.driver_id))

    def recall(self, work_out: Callable[[*Facts], T], *facts: *Facts) -> T:
        """`work_out(*facts)`, worked out once for all the pasts of a history that hold these very facts.

        `work_out` must be a function of a module that looks at nothing but its arguments, and these must
        be facts of this past (or its constructors), so that nothing from the future can be recalled.
        """
        return self.memory.recall(work_out, *facts)

    def classified_races(self) -> tuple[Race, ...]:
        """The races whose result is known, by start."""
        return tuple(race for race in self.races if (race.id, ClassificationKind.RACE) in self.facts)


@dataclass(frozen=True)
class History:
    """Every revision of every fact that the store holds: what a `Past` is cut from.

    Attributes:
        recordings: Every revision of what features are made of: laps and weather.
        weather_forecasts: All of them.
    """

    races: tuple[Race, ...]
    revisions: Mapping[FactKey, tuple[Classification, ...]]
    circuits: Mapping[str, Circuit]
    drivers: Mapping[str, Driver]
    constructors: Mapping[str, Constructor]
    recordings: tuple[SessionRecord, ...] = ()
    weather_forecasts: tuple[WeatherForecast, ...] = ()
    _by_known_at: list[Classification] = field(init=False, repr=False, compare=False)
    _memory: Memory = field(default_factory=Memory, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(
            (fact for revisions in self.revisions.values() for fact in revisions),
            key=lambda fact: (fact.known_at, fact.revision),
        )
        object.__setattr__(self, "_by_known_at", ordered)
        recorded = sorted(self.recordings, key=lambda one: (one.name.known_at, one.name.revision))
        object.__setattr__(self, "recordings", tuple(recorded))
        forecast = sorted(self.weather_forecasts, key=lambda one: (one.known_at, one.race_id))
        object.__setattr__(self, "weather_forecasts", tuple(forecast))

    @classmethod
    def of(
        cls,
        *,
        races: Iterable[Race],
        classifications: Iterable[Classification],
        circuits: Iterable[Circuit] = (),
        drivers: Iterable[Driver] = (),
        constructors: Iterable[Constructor] = (),
        recordings: Iterable[SessionRecord] = (),
        weather_forecasts: Iterable[WeatherForecast] = (),
    ) -> History:
        revisions: dict[FactKey, list[Classification]] = {}
        for fact in classifications:
            revisions.setdefault((fact.race_id, fact.kind), []).append(fact)
        return cls(
            races=tuple(sorted(races, key=lambda race: (race.starts_at, race.id))),
            revisions={
                key: tuple(sorted(facts, key=lambda fact: fact.revision)) for key, facts in revisions.items()
            },
            circuits={circuit.id: circuit for circuit in circuits},
            drivers={driver.id: driver for driver in drivers},
            constructors={constructor.id: constructor for constructor in constructors},
            recordings=tuple(recordings),
            weather_forecasts=tuple(weather_forecasts),
        )

    def as_of(self, cutoff: datetime) -> Past:
        """What was known at `cutoff`: of each fact its newest revision learned by then."""
        facts: dict[FactKey, Classification] = {}
        for fact in self._by_known_at:
            if fact.known_at > cutoff:
                break
            facts[fact.race_id, fact.kind] = fact
        recordings: dict[RecordingKey, SessionRecord] = {}
        for recording in self.recordings:
            name = recording.name
            if name.known_at > cutoff:
                break
            recordings[name.race_id, name.session, name.part] = recording
        return Past(
            cutoff=cutoff,
            races=tuple(race for race in self.races if race.season <= cutoff.year + 1),
            facts=facts,
            circuits=self.circuits,
            drivers=self.drivers,
            constructors=self.constructors,
            recordings=recordings,
            weather_forecasts={
                forecast.race_id: forecast
                for forecast in self.weather_forecasts
                if forecast.known_at <= cutoff
            },
            memory=self._memory,
        )

    def latest(self, race_id: str, kind: ClassificationKind) -> Classification | None:
        """The newest revision there is, whenever it was learned: for scoring, never for features."""
        revisions = self.revisions.get((race_id, kind))
        return revisions[-1] if revisions else None
