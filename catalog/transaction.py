"""
Add rows to a catalog all at once or not at all.

Rows go to a staging folder first. A commit writes the list of what is to be moved and deleted
(the redo log) and only then touches the catalog. A run that stops before the log leaves the
catalog as it was; one that stops after it is finished by whoever opens the catalog next.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.model.data import FundingRateUpdate
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.serialization.arrow.serializer import ArrowSerializer

from catalog.layout import DataFile, Series, class_folder, data_files, file_name
from catalog.merge import IDENTITIES, ConflictError, merge, stamps, tidy

STAGING = ".staging"
_LOG = "commit.json"
_BATCH_ROWS = 131_072


class StoreError(ValueError):
    """The catalog cannot take what it was given."""


@dataclass(frozen=True)
class WriteCount:
    """Rows of one series around a write: ``rows_after == rows_before + rows_added``."""

    rows_before: int
    rows_in: int
    rows_added: int
    rows_after: int


@dataclass
class _Run:
    """A staged file whose rows are in order."""

    path: Path
    writer: pq.ParquetWriter
    start_ns: int
    end_ns: int
    last: pa.Table


@dataclass
class _Pending:
    """What one series has been given so far."""

    rows_in: int = 0
    metadata: dict[bytes, bytes] = field(default_factory=dict)
    runs: dict[int, list[_Run]] = field(default_factory=dict)  # by period
    open_run: _Run | None = None
    open_period: int | None = None


class Transaction:
    """Rows on their way into the catalog; nothing is visible before ``commit``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / STAGING / str(os.getpid())
        self._folder.mkdir(parents=True)
        self._pending: dict[Series, _Pending] = {}
        self._moves: list[tuple[Path, Path]] = []
        self._deletes: list[Path] = []
        self._kept: set[Path] = set()
        self._count = 0

    def add(self, table: pa.Table, data_cls: type, identifier: str) -> None:
        """
        Stage rows in any order.

        Raises
        ------
        ConflictError
            If two rows have one identity and differ.
        StoreError
            If the rows do not belong into the series: another precision or another feed.

        """
        series = Series(data_cls, identifier)
        pending = self._pending.setdefault(series, _Pending())
        pending.rows_in += table.num_rows
        if not table.num_rows:
            return
        self._check_metadata(series, pending, table.schema)
        with _naming(series):
            table = tidy(table, IDENTITIES[data_cls])
        ts, start = stamps(table), 0
        while start < len(ts):
            period = int(series.periods(ts[start : start + 1])[0])
            end = int(np.searchsorted(ts, series.period_bounds(period)[1], "right"))
            self._append(series, pending, period, table[start:end])
            start = end

    def add_instrument(self, instrument: Instrument) -> None:
        """Stage a definition, in the place of any earlier one of the same instrument."""
        table = ArrowSerializer.serialize_batch([instrument], type(instrument))
        folder = class_folder(type(instrument)) / instrument.id.value
        staged = self._new_path()
        pq.write_table(table, staged)
        self._moves.append((staged, folder / file_name(instrument.ts_init, instrument.ts_init)))
        self._deletes += (self._root / folder).glob("*.parquet")

    def commit(self) -> dict[Series, WriteCount]:
        """Put everything into the catalog and return the counts of each series."""
        plans = {series: self._plan(series, pending) for series, pending in self._pending.items()}
        deletes = [path for path in self._deletes if path not in self._kept]
        _write_log(self._root, self._folder, self._moves, deletes)
        _apply(self._root, self._folder)
        for series, count in plans.items():
            rows = count_rows(self._root, series)
            assert rows == count.rows_after, f"Invariant: {series} has {rows} rows, {count}"
        return plans

    def rollback(self) -> None:
        """Forget everything that was staged, unless it has been committed."""
        for pending in self._pending.values():
            self._close(pending)
        if not (self._folder / _LOG).exists():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _check_metadata(self, series: Series, pending: _Pending, schema: pa.Schema) -> None:
        if not pending.metadata:
            first = next(data_files(self._root / series.folder), None)
            pending.metadata = dict(pq.read_schema(first.path).metadata) if first else {}
        for key, value in schema.metadata.items():
            known = pending.metadata.setdefault(key, value)
            if known != value:
                raise StoreError(
                    f"{series}: {key.decode()} is {known.decode()} in the catalog and "
                    f"{value.decode()} in the new rows; one series holds one",
                )

    def _append(self, series: Series, pending: _Pending, period: int, table: pa.Table) -> None:
        run = pending.open_run
        follows = run is not None and pending.open_period == period
        if follows:
            # The seam of two tables is in order if its two rows are.
            seam = pa.concat_tables([run.last, table[:1]])
            with _naming(series):
                follows = tidy(seam, IDENTITIES[series.data_cls]) is seam
        if run is None or not follows:
            self._close(pending)
            run = self._open(table)
            pending.open_run, pending.open_period = run, period
            pending.runs.setdefault(period, []).append(run)
        run.writer.write_table(table)
        ts = stamps(table)
        # A copy: a slice would keep the whole table in memory.
        run.end_ns, run.last = int(ts[-1]), table.take([table.num_rows - 1])

    def _open(self, table: pa.Table) -> _Run:
        path = self._new_path()
        return _Run(path, open_writer(path, table.schema), int(stamps(table)[0]), 0, table[:0])

    def _close(self, pending: _Pending) -> None:
        if pending.open_run is not None:
            pending.open_run.writer.close()
            pending.open_run = None

    def _new_path(self) -> Path:
        self._count += 1
        return self._folder / f"{self._count}.parquet"

    def _plan(self, series: Series, pending: _Pending) -> WriteCount:
        self._close(pending)
        files = list(data_files(self._root / series.folder))
        periods, touched = self._closure(series, set(pending.runs), files)
        before = sum(pq.read_metadata(f.path).num_rows for f in files)
        removed = sum(pq.read_metadata(f.path).num_rows for f in touched)
        written = sum(
            self._plan_period(series, period, pending.runs.get(period, []), touched)
            for period in sorted(periods)
        )
        self._deletes += [f.path for f in touched]
        added = written - removed
        assert added >= 0, f"Invariant: a union never loses rows ({series}: {added})"
        return WriteCount(before, pending.rows_in, added, before + added)

    def _closure(
        self,
        series: Series,
        periods: set[int],
        files: list[DataFile],
    ) -> tuple[set[int], list[DataFile]]:
        """Add the periods of every old file that reaches into a touched one (not cut by us)."""
        while True:
            bounds = [series.period_bounds(period) for period in periods]
            touched = [f for f in files if any(f.overlaps(*bound) for bound in bounds)]
            edges = [np.array([f.start_ns, f.end_ns]) for f in touched]
            spans = [range(a, b + 1) for a, b in (series.periods(edge) for edge in edges)]
            wider = periods.union(*spans)
            if wider == periods:
                return periods, touched
            periods = wider

    def _plan_period(
        self,
        series: Series,
        period: int,
        runs: list[_Run],
        old_files: list[DataFile],
    ) -> int:
        start_ns, end_ns = series.period_bounds(period)
        old = [f for f in old_files if f.overlaps(start_ns, end_ns)]
        if len(runs) == 1 and not old:
            [run] = runs
            target = series.folder / file_name(run.start_ns, run.end_ns)
            self._moves.append((run.path, target))
            return int(pq.read_metadata(run.path).num_rows)
        sources = [(0, read_rows(f.path, start_ns, end_ns)) for f in old]
        sources += [(1, read_rows(run.path, start_ns, end_ns)) for run in runs]
        with _naming(series):
            tables = merge(sources, IDENTITIES[series.data_cls])
            path, rows, first_ns, last_ns = self._write(tables)
        target = series.folder / file_name(first_ns, last_ns)
        # A union that has not grown is what it was, but a funding rate may learn its interval.
        if _is_whole(old, target.name, rows) and series.data_cls is not FundingRateUpdate:
            self._kept.add(old[0].path)
        elif rows:
            self._moves.append((path, target))
        return rows

    def _write(self, tables: Iterator[pa.Table]) -> tuple[Path, int, int, int]:
        path, rows, first_ns, last_ns = self._new_path(), 0, 0, 0
        with ExitStack() as stack:
            writer = None
            for table in tables:
                if writer is None:
                    writer = stack.enter_context(open_writer(path, table.schema))
                    first_ns = int(stamps(table)[0])
                writer.write_table(table)
                rows, last_ns = rows + table.num_rows, int(stamps(table)[-1])
        return path, rows, first_ns, last_ns


