"""Times in force, ids, answers, cancels and amendments."""

from decimal import Decimal

import pytest

from tests.engine_kit import BTC, START_MS, code_of, other_of, scene


def test_the_answer_carries_no_fill_price_and_a_query_does():
    venue = scene()

    answer = venue.order("BUY", "0.010", newClientOrderId="a", newOrderRespType="RESULT")
    row = venue.ask("GET", "order", symbol=BTC, origClientOrderId="a")

    assert "avgPrice" not in answer
    assert "cumQuote" not in answer
    assert (answer["status"], answer["executedQty"], answer["price"]) == ("FILLED", "0.010", "0.00")
    assert (row["avgPrice"], row["cumQuote"], row["status"]) == ("60000.10", "600.001", "FILLED")


def test_an_ack_shows_the_order_as_new_even_when_it_is_filled():
    answer = scene().order("BUY", "0.010")

    assert (answer["status"], answer["executedQty"]) == ("NEW", "0")


def test_a_result_of_a_resting_limit_order_is_new():
    answer = scene().order("BUY", "0.010", "59000", newOrderRespType="RESULT")

    assert answer["status"] == "NEW"


@pytest.mark.parametrize(
    "kind", ["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
)
def test_conditional_types_are_sent_to_the_algo_service(kind):
    assert code_of(lambda: scene().order("SELL", "0.010", type=kind, stopPrice="59000")) == -4120


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"side": "LONG"}, -1117),
        ({"type": "FOO"}, -1116),
        ({"quantity": ""}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "1e3"}, -1102),
        ({"price": "60000"}, -1106),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"reduceOnly": "maybe"}, -4062),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"selfTradePreventionMode": "NO"}, -5039),
        ({"newClientOrderId": "a" * 37}, -4015),
        ({"newClientOrderId": "a b"}, -4015),
        ({"newClientOrderId": "ä"}, -4015),
    ],
)
def test_a_malformed_market_order_is_refused_with_its_code(change, code):
    venue = scene()

    assert code_of(lambda: venue.order("BUY", "0.010", **change)) == code
    assert venue.events() == []


def test_a_client_id_of_36_characters_of_every_allowed_kind_is_taken():
    client_id = "aZ09._-:/" * 4

    assert scene().order("BUY", "0.010", newClientOrderId=client_id)["clientOrderId"] == client_id


def test_a_limit_order_needs_a_time_in_force_and_a_price():
    venue = scene()

    assert code_of(lambda: venue.order("BUY", "0.010", "59000", timeInForce="")) == -1102
    assert code_of(lambda: venue.order("BUY", "0.010", type="LIMIT", timeInForce="GTC")) == -1102


def test_an_id_is_taken_as_long_as_its_order_is_open():
    venue = scene()
    venue.order("BUY", "0.010", "59000", newClientOrderId="a")

    assert code_of(lambda: venue.order("BUY", "0.010", newClientOrderId="a")) == -4116
    venue.ask("DELETE", "order", symbol=BTC, origClientOrderId="a")
    assert venue.order("BUY", "0.010", newClientOrderId="a")["status"] == "NEW"


def test_a_post_only_order_that_would_take_leaves_no_trace():
    venue = scene()
    venue.events()

    terms = {"timeInForce": "GTX", "newClientOrderId": "g"}

    assert code_of(lambda: venue.order("BUY", "0.010", "60000.10", **terms)) == -5022
    assert venue.events() == []
    assert code_of(lambda: venue.ask("GET", "order", symbol=BTC, origClientOrderId="g")) == -2013
    assert venue.order("BUY", "0.010", "60000.00", timeInForce="GTX")["status"] == "NEW"


def test_a_fill_or_kill_order_fills_wholly_or_leaves_no_trace():
    venue = scene()
    venue.events()

    assert code_of(lambda: venue.order("BUY", "10.001", "60000.10", timeInForce="FOK")) == -5021
    assert venue.events() == []
    venue.order("BUY", "10", "60000.10", timeInForce="FOK")
    assert venue.amt() == 10


