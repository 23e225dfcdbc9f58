"""When armed faults strike, and what they make of what passes."""

import pytest

from tests.fault_kit import BUY, bound
from venue.faults.arguments import FaultError
from venue.faults.book import FaultBook
from venue.wire.hooks import RequestInfo


@pytest.fixture
def scene():
    return bound(FaultBook(seed=3))


def order_event(kind="NEW", number=1):
    return {"e": "ORDER_TRADE_UPDATE", "E": number, "o": {"x": kind, "i": number}}


def test_a_fault_is_in_force_from_its_time_for_its_time(scene):
    scene.book.add("overload", {"at": "10s", "for": "5s"})

    struck = {}
    for now_ms in (0, 9_999, 10_000, 14_999, 15_000):
        scene.book.advance(now_ms)
        struck[now_ms] = scene.order() is not None

    assert struck == {0: False, 9_999: False, 10_000: True, 14_999: True, 15_000: False}


def test_a_fault_strikes_no_more_than_its_count(scene):
    scene.book.add("reply_lost", {"count": 2})

    assert [scene.order() is not None for _ in range(4)] == [True, True, False, False]
    assert scene.notes() == [("reply_lost", "POST /fapi/v1/order")] * 2


def test_a_fault_of_one_account_leaves_the_others(scene):
    scene.book.add("reply_lost", {"account": "main"})

    assert scene.order(account="other") is None
    assert scene.order() is not None


def chances(seed, probability=0.3, rolls=400):
    book = bound(FaultBook(seed)).book
    book.add("reply_lost", {"probability": probability})
    return [
        book.on_request(RequestInfo("main", "POST", "/fapi/v1/order", BUY)) is not None
        for _ in range(rolls)
    ]


def test_chance_is_the_seeds_and_no_others():
    assert chances(1) == chances(1)
    assert chances(1) != chances(2)
    assert 0.2 < sum(chances(1)) / 400 < 0.4


def test_the_first_fault_that_hits_a_request_decides(scene):
    scene.book.add("overload", {"on": "order:SELL"})
    scene.book.add("reply_lost", {"count": 1})
    scene.book.add("rate_limited", {})

    assert scene.order().drop_reply
    assert scene.order().refuse.code == -1003
    assert scene.order(side="SELL").refuse.code == -1008


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("unknown_error", 503, -1000), ("request_timeout", 408, -1007),
     ("backend_timeout", 504, -1007), ("internal_error", 503, -1001)],
)  # fmt: skip
@pytest.mark.parametrize("is_executed", [True, False])
def test_an_open_outcome_is_told_the_same_executed_or_not(scene, name, status, code, is_executed):
    scene.book.add(name, {"args": {"is_executed": is_executed}})

    reaction = scene.order()

    assert reaction.engine_acts is is_executed
    assert reaction.answer[0] == status
    assert reaction.answer[1]["code"] == code


@pytest.mark.parametrize(
    ("params", "is_shed"),
    [
        ({}, True), ({"reduceOnly": "false"}, True), ({"reduceOnly": "true"}, False),
        ({"closePosition": "true"}, False), ({"positionSide": "LONG", "side": "SELL"}, False),
        ({"positionSide": "LONG", "side": "BUY"}, True),
    ],
)  # fmt: skip
def test_an_overload_spares_what_reduces(scene, params, is_shed):
    scene.book.add("overload", {})

    assert (scene.order(**params) is not None) is is_shed
    assert scene.order("DELETE") is None


def test_a_slow_reply_is_as_slow_as_asked(scene):
    scene.book.add("slow_reply", {"args": {"min_ms": 100, "max_ms": "0.2s"}})

    delays = {scene.order().delay_ms for _ in range(3_000)}

    assert min(delays) == 100
    assert max(delays) == 200


