"""Read plain tables of bars, mark prices or funding rates: csv, feather or parquet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.data import Bar, FundingRateUpdate
from nautilus_trader.model.instruments import Instrument
from pyarrow import csv, feather, parquet

from catalog import encode
from catalog.blocks import LineError, SourceError
from catalog.encode import EncodeError
from catalog.intervals import Interval
from catalog.layout import Stamps
from catalog.naming import Description
from catalog.parts import Part, mark_prices, millis_to_nanos

_PRICES = ("open", "high", "low", "close")


def is_table(path: Path) -> bool:
    """Return whether a file is a plain table and no archive: feather, parquet, or a csv by date."""
    if path.suffix != ".csv":
        return path.suffix in (".feather", ".parquet")
    with path.open("rb") as file:
        return b"date" in file.readline(1000).replace(b'"', b"").strip().split(b",")


def read_table(path: Path, description: Description, instrument: Instrument) -> Iterator[Part]:
    """
    Yield a table with the columns ``date`` (the bar's open), ``open`` ... ``close``, ``volume``.

    A funding table has its rate in ``open`` and the settlement in ``date``. A date without a
    time zone is UTC, one that is a number is in milliseconds.

    Raises
    ------
    SourceError
        If columns are missing, or the spacing of the rows is not the interval.
    LineError
        Naming the first row that is corrupt (the first row after a header is line 2).

    """
    table = _load(path)
    missing = [name for name in ("date", *_PRICES, "volume") if name not in table.column_names]
    if missing:
        raise SourceError(f"columns {', '.join(missing)} are missing in {table.column_names}")
    if not table.num_rows:
        raise SourceError("the file has no rows")
    try:
        dates = _dates(table["date"])
        if description.data_type == "fundingRate":
            yield _funding(table, dates, instrument)
            return
        if description.data_type not in ("klines", "markPriceKlines"):
            raise SourceError(f"a table holds no {description.data_type}")
        assert description.interval is not None, "Invariant: klines have an interval"
        _check_spacing(dates, description.interval)
        if description.data_type == "klines":
            yield _bars(table, dates, description.interval, instrument)
        else:
            interval = description.interval
            yield mark_prices(instrument, interval, dates, table["open"], table["close"])
    except EncodeError as e:
        raise LineError(e.row + 2, e.rule) from None


def _load(path: Path) -> pa.Table:
    readers = {
        ".feather": feather.read_table,
        ".parquet": parquet.read_table,
        ".csv": csv.read_csv,
    }
    try:
        return readers[path.suffix](path)
    except (pa.ArrowInvalid, OSError) as e:
        raise SourceError(f"not a readable {path.suffix[1:]} file: {e}") from None


def _dates(column: pa.ChunkedArray) -> Stamps:
    if pa.types.is_integer(column.type):
        return millis_to_nanos(column, "date")
    try:
        stamps = column.cast(pa.timestamp("ns", "UTC") if _has_zone(column) else pa.timestamp("ns"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
        raise SourceError(f"date is not a time: {e}") from None
    if stamps.null_count:
        row = int(np.argmax(stamps.is_null().to_numpy()))
        raise EncodeError(row, "date is missing")
    nanos: Stamps = stamps.cast(pa.int64()).to_numpy()
    return nanos


def _has_zone(column: pa.ChunkedArray) -> bool:
    if pa.types.is_timestamp(column.type):
        return column.type.tz is not None
    return bool(pc.any(pc.match_substring_regex(column, r"(Z|[+-]\d\d:?\d\d)$")).as_py())


def _check_spacing(opens_ns: Stamps, interval: Interval) -> None:
    if (row := interval.first_unaligned(opens_ns)) is not None:
        date = np.datetime64(int(opens_ns[row]), "ns")
        raise EncodeError(row, f"date={date} opens no {interval.name} bar")
    ordered = np.unique(opens_ns)
    gaps = ordered[1:] - ordered[:-1]
    expected = interval.closes(ordered[:-1]) - ordered[:-1]
    # Gaps may be longer, but a table of 5m bars that calls itself 1m has nothing but gaps.
    if len(gaps) and np.count_nonzero(gaps == expected) * 2 < len(gaps):
        usual = int(np.median(gaps)) // 1_000_000_000
        raise SourceError(f"the rows are {usual} s apart, the interval is {interval.name}")


def _bars(table: pa.Table, dates: Stamps, interval: Interval, instrument: Instrument) -> Part:
    bar_type = interval.bar_type(instrument.id)
    columns = {name: table[name] for name in (*_PRICES, "volume")}
    columns["ts_event"] = interval.closes(dates)
    return Part(Bar, str(bar_type), encode.bars_table(bar_type, instrument, columns))


def _funding(table: pa.Table, dates: Stamps, instrument: Instrument) -> Part:
    # The interval in such a file's name is the usual one, not that of each row: left unknown.
    rows = encode.funding_table(instrument, {"rate": table["open"], "ts_event": dates})
    return Part(FundingRateUpdate, instrument.id.value, rows)
