"""Form the union of sorted runs of rows, window by window, so that memory stays flat."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)

from catalog.encode import RAW, decimals
from catalog.layout import Stamps


class ConflictError(ValueError):
    """Two rows that claim to be the same one and differ."""


@dataclass(frozen=True)
class Identity:
    """
    What makes two rows of a class the same row.

    With a key, rows of equal stamp and key are one row, and must be equal. Without one (a
    quote has no id in the catalog), equal rows are told apart by counting them: the union
    holds each as often as the side that has it most often.
    """

    order: Callable[[pa.Table], Stamps] | None  # the order among rows of one stamp
    key: tuple[str, ...] | None


def _trade_ids(table: pa.Table) -> Stamps:
    return _int64(table["trade_id"].cast(pa.int64()))


def _unknown_interval(table: pa.Table) -> Stamps:
    # A rate with its interval comes first, so that it is the one that stays.
    return _int64(table["interval"].is_null().cast(pa.int64()))


def _sequences(table: pa.Table) -> Stamps:
    return _int64(table["sequence"].cast(pa.int64()))


IDENTITIES = {
    TradeTick: Identity(_trade_ids, ("trade_id",)),
    QuoteTick: Identity(None, None),
    OrderBookDelta: Identity(_sequences, None),
    Bar: Identity(None, ()),
    MarkPriceUpdate: Identity(None, ()),
    FundingRateUpdate: Identity(_unknown_interval, ()),
}


def stamps(table: pa.Table) -> Stamps:
    """Return ``ts_init``, which the catalog is sorted by, as signed nanoseconds."""
    ts: Stamps = table["ts_init"].to_numpy().view(np.int64)
    return ts


def tidy(table: pa.Table, identity: Identity) -> pa.Table:
    """
    Return the rows in order, repeated ones taken out where the class has a key.

    Raises
    ------
    ConflictError
        If two rows have one key and differ.

    """
    ts = stamps(table)
    order = identity.order(table) if identity.order else None
    if not _is_sorted(ts, order, np.greater_equal):
        keys = (ts,) if order is None else (order, ts)
        index = np.lexsort(keys)  # stable: rows of equal keys keep their order of arrival
        table, ts = table.take(pa.array(index)), ts[index]
        order = order if order is None else order[index]
    if identity.key is None:
        return table
    ids = order if identity.key else None
    if ids is not None:
        _refuse_one_id_at_two_times(table, ts, ids)
    return table if _is_sorted(ts, ids, np.greater) else _drop_repeated(table, ts, identity.key)


def merge(
    runs: Iterable[tuple[int, Iterator[pa.Table]]],
    identity: Identity,
) -> Iterator[pa.Table]:
    """
    Yield the union of runs, in order.

    Parameters
    ----------
    runs : Iterable[tuple[int, Iterator[pa.Table]]]
        Each run with the number of its source (0 is the catalog itself). A run is in order and
        comes in tables of bounded size.
    identity : Identity
        What makes two rows the same row. Rows without a key are counted per source: a row
        that one source has twice is kept twice.

    """
    heads = [head for source, tables in runs if (head := _Head(source, tables)).fill()]
    while heads:
        # Every run has been read to here at least, so rows before it can no longer change.
        horizon = min((h.ts[-1] for h in heads if not h.is_done), default=None)
        parts = [(h.source, part) for h in heads if (part := h.cut(horizon)).num_rows]
        if parts:
            yield _union(parts, identity)
        for head in heads:
            while not head.is_done and (not len(head.ts) or head.ts[-1] == horizon):
                head.fill()
        heads = [h for h in heads if len(h.ts)]


class _Head:
    """The part of a run that has been read and not yet been given out."""

    def __init__(self, source: int, tables: Iterator[pa.Table]) -> None:
        self.source = source
        self.is_done = False
        self.table: pa.Table | None = None
        self.ts: Stamps = np.empty(0, np.int64)
        self._tables = tables

    def fill(self) -> bool:
        """Read one more table; return whether there is anything at hand."""
        table = next(self._tables, None)
        if table is None:
            self.is_done = True
        else:
            self.table = table if self.table is None else pa.concat_tables([self.table, table])
            self.ts = np.concatenate([self.ts, stamps(table)])
        return len(self.ts) > 0

    def cut(self, horizon: int | None) -> pa.Table:
        """Take out the rows before a stamp, or all without one."""
        assert self.table is not None, "Invariant: a head is filled before it is cut"
        count = len(self.ts) if horizon is None else int(np.searchsorted(self.ts, horizon))
        part, self.table = self.table[:count], self.table[count:]
        self.ts = self.ts[count:]
        return part


def _union(parts: list[tuple[int, pa.Table]], identity: Identity) -> pa.Table:
    if len(parts) == 1:
        return parts[0][1]
    parts = sorted(parts, key=lambda part: part[0])
    table = pa.concat_tables([part for _, part in parts])
    if identity.key is not None:
        return tidy(table, identity)
    sources = np.concatenate([np.full(part.num_rows, source) for source, part in parts])
    kept = np.flatnonzero(_is_first_of_its_count(table, sources))
    return tidy(table.take(pa.array(kept)), identity)


def _is_first_of_its_count(table: pa.Table, sources: Stamps) -> np.ndarray:  # type: ignore[type-arg] - a bool array
    """Mark, among equal rows, the n-th of the first source that has an n-th one."""
    frame = pd.DataFrame({"source": sources})
    for name in table.column_names:
        column = table[name].combine_chunks()
        if column.type == RAW:
            start, count = 16 * column.offset, 2 * len(column)
            halves = np.frombuffer(column.buffers()[1], np.int64, count, start)
            frame[f"{name}_low"], frame[f"{name}_high"] = halves[::2], halves[1::2]
        else:
            frame[name] = _int64(column.cast(pa.int64()))
    values = [name for name in frame.columns if name != "source"]
    frame["count"] = frame.groupby(["source", *values], sort=False).cumcount()
    return ~frame.duplicated([*values, "count"]).to_numpy()


def _is_sorted(ts: Stamps, order: Stamps | None, follows: np.ufunc) -> bool:
    if order is None:
        return bool(follows(ts[1:], ts[:-1]).all())
    same = ts[1:] == ts[:-1]
    return bool(((ts[1:] > ts[:-1]) | (same & follows(order[1:], order[:-1]))).all())


def _drop_repeated(table: pa.Table, ts: Stamps, key: tuple[str, ...]) -> pa.Table:
    """Drop each row whose key is that of the row before it."""
    same = ts[1:] == ts[:-1]
    for name in key:
        column = table[name].combine_chunks()
        same &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    again = np.flatnonzero(same) + 1
    if not len(again):
        return table
    _refuse_different(table.take(pa.array(again - 1)), table.take(pa.array(again)), key)
    keep = np.ones(table.num_rows, np.bool_)
    keep[again] = False
    return table.filter(pa.array(keep))


def _refuse_different(first: pa.Table, second: pa.Table, key: tuple[str, ...]) -> None:
    for name in first.column_names:
        # An unknown value contradicts nothing.
        is_equal = pc.fill_null(pc.equal(first[name], second[name]), fill_value=True)
        if pc.all(is_equal).as_py():
            continue
        row = pc.index(is_equal, value=False).as_py()
        of = ", ".join(f"{k}={_shown(first, k, row)}" for k in ("ts_init", *key))
        values = f"{_shown(first, name, row)} and {_shown(second, name, row)}"
        raise ConflictError(f"two rows for {of} differ in {name}: {values}")


def _refuse_one_id_at_two_times(table: pa.Table, ts: Stamps, ids: Stamps) -> None:
    if (ids[1:] > ids[:-1]).all():
        return
    index = np.lexsort((ts, ids))
    again = (np.diff(ids[index]) == 0) & (np.diff(ts[index]) != 0)
    if again.any():
        row = int(np.argmax(again))
        first, second = (_shown(table, "ts_init", int(index[row + n])) for n in (0, 1))
        raise ConflictError(f"id {ids[index[row]]} has two times: ts_init={first} and {second}")


def _shown(table: pa.Table, name: str, row: int) -> str:
    column = table[name]
    if column.type == RAW:
        return f"{decimals(column)[row].as_py().normalize():f}"
    value = column[row].as_py()
    return value.decode() if isinstance(value, bytes) else str(value)


def _int64(column: pa.Array | pa.ChunkedArray) -> Stamps:
    chunked = pa.chunked_array([column]) if isinstance(column, pa.Array) else column
    values: Stamps = chunked.to_numpy().astype(np.int64, copy=False)
    return values
