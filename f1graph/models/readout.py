"""From strengths and features to the order of the cars that finish: a Plackett–Luce whose utility changes on
the way down the field.

What decides who wins (pole, the front row, being the best car by a margin) is not what decides who is
eleventh, and one temperature cannot serve both. Each car has a front and a field utility, both linear in the
inputs; the choice for place k mixes them with weight exp(−(k−1)/4) and sharpens or softens them by a power
of k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from f1graph.features.race_features import RaceFeatures
from f1graph.models.protocol import Example
from f1graph.models.scaling import Scaling, log_odds_of, pad_races, recency_weights
from f1graph.models.strength_filter import Strengths
from f1graph.races.stages import STAGE_ORDER, Stage

Values = NDArray[np.float64]

_FRONT_DEPTH = 4.0
_STEPS = 250
_LEARNING_RATE = 0.02
_PENALTY = 0.05
_HALF_LIFE_YEARS = 6.0
_LARGEST_PRACTICE_GAP = 5.0
_LARGEST_QUALIFYING_GAP = 4.0
_RACES_TO_TRUST_THE_TABLE = 6.0


@dataclass(frozen=True, eq=False)
class OrderReadout:
    """The fitted linear readout.

    Attributes:
        weights: (inputs, 2): of the front and of the field utility.
        sharpness, slope: The choice for place k has the inverse temperature exp(sharpness + slope·log(k)/2).
    """

    scaling: Scaling
    weights: Values
    sharpness: float
    slope: float

    def utilities(self, inputs: Values) -> Values:
        """What each car brings to the choice for each place. (entries, inputs) → (places, entries)"""
        return self.along_the_field(*self.worth(inputs))

    def worth(self, inputs: Values) -> tuple[Values, Values]:
        """Front and field utility of each car. (…, inputs) → each (…,)"""
        front, field = np.moveaxis(self.scaling.apply(inputs) @ self.weights, -1, 0)
        return front, field

    def along_the_field(self, front: Values, field: Values) -> Values:
        """What each car brings to the choice for each place. Each (…, entries) → (…, places, entries)"""
        places = np.arange(front.shape[-1], dtype=np.float64)
        of_front = np.exp(-places / _FRONT_DEPTH)[:, None]
        inverse_temperature = np.exp(self.sharpness + self.slope * np.log1p(places) / 2)[:, None]
        mixed = of_front * front[..., None, :] + (1 - of_front) * field[..., None, :]
        return np.asarray(mixed * inverse_temperature, dtype=np.float64)


def fit_order(inputs: Sequence[Values], examples: Sequence[Example], scaling: Scaling) -> OrderReadout:
    """Maximum listwise likelihood of the classified cars' orders, recent races counting more.

    Starts from zero and takes fixed steps, so the result depends on nothing but its arguments.
    """
    values, _ = pad_races([scaling.apply(race) for race in inputs])
    chosen, left, counted = _finishing_orders(examples, entries=values.shape[1])
    weight = recency_weights(examples, half_life_years=_HALF_LIFE_YEARS)
    x = torch.tensor(values, dtype=torch.float32)  # (races, entries, inputs)
    winners = torch.tensor(chosen)[..., None]  # (races, places, 1)
    gone = torch.tensor(np.where(left, 0.0, -1e9), dtype=torch.float32)  # (races, places, entries)
    counts = torch.tensor(weight[:, None] * counted, dtype=torch.float32)  # (races, places)
    places = torch.arange(x.shape[1], dtype=torch.float32)
    of_front = torch.exp(-places / _FRONT_DEPTH)[:, None]
    weights = torch.zeros(x.shape[2], 2, requires_grad=True)
    shape = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.Adam([weights, shape], lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2 * _LEARNING_RATE, total_steps=_STEPS)
    for _ in range(_STEPS):
        optimiser.zero_grad()
        both = (x @ weights)[:, None]  # (races, 1, entries, 2)
        mixed = of_front * both[..., 0] + (1 - of_front) * both[..., 1]  # (races, places, entries)
        utility = mixed * torch.exp(shape[0] + shape[1] * torch.log1p(places) / 2)[:, None]
        log_chance = utility.gather(-1, winners)[..., 0] - torch.logsumexp(utility + gone, dim=-1)
        apart = (weights[:, 0] - weights[:, 1]).square().sum()
        penalty = weights.square().sum() + apart + shape.square().sum()
        loss = _PENALTY * penalty - (log_chance * counts).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types there
        optimiser.step()
        schedule.step()
    return OrderReadout(
        scaling, weights.detach().numpy().astype(np.float64), shape[0].item(), shape[1].item()
    )


def _finishing_orders(
    examples: Sequence[Example], *, entries: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Who took each place (races, places), who was left for it (…, entries), and whether it was a choice."""
    chosen = np.zeros((len(examples), entries), dtype=np.int64)
    left = np.ones((len(examples), entries, entries), dtype=np.bool_)
    counted = np.zeros((len(examples), entries), dtype=np.bool_)
    for race, example in enumerate(examples):
        order = finishing_order(example)
        for place in range(len(order) - 1):
            chosen[race, place] = order[place]
            left[race, place] = np.isin(np.arange(entries), order[place:])
            counted[race, place] = True
    return chosen, left, counted


def finishing_order(example: Example) -> NDArray[np.int64]:
    """Indices of the classified entries, the winner first."""
    outcome = example.outcome
    classified = np.flatnonzero(outcome.classified)
    return np.asarray(classified[np.argsort(outcome.positions[classified], kind="stable")], dtype=np.int64)


