"""How answers look: tables for people, JSON for machines, a bar for long work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from f1graph.settings import Settings

T = TypeVar("T")

EXIT_ERROR = 1
EXIT_USAGE = 2

console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON for machines.")]


def settings_of(context: typer.Context) -> Settings:
    found = context.find_root().obj
    assert isinstance(found, Settings)
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's asynchronous part."""
    return asyncio.run(work)


def show_json(answer: Any, *, at_once: bool = False) -> None:
    """One line of JSON; `at_once` for who reads along."""
    print(json.dumps(answer, default=_plain, ensure_ascii=False), flush=at_once)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers stand to the right."""
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        # Nothing is cut, and an id is not even folded: somebody copies it.
        table.add_column(
            column,
            justify="right" if is_number or column.endswith("%") else "left",
            overflow="fold",
            no_wrap=column == "id",
        )
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def percent(probability: float) -> str:
    return f"{100 * probability:.1f}"


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """A progress bar on standard error, so that answers can be piped."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
    ) as progress:
        progress.add_task(what, total=None)
        yield progress