def test_what_an_ioc_order_cannot_take_expires():
    venue = scene()
    venue.quote(60_000, "60000.10", "0.5")
    venue.events()

    answer = venue.order(
        "BUY", "0.8", "60000.10", timeInForce="IOC", newClientOrderId="i", newOrderRespType="RESULT"
    )

    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.500")
    assert venue.steps("i") == ["NEW/NEW/0", "TRADE/PARTIALLY_FILLED/0", "EXPIRED/EXPIRED/2"]


def test_what_was_taken_is_gone_until_the_market_shows_its_next_quote():
    venue = scene()
    venue.quote(60_000, "60000.10", "0.5")
    venue.order("BUY", "0.4")

    assert code_of(lambda: venue.order("BUY", "0.2", "60000.10", timeInForce="FOK")) == -5021
    venue.quote(60_000, "60000.10", "0.5")
    venue.order("BUY", "0.2", "60000.10", timeInForce="FOK")
    assert venue.amt() == Decimal("0.6")


def test_a_taker_walks_the_depth_level_by_level():
    venue = scene()
    asks = [(Decimal("60000.10"), Decimal("0.1")), (Decimal("60000.50"), Decimal("0.2"))]
    venue.ex.on_depth(BTC, [], asks)

    venue.order("BUY", "0.2", newClientOrderId="w")

    row = venue.ask("GET", "order", symbol=BTC, origClientOrderId="w")
    assert row["avgPrice"] == "60000.30"


@pytest.mark.parametrize(
    ("delta_ms", "is_taken"), [(600_000, False), (600_999, False), (601_000, True)]
)
def test_a_gtd_time_has_whole_seconds_and_is_later_than_ten_minutes_from_now(delta_ms, is_taken):
    venue = scene()
    terms = {"timeInForce": "GTD", "goodTillDate": START_MS + delta_ms}

    if is_taken:
        assert venue.order("BUY", "0.010", "59000", **terms)["goodTillDate"] == START_MS + delta_ms
    else:
        assert code_of(lambda: venue.order("BUY", "0.010", "59000", **terms)) == -5040


def test_a_gtd_time_beyond_the_calendar_is_refused():
    terms = {"timeInForce": "GTD", "goodTillDate": 253_402_300_799_000}

    assert code_of(lambda: scene().order("BUY", "0.010", "59000", **terms)) == -5040


def test_a_gtd_order_expires_at_its_time_and_not_before():
    venue = scene()
    terms = {"timeInForce": "GTD", "goodTillDate": START_MS + 700_500, "newClientOrderId": "g"}
    venue.order("BUY", "0.010", "59000", **terms)

    venue.wait(699_999)
    assert venue.steps("g") == ["NEW/NEW/0"]
    venue.wait(1)
    assert venue.steps("g") == ["EXPIRED/EXPIRED/0"]


@pytest.mark.parametrize(
    ("match", "price"), [("OPPONENT", "60000.10"), ("QUEUE", "60000.00"), ("QUEUE_5", None)]
)
def test_a_price_match_takes_its_price_from_the_book_or_is_refused(match, price):
    venue = scene()
    terms = {"type": "LIMIT", "timeInForce": "GTC", "priceMatch": match}

    if price is None:
        assert code_of(lambda: venue.order("BUY", "0.010", **terms)) == -5041
    else:
        assert venue.order("BUY", "0.010", **terms)["price"] == price


def test_a_withdrawn_or_misplaced_price_match_is_refused():
    venue = scene()
    limit = {"type": "LIMIT", "timeInForce": "GTC"}

    assert code_of(lambda: venue.order("BUY", "0.010", **limit, priceMatch="OPPONENT_10")) == -5037
    assert code_of(lambda: venue.order("BUY", "0.010", priceMatch="QUEUE")) == -5038
    assert code_of(lambda: venue.order("BUY", "0.010", "59000", priceMatch="QUEUE")) == -1106


