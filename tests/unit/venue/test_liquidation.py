"""Liquidation: where, in which order, who pays; ADL; margin calls."""

from decimal import Decimal

import pytest

from tests.engine_kit import BTC, START_MS, other_of, scene
from venue.engine.exchange import Exchange
from venue.engine.liquidation_price import liquidation_price
from venue.engine.options import Options
from venue.engine.symbols import builtin

D = Decimal


def long_at_10x(**more):
    """Return a long of 1 BTC bought at 60000.10 with 6100 USDT behind it."""
    venue = scene(**{"wallet": 6_100, **more})
    venue.order("BUY", "1")
    venue.events()
    return venue


def price_of(venue, side="BOTH"):
    return liquidation_price(venue.ex, venue.account, venue.account.position(BTC, side))


def test_the_price_of_a_long_is_where_its_maintenance_equals_its_balance():
    venue = long_at_10x()
    wallet = D(6_100) - D("30.00005")

    price = price_of(venue)

    # Worth 54,000 at the price: the second bracket, 0.5 % less 50.
    assert price == (wallet + 50 - D("60000.10")) / (D("0.005") - 1)
    balance = wallet + price - D("60000.10")
    assert abs(balance - (price * D("0.005") - 50)) < D("1e-15")


def test_the_price_of_a_short_lies_above():
    venue = scene(wallet=6_100)
    venue.order("SELL", "1")
    wallet = D(6_100) - D("30.00000")

    assert price_of(venue) == (wallet + 50 + 60_000) / (D("0.005") + 1)


def test_the_bracket_is_that_of_the_position_at_its_liquidation_price():
    venue = scene(wallet=6_100)
    venue.order("BUY", "0.85")  # 51,000 now, below 50,000 at the price

    price = price_of(venue)

    assert price * D("0.85") < 50_000
    wallet = venue.account.cross_wallet["USDT"]
    assert price == (wallet - D("0.85") * D("60000.10")) / (D("0.85") * D("0.004") - D("0.85"))


def test_a_position_with_more_money_than_it_can_lose_has_no_price():
    venue = scene(wallet=100_000)
    venue.order("BUY", "0.1")

    assert price_of(venue) == 0


def test_both_sides_of_a_hedge_share_one_price():
    venue = scene(wallet=10_000, dual_side=True)
    venue.order("BUY", "1", positionSide="LONG")
    venue.order("SELL", "0.3", positionSide="SHORT")

    assert price_of(venue, "LONG") == price_of(venue, "SHORT") > 0


def test_an_isolated_price_looks_at_the_positions_own_wallet_only():
    venue = scene(margin_type="ISOLATED", wallet=1_000_000)
    venue.order("BUY", "1")

    expected = (D("6000.01") + 50 - D("60000.10")) / (D("0.005") - 1)
    assert price_of(venue) == expected


def test_a_position_is_liquidated_at_its_price_and_not_before():
    venue = long_at_10x()
    price = price_of(venue)
    venue.quote(54_000, 54_001)

    venue.mark(price + D("0.000001"))
    assert venue.amt() == 1
    venue.mark(price - D("0.000001"))

    assert venue.amt() == 0


def test_orders_go_first_and_the_closing_order_is_the_venues_own():
    venue = long_at_10x()
    venue.order("BUY", "0.001", "53000", newClientOrderId="rest")
    venue.algo("SELL", "1", "50000", clientAlgoId="stop")
    venue.events()
    venue.quote("54200", "54201")

    venue.mark("54100")

    told = [e["o"] for e in venue.events("ORDER_TRADE_UPDATE")]
    assert [(o["x"], o["X"], o["er"]) for o in told] == [
        ("EXPIRED", "EXPIRED", "5"),
        ("NEW", "NEW", "0"),
        ("CALCULATED", "FILLED", "0"),
    ]
    closing = told[-1]
    assert closing["c"].startswith("autoclose-")
    assert (closing["o"], closing["f"], closing["S"], closing["L"]) == (
        "LIQUIDATION", "IOC", "SELL", "54200.00",
    )  # fmt: skip
    rows = venue.ask("GET", "forceOrders", autoCloseType="LIQUIDATION")
    assert [r["clientOrderId"] for r in rows] == [closing["c"]]


