"""However rows are cut, repeated and shuffled, the catalog holds exactly their union."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.data import QuoteTick, TradeTick

from catalog import encode
from catalog.instruments import builtin_instruments
from catalog.merge import IDENTITIES, merge
from catalog.store import Store

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
T0 = 1_699_999_200_000_000_000
HOUR = 3_600_000_000_000

# Trade n is at hour n // 3: three to a stamp, so that order within a stamp is at stake.
pieces = st.lists(st.lists(st.integers(0, 120), min_size=1, max_size=20), min_size=1, max_size=6)
# A quote is its hour and its size; equal ones are told apart by their number alone.
quote_pieces = st.lists(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 2)), min_size=1, max_size=12),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20, deadline=None)
@given(pieces)
def test_trades_are_the_union_in_order_of_time_and_id(pieces: list[list[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))

        counts = [store.write(_trades(ids), TradeTick, ID) for ids in pieces]

        found = pa.Table.from_batches(store.read(TradeTick, ID))["trade_id"].to_pylist()
        union = sorted({i for ids in pieces for i in ids})
        assert [int(i) for i in found] == union
        assert sum(c.rows_added for c in counts) == counts[-1].rows_after == len(union)


@settings(max_examples=20, deadline=None)
@given(quote_pieces)
def test_quotes_are_there_as_often_as_the_piece_that_has_them_most_often(
    pieces: list[list[tuple[int, int]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))

        for piece in pieces:
            store.write(_quotes(piece), QuoteTick, ID)

        table = pa.Table.from_batches(store.read(QuoteTick, ID))
        hours = (table["ts_init"].to_numpy().astype(np.int64) - T0) // HOUR
        sizes = encode.floats(table["bid_size"]).astype(int)
        union: Counter[tuple[int, int]] = Counter()
        for piece in pieces:
            union |= Counter(piece)
        assert Counter(zip(hours.tolist(), sizes.tolist(), strict=True)) == union
        assert (np.diff(hours) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=4), st.integers(1, 5))
def test_runs_are_merged_alike_however_small_the_tables_they_come_in(
    runs: list[set[int]], rows: int
) -> None:
    tables = [_trades(sorted(run)) for run in runs]

    merged = merge(
        [
            (source, iter([table[i : i + rows] for i in range(0, table.num_rows, rows)]))
            for source, table in enumerate(tables)
        ],
        IDENTITIES[TradeTick],
    )

    found = pa.concat_tables(merged)["trade_id"].to_pylist()
    assert [int(i) for i in found] == sorted(set().union(*runs))


def _trades(ids: list[int]) -> pa.Table:
    index = np.array(ids)
    columns = {
        "price": 100 + index * 0.5,
        "size": np.ones(len(ids)),
        "aggressor_side": np.ones(len(ids)),
        "trade_id": index,
        "ts_event": T0 + index // 3 * HOUR,
    }
    return encode.trades_table(BTC, columns)


def _quotes(rows: list[tuple[int, int]]) -> pa.Table:
    hours, sizes = np.array(rows).T
    ones = np.ones(len(rows))
    prices = {"bid_price": ones, "ask_price": ones * 2, "ask_size": ones}
    return encode.quotes_table(BTC, {**prices, "bid_size": sizes, "ts_event": T0 + hours * HOUR})
