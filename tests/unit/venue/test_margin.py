"""Margin at entry, settings, money: fees, funding, isolated wallets, transfers."""

from decimal import Decimal

import pytest

from tests.engine_kit import BTC, FUNDING_MS, code_of, other_of, scene
from venue.api import handle
from venue.engine.options import Options

D = Decimal


@pytest.mark.parametrize(("wallet", "code"), [("600.00", None), ("599.99", -2019)])
def test_a_resting_buy_costs_its_notional_over_the_leverage(wallet, code):
    venue = scene(wallet=wallet)

    if code:
        assert code_of(lambda: venue.order("BUY", "0.1", "60000.00")) == code
    else:
        assert venue.order("BUY", "0.1", "60000.00")["status"] == "NEW"
        assert D(venue.ask("GET", "openOrders")[0]["price"]) == 60_000


@pytest.mark.parametrize(("wallet", "code"), [("650", None), ("649.99", -2019)])
def test_a_buy_above_the_mark_costs_its_open_loss_besides(wallet, code):
    venue = scene(wallet=wallet)
    venue.quote(60_000, 61_000)
    venue.mark(59_500)  # 0.1 * (60000 - 59500) = 50 of open loss on 600 of margin

    if code:
        assert code_of(lambda: venue.order("BUY", "0.1", "60000.00")) == code
    else:
        assert venue.order("BUY", "0.1", "60000.00")["status"] == "NEW"


def test_a_market_order_is_assumed_to_cost_a_little_more_than_the_best_price():
    enough = D("0.1") * D("60000.10") * D("1.0005") / 10

    assert code_of(lambda: scene(wallet=enough - D("0.01")).order("BUY", "0.1")) == -2019
    assert scene(wallet=enough).order("BUY", "0.1")["status"] == "NEW"


def test_an_order_that_only_reduces_costs_nothing():
    venue = scene(wallet=620)
    venue.order("BUY", "0.1")
    assert code_of(lambda: venue.order("BUY", "0.1")) == -2019

    venue.order("SELL", "0.1")

    assert venue.amt() == 0


def test_orders_on_both_sides_need_margin_for_the_worse_side_only():
    venue = scene(wallet=700)
    venue.order("BUY", "0.1", "59000")

    assert venue.order("SELL", "0.1", "60050")["status"] == "NEW"
    assert code_of(lambda: venue.order("SELL", "0.1", "60050")) == -2019


@pytest.mark.parametrize(("qty", "code"), [("10.000", None), ("10.001", -2027)])
def test_a_position_stays_below_the_notional_that_its_leverage_allows(qty, code):
    venue = scene(wallet=10_000_000, leverage=125)
    venue.account.setting(BTC).leverage = 100  # 100x allows 600,000

    if code:
        assert code_of(lambda: venue.order("BUY", qty, "60000.00")) == code
    else:
        assert venue.order("BUY", qty, "60000.00")["status"] == "NEW"


def test_open_orders_count_against_the_allowed_notional():
    venue = scene(wallet=10_000_000)
    venue.account.setting(BTC).leverage = 100
    venue.order("BUY", "6", "60000.00")

    assert code_of(lambda: venue.order("BUY", "4.001", "60000.00")) == -2027
    assert venue.order("BUY", "4", "60000.00")["status"] == "NEW"


def test_leverage_is_answered_with_the_notional_that_it_allows_and_told():
    venue = scene()
    venue.events()

    answer = venue.ask("POST", "leverage", symbol=BTC, leverage=21)

    assert answer == {"symbol": BTC, "leverage": 21, "maxNotionalValue": "70000000"}
    assert venue.events()[0]["ac"] == {"s": BTC, "l": 21}


@pytest.mark.parametrize(
    ("leverage", "code"), [("0", -4028), ("126", -4028), ("x", -1102), ("", -1102)]
)
def test_a_leverage_outside_the_symbols_range_is_refused(leverage, code):
    assert code_of(lambda: scene().ask("POST", "leverage", symbol=BTC, leverage=leverage)) == code


def test_leverage_cannot_rise_above_what_the_position_allows_nor_fall_without_margin():
    venue = scene(wallet=70_000)
    venue.order("BUY", "10")

    assert code_of(lambda: venue.ask("POST", "leverage", symbol=BTC, leverage=101)) == -2027
    assert code_of(lambda: venue.ask("POST", "leverage", symbol=BTC, leverage=5)) == -2028
    assert venue.ask("POST", "leverage", symbol=BTC, leverage=9)["leverage"] == 9


def test_an_isolated_positions_leverage_cannot_be_lowered():
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "0.1")

    assert code_of(lambda: venue.ask("POST", "leverage", symbol=BTC, leverage=9)) == -4161
    assert venue.ask("POST", "leverage", symbol=BTC, leverage=10)["leverage"] == 10
    assert venue.ask("POST", "leverage", symbol=BTC, leverage=11)["leverage"] == 11


