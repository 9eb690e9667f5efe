"""The championship tables after each race, computed from results, and what differs from the official ones.

Before 1991 only a driver's best results counted, in ways that changed nearly every year. Those dropped
scores are not modelled: for a season before 1991 nothing is computed, and the official tables are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from f1graph.races.calendar import Race
from f1graph.races.facts import Standings, StandingsKind, StandingsRow
from f1graph.races.points import points_table
from f1graph.races.results import Classification, ClassificationKind, ClassificationRow

FIRST_COMPUTED_SEASON = 1991
# Published tables of earlier seasons name only who has scored, and look only at places that pay points to
# decide equal points; later ones name everybody who was classified and look at every place.
_FIRST_SEASON_LISTING_ALL = 2000
# More cars than ever finished a race.
_MOST_PLACES = 40
_POINTS_TOLERANCE = 0.005

# A driver, or a constructor with its engine: Footwork-Porsche and Footwork-Ford were two competitors.
Competitor = tuple[str, str | None]


class RulingKind(StrEnum):
    """What stewards or court decided about a championship table."""

    DEDUCTION = "DEDUCTION"  # points taken off, the results stand
    EXCLUSION = "EXCLUSION"  # no place in the championship any more


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision that makes a table differ from the sum of the results.

    Attributes:
        from_race_id: The first race after which the published tables show it.
        points: Taken off; of an exclusion None: constructors then lose all, drivers keep theirs on paper.
        reason: For a reader.
    """

    kind: RulingKind
    standings: StandingsKind
    competitor: Competitor
    from_race_id: str
    reason: str
    points: float | None = None


def _deduction(constructor: Competitor, points: float, from_race_id: str, reason: str) -> Ruling:
    return Ruling(
        RulingKind.DEDUCTION, StandingsKind.CONSTRUCTORS, constructor, from_race_id, reason, points=points
    )


RULINGS: tuple[Ruling, ...] = (
    _deduction(
        ("benetton", "renault"), 10.0, "1995-brazil", "fuel not as approved: the drivers kept their points"
    ),
    _deduction(
        ("williams", "renault"), 6.0, "1995-brazil", "fuel not as approved: the drivers kept their points"
    ),
    Ruling(
        RulingKind.EXCLUSION,
        StandingsKind.DRIVERS,
        ("michael-schumacher", None),
        "1997-europe",
        "excluded from the championship for the collision with Villeneuve at Jerez; his results stand",
    ),
    _deduction(
        ("mclaren", "mercedes"), 10.0, "2000-austria", "a seal missing on the winner's electronics box"
    ),
    # Decided on 13 September; the tables of the races before it were rewritten.
    Ruling(
        RulingKind.EXCLUSION,
        StandingsKind.CONSTRUCTORS,
        ("mclaren", "mercedes"),
        "2007-australia",
        "excluded for holding Ferrari's documents; the drivers kept their points",
    ),
    # The season's final table has both entries: this one, and the first with 0 points and no place.
    _deduction(
        ("force-india", "mercedes"),
        59.0,
        "2018-belgium",
        "insolvent: a new entry took over before Spa and began with no points",
    ),
    _deduction(
        ("racing-point", "bwt-mercedes"),
        15.0,
        "2020-70th-anniversary",
        "brake ducts copied from Mercedes: protested after Styria, decided on 7 August",
    ),
)


@dataclass(slots=True)
class _Tally:
    """What a competitor has collected so far in a season.

    Attributes:
        finishes: How often each place was taken in a race; sprints do not count here.
    """

    points: float = 0.0
    finishes: dict[int, int] = field(default_factory=dict)
    listed: bool = False

    def add(self, row: ClassificationRow, *, is_race: bool) -> None:
        self.points += row.points or 0.0
        self.listed = self.listed or row.position is not None
        if is_race and row.position is not None:
            self.finishes[row.position] = self.finishes.get(row.position, 0) + 1

    def count_back(self, places: int) -> tuple[int, ...]:
        """Negated numbers of wins, second places … down to `places`: sorts the better one first."""
        return tuple(-self.finishes.get(place, 0) for place in range(1, places + 1))


