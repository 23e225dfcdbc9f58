"""Entries count together with positions, working orders and each other."""

from __future__ import annotations

import pytest

from risk.decision import Denial
from risk.intent import BUY, SELL
from risk.judge import Judge
from tests.risk_builders import (
    BTC,
    ETH,
    T0,
    D,
    bracket,
    enter,
    make_exit,
    make_judge,
    make_order,
    make_stop,
    reason_of,
    submit,
    tell_price,
    work,
)


def pair(judge: Judge, qty: object) -> Denial | None:
    first, second = make_order(qty=5), make_order(qty=qty)
    return submit(judge, first, make_stop(first), second, make_stop(second))


def test_a_list_is_measured_as_a_whole() -> None:
    limits = {"list_notional_usdt_max": 1_000}

    assert pair(make_judge(**limits), 5) is None
    assert reason_of(pair(make_judge(**limits), "5.001")) == "NOTIONAL_EXCEEDS_MAX_PER_LIST"


def test_the_entries_of_a_list_count_for_each_other() -> None:
    judge = make_judge(position_notional_usdt_max=999)

    assert reason_of(pair(judge, 5)) == "POSITION_EXCEEDS_MAX"
    assert judge.account.symbol(BTC).pending == {}, "a list is approved as a whole or not at all"


def test_working_orders_count_for_the_position() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    work(judge, qty=6)

    assert reason_of(bracket(judge, qty="4.001")) == "POSITION_EXCEEDS_MAX"
    assert bracket(judge, qty=4) is None


def test_the_position_is_valued_at_the_higher_of_entry_and_market_price() -> None:
    judge = make_judge(position_notional_usdt_max=1_000)
    enter(judge, qty=5)
    tell_price(judge, 104)

    assert reason_of(bracket(judge, qty=5)) == "POSITION_EXCEEDS_MAX"
    assert bracket(judge, qty="4.615") is None  # 9.615 x 104 = 999.96


def eth_long(judge: Judge) -> None:
    enter(judge, qty=5, instrument_id=ETH)
    tell_price(judge, 100, instrument_id=ETH)


def test_gross_exposure_is_the_sum_over_symbols() -> None:
    judge = make_judge(gross_notional_usdt_max=1_000)
    eth_long(judge)

    assert reason_of(bracket(judge, qty="5.001")) == "GROSS_EXPOSURE_EXCEEDS_MAX"
    assert bracket(judge, qty=5) is None


def test_a_short_adds_to_gross_exposure_and_not_to_a_net_long_one() -> None:
    judge = make_judge(gross_notional_usdt_max=1_100, net_notional_usdt_max=600)
    eth_long(judge)

    assert bracket(judge, side=SELL, qty=5) is None


def test_net_exposure_adds_the_same_side_of_all_symbols() -> None:
    judge = make_judge(net_notional_usdt_max=1_000)
    eth_long(judge)

    assert reason_of(bracket(judge, qty="5.001")) == "NET_EXPOSURE_EXCEEDS_MAX"
    assert bracket(judge, qty=5) is None


def test_leverage_counts_every_symbol() -> None:
    judge = make_judge(leverage_max=1, balance=1_000)
    eth_long(judge)

    assert reason_of(bracket(judge, qty="5.001")) == "LEVERAGE_EXCEEDS_MAX"
    assert bracket(judge, qty=5) is None


@pytest.mark.parametrize("balance", [None, 0, -1])
def test_leverage_without_equity_is_denied(balance: object) -> None:
    assert reason_of(bracket(make_judge(balance=balance))) == "EQUITY_MISSING"


def test_a_position_elsewhere_that_cannot_be_valued_stops_new_risk() -> None:
    judge = make_judge()
    judge.account.symbol(ETH).position_qty = D(1)
    judge.account.balance = D(1_000)

    assert reason_of(bracket(judge)) == "PRICE_MISSING"

    tell_price(judge, 100, instrument_id=ETH)

    assert bracket(judge) is None


def test_an_entry_without_a_price_is_denied() -> None:
    judge, entry = make_judge(), make_order()

    denial = judge.submit((entry, make_stop(entry)), {BTC: None}, T0)

    assert reason_of(denial) == "PRICE_MISSING"


def test_an_instrument_that_is_not_loaded_is_denied() -> None:
    judge = Judge(make_judge().limits, lambda _: None)

    assert reason_of(bracket(judge)) == "INSTRUMENT_UNKNOWN"


@pytest.mark.parametrize(("side", "resting"), [(BUY, SELL), (SELL, BUY)])
def test_an_entry_against_an_open_position_is_denied_as_a_flip(side: int, resting: int) -> None:
    judge = make_judge()
    enter(judge, resting)

    assert reason_of(bracket(judge, side=side)) == "POSITION_FLIP"


def test_an_entry_against_a_working_entry_is_denied_as_a_flip() -> None:
    judge = make_judge()
    work(judge, BUY)

    assert reason_of(bracket(judge, side=SELL)) == "POSITION_FLIP"


def test_a_position_without_its_stops_takes_no_more() -> None:
    judge = make_judge()
    entry = enter(judge)
    judge.on_closed(BTC, f"{entry.client_order_id}-SL")

    assert reason_of(bracket(judge)) == "STOP_LOSS_REQUIRED"

    replacement = make_stop(entry, client_order_id="SL-2", parent_id=None)
    assert submit(judge, replacement) is None
    assert bracket(judge) is None


@pytest.mark.parametrize(
    ("price", "reason"), [("109.9", None), (110, "SELF_MATCH"), ("110.1", "SELF_MATCH")]
)
def test_a_limit_entry_may_not_reach_an_own_offer(price: object, reason: str | None) -> None:
    judge = make_judge()
    enter(judge)
    assert submit(judge, make_exit(price=110)) is None

    assert reason_of(bracket(judge, price=price)) == reason


@pytest.mark.parametrize(
    ("offer", "reason"), [("100.7", None), ("100.6", "SELF_MATCH")]
)  # a market buy reaches the ask of 100.1 plus 50 bps: 100.6005
def test_a_market_entry_may_not_reach_an_own_offer(offer: object, reason: str | None) -> None:
    judge = make_judge()
    enter(judge)
    assert submit(judge, make_exit(price=offer)) is None

    assert reason_of(bracket(judge, price=None)) == reason


def test_a_short_entry_may_not_reach_an_own_bid() -> None:
    judge = make_judge()
    enter(judge, SELL)
    assert submit(judge, make_exit(BUY, price=90)) is None

    assert reason_of(bracket(judge, side=SELL, price=90)) == "SELF_MATCH"
    assert bracket(judge, side=SELL, price="90.1") is None


def test_a_short_in_another_symbol_counts_for_gross_exposure() -> None:
    judge = make_judge(gross_notional_usdt_max=1_000)
    enter(judge, SELL, qty=5, instrument_id=ETH)
    tell_price(judge, 100, instrument_id=ETH)

    assert reason_of(bracket(judge, qty="5.001")) == "GROSS_EXPOSURE_EXCEEDS_MAX"
    assert bracket(judge, qty=5) is None
