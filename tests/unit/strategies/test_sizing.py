"""Sizing: the risk asked for, never more than the cap, only what the instrument takes."""

from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from strategies.sizing import (
    LotRules,
    is_tighter,
    price_refusal,
    risk_quantity,
    size_refusal,
    stop_price,
    target_price,
    to_decimal,
)

RULES = LotRules(
    step=Decimal("0.001"),
    quantity_min=Decimal("0.002"),
    quantity_max=Decimal(1_000),
    notional_min=Decimal(100),
)


def size(risk: str, distance: str, cap: str = "1000000", price: str = "50000") -> Decimal:
    return risk_quantity(Decimal(risk), Decimal(distance), Decimal(cap), Decimal(price), RULES)


@pytest.mark.parametrize(
    ("risk", "distance", "cap", "expected"),
    [
        ("50", "500", "1000000", "0.100"),
        ("50.49", "500", "1000000", "0.100"),  # rounded down
        ("50.5", "500", "1000000", "0.101"),
        ("50", "5", "5000", "0.100"),  # the cap binds when the stop is near
        ("50", "0.001", "1000000000", "1000.000"),  # the instrument's maximum binds
        ("0.4", "500", "1000000", "0"),
    ],
)
def test_the_quantity_loses_the_risk_at_the_stop_within_the_cap(risk, distance, cap, expected):
    assert size(risk, distance, cap) == Decimal(expected)


@pytest.mark.parametrize(
    ("distance", "price", "key"), [("0", "1", "stop_distance"), ("1", "0", "price")]
)
def test_a_distance_or_price_that_is_not_positive_raises(distance, price, key):
    with pytest.raises(ValueError, match=f"{key}: was 0, must be > 0"):
        size("50", distance, price=price)


@pytest.mark.parametrize(
    ("quantity", "price", "reason"),
    [
        ("0.002", "50000", None),
        ("0.001", "50000000", "QUANTITY_BELOW_MIN: observed=0.001, limit=0.002"),
        ("0", "50000", "QUANTITY_BELOW_STEP: observed=0, limit=0.001"),
        ("0.002", "49999.9", "NOTIONAL_BELOW_MIN: observed=99.9998, limit=100"),
    ],
)
def test_a_quantity_is_refused_just_below_a_filter_and_taken_at_it(quantity, price, reason):
    assert size_refusal(Decimal(quantity), Decimal(price), RULES) == reason


@pytest.mark.parametrize(
    ("stop", "target", "category"),
    [
        ("0.1", None, None),
        ("0.1", "0.1", None),
        ("0", None, "STOP_NOT_POSITIVE"),
        ("1", "0", "TARGET_NOT_POSITIVE"),
    ],
)
def test_a_stop_or_target_must_be_above_zero(stop, target, category):
    reason = price_refusal(Decimal(stop), None if target is None else Decimal(target))

    assert (reason and reason.partition(":")[0]) == category


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [(OrderSide.BUY, "99.9", "100.0"), (OrderSide.SELL, "100.1", "100.0")],
)
def test_a_stop_is_rounded_away_and_a_target_towards_the_price(side, stop, target):
    price, distance, tick = Decimal(100), Decimal("0.05"), Decimal("0.1")

    assert stop_price(side, price, distance, tick) == Decimal(stop)
    assert target_price(side, price, distance, tick) == Decimal(target)


def test_tighter_is_nearer_to_the_market_on_either_side():
    assert is_tighter(OrderSide.BUY, Decimal(10), Decimal(11))
    assert is_tighter(OrderSide.SELL, Decimal(10), Decimal(9))
    assert not is_tighter(OrderSide.BUY, Decimal(10), Decimal(10))
    assert not is_tighter(OrderSide.SELL, Decimal(10), Decimal(10))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_never_becomes_money(value):
    with pytest.raises(ValueError, match="must be a finite number"):
        to_decimal(value)


def test_the_rules_are_read_off_the_instrument():
    rules = LotRules.of(TestInstrumentProvider.btcusdt_perp_binance())

    assert rules == LotRules(
        step=Decimal("0.001"),
        quantity_min=Decimal("0.001"),
        quantity_max=Decimal(1_000),
        notional_min=Decimal(10),
    )
