"""`f1graph fetch`: sessions from FastF1, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from f1graph.cli.output import AsJson, bar, console, errors, run, settings_of, show_json, show_table
from f1graph.errors import RequestError, WorkError
from f1graph.races.calendar import SessionKind
from f1graph.settings import Settings

if TYPE_CHECKING:
    from f1graph.weekends.backfill import Plan
    from f1graph.weekends.run import Outcome
    from f1graph.weekends.work import Work

SESSIONS = {
    "FP1": SessionKind.PRACTICE_1,
    "FP2": SessionKind.PRACTICE_2,
    "FP3": SessionKind.PRACTICE_3,
    "Q": SessionKind.QUALIFYING,
    "SQ": SessionKind.SPRINT_QUALIFYING,
    "S": SessionKind.SPRINT,
    "R": SessionKind.RACE,
}


def fetch(
    context: typer.Context,
    season: Annotated[int | None, typer.Argument(help="The year, from 2018.")] = None,
    round_: Annotated[int | None, typer.Argument(metavar="[ROUND]", help="Only this round.")] = None,
    session: Annotated[
        str | None, typer.Argument(help="Only this session: " + ", ".join(SESSIONS) + ".")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="What is due now, and nothing else.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was fetched before, past every cache.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what it would cost.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait where the hour's calls are spent, or stop there.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Fetch sessions with FastF1: results, laps, weather and race control.

    It may be stopped at any moment and goes on where it was: no call is made twice for what is stored.
    """
    settings = settings_of(context)
    if due:
        if season is not None:
            raise RequestError("--due fetches what is due: leave the season away")
        _show_outcomes(run(_fetch_due(settings)), as_json=as_json)
        return
    if season is None:
        raise RequestError("which season? such as `f1graph fetch 2024`, or `f1graph fetch --due`")
    planned, outcomes = run(
        _fetch(settings, season, round_, _kinds(session), again=again, only_plan=plan, wait=wait)
    )
    if plan and as_json:
        show_json(
            {
                "sessions": [unit.key for unit in planned.units],
                "fetched_before": planned.done,
                "calls": planned.calls,
                "takes_seconds": planned.takes.total_seconds(),
            }
        )
    elif not plan:
        _show_outcomes(outcomes, as_json=as_json)


def _kinds(session: str | None) -> tuple[SessionKind, ...]:
    if session is None:
        return tuple(SESSIONS.values())
    kind = SESSIONS.get(session.upper())
    if kind is None:
        raise RequestError(f"{session!r} is no session: they are {', '.join(SESSIONS)}")
    return (kind,)


async def _fetch(
    settings: Settings,
    season: int,
    round_: int | None,
    kinds: Sequence[SessionKind],
    *,
    again: bool,
    only_plan: bool,
    wait: bool,
) -> tuple[Plan, list[Outcome]]:
    from f1graph.weekends.backfill import fetch_all
    from f1graph.wiring import opened_fetches

    async with opened_fetches(settings) as fetches:
        planned = await fetches.plan(season, round_, kinds, again=again)
        _show_plan(planned)
        if only_plan or not planned.units:
            return planned, []
        with bar("Fetching") as progress:
            task = progress.task_ids[0]
            progress.update(task, total=len(planned.units))

            def tell(work: Work, outcome: Outcome | None) -> None:
                name = f"{work.race_id} {work.session}"
                if outcome is None:
                    progress.update(task, description=name)
                elif outcome.result == "WAITING":
                    progress.update(task, description=f"{name}: {outcome.error}")
                else:
                    progress.advance(task)

            return planned, await fetch_all(fetches.season, planned.units, waits=wait, on_progress=tell)


def _show_plan(plan: Plan) -> None:
    before = f", {plan.done} fetched before" if plan.done else ""
    calls = ", ".join(f"{host.value} {number}" for host, number in plan.calls.items())
    errors.print(
        f"{len(plan.units)} sessions to fetch{before}."
        + (f" At most {calls} calls; by the budget up to {plan.takes}." if plan.units else "")
    )


async def _fetch_due(settings: Settings) -> list[Outcome]:
    from f1graph.weekends.work import WorkKind
    from f1graph.wiring import do_due

    with errors.status("Looking for what is due ...") as status:
        return await do_due(
            settings,
            only={WorkKind.FETCH, WorkKind.WEATHER},
            on_progress=lambda work, outcome: status.update(f"{work.reason} ..."),
        )


def _show_outcomes(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        show_json(
            [
                {
                    "key": outcome.work.key,
                    "race": outcome.work.race_id,
                    "session": outcome.work.session,
                    "result": outcome.result,
                    "error": outcome.error,
                    **outcome.detail,
                }
                for outcome in outcomes
            ]
        )
    elif not outcomes:
        console.print("Nothing to fetch.")
    else:
        show_table("Fetched", ("work", "result", "what came"), [_line(outcome) for outcome in outcomes])
    if bad := [outcome for outcome in outcomes if outcome.result == "FAILED"]:
        raise WorkError("; ".join(f"{outcome.work.key}: {outcome.error}" for outcome in bad))


def _line(outcome: Outcome) -> tuple[str, str, str]:
    if outcome.error is not None:
        return outcome.work.key, outcome.result, outcome.error
    detail = outcome.detail
    if "hours" in detail:
        return outcome.work.key, outcome.result, f"{detail['hours']} hours of the weather to come"
    said = [f"{detail.get('first_revisions', 0)} lists", f"{detail.get('new_revisions', 0)} corrections"]
    said += [part.lower() for part in detail.get("new_recordings", [])]
    said += [f"without {one['part']} ({one['code']}: {one['reason']})" for one in detail.get("problems", [])]
    return outcome.work.key, outcome.result, ", ".join(said)