def test_the_margin_type_changes_only_without_orders_and_positions():
    venue = scene()
    change = {"symbol": BTC, "marginType": "ISOLATED"}
    assert (
        code_of(lambda: venue.ask("POST", "marginType", symbol=BTC, marginType="CROSSED")) == -4046
    )

    venue.order("BUY", "0.1", "59000")
    assert code_of(lambda: venue.ask("POST", "marginType", **change)) == -4047
    venue.ask("DELETE", "allOpenOrders", symbol=BTC)
    venue.order("BUY", "0.1")
    assert code_of(lambda: venue.ask("POST", "marginType", **change)) == -4048
    venue.order("SELL", "0.1")

    assert venue.ask("POST", "marginType", **change)["code"] == 200
    assert venue.ask("GET", "symbolConfig", symbol=BTC)[0]["marginType"] == "ISOLATED"


def test_the_position_mode_changes_only_without_orders_and_positions():
    venue = scene()

    def change(dual):
        return venue.ask("POST", "positionSide/dual", dualSidePosition=dual)

    assert code_of(lambda: change("false")) == -4059
    venue.algo("SELL", "0.1", "59000")
    assert code_of(lambda: change("true")) == -4067
    venue.ask("DELETE", "algoOpenOrders", symbol=BTC)
    venue.order("BUY", "0.1")
    assert code_of(lambda: change("true")) == -4068
    venue.order("SELL", "0.1")
    change("true")

    assert venue.ask("GET", "positionSide/dual") == {"dualSidePosition": True}


def test_multi_assets_mode_excludes_isolated_margin():
    venue = scene()

    def change(multi):
        return venue.ask("POST", "multiAssetsMargin", multiAssetsMargin=multi)

    assert code_of(lambda: change("false")) == -4171
    venue.ask("POST", "marginType", symbol=BTC, marginType="ISOLATED")
    assert code_of(lambda: change("true")) == -4167
    venue.ask("POST", "marginType", symbol=BTC, marginType="CROSSED")
    venue.order("BUY", "0.1", "59000")
    assert code_of(lambda: change("true")) == -4170
    venue.ask("DELETE", "allOpenOrders", symbol=BTC)
    venue.events()
    change("true")

    assert venue.events()[0]["ai"] == {"j": True}
    refused = {"symbol": BTC, "marginType": "ISOLATED"}
    assert code_of(lambda: venue.ask("POST", "marginType", **refused)) == -4168


def test_fees_are_those_of_the_account_and_taken_from_the_wallet():
    venue = scene(taker_rate=D("0.001"))

    venue.order("BUY", "0.1")

    assert venue.account.cross_wallet["USDT"] == D(100_000) - D("6.00001")
    income = venue.ask("GET", "income", incomeType="COMMISSION")
    assert [(i["income"], i["asset"]) for i in income] == [("-6.00001000", "USDT")]


def test_fees_are_paid_in_bnb_while_there_is_enough_of_it():
    venue = scene(fee_burn=True, options=Options(bnb_price_usdt=D(500)))
    venue.account.cross_wallet["BNB"] = D("0.006")

    venue.order("BUY", "0.1")
    venue.order("BUY", "0.1")

    assets = [t["commissionAsset"] for t in venue.ask("GET", "userTrades", symbol=BTC)]
    assert assets == ["BNB", "USDT"]
    assert venue.account.cross_wallet["BNB"] == D("0.006") - D("0.00540001")


def test_profit_and_breakeven_of_a_round_trip():
    venue = scene()
    venue.order("BUY", "0.1")
    assert venue.account.position(BTC).break_even_price == D("60000.10") * D("1.0005")

    venue.move(61_000)
    venue.order("SELL", "0.1")

    pnl = venue.ask("GET", "income", incomeType="REALIZED_PNL")
    assert [i["income"] for i in pnl] == ["99.99000000"]


def test_an_order_through_zero_closes_and_opens_the_other_way():
    venue = scene()
    venue.order("BUY", "0.1")
    venue.move(61_000)

    venue.order("SELL", "0.3")

    position = venue.account.position(BTC)
    assert (position.amt, position.entry_price) == (D("-0.2"), D(61_000))


def test_funding_takes_from_longs_what_it_gives_to_shorts():
    venue = scene(other=100_000)
    venue.order("BUY", "0.5")
    other = other_of(venue)
    other.order("SELL", "0.5")
    before = (venue.account.cross_wallet["USDT"], other.account.cross_wallet["USDT"])
    venue.mark(60_000, rate="0.0003")
    venue.ex.drain()

    venue.ex.advance(FUNDING_MS - 1)
    assert venue.ex.drain() == []
    venue.ex.advance(FUNDING_MS)
    told = dict(venue.ex.drain())

    assert venue.account.cross_wallet["USDT"] == before[0] - 9
    assert other.account.cross_wallet["USDT"] == before[1] + 9
    update = told["main"]["a"]
    assert (update["m"], update["S"], update["B"][0]["bc"]) == ("FUNDING_FEE", BTC, "-9")
    assert "P" not in update
    assert venue.ask("GET", "income", incomeType="FUNDING_FEE")[0]["income"] == "-9.00000000"
    assert venue.ask("GET", "fundingRate", symbol=BTC)[0]["fundingTime"] == FUNDING_MS


