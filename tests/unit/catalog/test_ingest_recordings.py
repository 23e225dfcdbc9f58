"""Recorded websocket messages become trades, quotes, mark prices and book deltas."""

import gzip
import json
from pathlib import Path

import pytest
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import (
    MarkPriceUpdate,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, BookType, RecordFlag

from catalog.ingest import FileReport, ingest_file
from catalog.instruments import builtin_instruments
from catalog.layout import Series
from catalog.naming import Options
from catalog.store import Store

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
T0 = 1_721_347_200_000
RECEIVED = 1_721_347_198_500_000_000  # the recorder's clock is 1.5 s behind


def message(event: str, **fields: object) -> str:
    data = {"e": event, "E": T0 + 3, "T": T0, "s": "BTCUSDT"} | fields
    data = {name: value for name, value in data.items() if value is not None}
    return json.dumps({"stream": f"btcusdt@{event}", "data": data}, separators=(",", ":"))


def trade(trade_id: int, **fields: object) -> str:
    row = {"t": trade_id, "p": "64000.10", "q": "0.002", "X": "MARKET", "m": True}
    return message("trade", **row | fields)


def quote(update_id: int, bid_size: str = "1.000", **fields: object) -> str:
    sides = {"b": "64000.10", "B": bid_size, "a": "64000.20", "A": "2.000"}
    return message("bookTicker", u=update_id, **sides | fields)


def depth(u: int, pu: int, bids: list[list[str]], asks: list[list[str]], ms: int = 0) -> str:
    return message("depthUpdate", U=pu + 1, u=u, pu=pu, b=bids, a=asks, T=T0 + ms)


def snapshot(update_id: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    return json.dumps(
        {"lastUpdateId": update_id, "E": T0 + 3, "T": T0, "bids": bids, "asks": asks},
        separators=(",", ":"),
    )


def recorded(tmp_path: Path, *texts: str, name: str = "btcusdt_20240719.gz") -> Path:
    lines = [f"{RECEIVED + i} {text}" for i, text in enumerate(texts)]
    path = tmp_path / name
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return path


def taken(store: Store, path: Path) -> FileReport:
    return ingest_file(store, path, Options())


def test_trades_are_stamped_with_the_exchanges_time_alone(store: Store, tmp_path: Path) -> None:
    path = recorded(tmp_path, trade(7), trade(8, m=False), trade(9, T=None))

    report = taken(store, path)

    found = store.catalog().query(TradeTick, identifiers=[ID])
    assert report.refused is None
    assert [t.trade_id.value for t in found] == ["7", "8", "9"]
    assert [t.ts_event for t in found] == [T0 * 10**6, T0 * 10**6, (T0 + 3) * 10**6]
    assert all(t.ts_init == t.ts_event for t in found)
    assert found[0].aggressor_side == AggressorSide.SELLER
    assert found[1].aggressor_side == AggressorSide.BUYER


def test_trades_off_the_market_are_skipped_and_named(store: Store, tmp_path: Path) -> None:
    path = recorded(tmp_path, trade(7), trade(8, X="INSURANCE_FUND"), trade(9, X="ADL", q="0"))

    report = taken(store, path)

    assert store.rows(TradeTick, ID) == 1
    assert report.skipped == {"trade with X=INSURANCE_FUND": 1, "trade with X=ADL": 1}


def test_quotes_of_one_millisecond_keep_their_order_of_arrival(
    store: Store, tmp_path: Path
) -> None:
    texts = [quote(1, "3.000"), quote(2, "1.000"), quote(3, "1.000"), quote(4, "2.000")]
    path = recorded(tmp_path, *texts)
    taken(store, path)

    again = taken(store, path)

    found = store.catalog().query(QuoteTick, identifiers=[ID])
    assert [float(q.bid_size) for q in found] == [3, 1, 1, 2]
    assert again.counts[Series(QuoteTick, ID)].rows_added == 0


def test_a_mark_price_is_stamped_by_its_event_because_t_is_the_next_funding(
    store: Store, tmp_path: Path
) -> None:
    text = message("markPriceUpdate", p="64000.12345678", r="0.0001", T=T0 + 28_800_000)

    taken(store, recorded(tmp_path, text))

    [found] = store.catalog().query(MarkPriceUpdate, identifiers=[ID])
    assert str(found.value) == "64000.12345678"
    assert found.ts_event == (T0 + 3) * 10**6


def test_depth_becomes_a_book_that_follows_the_venues_rules(store: Store, tmp_path: Path) -> None:
    path = recorded(
        tmp_path,
        depth(90, 80, [["63000.00", "9"]], []),
        snapshot(100, [["64000.10", "1"], ["64000.00", "5"]], [["64000.20", "2"]]),
        depth(99, 90, [["63000.10", "9"]], []),
        depth(105, 99, [["64000.10", "0.000"]], [["64000.20", "3"], ["64000.30", "4"]], ms=1),
        depth(106, 105, [], [["64000.30", "0"]], ms=1),
    )

    report = taken(store, path)

    deltas = store.catalog().query(OrderBookDelta, identifiers=[ID])
    last, snap = RecordFlag.F_LAST.value, RecordFlag.F_SNAPSHOT.value
    assert report.skipped == {"depth update older than the snapshot": 2}
    assert [(d.action, d.flags, d.sequence) for d in deltas] == [
        (BookAction.CLEAR, snap, 100),
        (BookAction.ADD, snap, 100),
        (BookAction.ADD, snap, 100),
        (BookAction.ADD, snap | last, 100),
        (BookAction.DELETE, 0, 105),
        (BookAction.UPDATE, 0, 105),
        (BookAction.UPDATE, last, 105),
        (BookAction.DELETE, last, 106),
    ]
    book = OrderBook(BTC.id, BookType.L2_MBP)
    for batch in OrderBookDeltas.batch(deltas):
        book.apply_deltas(batch)
    assert [(level.price, level.size()) for level in book.bids()] == [(BTC.make_price(64000), 5)]
    assert [(level.price, level.size()) for level in book.asks()] == [(BTC.make_price(64000.2), 3)]


def test_a_recording_without_a_snapshot_continues_an_earlier_one(
    store: Store, tmp_path: Path
) -> None:
    texts = [snapshot(100, [], []), depth(105, 99, [["1.00", "1"]], [])]
    taken(store, recorded(tmp_path, *texts, name="btcusdt_20240718.gz"))

    report = taken(store, recorded(tmp_path, depth(106, 105, [["2.00", "1"]], [], ms=1)))

    assert report.counts[Series(OrderBookDelta, ID)].rows_after == 3


def test_missing_depth_updates_refuse_the_file(store: Store, tmp_path: Path) -> None:
    path = recorded(tmp_path, trade(7), depth(105, 99, [], []), depth(120, 110, [], []))

    report = taken(store, path)

    assert report.refused == "line 3: depth updates are missing: pu=110, not 105"
    assert not list(store.path.rglob("*.parquet"))


@pytest.mark.parametrize(("pu", "is_refused"), [(100, False), (101, True)])
def test_updates_missing_after_the_snapshot_refuse_the_file(
    store: Store, tmp_path: Path, pu: int, is_refused: bool
) -> None:
    path = recorded(tmp_path, snapshot(100, [], []), depth(105, pu, [["1.00", "1"]], []))

    report = taken(store, path)

    reason = "line 2: depth updates are missing after the snapshot: pu=101 > 100"
    assert report.refused == (reason if is_refused else None)


def test_messages_nobody_asked_for_are_counted(store: Store, tmp_path: Path) -> None:
    path = recorded(
        tmp_path, trade(7), message("kline"), message("kline"), '{"id":1,"result":null}'
    )

    report = taken(store, path)

    assert report.skipped == {"kline message": 2, "other message": 1}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "not LOCAL_TIME and JSON"),
        ("", "not LOCAL_TIME and JSON"),
        (trade(8)[:-30] + "}", "not the JSON of a trade"),
        (trade(8, p="x"), "price=x is not a number"),
        (trade(8, p="64000.105"), "price=64000.105 is not a number"),
        (trade(8, p=None), "trade without p"),
        (trade(8, X=None), "trade without X"),
        (trade(8, T=None, E=None), "T and E are missing"),
        (trade(8, T=1_721_347_200), "T=1721347200 is not a time in milliseconds"),
        (trade(8, s="ETHUSDT"), "symbol ETHUSDT in a recording of BTCUSDT"),
        (depth(105, 99, [["1.00"]], []), "b has a level that is not a price and a size"),
        (depth(105, 99, [["1.00", "1"], ["x", "1"]], []), "price=x is not a number"),
        (depth(105, 99, [], [["1.00", "-1"]]), "size=-1 is negative"),
        (snapshot(100, [["1.001", "1"]], []), "price=1.001 is not a number"),
    ],
)
def test_a_corrupt_line_refuses_the_file_with_its_number_and_the_rule(
    store: Store, tmp_path: Path, text: str, rule: str
) -> None:
    report = taken(store, recorded(tmp_path, trade(7), text, trade(9)))

    assert report.refused.startswith("line 2: ")
    assert rule in report.refused
    assert not list(store.path.rglob("*.parquet"))


def test_a_line_without_its_time_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "btcusdt_20240719"
    path.write_text(f"1626992741.06217: {trade(7)}\n")

    assert taken(store, path).refused.startswith("line 1: not LOCAL_TIME and JSON")


def test_a_gzip_file_that_was_cut_off_is_refused(store: Store, tmp_path: Path) -> None:
    path = recorded(tmp_path, *(trade(i) for i in range(100)))
    path.write_bytes(path.read_bytes()[:-40])

    assert "damaged gz file" in taken(store, path).refused
