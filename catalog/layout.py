"""Where a series lies in the catalog, and how it is cut into files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.persistence.catalog.parquet import (
    _parse_filename_timestamps,
    _timestamps_to_filename,
)
from nautilus_trader.persistence.funcs import class_to_filename, urisafe_identifier

# The calendar unit (numpy's letter: day, month, year, UTC) one file of a class may span. A cut
# by the calendar keeps the intervals of the files apart, which Nautilus demands.
_FILE_UNIT = {
    TradeTick: "D",
    QuoteTick: "D",
    OrderBookDelta: "D",
    Bar: "M",
    MarkPriceUpdate: "M",
    FundingRateUpdate: "Y",
}
DATA_CLASSES = tuple(_FILE_UNIT)

Stamps = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Series:
    """Rows of one class for one instrument or bar type: one folder of the catalog."""

    data_cls: type
    identifier: str

    def __post_init__(self) -> None:
        if self.data_cls not in _FILE_UNIT:
            names = ", ".join(c.__name__ for c in DATA_CLASSES)
            raise ValueError(f"data class {self.data_cls.__name__!r} is not one of {names}")

    def __str__(self) -> str:
        return f"{self.data_cls.__name__} {self.identifier}"

    @property
    def folder(self) -> Path:
        """Return the folder, relative to the catalog."""
        return class_folder(self.data_cls) / urisafe_identifier(self.identifier)

    def periods(self, ts: Stamps) -> Stamps:
        """Return the number of the calendar unit (since 1970) each stamp falls in."""
        unit = _FILE_UNIT[self.data_cls]
        return ts.view("datetime64[ns]").astype(f"datetime64[{unit}]").astype(np.int64)

    def period_bounds(self, period: int) -> tuple[int, int]:
        """Return the first and the last nanosecond of a calendar unit."""
        unit = _FILE_UNIT[self.data_cls]
        edges = np.array([period, period + 1]).astype(f"datetime64[{unit}]")
        start, end = edges.astype("datetime64[ns]").astype(np.int64)
        return int(start), int(end) - 1


@dataclass(frozen=True, order=True)
class DataFile:
    """One Parquet file and the interval its name states, both ends included."""

    start_ns: int
    end_ns: int
    path: Path

    def overlaps(self, start_ns: int, end_ns: int) -> bool:
        """Return whether the file may hold rows of an interval, both ends included."""
        return self.start_ns <= end_ns and start_ns <= self.end_ns


def class_folder(data_cls: type) -> Path:
    """Return the folder of a class, relative to the catalog."""
    return Path("data") / class_to_filename(data_cls)


def file_name(start_ns: int, end_ns: int) -> str:
    """Return the name of a file that holds an interval, both ends included."""
    name: str = _timestamps_to_filename(start_ns, end_ns)
    return name


def data_files(folder: Path) -> Iterator[DataFile]:
    """Yield the files of a series in order of time."""
    found = []
    for path in folder.glob("*.parquet"):
        interval = _parse_filename_timestamps(str(path))
        if interval is None:
            raise ValueError(f"{path}: the name does not state an interval")
        found.append(DataFile(*interval, path))
    yield from sorted(found)