def standings_after(
    races: Iterable[Race], classifications: Iterable[Classification]
) -> tuple[Standings, ...]:
    """The drivers' and the constructors' table after each race of a season that has results.

    Points are those scored in the rows of races and sprints. Equal points are decided by the count-back:
    more wins, else more second places and so on, sprints left out; who is equal there too shares the place.

    Args:
        races: Of one season.
        classifications: Of any kind; only those of these races' RACE and SPRINT are looked at, and of
            several revisions the highest.

    Returns:
        In the order of the rounds, drivers first; empty for seasons before 1991.

    Raises:
        ValueError: Races of several seasons.
    """
    ordered = sorted(races, key=lambda race: race.round)
    if len({race.season for race in ordered}) > 1:
        raise ValueError("standings are of one season; the races given are of several")
    if not ordered or ordered[0].season < FIRST_COMPUTED_SEASON:
        return ()
    results = _newest(classifications)
    drivers: dict[Competitor, _Tally] = {}
    constructors: dict[Competitor, _Tally] = {}
    tables = []
    raced: set[str] = set()
    for race in ordered:
        race_result = results.get((race.id, ClassificationKind.RACE))
        sprint_result = results.get((race.id, ClassificationKind.SPRINT))
        for result in (sprint_result, race_result):
            for row in result.rows if result is not None else ():
                is_race = result is race_result
                drivers.setdefault((row.driver_id, None), _Tally()).add(row, is_race=is_race)
                team = (row.constructor_id, row.engine_id)
                constructors.setdefault(team, _Tally()).add(row, is_race=is_race)
        if race_result is None:
            continue
        raced.add(race.id)
        tables.append(_table(race, StandingsKind.DRIVERS, drivers, raced))
        tables.append(_table(race, StandingsKind.CONSTRUCTORS, constructors, raced))
    return tuple(tables)


def _newest(
    classifications: Iterable[Classification],
) -> dict[tuple[str, ClassificationKind], Classification]:
    newest: dict[tuple[str, ClassificationKind], Classification] = {}
    for classification in classifications:
        key = (classification.race_id, classification.kind)
        if key not in newest or classification.revision > newest[key].revision:
            newest[key] = classification
    return newest


def _table(
    race: Race, kind: StandingsKind, tallies: Mapping[Competitor, _Tally], raced: set[str]
) -> Standings:
    rulings = [ruling for ruling in RULINGS if ruling.standings is kind and ruling.from_race_id in raced]
    excluded = {ruling.competitor for ruling in rulings if ruling.kind is RulingKind.EXCLUSION}
    lists_all = race.season >= _FIRST_SEASON_LISTING_ALL
    places = _MOST_PLACES if lists_all else len(points_table(race.season))
    lines = []
    for competitor, tally in tallies.items():
        points = tally.points - _points_lost(rulings, kind, competitor, tally)
        if not (tally.listed if lists_all else points > 0):
            continue
        lines.append((competitor in excluded, -points, tally.count_back(places), competitor, tally))
    lines.sort(key=lambda line: line[:4])
    rows: list[StandingsRow] = []
    for order, (is_out, minus_points, count_back, competitor, tally) in enumerate(lines, start=1):
        before = lines[order - 2] if order > 1 else None
        is_equal = before is not None and before[:3] == (is_out, minus_points, count_back)
        position = rows[-1].position if is_equal else order
        rows.append(
            StandingsRow(
                order=order,
                position=None if is_out else position,
                competitor_id=competitor[0],
                engine_id=competitor[1],
                points=-minus_points,
                wins=tally.finishes.get(1, 0),
            )
        )
    return Standings(race.id, kind, tuple(rows))


def _points_lost(rulings: list[Ruling], kind: StandingsKind, competitor: Competitor, tally: _Tally) -> float:
    lost = 0.0
    for ruling in rulings:
        if ruling.competitor != competitor:
            continue
        if ruling.kind is RulingKind.DEDUCTION:
            lost += ruling.points or 0.0
        elif kind is StandingsKind.CONSTRUCTORS:
            return tally.points
    return lost


