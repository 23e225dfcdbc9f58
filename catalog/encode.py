"""
Build catalog tables from Arrow columns, in the schema NautilusTrader itself writes.

A decimal is kept as its value times 10**16 in a 16-byte little-endian signed integer, which is
byte for byte what Arrow's ``decimal128(38, 16)`` holds: encoding is a cast and a new label on
the same buffer, so no Python object is made per row.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import PriceType
from nautilus_trader.model.instruments import Instrument

Column = pa.Array | pa.ChunkedArray | np.ndarray
Columns = Mapping[str, Column]

RAW = pa.binary(16)
RAW_SCALE = 16
RAW_DECIMAL = pa.decimal128(38, RAW_SCALE)

# Mark prices and funding rates are published with eight decimals, whatever the tick.
MARK_PRECISION = 8
FUNDING_PRECISION = 8

# The only columns that may be empty.
_NULLABLE = ("interval", "next_funding_ns")

_STAMPS = [pa.field(name, pa.uint64(), nullable=False) for name in ("ts_event", "ts_init")]


class EncodeError(ValueError):
    """
    A value that the catalog cannot hold exactly.

    Attributes
    ----------
    row : int
        Position in the column, counted from zero.
    rule : str
        What was broken, with the column and the value.

    """

    def __init__(self, row: int, rule: str) -> None:
        super().__init__(f"row {row}: {rule}")
        self.row = row
        self.rule = rule


def bars_table(bar_type: BarType, instrument: Instrument, columns: Columns) -> pa.Table:
    """
    Return bars: ``open``, ``high``, ``low``, ``close``, ``volume`` (base units), ``ts_event``.

    ``ts_event`` is the CLOSE of the bar (open time + interval) in Unix nanoseconds, so that a
    strategy never sees a bar before its end.
    """
    if bar_type.spec.price_type == PriceType.MARK:
        raise ValueError(f"bar type {bar_type}: mark prices are kept as MarkPriceUpdate")
    price = instrument.price_precision
    prices = {name: raw(columns[name], price, name) for name in ("open", "high", "low", "close")}
    volume = _size(columns["volume"], instrument, "volume")
    metadata = {"bar_type": str(bar_type), **_metadata(instrument)}
    return _table({**prices, "volume": volume}, columns, metadata)


def quotes_table(instrument: Instrument, columns: Columns) -> pa.Table:
    """Return quotes: ``bid_price``, ``ask_price``, ``bid_size``, ``ask_size``, ``ts_event``."""
    price = instrument.price_precision
    fields = {
        "bid_price": raw(columns["bid_price"], price, "bid_price"),
        "ask_price": raw(columns["ask_price"], price, "ask_price"),
        "bid_size": _size(columns["bid_size"], instrument, "bid_size"),
        "ask_size": _size(columns["ask_size"], instrument, "ask_size"),
    }
    return _table(fields, columns, _metadata(instrument))


def trades_table(
    instrument: Instrument,
    columns: Columns,
    feed: str | None = None,
) -> pa.Table:
    """
    Return trades: ``price``, ``size``, ``aggressor_side``, ``trade_id``, ``ts_event``.

    Parameters
    ----------
    instrument : Instrument
        The instrument, which gives the precisions.
    columns : Columns
        ``aggressor_side`` is 1 for a buyer and 2 for a seller; ``trade_id`` is a whole number.
    feed : str, optional
        Which numbering the ids belong to. Binance numbers aggregated and single trades apart;
        the store refuses to mix the two in one series, which would count volume twice.

    """
    fields = {
        "price": raw(columns["price"], instrument.price_precision, "price"),
        "size": _size(columns["size"], instrument, "size"),
        "aggressor_side": _cast(columns["aggressor_side"], pa.uint8(), "aggressor_side"),
        "trade_id": _cast(columns["trade_id"], pa.string(), "trade_id"),
    }
    metadata = _metadata(instrument) | ({"feed": feed} if feed else {})
    return _table(fields, columns, metadata)


def mark_prices_table(instrument: Instrument, columns: Columns) -> pa.Table:
    """Return mark prices: ``value`` with eight decimals, ``ts_event``."""
    metadata = {"instrument_id": instrument.id.value, "price_precision": str(MARK_PRECISION)}
    return _table({"value": raw(columns["value"], MARK_PRECISION, "value")}, columns, metadata)


def funding_table(instrument: Instrument, columns: Columns) -> pa.Table:
    """
    Return settled funding rates: ``rate``, optional ``interval``, ``ts_event``.

    ``rate`` is a fraction of the notional for one interval (positive: longs pay), ``interval``
    is in minutes. ``ts_event`` is the settlement, with the venue's milliseconds of jitter.
    """
    rates = _decimal(columns["rate"], FUNDING_PRECISION, "rate")
    # Nautilus keeps the rate as a JSON string, quotation marks included.
    text = pc.binary_join_element_wise('"', rates.cast(pa.string()), '"', "")
    interval = columns.get("interval", pa.nulls(len(rates), pa.uint16()))
    fields = {
        "rate": text.cast(pa.binary()),
        "interval": _cast(interval, pa.uint16(), "interval"),
        "next_funding_ns": pa.nulls(len(rates), pa.uint64()),
    }
    return _table(fields, columns, {"instrument_id": instrument.id.value})


def deltas_table(instrument: Instrument, columns: Columns) -> pa.Table:
    """
    Return order book deltas.

    Columns: ``action`` (BookAction), ``side`` (OrderSide), ``price``, ``size``, ``flags``
    (RecordFlag), ``sequence`` (the venue's update id), ``ts_event``. The order id is always 0:
    the book is by price level.
    """
    sequence = _cast(columns["sequence"], pa.uint64(), "sequence")
    fields = {
        "action": _cast(columns["action"], pa.uint8(), "action"),
        "side": _cast(columns["side"], pa.uint8(), "side"),
        "price": raw(columns["price"], instrument.price_precision, "price"),
        "size": _size(columns["size"], instrument, "size"),
        "order_id": pa.array(np.zeros(len(sequence), np.uint64)),
        "flags": _cast(columns["flags"], pa.uint8(), "flags"),
        "sequence": sequence,
    }
    return _table(fields, columns, _metadata(instrument))


def raw(column: Column, precision: int, name: str) -> pa.Array:
    """
    Return a column of decimals in the catalog's 16-byte form.

    Parameters
    ----------
    column : Column
        decimal128, strings, whole numbers, or float64 (rounded, see below).
    precision : int
        Decimals to keep, 0 to 16. A value with more is refused, except for float noise:
        a float may lie a millionth of a unit, or four units in its last place, beside a decimal.
    name : str
        What the column is called in an error.

    Raises
    ------
    EncodeError
        Naming the first row whose value is missing, not a number, or needs more decimals.

    """
    units = _decimal(column, precision, name)
    # The check for overflow costs more than the cast; 64 bits cannot overflow.
    start, count = 16 * units.offset, 2 * len(units)
    halves = np.frombuffer(units.buffers()[1], np.int64, count, start)
    is_small = (halves[1::2] == halves[::2] >> 63).all()
    exact = units.cast(RAW_DECIMAL, safe=False) if is_small else _cast_to(units, RAW_DECIMAL, name)
    return pa.Array.from_buffers(RAW, len(exact), [None, exact.buffers()[1]], offset=exact.offset)


def decimals(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a 16-byte column of the catalog as ``decimal128(38, 16)``, without copying."""
    array = _combined(column)
    buffers = [None, array.buffers()[1]]
    return pa.Array.from_buffers(RAW_DECIMAL, len(array), buffers, offset=array.offset)


def floats(column: pa.Array | pa.ChunkedArray) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return a 16-byte column as floats (within one unit in the last place), never for money."""
    return decimals(column).cast(pa.float64()).to_numpy(zero_copy_only=False)


def _table(fields: Mapping[str, pa.Array], columns: Columns, metadata: dict[str, str]) -> pa.Table:
    ts_event = _cast(columns["ts_event"], pa.uint64(), "ts_event")
    arrays = [*fields.values(), ts_event, ts_event]
    schema = [pa.field(name, a.type, nullable=name in _NULLABLE) for name, a in fields.items()]
    return pa.Table.from_arrays(arrays, schema=pa.schema(schema + _STAMPS, metadata=metadata))


def _metadata(instrument: Instrument) -> dict[str, str]:
    return {
        "instrument_id": instrument.id.value,
        "price_precision": str(instrument.price_precision),
        "size_precision": str(instrument.size_precision),
    }


def _size(column: Column, instrument: Instrument, name: str) -> pa.Array:
    values = raw(column, instrument.size_precision, name)
    # The sign is the highest bit of the sixteenth byte. A Quantity has none.
    start, count = 16 * values.offset, 16 * len(values)
    last = np.frombuffer(values.buffers()[1], np.int8, count, start)[15::16]
    if (last < 0).any():
        row = int(np.argmax(last < 0))
        raise EncodeError(row, f"{name}={decimals(values)[row].as_py().normalize():f} is negative")
    return values


def _decimal(column: Column, precision: int, name: str) -> pa.Array:
    array = _combined(column)
    _refuse_nulls(array, name)
    if pa.types.is_floating(array.type):
        return _decimal_from_floats(array, precision, name)
    return _cast_to(array, pa.decimal128(38, precision), name)


def _decimal_from_floats(array: pa.Array, precision: int, name: str) -> pa.Array:
    values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    scaled = values * 10.0**precision
    units = np.rint(scaled)
    noise = np.maximum(1e-6, 4 * np.spacing(np.abs(scaled)))
    with np.errstate(invalid="ignore"):  # infinities are refused, as is everything not below
        # Beyond 2**53 a float no longer tells neighbouring units apart.
        bad = ~((np.abs(scaled - units) <= noise) & (np.abs(units) < 2.0**53))
    if bad.any():
        row = int(np.argmax(bad))
        raise EncodeError(row, f"{name}={values[row]} is not a number of {precision} decimals")
    wide = np.empty((len(units), 2), np.int64)
    wide[:, 0] = units
    wide[:, 1] = wide[:, 0] >> 63  # the sign, carried into the upper half
    buffers = [None, pa.py_buffer(wide)]
    return pa.Array.from_buffers(pa.decimal128(38, precision), len(units), buffers)


def _cast(column: Column, target: pa.DataType, name: str) -> pa.Array:
    array = _combined(column)
    if name not in _NULLABLE:
        _refuse_nulls(array, name)
    return _cast_to(array, target, name)


def _cast_to(array: pa.Array, target: pa.DataType, name: str) -> pa.Array:
    try:
        return array.cast(target)
    except pa.ArrowInvalid:
        row = _first_failure(array, target)
        value = array[row].as_py()
        if pa.types.is_decimal(target):
            raise EncodeError(
                row, f"{name}={value} is not a number of {target.scale} decimals"
            ) from None
        raise EncodeError(row, f"{name}={value} is not a {target}") from None


def _combined(column: Column) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column if isinstance(column, pa.Array) else pa.array(column)


def _refuse_nulls(array: pa.Array, name: str) -> None:
    if array.null_count:
        row = int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
        raise EncodeError(row, f"{name} is missing")


def _first_failure(array: pa.Array, target: pa.DataType) -> int:
    """Return the first row that cannot be cast, by halving."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            array[low:middle].cast(target)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low