def test_a_resting_order_is_filled_when_the_opposite_quote_reaches_it_for_the_size_shown():
    venue = scene()
    venue.order("BUY", "0.8", "59990.00", newClientOrderId="r")
    venue.events()

    venue.quote("59989.90", "59990.10", "0.5")
    assert venue.steps("r") == []
    venue.quote("59989.00", "59990.00", "0.5")

    assert venue.amt() == Decimal("0.5")
    trades = venue.ask("GET", "userTrades", symbol=BTC)
    assert (trades[0]["price"], trades[0]["maker"]) == ("59990.00", True)
    assert trades[0]["commission"] == "5.99900000"


def test_a_trade_fills_a_resting_order_only_when_it_goes_through_its_price():
    venue = scene()
    venue.order("SELL", "0.8", "60010.00")

    venue.ex.on_trade(BTC, Decimal("60010.00"), Decimal(5), is_buyer_maker=False)
    assert venue.amt() == 0
    venue.ex.on_trade(BTC, Decimal("60010.10"), Decimal("0.3"), is_buyer_maker=False)
    assert venue.amt() == Decimal("-0.3")


def test_the_older_of_two_orders_at_a_price_is_filled_first():
    venue = scene()
    venue.order("BUY", "0.3", "59990.00", newClientOrderId="old")
    venue.order("BUY", "0.3", "59990.00", newClientOrderId="new")

    venue.quote("59980.00", "59990.00", "0.4")

    assert [o["origQty"] for o in venue.ask("GET", "openOrders", symbol=BTC)] == ["0.300"]
    assert venue.ask("GET", "openOrders", symbol=BTC)[0]["executedQty"] == "0.100"


def test_two_accounts_trade_with_each_other_inside_the_spread():
    venue = scene(other=100_000)
    venue.quote(59_000, 61_000)
    venue.order("BUY", "0.5", "60000.00")

    other_of(venue).order("SELL", "0.5", "60000.00")

    assert (venue.amt(), other_of(venue).amt()) == (Decimal("0.5"), Decimal("-0.5"))
    own, others = (v.ask("GET", "userTrades", symbol=BTC)[0] for v in (venue, other_of(venue)))
    assert own["id"] == others["id"]
    assert (own["maker"], others["maker"]) == (True, False)


@pytest.mark.parametrize(
    ("mode", "resting", "taking"),
    [
        ("EXPIRE_MAKER", "EXPIRED/EXPIRED_IN_MATCH/1", "NEW/NEW/0"),
        ("EXPIRE_TAKER", None, "EXPIRED/EXPIRED_IN_MATCH/1"),
        ("EXPIRE_BOTH", "EXPIRED/EXPIRED_IN_MATCH/1", "EXPIRED/EXPIRED_IN_MATCH/1"),
    ],
)
def test_an_account_does_not_trade_with_itself(mode, resting, taking):
    venue = scene()
    venue.quote(59_000, 61_000)
    venue.order("BUY", "0.5", "60000.00", newClientOrderId="maker")
    events = [venue.events()]

    venue.order("SELL", "0.5", "60000.00", newClientOrderId="taker", selfTradePreventionMode=mode)

    events = [e["o"] for e in venue.events("ORDER_TRADE_UPDATE")]
    last = {o["c"]: f"{o['x']}/{o['X']}/{o['er']}" for o in events}
    assert last.get("maker") == resting
    assert last["taker"] == taking
    assert venue.amt() == 0


def test_the_stopped_remainder_of_an_ioc_order_says_so():
    venue = scene()
    venue.quote(59_000, 61_000)
    venue.order("BUY", "0.5", "60000.00")
    venue.events()

    venue.order(
        "SELL", "0.5", "60000.00", timeInForce="IOC", newClientOrderId="t",
        selfTradePreventionMode="EXPIRE_TAKER",
    )  # fmt: skip

    assert venue.steps("t")[-1] == "EXPIRED/EXPIRED_IN_MATCH/3"


