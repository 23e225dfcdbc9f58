"""Download archives of market data: concurrent, resumable, verified, and honest about gaps."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from catalog import symbols, vision
from catalog.command import counted, parse_day
from catalog.fetch import Outcome, Patience, Status, fetch
from catalog.ingest import ingest, summary
from catalog.intervals import INTERVALS
from catalog.naming import Options
from catalog.progress import Progress
from catalog.store import Store
from catalog.vision import RemoteFile, Series

DEFAULT_OUT = Path("data/download")
JOBS = 4


class DownloadError(ValueError):
    """A request that makes no sense; the text names the option, the value and the rule."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where archives come from, where they go, and with how much patience."""

    base_url: str
    out: Path
    patience: Patience = field(default_factory=Patience)

    def path(self, file: RemoteFile) -> Path:
        """Return where *file* is kept: the source's own folders under ``out``."""
        return self.out / file.path

    def url(self, file: RemoteFile) -> str:
        """Return the address of *file*."""
        return f"{self.base_url.rstrip('/')}/{file.path}"


Outcomes = dict[RemoteFile, Outcome]


def download(
    wanted: Iterable[Series], span: tuple[date, date], source: Source, today: date
) -> Outcomes:
    """
    Bring every archive of *wanted* in *span* (both days included) and say how each ended.

    Where a month's archive does not exist (the venue makes it days after the month's end) its
    days are tried one by one, so what is reported missing is a day, or a month for data that
    come by the month only.
    """
    owners = {file: series for series in wanted for file in vision.plan(series, *span, today)}
    outcomes = _fetch_all(owners, source)
    months = [
        file
        for file, outcome in outcomes.items()
        if outcome.status is Status.MISSING and file.has_daily
    ]
    for month in months:
        del outcomes[month]
    by_day = [day for m in months for day in vision.days(owners[m], m.first_day, m.last_day)]
    outcomes |= _fetch_all(by_day, source)
    return dict(sorted(outcomes.items(), key=lambda item: item[0].name))


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``download`` command."""
    parser = subparsers.add_parser(
        "download",
        help="download archives from data.binance.vision or a mirror of it",
        description="Download archives, by the month where a whole month is over and by the day "
        "otherwise. Run it again to continue: what is whole and verified is not fetched twice.",
    )
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="for example BTCUSDT")
    parser.add_argument("--type", dest="data_type", required=True, choices=vision.TYPES)
    parser.add_argument("--interval", choices=INTERVALS, help="for klines: 1m, 5m, 1h...")
    parser.add_argument("--from", dest="first_day", required=True, type=parse_day, metavar="DAY")
    parser.add_argument("--to", dest="last_day", required=True, type=parse_day, metavar="DAY")
    parser.add_argument("--base-url", default=vision.BASE_URL, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
    parser.add_argument("--ingest", action="store_true", help="then ingest it into the catalog")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    today = datetime.now(UTC).date()  # noqa: TID251 - which months are over is a fact of the world
    wanted = list(_requested(args, today))
    source = Source(base_url=args.base_url, out=args.out)
    outcomes = download(wanted, (args.first_day, args.last_day), source, today)
    is_complete = _report(outcomes)
    if args.ingest:
        here = [file for file, outcome in outcomes.items() if outcome.is_here]
        is_complete &= _ingest(args, [source.path(file) for file in here])
    return 0 if is_complete else 1


def _ingest(args: argparse.Namespace, paths: list[Path]) -> bool:
    """Add what is here to the catalog; return whether all of it could be taken."""
    # Archives of klines and of mark price klines bear the same names: say which they are.
    options = Options(data_type=args.data_type, interval=args.interval)
    reports = []
    for report in ingest(Store(args.catalog), paths, options):
        reports.append(report)
        if report.refused is not None:
            print(f"{report.path}: refused: {report.refused}", file=sys.stderr)  # noqa: T201
    print(summary(reports))  # noqa: T201 - a command prints
    return all(report.is_taken for report in reports)


def _requested(args: argparse.Namespace, today: date) -> Iterator[Series]:
    if urlsplit(args.base_url).scheme not in ("http", "https"):
        raise DownloadError(f"--base-url {args.base_url!r} must begin with http:// or https://")
    if args.first_day > args.last_day:
        raise DownloadError(f"--from {args.first_day} must not be after --to {args.last_day}")
    if args.last_day >= today:
        raise DownloadError(f"--to {args.last_day} must lie before today, {today} (UTC)")
    if (args.data_type in vision.KLINE_TYPES) != (args.interval is not None):
        needs = "needs" if args.interval is None else "takes no"
        raise DownloadError(f"--type {args.data_type} {needs} --interval")
    for text in args.symbols:
        symbol = symbols.raw_symbol(symbols.instrument_id(text))
        yield Series(symbol=symbol, data_type=args.data_type, interval=args.interval)


def _report(outcomes: Outcomes) -> bool:
    """Print what came and what did not; return whether everything is here."""
    lacking = {file: outcome for file, outcome in outcomes.items() if not outcome.is_here}
    for file, outcome in lacking.items():
        print(f"{outcome.status}: {file.name}: {outcome.reason}", file=sys.stderr)  # noqa: T201
    counts = Counter(outcome.status for outcome in outcomes.values())
    text = ", ".join(f"{counts[status]} {status}" for status in Status)
    print(f"{counted(len(outcomes), 'file')}: {text}")  # noqa: T201 - a command prints
    return not lacking


def _fetch_all(files: Iterable[RemoteFile], source: Source) -> Outcomes:
    wanted = list(files)
    with _workers() as (pool, stop), Progress("download", total=len(wanted)) as progress:
        running = {
            pool.submit(fetch, source.url(file), source.path(file), source.patience, stop): file
            for file in wanted
        }
        outcomes = {}
        for done in as_completed(running):
            outcomes[running[done]] = done.result()
            progress.advance(1)
    return outcomes


@contextmanager
def _workers() -> Iterator[tuple[ThreadPoolExecutor, Event]]:
    """Yield a pool whose work ends at once, with the parts kept, when the caller is interrupted."""
    stop = Event()
    pool = ThreadPoolExecutor(JOBS, thread_name_prefix="download")
    try:
        yield pool, stop
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
