"""Days of a catalog: which are bad, which are not, and what is said about them."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.identifiers import InstrumentId

from catalog import encode
from catalog.ingest import ingest
from catalog.instruments import builtin_instruments
from catalog.naming import Options
from catalog.quality import BadDay, bad_days, check
from catalog.quality_rules import DAY_NS, MINUTE_NS, Kind
from catalog.store import Store

BTC, ETH, SOL = (f"{base}USDT-PERP.BINANCE" for base in ("BTC", "ETH", "SOL"))
IDS = [InstrumentId.from_str(text) for text in (BTC, ETH, SOL)]
DAY = date(2024, 3, 1)
DAY_START = datetime(2024, 3, 1, tzinfo=UTC)
START_NS = int(DAY_START.timestamp()) * 10**9


def write_bars(
    store: Store,
    instrument_id: str = BTC,
    *,
    minutes: Collection[int] = range(3 * 1440),
    **changes: dict[int, float],
) -> None:
    """Write quiet bars that open at *minutes* after the start, changed at some minutes."""
    minute = np.array(sorted(minutes))
    close = 1000 + np.round(np.sin(minute), 1)
    frame = pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=minute)
    frame["volume"] = 5.0
    frame["open"] = frame.close.shift(1, fill_value=1000.0)
    for name, cells in changes.items():
        frame.loc[list(cells), name] = list(cells.values())
    frame["high"] = frame[["open", "high", "close"]].max(axis=1)
    frame["low"] = frame[["open", "low", "close"]].min(axis=1)
    columns = {name: frame[name].to_numpy() for name in frame}
    columns["ts_event"] = START_NS + (minute + 1) * MINUTE_NS
    bar_type = BarType.from_str(f"{instrument_id}-1-MINUTE-LAST-EXTERNAL")
    instrument = builtin_instruments()[instrument_id]
    store.write(encode.bars_table(bar_type, instrument, columns), Bar, str(bar_type))


def write_marks(store: Store, prices: dict[int, float], instrument_id: str = BTC) -> None:
    columns = {
        "value": np.array(list(prices.values())),
        "ts_event": START_NS + (np.array(list(prices)) + 1) * MINUTE_NS,
    }
    table = encode.mark_prices_table(builtin_instruments()[instrument_id], columns)
    store.write(table, MarkPriceUpdate, instrument_id)


def write_quotes(store: Store, ts_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray) -> None:
    sizes = np.ones(len(ts_ns))
    columns = {"bid_price": bid, "ask_price": ask, "bid_size": sizes, "ask_size": sizes}
    table = encode.quotes_table(builtin_instruments()[BTC], columns | {"ts_event": ts_ns})
    store.write(table, QuoteTick, BTC)


def without(*spans: range) -> list[int]:
    missing = {minute for span in spans for minute in span}
    return [minute for minute in range(3 * 1440) if minute not in missing]


def bad(store: Store, **kwargs: object) -> list[str]:
    return [f"{day.instrument_id[:3]} {day.day}" for day in bad_days(store, IDS, **kwargs)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "catalog")


def test_clean_days_are_reported_with_their_rows_and_nothing_else(store: Store) -> None:
    write_bars(store)

    reports = list(check(store))

    assert [(r.day, r.rows, r.findings) for r in reports] == [
        (DAY + timedelta(n), 1440, ()) for n in range(3)
    ]
    assert bad(store) == []


def test_a_gap_of_five_minutes_is_told_and_one_of_six_is_bad(store: Store) -> None:
    write_bars(store, minutes=without(range(100, 105), range(1500, 1506)))

    first, second, third = check(store)

    [gap] = first.findings
    assert (gap.kind, gap.count, gap.size_max, gap.is_bad) == (Kind.GAP, 5, 5.0, False)
    assert gap.first_ns == START_NS + 100 * MINUTE_NS
    assert not first.is_bad
    assert second.is_bad
    assert not third.findings
    assert bad_days(store, IDS) == [
        BadDay(
            instrument_id=BTC,
            day=date(2024, 3, 2),
            reasons=("bars: gap x6, first 01:00:00, longest 6 min",),
        )
    ]


def test_fifteen_minutes_missing_in_pieces_are_told_and_sixteen_are_bad(store: Store) -> None:
    first = [range(start, start + 5) for start in (100, 200, 300)]
    second = [range(1440 + start, 1440 + start + 4) for start in (100, 200, 300, 400)]
    write_bars(store, minutes=without(*first, *second))

    assert bad(store) == ["BTC 2024-03-02"]


def test_a_gap_over_midnight_is_counted_on_both_days_at_its_whole_length(store: Store) -> None:
    write_bars(store, minutes=without(range(1438, 1445)))

    first, second, _ = check(store)

    assert [(f.count, f.size_max) for f in first.findings] == [(2, 7.0)]
    assert [(f.count, f.size_max) for f in second.findings] == [(5, 7.0)]
    assert bad(store) == ["BTC 2024-03-01", "BTC 2024-03-02"]


def test_a_file_may_begin_and_end_at_any_time_of_day(store: Store) -> None:
    write_bars(store, minutes=range(933, 2 * 1440 + 700))

    assert [r.rows for r in check(store)] == [507, 1440, 700]
    assert bad(store) == []


def test_whole_days_between_two_files_are_absent_and_the_edges_are_not_bad(store: Store) -> None:
    write_bars(store, minutes=[*range(700), *range(3 * 1440 + 933, 4 * 1440)])

    assert bad(store) == ["BTC 2024-03-02", "BTC 2024-03-03"]
    assert str(next(r for r in check(store) if r.is_bad).findings[0]) == "no data"
    assert bad(store, start=DAY_START + timedelta(days=3, hours=16)) == []
    assert bad(store, end=DAY_START + timedelta(hours=10)) == []


def test_a_gap_at_the_edge_of_the_asked_days_is_found(store: Store) -> None:
    write_bars(store, minutes=without(range(1440, 1460), range(2 * 1440 - 10, 2 * 1440)))
    second = {"start": DAY_START + timedelta(days=1), "end": DAY_START + timedelta(days=2)}

    [report] = check(store, IDS, **second)

    assert [(f.kind, f.count) for f in report.findings] == [(Kind.GAP, 30)]
    assert bad(store, **second) == ["BTC 2024-03-02"]
    assert bad(store, end=DAY_START + timedelta(days=1)) == []
    assert bad(store, start=DAY_START + timedelta(days=2)) == []


def test_a_wrong_print_is_bad(store: Store) -> None:
    write_bars(store, high={2000: 1030.0})

    [bad_day] = bad_days(store, IDS)

    assert bad_day.day == date(2024, 3, 2)
    assert bad_day.reasons == ("bars: spike x1, first 09:20:00, worst 2.91%",)


@pytest.mark.parametrize(("other_high", "expected"), [(1010.0, []), (1002.0, ["BTC 2024-03-02"])])
def test_a_lone_wick_that_another_contract_went_along_with_is_real(
    store: Store, other_high: float, expected: list[str]
) -> None:
    write_bars(store, high={2000: 1030.0})
    write_bars(store, ETH, high={2000: other_high})

    assert bad(store) == expected


@pytest.mark.parametrize(("mark_after", "expected"), [(1040.0, []), (1001.0, ["BTC 2024-03-02"])])
def test_a_jump_that_the_mark_price_went_along_with_is_real(
    store: Store, mark_after: float, expected: list[str]
) -> None:
    moved = dict.fromkeys(range(2000, 3 * 1440), 1040.0)
    write_bars(store, open=moved, high=moved, low=moved, close=moved)
    write_marks(store, dict.fromkeys(range(1990, 2000), 1001.0) | {2000: mark_after})

    assert bad(store) == expected


def test_four_closes_off_the_mark_are_told_and_a_fifth_is_bad(store: Store) -> None:
    write_bars(store, minutes=range(2 * 1440))
    marks = dict.fromkeys(range(2 * 1440), 1000.0)
    off = [*range(100, 104), *range(1600, 1605)]
    write_marks(store, marks | dict.fromkeys(off, 1060.0))

    assert [f.count for r in check(store) for f in r.findings if f.kind is Kind.OFF_MARK] == [4, 5]
    assert bad(store) == ["BTC 2024-03-02"]


def test_one_quote_in_a_thousand_may_be_crossed(store: Store) -> None:
    ts_ns = START_NS + np.arange(2 * 1440 * 60, step=10) * 10**9  # 8,640 quotes a day
    bid, ask = np.full(len(ts_ns), 999.9), np.full(len(ts_ns), 1000.0)
    bid[100:108] = 1000.1
    bid[10_000:10_009] = 1000.0
    write_quotes(store, ts_ns, bid, ask)

    assert [f.count for r in check(store) for f in r.findings] == [8, 9]
    assert bad(store) == ["BTC 2024-03-02"]


def test_quotes_that_are_silent_for_over_five_minutes_are_bad(store: Store) -> None:
    seconds = np.array([0, 60, 360, 720, 781, 1082])
    prices = np.full(len(seconds), 1000.0)
    write_quotes(store, START_NS + seconds * 10**9, prices, prices + 0.1)

    [report] = check(store)

    assert [(f.kind, f.count, f.size_max) for f in report.findings] == [
        (Kind.GAP, 2, pytest.approx(6.0))
    ]
    assert report.is_bad


def test_missing_marks_and_funding_are_told_but_not_bad(store: Store) -> None:
    write_marks(store, dict.fromkeys([*range(100), *range(200, 300)], 1000.0))
    hours = np.array([0, 8, 24, 32])
    columns = {"rate": np.full(4, 0.0001), "ts_event": START_NS + hours * 60 * MINUTE_NS}
    table = encode.funding_table(builtin_instruments()[BTC], columns)
    store.write(table, FundingRateUpdate, BTC)

    findings = {(r.data_type, f.kind): f.is_bad for r in check(store) for f in r.findings}

    assert findings == {("mark_prices", Kind.GAP): False, ("funding", Kind.GAP): False}


def test_marks_of_eight_hour_klines_have_no_gaps(store: Store) -> None:
    opens = START_NS + np.arange(7) * 480 * MINUTE_NS
    ts_ns = np.column_stack([opens, opens + 480 * MINUTE_NS - 10**6]).ravel()
    columns = {"value": np.full(len(ts_ns), 1000.0), "ts_event": ts_ns}
    table = encode.mark_prices_table(builtin_instruments()[BTC], columns)
    store.write(table, MarkPriceUpdate, BTC)

    assert [r.findings for r in check(store)] == [(), (), ()]


def test_only_the_asked_instruments_and_types_are_judged(store: Store) -> None:
    write_bars(store, minutes=without(range(100, 150)))
    write_bars(store, ETH, minutes=without(range(100, 150)))
    write_quotes(store, np.array([START_NS, START_NS + DAY_NS // 2]), *np.full((2, 2), 1000.0))

    assert [d.instrument_id for d in bad_days(store, IDS[1:2])] == [ETH]
    assert [d.reasons for d in bad_days(store, IDS[:1], data_types=["bars"])] == [
        ("bars: gap x50, first 01:40:00, longest 50 min",)
    ]
    assert len(bad_days(store, IDS[:1])[0].reasons) == 2


def test_what_another_program_left_in_the_files_is_found(store: Store) -> None:
    write_bars(store, minutes=range(1440))
    [path] = (store.path / "data" / "bar").rglob("*.parquet")
    table = pq.read_table(path)
    order = np.r_[0:100, 99, 100:200, 300, 200:300, 301:1440]
    pq.write_table(table.take(pa.array(order)), path)

    [report] = check(store)

    assert {f.kind: f.count for f in report.findings if f.is_bad} == {
        Kind.DUPLICATE: 1,
        Kind.DISORDER: 1,
        Kind.GAP: 101,  # what stands out of order is missed in its place too
    }


def test_flaws_are_found_over_the_seam_of_two_files_once(store: Store) -> None:
    month_end = 31 * 1440  # the store begins a new file with each month
    minutes = [m for m in range(month_end - 1440, month_end + 1440) if m not in (month_end,)]
    write_bars(store, minutes=minutes, high={month_end - 2: 1030.0, month_end + 3: 1030.0})

    assert len(list((store.path / "data" / "bar").rglob("*.parquet"))) == 2
    first, second = check(store)
    assert {f.kind: f.count for f in first.findings} == {Kind.SPIKE: 1}
    assert {f.kind: f.count for f in second.findings} == {Kind.SPIKE: 1, Kind.GAP: 1}


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("real") / "catalog")
    bars = [*(shared_data / "um_klines_vision_1m").glob("*.csv")]
    bars += (shared_data / "um_klines_freqtrade" / "20250504-20250603").glob("*")
    assert [r.refused for r in ingest(store, bars, Options()) if r.refused] == []
    return store


def test_no_recorded_day_is_bad_and_no_crash_is_taken_for_an_error(real: Store) -> None:
    reports = list(check(real))

    assert len({r.identifier for r in reports if r.data_type == "bars"}) == 11
    assert sum(r.rows for r in reports if r.data_type == "bars") > 600_000
    judged = [r for r in reports if r.rows]
    assert [(r.identifier, r.day, r.findings) for r in judged if r.findings] == []


@pytest.mark.parametrize("symbol", ["NEARUSDT", "FILUSDT", "AVAXUSDT"])
def test_a_wrong_print_is_found_in_the_days_of_a_crash(
    real: Store, store: Store, symbol: str
) -> None:
    identifier = f"{symbol}-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL"
    day = datetime(2025, 2, 3, tzinfo=UTC)
    start_ns = int(day.timestamp()) * 10**9
    batches = real.read(Bar, identifier, start_ns + MINUTE_NS, start_ns + DAY_NS)
    table = pa.Table.from_batches(batches)
    close = encode.floats(table["close"])
    high = encode.floats(table["high"]).copy()
    # Noon, ten hours after the crash: the market is still wild.
    high[720] = np.round(close[720] * 1.06, 3)
    precision = int(table.schema.metadata[b"price_precision"])
    index = table.schema.get_field_index("high")
    spoilt = table.set_column(
        index, table.schema.field(index), encode.raw(high.round(precision), precision, "high")
    )
    store.write(spoilt, Bar, identifier)

    [report] = check(store)

    assert [(f.kind, f.count) for f in report.findings] == [(Kind.SPIKE, 1)]
    assert report.is_bad


def test_recorded_ticks_are_clean(shared_data: Path, store: Store) -> None:
    recorded = sorted((shared_data / "um_ticks_ws_raw").glob("btcusdt_202407*.gz"))
    assert [r.refused for r in ingest(store, recorded, Options()) if r.refused] == []

    reports = list(check(store))

    assert {r.data_type for r in reports} >= {"quotes", "trades", "book"}
    assert [(r.data_type, r.day, r.findings) for r in reports if r.findings] == []


def test_a_trade_of_the_insurance_fund_would_be_found(shared_data: Path, store: Store) -> None:
    """Ingestion leaves it out (28,722.50 in a market at 28,144); here it is put back."""
    recorded = sorted((shared_data / "um_ticks_ws_raw").glob("btcusdt_202304*.gz"))
    assert [r.refused for r in ingest(store, recorded, Options()) if r.refused] == []
    assert bad_days(store, IDS) == []
    whole = pa.Table.from_batches(store.read(TradeTick, BTC))
    middle = int(whole["ts_init"][whole.num_rows // 2].as_py())
    print_ = {
        "price": np.array([28722.5]),
        "size": np.array([0.001]),
        "aggressor_side": np.array([1]),
        "trade_id": np.array([1]),
        "ts_event": np.array([middle + 1]),
    }
    table = encode.trades_table(builtin_instruments()[BTC], print_)
    store.write(table.replace_schema_metadata(whole.schema.metadata), TradeTick, BTC)

    [bad_day] = bad_days(store, IDS)

    assert bad_day.reasons[0].startswith("trades: spike x1")
