"""Seasons, stages and models as people type them."""

from __future__ import annotations

from collections.abc import Sequence

from f1graph.errors import RequestError
from f1graph.races.calendar import Race
from f1graph.races.stages import Stage

DEFAULT_STAGES = "BEFORE_WEEKEND,AFTER_PRACTICE,AFTER_QUALIFYING"


def parse_seasons(text: str) -> list[int]:
    """`2024`, `2015-2024` or `2015,2018-2020`.

    Raises:
        RequestError: It is none of these.
    """
    seasons: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seasons.update(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise RequestError(f"{text!r} are no seasons: write 2024 or 2015-2024") from error
    if not seasons:
        raise RequestError(f"{text!r} holds no season: the first must not be after the last")
    return sorted(seasons)


def require_races(races: Sequence[Race], seasons: Sequence[int]) -> None:
    """Refuses seasons of which there is no race.

    Raises:
        RequestError: There is none.
    """
    if not races:
        span = str(seasons[0]) if len(seasons) == 1 else f"{seasons[0]}-{seasons[-1]}"
        raise RequestError(f"no race of {span} is in the database: import history first")


def parse_stages(text: str) -> list[Stage]:
    """Names of stages, separated by commas.

    Raises:
        RequestError: One is not a stage.
    """
    names = [name.upper() for name in parse_names(text)]
    unknown = [name for name in names if name not in Stage.__members__]
    if unknown or not names:
        raise RequestError(f"{', '.join(unknown) or text!r}: the stages are {', '.join(Stage)}")
    return [Stage(name) for name in names]


def parse_names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
