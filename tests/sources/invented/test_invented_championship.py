"""The invented championship: plausible, coherent, marked as invented, and the same whenever it is asked."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from f1graph.errors import RequestError, UnknownError
from f1graph.races.calendar import Race, SessionKind, WeekendFormat
from f1graph.races.facts import Facts
from f1graph.races.past import History
from f1graph.races.results import Classification, ClassificationKind, KnownAtBasis, Status
from f1graph.races.stages import GRID_KNOWN_BEFORE_START, Stage
from f1graph.sources.invented import InventedChampionship, InventedSource, championship
from f1graph.sources.invented.names import FIRST_NAMES, LAST_NAMES, PLACES, TEAM_NAMES
from f1graph.sources.source import Source

MID_SEASON = datetime(2026, 7, 15, 12, tzinfo=UTC)
_REAL_SURNAMES_TEXT = """
    verstappen hamilton leclerc norris piastri russell sainz alonso perez gasly ocon albon tsunoda stroll
    hulkenberg magnussen bottas zhou ricciardo lawson sargeant bearman colapinto doohan hadjar antonelli
    bortoleto lindblad vettel raikkonen rosberg button webber massa barrichello schumacher hakkinen coulthard
    villeneuve hill senna prost mansell piquet lauda kvyat grosjean maldonado kobayashi kubica heidfeld
    montoya trulli fisichella giovinazzi latifi mazepin vandoorne wehrlein ericsson nasr palmer hartley
    sirotkin vergne buemi alguersuari sutil petrov chilton bianchi gutierrez resta rossi
"""
_REAL_TEAMS_TEXT = """
    ferrari mercedes mclaren red-bull williams alpine aston-martin haas sauber racing-bulls alphatauri renault
    lotus toro-rosso force-india audi cadillac brabham tyrrell benetton jordan minardi brawn honda toyota
"""
_REAL_CIRCUITS_TEXT = """
    monza silverstone spa suzuka interlagos bahrain jeddah albert imola monaco villeneuve catalunya baku
    hungaroring zandvoort marina americas rodriguez vegas losail yas miami portimao mugello sepang istanbul
