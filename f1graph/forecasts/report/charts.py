"""Draws the charts, as SVG without a browser. The only place that knows matplotlib."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator

from f1graph.forecasts.report import colours
from f1graph.forecasts.report.checks import Gains, PerRace, Winners
from f1graph.forecasts.report.reliability import Reliability
from f1graph.forecasts.report.tables import Row, Scoreboard, Table, definition_of
from f1graph.races.measures import CalibrationBin

_INK, _MUTED, _LINE, _ACCENT, _SOFT = (
    colour.light for colour in (colours.INK, colours.MUTED, colours.LINE, colours.ACCENT, colours.SOFT)
)
_WIDTH = 3.7  # inches: three of them beside each other on a desk, one on a phone
# Its type would be the names of all the settings of matplotlib.
_STYLE: Any = {
    # Letters stay letters: they can be searched, and take the page's font.
    "svg.fonttype": "none",
    # Else names within a drawing are made up anew each time.
    "svg.hashsalt": "f1graph",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _MUTED,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}

ModelColours = Mapping[str, str]


def styled() -> AbstractContextManager[None]:
    """Everything here is called within: a drawing takes its style when it is begun and when it is saved."""
    return rc_context(_STYLE)


def model_colours(models: Sequence[str], reference: str) -> ModelColours:
    """The reference stands out; the others get theirs in turn."""
    others = [model for model in models if model != reference]
    given = {model: colours.OTHERS[i % len(colours.OTHERS)].light for i, model in enumerate(others)}
    return {reference: _ACCENT, **given}


def _begun(height: float) -> Drawing:
    """A drawing with room for labels. Finding out how much they need would take as long as drawing them."""
    drawing = Drawing(figsize=(_WIDTH, height))
    drawing.subplots_adjust(
        left=0.58 / _WIDTH, right=1 - 0.08 / _WIDTH, bottom=0.44 / height, top=1 - 0.28 / height, hspace=0.12
    )
    return drawing


def reliability_chart(found: Reliability, *, colour: str) -> Drawing:
    """Forecast against observed, with the 95 % interval of each bin; below, how many there are."""
    drawing = _begun(3.9)
    above, below = drawing.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    _draw_reliability(above, found, colour=colour)
    _draw_counts(below, found.bins, colour=colour)
    return drawing


def _draw_reliability(axes: Axes, found: Reliability, *, colour: str) -> None:
    axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    for each in found.bins:
        axes.plot([each.forecast] * 2, [each.low, each.high], color=colour, linewidth=1.4, alpha=0.55)
        axes.plot(
            each.forecast,
            each.observed,
            marker="o",
            markersize=5.5,
            markeredgewidth=1.3,
            color=colour,
            clip_on=False,
            # A bin with few is hollow.
            markerfacecolor=colours.PAPER.light if each.is_few else colour,
        )
    axes.text(0.99, 0.03, f"calibration error {found.error:.3f}", ha="right", color=_MUTED)
    axes.set(
        title=found.target.capitalize(),
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        ylabel="share in which it happened",
    )


def _draw_counts(axes: Axes, bins: Sequence[CalibrationBin], *, colour: str) -> None:
    for each in bins:
        width = each.to_probability - each.from_probability
        axes.bar(each.from_probability, each.count, width * 0.92, align="edge", color=colour, alpha=0.35)
    axes.set(yscale="log", ylim=(0.8, None), xlabel="probability given", ylabel="count")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axes.minorticks_off()


def difference_chart(table: Table, *, colours_of: ModelColours) -> Drawing:
    """The paired difference to the reference of each model that has a colour."""
    rows = _compared(table, colours_of)
    drawing = Drawing(figsize=(_WIDTH, 0.85 + 0.27 * len(rows)), layout="constrained")
    _draw_differences(drawing.subplots(), table, colours_of=colours_of)
    return drawing


def _compared(table: Table, colours_of: ModelColours) -> list[Row]:
    return [row for row in table.rows if row.difference is not None and row.model in colours_of]


def _draw_differences(axes: Axes, table: Table, *, colours_of: ModelColours) -> None:
    rows = _compared(table, colours_of)
    axes.axvline(0, color=_MUTED, linewidth=0.9)
    for place, row in enumerate(rows):
        assert row.difference is not None
        estimate = row.difference.estimate
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [place] * 2, color=colours_of[row.model], linewidth=1.8)
        axes.plot(
            estimate.value,
            place,
            marker="o",
            markersize=5,
            color=colours_of[row.model],
            markerfacecolor=colours_of[row.model] if estimate.excludes_zero else colours.PAPER.light,
        )
    axes.set_yticks(range(len(rows)), [row.model for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(visible=False, axis="y")
    axes.set_title(definition_of(table.figure).title)


def season_chart(boards: Sequence[Scoreboard], table: Table, *, colours_of: ModelColours) -> Drawing:
    """A figure season by season, a line per model."""
    drawing = _begun(2.5)
    axes = drawing.subplots()
    for model in reversed(list(colours_of)):
        points = [
            (board.span[0], found.row(model).estimate.value)
            for board in boards
            if (found := board.table(table.figure)) is not None and model in board.models
        ]
        if points:
            is_reference = model == boards[0].reference
            axes.plot(
                [season for season, _ in points],
                [value for _, value in points],
                color=colours_of[model],
                linewidth=2.2 if is_reference else 1.2,
                marker="o",
                markersize=4 if is_reference else 2.5,
                label=model,
            )
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_title(definition_of(table.figure).title)
    return drawing


def per_race_chart(found: PerRace, *, title: str, xlabel: str) -> Drawing:
    """Observed races as bars; the draws as a line with the band in which so many races would lie."""
    drawing = _begun(2.7)
    axes = drawing.subplots()
    # What is rarer than this in both cannot be seen.
    seen = [
        number for number, (a, b) in enumerate(zip(found.observed, found.high, strict=True)) if a or b > 0.002
    ]
    numbers = list(range(max(seen) + 1))
    axes.bar(numbers, [found.observed[i] for i in numbers], 0.72, color=_MUTED, alpha=0.4, label="observed")
    axes.fill_between(
        numbers,
        [found.low[i] for i in numbers],
        [found.high[i] for i in numbers],
        color=_SOFT,
        alpha=0.8,
        linewidth=0,
        label="drawn, 95 %",
    )
    axes.plot(numbers, [found.drawn[i] for i in numbers], color=_ACCENT, linewidth=1.8, label="drawn")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set(title=title, xlabel=xlabel, ylabel="share of races")
    axes.legend(loc="upper right")
    return drawing


def winners_chart(seasons: Sequence[Winners]) -> Drawing:
    """Observed winners of each season on the middle 95 % of the drawn."""
    drawing = _begun(2.7)
    axes = drawing.subplots()
    for i, each in enumerate(seasons):
        axes.plot(
            [each.season] * 2,
            [each.low, each.high],
            color=_SOFT,
            linewidth=9,
            solid_capstyle="butt",
            label="drawn, middle 95 %" if i == 0 else None,
        )
    axes.plot(
        [each.season for each in seasons],
        [each.mean for each in seasons],
        color=_ACCENT,
        marker="_",
        markersize=10,
        markeredgewidth=2,
        linestyle="none",
        label="drawn, mean",
    )
    axes.plot(
        [each.season for each in seasons],
        [each.observed for each in seasons],
        color=_INK,
        marker="o",
        markersize=5,
        linestyle="none",
        label="observed",
    )
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set(title="Different winners in a season", ylim=(0, None), ylabel="drivers")
    axes.legend(loc="lower left", ncols=2)
    return drawing


def gains_chart(found: Gains) -> Drawing:
    """Places gained from the grid: observed as bars, drawn as a line."""
    drawing = _begun(2.7)
    axes = drawing.subplots()
    axes.bar(found.gains, found.observed, 0.8, color=_MUTED, alpha=0.4, label="observed")
    axes.plot(found.gains, found.drawn, color=_ACCENT, linewidth=1.8, label="drawn")
    axes.set(title="Places gained from the grid", xlabel="places (lost below 0)", ylabel="share of starters")
    axes.legend(loc="upper left")
    return drawing


def readme_reliability(found: Sequence[Reliability]) -> Drawing:
    """All questions beside each other."""
    drawing = Drawing(figsize=(11, 3.9), layout="constrained")
    axes = drawing.subplots(2, len(found), sharex=True, squeeze=False, height_ratios=[4, 1])
    for column, each in enumerate(found):
        _draw_reliability(axes[0, column], each, colour=_ACCENT)
        _draw_counts(axes[1, column], each.bins, colour=_ACCENT)
        if column:
            axes[0, column].set_ylabel("")
            axes[1, column].set_ylabel("")
    return drawing


def readme_differences(tables: Sequence[Table], *, colours_of: ModelColours) -> Drawing:
    """The leading figures beside each other."""
    rows = max(len(_compared(table, colours_of)) for table in tables)
    drawing = Drawing(figsize=(11, 2 * (0.9 + 0.25 * rows)), layout="constrained")
    panels = list(drawing.subplots(2, (len(tables) + 1) // 2, squeeze=False).flat)
    for axes in panels:
        axes.set_visible(False)
    for axes, table in zip(panels, tables, strict=False):
        axes.set_visible(True)
        _draw_differences(axes, table, colours_of=colours_of)
    return drawing


def as_svg(drawing: Drawing, *, says: str) -> str:
    """For a page: as wide as there is room, in the page's colours."""
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"( [^>]*?)? width="[^"]*"', r"\1\2", _svg(drawing), count=1)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(says)}" ', 1)
    return colours.with_variables(text)


def write_plot(drawing: Drawing, path: Path) -> None:
    """`path` as .svg, for light and dark readers, and as .png, light."""
    style = (
        f"<style>svg {{ {colours.css(dark=False)} background: var(--paper); "
        "font-family: system-ui, sans-serif } @media (prefers-color-scheme: dark) { svg { "
        f"{colours.css(dark=True)} }} }}</style>"
    )
    drawn = re.sub(r"(<svg[^>]*>)", lambda found: found[1] + "\n" + style, _svg(drawing), count=1)
    head, _, body = drawn.partition("</style>")
    path.with_suffix(".svg").write_text(head + "</style>" + colours.with_variables(body), encoding="utf-8")
    drawing.savefig(path.with_suffix(".png"), dpi=160, facecolor=colours.PAPER.light)


def _svg(drawing: Drawing) -> str:
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Without its date the same numbers give the same bytes.
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Fonts are the page's.
    return re.sub(r"font(?:-family)?: ([\d.]+px )?[^;\"]*sans-serif[^;\"]*", _font, text)


def _font(found: re.Match[str]) -> str:
    return f"font-size: {found[1].strip()}" if found[1] else ""