def test_a_canceled_order_cannot_be_canceled_again():
    venue = scene()
    venue.order("BUY", "0.010", "59000", newClientOrderId="a")

    assert venue.ask("DELETE", "order", symbol=BTC, origClientOrderId="a")["status"] == "CANCELED"
    assert code_of(lambda: venue.ask("DELETE", "order", symbol=BTC, origClientOrderId="a")) == -2011


def test_cancel_all_is_per_symbol_and_leaves_conditional_orders_alone():
    venue = scene()
    venue.ex.on_quote("ETHUSDT", Decimal(3000), Decimal(9), Decimal("3000.01"), Decimal(9))
    venue.order("BUY", "0.010", "59000")
    venue.order("BUY", "0.1", "2990", symbol="ETHUSDT")
    venue.algo("SELL", "0.010", "59000")

    answer = venue.ask("DELETE", "allOpenOrders", symbol=BTC)

    assert answer["code"] == 200
    assert [o["symbol"] for o in venue.ask("GET", "openOrders")] == ["ETHUSDT"]
    assert len(venue.ask("GET", "openAlgoOrders")) == 1


def test_a_batch_answers_each_order_on_its_own():
    venue = scene()
    batch = (
        '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.010"},'
        '{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0"}]'
    )

    answers = venue.ask("POST", "batchOrders", batchOrders=batch)

    assert answers[0]["status"] == "NEW"
    assert answers[1] == {"code": -4003, "msg": "Quantity less than or equal to zero."}


def test_a_batch_has_at_most_five_orders_and_ten_cancels():
    venue = scene()
    six = "[" + ",".join(['{"symbol":"BTCUSDT"}'] * 6) + "]"
    eleven = "[" + ",".join(map(str, range(11))) + "]"

    assert code_of(lambda: venue.ask("POST", "batchOrders", batchOrders=six)) == -4082
    assert (
        code_of(lambda: venue.ask("DELETE", "batchOrders", symbol=BTC, orderIdList=eleven)) == -4082
    )
    assert code_of(lambda: venue.ask("POST", "batchOrders", batchOrders="{")) == -1130


def test_a_batch_of_cancels_names_what_was_not_there():
    venue = scene()
    venue.order("BUY", "0.010", "59000", newClientOrderId="a")

    answers = venue.ask("DELETE", "batchOrders", symbol=BTC, origClientOrderIdList='["a","b"]')

    assert [a.get("status", a.get("code")) for a in answers] == ["CANCELED", -2011]


def amend(venue, qty, price, **more):
    terms = {
        "symbol": BTC,
        "origClientOrderId": "a",
        "side": "BUY",
        "quantity": qty,
        "price": price,
    }
    return venue.ask("PUT", "order", **(terms | more))


def test_an_amended_order_keeps_its_id_and_loses_its_place():
    venue = scene()
    first = venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.order("BUY", "0.3", "59980", newClientOrderId="b")
    venue.events()

    answer = amend(venue, "0.3", "59980", modifyId="m7")
    event = venue.events("ORDER_TRADE_UPDATE")[0]["o"]
    venue.quote("59970", "59980", "0.3")

    assert answer["orderId"] == first["orderId"]
    assert (event["x"], event["X"], event["p"], event["M"]) == (
        "AMENDMENT",
        "NEW",
        "59980.00",
        "m7",
    )
    assert [o["clientOrderId"] for o in venue.ask("GET", "openOrders")] == ["a"]
    assert venue.ask("GET", "orderAmendment", symbol=BTC, origClientOrderId="a")[0][
        "amendment"
    ] == {
        "price": {"before": "59990.00", "after": "59980.00"},
        "origQty": {"before": "0.300", "after": "0.300"},
        "count": 1,
    }


