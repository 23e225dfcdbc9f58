"""The tables of a run folder: their columns, types and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# What is booked is exact: quantities, prices and money are decimals with the engine's 16 digits.
# What is sampled for charts (equity, exposure, prices) is a double. Times are Unix nanoseconds.
_EXACT = pa.decimal128(38, 16)
_TEXT = pa.string()
_NS = pa.int64()
_REAL = pa.float64()


def _schema(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema(list(columns.items()))


SCHEMAS: dict[str, pa.Schema] = {
    "orders": _schema({
        "client_order_id": _TEXT, "order_list_id": _TEXT, "parent_order_id": _TEXT,
        "strategy_id": _TEXT, "instrument_id": _TEXT, "side": _TEXT, "order_type": _TEXT,
        "quantity": _EXACT, "price": _EXACT, "trigger_price": _EXACT, "is_reduce_only": pa.bool_(),
        "tags": _TEXT, "status": _TEXT, "filled_qty": _EXACT, "reason": _TEXT,
        "ts_init": _NS, "ts_accepted": _NS, "ts_closed": _NS,
    }),
    "order_events": _schema({
        "ts_event": _NS, "client_order_id": _TEXT, "event": _TEXT,
        "quantity": _EXACT, "price": _EXACT, "trigger_price": _EXACT, "reason": _TEXT,
    }),
    "fills": _schema({
        "ts_event": _NS, "client_order_id": _TEXT, "strategy_id": _TEXT, "instrument_id": _TEXT,
        "position_id": _TEXT, "side": _TEXT, "order_type": _TEXT, "last_qty": _EXACT,
        "last_px": _EXACT, "commission": _EXACT, "liquidity_side": _TEXT,
    }),
    "opening": _schema({
        "ts_event": _NS, "position_id": _TEXT, "strategy_id": _TEXT, "instrument_id": _TEXT,
        "signed_qty": _EXACT, "avg_px": _EXACT,
    }),
    "positions": _schema({
        "position_id": _TEXT, "strategy_id": _TEXT, "instrument_id": _TEXT, "side": _TEXT,
        "ts_opened": _NS, "ts_closed": _NS, "peak_qty": _EXACT, "open_qty": _EXACT,
        "avg_px_open": _EXACT, "avg_px_close": _EXACT, "gross_pnl_usdt": _EXACT,
        "fees_usdt": _EXACT, "funding_usdt": _EXACT, "net_pnl_usdt": _EXACT,
        "adverse_bps": _REAL, "favorable_bps": _REAL, "exit_reason": _TEXT,
        "opening_order_id": _TEXT,
    }),
    "denials": _schema({
        "ts_event": _NS, "control": pa.int32(), "reason": _TEXT, "observed": _TEXT, "limit": _TEXT,
        "text": _TEXT, "command": _TEXT, "client_order_id": _TEXT, "strategy_id": _TEXT,
        "instrument_id": _TEXT, "side": _TEXT, "quantity": _TEXT, "order_type": _TEXT,
        "price": _TEXT,
    }),
    "equity": _schema({
        "ts_event": _NS, "balance_usdt": _REAL, "unrealized_usdt": _REAL, "equity_usdt": _REAL,
    }),
    "exposure": _schema({
        "ts_event": _NS, "instrument_id": _TEXT, "position_qty": _REAL, "position_usdt": _REAL,
        "long_worst_usdt": _REAL, "short_worst_usdt": _REAL,
    }),
    "prices": _schema({
        "ts_event": _NS, "instrument_id": _TEXT, "price": _REAL, "low": _REAL, "high": _REAL,
        "mark_price": _REAL,
    }),
    "funding": _schema({"ts_event": _NS, "instrument_id": _TEXT, "amount_usdt": _EXACT}),
}  # fmt: skip

Rows = list[dict[str, Any]]


def to_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """
    Return *rows* as the table called *name*.

    Raises
    ------
    KeyError
        If a row lacks a column.

    """
    rows = list(rows)
    schema = SCHEMAS[name]
    columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def write_table(run_dir: Path, name: str, table: pa.Table) -> None:
    """Write *table* as ``<name>.parquet`` into *run_dir*."""
    pq.write_table(table, run_dir / f"{name}.parquet", compression="zstd")


def read_rows(run_dir: Path, name: str) -> Rows:
    """
    Read a table of a run folder as rows.

    Raises
    ------
    FileNotFoundError
        If the folder has no such table.

    """
    table = pq.read_table(run_dir / f"{name}.parquet", schema=SCHEMAS[name])
    rows: Rows = table.to_pylist()
    return rows


def read_columns(run_dir: Path, name: str) -> dict[str, Any]:
    """Read a table of a run folder as NumPy arrays by column; for the sampled tables."""
    table = pq.read_table(run_dir / f"{name}.parquet", schema=SCHEMAS[name])
    return {column: table[column].to_numpy() for column in table.column_names}
