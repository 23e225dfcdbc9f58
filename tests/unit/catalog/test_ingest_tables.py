"""Plain tables of bars, mark prices and funding rates, in the layout freqtrade uses."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from nautilus_trader.model.data import Bar, FundingRateUpdate, MarkPriceUpdate
from pyarrow import csv, feather, parquet

from catalog.ingest import FileReport, ingest_file
from catalog.instruments import builtin_instruments
from catalog.layout import Series
from catalog.naming import Options
from catalog.store import Store

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
MINUTE_BARS = f"{ID}-1-MINUTE-LAST-EXTERNAL"
OPEN = np.datetime64("2025-05-04T15:33", "ns")
MINUTE = np.timedelta64(60, "s")


def table(rows: int = 4, step: np.timedelta64 = MINUTE, **changes: object) -> pa.Table:
    dates = pa.array(OPEN + np.arange(rows) * step, pa.timestamp("ns", "UTC"))
    prices = {name: np.full(rows, 95_000.1) for name in ("open", "high", "low", "close")}
    columns = {"date": dates, **prices, "volume": np.full(rows, 1.234)}
    return pa.table(columns | changes)


def taken(store: Store, path: Path, **options: str) -> FileReport:
    return ingest_file(store, path, Options(**options))


@pytest.mark.parametrize(
    ("suffix", "write"),
    [("feather", feather.write_feather), ("parquet", parquet.write_table), ("csv", csv.write_csv)],
)
def test_a_table_of_any_format_becomes_bars_stamped_at_their_close(
    store: Store, tmp_path: Path, suffix: str, write: Callable[[pa.Table, Path], None]
) -> None:
    path = tmp_path / f"BTC_USDT_USDT-1m-futures.{suffix}"
    write(table(), path)

    report = taken(store, path)

    bars = store.catalog().query(Bar, identifiers=[MINUTE_BARS])
    assert report.refused is None
    assert len(bars) == 4
    assert bars[0].ts_event == bars[0].ts_init == int((OPEN + MINUTE).astype(np.int64))
    assert (bars[0].open, bars[0].volume) == (BTC.make_price(95_000.1), BTC.make_qty(1.234))


@pytest.mark.parametrize(
    "dates",
    [
        pa.array(OPEN + np.arange(4) * MINUTE),
        pa.array((OPEN + np.arange(4) * MINUTE).astype("datetime64[ms]").astype(np.int64)),
        pa.array([f"2025-05-04 15:{33 + i}:00" for i in range(4)]),
        pa.array([f"2025-05-04T15:{33 + i}:00Z" for i in range(4)]),
        pa.array([f"2025-05-04T17:{33 + i}:00+02:00" for i in range(4)]),
    ],
    ids=["naive", "millis", "text", "utc text", "offset text"],
)
def test_dates_of_every_kind_are_utc(store: Store, tmp_path: Path, dates: pa.Array) -> None:
    path = tmp_path / "BTC_USDT_USDT-1m-futures.parquet"
    parquet.write_table(table(date=dates), path)

    report = taken(store, path)

    assert report.refused is None
    assert store.interval(Bar, MINUTE_BARS)[0] == int((OPEN + MINUTE).astype(np.int64))


def test_a_gap_in_the_rows_is_kept_for_the_check_to_find(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-1m-futures.feather"
    feather.write_feather(
        table(rows=9).filter(pa.array([True] * 4 + [False] * 2 + [True] * 3)), path
    )

    assert taken(store, path).counts[Series(Bar, MINUTE_BARS)].rows_added == 7


def test_a_funding_table_keeps_rate_and_jitter_and_leaves_the_interval_unknown(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "BTC_USDT_USDT-8h-funding_rate.feather"
    dates = OPEN + np.array([7_000_000, 3_600_000_000_000]).astype("timedelta64[ns]")
    feather.write_feather(table(rows=2, date=dates, open=np.array([0.0001, -0.02])), path)

    taken(store, path)

    found = store.catalog().query(FundingRateUpdate, identifiers=[ID])
    assert [Decimal(f.rate) for f in found] == [Decimal("0.0001"), Decimal("-0.02")]
    assert [f.interval for f in found] == [None, None]
    assert found[0].ts_event == int(dates[0].astype(np.int64))


def test_a_mark_table_becomes_mark_prices_and_needs_no_volume(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-1m-mark.feather"
    feather.write_feather(table(rows=2, volume=np.full(2, np.nan)), path)

    taken(store, path)

    found = store.catalog().query(MarkPriceUpdate, identifiers=[ID])
    assert [str(m.value) for m in found] == ["95000.10000000"] * 4


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (table(step=MINUTE * 5), "300 s apart, the interval is 1m"),
        (table(step=np.timedelta64(61, "s")), "line 3: date=2025-05-04T15:34:01"),
        (table().drop_columns(["volume"]), "columns volume are missing"),
        (table().slice(0, 0), "no rows"),
        (table(open=np.array([1.0, 2.0, np.nan, 1.0])), "line 4: open=nan"),
        (table(open=np.array([1.0, 2.0, 1.001, 1.0])), "line 4: open=1.001"),
        (table(volume=np.array([1.0, 2.0, 1.0, -1.0])), "line 5: volume=-1 is negative"),
        (table(date=pa.array([None] * 4, pa.timestamp("ns"))), "line 2: date is missing"),
        (table(date=pa.array(["x"] * 4)), "date is not a time"),
        (table(date=np.arange(4)), "line 2: date=0 is not a time in milliseconds"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_row_and_rule(
    store: Store, tmp_path: Path, wrong: pa.Table, reason: str
) -> None:
    path = tmp_path / "BTC_USDT_USDT-1m-futures.parquet"
    parquet.write_table(wrong, path)

    report = taken(store, path)

    assert reason in report.refused
    assert not list(store.path.rglob("*.parquet"))


def test_a_table_of_trades_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(table(), path)

    report = taken(store, path, symbol="BTCUSDT", data_type="aggTrades")

    assert report.refused == "a table holds no aggTrades"


def test_a_file_that_only_calls_itself_feather_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-1m-futures.feather"
    path.write_text("nothing of the kind")

    assert "not a readable feather file" in taken(store, path).refused
