"""Read the CSV archives of data.binance.vision, block by block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.data import Bar, FundingRateUpdate, QuoteTick, TradeTick
from nautilus_trader.model.instruments import Instrument

from catalog import encode
from catalog.blocks import LineError, SourceError
from catalog.csv_rows import CsvRows
from catalog.encode import EncodeError
from catalog.intervals import Interval
from catalog.layout import Stamps
from catalog.naming import Description
from catalog.parts import Part, mark_prices, millis_to_nanos

_INT = pa.int64()
_PRICE, _SIZE, _SKIP = "price", "size", None

# The columns of each type in order, as published: name -> how it is read. A price or size is
# read as a decimal of the instrument's precision, what is not needed is not converted.
_KLINES = {
    "open_time": _INT,
    "open": _PRICE,
    "high": _PRICE,
    "low": _PRICE,
    "close": _PRICE,
    "volume": _SIZE,
    "close_time": _INT,
    "quote_volume": _SKIP,
    "count": _SKIP,
    "taker_buy_volume": _SKIP,
    "taker_buy_quote_volume": _SKIP,
    "ignore": _SKIP,
}
_COLUMNS: dict[str, dict[str, Any]] = {
    "klines": _KLINES,
    "markPriceKlines": _KLINES,
    "aggTrades": {
        "agg_trade_id": _INT,
        "price": _PRICE,
        "quantity": _SIZE,
        "first_trade_id": _SKIP,
        "last_trade_id": _SKIP,
        "transact_time": _INT,
        "is_buyer_maker": pa.bool_(),
    },
    "trades": {
        "id": _INT,
        "price": _PRICE,
        "qty": _SIZE,
        "quote_qty": _SKIP,
        "time": _INT,
        "is_buyer_maker": pa.bool_(),
    },
    "bookTicker": {
        "update_id": _SKIP,
        "best_bid_price": _PRICE,
        "best_bid_qty": _SIZE,
        "best_ask_price": _PRICE,
        "best_ask_qty": _SIZE,
        "transaction_time": _INT,
        "event_time": _SKIP,
    },
    "fundingRate": {
        "calc_time": _INT,
        "funding_interval_hours": _INT,
        "last_funding_rate": pa.decimal128(38, encode.FUNDING_PRECISION),
    },
}


@dataclass(frozen=True)
class _Reader:
    """How the rows of one archive become rows of the catalog."""

    description: Description
    instrument: Instrument

    def parts(self, rows: pa.Table) -> Iterator[Part]:
        """Yield the rows of one block as catalog tables."""
        match self.description.data_type:
            case "aggTrades":
                yield self._trades(rows, "agg_trade_id", "quantity", "transact_time")
            case "trades":
                yield self._trades(rows, "id", "qty", "time")
            case "bookTicker":
                yield self._quotes(rows)
            case "fundingRate":
                yield self._funding(rows)
            case "klines":
                yield self._bars(rows)
            case _:
                yield self._marks(rows)

    def _trades(self, rows: pa.Table, trade_id: str, size: str, time: str) -> Part:
        columns = {
            "price": rows["price"],
            "size": rows[size],
            # A buyer who was the maker was hit by a seller.
            "aggressor_side": pc.if_else(
                rows["is_buyer_maker"],
                pa.scalar(2, pa.uint8()),
                pa.scalar(1, pa.uint8()),
            ),
            "trade_id": rows[trade_id],
            "ts_event": millis_to_nanos(rows[time], time),
        }
        feed = self.description.data_type
        table = encode.trades_table(self.instrument, columns, feed)
        return Part(TradeTick, self.instrument.id.value, table)

    def _quotes(self, rows: pa.Table) -> Part:
        columns = {
            "bid_price": rows["best_bid_price"],
            "ask_price": rows["best_ask_price"],
            "bid_size": rows["best_bid_qty"],
            "ask_size": rows["best_ask_qty"],
            "ts_event": millis_to_nanos(rows["transaction_time"], "transaction_time"),
        }
        table = encode.quotes_table(self.instrument, columns)
        return Part(QuoteTick, self.instrument.id.value, table)

    def _funding(self, rows: pa.Table) -> Part:
        columns = {
            "rate": rows["last_funding_rate"],
            "interval": pc.multiply(rows["funding_interval_hours"], 60),
            "ts_event": millis_to_nanos(rows["calc_time"], "calc_time"),
        }
        table = encode.funding_table(self.instrument, columns)
        return Part(FundingRateUpdate, self.instrument.id.value, table)

    def _bars(self, rows: pa.Table) -> Part:
        opens = self._opens(rows)
        bar_type = self._interval.bar_type(self.instrument.id)
        columns = {name: rows[name] for name in ("open", "high", "low", "close", "volume")}
        columns["ts_event"] = self._interval.closes(opens)
        return Part(Bar, str(bar_type), encode.bars_table(bar_type, self.instrument, columns))

    def _marks(self, rows: pa.Table) -> Part:
        opens = self._opens(rows)
        return mark_prices(self.instrument, self._interval, opens, rows["open"], rows["close"])

    @property
    def _interval(self) -> Interval:
        assert self.description.interval is not None, "Invariant: klines have an interval"
        return self.description.interval

    def _opens(self, rows: pa.Table) -> Stamps:
        """Return the open times, having compared the interval with what the rows say."""
        opens = millis_to_nanos(rows["open_time"], "open_time")
        closes = millis_to_nanos(rows["close_time"], "close_time")
        name = self._interval.name
        bad = closes + 1_000_000 != self._interval.closes(opens)
        if bad.any():
            row = int(np.argmax(bad))
            millis = (closes[row] - opens[row]) // 1_000_000 + 1
            raise EncodeError(row, f"the bar is {millis} ms long, not {name}")
        if (row := self._interval.first_unaligned(opens)) is not None:
            raise EncodeError(row, f"open_time={opens[row] // 1_000_000} opens no {name} bar")
        return opens


def read_archive(
    blocks: Iterable[bytes],
    description: Description,
    instrument: Instrument,
) -> Iterator[Part]:
    """
    Yield the rows of a CSV archive as catalog tables.

    Raises
    ------
    LineError
        Naming the first line that is corrupt, and the rule it breaks.
    SourceError
        If the file as a whole is not what its name says.

    """
    reader = _Reader(description, instrument)
    rows_reader = CsvRows(_types(description.data_type, instrument))
    is_traded = description.is_type_stated
    for text in blocks:
        rows, first_line = rows_reader.parse(text)
        if description.data_type == "klines" and not is_traded:
            is_traded = pc.any(pc.not_equal(rows["volume"], 0)).as_py()
        try:
            yield from reader.parts(rows)
        except EncodeError as e:
            raise LineError(first_line + e.row, e.rule) from None
    if not rows_reader.count:
        raise SourceError("the file has no rows")
    if not is_traded:
        raise SourceError("no bar has volume, as in mark price klines; say --type")


def _types(data_type: str, instrument: Instrument) -> dict[str, pa.DataType | None]:
    is_mark = data_type == "markPriceKlines"
    decimals = {
        _PRICE: encode.MARK_PRECISION if is_mark else instrument.price_precision,
        _SIZE: instrument.size_precision,
    }
    return {
        name: pa.decimal128(38, decimals[kind]) if isinstance(kind, str) else kind
        for name, kind in _COLUMNS[data_type].items()
    }
