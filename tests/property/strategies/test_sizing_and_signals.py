"""What holds for every size and every signal."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from nautilus_trader.model.enums import OrderSide

from strategies.signals import cross_side, imbalance, imbalance_side
from strategies.sizing import (
    LotRules,
    is_tighter,
    risk_quantity,
    round_down,
    round_up,
    stop_price,
    target_price,
    to_decimal,
)

money = st.decimals("0.01", "1000000", places=2)
prices = st.decimals("0.0001", "200000", places=4)
steps = st.sampled_from([Decimal(10) ** -n for n in range(6)] + [Decimal(10), Decimal("0.5")])
sides = st.sampled_from([OrderSide.BUY, OrderSide.SELL])
sizes = st.floats(0, 1e12)
gaps = st.floats(-1e9, 1e9)


@given(risk=money, distance=prices, cap=money, price=prices, step=steps, maximum=money)
def test_a_size_never_risks_or_costs_more_than_asked(risk, distance, cap, price, step, maximum):
    rules = LotRules(step=step, quantity_min=None, quantity_max=maximum, notional_min=None)

    quantity = risk_quantity(risk, distance, cap, price, rules)

    # The quotient before rounding down is itself rounded at 28 digits.
    slack = 1 + Decimal("1e-20")
    assert 0 <= quantity <= maximum
    assert quantity % step == 0
    assert quantity * distance <= risk * slack
    assert quantity * price <= cap * slack


@given(risk=money, distance=prices, cap=money, price=prices, step=steps)
def test_a_size_is_the_largest_that_fits(risk, distance, cap, price, step):
    rules = LotRules(step=step, quantity_min=None, quantity_max=None, notional_min=None)

    larger = risk_quantity(risk, distance, cap, price, rules) + step

    assert larger * distance > risk or larger * price > cap


@given(side=sides, price=prices, distance=prices, tick=steps)
def test_a_stop_is_at_least_and_a_target_at_most_the_distance_away(side, price, distance, tick):
    stop, target = (
        stop_price(side, price, distance, tick),
        target_price(side, price, distance, tick),
    )

    assert stop % tick == 0
    assert target % tick == 0
    assert distance <= abs(price - stop) < distance + tick
    assert (stop < price) == (side == OrderSide.BUY)
    gain = target - price if side == OrderSide.BUY else price - target
    assert distance - tick < gain <= distance


@given(value=prices, increment=steps)
def test_rounding_brackets_the_value(value, increment):
    assert round_down(value, increment) <= value <= round_up(value, increment)
    assert round_up(value, increment) - round_down(value, increment) in (0, increment)


@given(side=sides, current=prices, new=prices)
def test_of_two_stops_at_most_one_is_tighter(side, current, new):
    assume(current != new)

    assert is_tighter(side, current, new) != is_tighter(side, new, current)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_decimal_that_prints_the_same(value):
    assert float(to_decimal(value)) == value


@given(bid=sizes, ask=sizes)
def test_the_imbalance_is_bounded_and_mirrors(bid, ask):
    value = imbalance(bid, ask)

    assert -1 <= value <= 1
    assert imbalance(ask, bid) == -value


@given(value=st.floats(-1, 1), threshold=st.floats(0.01, 1))
def test_an_imbalance_and_its_mirror_give_opposite_sides(value, threshold):
    mirror = {OrderSide.BUY: OrderSide.SELL, OrderSide.SELL: OrderSide.BUY}
    side = imbalance_side(value, threshold)

    assert imbalance_side(-value, threshold) == mirror.get(side, side)


@given(values=st.lists(gaps, min_size=2, max_size=30))
def test_crosses_alternate_when_the_last_gap_that_was_not_zero_is_kept(values):
    last, crosses = 0.0, []
    for gap in values:
        side = cross_side(last, gap)
        last = gap or last
        if side != OrderSide.NO_ORDER_SIDE:
            crosses.append(side)

    assert all(first != second for first, second in pairwise(crosses))
