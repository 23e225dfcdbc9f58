"""Archives of data.binance.vision come in whole and exact, or are refused by line and rule."""

import hashlib
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide

from catalog.ingest import FileReport, ingest, ingest_file
from catalog.instruments import builtin_instruments
from catalog.layout import Series
from catalog.naming import Options
from catalog.store import Store, WriteCount

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
MINUTE_BARS = f"{ID}-1-MINUTE-LAST-EXTERNAL"
T0 = 1_722_836_160_000  # 2024-08-05 05:36, in milliseconds

KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)
AGG_TRADES = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
BOOK_TICKER = (
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
)


def kline(minute: int, volume: str = "1.5", length_ms: int = 60_000) -> str:
    start = T0 + minute * length_ms
    prices = f"53592.60,53624.00,53530.00,{53550 + minute}.10"
    return f"{start},{prices},{volume},{start + length_ms - 1},80000.1,12,0.5,26000.2,0"


def written(path: Path, *lines: str, newline: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((newline.join(lines) + newline).encode())
    return path


def taken(store: Store, path: Path, **options: str) -> FileReport:
    return ingest_file(store, path, Options(**options))


def is_empty(store: Store) -> bool:
    return not list(store.path.rglob("*.parquet"))


@pytest.mark.parametrize("header", [[KLINES], []], ids=["header", "none"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_klines_become_bars_stamped_at_their_close(
    store: Store, tmp_path: Path, header: list[str], newline: str
) -> None:
    path = written(
        tmp_path / "BTCUSDT-1m-2024-08.csv", *header, kline(0), kline(1), newline=newline
    )

    report = taken(store, path)

    bar_type = BarType.from_str(MINUTE_BARS)
    prices = [BTC.make_price(p) for p in (53592.6, 53624.0, 53530.0)]
    volume = BTC.make_qty(1.5)
    expected = [
        Bar(bar_type, *prices, BTC.make_price(53550.1 + i), volume, close_ns, close_ns)
        for i, close_ns in enumerate(((T0 + 60_000) * 10**6, (T0 + 120_000) * 10**6))
    ]
    assert report.refused is None
    assert report.counts == {Series(Bar, MINUTE_BARS): WriteCount(0, 2, 2, 2)}
    assert store.catalog().query(Bar, identifiers=[MINUTE_BARS]) == expected


def test_the_instrument_is_written_beside_the_data(store: Store, tmp_path: Path) -> None:
    taken(store, written(tmp_path / "BTCUSDT-1m-2024-08.csv", kline(0)))

    assert store.instrument(BTC.id).price_increment == BTC.price_increment


def test_agg_trades_keep_every_trade_of_a_millisecond(store: Store, tmp_path: Path) -> None:
    path = written(
        tmp_path / "BTCUSDT-aggTrades-2024-08-05.csv",
        AGG_TRADES,
        f"11,53592.60,0.010,1,1,{T0},true",
        f"12,53592.60,0.010,2,3,{T0},false",
    )

    taken(store, path)

    found = store.catalog().query(TradeTick, identifiers=[ID])
    assert [t.trade_id.value for t in found] == ["11", "12"]
    assert [t.aggressor_side for t in found] == [AggressorSide.SELLER, AggressorSide.BUYER]
    assert {(t.price, t.size) for t in found} == {(BTC.make_price(53592.6), BTC.make_qty(0.01))}
    assert {t.ts_event for t in found} == {t.ts_init for t in found} == {T0 * 10**6}


def test_single_trades_are_read(store: Store, tmp_path: Path) -> None:
    row = f"4117,53592.60,0.010,535.926,{T0},True"

    taken(store, written(tmp_path / "BTCUSDT-trades-2024-08-05.csv", row))

    [trade] = store.catalog().query(TradeTick, identifiers=[ID])
    assert (trade.trade_id.value, trade.aggressor_side) == ("4117", AggressorSide.SELLER)


def test_book_tickers_keep_equal_quotes_and_their_order(store: Store, tmp_path: Path) -> None:
    rows = [f"{i},53592.60,{qty},53592.70,2.000,{T0},{T0 + 5}" for i, qty in enumerate((1, 2, 1))]
    later = f"9,53592.60,3,53592.70,2.000,{T0 - 1},{T0 + 5}"
    path = written(tmp_path / "BTCUSDT-bookTicker-2024-01-05.csv", BOOK_TICKER, *rows, later)

    taken(store, path)
    again = taken(store, path)

    found = store.catalog().query(QuoteTick, identifiers=[ID])
    assert [float(q.bid_size) for q in found] == [3, 1, 2, 1]
    assert again.counts[Series(QuoteTick, ID)].rows_added == 0


def test_funding_rates_keep_their_jitter_and_interval(store: Store, tmp_path: Path) -> None:
    path = written(
        tmp_path / "BTCUSDT-fundingRate-2024-08.csv",
        "calc_time,funding_interval_hours,last_funding_rate",
        f"{T0 + 7},8,-0.00007130",
    )

    taken(store, path)

    [found] = store.catalog().query(FundingRateUpdate, identifiers=[ID])
    assert found.ts_event == (T0 + 7) * 10**6
    assert found.interval == 480
    assert Decimal(found.rate) == Decimal("-0.00007130")  # Nautilus reads it back as text


def test_mark_klines_become_two_mark_prices_each(store: Store, tmp_path: Path) -> None:
    row = f"{T0},53592.12345678,1,1,53550.5,0,{T0 + 59_999},0,0,0,0,0"
    path = written(tmp_path / "markPriceKlines" / "BTCUSDT-1m-2024-08.csv", row)

    taken(store, path)

    found = store.catalog().query(MarkPriceUpdate, identifiers=[ID])
    assert [(str(m.value), m.ts_event) for m in found] == [
        ("53592.12345678", T0 * 10**6),
        ("53550.50000000", (T0 + 59_999) * 10**6),
    ]


def test_a_zip_is_the_same_as_its_csv(store: Store, tmp_path: Path) -> None:
    csv = written(tmp_path / "BTCUSDT-1m-2024-08.csv", KLINES, kline(0), kline(1))
    with zipfile.ZipFile(tmp_path / "BTCUSDT-1m-2024-08.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(csv, csv.name)
    taken(store, csv)

    report = taken(store, tmp_path / "BTCUSDT-1m-2024-08.zip")

    assert report.counts[Series(Bar, MINUTE_BARS)] == WriteCount(2, 2, 0, 2)


def test_a_file_larger_than_a_block_is_read_to_its_end(store: Store, tmp_path: Path) -> None:
    rows = [f"{i},53592.60,0.010,1,1,{T0 + i // 100},true" for i in range(250_000)]
    path = written(tmp_path / "BTCUSDT-aggTrades-2024-08-05.csv", AGG_TRADES, *rows)

    report = taken(store, path)

    assert report.counts[Series(TradeTick, ID)] == WriteCount(0, 250_000, 250_000, 250_000)


def test_a_corrupt_line_in_a_later_block_is_named_and_nothing_is_written(
    store: Store, tmp_path: Path
) -> None:
    rows = [f"{i},53592.60,0.010,1,1,{T0 + i // 100},true" for i in range(250_000)]
    rows[249_000] = rows[249_000].replace("53592.60", "53592,60")
    path = written(tmp_path / "BTCUSDT-aggTrades-2024-08-05.csv", AGG_TRADES, *rows)

    report = taken(store, path)

    assert report.refused.startswith("line 249002: 8 fields, expected 7")
    assert is_empty(store)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (kline(1).replace("53624.00", "x"), "line 3: high='x' is not a number"),
        (kline(1).replace("53624.00", ""), "line 3: high='' is not a number"),
        (kline(1).replace("53624.00", "53624.005"), "line 3: high='53624.005' is not a number of"),
        (kline(1, volume="-1"), "line 3: volume=-1 is negative"),
        (kline(1).rsplit(",", 1)[0], "line 3: 11 fields, expected 12"),
        (kline(1).replace(f"{T0 + 60_000}", "1e12"), "line 3: open_time='1e12' is not a whole"),
        (kline(1).replace(f"{T0 + 60_000}", f"{T0 + 60_000}000"), "open_time=1722836220000000"),
        (
            kline(1)
            .replace(f"{T0 + 60_000}", f"{T0 + 60_001}")
            .replace(f"{T0 + 119_999}", f"{T0 + 120_000}"),
            "opens no 1m bar",
        ),
        (kline(1).replace(f"{T0 + 119_999}", f"{T0 + 359_999}"), "300000 ms long, not 1m"),
        ("", "line 3: "),
        (KLINES, "line 3: open_time='open_time'"),
    ],
)
def test_a_corrupt_line_refuses_the_file_with_its_number_and_the_rule(
    store: Store, tmp_path: Path, bad: str, rule: str
) -> None:
    path = written(tmp_path / "BTCUSDT-1m-2024-08.csv", KLINES, kline(0), bad, kline(2))

    report = taken(store, path)

    assert rule in report.refused
    assert "line 3: " in report.refused
    assert is_empty(store)


def test_a_bad_buyer_maker_flag_is_refused(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-aggTrades-2024-08-05.csv", f"1,1.00,1,1,1,{T0},maybe")

    assert taken(store, path).refused == "line 1: is_buyer_maker='maybe' is not true or false"


def test_an_interval_other_than_that_of_the_rows_is_refused(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-5m-2024-08.csv", kline(4), kline(5))

    assert "the bar is 60000 ms long, not 5m" in taken(store, path).refused


def test_another_header_is_refused(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-1m-2024-08.csv", "time,open", "1,2")

    assert taken(store, path).refused.startswith("line 1: the header is time,open, expected open_t")


@pytest.mark.parametrize("lines", [[], [KLINES]], ids=["nothing", "header"])
def test_a_file_without_rows_is_refused(store: Store, tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-08.csv"
    path.write_text("\n".join(lines))

    assert taken(store, path).refused == "the file has no rows"


def test_klines_without_any_volume_must_say_that_they_are_no_mark_prices(
    store: Store, tmp_path: Path
) -> None:
    path = written(tmp_path / "BTCUSDT-1m-2024-08.csv", kline(0, volume="0"))

    assert "--type" in taken(store, path).refused
    assert taken(store, path, data_type="klines").refused is None


def test_a_checksum_beside_the_file_is_verified(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-1m-2024-08.csv", kline(0))
    beside = tmp_path / f"{path.name}.CHECKSUM"
    beside.write_text(f"{'0' * 64}  {path.name}\n")
    wrong = taken(store, path)
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  other.csv\n")
    other = taken(store, path)
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")

    right = taken(store, path)

    assert "0000" in wrong.refused
    assert "does not state the checksum" in other.refused
    assert right.refused is None


@pytest.mark.parametrize("count", [0, 2])
def test_a_zip_of_several_files_is_refused(store: Store, tmp_path: Path, count: int) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-08.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            archive.writestr(f"{i}.csv", kline(0))

    assert taken(store, path).refused == f"the archive holds {count} files, expected one"


def test_a_damaged_zip_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-08.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", "\n".join(kline(i) for i in range(1000)))
    body = path.read_bytes()
    path.write_bytes(body[:5000] + bytes([body[5000] ^ 255]) + body[5001:])
    damaged = taken(store, path)
    path.write_bytes(b"no zip at all")

    not_a_zip = taken(store, path)

    assert "damaged zip" in damaged.refused
    assert "not a zip" in not_a_zip.refused
    assert is_empty(store)


def test_a_contradiction_to_the_catalog_refuses_the_file(store: Store, tmp_path: Path) -> None:
    taken(store, written(tmp_path / "BTCUSDT-1m-2024-08.csv", kline(0)))
    other = kline(0).replace("53624.00", "53625.00")

    report = taken(store, written(tmp_path / "BTCUSDT-1m-2024-08-05.csv", other, kline(1)))

    assert "differ in high: 53624 and 53625" in report.refused
    assert store.rows(Bar, MINUTE_BARS) == 1


def test_a_folder_is_walked_and_what_cannot_be_taken_is_told(store: Store, tmp_path: Path) -> None:
    good = written(tmp_path / "in" / "deep" / "BTCUSDT-1m-2024-08.csv", kline(0))
    bad = written(tmp_path / "in" / "NEWUSDT-1m-2024-08.csv", kline(0))
    written(tmp_path / "in" / f"{bad.name}.CHECKSUM", "no file of data")

    reports = {r.path: r for r in ingest(store, [tmp_path / "in"], Options())}

    assert set(reports) == {good, bad}
    assert reports[good].refused is None
    assert reports[bad].refused is not None


def test_a_path_that_does_not_exist_stops_before_anything_is_written(
    store: Store, tmp_path: Path
) -> None:
    good = written(tmp_path / "BTCUSDT-1m-2024-08.csv", kline(0))

    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(ingest(store, [good, tmp_path / "nowhere"], Options()))

    assert is_empty(store)