def order_inputs(features: RaceFeatures, strengths: Strengths) -> tuple[tuple[str, ...], Values]:
    """Names and values of the readout's inputs. (entries, inputs)

    All are differences within the field, because only those matter for an order; an unknown value stands in
    the middle of the field.
    """
    columns = _form_inputs(features, strengths)
    reached = STAGE_ORDER.index(features.stage)
    if reached >= STAGE_ORDER.index(Stage.AFTER_PRACTICE):
        columns |= _practice_inputs(features)
    if reached >= STAGE_ORDER.index(Stage.AFTER_SPRINT):
        columns["sprint"] = -_within_field(features.column("sprint_position")) / 6
        columns["sprint_qualifying"] = -_within_field(
            np.minimum(features.column("sprint_qualifying_gap"), _LARGEST_QUALIFYING_GAP)
        )
    if reached >= STAGE_ORDER.index(Stage.AFTER_QUALIFYING):
        columns |= _grid_inputs(features, columns["strength"])
    return tuple(columns), np.stack(list(columns.values()), axis=1)


def _form_inputs(features: RaceFeatures, strengths: Strengths) -> dict[str, Values]:
    total = strengths.total
    this_season = np.nan_to_num(features.column("points_share"))
    last_season = np.nan_to_num(features.column("last_season_points_share"))
    trust = np.minimum(features.column("season_races") / _RACES_TO_TRUST_THE_TABLE, 1.0)
    strength = _within_field(total)
    team_qualifying = _within_field(features.column("team_qualifying_form"))
    return {
        "strength": strength,
        "driver_strength": _within_field(strengths.driver),
        "strength_doubt": _within_field(strengths.deviation),
        # The differences at the back are not worth as much as those in front: a kink at the median.
        "strength_at_the_back": _within_field(np.minimum(total, np.median(total))),
        "strength_where_grid_holds": strength * _known(features.column("circuit_grid_hold")),
        "points": _within_field(np.sqrt(trust * this_season + (1 - trust) * last_season)),
        "form": _within_field(features.column("driver_form")),
        "long_form": _within_field(features.column("driver_long_form")),
        "team_form": _within_field(features.column("team_form")),
        "grid_form": _within_field(features.column("driver_grid_form")),
        "qualifying_form": _within_field(features.column("driver_qualifying_form")),
        "team_qualifying_form": team_qualifying,
        "team_qualifying_at_the_back": np.minimum(team_qualifying, 0.0),
        "newcomer": _within_field(np.exp(-features.column("recent_starts") / 8)),
        "driver_retirements": _within_field(log_odds_of(features.column("driver_retirement_rate"))),
        "team_retirements": _within_field(log_odds_of(features.column("team_retirement_rate"))),
    }


def _practice_inputs(features: RaceFeatures) -> dict[str, Values]:
    gap = np.minimum(features.column("practice_gap"), _LARGEST_PRACTICE_GAP)
    last = np.minimum(features.column("last_practice_gap"), _LARGEST_PRACTICE_GAP)
    return {
        "practice": -_within_field(gap),
        "practice_mean": -_within_field(features.column("practice_mean_gap")),
        "practice_last": -_within_field(last),
        # A tenth of a percent matters at the front and not at the back.
        "practice_front": -_within_field(np.log(0.3 + gap)),
        "practice_last_front": -_within_field(np.log(0.3 + last)),
        "practice_rank": -_within_field(_rank(gap)) / 6,
        "practice_last_rank": -_within_field(_rank(last)) / 6,
        "no_practice_time": np.isnan(gap).astype(np.float64),
    }


def _grid_inputs(features: RaceFeatures, strength: Values) -> dict[str, Values]:
    slot = grid_slots(features)
    entries = len(slot)
    hold = _known(features.column("circuit_grid_hold"))
    gap = np.minimum(features.column("qualifying_gap"), _LARGEST_QUALIFYING_GAP)
    qualified = features.column("qualifying_position")
    lost = np.clip(slot - np.where(np.isnan(qualified), slot, qualified), -6, 15)
    log_slot = _within_field(-np.log(slot))
    linear_slot = -(slot - (entries + 1) / 2) / 6
    return {
        "grid_log": log_slot,
        "grid": linear_slot,
        "grid_back": ((slot - 1) / max(entries - 1, 1)) ** 2 - 0.35,
        "front_row": (slot <= 2).astype(np.float64),
        "pole": (slot == 1).astype(np.float64),
        "pit_lane": _known(features.column("pit_lane_start")),
        "qualifying": -_within_field(gap),
        "no_qualifying_time": np.isnan(gap).astype(np.float64),
        "grid_log_where_grid_holds": 3 * log_slot * hold,
        "grid_where_grid_holds": 3 * linear_slot * hold,
        "grid_log_on_streets": log_slot * _known(features.column("street_circuit")),
        "places_lost": lost / 6,
        "strength_by_grid": strength * linear_slot,
    }


def grid_slots(features: RaceFeatures) -> Values:
    """Places on the grid closed up to 1 … n: the pit lane and the unknown last, ties by driver. (entries,)

    Before the grid is published it is taken to be the order of qualifying, and without one the order in which
    the drivers have started of late.
    """
    order = features.column("grid_position")
    if np.isnan(order).all():
        order = features.column("qualifying_position")
    if np.isnan(order).all():
        order = -features.column("driver_grid_form")
    slots = np.empty(len(order))
    slots[np.argsort(np.where(np.isnan(order), np.inf, order), kind="stable")] = np.arange(1, len(order) + 1)
    return slots


def _known(values: Values) -> Values:
    return np.nan_to_num(values, nan=0.0)


def _within_field(values: Values) -> Values:
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(len(values))
    return np.where(known, values - values[known].mean(), 0.0)


def _rank(values: Values) -> Values:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    return np.where(np.isnan(values), np.nan, ranks)
