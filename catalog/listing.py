"""Say what is in the catalog."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from catalog.command import existing_store
from catalog.layout import DATA_CLASSES
from catalog.store import Store


@dataclass(frozen=True, kw_only=True)
class SeriesSummary:
    """One series: first and last ``ts_init`` in ISO 8601 (UTC) and its number of rows."""

    data_cls: str
    identifier: str
    first: str
    last: str
    rows: int


def summaries(store: Store) -> Iterator[SeriesSummary]:
    """Yield what the catalog holds, class by class."""
    for data_cls in DATA_CLASSES:
        for identifier in store.identifiers(data_cls):
            interval = store.interval(data_cls, identifier)
            assert interval is not None, "Invariant: an identifier has files"
            first, last = (_iso(ns) for ns in interval)
            yield SeriesSummary(
                data_cls=data_cls.__name__,
                identifier=identifier,
                first=first,
                last=last,
                rows=store.rows(data_cls, identifier),
            )


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``list`` command."""
    parser = subparsers.add_parser(
        "list",
        help="say what is in the catalog",
        description="List each series with its first and last time (UTC) and number of rows.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    found = list(summaries(existing_store(args.catalog)))
    if args.json:
        document = {"catalog": str(args.catalog), "series": [asdict(summary) for summary in found]}
        print(json.dumps(document))  # noqa: T201 - a command prints
        return 0
    table = Table("type", "identifier", "first", "last", "rows")
    for summary in found:
        values = (summary.data_cls, summary.identifier, summary.first, summary.last)
        table.add_row(*values, f"{summary.rows:,}")
    # A pipe has no width to fit into: nothing is cut off there.
    Console(width=None if sys.stdout.isatty() else 160).print(
        table if found else f"{args.catalog} is empty"
    )
    return 0


def _iso(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