class MismatchCause(StrEnum):
    """Why a computed and an official table differ."""

    # Equal in points and in every place: the rules end here, the official table orders them all the same.
    RULES_LEAVE_OPEN = "RULES_LEAVE_OPEN"
    # The official table is irregular, and we know in what way.
    OFFICIAL_IS_IRREGULAR = "OFFICIAL_IS_IRREGULAR"
    UNEXPLAINED = "UNEXPLAINED"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A competitor whose line differs between the computed and the official table.

    Attributes:
        computed: None where only the official table has the competitor.
        official: None where only the computed one has.
        reason: For a reader.
    """

    race_id: str
    kind: StandingsKind
    competitor: Competitor
    computed: StandingsRow | None
    official: StandingsRow | None
    cause: MismatchCause
    reason: str


_OPEN_REASON = (
    "equal in points and in every place that decides equal points; the rules leave the order to the FIA, "
    "and the official table has one"
)
_UNEXPLAINED_REASON = "no known reason: a result was revised after one of the two was made, or one is wrong"
_BELOW_19TH = (
    "the official table takes Karthikeyan and a driver with equal points as equal: early in 2012 it seems to "
    "look at no place below 19th, which the count-back does"
)
_EVERYBODY: Competitor = ("*", None)
# Official tables that do not follow from the official results; points are right in all of them.
_IRREGULAR: dict[tuple[str, StandingsKind, Competitor], str] = {
    ("2007-canada", StandingsKind.CONSTRUCTORS, _EVERYBODY): (
        "the first place is left empty: McLaren was taken out of this table as of all others that year, but "
        "only here nobody moved up"
    ),
    **{
        (race_id, StandingsKind.DRIVERS, ("narain-karthikeyan", None)): _BELOW_19TH
        for race_id in ("2012-malaysia", "2012-china", "2012-bahrain", "2012-canada")
    },
    **{
        ("2012-monaco", StandingsKind.DRIVERS, (driver, None)): (
            "both have a 15th place, and Pic's 20th places are better than Karthikeyan's next one; the "
            "official table has Karthikeyan ahead here and the two as equal after the next race"
        )
        for driver in ("narain-karthikeyan", "charles-pic")
    },
    **{
        ("2021-great-britain", StandingsKind.DRIVERS, (driver, None)): (
            "Latifi and Mazepin both have a 14th place; Latifi's 15th is better than Mazepin's 17th, but the "
            "official table has them the other way round"
        )
        for driver in ("nicholas-latifi", "nikita-mazepin")
    },
    **{
        ("2022-spain", StandingsKind.DRIVERS, (driver, None)): (
            "with 11 points each Ricciardo's 6th place is better than Tsunoda's 7th, but the official table "
            "has them the other way round until the next race"
        )
        for driver in ("daniel-ricciardo", "yuki-tsunoda")
    },
}


def check_standings(computed: Iterable[Standings], official: Iterable[Standings]) -> list[Mismatch]:
    """Where computed tables differ from the official ones, each difference with its reason.

    Compared are the competitors listed, their points and their position. The order among equals is not: a
    table has to print those who share a place in some order. Tables that only one side has are left out.
    """
    published = {(table.race_id, table.kind): table for table in official}
    mismatches: list[Mismatch] = []
    for table in computed:
        other = published.get((table.race_id, table.kind))
        if other is not None:
            mismatches.extend(_differences(table, other))
    return mismatches


def _differences(computed: Standings, official: Standings) -> Iterable[Mismatch]:
    ours = {(row.competitor_id, row.engine_id): row for row in computed.rows}
    theirs = {(row.competitor_id, row.engine_id): row for row in official.rows}
    for competitor in sorted(ours.keys() | theirs.keys(), key=str):
        our_row, their_row = ours.get(competitor), theirs.get(competitor)
        if our_row is not None and their_row is not None and _agree(our_row, their_row):
            continue
        cause, reason = _explain(computed, competitor, our_row, their_row)
        yield Mismatch(computed.race_id, computed.kind, competitor, our_row, their_row, cause, reason)


def _agree(ours: StandingsRow, theirs: StandingsRow) -> bool:
    return _same_points(ours, theirs) and ours.position == theirs.position


def _same_points(ours: StandingsRow, theirs: StandingsRow) -> bool:
    return abs(ours.points - theirs.points) < _POINTS_TOLERANCE


def _explain(
    computed: Standings, competitor: Competitor, ours: StandingsRow | None, theirs: StandingsRow | None
) -> tuple[MismatchCause, str]:
    if ours is None or theirs is None or not _same_points(ours, theirs):
        return MismatchCause.UNEXPLAINED, _UNEXPLAINED_REASON
    for who in (competitor, _EVERYBODY):
        if (reason := _IRREGULAR.get((computed.race_id, computed.kind, who))) is not None:
            return MismatchCause.OFFICIAL_IS_IRREGULAR, reason
    if ours.position is not None and theirs.position is not None:
        sharing = sum(row.position == ours.position for row in computed.rows)
        if ours.position <= theirs.position < ours.position + sharing:
            return MismatchCause.RULES_LEAVE_OPEN, _OPEN_REASON
    return MismatchCause.UNEXPLAINED, _UNEXPLAINED_REASON
