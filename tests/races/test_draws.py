"""What is asked of drawn finishing orders, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from f1graph.races.draws import DrawnOrders, Happening, pack_draws, unpack_draws

_DRIVERS = ("a", "b", "c", "d")
# Four races. In the second b retires, in the third everybody but c, in the fourth nobody finishes.
_POSITIONS = np.array([[1, 2, 3, 4], [2, 4, 1, 3], [2, 3, 1, 4], [4, 1, 3, 2]], dtype=np.uint8)
_RETIRED = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 1], [1, 1, 1, 1]], dtype=np.bool_)


@pytest.fixture
def orders() -> DrawnOrders:
    return DrawnOrders(_DRIVERS, pack_draws(_POSITIONS, _RETIRED))


def test_what_was_packed_is_what_was_drawn() -> None:
    packed = unpack_draws(4, pack_draws(_POSITIONS, _RETIRED))
    assert (packed & 0x7F == _POSITIONS.T).all()
    assert (packed >> 7 == _RETIRED.T).all()


@pytest.mark.parametrize(
    ("of", "count"),
    [
        (Happening(win=["a"]), 1),
        (Happening(win=["c"]), 2),
        (Happening(podium=["a"]), 2),
        (Happening(podium=["a", "c"]), 2),
        (Happening(podium=["d"]), 1),
        (Happening(points=["d"]), 2),
        (Happening(out=["b"]), 3),
        (Happening(out=["a", "b", "d"]), 2),
        (Happening(win=["c"], out=["b"]), 2),
        (Happening(win=["c"], out=["b"], podium=["a"]), 1),
        (Happening(ahead=["c", "a", "b"]), 2),
        (Happening(ahead=["a", "d"], points=["d"]), 2),
        # In the fourth race b, which retired last, is ahead of a: who ran longer is.
        (Happening(ahead=["b", "a"]), 1),
        (Happening(ahead=["b", "a"], out=["a", "b"]), 1),
    ],
)
def test_what_happens_together_is_counted_together(orders: DrawnOrders, of: Happening, count: int) -> None:
    """P6: retired is not on the podium, however few finish; of two that retire, who ran longer is ahead."""
    assert (orders.share(of).count, orders.share(of).draws) == (count, 4)


@pytest.mark.parametrize(
    "of",
    [
        Happening(win=["a", "c"]),
        Happening(podium=["a"], out=["a"]),
        Happening(ahead=["a", "b", "a"]),
        Happening(ahead=["a", "a"]),
    ],
)
def test_what_contradicts_itself_never_happens(orders: DrawnOrders, of: Happening) -> None:
    share = orders.share(of)
    assert (share.count, share.probability, share.standard_error) == (0, 0.0, 0.0)
    # And yet four draws are no proof.
    assert share.interval[0] == 0
    assert 0.3 < share.interval[1] < 0.6


def test_of_two_one_is_ahead(orders: DrawnOrders) -> None:
    """T9: ahead and behind sum to 1, with two retirements too."""
    for one in _DRIVERS:
        for other in _DRIVERS:
            if one != other:
                both = [orders.share(Happening(ahead=pair)).count for pair in ((one, other), (other, one))]
                assert sum(both) == 4


def test_the_standard_error_is_that_of_a_share(orders: DrawnOrders) -> None:
    share = orders.share(Happening(win=["a"]))
    assert share.standard_error == pytest.approx((0.25 * 0.75 / 4) ** 0.5)
    low, high = share.interval
    assert low < share.probability < high


def test_the_first_ten_have_points_and_the_first_three_the_podium() -> None:
    """P6: whatever the points are worth in that season."""
    drivers = tuple(f"driver-{number:02}" for number in range(1, 13))
    order = np.arange(1, 13, dtype=np.uint8)[None, :]
    drawn = DrawnOrders(drivers, pack_draws(order, np.zeros((1, 12), dtype=np.bool_)))
    assert [drawn.share(Happening(points=[one])).count for one in drivers] == [1] * 10 + [0] * 2
    assert [drawn.share(Happening(podium=[one])).count for one in drivers] == [1] * 3 + [0] * 9
    assert [drawn.share(Happening(win=[one])).count for one in drivers] == [1] + [0] * 11
