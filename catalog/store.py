"""The catalog on disk: Nautilus's own layout, written as a union and read as a stream."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from catalog.layout import Series, class_folder, data_files
from catalog.transaction import (
    STAGING,
    StoreError,
    Transaction,
    WriteCount,
    count_rows,
    read_rows,
    recover,
)

__all__ = ["Store", "StoreError", "WriteCount"]

_LOCK = ".lock"


class Store:
    """
    A Parquet catalog that NautilusTrader reads as it is.

    Writing is a union: what is there already stays, what is new is added, and the same rows
    given twice, in overlapping files or in any order, are there once. One process writes at a
    time; do not read while another one writes.

    Parameters
    ----------
    path : Path
        The folder of the catalog. It is made when the first rows are written.

    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        if any((self.path / STAGING).glob("*/")):
            with self._lock():
                recover(self.path)

    def write(self, table: pa.Table, data_cls: type, identifier: str) -> WriteCount:
        """
        Add rows to one series, all or none.

        Parameters
        ----------
        table : pa.Table
            Rows in the schema of ``catalog.encode``, in any order.
        data_cls : type
            TradeTick, QuoteTick, OrderBookDelta, Bar, MarkPriceUpdate or FundingRateUpdate.
        identifier : str
            The instrument id, or the bar type.

        Raises
        ------
        ConflictError
            If a row is in the catalog, or in the table, with other values.
        StoreError
            If the series holds another precision or feed, or another process is writing.

        """
        with self.transaction() as transaction:
            transaction.add(table, data_cls, identifier)
            return transaction.commit()[Series(data_cls, identifier)]

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Collect rows of any number of series; without ``commit`` nothing of it is kept."""
        with self._lock():
            recover(self.path)
            transaction = Transaction(self.path)
            try:
                yield transaction
            finally:
                transaction.rollback()
                recover(self.path)  # a commit that Ctrl-C cut off is finished at once

    def read(
        self,
        data_cls: type,
        identifier: str,
        start_ns: int | None = None,
        end_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows between two stamps (``ts_init``, both included), in order."""
        series = Series(data_cls, identifier)
        low = 0 if start_ns is None else start_ns
        high = 2**63 - 1 if end_ns is None else end_ns
        for file in data_files(self.path / series.folder):
            if file.overlaps(low, high):
                for table in read_rows(file.path, low, high, columns):
                    yield from table.to_batches()

    def rows(self, data_cls: type, identifier: str) -> int:
        """Return how many rows a series has."""
        return count_rows(self.path, Series(data_cls, identifier))

    def identifiers(self, data_cls: type) -> list[str]:
        """Return the instrument ids or bar types that have rows of a class."""
        folders = (self.path / class_folder(data_cls)).glob("*/")
        return sorted(folder.name for folder in folders if any(folder.glob("*.parquet")))

    def interval(self, data_cls: type, identifier: str) -> tuple[int, int] | None:
        """Return the first and the last ``ts_init`` of a series, or None if it is empty."""
        files = list(data_files(self.path / Series(data_cls, identifier).folder))
        return (files[0].start_ns, max(f.end_ns for f in files)) if files else None

    def instrument(self, instrument_id: InstrumentId) -> CryptoPerpetual | None:
        """Return an instrument of the catalog."""
        if not (self.path / class_folder(CryptoPerpetual) / instrument_id.value).is_dir():
            return None
        [instrument] = self.catalog().instruments(instrument_ids=[instrument_id.value])
        return instrument

    def write_instruments(self, instruments: Sequence[Instrument]) -> int:
        """Write definitions, each in the place of an earlier one; return how many changed."""
        changed = [instrument for instrument in instruments if not self._has(instrument)]
        with self.transaction() as transaction:
            for instrument in changed:
                transaction.add_instrument(instrument)
            transaction.commit()
        return len(changed)

    def catalog(self) -> ParquetDataCatalog:
        """Return the catalog as NautilusTrader opens it."""
        return ParquetDataCatalog(str(self.path))

    def _has(self, instrument: Instrument) -> bool:
        known = self.instrument(instrument.id)
        return known is not None and known.to_dict(known) == instrument.to_dict(instrument)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("a+") as file:
            try:
                # The system lets go of the lock when the process ends, however it ends.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                pid = file.read().strip()
                raise StoreError(f"{self.path}: process {pid} is writing to it") from None
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            yield