def test_a_new_order_is_not_found_for_a_while(scene):
    scene.book.add("not_found_yet", {"args": {"within_ms": 1_000}})
    scene.book.advance(5_000)
    scene.order()
    query = {"newClientOrderId": "", "origClientOrderId": "q-1"}

    found = []
    for now_ms in (5_000, 5_999, 6_000):
        scene.book.advance(now_ms)
        found.append(scene.order("GET", **query) is None)

    assert found == [False, False, True]
    assert scene.order("GET", newClientOrderId="", origClientOrderId="other") is None


def test_lists_leave_out_an_order_that_is_not_found(scene):
    scene.book.add("not_found_yet", {})
    scene.order()
    rows = [{"clientOrderId": "q-1"}, {"clientOrderId": "q-0"}, {"clientAlgoId": "q-1"}]

    reaction = scene.order("GET", "/fapi/v1/openOrders")

    assert reaction.rewrite(200, rows) == (200, [{"clientOrderId": "q-0"}])


def test_an_unknown_value_stands_wherever_the_field_is(scene):
    scene.book.add("unknown_value", {"args": {"value": "X"}})

    reaction = scene.order("GET", "/fapi/v1/exchangeInfo")

    body = {"symbols": [{"symbol": "A", "status": "TRADING"}, {"status": "TRADING"}], "n": 1}
    changed = {"symbols": [{"symbol": "A", "status": "X"}, {"status": "X"}], "n": 1}
    assert reaction.rewrite(200, body) == (200, changed)


def test_an_event_can_be_dropped_doubled_or_late(scene):
    event = order_event()
    scene.book.add("event_dropped", {"count": 1})
    assert scene.book.on_user_event("main", event) == []

    scene.book.add("event_duplicated", {"count": 1, "args": {"after_ms": 0}})
    assert scene.book.on_user_event("main", event) == [(0, event), (0, event)]

    scene.book.add("event_delayed", {"count": 1, "args": {"by_ms": 70}})
    assert scene.book.on_user_event("main", event) == [(70, event)]


def test_events_of_one_type_stay_in_order_and_other_types_overtake(scene):
    scene.book.add("event_delayed", {"on": "event:TRADE", "args": {"by_ms": 100}})
    wire, told = scene.wire, []
    wire.clock.set_market(0)
    events = [order_event("TRADE", 1), {"e": "ACCOUNT_UPDATE", "E": 2}, order_event("CANCELED", 3)]
    for event in events:
        wire.exchange.emit("main", event)
    wire.exchange.emit("other", order_event("NEW", 4))

    for now_ms in (0, 99, 100):
        wire.clock.set_market(now_ms)
        wire.advance()
        lines = wire.log.tail(100)
        kept = [line for line in lines if line["kind"] in ("event", "delivery")]
        told.append([(line["kind"], line["payload"]["E"]) for line in kept])

    happened = [("event", 1), ("event", 2), ("event", 3), ("event", 4)]
    assert told == [happened, happened, [*happened, ("delivery", 1), ("delivery", 3)]]
    wire.exchange.emit("main", order_event("NEW", 5))
    wire.settle()
    assert wire.log.tail(1)[0]["kind"] == "event"  # the line is free again


@pytest.mark.parametrize(
    ("name", "late", "early"),
    [
        ("trade_before_triggered", {"e": "ALGO_UPDATE", "o": {"X": "TRIGGERED"}},
         order_event("TRADE")),
        ("finished_before_trade", order_event("TRADE"),
         {"e": "ALGO_UPDATE", "o": {"X": "FINISHED"}}),
        ("trade_lite_first", order_event("TRADE"), {"e": "TRADE_LITE", "t": 1}),
        ("event_reordered", {"e": "ACCOUNT_UPDATE", "a": {"m": "ORDER"}}, order_event("TRADE")),
    ],
)  # fmt: skip
def test_one_event_overtakes_another(scene, name, late, early):
    scene.book.add(name, {})

    [(late_ms, _)] = scene.book.on_user_event("main", late)
    [(early_ms, _)] = scene.book.on_user_event("main", early)

    assert early_ms == 0 < late_ms