@contextmanager
def _naming(series: Series) -> Iterator[None]:
    try:
        yield
    except ConflictError as e:
        raise ConflictError(f"{series}: {e}") from None


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file with the encodings that suit each kind of column (half the size)."""
    numbers = [n for n in ("ts_event", "ts_init", "sequence") if n in schema.names]
    texts = [n for n in ("trade_id",) if n in schema.names]
    encodings = dict.fromkeys(numbers, "DELTA_BINARY_PACKED")
    encodings |= dict.fromkeys(texts, "DELTA_BYTE_ARRAY")
    return pq.ParquetWriter(
        path,
        schema,
        use_dictionary=[name for name in schema.names if name not in encodings],
        column_encoding=encodings,
        # Only times are asked for: statistics of 16-byte numbers in byte order mean nothing.
        write_statistics=["ts_event", "ts_init"],
    )


def read_rows(
    path: Path,
    start_ns: int,
    end_ns: int,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a file between two stamps, both included, in tables of bounded size."""
    wanted = None if columns is None else list(dict.fromkeys([*columns, "ts_init"]))
    with pq.ParquetFile(path) as file:
        index = file.schema_arrow.get_field_index("ts_init")
        for group in range(file.num_row_groups):
            limits = file.metadata.row_group(group).column(index).statistics
            if limits is not None and (limits.max < start_ns or limits.min > end_ns):
                continue
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=wanted):
                table = pa.Table.from_batches([batch])
                ts = stamps(table)
                low, high = np.searchsorted(ts, start_ns), np.searchsorted(ts, end_ns, "right")
                if low < high:
                    table = table[int(low) : int(high)]
                    yield table if columns is None else table.select(list(columns))


