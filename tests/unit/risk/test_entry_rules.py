"""Every rule for one entry: at its limit it lets through, one step over it denies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from risk.intent import BUY, SELL
from risk.judge import Judge
from tests.risk_builders import (
    BTC,
    ETH,
    T0,
    D,
    Terms,
    bracket,
    make_filters,
    make_judge,
    make_order,
    make_stop,
    reason_of,
    submit,
)

# -- measured limits: (limit, at the limit, one step over, reason) -----------------------------------

BOUNDARIES: dict[str, tuple[Terms, Terms, Terms, str]] = {
    "order_qty": (
        {"order_qty_max": 2},
        {"qty": 2},
        {"qty": "2.001"},
        "QUANTITY_EXCEEDS_MAX_PER_ORDER",
    ),
    "order_notional_of_a_limit_order": (
        {"order_notional_usdt_max": 1_000},
        {"qty": 10},
        {"qty": "10.001"},
        "NOTIONAL_EXCEEDS_MAX_PER_ORDER",
    ),
    # A buy at market is valued at the ask, marked up by the 50 bps that it may slip.
    "order_notional_of_a_market_order": (
        {"order_notional_usdt_max": D("100.6005")},
        {"price": None, "qty": 1},
        {"price": None, "qty": "1.001"},
        "NOTIONAL_EXCEEDS_MAX_PER_ORDER",
    ),
    # ... or at the mark price, when that is higher.
    "order_notional_at_the_mark": (
        {"order_notional_usdt_max": D("101.1030")},
        {"price": None, "qty": 1, "market": {"mark": "100.6"}},
        {"price": None, "qty": 1, "market": {"mark": "100.7"}},
        "NOTIONAL_EXCEEDS_MAX_PER_ORDER",
    ),
    # A short grows with the price at which it is sold: a low limit does not make it small.
    "order_notional_of_a_sell_limit": (
        {"order_notional_usdt_max": D("100.6005")},
        {"side": SELL, "price": 100, "qty": 1},
        {"side": SELL, "price": 100, "qty": "1.001"},
        "NOTIONAL_EXCEEDS_MAX_PER_ORDER",
    ),
    "order_notional_of_a_stop_entry": (
        {"order_notional_usdt_max": D("110.55")},
        {"price": None, "order_type": "STOP_MARKET", "trigger_price": D(110)},
        {"price": None, "order_type": "STOP_MARKET", "trigger_price": D("110.1")},
        "NOTIONAL_EXCEEDS_MAX_PER_ORDER",
    ),
    "position": (
        {"position_notional_usdt_max": 1_000},
        {"qty": 10},
        {"qty": "10.001"},
        "POSITION_EXCEEDS_MAX",
    ),
    "leverage": (
        {"leverage_max": D("0.01")},  # of an equity of 100,000
        {"qty": 10},
        {"qty": "10.001"},
        "LEVERAGE_EXCEEDS_MAX",
    ),
    # 200 bps around a mid price of 100.
    "price_collar_above": (
        {"price_deviation_bps_max": 200},
        {"price": 102, "market": {"bid": "99.9"}},
        {"price": "102.1", "market": {"bid": "99.9"}},
        "PRICE_OUTSIDE_COLLAR",
    ),
    "price_collar_below": (
        {"price_deviation_bps_max": 200},
        {"price": 98, "market": {"bid": "99.9"}},
        {"price": "97.9", "market": {"bid": "99.9"}},
        "PRICE_OUTSIDE_COLLAR",
    ),
    "price_collar_of_a_trigger": (
        {"price_deviation_bps_max": 200},
        {
            "order_type": "STOP_LIMIT",
            "price": 100,
            "trigger_price": D(102),
            "market": {"bid": "99.9"},
        },
        {
            "order_type": "STOP_LIMIT",
            "price": 100,
            "trigger_price": D("102.1"),
            "market": {"bid": "99.9"},
        },
        "PRICE_OUTSIDE_COLLAR",
    ),
    "slippage_of_a_buy": (
        {"slippage_bps_max": 50},
        {"price": None, "expected_px": D("100.5"), "market": {"bid": "99.9"}},
        {"price": None, "expected_px": D("100.501"), "market": {"bid": "99.9"}},
        "SLIPPAGE_EXCEEDS_MAX",
    ),
    "slippage_of_a_sell": (
        {"slippage_bps_max": 50},
        {"price": None, "side": SELL, "expected_px": D("99.5"), "market": {"bid": "99.9"}},
        {"price": None, "side": SELL, "expected_px": D("99.499"), "market": {"bid": "99.9"}},
        "SLIPPAGE_EXCEEDS_MAX",
    ),
    # Without a book the far side of the quote is what is expected: 5 bps from the mid price.
    "slippage_by_the_quote": (
        {"slippage_bps_max": 5},
        {"price": None, "market": {"bid": "99.95", "ask": "100.05"}},
        {"price": None, "market": {"bid": "99.95", "ask": "100.06"}},
        "SLIPPAGE_EXCEEDS_MAX",
    ),
    "spread": (
        {"spread_bps_max": 20},
        {"market": {"bid": "99.9", "ask": "100.1"}},
        {"market": {"bid": "99.9", "ask": "100.101"}},
        "SPREAD_EXCEEDS_MAX",
    ),
    "mark_below_mid": (
        {"mark_divergence_bps_max": 100},
        {"market": {"bid": "100.9", "ask": "101.1", "mark": 100}},
        {"market": {"bid": "100.9", "ask": "101.2", "mark": 100}},
        "MARK_DIVERGENCE_EXCEEDS_MAX",
    ),
    "mark_above_mid": (
        {"mark_divergence_bps_max": 100},
        {"price": 99, "market": {"bid": "98.9", "ask": "99.1", "mark": 100}},
        {"price": 99, "market": {"bid": "98.8", "ask": "99.1", "mark": 100}},
        "MARK_DIVERGENCE_EXCEEDS_MAX",
    ),
    "price_age": (
        {"price_age_ms_max": 500},
        {"market": {"ts_ns": T0 - 500_000_000}},
        {"market": {"ts_ns": T0 - 500_000_001}},
        "PRICE_STALE",
    ),
    "price_from_the_future": (
        {"price_age_ms_max": 500},
        {"market": {"ts_ns": T0 + 500_000_000}},
        {"market": {"ts_ns": T0 + 500_000_001}},
        "PRICE_STALE",
    ),
    # The distance counts from the entry price, or from the touch where that is nearer to the stop.
    "stop_distance_of_a_buy": (
        {"stop_distance_bps_max": 500},
        {"price": 100, "stop": {"trigger": 95}},
        {"price": 100, "stop": {"trigger": "94.9"}},
        "STOP_LOSS_TOO_FAR",
    ),
    "stop_distance_of_a_sell": (
        {"stop_distance_bps_max": 500},
        {
            "side": SELL,
            "price": 100,
            "stop": {"trigger": 105},
            "market": {"bid": "99.9", "ask": 100},
        },
        {
            "side": SELL,
            "price": 100,
            "stop": {"trigger": "105.1"},
            "market": {"bid": "99.9", "ask": 100},
        },
        "STOP_LOSS_TOO_FAR",
    ),
    "stop_distance_of_a_market_order": (
        {"stop_distance_bps_max": 500},
        {"price": None, "stop": {"trigger": 95}},
        {"price": None, "stop": {"trigger": "94.9"}},
        "STOP_LOSS_TOO_FAR",
    ),
    "stop_side_of_a_buy": (
        {},
        {"price": 100, "stop": {"trigger": "99.9"}},
        {"price": 100, "stop": {"trigger": 100}},
        "STOP_LOSS_WRONG_SIDE",
    ),
    "stop_side_of_a_sell": (
        {},
        {"side": SELL, "price": 100, "stop": {"trigger": "100.2"}},
        {"side": SELL, "price": 100, "stop": {"trigger": "100.1"}},
        "STOP_LOSS_WRONG_SIDE",
    ),
    # A buy far above the market fills at the ask: the stop must lie below the bid, not the limit.
    "stop_side_of_a_buy_above_the_market": (
        {},
        {"price": 105, "stop": {"trigger": "99.9"}},
        {"price": 105, "stop": {"trigger": 100}},
        "STOP_LOSS_WRONG_SIDE",
    ),
    "stop_quantity": (
        {},
        {"qty": 2, "stop": {"qty": D(2)}},
        {"qty": 2, "stop": {"qty": D("1.999")}},
        "STOP_LOSS_REQUIRED",
    ),
}


@pytest.mark.parametrize("case", BOUNDARIES)
def test_an_entry_at_the_limit_passes(case: str) -> None:
    limits, at_limit, _, _ = BOUNDARIES[case]

    assert bracket(make_judge(**limits), **at_limit) is None


@pytest.mark.parametrize("case", BOUNDARIES)
def test_an_entry_one_step_over_the_limit_is_denied(case: str) -> None:
    limits, _, over, reason = BOUNDARIES[case]

    assert reason_of(bracket(make_judge(**limits), **over)) == reason


# -- what is either so or not ------------------------------------------------------------------------

BRACKETS: dict[str, tuple[Terms, Terms, Terms, str]] = {
    "side": ({"sides": ("BUY",)}, {"side": BUY}, {"side": SELL}, "SIDE_NOT_ALLOWED"),
    "type": (
        {"entry_types": ("LIMIT",)},
        {"price": 100},
        {"price": None},
        "ORDER_TYPE_NOT_ALLOWED",
    ),
    "emulated": ({}, {}, {"is_emulated": True}, "EMULATED_ENTRY_NOT_ALLOWED"),
    "unit": ({}, {}, {"is_quote_qty": True}, "QUOTE_QUANTITY_NOT_ALLOWED"),
    "crossed": (
        {},
        {"market": {"bid": 100, "ask": "100.1"}},
        {"market": {"bid": 100, "ask": 100}},
        "PRICE_CROSSED",
    ),
    "bar": (
        {},
        {"market": {"bid": 100, "ask": 100, "is_bar": True}},
        {"market": {"bid": "100.1", "ask": 100}},
        "PRICE_CROSSED",
    ),
    "stop_not_reduce_only": (
        {},
        {},
        {"stop": {"is_reduce_only": False}},
        "STOP_LOSS_REQUIRED",
    ),
    "stop_of_another_type": (
        {},
        {},
        {"stop": {"order_type": "STOP_LIMIT", "price": D(94)}},
        "STOP_LOSS_REQUIRED",
    ),
    "stop_without_a_trigger": ({}, {}, {"stop": {"trigger_price": None}}, "STOP_LOSS_REQUIRED"),
    "stop_held_in_this_process": ({}, {}, {"stop": {"is_emulated": True}}, "STOP_LOSS_REQUIRED"),
    "stop_in_quote_units": ({}, {}, {"stop": {"is_quote_qty": True}}, "STOP_LOSS_REQUIRED"),
    # A stop that hangs on another entry is an exit like any other, and there is nothing to exit.
    "stop_of_another_entry": (
        {},
        {},
        {"stop": {"parent_id": "O-0"}},
        "REDUCE_ONLY_EXCEEDS_POSITION",
    ),
    "stop_on_the_same_side": ({}, {}, {"stop": {"side": BUY}}, "STOP_LOSS_REQUIRED"),
    "stop_in_another_symbol": ({}, {}, {"stop": {"instrument_id": ETH}}, "STOP_LOSS_REQUIRED"),
}


@pytest.mark.parametrize("case", BRACKETS)
def test_an_entry_as_allowed_passes(case: str) -> None:
    limits, allowed, _, _ = BRACKETS[case]

    assert bracket(make_judge(**limits), **allowed) is None


@pytest.mark.parametrize("case", BRACKETS)
def test_an_entry_that_is_not_allowed_is_denied(case: str) -> None:
    limits, _, forbidden, reason = BRACKETS[case]
    judge = make_judge(**limits)

    assert reason_of(bracket(judge, **forbidden)) == reason
    assert judge.account.symbol(BTC).pending == {}


def test_a_naked_entry_is_denied() -> None:
    assert reason_of(submit(make_judge(), make_order())) == "STOP_LOSS_REQUIRED"


def test_a_price_below_zero_is_no_price() -> None:
    denial = bracket(make_judge(), market={"bid": "-100.1", "ask": "-100"})

    assert reason_of(denial) == "PRICE_CROSSED"


def test_money_other_than_usdt_is_denied() -> None:
    judge = make_judge(filters=make_filters(settlement="BTC"))

    assert reason_of(bracket(judge)) == "SETTLEMENT_CURRENCY_NOT_ALLOWED"


def test_a_symbol_that_is_not_listed_is_denied() -> None:
    assert reason_of(bracket(make_judge(), instrument_id="DOGEUSDT")) == "SYMBOL_NOT_ALLOWED"


def test_one_stop_does_not_serve_two_entries() -> None:
    first, second = make_order(), make_order()

    assert reason_of(submit(make_judge(), first, make_stop(first), second)) == (
        "STOP_LOSS_REQUIRED"
    )


# -- tallies -----------------------------------------------------------------------------------------


def row(judge: Judge, key: str) -> dict[str, Any]:
    return next(row for row in judge.report() if row["key"] == key)


def test_a_control_counts_what_it_judged_and_denied_and_how_close_it_came() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    bracket(judge, qty=6)
    bracket(judge, qty=5)
    bracket(judge, qty=1)

    seen = row(judge, "position")

    assert (seen["evaluated"], seen["denied"], seen["control"]) == (3, 1, 8)
    assert seen["closest"] == {
        "ratio": 1.1,
        "observed": "1100",
        "limit": "1000",
        "instrument_id": BTC,
        "ts": T0,
    }
    assert (seen["first_denied_ns"], seen["last_denied_ns"]) == (T0, T0)


def test_a_rule_behind_the_one_that_denies_is_not_asked() -> None:
    judge = make_judge(order_qty_max=1)
    bracket(judge, qty=2)

    assert row(judge, "order_qty")["denied"] == 1
    assert row(judge, "position")["evaluated"] == 0


def test_a_rule_that_raises_leaves_no_reservation_behind() -> None:
    judge = make_judge()
    first = make_order()
    second = make_order(expected_px=Decimal("NaN"), price=None)

    with pytest.raises(ArithmeticError):
        submit(judge, first, make_stop(first), second, make_stop(second))

    assert judge.account.symbol(BTC).pending == {}
    assert judge.account.symbol(BTC).buys.entry_qty == 0
    assert not judge.knows(first.client_order_id)