"""

REAL_SURNAMES = frozenset(_REAL_SURNAMES_TEXT.split())
REAL_TEAMS = frozenset(_REAL_TEAMS_TEXT.split())
REAL_CIRCUITS = frozenset(_REAL_CIRCUITS_TEXT.split())

moments = st.integers(0, 26 * 365 * 24 * 60).map(
    lambda minutes: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
seeds = st.integers(0, 50)
# A world takes a fraction of a second: a failing one is shown as found, not made smaller for minutes.
worlds = settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.generate])


@cache
def five_seasons() -> InventedChampionship:
    return championship(seed=7, seasons=5, now=MID_SEASON)


@cache
def twelve_seasons() -> InventedChampionship:
    return championship(seed=7, seasons=12, now=MID_SEASON)


def lists(facts: Facts, kind: ClassificationKind) -> list[Classification]:
    return [fact for fact in facts.classifications if fact.kind is kind]


def first_revisions(facts: Facts) -> dict[tuple[str, ClassificationKind], Classification]:
    return {(fact.race_id, fact.kind): fact for fact in facts.classifications if fact.revision == 1}


def identity(fact: Classification) -> tuple[Any, ...]:
    """All that a store would keep of it."""
    return (
        fact.race_id, fact.kind, fact.revision, fact.content_hash, fact.known_at, fact.known_at_basis,
        fact.source, fact.source_version, fact.invented,
    )  # fmt: skip


def datetimes_in(value: Any) -> Iterable[datetime]:
    if isinstance(value, datetime):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from datetimes_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from datetimes_in(item)


# --- the same world whenever it is asked -------------------------------------------------------------


def test_the_same_seed_gives_the_same_championship() -> None:
    again = championship(seed=7, seasons=5, now=MID_SEASON)
    assert again.facts == five_seasons().facts
    assert again.facts.content_hash == five_seasons().facts.content_hash


def test_another_seed_gives_another_championship() -> None:
    other = championship(seed=8, seasons=5, now=MID_SEASON).facts
    assert other.content_hash != five_seasons().facts.content_hash
    assert other.version == "seed 8"


@given(seed=seeds, now=moments, wait=st.timedeltas(timedelta(0), timedelta(days=200)))
@worlds
def test_a_later_refresh_only_adds(seed: int, now: datetime, wait: timedelta) -> None:
    later = now + wait
    before = championship(seed=seed, seasons=2, now=now).facts
    after = championship(seed=seed, seasons=2 + later.year - now.year, now=later).facts

    assert {identity(fact) for fact in before.classifications} == {
        identity(fact) for fact in after.classifications if fact.known_at <= now
    }
    for name in ("races", "circuits", "drivers", "constructors"):
        assert set(getattr(before, name)) <= set(getattr(after, name)), name


@given(seed=seeds, now=moments)
@worlds
def test_more_seasons_only_add_older_ones(seed: int, now: datetime) -> None:
    short = championship(seed=seed, seasons=1, now=now).facts
    long = championship(seed=seed, seasons=3, now=now).facts
    first = min(race.season for race in short.races)
    assert short.races == tuple(race for race in long.races if race.season >= first)
    assert {identity(fact) for fact in short.classifications} == {
        identity(fact) for fact in long.classifications if int(fact.race_id[:4]) >= first
    }


# --- now and the next race ---------------------------------------------------------------------------


@given(seed=seeds, now=moments)
@worlds
def test_there_is_always_a_next_race_with_its_entry_list(seed: int, now: datetime) -> None:
    facts = championship(seed=seed, seasons=1, now=now).facts
    ahead = [race for race in facts.races if race.ends_at > now]
    assert ahead
    assert (ahead[0].id, ClassificationKind.ENTRY_LIST) in first_revisions(facts)
    drivers = {driver.id for driver in facts.drivers}
    assert {entry.driver_id for entry in lists(facts, ClassificationKind.ENTRY_LIST)[-1].entries()} <= drivers


@given(seed=seeds, now=moments)
@worlds
def test_nothing_is_known_before_it_is_published(seed: int, now: datetime) -> None:
    facts = championship(seed=seed, seasons=2, now=now).facts
    sessions = {(race.id, session.kind): session for race in facts.races for session in race.sessions}
    assert all(fact.known_at <= now for fact in facts.classifications)
    for fact in facts.classifications:
        session = sessions[fact.race_id, fact.kind.session]
        match fact.kind:
            case ClassificationKind.ENTRY_LIST:
                assert fact.known_at < session.starts_at
            case ClassificationKind.GRID | ClassificationKind.SPRINT_GRID:
                assert fact.known_at == session.starts_at - GRID_KNOWN_BEFORE_START
            case _ if fact.revision == 1:
                assert fact.known_at == session.ends_at + timedelta(minutes=5)
            case _:
                assert fact.known_at > session.ends_at + timedelta(days=1)


def test_in_winter_the_next_season_is_announced() -> None:
    facts = championship(seed=7, seasons=2, now=datetime(2025, 12, 24, tzinfo=UTC)).facts
    assert {race.season for race in facts.races} == {2024, 2025, 2026}
    assert lists(facts, ClassificationKind.ENTRY_LIST)[-1].race_id == facts.races[40].id
    assert facts.races[40].season == 2026


def test_qualifying_is_known_while_the_race_is_still_to_come() -> None:
    race = five_seasons().facts.races[-1]
    saturday_night = race.starts_at - timedelta(hours=12)
    known = first_revisions(championship(seed=7, seasons=1, now=saturday_night).facts)
    assert (race.id, ClassificationKind.QUALIFYING) in known
    assert (race.id, ClassificationKind.GRID) not in known
    assert (race.id, ClassificationKind.RACE) not in known


def test_the_facts_make_a_past_at_any_cutoff() -> None:
    facts = five_seasons().facts
    history = History.of(races=facts.races, classifications=facts.classifications)
    past = history.as_of(datetime(2024, 6, 1, tzinfo=UTC))
    assert past.classified_races()[-1].season == 2024


# --- marked as invented ------------------------------------------------------------------------------


def test_everything_says_that_it_is_invented() -> None:
    facts = five_seasons().facts
    assert facts.invented
    assert (facts.source, facts.version) == ("invented", "seed 7")
    for records in (facts.circuits, facts.drivers, facts.constructors, facts.races):
        assert all(record.invented for record in records)
    for fact in facts.classifications:
        assert (fact.invented, fact.source, fact.source_version) == (True, "invented", "seed 7")
        assert fact.known_at_basis is KnownAtBasis.RECORDED
    ids = [record.id for records in (facts.circuits, facts.drivers, facts.constructors) for record in records]
    assert all(id_.startswith("invented-") for id_ in ids)
    assert all("-invented-" in race.id for race in facts.races)


def test_nobody_and_nothing_real_races_here() -> None:
    surnames = {part for name in LAST_NAMES for part in name.lower().split("-")}
    assert not surnames & REAL_SURNAMES
    teams = " ".join(f"{team.id} {team.renamed}" for team in TEAM_NAMES).lower()
    assert not [name for name in REAL_TEAMS if name in teams]
    circuits = " ".join(f"{place.slug} {place.circuit} {place.town}" for place in PLACES).lower()
    assert not [name for name in REAL_CIRCUITS if name in circuits.split()]
    assert len(set(LAST_NAMES)) == len(LAST_NAMES)
    assert len(set(FIRST_NAMES)) == len(FIRST_NAMES)


def test_every_circuit_stands_in_a_real_time_zone() -> None:
    for circuit in five_seasons().facts.circuits:
        offset = datetime(2026, 1, 1, tzinfo=ZoneInfo(circuit.time_zone)).utcoffset()
        assert offset is not None
        assert abs(offset / timedelta(hours=1) - circuit.longitude / 15) < 3.1, circuit


# --- calendar ----------------------------------------------------------------------------------------


def test_a_season_runs_from_march_to_december_about_every_two_weeks() -> None:
    for season in range(2022, 2027):
        races = [race for race in five_seasons().facts.races if race.season == season]
        assert [race.round for race in races] == list(range(1, 21))
        assert (races[0].date.month, races[-1].date.month) == (3, 12)
        gaps = Counter((later.date - earlier.date).days for earlier, later in pairwise(races))
        assert gaps.keys() <= {7, 14, 21}
        assert gaps[14] > 15
        assert sum(race.has_sprint for race in races) == 6
        assert len({race.circuit_id for race in races}) == 20


@pytest.mark.parametrize("races_per_season", [1, 3, 20, 26])
def test_weekends_follow_each_other_without_overlap(races_per_season: int) -> None:
    facts = championship(seed=3, seasons=3, now=MID_SEASON, races_per_season=races_per_season).facts
    sessions = [session for race in facts.races for session in race.sessions]
    assert all(one.ends_at < other.starts_at for one, other in pairwise(sessions))


def test_a_race_starts_on_a_sunday_afternoon_of_its_circuit() -> None:
    facts = five_seasons().facts
    zones = {circuit.id: ZoneInfo(circuit.time_zone) for circuit in facts.circuits}
    for race in facts.races:
        local = race.starts_at.astimezone(zones[race.circuit_id])
        assert local.weekday() == 6
        assert local.hour in (13, 14, 15)
        assert race.date == race.starts_at.date()


def sessions_of(race: Race) -> tuple[SessionKind, ...]:
    return tuple(session.kind for session in race.sessions)


def test_a_sprint_weekend_has_the_format_of_2024() -> None:
    formats = {race.format: sessions_of(race) for race in five_seasons().facts.races}
    assert formats == {
        WeekendFormat.CONVENTIONAL: (
            SessionKind.PRACTICE_1, SessionKind.PRACTICE_2, SessionKind.PRACTICE_3,
            SessionKind.QUALIFYING, SessionKind.RACE,
        ),
        WeekendFormat.SPRINT_BEFORE_QUALIFYING: (
            SessionKind.PRACTICE_1, SessionKind.SPRINT_QUALIFYING, SessionKind.SPRINT,
            SessionKind.QUALIFYING, SessionKind.RACE,
        ),
    }  # fmt: skip


def test_every_time_is_in_utc() -> None:
    facts = five_seasons().facts
    moments_seen = list(datetimes_in((facts.races, facts.classifications, facts.drivers)))
    assert moments_seen
    assert all(moment.utcoffset() == timedelta(0) for moment in moments_seen)


# --- results that agree with each other --------------------------------------------------------------


def test_every_session_of_a_past_race_has_its_list() -> None:
    facts = five_seasons().facts
    known = first_revisions(facts)
    for race in facts.races:
        if race.ends_at + timedelta(minutes=5) > MID_SEASON:
            continue
        wanted = {ClassificationKind(session.kind.value) for session in race.sessions}
        wanted |= {ClassificationKind.ENTRY_LIST, ClassificationKind.GRID, ClassificationKind.FASTEST_LAPS}
        wanted |= {ClassificationKind.SPRINT_GRID} if race.has_sprint else set()
        assert wanted <= {kind for race_id, kind in known if race_id == race.id}
        assert known[race.id, ClassificationKind.ENTRY_LIST].entries()


def test_a_list_counts_its_lines_and_gives_no_position_and_no_driver_twice() -> None:
    for fact in five_seasons().facts.classifications:
        assert [row.order for row in fact.rows] == list(range(1, len(fact.rows) + 1))
        positions = [row.position for row in fact.rows if row.position is not None]
        assert positions == list(range(1, len(positions) + 1)), (fact.race_id, fact.kind)
        if fact.kind is not ClassificationKind.PIT_STOPS:
            assert len({row.driver_id for row in fact.rows}) == len(fact.rows)


def test_everybody_on_a_list_is_entered_in_that_car() -> None:
    facts = five_seasons().facts
    known = first_revisions(facts)
    for fact in facts.classifications:
        entered = set(known[fact.race_id, ClassificationKind.ENTRY_LIST].entries())
        assert len(entered) == 20
        assert Counter(Counter(entry.constructor_id for entry in entered).values()) == {2: 10}
        assert set(fact.entries()) <= entered


def test_codes_and_car_numbers_are_unique_in_a_field() -> None:
    facts = twelve_seasons().facts
    drivers = {driver.id: driver for driver in facts.drivers}
    for fact in lists(facts, ClassificationKind.ENTRY_LIST):
        field = [drivers[row.driver_id] for row in fact.rows]
        assert len({driver.code for driver in field}) == len(field)
        assert len({driver.last_name for driver in field}) == len(field)
        assert len({row.car_number for row in fact.rows}) == len(field)
        assert all(len(driver.code) == 3 and driver.code.isalpha() for driver in field)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (ClassificationKind.RACE, [25, 18, 15, 12, 10, 8, 6, 4, 2, 1]),
        (ClassificationKind.SPRINT, [8, 7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_points_follow_the_table(kind: ClassificationKind, table: list[int]) -> None:
    for fact in lists(five_seasons().facts, kind):
        for row in fact.rows:
            scores = row.position is not None and row.position <= len(table)
            assert row.points == (table[(row.position or 0) - 1] if scores else None)


def test_the_race_is_started_from_the_published_grid() -> None:
    facts = five_seasons().facts
    known = first_revisions(facts)
    statuses: Counter[Status] = Counter()
    for fact in lists(facts, ClassificationKind.RACE):
        grid = {row.driver_id: row for row in known[fact.race_id, ClassificationKind.GRID].rows}
        qualified = {row.driver_id: row for row in known[fact.race_id, ClassificationKind.QUALIFYING].rows}
        for row in fact.rows:
            assert row.grid_position == grid[row.driver_id].position
            assert row.qualifying_position == qualified[row.driver_id].position
            assert (grid[row.driver_id].status is Status.PIT_LANE) == (row.grid_position is None)
            statuses[grid[row.driver_id].status] += 1
    assert statuses[Status.PIT_LANE] > 0


def test_a_grid_penalty_costs_places() -> None:
    penalised = [
        row
        for fact in lists(five_seasons().facts, ClassificationKind.GRID)
        for row in fact.rows
        if row.grid_penalty is not None
    ]
    assert {row.grid_penalty for row in penalised} == {"3", "5", "10", "SFB"}
    lost = [
        row.position - row.qualifying_position
        for row in penalised
        if row.position and row.qualifying_position
    ]
    # Others may be punished harder, so that a penalised car can even win a place.
    assert sum(lost) / len(lost) > 3


def test_qualifying_knocks_out_five_and_five() -> None:
    for fact in lists(five_seasons().facts, ClassificationKind.QUALIFYING):
        parts = [(row.q1 is not None) + (row.q2 is not None) + (row.q3 is not None) for row in fact.rows]
        assert parts == [3] * 10 + [2] * 5 + [1] * 5
        for part in (fact.rows[:10], fact.rows[10:15]):
            times = [row.time for row in part if row.time is not None]
            assert times == sorted(times)
        slowest_through = max(row.q1 for row in fact.rows[:15] if row.q1 is not None)
        assert all(row.q1 is not None and row.q1 >= slowest_through for row in fact.rows[15:])


def test_a_race_result_reads_from_the_winner_down() -> None:
    for fact in lists(twelve_seasons().facts, ClassificationKind.RACE):
        winner, laps = fact.rows[0], [row.laps or 0 for row in fact.rows if row.position is not None]
        assert winner.time is not None
        assert timedelta(hours=1) < winner.time < timedelta(hours=2)
        assert laps == sorted(laps, reverse=True)
        times = [row.time for row in fact.rows if row.time is not None]
        assert times == sorted(times)
        for row in fact.rows:
            assert row.gap_laps is None or row.gap_laps == (winner.laps or 0) - (row.laps or 0)
            assert row.gap is None or row.time == winner.time + row.gap
            if row.retired:
                assert row.reason_retired
                assert (row.laps or 0) < 0.9 * (winner.laps or 0)
            if row.position is not None:
                assert (row.laps or 0) >= 0.9 * (winner.laps or 0)


def test_pit_stops_and_fastest_laps_agree_with_the_result() -> None:
    known = first_revisions(five_seasons().facts)
    for (race_id, kind), fact in known.items():
        if kind is not ClassificationKind.RACE:
            continue
        stops = known[race_id, ClassificationKind.PIT_STOPS].rows
        counted = Counter(row.driver_id for row in stops)
        assert all(row.pit_stops == counted[row.driver_id] for row in fact.rows)
        fastest = known[race_id, ClassificationKind.FASTEST_LAPS].rows
        assert [row.driver_id for row in fact.rows if row.fastest_lap] == [fastest[0].driver_id]
        laps = {row.driver_id: row.laps or 0 for row in fact.rows}
        assert all((row.lap or 0) <= laps[row.driver_id] for row in (*stops, *fastest) if row.lap)


def test_a_correction_is_a_second_revision_that_changes_the_result() -> None:
    facts = twelve_seasons().facts
    first = first_revisions(facts)
    corrections = [fact for fact in facts.classifications if fact.revision == 2]
    assert corrections
    for correction in corrections:
        original = first[correction.race_id, ClassificationKind.RACE]
        assert correction.kind is ClassificationKind.RACE
        assert correction.content_hash != original.content_hash
        assert correction.known_at > original.known_at
        assert set(correction.entries()) == set(original.entries())


# --- plausible ---------------------------------------------------------------------------------------


def test_wins_are_spread_over_several_drivers_without_being_a_lottery() -> None:
    winners: dict[str, Counter[str]] = {}
    for fact in lists(twelve_seasons().facts, ClassificationKind.RACE):
        if fact.revision == 1:
            winners.setdefault(fact.race_id[:4], Counter())[fact.rows[0].driver_id] += 1
    distinct = [len(counts) for counts in winners.values()]
    assert 4 <= sum(distinct) / len(distinct) <= 9
    assert max(max(counts.values()) for counts in winners.values()) >= 8


def test_a_tenth_to_a_sixth_of_the_starters_retire() -> None:
    rows = [row for fact in lists(twelve_seasons().facts, ClassificationKind.RACE) for row in fact.rows]
    started = [row for row in rows if row.started]
    assert 0.09 < sum(row.retired for row in started) / len(started) < 0.16
    seen = {row.status for row in rows}
    assert {Status.DISQUALIFIED, Status.DID_NOT_START, Status.DID_NOT_FINISH} <= seen
    assert any(row.reason_retired and row.position is not None for row in rows)


def test_pole_wins_often_but_not_always() -> None:
    races = [fact for fact in lists(twelve_seasons().facts, ClassificationKind.RACE) if fact.revision == 1]
    share = sum(fact.rows[0].grid_position == 1 for fact in races) / len(races)
    assert 0.25 < share < 0.6


def test_drivers_come_go_and_change_teams() -> None:
    facts = twelve_seasons().facts
    teams: dict[str, set[str]] = {}
    seasons: dict[str, set[str]] = {}
    inside: dict[tuple[str, str], set[str]] = {}
    for fact in lists(facts, ClassificationKind.ENTRY_LIST):
        for entry in fact.entries():
            teams.setdefault(entry.driver_id, set()).add(entry.constructor_id)
            seasons.setdefault(entry.driver_id, set()).add(fact.race_id[:4])
            inside.setdefault((entry.driver_id, fact.race_id[:4]), set()).add(entry.constructor_id)
    assert any(len(driven) > 1 for driven in teams.values())
    assert any(min(years) > "2015" for years in seasons.values())
    assert any(max(years) < "2026" for years in seasons.values())
    assert any(len(driven) > 1 for driven in inside.values())


def test_new_regulations_shuffle_the_cars() -> None:
    truth = twelve_seasons().truth

    def moved(season: int) -> float:
        before, after = truth.seasons[season - 1].car_pace[-1], truth.seasons[season].car_pace[0]
        return float(abs(after - before).mean())

    changes = [moved(season) for season in (2018, 2022, 2026)]
    others = [moved(season) for season in truth.seasons if season > 2015 and season % 4 != 2]
    assert sum(changes) / len(changes) > 1.5 * sum(others) / len(others)


# --- the truth ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", list(Stage))
def test_true_probabilities_add_up(stage: Stage) -> None:
    truth = five_seasons().truth
    race = next(race for race in truth.races.values() if race.ends_at > MID_SEASON)
    chances = truth.true_probabilities(race.id, stage=stage, draws=500)
    assert sum(chances.win.values()) == pytest.approx(1)
    assert sum(chances.podium.values()) == pytest.approx(3)
    assert sum(chances.points.values()) == pytest.approx(10)
    for driver, win in chances.win.items():
        assert 0 <= win <= chances.podium[driver] <= chances.points[driver] <= 1
    assert chances == truth.true_probabilities(race.id, stage=stage, draws=500)


def test_what_happens_is_as_likely_as_the_truth_says() -> None:
    truth, facts = twelve_seasons().truth, twelve_seasons().facts
    expected, happened, favourites, favourites_won, races = 0.0, 0, 0.0, 0, 0
    for fact in lists(facts, ClassificationKind.RACE):
        if fact.revision > 1:
            continue
        chances = truth.true_probabilities(fact.race_id, draws=400)
        expected += sum(chances.retirement.values())
        happened += sum(row.retired for row in fact.rows)
        favourite = max(chances.win, key=lambda driver: chances.win[driver])
        favourites += chances.win[favourite]
        favourites_won += fact.rows[0].driver_id == favourite
        races += 1
    assert happened == pytest.approx(expected, rel=0.1)
    # Three standard errors of a share around a half.
    assert favourites_won / races == pytest.approx(favourites / races, abs=1.5 / races**0.5)


def test_knowing_the_grid_makes_the_truth_sharper() -> None:
    truth = five_seasons().truth

    def sharpness(stage: Stage) -> float:
        chances = [truth.true_probabilities(race_id, stage=stage, draws=300) for race_id in truth.races]
        return sum(win**2 for chance in chances for win in chance.win.values())

    assert (
        sharpness(Stage.BEFORE_WEEKEND) < sharpness(Stage.AFTER_PRACTICE) < sharpness(Stage.AFTER_QUALIFYING)
    )


def test_an_unknown_race_has_no_truth() -> None:
    with pytest.raises(UnknownError, match="2024-monaco"):
        five_seasons().truth.race("2024-monaco")


# --- asking for it -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"seasons": 0}, "seasons"),
        ({"seasons": 500}, "seasons"),
        ({"races_per_season": 0}, "races_per_season"),
        ({"races_per_season": 60}, "races_per_season"),
        ({"teams": 1}, "teams"),
        ({"teams": 40}, "teams"),
    ],
)
def test_an_impossible_championship_is_refused(asked: dict[str, int], complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint):
        championship(**{"seed": 1, "seasons": 1, "now": MID_SEASON, **asked})  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        championship(seed=1, seasons=1, now=datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("teams", [2, 11, 12])
def test_the_field_may_be_small_or_large(teams: int) -> None:
    facts = championship(seed=1, seasons=2, now=MID_SEASON, teams=teams).facts
    assert all(len(fact.rows) == 2 * teams for fact in lists(facts, ClassificationKind.RACE))


async def test_the_source_gives_the_facts_of_the_moment_without_blocking_the_loop() -> None:
    source: Source = InventedSource(seed=7, seasons=5)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    facts = await source.fetch(now=MID_SEASON)
    ticking.cancel()
    assert source.name == "invented"
    assert facts == five_seasons().facts
    assert ticks > 10
