"""Writes the report as one HTML page that needs nothing else, and the plots of the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from f1graph.errors import ForecastError
from f1graph.forecasts.report import charts, colours
from f1graph.forecasts.report.build import CHOSEN_UPTO, Report, StageReport
from f1graph.forecasts.report.tables import (
    FIGURES,
    LEADING,
    Estimate,
    Figure,
    Loss,
    Scoreboard,
    definition_of,
    is_lower_better,
)
from f1graph.races.intervals import RESAMPLES
from f1graph.races.measures import FEW, Measure
from f1graph.races.stages import Stage

STAGE_TITLES: Mapping[Stage, tuple[str, str]] = {
    Stage.BEFORE_WEEKEND: ("Before the weekend", "Known is what happened up to the first practice session."),
    Stage.AFTER_PRACTICE: (
        "After practice",
        "Known is what happened up to the first competitive session, practice included; the grid is not.",
    ),
    Stage.AFTER_SPRINT: ("After the sprint", "Sprint weekends only. Known is the sprint, not the grid."),
    Stage.AFTER_QUALIFYING: ("After qualifying", "Known is the starting grid, penalties included."),
}
# It is so far from the others that they could not be told apart beside it.
_UNCHARTED = "uniform"
# Figures whose differences are smaller than a thousandth.
_FINE = {
    Measure.PODIUM_BRIER,
    Measure.POINTS_BRIER,
    Measure.WINNER_BRIER,
    Measure.RETIREMENT_BRIER,
    Measure.RANKED_PROBABILITY,
}


def render(report: Report, *, files: Sequence[str], written_at: datetime) -> str:
    """The page.

    Args:
        files: The names of the files that it was made from.
    """
    environment = Environment(
        loader=PackageLoader("f1graph.forecasts.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "interval": interval,
        "percent": percent,
        "span": spoken_span,
    }
    others = [figure for figure in FIGURES if figure not in LEADING]
    with charts.styled():
        return environment.get_template("page.html.j2").render(
            report=report,
            files=files,
            written_at=written_at,
            titles=STAGE_TITLES,
            drawn={each.stage: _stage_charts(each, report) for each in report.stages},
            uncharted=(
                f"{_UNCHARTED.capitalize()} is far off and stands in the tables only."
                if _UNCHARTED in report.models
                else ""
            ),
            season_losses=_by_question(report.season_losses),
            leading=LEADING,
            others=others,
            definition_of=definition_of,
            is_lower_better=is_lower_better,
            light=Markup(colours.css(dark=False)),
            dark=Markup(colours.css(dark=True)),
            chosen_upto=CHOSEN_UPTO,
            few=FEW,
            resamples=RESAMPLES,
        )


def write_plots(report: Report, folder: Path) -> list[Path]:
    """The plots of the README, as .svg for light and dark readers and as .png: how reliable the reference is
    after qualifying, and how far the other models are from it.

    Raises:
        ForecastError: Nothing was forecast after qualifying.
    """
    found = next((each for each in report.stages if each.stage is Stage.AFTER_QUALIFYING), None)
    if found is None:
        raise ForecastError("the plots are of the stage AFTER_QUALIFYING, of which there is no forecast")
    folder.mkdir(parents=True, exist_ok=True)
    tables = [table for figure in LEADING if (table := found.whole.table(figure)) is not None]
    with charts.styled():
        of_models = _charted(report)
        charts.write_plot(
            charts.readme_reliability(found.reliability[report.reference]), folder / "reliability"
        )
        charts.write_plot(charts.readme_differences(tables, colours_of=of_models), folder / "differences")
    return [
        folder / f"{name}{suffix}" for name in ("reliability", "differences") for suffix in (".svg", ".png")
    ]


def _by_question(losses: Sequence[Loss]) -> list[list[Loss]]:
    """Those of one stage, figure and baseline together, in the order in which they were found first."""
    found: dict[tuple[Stage, Figure, str], list[Loss]] = {}
    for loss in losses:
        found.setdefault((loss.stage, loss.figure, loss.other), []).append(loss)
    return list(found.values())


def _charted(report: Report) -> charts.ModelColours:
    of_models = charts.model_colours(report.models, report.reference)
    return {model: colour for model, colour in of_models.items() if model != _UNCHARTED}


def _stage_charts(found: StageReport, report: Report) -> dict[str, Any]:
    """The charts of one stage as markup, by what they show."""
    reference = report.reference
    of_models = charts.model_colours(report.models, reference)
    charted = _charted(report)
    tables = [table for figure in LEADING if (table := found.whole.table(figure)) is not None]
    return {
        "differences": [
            _markup(
                charts.difference_chart(table, colours_of=charted),
                f"Difference of each model to {reference}: {definition_of(table.figure).title}",
            )
            for table in tables
            if any(row.difference is not None and row.model in charted for row in table.rows)
        ],
        "seasons": [
            _markup(
                charts.season_chart(found.seasons, table, colours_of=charted),
                f"{definition_of(table.figure).title} season by season",
            )
            for table in tables
            if len(found.seasons) > 1
        ],
        "reliability": {
            model: [
                _markup(
                    charts.reliability_chart(each, colour=of_models[model]),
                    f"Reliability of {model}: {each.target.lower()}",
                )
                for each in answers
            ]
            for model, answers in found.reliability.items()
        },
        "charted": charted,
        "colours": {model: colours.with_variables(colour) for model, colour in of_models.items()},
        "winners": _markup(charts.winners_chart(found.winners), "Different winners in a season"),
        "retirements": {
            each.model: _markup(
                charts.per_race_chart(each.per_race, title="Retirements in a race", xlabel="cars"),
                f"Retirements in a race, {each.model}",
            )
            for each in found.retirements
            if each.per_race is not None
        },
        "teammates": {
            each.model: [
                _markup(
                    charts.per_race_chart(per_race, title=title, xlabel="teams in a race"),
                    f"{title}, {each.model}",
                )
                for per_race, title in (
                    (each.out, "Teams without a finisher"),
                    (each.in_points, "Teams with all cars in the first ten"),
                )
                if per_race is not None
            ]
            for each in found.teammates
        },
        "gains": {
            each.model: _markup(charts.gains_chart(each), f"Places gained, {each.model}")
            for each in found.gains
        },
    }


def _markup(drawing: Any, says: str) -> Markup:
    # From our own drawing: names of models and titles are escaped by matplotlib.
    return Markup(charts.as_svg(drawing, says=says))


def number(value: float, figure: Figure | None = None) -> str:
    return f"{value:.{_decimals(figure)}f}"


def signed(value: float, figure: Figure | None = None) -> str:
    return f"{value:+.{_decimals(figure)}f}".replace("-", "−")


def interval(estimate: Estimate, figure: Figure | None = None, *, sign: bool = False) -> str:
    """`0.110 – 0.119`; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    shown = signed if sign else number
    return f"{shown(estimate.low, figure)} … {shown(estimate.high, figure)}"


def percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"


def spoken_span(board: Scoreboard | None) -> str:
    if board is None:
        return ""
    first, last = board.span
    return str(first) if first == last else f"{first}–{last}"


def _decimals(figure: Figure | None) -> int:
    return 4 if figure in _FINE else 3
