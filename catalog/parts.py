"""What every reader yields, and the conversions they share."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from nautilus_trader.model.data import MarkPriceUpdate
from nautilus_trader.model.instruments import Instrument

from catalog import encode
from catalog.encode import EncodeError
from catalog.intervals import Interval
from catalog.layout import Stamps

# 2001-09-09 to 2286-11-20: thirteen digits. Seconds and microseconds fall outside.
_MILLIS_MIN, _MILLIS_MAX = 10**12, 10**13 - 1


class Part(NamedTuple):
    """Rows for one series of the catalog."""

    data_cls: type
    identifier: str
    table: pa.Table


def millis_to_nanos(column: pa.ChunkedArray, name: str) -> Stamps:
    """Return stamps in nanoseconds; USD-M files state milliseconds (spot ones need not)."""
    millis = column.to_numpy()
    bad = (millis < _MILLIS_MIN) | (millis > _MILLIS_MAX)
    if bad.any():
        row = int(np.argmax(bad))
        raise EncodeError(row, f"{name}={millis[row]} is not a time in milliseconds")
    nanos: Stamps = millis * 1_000_000
    return nanos


def mark_prices(
    instrument: Instrument,
    interval: Interval,
    opens_ns: Stamps,
    opens: pa.ChunkedArray,
    closes: pa.ChunkedArray,
) -> Part:
    """
    Return two mark prices for each kline: the first and the last.

    The open is stamped when the kline opens, the close a millisecond before the next one does.
    They are the prices whose instant a kline tells; its extremes have none.
    """
    stamps = np.column_stack([opens_ns, interval.closes(opens_ns) - 1_000_000]).ravel()
    values = pa.concat_arrays([opens.combine_chunks(), closes.combine_chunks()])
    count = len(opens_ns)
    order = np.column_stack([np.arange(count), np.arange(count) + count]).ravel()
    try:
        columns = {"value": values.take(pa.array(order)), "ts_event": stamps}
        table = encode.mark_prices_table(instrument, columns)
    except EncodeError as e:
        raise EncodeError(e.row // 2, e.rule) from None
    return Part(MarkPriceUpdate, instrument.id.value, table)