def test_the_liquidation_fee_goes_to_the_insurance_fund_as_far_as_there_is_money():
    venue = long_at_10x()
    venue.quote("54200", "54201")
    fund = venue.ex.ledger.insurance_fund
    left = venue.account.cross_wallet["USDT"] + D(54_200) - D("60000.10")

    venue.mark("54100")

    assert venue.ex.ledger.insurance_fund == fund + left  # 1.25 % would be 677.50
    assert venue.account.cross_wallet["USDT"] == 0
    income = venue.ask("GET", "income", incomeType="INSURANCE_CLEAR")
    assert D(income[0]["income"]) == -left


def test_a_whole_liquidation_fee_is_taken_where_the_money_suffices():
    venue = scene(wallet=6_100)
    venue.ex.change_symbol(BTC, liquidation_fee=D("0.001"))
    venue.order("BUY", "1")
    venue.quote("54200", "54201")

    venue.mark("54100")

    assert venue.account.cross_wallet["USDT"] == D("6069.99995") + D("-5800.10") - D("54.2")


def test_what_the_book_does_not_take_goes_to_the_fund_at_the_bankruptcy_price():
    venue = long_at_10x()
    venue.quote("54200", "54201", "0.4")
    fund = venue.ex.ledger.insurance_fund

    venue.mark("53000")

    last = venue.ask("GET", "userTrades", symbol=BTC)[-1]
    assert (last["qty"], venue.amt()) == ("0.600", 0)
    bankrupt = D(last["price"])
    assert venue.account.cross_wallet["USDT"] >= 0
    assert bankrupt > 53_000
    assert venue.ex.ledger.insurance_fund < fund


def test_without_a_fund_the_other_side_is_deleveraged_at_the_bankruptcy_price():
    venue = scene(wallet=6_100, other=50_000, options=Options(insurance_fund_usdt=D(0)))
    other = other_of(venue)
    venue.order("BUY", "1")
    other.order("SELL", "2")
    other.order("SELL", "0.1", "62000", newClientOrderId="rest")
    venue.ex.drain()
    venue.quote("50000", "50001", "0")

    venue.mark("50000")

    told = [e["o"] for name, e in venue.ex.drain() if name == "other" and "o" in e]
    assert [(o["c"], o["x"], o["X"]) for o in told] == [
        ("rest", "CANCELED", "CANCELED"),
        ("adl_autoclose", "NEW", "NEW"),
        ("adl_autoclose", "CALCULATED", "FILLED"),
    ]
    assert told[-1]["n"] == "0.00000000"
    assert (venue.amt(), other.amt()) == (0, -1)
    own = venue.ask("GET", "userTrades", symbol=BTC)[-1]
    assert own["price"] == other.ask("GET", "userTrades", symbol=BTC)[-1]["price"]
    assert len(other.ask("GET", "forceOrders", autoCloseType="ADL")) == 1


def test_an_isolated_liquidation_leaves_the_rest_of_the_account_alone():
    venue = scene(margin_type="ISOLATED", wallet=100_000)
    venue.ex.on_quote("ETHUSDT", D(3_000), D(99), D("3000.01"), D(99))
    venue.ex.on_mark("ETHUSDT", D(3_000), D(3_000), D(0), START_MS + 3_600_000)
    venue.order("BUY", "1")
    venue.order("BUY", "1", "2900", symbol="ETHUSDT", newClientOrderId="eth")
    venue.order("BUY", "0.1", "57000", newClientOrderId="btc")
    cross = venue.account.cross_wallet["USDT"]
    venue.quote("54200", "54201", "0")

    venue.mark("54000")

    assert venue.amt() == 0
    assert [o["clientOrderId"] for o in venue.ask("GET", "openOrders")] == ["eth"]
    assert cross <= venue.account.cross_wallet["USDT"] < cross + 1


def test_a_large_position_is_closed_only_as_far_as_needed():
    venue = scene(wallet=3_300_000)
    venue.quote(60_000, "60000.10", 10_000)
    for _ in range(4):
        venue.order("BUY", "100")
    venue.quote(53_800, 53_801, 10_000)
    price = price_of(venue)

    venue.mark(price - 1)

    assert 0 < venue.amt() < 400
    assert price_of(venue) < price - 1