def test_a_settlement_that_the_market_moves_happens_at_its_new_time_only():
    venue = scene()
    venue.order("BUY", "0.5")
    venue.ex.on_mark(BTC, D(60_000), D(60_000), D("0.0001"), FUNDING_MS + 1_000)

    venue.ex.advance(FUNDING_MS + 999)
    assert venue.ask("GET", "income", incomeType="FUNDING_FEE") == []
    venue.wait(1)

    assert len(venue.ask("GET", "income", incomeType="FUNDING_FEE")) == 1


def test_funding_of_an_isolated_position_is_told_with_it():
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "0.5")
    wallet = venue.account.position(BTC).isolated_wallet
    venue.events()

    venue.ex.advance(FUNDING_MS)

    assert venue.account.position(BTC).isolated_wallet == wallet - 3
    assert [p["s"] for p in venue.events()[0]["a"]["P"]] == [BTC]


def test_funding_is_settled_once_and_then_every_interval():
    venue = scene()
    venue.order("BUY", "0.5")

    venue.ex.advance(FUNDING_MS)
    venue.mark(60_000)
    venue.ex.advance(FUNDING_MS + 8 * 3_600_000 - 1)
    assert len(venue.ask("GET", "income", incomeType="FUNDING_FEE")) == 1
    venue.wait(1)

    assert len(venue.ask("GET", "income", incomeType="FUNDING_FEE")) == 2


def test_an_isolated_position_locks_and_releases_its_margin():
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "0.4")
    position = venue.account.position(BTC)
    assert position.isolated_wallet == D("2400.004")

    venue.order("SELL", "0.1")
    assert position.isolated_wallet == D("1800.003")
    venue.order("SELL", "0.3")

    assert position.isolated_wallet == 0


def test_isolated_margin_can_be_added_and_only_the_spare_taken_back():
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "0.4")
    venue.mark("60000.10")
    terms = {"symbol": BTC, "amount": "100"}

    venue.ask("POST", "positionMargin", **terms, type=1)
    assert venue.account.position(BTC).isolated_wallet == D("2500.004")
    too_much = {"symbol": BTC, "amount": "100.00000001", "type": 2}
    assert code_of(lambda: venue.ask("POST", "positionMargin", **too_much)) == -4051
    venue.ask("POST", "positionMargin", **terms, type=2)

    assert venue.account.position(BTC).isolated_wallet == D("2400.004")
    changes = venue.ask("GET", "positionMargin/history", symbol=BTC)
    assert [c["type"] for c in changes] == [1, 2]


@pytest.mark.parametrize(
    ("amount", "code"), [("0", -4055), ("-1", -4055), ("97587.99598001", -4050), ("x", -1102)]
)
def test_a_wrong_amount_of_isolated_margin_is_refused(amount, code):
    venue = scene(margin_type="ISOLATED")
    venue.order("BUY", "0.4")

    assert (
        code_of(lambda: venue.ask("POST", "positionMargin", symbol=BTC, amount=amount, type=1))
        == code
    )


def test_only_what_is_available_can_be_transferred_out():
    venue = scene(wallet=1_000)
    venue.order("BUY", "0.1", "60000.00")
    venue.events()

    assert code_of(lambda: venue.ex.actions.transfer("main", "USDT", D("-400.01"))) == -2018
    venue.ex.actions.transfer("main", "USDT", D(-400))

    update = venue.events()[0]["a"]
    assert (update["m"], update["B"][0]["bc"], update["B"][0]["wb"]) == (
        "WITHDRAW",
        "-400",
        "600.00000000",
    )


@pytest.mark.parametrize(
    ("code", "may_reduce"), [(-4088, False), (-4192, False), (-4400, True), (-4087, True)]
)
def test_a_restricted_account_is_refused_with_its_code(code, may_reduce):
    venue = scene()
    venue.order("BUY", "0.1")
    venue.ex.actions.restrict("main", code)

    assert code_of(lambda: venue.order("BUY", "0.1")) == code
    assert code_of(lambda: venue.algo("BUY", "0.1", "61000")) == code
    if may_reduce:
        venue.order("SELL", "0.1", reduceOnly="true")
        assert venue.amt() == 0
    else:
        assert code_of(lambda: venue.order("SELL", "0.1", reduceOnly="true")) == code


def test_the_accounts_totals_add_up():
    venue = scene(margin_type="ISOLATED", wallet=10_000)
    venue.order("BUY", "0.4")
    venue.order("BUY", "0.1", "59000")
    venue.mark(60_500)

    answer = handle(venue.ex, "main", "GET", "/fapi/v3/account", {})
    totals = {key: D(value) for key, value in answer.items() if isinstance(value, str)}

    assert totals["totalWalletBalance"] == D(10_000) - D("12.00002")
    assert totals["totalUnrealizedProfit"] == D("199.96")
    assert totals["totalCrossWalletBalance"] == totals["totalWalletBalance"] - D("2400.004")
    assert totals["availableBalance"] == totals["totalCrossWalletBalance"] - 590
    assert totals["totalInitialMargin"] == D(2420) + 590
