"""Book imbalance: enters with the heavier side, leaves after its time, pauses, needs fresh data."""

from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.common.config import msgspec_decoding_hook
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, QuoteTick
from nautilus_trader.model.enums import BookAction, OrderSide
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from strategies.imbalance import BookImbalance, BookImbalanceConfig

BTC = TestInstrumentProvider.btcusdt_perp_binance()
PARAMS = {
    "instrument_id": "BTCUSDT-PERP.BINANCE",
    "trade_risk_usdt": Decimal(10),
    "trade_notional_usdt_max": Decimal(5_000),
    "threshold": Decimal("0.5"),
    "smoothing_updates": 3,
    "holding_secs": 5,
    "cooldown_secs": 20,
    "target_bps": None,
}
FLAT = [50_000.0]


def make_strategy(**params: object) -> BookImbalance:
    config = msgspec.convert(PARAMS | params, BookImbalanceConfig, dec_hook=msgspec_decoding_hook)
    return BookImbalance(config)


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "sides"),
    [(30.0, 10.0, ["BUY"]), (10.0, 30.0, ["SELL"]), (29.0, 10.0, []), (10.0, 10.0, [])],
)
def test_the_heavier_side_is_entered_from_the_threshold_on(
    market, make_quotes, bid_size, ask_size, sides
):
    strategy = make_strategy(flatten_on_stop=False)

    market.run(strategy, make_quotes(FLAT * 5, bid_size=bid_size, ask_size=ask_size))

    assert [position.entry.name for position in market.cache.positions_open()] == sides


@pytest.mark.parametrize("empty", ["bid", "ask", "both"])
def test_a_quote_with_an_empty_side_says_nothing(market, make_quotes, empty):
    def emptied(tick: QuoteTick) -> QuoteTick:
        bid = (BTC.make_price(0), BTC.make_qty(0)) if empty != "ask" else None
        ask = (BTC.make_price(0), BTC.make_qty(0)) if empty != "bid" else None
        return QuoteTick(
            BTC.id, bid[0] if bid else tick.bid_price, ask[0] if ask else tick.ask_price,
            bid[1] if bid else tick.bid_size, ask[1] if ask else tick.ask_size,
            tick.ts_event, tick.ts_init,
        )  # fmt: skip

    strategy = make_strategy(cooldown_secs=1, holding_secs=1)
    *before, last = make_quotes(FLAT * 3, bid_size=30.0)

    market.run(strategy, [*before, emptied(last)])

    assert market.cache.orders() == []
    assert strategy.denials == {}


def test_the_stop_lies_the_basis_points_asked_for_from_the_price_crossed(market, make_quotes):
    strategy = make_strategy(flatten_on_stop=False, stop_bps=Decimal(20))

    market.run(strategy, make_quotes(FLAT * 5, bid_size=30.0))

    (stop,) = market.cache.orders_open()
    assert str(stop.trigger_price) == "49900.0"  # 50,000.1 less 100.0002, on the tick below
    market.assert_always_protected()


def test_a_position_is_closed_after_its_time_and_a_pause_follows(market, make_quotes):
    strategy = make_strategy()

    market.run(strategy, make_quotes(FLAT * 40, bid_size=30.0))

    assert market.filled() == ["ENTRY", "EXIT", "ENTRY", "EXIT"]
    first_in, first_out, second_in, _ = (
        event.ts_event // 1_000_000_000
        for event in market.events
        if type(event).__name__ == "OrderFilled"
    )
    assert first_out - first_in == 5
    assert second_in - first_out >= 20
    market.assert_settled()


def test_a_trade_that_ends_early_does_not_bring_the_next_one_forward(market, make_quotes):
    strategy = make_strategy(target_bps=Decimal(1), flatten_on_stop=False)
    jump = [*FLAT * 4, 50_050.0, *FLAT * 40]

    market.run(strategy, make_quotes(jump, bid_size=30.0))

    fills = [event for event in market.events if type(event).__name__ == "OrderFilled"]
    first_in, first_out, second_in = (fill.ts_event // 1_000_000_000 for fill in fills[:3])
    assert first_out - first_in <= 2
    assert second_in - first_in == 25  # the holding time and the pause, from decision to decision


def test_a_silence_starts_the_average_afresh(market, make_quotes):
    strategy = make_strategy()
    before = make_quotes(FLAT * 2, bid_size=30.0)
    after = make_quotes(FLAT * 2, bid_size=30.0, first_second=20)

    market.run(strategy, before + after)

    assert market.events == []


def test_a_restart_still_ends_the_holding_time(market, make_quotes):
    strategy = make_strategy(flatten_on_stop=False, holding_secs=30)
    market.run(strategy, make_quotes(FLAT * 5, bid_size=30.0), end=False)

    strategy.stop()
    strategy.reset()
    strategy.start()
    market.run(strategy, make_quotes(FLAT * 40, first_second=6))

    assert market.filled() == ["ENTRY", "EXIT"]
    exit_fill = market.events[-1]
    assert 33 <= exit_fill.ts_event // 1_000_000_000 <= 34
    market.assert_settled()


def book(second: int, far_bid: float) -> OrderBookDeltas:
    """Return a whole book: one contract at the best prices, *far_bid* at 2 bps, much at 100 bps."""
    ts = second * 1_000_000_000
    levels = [
        (OrderSide.BUY, 50_000.0, 1.0),
        (OrderSide.BUY, 49_990.0, far_bid),
        (OrderSide.BUY, 49_500.0, 1_000.0),
        (OrderSide.SELL, 50_000.1, 1.0),
        (OrderSide.SELL, 50_010.1, 1.0),
    ]
    deltas = [OrderBookDelta.clear(BTC.id, 0, ts, ts)]
    for side, price, size in levels:
        order = BookOrder(side, BTC.make_price(price), BTC.make_qty(size), 0)
        deltas.append(OrderBookDelta(BTC.id, BookAction.ADD, order, 0, 0, ts, ts))
    return OrderBookDeltas(BTC.id, deltas)


@pytest.mark.parametrize(("far_bid", "entries"), [(5.0, 1), (1.0, 0)])
def test_with_a_depth_what_waits_in_the_book_within_it_counts(book_market, far_bid, entries):
    strategy = make_strategy(depth_bps=Decimal(5))

    book_market.run(strategy, [book(second, far_bid) for second in range(1, 8)])

    assert book_market.filled().count("ENTRY") == entries
    book_market.assert_settled()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"threshold": Decimal(1)}, "threshold: was 1, must be < 1"),
        ({"threshold": Decimal(0)}, "threshold: was 0, must be a finite number > 0"),
        ({"depth_bps": Decimal(-1)}, "depth_bps: was -1, must be between 0 and 1000"),
        ({"depth_bps": Decimal("NaN")}, "depth_bps: was NaN, must be between 0 and 1000"),
        ({"stop_bps": Decimal(10_000)}, "stop_bps: was 10000, must be < 10000"),
        ({"holding_secs": 0}, "holding_secs: was 0, must be a finite number > 0"),
    ],
)
def test_a_bad_parameter_is_refused_with_key_value_and_rule(bad, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        make_strategy(**bad)