def test_an_unknown_value_in_an_event_leaves_the_venues_own_alone(scene):
    scene.book.add("event_value_unknown", {"args": {"field_name": "x", "value": "NEWS"}})
    event = order_event()

    [(_, changed)] = scene.book.on_user_event("main", event)

    assert changed["o"]["x"] == "NEWS"
    assert event["o"]["x"] == "NEW"


TICKER = {"e": "bookTicker", "b": "64000.10", "B": "1.500", "a": "64000.20", "A": "0.002"}


@pytest.mark.parametrize(
    ("name", "args", "changes"),
    [
        ("crossed_book", {}, {"b": "64000.20", "a": "64000.10"}),
        ("empty_book", {}, {"b": "0.00", "B": "0.000", "a": "0.00", "A": "0.000"}),
        ("empty_book", {"sides": "bid"}, {"b": "0.00", "B": "0.000"}),
    ],
)
def test_a_quote_can_be_crossed_or_empty(scene, name, args, changes):
    scene.book.add(name, {"args": args})

    assert scene.book.on_market("btcusdt@bookTicker", TICKER) == [(0, TICKER | changes)]
    assert scene.book.on_market("btcusdt@depth", TICKER) == [(0, TICKER)]


@pytest.mark.parametrize(
    ("name", "silent", "alive"),
    [("stale_mark", "btcusdt@markPrice@1s", "btcusdt@bookTicker"),
     ("stalled_book", "btcusdt@bookTicker", "btcusdt@aggTrade"),
     ("depth_gap", "btcusdt@depth@100ms", "btcusdt@depth5@100ms")],
)  # fmt: skip
def test_one_stream_goes_silent_and_others_live(scene, name, silent, alive):
    scene.book.add(name, {"for": "1s"})

    assert scene.book.on_market(silent, {}) == []
    assert scene.book.on_market(alive, {}) == [(0, {})]
    scene.book.advance(1_000)
    assert scene.book.on_market(silent, {}) == [(0, {})]


def test_an_action_is_done_at_its_time_and_undone_after(scene):
    scene.book.add("freeze", {"at": "10s", "for": "2s"})
    gate = scene.wire.gate

    shut = {}
    for now_ms in (9_999, 10_000, 11_999, 12_000, 30_000):
        scene.book.advance(now_ms)
        shut[now_ms] = gate.is_shut

    assert shut == {9_999: False, 10_000: True, 11_999: True, 12_000: False, 30_000: False}


def test_an_action_is_done_again_and_again(scene):
    scene.book.add("clock_skew", {"every": "10s", "for": "1s", "count": 3})

    skews = []
    for now_ms in range(0, 60_000, 1_000):
        scene.book.advance(now_ms)
        skews.append(scene.wire.clock_skew_ms)

    assert [i for i, skew in enumerate(skews) if skew == 3_000] == [0, 10, 20]


def test_an_action_that_has_no_luck_has_lost_its_chance(scene):
    book = scene.book
    for _ in range(200):
        book.add("day_disconnect", {"probability": 0.25})
    book.advance(0)
    struck = sum(row["hits"] for row in book.listing())
    done = len([note for note in scene.notes() if note[0] == "day_disconnect"])

    book.advance(10)

    assert 30 <= done <= 70
    assert struck == 200
    assert len([note for note in scene.notes() if note[0] == "day_disconnect"]) == done


def test_an_action_follows_the_request_that_sets_it_off(scene):
    scene.book.add("listen_key_expired", {"on": "order:BUY"})

    assert scene.order(side="SELL") is None
    scene.book.advance(1)
    assert scene.notes() == []
    assert scene.order() is None  # the request itself passes
    scene.book.advance(2)
    scene.book.advance(3)

    assert [name for name, _ in scene.notes()] == ["expire_listen_keys", "listen_key_expired"]


def test_an_action_follows_an_event(scene):
    scene.book.add("user_stream_dropped", {"on": "event:TRADE", "for": "5s"})

    assert scene.book.on_user_event("main", order_event("TRADE")) == [(0, order_event("TRADE"))]
    scene.book.advance(1)

    assert scene.book.on_connect("private").code == -1016
    assert scene.book.on_connect("public") is None
    scene.book.advance(5_001)
    assert scene.book.on_connect("private") is None


