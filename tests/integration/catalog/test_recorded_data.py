"""The recorded Binance data comes in whole, and agrees with itself and with Nautilus."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.wranglers import (
    BarDataWrangler,
    QuoteTickDataWrangler,
    TradeTickDataWrangler,
)

from catalog.ingest import FileReport, ingest
from catalog.naming import Options
from catalog.store import Store

BTC = "BTCUSDT-PERP.BINANCE"
MINUTE_NS = 60_000_000_000


@pytest.fixture(scope="session")
def recorded(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, dict[str, FileReport]]:
    """Return a catalog of everything there is, and what became of each file."""
    store = Store(tmp_path_factory.mktemp("recorded"))
    reports = {
        str(report.path.relative_to(shared_data)): report
        for report in ingest(store, [shared_data], Options())
    }
    return store, reports


def test_every_file_of_a_known_format_is_taken(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    _, reports = recorded
    taken = {name for name, report in reports.items() if report.is_taken}

    folders = {name.split("/")[0] for name in taken}
    assert folders == {"um_klines_freqtrade", "um_klines_vision_1m", "um_ticks_ws_raw"}
    assert taken == {name for name in reports if name.split("/")[0] in folders}


def test_every_other_file_is_passed_over_with_a_reason(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    _, reports = recorded
    passed_over = {
        name: report.passed_over for name, report in reports.items() if report.passed_over
    }

    folders = {"README.md", "um_book_samples", "um_minute_quotes_lean", "um_reference"}
    assert {name.split("/")[0] for name in passed_over} == folders | {"um_ws_capture_cryptofeed"}
    assert set(passed_over.values()) == {
        "the name is of no known kind of file; say --symbol and --type"
    }


@pytest.mark.parametrize(
    ("data_cls", "identifier", "rows"),
    [  # as counted in the data's own description
        (Bar, "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL", 43_199 + 12 + 133),
        (Bar, "BTCUSDT-PERP.BINANCE-5-MINUTE-LAST-EXTERNAL", 10_906),
        (Bar, "NEARUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL", 43_200 + 40_320),
        (Bar, "LAYERUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL", 43_199),
        (FundingRateUpdate, "LAYERUSDT-PERP.BINANCE", 984),
        (MarkPriceUpdate, "SOLUSDT-PERP.BINANCE", 2 * 266),
        (MarkPriceUpdate, BTC, 2 * 266 + 99 + 415),
        (TradeTick, BTC, 2_197 + 10_737 + 974 + 9_727),
        (QuoteTick, BTC, 6_765 + 37_440 + 7_113 + 45_147),
        (TradeTick, "ETHUSDT-PERP.BINANCE", 1_640 + 12_015),
        (QuoteTick, "ETHUSDT-PERP.BINANCE", 9_089 + 38_239),
    ],
)
def test_no_row_is_lost(
    recorded: tuple[Store, dict[str, FileReport]], data_cls: type, identifier: str, rows: int
) -> None:
    store, _ = recorded

    assert store.rows(data_cls, identifier) == rows


def test_the_one_trade_off_the_market_is_named(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    _, reports = recorded

    skipped = reports["um_ticks_ws_raw/btcusdt_20230405.dat.gz"].skipped
    assert skipped == {"trade with X=INSURANCE_FUND": 1}


def test_the_same_files_again_change_nothing(
    recorded: tuple[Store, dict[str, FileReport]], shared_data: Path
) -> None:
    store, _ = recorded
    names = [
        "um_ticks_ws_raw/btcusdt_20230404.dat.gz",
        "um_klines_vision_1m/AVAXUSDT-1m-2025-02.csv",
        "um_klines_freqtrade/20250504-20250603/LAYER_USDT_USDT-8h-mark.feather",
    ]
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*.parquet")}

    reports = list(ingest(store, [shared_data / name for name in names], Options()))

    assert [r.refused for r in reports] == [None] * 3
    assert all(count.rows_added == 0 for r in reports for count in r.counts.values())
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*.parquet")} == before


def test_minute_bars_rebuilt_from_trades_equal_the_published_ones(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    store, _ = recorded
    start, end = (pd.Timestamp(t).value for t in ("2023-04-04T23:59Z", "2023-04-05T00:06Z"))
    trades = store.catalog().query(TradeTick, identifiers=[BTC], start=start, end=end - 1)
    bar_type = f"{BTC}-1-MINUTE-LAST-EXTERNAL"

    published = store.catalog().query(Bar, identifiers=[bar_type], start=start + MINUTE_NS, end=end)

    minutes: dict[int, list[TradeTick]] = {}
    for trade in trades:
        minutes.setdefault(trade.ts_event // MINUTE_NS, []).append(trade)
    rebuilt = [
        (
            of_minute[0].price.as_decimal(),
            max(t.price.as_decimal() for t in of_minute),
            min(t.price.as_decimal() for t in of_minute),
            of_minute[-1].price.as_decimal(),
            sum(t.size.as_decimal() for t in of_minute),
            (minute + 1) * MINUTE_NS,
        )
        for minute, of_minute in sorted(minutes.items())
    ]
    assert len(published) == 7
    assert rebuilt == [
        (*(p.as_decimal() for p in (b.open, b.high, b.low, b.close, b.volume)), b.ts_event)
        for b in published
    ]


def test_the_book_of_the_recording_ends_at_its_last_quote_and_never_crosses(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    store, _ = recorded
    day = pd.Timestamp("2023-04-06T00:00Z").value
    deltas = store.catalog().query(OrderBookDelta, identifiers=[BTC], end=day)
    quotes = store.catalog().query(QuoteTick, identifiers=[BTC], end=day)

    book = OrderBook(InstrumentId.from_str(BTC), BookType.L2_MBP)
    spreads = []
    for batch in OrderBookDeltas.batch(deltas):
        book.apply_deltas(batch)
        spreads.append(book.spread())

    assert len(spreads) == 1 + 4_322 + 11_788  # the snapshot and every update
    assert min(spreads) > 0
    assert book.best_bid_price() == quotes[-1].bid_price
    assert book.best_ask_price() == quotes[-1].ask_price


def test_real_bars_read_back_as_those_of_the_stock_path(
    recorded: tuple[Store, dict[str, FileReport]], shared_data: Path, tmp_path: Path
) -> None:
    store, _ = recorded
    bar_type = BarType.from_str("LINKUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")
    frame = pd.read_csv(shared_data / "um_klines_vision_1m" / "LINKUSDT-1m-2023-02.csv")
    frame.index = pd.to_datetime(frame["close_time"] + 1, unit="ms", utc=True)
    frame = frame[["open", "high", "low", "close", "volume"]]
    frame["volume"] = frame.pop("volume")  # the wrangler cannot read a frame of one block
    stock = ParquetDataCatalog(str(tmp_path))
    stock.write_data(
        BarDataWrangler(bar_type, store.instrument(bar_type.instrument_id)).process(frame)
    )

    ours = store.catalog().query(Bar, identifiers=[str(bar_type)])

    assert len(ours) == 40_320
    assert ours == stock.query(Bar, identifiers=[str(bar_type)])


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # the stock wrangler on pandas 3.1
def test_real_ticks_read_back_as_those_of_the_stock_path(
    recorded: tuple[Store, dict[str, FileReport]], shared_data: Path, tmp_path: Path
) -> None:
    store, _ = recorded
    instrument = store.instrument(InstrumentId.from_str(BTC))
    path = shared_data / "um_ticks_ws_raw" / "btcusdt_20240718.gz"
    data = [message["data"] for message in _messages(path) if "data" in message]
    stock = ParquetDataCatalog(str(tmp_path))
    trades = pd.DataFrame([d for d in data if d["e"] == "trade"])
    names = {"p": "price", "q": "quantity", "t": "trade_id", "m": "buyer_maker"}
    stock.write_data(TradeTickDataWrangler(instrument).process(_frame(trades, names, "pq")))
    quotes = pd.DataFrame([d for d in data if d["e"] == "bookTicker"])
    names = {"b": "bid_price", "B": "bid_size", "a": "ask_price", "A": "ask_size"}
    stock.write_data(QuoteTickDataWrangler(instrument).process(_frame(quotes, names, "bBaA")))

    for data_cls, count in ((TradeTick, 974), (QuoteTick, 7_113)):
        theirs = stock.query(data_cls, identifiers=[BTC])
        span = {"start": theirs[0].ts_init, "end": theirs[-1].ts_init}
        ours = store.catalog().query(data_cls, identifiers=[BTC], **span)
        assert len(ours) == count
        assert ours == theirs


def test_real_funding_has_the_jitter_and_the_changes_of_interval_it_was_published_with(
    recorded: tuple[Store, dict[str, FileReport]],
) -> None:
    store, _ = recorded
    found = store.catalog().query(FundingRateUpdate, identifiers=["LAYERUSDT-PERP.BINANCE"])

    stamps = np.array([f.ts_event for f in found])
    hours = np.rint(np.diff(stamps) / 3_600_000_000_000).astype(int)
    jitter_ms = stamps // 1_000_000 % 3_600_000
    assert {1, 4} <= set(hours.tolist()) <= {1, 3, 4, 8}
    assert jitter_ms.max() == 16
    assert min(float(f.rate) for f in found) == -0.02


def _messages(path: Path) -> Iterator[dict[str, dict[str, object]]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            yield json.loads(line.split(" ", 1)[1])


def _frame(rows: pd.DataFrame, names: dict[str, str], numbers: str) -> pd.DataFrame:
    rows.index = pd.to_datetime(rows["T"], unit="ms", utc=True)
    for name in numbers:
        rows[name] = rows[name].astype(float)
    return rows[list(names)].rename(columns=names)