def _is_whole(old: list[DataFile], name: str, rows: int) -> bool:
    """Return whether one old file holds as many rows between the same stamps."""
    if len(old) != 1 or old[0].path.name != name:
        return False
    return int(pq.read_metadata(old[0].path).num_rows) == rows


def count_rows(root: Path, series: Series) -> int:
    """Return the rows of a series, from the footers of its files."""
    return sum(pq.read_metadata(f.path).num_rows for f in data_files(root / series.folder))


def recover(root: Path) -> None:
    """Finish every transaction that had been committed, and forget the others."""
    for folder in sorted((root / STAGING).glob("*/")):
        if (folder / _LOG).exists():
            _apply(root, folder)
        else:
            shutil.rmtree(folder)


def _write_log(
    root: Path,
    folder: Path,
    moves: list[tuple[Path, Path]],
    deletes: list[Path],
) -> None:
    targets = {str(target) for _, target in moves}
    gone = [str(path.relative_to(root)) for path in deletes]
    log = {
        "moves": [(str(source.relative_to(root)), str(target)) for source, target in moves],
        "deletes": [path for path in gone if path not in targets],
    }
    for source, _ in moves:
        _sync(source)
    draft = folder / "commit.draft"
    draft.write_text(json.dumps(log), "utf-8")
    _sync(draft)
    draft.rename(folder / _LOG)
    _sync(folder)


def _apply(root: Path, folder: Path) -> None:
    """Do what the log says; doing it twice is doing it once."""
    log = json.loads((folder / _LOG).read_text("utf-8"))
    # Deletes come first: a reader in between sees too few rows, never the same rows twice.
    for path in log["deletes"]:
        (root / path).unlink(missing_ok=True)
    for source, target in log["moves"]:
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        if (root / source).exists():
            (root / source).replace(root / target)
    shutil.rmtree(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
