"""Which requests, events and streams a pattern means."""

import pytest

from venue.faults.matching import Pattern
from venue.wire.hooks import RequestInfo

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}


def request(method="POST", path="/fapi/v1/order", params=BUY):
    return RequestInfo("main", method, path, params)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("order", True), ("order:BUY", True), ("order:BUY:BTCUSDT", True), ("any", True),
        ("any:MARKET", True), ("order:SELL", False), ("order:BUY:ETHUSDT", False),
        ("algo", False), ("cancel", False), ("event", False), ("stream", False),
    ],
)  # fmt: skip
def test_words_must_all_be_values_of_the_request(pattern, fits):
    assert Pattern.parse("", pattern).fits_request(request()) is fits


@pytest.mark.parametrize(
    ("pattern", "method", "path"),
    [
        ("order", "POST", "/fapi/v1/batchOrders"), ("algo", "POST", "/fapi/v1/algoOrder"),
        ("amend", "PUT", "/fapi/v1/order"), ("cancel", "DELETE", "/fapi/v1/algoOrder"),
        ("cancel_all", "DELETE", "/fapi/v1/algoOpenOrders"), ("query", "GET", "/fapi/v1/order"),
        ("lists", "GET", "/fapi/v1/openAlgoOrders"), ("lookup", "GET", "/fapi/v1/openOrders"),
        ("listen_key", "PUT", "/fapi/v1/listenKey"), ("account", "GET", "/fapi/v3/account"),
    ],
)  # fmt: skip
def test_kinds_are_groups_of_endpoints(pattern, method, path):
    assert Pattern.parse("", pattern).fits_request(request(method, path, {}))
    assert not Pattern.parse("", pattern).fits_request(request("GET", "/fapi/v1/ping", {}))


def test_words_of_an_event_are_values_of_it_or_of_its_order():
    event = {"e": "ORDER_TRADE_UPDATE", "E": 1, "o": {"x": "TRADE", "S": "BUY"}}

    assert Pattern.parse("", "event:ORDER_TRADE_UPDATE:TRADE").fits_event(event)
    assert not Pattern.parse("", "event:FILLED").fits_event(event)
    assert not Pattern.parse("", "any").fits_event(event)


def test_words_of_a_stream_are_parts_of_its_name():
    assert Pattern.parse("", "stream:btcusdt:depth").fits_stream("btcusdt@depth@100ms")
    assert not Pattern.parse("", "stream:depth").fits_stream("btcusdt@depth5@100ms")
    assert Pattern.parse("", "stream:kline").fits_stream("btcusdt@kline_1m")
