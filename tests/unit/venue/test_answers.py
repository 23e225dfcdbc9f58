"""The exact fields of events and answers, as the documents list them."""

from decimal import Decimal
from itertools import pairwise

import pytest

from tests.engine_kit import BTC, FUNDING_MS, START_MS, code_of, other_of, scene
from venue.api import ENDPOINTS, handle
from venue.engine.errors import VenueError

D = Decimal


def fields(text):
    return set(text.split())


OTU = fields("s c S o f q p ap sp x X i l z L T t b a m R wt ot ps cp pP si ss rp V pm gtd er")
ALGO = fields("caid aid at o s S ps f q X ai tp p V wt pm cp pP R tt gtd rm")
POSITION_V3 = fields(
    "symbol positionSide positionAmt entryPrice breakEvenPrice markPrice "
    "unRealizedProfit liquidationPrice isolatedMargin notional marginAsset "
    "isolatedWallet initialMargin maintMargin positionInitialMargin "
    "openOrderInitialMargin adl bidNotional askNotional updateTime"
)
ORDER_ROW = fields(
    "avgPrice clientOrderId cumQuote executedQty orderId origQty origType price "
    "reduceOnly side positionSide status stopPrice closePosition symbol time "
    "timeInForce type updateTime workingType priceProtect priceMatch "
    "selfTradePreventionMode goodTillDate"
)
ANSWER = ORDER_ROW - {"avgPrice", "cumQuote", "time"} | {"cumQty"}
TRADE_ROW = fields(
    "buyer commission commissionAsset id maker orderId price qty quoteQty baseQty "
    "marginAsset realizedPnl side positionSide symbol pair time"
)


def get(venue, path, **params):
    return handle(venue.ex, "main", "GET", path, {k: str(v) for k, v in params.items()})


def test_a_market_fill_is_told_in_the_venues_order():
    venue = scene()
    venue.events()

    venue.order("BUY", "0.010", newClientOrderId="qm-1")

    events = venue.events()
    kinds = ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
    assert [e["e"] for e in events] == kinds
    new, lite, account, trade = events
    assert set(new["o"]) == OTU
    assert set(trade["o"]) == OTU | {"N", "n"}
    assert trade["o"]["n"] == "0.30000050"
    assert set(lite) == fields("e E T s q p m c S L l t i")
    assert (lite["t"], lite["i"]) == (trade["o"]["t"], trade["o"]["i"])
    assert account["a"] == {
        "m": "ORDER",
        "B": [{"a": "USDT", "wb": "99999.69999950", "cw": "99999.69999950", "bc": "0"}],
        "P": [
            {
                "s": BTC, "pa": "0.01", "ep": "60000.1", "bep": "60030.10005", "cr": "0",
                "up": "-0.001", "mt": "cross", "iw": "0", "ps": "BOTH",
            },
        ],
    }  # fmt: skip


def test_an_algo_update_knows_its_child_only_after_the_trigger():
    venue = scene()
    venue.events()
    venue.algo("SELL", "0.010", "59000", clientAlgoId="s")
    before = venue.events("ALGO_UPDATE")[0]["o"]

    venue.move(59_000)
    venue.wait(20)

    after = venue.events("ALGO_UPDATE")[-1]["o"]
    assert set(before) == ALGO
    assert before["ai"] == ""
    assert set(after) == ALGO | {"ap", "aq", "act"}
    assert (after["X"], after["act"], after["aq"], after["ap"]) == (
        "FINISHED", "MARKET", "0.010", "59000.00",
    )  # fmt: skip


def test_order_answers_and_rows_have_the_documented_fields():
    venue = scene()

    answer = venue.order("BUY", "0.010", "59000")
    row = venue.ask("GET", "openOrders")[0]
    canceled = venue.ask("DELETE", "order", symbol=BTC, orderId=answer["orderId"])
    venue.order("BUY", "0.010")

    assert set(answer) == set(canceled) == ANSWER
    assert set(row) == ORDER_ROW
    assert set(venue.ask("GET", "userTrades", symbol=BTC)[0]) == TRADE_ROW


def test_position_risk_v3_shows_only_symbols_with_a_position_or_an_order():
    venue = scene()
    assert get(venue, "/fapi/v3/positionRisk") == []

    venue.order("BUY", "0.1", "59000")
    row = get(venue, "/fapi/v3/positionRisk")[0]

    assert set(row) == POSITION_V3
    assert (row["positionAmt"], row["bidNotional"]) == ("0.000", "5900")
    assert row["openOrderInitialMargin"] == "590"
    assert len(get(venue, "/fapi/v2/positionRisk")) == 2


