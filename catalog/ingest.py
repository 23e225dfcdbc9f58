"""Bring files of market data into the catalog, each wholly or not at all."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nautilus_trader.model.instruments import Instrument

from catalog import blocks, naming, symbols
from catalog.archives import read_archive
from catalog.command import counted
from catalog.instruments import find_instrument
from catalog.intervals import INTERVALS
from catalog.layout import Series
from catalog.naming import Description, Options, UnknownKindError
from catalog.parts import Part
from catalog.progress import Progress
from catalog.recordings import Recording
from catalog.store import Store, WriteCount
from catalog.tables import is_table, read_table


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """
    What became of one file.

    ``refused`` is the reason if it should have been taken and nothing of it was written;
    ``passed_over`` is the reason if it lies in a folder and is of no known kind, which is no
    fault. ``skipped`` counts, by name, what was left out on purpose of a file that was taken.
    """

    path: Path
    counts: dict[Series, WriteCount] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: str | None = None
    passed_over: str | None = None

    @property
    def is_taken(self) -> bool:
        """Return whether its data are in the catalog."""
        return self.refused is None and self.passed_over is None


def ingest(store: Store, paths: Sequence[Path], options: Options) -> Iterator[FileReport]:
    """
    Add files and whole folders to the catalog; yield a report for each file as it is done.

    A file that cannot be taken is refused as a whole, and the next one is tried. A file of no
    known kind is passed over in a folder, and refused where *paths* names it itself.

    Raises
    ------
    FileNotFoundError
        If a path does not exist; before anything is written.

    """
    named = set(paths)
    files = list(_files(paths))
    with Progress("ingest", sum(path.stat().st_size for path in files)) as progress:
        for path in files:
            if path not in named and (reason := _unknown_kind(path, options)) is not None:
                yield FileReport(path=path, passed_over=reason)
            else:
                yield ingest_file(store, path, options, progress.advance)


def ingest_file(
    store: Store,
    path: Path,
    options: Options,
    advance: Callable[[float], None] = lambda _: None,
) -> FileReport:
    """Add one file to the catalog, or refuse it with the reason."""
    try:
        description = naming.describe(path.absolute(), options)
        blocks.verify_checksum(path)
        instrument = find_instrument(store, description.instrument_id)
        skipped: Counter[str] = Counter()
        with (
            closing(blocks.blocks(path, advance)) as text,
            closing(_ahead(_parts(path, text, description, instrument, skipped))) as parts,
            store.transaction() as transaction,
        ):
            if store.instrument(instrument.id) is None:
                transaction.add_instrument(instrument)
            for part in parts:
                transaction.add(part.table, part.data_cls, part.identifier)
            counts = transaction.commit()
    except (ValueError, OSError) as e:
        return FileReport(path=path, refused=str(e))
    return FileReport(path=path, counts=counts, skipped=skipped)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``ingest`` command."""
    parser = subparsers.add_parser(
        "ingest",
        help="bring files of market data into the catalog",
        description="Add files and folders to the catalog: archives of data.binance.vision for "
        "USD-M futures (zip or csv), tables of bars, mark prices or funding rates (csv, feather "
        "or parquet) and recorded websocket messages. Adding the same file again, or files that "
        "overlap, changes nothing. A file with a corrupt line is refused as a whole; a file of "
        "no known kind is skipped if it lies in a folder.",
        epilog="exit codes: 0 done, 1 some files were refused, 78 bad usage, 130 interrupted",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument("--symbol", help="such as BTCUSDT, where the name does not say it")
    parser.add_argument("--type", choices=naming.TYPES, help="where the name does not say it")
    parser.add_argument(
        "--interval", choices=INTERVALS, help="of klines, where the name does not say it"
    )
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    if args.symbol is not None:
        symbols.instrument_id(args.symbol)  # a wrong one is told once, not for every file
    options = Options(symbol=args.symbol, data_type=args.type, interval=args.interval)
    reports = []
    for report in ingest(Store(args.catalog), args.paths, options):
        reports.append(report)
        stream = sys.stdout if report.is_taken else sys.stderr
        print("\n".join(_lines(report)), file=stream)
    print(summary(reports))  # noqa: T201 - a command prints
    return int(any(report.refused is not None for report in reports))


def summary(reports: Sequence[FileReport]) -> str:
    """Return in one line what became of all files."""
    taken = sum(report.is_taken for report in reports)
    rows = sum(count.rows_added for report in reports for count in report.counts.values())
    files, new = counted(taken, "file"), counted(rows, "new row")
    return f"{files} taken, {len(reports) - taken} not, {new}"


def _lines(report: FileReport) -> Iterator[str]:
    if report.refused is not None:
        yield f"{report.path}: refused: {report.refused}"
        return
    if report.passed_over is not None:
        yield f"{report.path}: skipped: {report.passed_over}"
        return
    for series, count in report.counts.items():
        rows = f"{count.rows_in} rows, {count.rows_added} new, {count.rows_after} in the catalog"
        yield f"{report.path}: {series}: {rows}"
    for name, times in report.skipped.items():
        yield f"{report.path}: skipped {times} x {name}"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        yield from (p for p in found if p.suffix != ".CHECKSUM")


def _unknown_kind(path: Path, options: Options) -> str | None:
    """Return why a file is of no known kind, None for every other one, good or bad."""
    try:
        naming.describe(path.absolute(), options)
    except UnknownKindError as e:
        return str(e)
    except ValueError:
        return None  # of a known kind, and refused for another reason
    return None


def _parts(
    path: Path,
    text: Iterator[bytes],
    description: Description,
    instrument: Instrument,
    skipped: Counter[str],
) -> Iterator[Part]:
    if description.data_type == naming.RECORDING:
        return Recording(instrument, skipped).parts(text)
    if is_table(path):
        return read_table(path, description, instrument)
    return read_archive(text, description, instrument)


def _ahead[T](items: Iterator[T]) -> Generator[T]:
    """Yield the items while a thread already makes the next one: Arrow lets both run."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item