def test_what_the_exchange_refuses_is_noted(scene):
    scene.fault("transfer_out", args={"amount": 200_000})

    [(name, detail)] = scene.notes()
    assert name == "transfer_out"
    assert detail.startswith("the exchange refused: -2018")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"account": "x"}, "account is 'x', this venue has main"),
        ({"args": {"account": "y"}}, "account is 'y', this venue has main"),
        ({"args": {"symbol": "XUSDT"}}, "symbol is 'XUSDT', this venue has BTCUSDT, ETHUSDT"),
    ],
)
def test_an_account_or_symbol_that_the_venue_has_not_is_refused(scene, entry, told):
    with pytest.raises(FaultError, match=f"fault leverage_changed: {told}"):
        scene.book.add("leverage_changed", entry)

    unbound = FaultBook()
    unbound.add("leverage_changed", entry)
    with pytest.raises(FaultError, match=told):
        bound(unbound)


def test_times_of_a_scenario_count_from_the_start_of_the_venue():
    book = FaultBook()
    book.add("overload", {"at": "10s"})
    bound(book, 1_000_000)

    struck = []
    for now_ms in (1_009_999, 1_010_000):
        book.advance(now_ms)
        request = RequestInfo("main", "POST", "/fapi/v1/order", BUY)
        struck.append(book.on_request(request) is not None)

    assert struck == [False, True]


def test_leverage_is_changed_by_another_session(scene):
    [event] = scene.fault("leverage_changed", args={"leverage": 33})

    assert (event["e"], event["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": "BTCUSDT", "l": 33})


def test_an_order_is_placed_by_another_session(scene):
    scene.trade_at()

    scene.fault("foreign_order", args={"quantity": "0.01", "price": "60000"})

    [order] = scene.truth()["open_orders"]
    assert order["client_order_id"].startswith("web_")
    assert (order["side"], order["qty"], order["price"]) == ("BUY", "0.01", "60000")


def test_cancel_all_leaves_the_oldest_orders(scene):
    scene.trade_at()
    for _ in range(3):
        scene.fault("foreign_order", args={"quantity": "0.01", "price": "60000"})
    before = scene.truth()["open_orders"]
    scene.book.add("partial_cancel_all", {})

    reaction = scene.order("DELETE", "/fapi/v1/allOpenOrders")

    done = {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert reaction.answer == (200, done)
    assert not reaction.engine_acts
    left = scene.truth()["open_orders"]
    assert (len(before), [row["order_id"] for row in left]) == (3, [before[0]["order_id"]])


def test_a_fault_that_is_ended_by_hand_strikes_no_more(scene):
    first = scene.book.add("overload", {})
    scene.book.add("reply_lost", {})
    assert scene.order().refuse is not None

    assert scene.book.end(first) == "overload"

    assert scene.order().drop_reply
    assert [fault["open"] for fault in scene.book.listing()] == [False, True]


def test_what_lasts_is_undone_when_it_is_ended_by_hand(scene):
    number = scene.book.add("outage", {"for": "1h"})
    scene.book.advance(1)
    assert scene.book.listing()[0]["lasting"]

    scene.book.end(number)
    scene.book.end(number)

    assert not scene.book.listing()[0]["lasting"]
    assert scene.notes().count(("outage", "over")) == 1


def test_an_action_that_is_ended_before_its_time_is_never_done(scene):
    scene.book.end(scene.book.add("outage", {"at": "5s", "for": "1h"}))

    scene.book.advance(5_000)

    assert scene.notes() == []


@pytest.mark.parametrize("number", [0, 2])
def test_a_number_that_no_fault_has_is_refused(scene, number):
    scene.book.add("overload", {})

    with pytest.raises(FaultError, match=f"number={number} must be 1 to 1"):
        scene.book.end(number)