def test_account_settings_are_told_where_v3_tells_them():
    venue = scene(dual_side=True, leverage=7)

    assert get(venue, "/fapi/v1/accountConfig")["dualSidePosition"] is True
    assert get(venue, "/fapi/v1/symbolConfig", symbol=BTC) == [
        {
            "symbol": BTC, "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 7,
            "maxNotionalValue": "230000000",
        },
    ]  # fmt: skip
    assert get(venue, "/fapi/v1/commissionRate", symbol=BTC)["takerCommissionRate"] == "0.0005"


def test_exchange_info_lists_all_symbols_with_their_filters():
    info = get(scene(), "/fapi/v1/exchangeInfo", symbol=BTC)

    assert [s["symbol"] for s in info["symbols"]] == [BTC, "ETHUSDT"]
    filters = {f["filterType"]: f for f in info["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"] == {
        "filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10",
    }  # fmt: skip
    assert filters["MIN_NOTIONAL"]["notional"] == "50"
    assert filters["MAX_NUM_ORDERS"]["limit"] == 200
    assert "MAX_NUM_ALGO_ORDERS" not in filters
    assert info["serverTime"] == START_MS


def test_a_changed_filter_shows_in_exchange_info_and_is_enforced():
    venue = scene()

    venue.ex.change_symbol(BTC, tick_size=D("0.50"), min_price=D("1000.00"))

    entry = get(venue, "/fapi/v1/exchangeInfo")["symbols"][0]
    assert entry["filters"][0]["tickSize"] == "0.50"
    assert code_of(lambda: venue.order("BUY", "0.010", "59000.10")) == -4014


def test_brackets_are_numbers_and_their_cumulated_amounts_fit():
    entry = get(scene(), "/fapi/v1/leverageBracket", symbol=BTC)
    brackets = entry["brackets"]

    for lower, upper in pairwise(brackets):
        step = upper["maintMarginRatio"] - lower["maintMarginRatio"]
        assert upper["cum"] == pytest.approx(lower["cum"] + upper["notionalFloor"] * step)
    assert isinstance(get(scene(), "/fapi/v1/leverageBracket"), list)


def test_market_answers_follow_the_market():
    venue = scene()
    venue.ex.on_trade(BTC, D(60_000), D(2), is_buyer_maker=False)
    venue.ex.on_trade(BTC, D(60_010), D(1), is_buyer_maker=True)
    venue.wait(60_000)
    venue.ex.on_trade(BTC, D(59_990), D(1), is_buyer_maker=True)

    bars = get(venue, "/fapi/v1/klines", symbol=BTC, interval="1m")
    five = get(venue, "/fapi/v1/klines", symbol=BTC, interval="5m")

    assert [b[1:6] for b in bars] == [
        ["60000.00", "60010.00", "60000.00", "60010.00", "3.000"],
        ["59990.00", "59990.00", "59990.00", "59990.00", "1.000"],
    ]
    assert bars[0][6] == bars[0][0] + 59_999
    assert bars[0][9] == "2.000"
    assert five[0][1:6] == ["60000.00", "60010.00", "59990.00", "59990.00", "4.000"]
    assert get(venue, "/fapi/v1/ticker/24hr", symbol=BTC)["lastPrice"] == "59990.00"
    assert get(venue, "/fapi/v1/premiumIndex", symbol=BTC)["nextFundingTime"] == FUNDING_MS
    assert get(venue, "/fapi/v1/depth", symbol=BTC)["bids"] == [["60000.00", "10.000"]]
    ticker = get(venue, "/fapi/v1/ticker/bookTicker", symbol=BTC)
    assert len(ticker["bidPrice"]) == len(ticker["askPrice"])
    assert code_of(lambda: get(venue, "/fapi/v1/klines", symbol=BTC, interval="1s")) == -1120
    assert code_of(lambda: get(venue, "/fapi/v1/depth", symbol=BTC, limit=7)) == -1130


def test_an_account_sees_nothing_of_another():
    venue = scene(other=50_000)
    other_of(venue).order("BUY", "0.1", "59000")
    other_of(venue).algo("SELL", "0.1", "59000")

    assert venue.ask("GET", "openOrders") == []
    assert venue.ask("GET", "openAlgoOrders") == []
    assert [b["balance"] for b in get(venue, "/fapi/v3/balance")] == ["100000.00000000"]


def test_rights_of_the_key_are_booleans_and_narrow_by_default():
    rights = get(scene(), "/sapi/v1/account/apiRestrictions")

    assert rights["ipRestrict"] is True
    assert rights["enableFutures"] is True
    assert [k for k, v in rights.items() if v is True and k.startswith(("enable", "permits"))] == [
        "enableReading", "enableFutures",
    ]  # fmt: skip


def test_the_truth_names_what_is_open():
    venue = scene()
    venue.order("BUY", "0.1")
    venue.order("SELL", "0.1", "61000", reduceOnly="true", newClientOrderId="tp")
    venue.algo("SELL", "0.1", "59000", reduceOnly="true", clientAlgoId="sl")

    truth = venue.ex.truth("main")

    assert [(p["symbol"], p["amt"]) for p in truth["positions"]] == [(BTC, "0.1")]
    assert [o["client_order_id"] for o in truth["open_orders"]] == ["tp"]
    assert [a["client_algo_id"] for a in truth["open_algos"]] == ["sl"]


def test_an_unknown_path_is_not_found_and_a_private_one_needs_an_account():
    with pytest.raises(VenueError) as unknown:
        handle(scene().ex, "main", "GET", "/fapi/v9/nothing", {})
    with pytest.raises(VenueError) as private:
        handle(scene().ex, None, "GET", "/fapi/v3/account", {})

    assert (unknown.value.code, unknown.value.http_status) == (-5000, 404)
    assert (private.value.code, private.value.http_status) == (-2014, 401)


@pytest.mark.parametrize(
    ("method", "path", "params", "weight", "cost"),
    [
        ("POST", "/fapi/v1/order", {}, 0, (1, 1)),
        ("POST", "/fapi/v1/algoOrder", {}, 0, (1, 1)),
        ("POST", "/fapi/v1/batchOrders", {}, 5, (5, 1)),
        ("DELETE", "/fapi/v1/order", {}, 1, (0, 0)),
        ("GET", "/fapi/v1/openOrders", {}, 40, (0, 0)),
        ("GET", "/fapi/v1/openOrders", {"symbol": BTC}, 1, (0, 0)),
        ("POST", "/fapi/v1/countdownCancelAll", {}, 10, (0, 0)),
        ("GET", "/fapi/v1/depth", {"limit": "50"}, 2, (0, 0)),
        ("GET", "/fapi/v1/depth", {"limit": "100"}, 5, (0, 0)),
        ("GET", "/fapi/v1/depth", {}, 10, (0, 0)),
        ("GET", "/fapi/v1/depth", {"limit": "1000"}, 20, (0, 0)),
        ("GET", "/fapi/v1/klines", {"limit": "99"}, 1, (0, 0)),
        ("GET", "/fapi/v1/klines", {"limit": "100"}, 2, (0, 0)),
        ("GET", "/fapi/v1/klines", {"limit": "1000"}, 5, (0, 0)),
        ("GET", "/fapi/v1/klines", {"limit": "1001"}, 10, (0, 0)),
    ],
)
def test_weights_and_order_costs_are_the_documented_ones(method, path, params, weight, cost):
    endpoint = ENDPOINTS[method, path]

    assert (endpoint.weight(params), endpoint.order_cost) == (weight, cost)


@pytest.mark.parametrize("silently", ["cancel_order_silently", "cancel_algo_silently"])
def test_what_is_canceled_silently_is_gone_without_an_event(silently):
    venue = scene()
    venue.order("BUY", "0.1", "59000", newClientOrderId="x")
    venue.algo("SELL", "0.1", "59000", clientAlgoId="x")
    venue.events()

    getattr(venue.ex.actions, silently)("main", "x")

    assert venue.events() == []
    left = len(venue.ask("GET", "openOrders")), len(venue.ask("GET", "openAlgoOrders"))
    assert left == ((0, 1) if "order" in silently else (1, 0))


def test_the_system_may_expire_a_waiting_order():
    venue = scene()
    venue.algo("SELL", "0.1", "59000", clientAlgoId="x")

    venue.ex.actions.expire_algo("main", "x", reason="system")

    assert venue.steps("x") == ["NEW", "EXPIRED"]
    assert venue.ask("GET", "openAlgoOrders") == []


def test_time_never_goes_back():
    venue = scene()
    venue.ex.advance(START_MS + 5)

    with pytest.raises(ValueError, match="before the venue's time"):
        venue.ex.advance(START_MS + 4)