def test_a_margin_call_is_sent_once_on_the_way_and_again_after_a_recovery():
    venue = long_at_10x()
    venue.quote(54_000, 54_001)

    venue.mark(55_000)
    assert venue.events("MARGIN_CALL") == []
    venue.mark("54206")
    calls = venue.events("MARGIN_CALL")
    assert [c["p"][0]["s"] for c in calls] == [BTC]
    assert calls[0]["cw"] == "6069.99995"
    venue.mark("54205")
    assert venue.events("MARGIN_CALL") == []
    venue.mark(56_000)
    venue.mark("54206")
    assert len(venue.events("MARGIN_CALL")) == 1


def test_a_margin_call_of_an_isolated_position_names_its_wallet():
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "1")
    venue.events()
    venue.quote(54_000, 54_001)

    venue.mark("54275")

    call = venue.events("MARGIN_CALL")[0]
    assert "cw" not in call
    assert (call["p"][0]["mt"], call["p"][0]["iw"]) == ("ISOLATED", "6000.01")


def test_a_deficit_is_made_good_by_the_fund():
    venue = long_at_10x()
    fund = venue.ex.ledger.insurance_fund
    venue.quote("50000", "50001")  # the mark has not followed: the client closes at a loss
    venue.ex.change_symbol(BTC, market_take_bound=D("0.5"))
    venue.order("SELL", "1")
    assert venue.account.cross_wallet["USDT"] < 0
    lost = -venue.account.cross_wallet["USDT"]
    venue.events()

    venue.mark(50_000)

    assert venue.account.cross_wallet["USDT"] == 0
    assert venue.ex.ledger.insurance_fund == fund - lost
    assert venue.events("ACCOUNT_UPDATE")[0]["a"]["m"] == "INSURANCE_CLEAR"


def test_the_venue_can_liquidate_and_deleverage_at_will():
    venue = scene()
    venue.order("BUY", "1")
    venue.order("BUY", "1", "59000")
    venue.events()

    venue.ex.actions.adl("main", BTC, qty=D("0.4"))
    assert venue.amt() == D("0.6")
    venue.ex.actions.liquidate("main", BTC)

    assert venue.amt() == 0
    kinds = {e["o"]["c"][:9] for e in venue.events("ORDER_TRADE_UPDATE")}
    assert kinds >= {"adl_autoc", "autoclose"}


def test_quantiles_rank_the_positions_of_a_direction():
    names = [f"a{i}" for i in range(5)]
    ex = Exchange(builtin(BTC), now_ms=START_MS)
    venue = other_of(scene())
    venue.ex = ex
    ex.on_quote(BTC, D(60_000), D(100), D("60000.10"), D(100))
    for i, name in enumerate(names):
        ex.open_account(name, wallet={"USDT": D(10_000 * (i + 1))}, leverage=20)
        venue.name = name
        venue.order("BUY", "1")
    ex.on_mark(BTC, D(61_000), D(61_000), D(0), 0)

    quantiles = []
    for name in names:
        venue.name = name
        quantiles.append(venue.ask("GET", "adlQuantile", symbol=BTC)[0]["adlQuantile"]["BOTH"])

    assert quantiles == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_money_is_conserved_through_a_liquidation(side):
    venue = scene(wallet=6_200, other=50_000)
    other_of(venue).order("SELL" if side == "BUY" else "BUY", "1")
    venue.order(side, "1")
    worse = 50_000 if side == "BUY" else 70_000

    venue.move(worse, "0.2")

    ledger = venue.ex.ledger
    accounts = venue.ex.accounts.values()
    equity = sum(
        a.cross_wallet["USDT"] + a.isolated_wallet() - sum(p.cost for p in a.positions.values())
        for a in accounts
    )
    assert venue.amt() == 0
    assert (
        equity + ledger.outside_cash + ledger.fees["USDT"] + ledger.insurance_fund
        == (ledger.deposits["USDT"])
    )
