"""What may happen in a race all together, and who is ahead of whom: asked of the draws of a forecast."""

# Strawberry's decorator is typed as Any without its plugin for mypy.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from strawberry import field

from f1graph.api.context import Loaders
from f1graph.api.ids import key_of
from f1graph.api.node import present
from f1graph.api.people import Driver
from f1graph.api.scalars import Probability
from f1graph.errors import RequestError, UnknownError
from f1graph.races.draws import DrawnOrders, DrawnShare, Happening

# More than ever were entered in a race of any season that is forecast.
_MOST_NAMED = 40
_MOST_FORECASTS = 20


@strawberry.input(
    name="Happening",
    description="What may happen in a race: all that is given, together. Drivers are given by global id, "
    "slug or three-letter code, at most 40 in each list; each must be entered in the forecast. Something "
    "must be given. What contradicts itself, such as two winners, is not refused: its chance is 0. It is "
    "about the classification as revised last; who is disqualified counts as not classified, and not as "
    "retired. If a driver that is named does not take the start, the whole is void.",
)
class HappeningAsked:
    ahead: list[strawberry.ID] | None = field(
        default=None,
        description='Two or more drivers, each placed ahead of the next: `["NOR", "PIA"]`. Who is classified '
        "is ahead of who is not; of two that retire, the one that ran longer is, as the published list has "
        "them.",
    )
    win: list[strawberry.ID] | None = field(default=None, description="Classified first.")
    podium: list[strawberry.ID] | None = field(
        default=None,
        description="Each classified in the first three. Who retires is not, however few finish.",
    )
    points: list[strawberry.ID] | None = field(
        default=None,
        description="Each classified in the first ten, whatever the points are worth in that season.",
    )
    out: list[strawberry.ID] | None = field(
        default=None,
        description="Each takes the start and does not finish or is not classified, as `Retirement.total`.",
    )


@strawberry.type(
    description="How likely something is by the drawn finishing orders of a forecast. `low`, `high` and "
    "`standardError` are of the drawing alone, what another set of draws might have said: how far the model "
    "itself is to be believed, its `scores` and `calibration` tell."
)
class Chance:
    probability: Probability = field(
        description="P(all of it happens): the share of the draws in which it does."
    )
    standard_error: float = field(
        description="How far `probability` may be off by drawing: √(p(1 − p)/draws), 0 where all draws agree."
    )
    low: Probability = field(description="Lower end of the 95 % Wilson interval by drawing.")
    high: Probability = field(
        description="Upper end of that interval. Above 0 also for what was never drawn: it may yet happen."
    )
    count: int = field(description="In how many draws it happens.")
    draws: int = field(description="How many finishing orders were drawn.")


@strawberry.type(
    description="Which of two drivers is placed ahead of the other. Who is classified is ahead of who is "
    "not; of two that retire, the one that ran longer is, as the published list has them. Void if one of "
    "them does not take the start."
)
class HeadToHead:
    driver: Driver = field(description="The one that is asked about.")
    other: Driver = field(description="Whom to be ahead of.")
    ahead: Chance = field(description="P(`driver` is ahead of `other`). With `behind` it sums to 1.")
    behind: Chance = field(description="P(`other` is ahead of `driver`).")
    both_out: Chance = field(
        description="P(both retire): the part in which it counts who ran longer. In `ahead` and `behind` too."
    )


@dataclass(frozen=True)
class Drawn:
    """The draws of one forecast, and who is meant by a name in it."""

    orders: DrawnOrders
    drivers: Sequence[Driver]

    def chance(self, of: HappeningAsked) -> Chance:
        """How often all of it happens.

        Raises:
            RequestError: Nothing is given, too much, or somebody who is not entered.
        """
        happening = Happening(
            ahead=self._named("ahead", of.ahead),
            win=self._named("win", of.win),
            podium=self._named("podium", of.podium),
            points=self._named("points", of.points),
            out=self._named("out", of.out),
        )
        if len(happening.ahead) == 1:
            raise RequestError("`ahead` needs two drivers or more: each is ahead of the next")
        if not any((happening.ahead, happening.win, happening.podium, happening.points, happening.out)):
            raise RequestError(
                "nothing is asked: give `ahead`, `win`, `podium`, `points` or `out` some drivers"
            )
        return _chance(self.orders.share(happening))

    def head_to_head(self, driver: str, other: str) -> HeadToHead:
        """Who of two is ahead.

        Raises:
            RequestError: One is not entered, or both are the same.
        """
        a, b = self._entered(driver), self._entered(other)
        if a.slug == b.slug:
            raise RequestError(f"{a.slug} is neither ahead of nor behind {a.slug}: give two drivers")
        pair = (a.slug, b.slug)
        return HeadToHead(
            driver=a,
            other=b,
            ahead=_chance(self.orders.share(Happening(ahead=pair))),
            behind=_chance(self.orders.share(Happening(ahead=pair[::-1]))),
            both_out=_chance(self.orders.share(Happening(out=pair))),
        )

    def _named(self, name: str, asked: Sequence[str] | None) -> list[str]:
        if asked is not None and len(asked) > _MOST_NAMED:
            raise RequestError(f"`{name}` may name at most {_MOST_NAMED} drivers, not {len(asked)}")
        return [self._entered(one).slug for one in asked or ()]

    def _entered(self, asked: str) -> Driver:
        key = key_of("Driver", asked)
        by_slug = [driver for driver in self.drivers if driver.slug == key]
        found = by_slug or [driver for driver in self.drivers if driver.code.lower() == key.lower()]
        if len(found) == 1:
            return found[0]
        if found:
            slugs = " and ".join(driver.slug for driver in found)
            raise RequestError(f"{asked!r} is the code of {slugs}: give the slug")
        raise RequestError(f"{asked!r} is not entered in this forecast; a slug looks like max-verstappen")


async def drawn(loaders: Loaders, forecast_id: str) -> Drawn:
    """The draws of a forecast.

    Raises:
        RequestError: The request asks for those of too many.
        UnknownError: They are not kept.
    """
    loaders.take_draws(forecast_id, most=_MOST_FORECASTS)
    orders = await loaders.draws.load(forecast_id)
    if orders is None:
        raise UnknownError(f"the draws of forecast {forecast_id!r} are not kept")
    found = await loaders.driver.load_many(orders.driver_ids)
    return Drawn(orders, [Driver.of(present(record)) for record in found])


def _chance(share: DrawnShare) -> Chance:
    low, high = share.interval
    return Chance(
        probability=Probability(share.probability),
        standard_error=share.standard_error,
        low=Probability(low),
        high=Probability(high),
        count=share.count,
        draws=share.draws,
    )
