"""A market replayed from a catalog."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import BookAction, OrderSide, RecordFlag

from catalog import encode
from catalog.blocks import SourceError
from catalog.instruments import builtin_instruments
from catalog.intervals import INTERVALS
from catalog.store import Store
from venue.market.book import Book
from venue.market.catalog import CatalogMarket, Span
from venue.market.events import Depth, Kline, Mark, Quote, Trade
from venue.market.market import Market

D = Decimal
MINUTE = 60_000
START = 1_785_000_000_000 // MINUTE * MINUTE
BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
BAR_TYPE = INTERVALS["1m"].bar_type(BTC.id)
BARS = [("100.0", "101.0", "99.0", "100.5", "1.000"), ("100.5", "100.5", "98.0", "98.1", "0.007")]


def stamps(*after_ms):
    return np.array([(START + ms) * 1_000_000 for ms in after_ms])


def write_bars(store, count=2):
    names = ("open", "high", "low", "close", "volume")
    rows = [BARS[i % 2] for i in range(count)]
    columns = {n: pa.array([row[i] for row in rows]) for i, n in enumerate(names)}
    columns["ts_event"] = stamps(*((i + 1) * MINUTE for i in range(count)))
    store.write(encode.bars_table(BAR_TYPE, BTC, columns), Bar, str(BAR_TYPE))


def write_trades(store):
    columns = {
        "price": pa.array(["100.0", "100.1"]), "size": pa.array(["0.5", "0.25"]),
        "aggressor_side": np.array([1, 2]), "trade_id": np.array([41, 42]),
        "ts_event": stamps(1_000, 2_000),
    }  # fmt: skip
    store.write(encode.trades_table(BTC, columns), TradeTick, ID)


def write_quotes(store):
    columns = {
        "bid_price": pa.array(["99.9"]), "ask_price": pa.array(["100.0"]),
        "bid_size": pa.array(["3"]), "ask_size": pa.array(["4"]), "ts_event": stamps(1_000),
    }  # fmt: skip
    store.write(encode.quotes_table(BTC, columns), QuoteTick, ID)


def write_deltas(store):
    last = RecordFlag.F_LAST.value
    rows = [
        (BookAction.CLEAR, OrderSide.NO_ORDER_SIDE, "0", "0", 0, 7),
        (BookAction.ADD, OrderSide.BUY, "99.9", "1", 0, 7),
        (BookAction.ADD, OrderSide.SELL, "100.0", "2", last, 7),
        (BookAction.DELETE, OrderSide.BUY, "99.9", "0", 0, 9),
        (BookAction.UPDATE, OrderSide.BUY, "99.8", "5", last, 9),
    ]
    columns = {
        "action": np.array([row[0].value for row in rows]),
        "side": np.array([row[1].value for row in rows]),
        "price": pa.array([row[2] for row in rows]),
        "size": pa.array([row[3] for row in rows]),
        "flags": np.array([row[4] for row in rows]),
        "sequence": np.array([row[5] for row in rows]),
        "ts_event": stamps(500, 500, 500, 1_500, 1_500),
    }
    store.write(encode.deltas_table(BTC, columns), OrderBookDelta, ID)


def replay(store, **options):
    return list(Market(CatalogMarket(store.path, ["BTCUSDT"], **options)).events())


def test_bars_come_back_as_the_same_bars(tmp_path):
    store = Store(tmp_path)
    write_bars(store)

    closed = [e for e in replay(store) if isinstance(e, Kline) and e.is_closed]

    made = [(b.open, b.high, b.low, b.close, b.volume) for b in closed]
    assert made == [tuple(map(D, row)) for row in BARS]
    assert [bar.ts_ms for bar in closed] == [START + MINUTE, START + 2 * MINUTE]


def test_trades_are_replayed_as_they_are_and_bars_only_when_asked_for(tmp_path):
    store = Store(tmp_path)
    write_bars(store)
    write_trades(store)

    found = [e for e in replay(store) if isinstance(e, Trade)]
    from_bars = [e for e in replay(store, use_bars=True) if isinstance(e, Trade)]

    assert found == [
        Trade("BTCUSDT", START + 1_000, D("100.0"), D("0.500"), is_buyer_maker=False, id=41),
        Trade("BTCUSDT", START + 2_000, D("100.1"), D("0.250"), is_buyer_maker=True, id=42),
    ]
    assert len(from_bars) == 60 + 7


def test_trades_without_quotes_bring_the_quotes_they_hit(tmp_path):
    store = Store(tmp_path)
    write_trades(store)

    quotes = [e for e in replay(store) if isinstance(e, Quote)]

    assert [(q.bid, q.ask) for q in quotes] == [
        (D("99.9"), D("100.0")),
        (D("100.1"), D("100.2")),
    ]


def test_at_one_instant_the_quote_stands_before_the_trade(tmp_path):
    store = Store(tmp_path)
    write_trades(store)
    write_quotes(store)

    kinds = [type(e) for e in replay(store) if isinstance(e, Quote | Trade)]

    assert kinds == [Quote, Trade, Trade]


def test_deltas_become_the_messages_they_came_from(tmp_path):
    store = Store(tmp_path)
    write_trades(store)
    write_quotes(store)
    write_deltas(store)
    book = Book()

    depths = [e for e in replay(store) if isinstance(e, Depth)]
    for depth in depths:
        book.apply(depth)

    assert [(d.first_id, d.last_id, d.prev_id, d.is_snapshot) for d in depths] == [
        (7, 7, 0, True),
        (8, 9, 7, False),
    ]
    assert book.bids() == ((D("99.8"), D(5)),)
    assert book.asks() == ((D("100.0"), D(2)),)


def test_mark_prices_tell_the_funding_that_is_settled_next(tmp_path):
    store = Store(tmp_path)
    write_bars(store)
    marks = {"value": pa.array(["100.5", "98.5"]), "ts_event": stamps(0, 90_000)}
    store.write(encode.mark_prices_table(BTC, marks), MarkPriceUpdate, ID)
    rates = {"rate": pa.array(["0.0003", "-0.0001"]), "ts_event": stamps(60_001, 10_000_000)}
    store.write(encode.funding_table(BTC, rates), FundingRateUpdate, ID)

    own = [e for e in replay(store) if isinstance(e, Mark) and e.ts_ms % 30_000 == 0]

    told = {(m.ts_ms - START, m.mark): (m.funding_rate, m.next_funding_ms - START) for m in own}
    assert told[0, D("100.5")] == (D("0.0003"), 60_001)
    assert told[90_000, D("98.5")] == (D("-0.0001"), 10_000_000)


def test_only_the_span_is_replayed(tmp_path):
    store = Store(tmp_path)
    write_bars(store, count=6)
    [start, end] = stamps(2 * MINUTE, 4 * MINUTE)

    closed = [
        e.ts_ms - START
        for e in replay(store, span=Span(int(start), int(end)))
        if isinstance(e, Kline) and e.is_closed
    ]

    assert closed == [2 * MINUTE, 3 * MINUTE, 4 * MINUTE]


def test_a_catalog_without_the_symbol_is_refused(tmp_path):
    store = Store(tmp_path)
    write_bars(store)

    with pytest.raises(SourceError, match="no trades and no bars of ETHUSDT-PERP"):
        CatalogMarket(tmp_path, ["ETHUSDT"])
    with pytest.raises(SourceError, match="no catalog there"):
        CatalogMarket(tmp_path / "none", ["BTCUSDT"])
