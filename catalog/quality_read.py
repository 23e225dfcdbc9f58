"""Read a series of the catalog as columns of numbers, a piece at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)

from catalog import encode
from catalog.quality_rules import USUAL_ROWS, Chunk, Floats, Times
from catalog.store import Store

_COLUMNS: dict[type, tuple[str, ...]] = {
    Bar: ("open", "high", "low", "close", "volume"),
    QuoteTick: ("bid_price", "ask_price", "bid_size", "ask_size"),
    TradeTick: ("price", "size", "trade_id"),
    OrderBookDelta: (),
    MarkPriceUpdate: ("value",),
    FundingRateUpdate: ("rate",),
}
_CONTEXT_ROWS = 2 * USUAL_ROWS


@dataclass(frozen=True, kw_only=True)
class Span:
    """Whole days, Unix nanoseconds at midnight UTC: the first belongs to it, the last does not."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class SeriesReader:
    """One series: a data class and the instrument id, or the bar type for bars."""

    store: Store
    data_cls: type
    identifier: str

    @property
    def interval_ns(self) -> int:
        """
        Return the length of a bar, 0 for anything else.

        It is also how long before its stamp a row belongs: a bar to the time it opened at,
        though it is stamped at its close; everything else is of the instant of its stamp.
        """
        if self.data_cls is not Bar:
            return 0
        return BarType.from_str(self.identifier).spec.get_interval_ns()

    def held(self) -> Span:
        """Return the time from the first row to just after the last one, not whole days."""
        interval = self.store.interval(self.data_cls, self.identifier)
        assert interval is not None, f"Invariant: {self.identifier} is listed, so it has rows"
        return Span(
            start_ns=interval[0] - self.interval_ns, end_ns=interval[1] - self.interval_ns + 1
        )

    def has_rows(self, span: Span) -> bool:
        """Return whether any row belongs to *span*."""
        return next(self._batches(span, ("ts_init",)), None) is not None

    def chunks(self, span: Span) -> Iterator[Chunk]:
        """Yield the rows that belong to *span*, each piece with some of the one before."""
        columns = _COLUMNS[self.data_cls]
        last: Chunk | None = None
        for batch in self._batches(span, (*columns, "ts_init")):
            fields = {name: _floats(batch.column(name)) for name in columns if name != "trade_id"}
            ids = batch.column("trade_id").cast(pa.int64()) if "trade_id" in columns else None
            ts = batch.column("ts_init").to_numpy().view(np.int64)
            chunk = Chunk(ts=ts, fields=fields, seen=0, ids=None if ids is None else ids.to_numpy())
            last = chunk if last is None else _joined(last, chunk)
            yield last

    def _batches(self, span: Span, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        first_ns, last_ns = span.start_ns + self.interval_ns, span.end_ns + self.interval_ns - 1
        return self.store.read(self.data_cls, self.identifier, first_ns, last_ns, columns)

    def whole(self, span: Span) -> tuple[Times, dict[str, Floats]]:
        """Return the rows of *span* at once; for series of a row a minute or fewer."""
        pieces = list(self.chunks(span))
        ts = np.concatenate([np.empty(0, np.int64), *(p.ts[p.seen :] for p in pieces)])
        names = [name for name in _COLUMNS[self.data_cls] if name != "trade_id"]
        fields = {
            name: np.concatenate([np.empty(0), *(p.fields[name][p.seen :] for p in pieces)])
            for name in names
        }
        return ts, fields


def _joined(last: Chunk, chunk: Chunk) -> Chunk:
    keep = slice(max(len(last.ts) - _CONTEXT_ROWS, 0), None)
    has_ids = last.ids is not None and chunk.ids is not None
    return Chunk(
        ts=np.concatenate((last.ts[keep], chunk.ts)),
        fields={n: np.concatenate((last.fields[n][keep], v)) for n, v in chunk.fields.items()},
        seen=len(last.ts[keep]),
        ids=np.concatenate((last.ids[keep], chunk.ids)) if has_ids else None,
    )


def _floats(column: pa.Array) -> Floats:
    if column.type == encode.RAW:
        return encode.floats(column)
    # A funding rate is kept as JSON text: "0.0001", quotation marks included.
    text = column.cast(pa.string())
    return np.array([float(rate.strip('"')) for rate in text.to_pylist()])
