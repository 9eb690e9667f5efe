"""What a user reads about races."""

from __future__ import annotations

from tests.api.conftest import Api
from tests.api.seed import NEXT


def test_the_next_race_is_the_one_that_is_not_over(api: Api) -> None:
    race = api.ask("{ nextRace { slug stage nextUpdateAt startsAt circuit { timeZone } } }")["nextRace"]
    assert race["slug"] == NEXT.id
    assert race["stage"] == "AFTER_QUALIFYING"
    assert race["startsAt"] == "2024-04-14T13:00:00Z"
