"""Which stream travels on which route."""

import pytest

from venue.wire.routes import carries, route_of

PUBLIC = [
    "btcusdt@bookTicker", "!bookTicker", "btcusdt@depth", "btcusdt@depth@100ms",
    "btcusdt@depth20@500ms", "btcusdt@rpiDepth@500ms",
]  # fmt: skip
MARKET = [
    "btcusdt@aggTrade", "btcusdt@markPrice", "btcusdt@markPrice@1s", "!markPrice@arr@1s",
    "btcusdt@kline_1m", "btcusdt_perpetual@continuousKline_1m", "btcusdt@ticker",
    "!miniTicker@arr", "btcusdt@forceOrder", "!contractInfo", "tradingSession",
]  # fmt: skip


@pytest.mark.parametrize("stream", PUBLIC)
def test_books_are_public(stream):
    assert route_of(stream) == "public"
    assert carries("public", stream, unrouted_all=False)
    assert not carries("market", stream, unrouted_all=False)
    assert not carries("private", stream, unrouted_all=True)


@pytest.mark.parametrize("stream", MARKET)
def test_everything_else_is_market(stream):
    assert route_of(stream) == "market"
    assert carries("market", stream, unrouted_all=False)
    assert not carries("public", stream, unrouted_all=False)


def test_without_a_route_only_public_streams_come_unless_the_venue_is_an_old_one():
    assert carries("", "btcusdt@bookTicker", unrouted_all=False)
    assert not carries("", "btcusdt@aggTrade", unrouted_all=False)
    assert carries("", "btcusdt@aggTrade", unrouted_all=True)
