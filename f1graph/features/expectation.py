"""What the weekend has shown, beside what form had led to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from f1graph.features.lap_gaps import qualifying_gaps
from f1graph.features.qualifying import grid_slots
from f1graph.features.recent_races import against_field
from f1graph.races.calendar import Race
from f1graph.races.past import Past
from f1graph.races.results import ClassificationKind

Form = Mapping[str, float]


def expectation_values(past: Past, race: Race, forms: Mapping[str, Form]) -> dict[str, dict[str, float]]:
    """By feature, then by driver.

    Args:
        forms: Of every entered driver, what is known before the weekend.
    """
    pace = against_field(qualifying_gaps(past.classification(race.id, ClassificationKind.QUALIFYING)))
    slots = grid_slots(past.classification(race.id, ClassificationKind.GRID))
    ranks = _ranks({driver: _long_term_pace(form) for driver, form in forms.items()})
    return {
        "qualifying_surprise": {
            driver: pace[driver] - form["driver_qualifying_form"]
            for driver, form in forms.items()
            if driver in pace
        },
        "out_of_position": {
            driver: rank - slots[driver] for driver, rank in ranks.items() if driver in slots
        },
    }


def _long_term_pace(form: Form) -> float:
    """Mean of what driver and team did in qualifying of late; the one that is known for a newcomer."""
    known: Sequence[float] = [
        form[name] for name in ("driver_qualifying_form", "team_qualifying_form") if not np.isnan(form[name])
    ]
    return sum(known) / len(known) if known else float("nan")


def _ranks(pace: Mapping[str, float]) -> dict[str, float]:
    """1 for the fastest; who is equally fast shares the mean place. Whose pace is not known is absent."""
    known = {driver: value for driver, value in pace.items() if not np.isnan(value)}
    return {
        driver: 0.5
        + sum(other > own for other in known.values())
        + 0.5 * sum(other == own for other in known.values())
        for driver, own in known.items()
    }
