"""What each kind of model says of the variants of a race: its own function of the inputs, without draws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from f1graph.models.baselines import TablePredictor, UniformPredictor
from f1graph.models.boost import BoostPredictor, within_of
from f1graph.models.cuts import SMALLEST_CHANCE
from f1graph.models.ensemble import UltraPredictor
from f1graph.models.explain.cuts import utilities_of_moved_cuts
from f1graph.models.explain.evidence import Evidence
from f1graph.models.explain.inputs import inputs_in_coalitions
from f1graph.models.explain.networks import network_outlook
from f1graph.models.explain.outlook import Outlook, chance_of, outlook_of, own
from f1graph.models.explain.variants import Variants
from f1graph.models.network_member import NetworkPredictor
from f1graph.models.protocol import Predictor
from f1graph.models.rating import RatingPredictor
from f1graph.models.readout import order_inputs
from f1graph.models.retirement import retirement_inputs
from f1graph.models.scaling import log_odds_of
from f1graph.models.stacking import View

Values = NDArray[np.float64]

# Of a table, whose chances hang on the place in a list alone.
_TABLE_DRAWS = 4000
_SMALLEST_CHANCE = 1e-6


@singledispatch
def outlook(predictor: Predictor, variants: Variants, seed: int) -> Outlook | None:
    """What a predictor says of the variants of a race, with the seed of its forecast.

    None from a kind of model that nobody has told how to be asked.
    """
    return None


@outlook.register
def _(predictor: RatingPredictor, variants: Variants, seed: int) -> Outlook:
    features = variants.features
    evidence = Evidence.of_strengths(features, predictor.strengths_before(features))

    def of_order(one: Evidence) -> Values:
        return order_inputs(one.features, one.remembered.strengths)[1]

    def of_retirement(one: Evidence) -> Values:
        return retirement_inputs(one.features, one.remembered.strengths)[1]

    def changed(of_car: Values) -> Values:
        return one_changed(of_car[:, -1], of_car)

    # As is believed: what its voices doubt moves a car to both sides alike.
    order = inputs_in_coalitions(of_order, evidence, variants.groups, variants.present)
    retirement = inputs_in_coalitions(of_retirement, evidence, variants.groups, variants.present)
    front, field = predictor.order.worth(order)
    return outlook_of(
        predictor.order.along_the_field(changed(front), changed(field)),
        chance_of(changed(predictor.retirement.log_odds(retirement)), predictor.retirement.race_deviation),
    )


@outlook.register
def _(predictor: NetworkPredictor, variants: Variants, seed: int) -> Outlook:
    return network_outlook(predictor, variants, seed)


@outlook.register
def _(predictor: BoostPredictor, variants: Variants, seed: int) -> Outlook:
    names, inputs, _ = variants.inputs(predictor.plan, predictor.memory)
    entries, coalitions, _ = inputs.shape
    cuts, retirement = predictor.told(names, inputs.reshape(entries * coalitions, -1))
    told = {cut: chances.reshape(entries, coalitions) for cut, chances in cuts.items() if cut < entries}
    at_cuts = np.stack([log_odds_of(chances, smallest=SMALLEST_CHANCE) for chances in told.values()], axis=-1)
    within = within_of({cut: chances[:, -1] for cut, chances in told.items()}, entries)
    moved = _between_cuts(at_cuts - at_cuts[:, -1:], list(told), entries)
    stops = log_odds_of(retirement, smallest=SMALLEST_CHANCE).reshape(entries, coalitions)
    return outlook_of(
        utilities_of_moved_cuts(within, moved),
        chance_of(one_changed(stops[:, -1], stops), predictor.deviation),
    )


@outlook.register
def _(predictor: TablePredictor, variants: Variants, seed: int) -> Outlook:
    features = variants.features
    evidence = Evidence.of_features(features)
    slots = inputs_in_coalitions(
        lambda one: predictor.slots_of(one.features)[:, None].astype(np.float64),
        evidence,
        variants.groups,
        variants.present,
    )[..., 0].astype(np.int64)
    drawn = predictor.predict(features, draws=_TABLE_DRAWS, seed=seed)
    # Whoever stands in a slot is given what its holder is.
    holder = np.argsort(slots[:, -1])
    stands_for = holder[slots - 1]  # (entries, coalitions)
    return Outlook(
        drawn.classified_probabilities[stands_for],
        one_changed(drawn.win, drawn.win[stands_for]),
        drawn.retirement[stands_for],
    )


@outlook.register
def _(predictor: UniformPredictor, variants: Variants, seed: int) -> Outlook:
    drawn = predictor.predict(variants.features, draws=_TABLE_DRAWS, seed=seed)
    entries, coalitions = len(drawn.driver_ids), len(variants.present)
    places = drawn.classified_probabilities.mean(axis=0)
    return Outlook(
        np.broadcast_to(places, (entries, coalitions, entries)),
        np.full((entries, coalitions, entries), places[0]),
        np.full((entries, coalitions), drawn.retirement.mean()),
    )


@outlook.register
def _(predictor: UltraPredictor, variants: Variants, seed: int) -> Outlook | None:
    """The members' outlooks, pooled and brought to the stacked chances to win and to retire."""
    stack = predictor.stack.without([name for name, _ in predictor.missing])
    told = {
        name: outlook(component, variants, predictor.seed_of(name, seed))
        for name, component in predictor.components.items()
    }
    views = {
        name: View(one.places, one.win, one.retirement, classified=one.places)
        for name, one in told.items()
        if one is not None
    }
    if len(views) < len(told):
        return None
    win, retirement = stack.pooled_win(views), stack.pooled_retirement(views)
    pooled = sum(share * views[name].retirement for name, share in stack.order.items())
    finishers, before = (len(win) - one[:, -1].sum() for one in (retirement, np.asarray(pooled)))
    return Outlook(
        _brought_to(stack.pooled_classified(views), own(win), retirement),
        win,
        retirement,
        stretch=float((finishers - 1) / max(before - 1, 1.0)),
    )


def one_changed(as_it_is: Values, of_car: Values) -> Values:
    """Of all cars, while one of them changes: (all entries,), (entries, coalitions) → (entries, coalitions,
    all entries)"""
    changed = np.broadcast_to(as_it_is, (*of_car.shape, len(as_it_is))).copy()
    np.einsum("ici->ic", changed)[...] = of_car
    return changed


def _brought_to(places: Values, win: Values, retirement: Values) -> Values:
    """P(classified k-th) with given chances to win and to retire: the other places in proportion."""
    others = places[..., 1:]
    left = np.maximum(1.0 - win - retirement, 0.0)
    scale = left / np.maximum(others.sum(axis=-1), _SMALLEST_CHANCE)
    return np.concatenate([win[..., None], others * scale[..., None]], axis=-1)


def _between_cuts(at_cuts: Values, cuts: Sequence[int], entries: int) -> Values:
    """At every place, on straight lines over log k, from the cuts; nothing at the last place. (…, places)"""
    knots = np.log([*cuts, entries])
    places = np.log(np.arange(1, entries + 1))
    lines = np.stack([np.interp(places, knots, unit) for unit in np.eye(len(knots))[: len(cuts)]])
    return np.asarray(at_cuts @ lines, dtype=np.float64)
