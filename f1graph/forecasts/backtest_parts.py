"""A back-test in parts: some seasons each, walked by themselves, put together as if one had walked them all.

A season's forecasts depend on the facts alone, never on what was forecast before, so the whole is the same
to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from f1graph.errors import ForecastError
from f1graph.forecasts.backtest import Walk, plan, settings_of, widest_field
from f1graph.forecasts.backtest_file import BacktestFile, Key, Seal, journal_of, read_journal
from f1graph.races.forecast import ScoredForecast
from f1graph.races.past import History


def split_seasons(seasons: Sequence[int], parts: int) -> list[tuple[int, ...]]:
    """Deals the seasons out in turn: later ones take longer, since there is more to learn from."""
    return [tuple(seasons[i::parts]) for i in range(min(parts, len(seasons)))]


def part_of(out: Path, seasons: Sequence[int]) -> Path:
    """Where the part of some seasons is kept until it is put together with the others."""
    return out.with_name(f"{out.name}.part-{'-'.join(str(season) for season in seasons)}")


def unfinished_seasons(history: History, walk: Walk, out: Path) -> tuple[int, ...]:
    """The seasons of which `out` lacks a forecast.

    Raises:
        ForecastError: `out` was made with other settings or by something else.
    """
    with BacktestFile.open(out, settings_of(history, walk), width=widest_field(history, walk)) as file:
        lacking = {step.race.season for step in plan(history, walk) if step.key not in file.sealed}
    return tuple(season for season in walk.seasons if season in lacking)


def put_together(
    history: History, walk: Walk, *, parts: Sequence[Sequence[int]], out: Path
) -> Iterator[ScoredForecast]:
    """Appends to `out` what finished parts hold and it lacks, in the order of one walk, and removes them.

    Args:
        parts: The seasons of each.

    Yields:
        The scores of every forecast, those that were in `out` first.

    Raises:
        ForecastError: A part was made with other settings or from other facts.
    """
    width = widest_field(history, walk)
    with BacktestFile.open(out, settings_of(history, walk), width=width) as file, ExitStack() as stack:
        yield from file.scored()
        blocks: dict[Key, tuple[Seal, _Block]] = {}
        for seasons in parts:
            blocks |= _blocks(history, replace(walk, seasons=tuple(seasons)), part_of(out, seasons), stack)
        for step in plan(history, walk):
            # A race of which nobody recorded who was entered is in no part.
            if step.key in blocks and step.key not in file.sealed:
                seal, block = blocks[step.key]
                file.append_rows(block.rows(width), seal)
                yield seal.scored
    for path in out.parent.glob(f"{out.name}.part-*"):
        path.unlink()


class _Block:
    """Where the rows of one forecast stand in a part."""

    def __init__(self, file: BinaryIO, begin: int, end: int, width: int) -> None:
        self._file, self._begin, self._end, self._width = file, begin, end, width

    def rows(self, width: int) -> bytes:
        """The rows with `width` position columns: another season may have a larger field."""
        self._file.seek(self._begin)
        lines = self._file.read(self._end - self._begin).splitlines()
        return b"".join(line + b"," * (width - self._width) + b"\n" for line in lines)


def _blocks(history: History, walk: Walk, path: Path, stack: ExitStack) -> Mapping[Key, tuple[Seal, _Block]]:
    journal = read_journal(path)
    if journal.settings != settings_of(history, walk):
        raise ForecastError(
            f"{path} was made with other settings or from other facts. "
            f"Remove it and {journal_of(path).name} to walk its seasons again."
        )
    file = stack.enter_context(path.open("rb"))
    begin = len(file.readline())
    blocks: dict[Key, tuple[Seal, _Block]] = {}
    for seal, end in journal.seals:
        blocks[seal.key] = (seal, _Block(file, begin, end, journal.width))
        begin = end
    return blocks
