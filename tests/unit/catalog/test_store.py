"""The catalog is the union of what it was given, or what it was before."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from nautilus_trader.model.data import FundingRateUpdate, QuoteTick, TradeTick
from nautilus_trader.persistence.catalog.parquet import _parse_filename_timestamps

from catalog import encode
from catalog.instruments import builtin_instruments
from catalog.merge import ConflictError
from catalog.store import Store, StoreError, WriteCount

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
ID = BTC.id.value
T0 = 1_699_999_200_000_000_000  # 2023-11-14 22:00 UTC
HOUR = 3_600_000_000_000


def trades(ids: list[int], prices: list[float] | None = None, feed: str | None = None) -> pa.Table:
    """Return trades whose time follows from their id: two an hour, so that days are crossed."""
    index = np.array(ids)
    columns = {
        "price": np.array(prices or 100 + index * 0.5),
        "size": np.ones(len(ids)),
        "aggressor_side": np.ones(len(ids)),
        "trade_id": index,
        "ts_event": T0 + index // 2 * HOUR,
    }
    return encode.trades_table(BTC, columns, feed)


def quotes(sizes: list[float], ts: int = T0) -> pa.Table:
    ones = np.ones(len(sizes))
    prices = {"bid_price": ones, "ask_price": ones * 2, "ask_size": ones}
    stamps = np.full(len(sizes), ts)
    return encode.quotes_table(BTC, {**prices, "bid_size": np.array(sizes), "ts_event": stamps})


def trade_ids(store: Store) -> list[int]:
    return [int(i) for batch in store.read(TradeTick, ID) for i in batch["trade_id"].to_pylist()]


def bid_sizes(store: Store) -> list[float]:
    return [s for b in store.read(QuoteTick, ID) for s in encode.floats(b["bid_size"])]


def files(store: Store) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in store.path.rglob("*.parquet")}


def test_overlapping_tables_in_any_order_leave_their_union(tmp_path: Path) -> None:
    store = Store(tmp_path)

    counts = [
        store.write(trades(list(range(start, end))), TradeTick, ID)
        for start, end in ((40, 60), (0, 20), (10, 50), (0, 60))
    ]

    assert trade_ids(store) == list(range(60))
    assert counts == [
        WriteCount(0, 20, 20, 20),
        WriteCount(20, 20, 20, 40),
        WriteCount(40, 40, 20, 60),
        WriteCount(60, 60, 0, 60),
    ]


def test_the_same_rows_again_leave_every_file_untouched(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades(list(range(200))), TradeTick, ID)
    before = files(store)

    store.write(trades(list(range(200))[::-1]), TradeTick, ID)

    assert files(store) == before


def test_nautilus_reads_what_was_written_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([7, 6, 90, 3]), TradeTick, ID)

    found = store.catalog().query(TradeTick, identifiers=[ID])

    assert [int(t.trade_id.value) for t in found] == [3, 6, 7, 90]
    assert found[0].price == BTC.make_price(101.5)


def test_files_have_disjoint_intervals_that_are_those_of_their_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for ids in ([5, 60], [1, 30], [59, 61]):
        store.write(trades(ids), TradeTick, ID)

    intervals = []
    for path in sorted((tmp_path / "data" / "trade_tick" / ID).iterdir()):
        stamps = pa.parquet.read_table(path)["ts_init"].to_pylist()
        assert _parse_filename_timestamps(path.name) == (stamps[0], stamps[-1])
        intervals.append((stamps[0], stamps[-1]))
    assert all(end < start for (_, end), (start, _) in pairwise(intervals))


def test_a_day_ends_with_its_last_nanosecond(tmp_path: Path) -> None:
    store = Store(tmp_path)
    midnight = T0 + 2 * HOUR

    for ts in (midnight - 1, midnight):
        store.write(quotes([1], ts), QuoteTick, ID)

    names = [path.name for path in (tmp_path / "data" / "quote_tick" / ID).iterdir()]
    assert sorted(names) == [
        "2023-11-14T23-59-59-999999999Z_2023-11-14T23-59-59-999999999Z.parquet",
        "2023-11-15T00-00-00-000000000Z_2023-11-15T00-00-00-000000000Z.parquet",
    ]


def test_equal_trades_with_different_ids_are_all_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)

    store.write(trades([4, 5], prices=[9.0, 9.0]), TradeTick, ID)

    assert trade_ids(store) == [4, 5]


def test_a_row_twice_in_one_table_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)

    count = store.write(trades([4, 5, 4]), TradeTick, ID)

    assert trade_ids(store) == [4, 5]
    assert count == WriteCount(0, 3, 2, 2)


def test_equal_quotes_of_one_table_are_all_kept_and_stay_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(quotes([1, 2, 1, 1]), QuoteTick, ID)

    again = store.write(quotes([1, 2, 1, 1]), QuoteTick, ID)
    fewer = store.write(quotes([1, 1, 3]), QuoteTick, ID)

    assert again.rows_added == 0
    assert fewer.rows_added == 1
    assert bid_sizes(store) == [1, 2, 1, 1, 3]


def test_equal_quotes_in_two_blocks_of_one_source_are_all_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(quotes([1]), QuoteTick, ID)

    with store.transaction() as transaction:
        transaction.add(quotes([1], T0 + HOUR), QuoteTick, ID)
        transaction.add(quotes([1]), QuoteTick, ID)
        transaction.add(quotes([1]), QuoteTick, ID)
        transaction.commit()

    assert store.rows(QuoteTick, ID) == 3
    assert bid_sizes(store) == [1, 1, 1]


def test_a_row_with_other_values_is_refused_with_both(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([4], prices=[9.1]), TradeTick, ID)
    before = files(store)

    with pytest.raises(ConflictError, match=rf"{ID}.*trade_id=4 differ in price: 9\.1 and 9\.2"):
        store.write(trades([4, 5], prices=[9.2, 9.3]), TradeTick, ID)

    assert files(store) == before


def test_two_rows_of_one_table_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="differ in price"):
        Store(tmp_path).write(trades([4, 4], prices=[9.1, 9.2]), TradeTick, ID)


def test_a_trade_id_at_two_times_is_refused(tmp_path: Path) -> None:
    table = trades([4, 5, 6])
    ids = pa.chunked_array([["4", "5", "4"]])
    field = table.schema.field("trade_id")

    with pytest.raises(ConflictError, match="id 4 has two times"):
        Store(tmp_path).write(table.set_column(3, field, ids), TradeTick, ID)


def test_a_funding_rate_learns_its_interval_and_never_forgets_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bare = {"rate": np.array([0.0001]), "ts_event": np.array([T0])}
    store.write(encode.funding_table(BTC, bare), FundingRateUpdate, ID)

    known = encode.funding_table(BTC, bare | {"interval": np.array([480])})
    store.write(known, FundingRateUpdate, ID)
    store.write(encode.funding_table(BTC, bare), FundingRateUpdate, ID)

    [found] = store.catalog().query(FundingRateUpdate, identifiers=[ID])
    assert found.interval == 480


def test_aggregated_and_single_trades_do_not_mix(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([1], feed="aggTrades"), TradeTick, ID)

    with pytest.raises(StoreError, match=r"feed is aggTrades.*trades in the new rows"):
        store.write(trades([2], feed="trades"), TradeTick, ID)


def test_another_precision_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([1]), TradeTick, ID)
    other = trades([2])
    other = other.replace_schema_metadata(other.schema.metadata | {b"price_precision": b"1"})

    with pytest.raises(StoreError, match=r"price_precision is 2.*1 in the new rows"):
        store.write(other, TradeTick, ID)


def test_files_of_another_cut_are_taken_apart_and_lose_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stock = [t for i in (1, 100, 200) for t in _objects(tmp_path / str(i), [i])]
    store.path.mkdir(exist_ok=True)
    store.catalog().write_data(stock)  # one file over five days

    count = store.write(trades([100, 150]), TradeTick, ID)

    assert count == WriteCount(3, 2, 1, 4)
    assert trade_ids(store) == [1, 100, 150, 200]


def _objects(path: Path, ids: list[int]) -> list[TradeTick]:
    store = Store(path)
    store.write(trades(ids), TradeTick, ID)
    return store.catalog().query(TradeTick, identifiers=[ID])


def test_reading_takes_the_rows_between_two_stamps_both_included(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades(list(range(200))), TradeTick, ID)

    batches = store.read(TradeTick, ID, T0 + 10 * HOUR, T0 + 60 * HOUR, ["trade_id"])

    found = pa.Table.from_batches(batches)
    assert found.column_names == ["trade_id"]
    assert found["trade_id"].to_pylist() == [str(i) for i in range(20, 122)]


def test_the_catalog_says_what_it_holds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.identifiers(TradeTick) == []
    assert store.interval(TradeTick, ID) is None

    store.write(trades(list(range(200))), TradeTick, ID)

    assert store.identifiers(TradeTick) == [ID]
    assert store.interval(TradeTick, ID) == (T0, T0 + 99 * HOUR)
    assert store.rows(TradeTick, ID) == 200


def test_a_class_the_catalog_does_not_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"int.*TradeTick"):
        Store(tmp_path).write(trades([1]), int, ID)


def test_what_is_not_committed_leaves_no_trace(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([1]), TradeTick, ID)
    before = files(store)

    with store.transaction() as transaction:
        transaction.add(trades([2]), TradeTick, ID)

    assert files(store) == before
    assert not list((tmp_path / ".staging").iterdir())


@pytest.mark.parametrize("step", ["unlink", "replace"])
def test_a_commit_that_is_interrupted_is_finished_by_the_next_one_to_open(
    tmp_path: Path, step: str
) -> None:
    store = Store(tmp_path)
    store.write(trades([1, 60]), TradeTick, ID)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.write(trades([0, 61, 62]), TradeTick, ID)

    assert trade_ids(Store(tmp_path)) == [0, 1, 60, 61, 62]


@pytest.mark.parametrize("step", ["unlink", "replace"])
def test_a_commit_that_is_interrupted_once_is_finished_before_the_writer_ends(
    tmp_path: Path, step: str
) -> None:
    store = Store(tmp_path)
    store.write(trades([1, 60]), TradeTick, ID)
    original = getattr(Path, step)

    with pytest.MonkeyPatch.context() as patch:

        def interrupt(*_: object, **__: object) -> None:
            patch.setattr(Path, step, original)
            raise KeyboardInterrupt

        patch.setattr(Path, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.write(trades([0, 61, 62]), TradeTick, ID)

    assert not list((tmp_path / ".staging").iterdir())
    assert trade_ids(store) == [0, 1, 60, 61, 62]


def test_an_interruption_before_the_commit_leaves_the_catalog_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([1, 60]), TradeTick, ID)
    before = files(store)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", interrupt)  # what puts the log into its place
        with pytest.raises(KeyboardInterrupt):
            store.write(trades([0, 61, 62]), TradeTick, ID)

    assert files(Store(tmp_path)) == before


def test_a_process_that_dies_while_writing_leaves_the_catalog_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(trades([1]), TradeTick, ID)
    before = files(store)
    program = f"""
import os, signal
from nautilus_trader.model.data import TradeTick
from catalog.store import Store
store = Store({str(tmp_path)!r})
table = next(store.read(TradeTick, {ID!r}))
import pyarrow as pa
with store.transaction() as transaction:
    transaction.add(pa.Table.from_batches([table]), TradeTick, {ID!r})
    os.kill(os.getpid(), signal.SIGKILL)
"""

    died = subprocess.run([sys.executable, "-c", program], check=False)

    assert died.returncode == -9
    assert list((tmp_path / ".staging").iterdir())
    reopened = Store(tmp_path)
    assert files(reopened) == before
    assert not list((tmp_path / ".staging").iterdir())


def test_a_second_writer_is_refused_and_told_who_is_writing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    with (
        store.transaction(),
        pytest.raises(StoreError, match=f"process {os.getpid()} is writing"),
    ):
        store.write(trades([1]), TradeTick, ID)

    assert store.write(trades([1]), TradeTick, ID).rows_added == 1
