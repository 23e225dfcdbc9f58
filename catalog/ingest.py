"""Bring files of market data into the catalog, each wholly or not at all."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nautilus_trader.model.instruments import Instrument

from catalog import blocks, naming
from catalog.archives import read_archive
from catalog.instruments import find_instrument
from catalog.layout import Series
from catalog.naming import Description, Options
from catalog.parts import Part
from catalog.progress import Progress
from catalog.recordings import Recording
from catalog.store import Store, WriteCount
from catalog.tables import is_table, read_table


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """
    What became of one file.

    ``refused`` is the reason if nothing of it was written; ``skipped`` counts, by name, what
    was left out on purpose.
    """

    path: Path
    counts: dict[Series, WriteCount] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: str | None = None


def ingest(store: Store, paths: Iterable[Path], options: Options) -> Iterator[FileReport]:
    """
    Add files and whole folders to the catalog; yield a report for each file as it is done.

    A file that cannot be taken is refused as a whole, and the next one is tried.

    Raises
    ------
    FileNotFoundError
        If a path does not exist; before anything is written.

    """
    files = list(_files(paths))
    with Progress("ingest", sum(path.stat().st_size for path in files)) as progress:
        for path in files:
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
        "overlap, changes nothing. A file with a corrupt line is refused as a whole.",
        epilog="exit codes: 0 all files are in, 1 some were refused, 78 bad usage",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument("--symbol", help="such as BTCUSDT, where the name does not say it")
    parser.add_argument("--type", choices=naming.TYPES, help="where the name does not say it")
    parser.add_argument("--interval", help="of klines, such as 1m, where the name does not say it")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    options = Options(symbol=args.symbol, data_type=args.type, interval=args.interval)
    is_any_refused = False
    for report in ingest(Store(args.catalog), args.paths, options):
        is_any_refused |= report.refused is not None
        stream = sys.stdout if report.refused is None else sys.stderr
        print("\n".join(_lines(report)), file=stream)
    return int(is_any_refused)


def _lines(report: FileReport) -> Iterator[str]:
    if report.refused is not None:
        yield f"{report.path}: refused: {report.refused}"
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
