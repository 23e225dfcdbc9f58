"""No cap is passed by fills plus working orders."""

import json

import pytest

from tests.wire_log_kit import LIMITS
from venue.checkers.caps import check_caps


def test_caps_that_are_reached_and_not_passed_are_kept(script, judged):
    script.send("a", "BUY", "1")
    script.order("a", "BUY", "1", "TRADE")
    script.send("b", "BUY", "1", type="LIMIT", price="10000")
    script.order("b", "BUY", "1", o="LIMIT", p="10000")

    assert judged(check_caps) == []


def test_what_is_held_and_what_works_add_up(script, judged):
    script.order("a", "BUY", "1", "TRADE")
    script.order("b", "BUY", "1.001", o="LIMIT", p="10000")

    assert judged(check_caps) == ["BTCUSDT position_notional_usdt_max is 20010.00, limit 20000"]


def test_sides_do_not_net_and_each_counts_for_itself(script, judged):
    script.order("b", "BUY", "2", o="LIMIT", p="10000")
    script.order("s", "SELL", "2", o="LIMIT", p="10000")
    assert judged(check_caps) == []

    script.order("s2", "SELL", "0.1", o="LIMIT", p="10000")
    assert len(judged(check_caps)) == 1


def test_an_order_against_the_position_first_closes_it(script, judged):
    script.order("a", "BUY", "2", "TRADE")
    script.order("s", "SELL", "4", o="LIMIT", p="10000")
    assert judged(check_caps) == []

    script.order("s2", "SELL", "0.1", o="LIMIT", p="10000")
    assert len(judged(check_caps)) == 1


def test_a_limit_above_the_market_counts_at_its_own_price(script, judged):
    script.order("s", "SELL", "1.9", o="LIMIT", p="11000")

    assert judged(check_caps) == ["BTCUSDT position_notional_usdt_max is 20900.00, limit 20000"]


def test_exits_add_nothing(script, judged):
    script.order("a", "BUY", "2", "TRADE")
    script.order("x", "SELL", "2", R=True)
    script.order("y", "SELL", "9", R=True, o="LIMIT", p="10000")

    assert judged(check_caps) == []


def test_drift_is_no_breach_and_adding_after_it_is(script, judged):
    script.order("a", "BUY", "2", "TRADE")
    script.market(11_000)
    assert judged(check_caps) == []

    script.order("b", "BUY", "0.001", o="LIMIT", p="10000")
    assert len(judged(check_caps)) == 1


def test_an_order_that_is_canceled_works_no_more(script, judged):
    script.order("a", "BUY", "2", o="LIMIT", p="10000")
    script.order("a", "BUY", "2", "CANCELED", o="LIMIT", p="10000")
    script.order("b", "BUY", "2", o="LIMIT", p="10000")

    assert judged(check_caps) == []


@pytest.mark.parametrize(
    ("qty", "rule"),
    [("2.001", "order_qty_max is 2.00, limit 2"), ("2.001", "order_notional_usdt_max is 20010.00")],
)
def test_one_order_has_caps_of_its_own(script, judged, qty, rule):
    script.send("a", "BUY", qty)

    assert any(rule in told for told in judged(check_caps))


def test_a_symbol_or_side_that_may_not_trade_is_caught(script, judged):
    script.send("a", "SELL", "1", symbol="ETHUSDT")
    limits = json.loads(json.dumps(LIMITS))
    limits["symbols"]["BTCUSDT-PERP.BINANCE"]["sides"] = ["BUY"]
    script.send("b", "SELL", "1")

    assert judged(check_caps, limits=limits) == [
        "a: ETHUSDT may not trade", "b: SELL may not open BTCUSDT"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cap", "value"),
    [("gross_notional_usdt_max", 19_999), ("net_notional_usdt_max", 19_999),
     ("leverage_max", 0.199)],
)  # fmt: skip
def test_the_account_has_caps_over_all_symbols(script, judged, cap, value):
    script.order("a", "BUY", "2", "TRADE")
    assert judged(check_caps) == []

    limits = LIMITS | {"portfolio": LIMITS["portfolio"] | {cap: value}}
    [told] = judged(check_caps, limits=limits)
    assert told.startswith(cap)


def test_the_slippage_that_the_profile_grants_is_granted(script, judged):
    script.market(10_050)
    script.order("a", "BUY", "2", "TRADE")
    assert len(judged(check_caps)) == 1

    assert judged(check_caps, limits=LIMITS | {"orders": {"slippage_bps_max": 50}}) == []


def test_what_is_filled_of_an_order_works_no_more(script, judged):
    script.order("a", "BUY", "2", "TRADE", l="1.5", z="1.5", X="PARTIALLY_FILLED", p="10000")
    assert judged(check_caps) == []

    script.order("b", "BUY", "0.001", o="LIMIT", p="10000")
    assert len(judged(check_caps)) == 1


def test_what_the_venue_says_at_the_start_counts(script, judged):
    script.truth(
        "1",
        orders=[
            {"order_id": 1, "client_order_id": "q", "symbol": "BTCUSDT", "side": "BUY",
             "type": "LIMIT", "qty": "1.5", "executed_qty": "0.5", "price": "10000",
             "reduce_only": False}
        ],
    )  # fmt: skip
    script.order("x", "SELL", "0.1", o="LIMIT", p="10000")
    assert judged(check_caps) == []

    script.order("b", "BUY", "0.001", o="LIMIT", p="10000")
    assert len(judged(check_caps)) == 1


def test_exposure_in_a_symbol_that_may_not_trade_is_caught(script, judged):
    script.line("market", symbol="ETHUSDT", bid="100", ask="100")
    script.order("a", "BUY", "1", "TRADE", s="ETHUSDT")

    assert judged(check_caps) == ["ETHUSDT: exposure in a symbol that may not trade"]


def test_long_and_short_net_and_leave_no_more_than_what_is_held(script, judged):
    limits = json.loads(json.dumps(LIMITS))
    limits["symbols"]["ETHUSDT-PERP.BINANCE"] = limits["symbols"]["BTCUSDT-PERP.BINANCE"]
    limits["portfolio"] |= {"gross_notional_usdt_max": 40_000, "net_notional_usdt_max": 1_000}
    script.line("market", symbol="ETHUSDT", bid="10000", ask="10000")
    script.truth("2")
    script.order("s", "SELL", "1.9", "TRADE", s="ETHUSDT")
    assert judged(check_caps, limits=limits) == []

    script.order("b", "SELL", "0.01", o="LIMIT", p="10000")  # closes a part, opens nothing
    assert judged(check_caps, limits=limits) == []
    script.order("c", "BUY", "0.001", s="ETHUSDT")  # would leave the long side larger
    assert judged(check_caps, limits=limits) == []

    limits["portfolio"]["net_notional_usdt_max"] = 999
    assert len(judged(check_caps, limits=limits)) == 3


@pytest.mark.parametrize(("price", "passes"), [(10_000, True), (10_010, False)])
def test_leverage_is_measured_by_the_wallet_and_what_positions_have_gained(
    script, judged, price, passes
):
    script.event(e="ACCOUNT_UPDATE", a={"B": [{"a": "USDT", "wb": "10000"}]})
    script.order("a", "BUY", "0.5", "TRADE", L="10000")
    script.order("b", "SELL", "1.5", "TRADE", L="10000")
    script.market(price)
    script.order("c", "SELL", "0.0001", o="LIMIT", p="1")
    limits = LIMITS | {"portfolio": LIMITS["portfolio"] | {"leverage_max": 1.0002}}

    assert (len(judged(check_caps, limits=limits)) == 0) is passes