@pytest.mark.parametrize(
    ("qty", "price", "more", "code"),
    [
        ("0.3", "59990", {}, -5027),
        ("0.3", "59990.05", {}, -4014),
        ("0.0005", "59990", {}, -1111),
        ("0.3", "59000", {"side": "SELL"}, -1117),
        ("0.3", "59000", {"origClientOrderId": "zz"}, -2013),
        ("0.3", "", {}, -1102),
        ("1000", "59000", {}, -2019),
    ],
)
def test_a_refused_amendment_leaves_the_order_as_it_was(qty, price, more, code):
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.events()

    assert code_of(lambda: amend(venue, qty, price, **more)) == code
    row = venue.ask("GET", "order", symbol=BTC, origClientOrderId="a")
    assert (row["origQty"], row["price"], row["status"]) == ("0.300", "59990.00", "NEW")
    assert venue.events() == []


def test_an_amendment_below_the_least_notional_has_a_code_of_its_own():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.ex.change_symbol(BTC, min_notional=Decimal(100))

    assert code_of(lambda: amend(venue, "0.001", "59990")) == -5029


def test_an_amendment_to_what_is_already_filled_cancels_the_order():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.quote("59980", "59990", "0.2")

    assert amend(venue, "0.2", "59990")["status"] == "CANCELED"


def test_a_post_only_order_amended_across_the_spread_is_canceled():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a", timeInForce="GTX")

    assert amend(venue, "0.3", "60000.10")["status"] == "CANCELED"
    assert venue.amt() == 0


def test_an_ordinary_order_amended_across_the_spread_is_filled():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")

    amend(venue, "0.3", "60000.10")

    assert venue.amt() == Decimal("0.3")


def test_nothing_is_amended_while_the_symbol_does_not_trade():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.ex.actions.halt(BTC, "TRADING_HALT")

    assert code_of(lambda: amend(venue, "0.3", "59980")) == -5024


@pytest.mark.parametrize(("days", "is_found"), [(3, True), (4, False)])
def test_an_order_that_ended_unfilled_is_forgotten_after_three_days(days, is_found):
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.ask("DELETE", "order", symbol=BTC, origClientOrderId="a")

    venue.wait(days * 86_400_000)

    assert len(venue.ask("GET", "allOrders", symbol=BTC)) == int(is_found)


def test_a_test_order_is_checked_and_not_placed():
    venue = scene()

    assert (
        venue.ask("POST", "order/test", symbol=BTC, side="BUY", type="MARKET", quantity="1") == {}
    )
    assert code_of(lambda: venue.ask("POST", "order/test", symbol=BTC, side="BUY")) == -1102
    assert venue.amt() == 0


def test_a_countdown_fires_once_unless_it_is_replaced():
    venue = scene()
    venue.order("BUY", "0.3", "59990", newClientOrderId="a")
    venue.algo("SELL", "0.3", "59000")

    answer = venue.ask("POST", "countdownCancelAll", symbol=BTC, countdownTime=1_000)
    venue.wait(900)
    venue.ask("POST", "countdownCancelAll", symbol=BTC, countdownTime=1_000)
    venue.wait(999)
    assert answer == {"symbol": BTC, "countdownTime": "1000"}
    assert len(venue.ask("GET", "openOrders")) == 1
    venue.wait(1)

    assert venue.ask("GET", "openOrders") == []
    assert len(venue.ask("GET", "openAlgoOrders")) == 1
    venue.order("BUY", "0.3", "59990")
    venue.wait(10_000)
    assert len(venue.ask("GET", "openOrders")) == 1


def test_a_countdown_of_zero_disarms():
    venue = scene()
    venue.order("BUY", "0.3", "59990")
    venue.ask("POST", "countdownCancelAll", symbol=BTC, countdownTime=1_000)

    venue.ask("POST", "countdownCancelAll", symbol=BTC, countdownTime=0)
    venue.wait(2_000)

    assert len(venue.ask("GET", "openOrders")) == 1
