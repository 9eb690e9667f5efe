"""What the weekend itself has shown so far: practice, sprint, qualifying and the grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from f1graph.features.lap_gaps import Gaps, qualifying_gaps, session_gaps
from f1graph.features.qualifying import ValuesByName, best_of_team, qualifying_values
from f1graph.races.calendar import PRACTICES, Race
from f1graph.races.entries import Entry
from f1graph.races.laps import SessionPart
from f1graph.races.past import Past
from f1graph.races.results import PRACTICE_KINDS, ClassificationKind, Status
from f1graph.races.stages import Stage

_LARGEST_MEAN_GAP = 5.0
# A session in which hardly anybody set a time says nothing about the field.
_FEWEST_LAPS = 6
_A_YEAR = timedelta(days=366)

MissingInputs = tuple[tuple[str, str], ...]


def weekend_values(past: Past, race: Race, entries: Sequence[Entry]) -> ValuesByName:
    """By feature, then by driver; whoever a session does not list is absent."""
    return {
        **_practice(past, race, entries),
        **_sprint(past, race),
        **_qualifying(past, race),
        **qualifying_values(past, race, entries),
        **_grid(past, race),
    }


def missing_inputs(past: Past, race: Race, stage: Stage) -> MissingInputs:
    """What a forecast at `stage` would expect to know of this weekend and does not, with the reason."""
    if stage is Stage.BEFORE_WEEKEND:
        return ()
    missing: list[tuple[str, str]] = []
    if not any(session_gaps(past.classification(race.id, kind)) for kind in PRACTICE_KINDS):
        missing.append(("practice", "no lap times of a practice session of this weekend are known"))
    if _laps_are_usual(past, race) and not any(past.laps(race.id, kind) for kind in PRACTICES):
        missing.append(("practice laps", "of earlier weekends laps of practice are known, of this one none"))
    if (
        race.has_sprint
        and stage is not Stage.AFTER_PRACTICE
        and past.classification(race.id, ClassificationKind.SPRINT) is None
    ):
        missing.append(("sprint", "the result of the sprint is not known"))
    if stage is Stage.AFTER_QUALIFYING:
        if not qualifying_gaps(past.classification(race.id, ClassificationKind.QUALIFYING)):
            missing.append(("qualifying", "no lap times of qualifying are known"))
        if past.classification(race.id, ClassificationKind.GRID) is None:
            missing.append(("grid", "the starting grid is not known"))
    return tuple(missing)


def _laps_are_usual(past: Past, race: Race) -> bool:
    """Whether laps of practice are known of a race in the year before."""
    return any(
        part is SessionPart.LAPS
        and session in PRACTICES
        and timedelta(0) < race.starts_at - past.race(race_id).starts_at <= _A_YEAR
        for race_id, session, part in past.recordings
    )


def _practice(past: Past, race: Race, entries: Sequence[Entry]) -> ValuesByName:
    sessions = [past.classification(race.id, kind) for kind in PRACTICE_KINDS]
    gaps = [session_gaps(session) for session in sessions]
    by_driver: dict[str, list[float]] = defaultdict(list)
    for session in gaps:
        for driver, gap in session.items():
            by_driver[driver].append(gap)
    laps: dict[str, float] = defaultdict(float)
    for session_facts in sessions:
        for row in session_facts.rows if session_facts is not None else ():
            laps[row.driver_id] += row.laps or 0
    most = max(laps.values(), default=0.0)
    best = {driver: min(own) for driver, own in by_driver.items()}
    return {
        "practice_gap": best,
        "practice_team_gap": best_of_team(best, entries),
        "practice_mean_gap": {
            driver: sum(min(gap, _LARGEST_MEAN_GAP) for gap in own) / len(own)
            for driver, own in by_driver.items()
        },
        "last_practice_gap": _last_full(gaps),
        "practice_laps": dict(laps),
        "practice_laps_share": {driver: own / most for driver, own in laps.items() if most},
    }


def _last_full(sessions: Iterable[Gaps]) -> Gaps:
    return next((gaps for gaps in reversed(list(sessions)) if len(gaps) >= _FEWEST_LAPS), {})


def _sprint(past: Past, race: Race) -> ValuesByName:
    sprint = past.classification(race.id, ClassificationKind.SPRINT)
    gaps = qualifying_gaps(past.classification(race.id, ClassificationKind.SPRINT_QUALIFYING))
    places = {} if sprint is None else {row.driver_id: float(row.order) for row in sprint.rows}
    return {"sprint_qualifying_gap": gaps, "sprint_position": places}


def _qualifying(past: Past, race: Race) -> ValuesByName:
    qualifying = past.classification(race.id, ClassificationKind.QUALIFYING)
    places = {} if qualifying is None else {row.driver_id: float(row.order) for row in qualifying.rows}
    return {"qualifying_gap": qualifying_gaps(qualifying), "qualifying_position": places}


def _grid(past: Past, race: Race) -> ValuesByName:
    grid = past.classification(race.id, ClassificationKind.GRID)
    rows = () if grid is None else grid.rows
    return {
        "grid_position": {row.driver_id: float(row.position) for row in rows if row.position is not None},
        "pit_lane_start": {row.driver_id: float(row.status is Status.PIT_LANE) for row in rows},
    }
