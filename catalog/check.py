"""The command that judges what is in the catalog: ``python -m catalog check``."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table

from catalog import demo, symbols
from catalog.command import counted, existing_store, parse_day
from catalog.layout import DATA_CLASSES
from catalog.progress import Progress
from catalog.quality import DayReport, bad_days_of, check


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``check`` command."""
    parser = subparsers.add_parser(
        "check",
        help="judge every day of the catalog",
        description="Judge every day of the catalog, or of some symbols and days: gaps, "
        "duplicates, disorder, impossible values, wrong prints. Backtests refuse bad days "
        "unless the profile waives them. Exit code 1 when there are any.",
    )
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="default: all")
    parser.add_argument("--from", dest="first_day", type=parse_day, metavar="DAY")
    parser.add_argument("--to", dest="last_day", type=parse_day, metavar="DAY")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    if args.first_day and args.last_day and args.first_day > args.last_day:
        raise ValueError(f"--from {args.first_day} must not be after --to {args.last_day}")
    ids = [symbols.instrument_id(text) for text in args.symbols] or None
    start = args.first_day and datetime.combine(args.first_day, time(), UTC)
    end = args.last_day and datetime.combine(args.last_day + timedelta(1), time(), UTC)
    store = existing_store(args.catalog)
    held = sum(
        store.rows(c, identifier) for c in DATA_CLASSES for identifier in store.identifiers(c)
    )
    reports = []
    with Progress("check", total=held) as progress:
        for report in check(store, ids, start, end):
            reports.append(report)
            progress.advance(report.rows)
    if not reports:
        raise ValueError(f"--catalog {args.catalog} has no data of these symbols in these days")
    bad = bad_days_of(reports)
    if args.json:
        print(json.dumps(_document(str(args.catalog), reports)))  # noqa: T201 - a command prints
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(_table(reports))
        print(counted(len(bad), "bad day") if bad else "no bad days")  # noqa: T201 - as above
        outage = demo.outage_day(args.catalog)
        if any(bad_day.day == outage for bad_day in bad):
            print(f"{outage}: the demo's outage is meant to be there")  # noqa: T201 - as above
    return 1 if bad else 0


def _table(reports: list[DayReport]) -> Table:
    """Return a table with a line a series, and one for all days in a row with equal findings."""
    table = Table("type", "identifier", "days", "rows", "verdict", "findings")
    for (data_type, identifier), of_series in groupby(reports, _series):
        days = list(of_series)
        bad = sum(report.is_bad for report in days)
        table.add_section()
        verdict = f"[red]{bad} bad[/red]" if bad else "[green]fine[/green]"
        rows = f"{sum(report.rows for report in days):,}"
        table.add_row(data_type, identifier, _days(days), rows, verdict, "")
        for findings, same in groupby(days, lambda report: "; ".join(map(str, report.findings))):
            group = list(same)
            if findings:
                verdict = "[red]bad[/red]" if group[0].is_bad else "usable"
                rows = f"{sum(report.rows for report in group):,}"
                table.add_row("", "", _days(group), rows, verdict, findings)
    return table


def _series(report: DayReport) -> tuple[str, str]:
    return report.data_type, report.identifier


def _days(days: list[DayReport]) -> str:
    first, last = days[0].day, days[-1].day
    return f"{first}" if first == last else f"{first} .. {last}"


def _document(catalog: str, reports: list[DayReport]) -> dict[str, Any]:
    return {
        "catalog": catalog,
        "bad_days": [
            {"instrument_id": bad.instrument_id, "day": str(bad.day), "reasons": bad.reasons}
            for bad in bad_days_of(reports)
        ],
        "days": [
            {
                "type": report.data_type,
                "identifier": report.identifier,
                "day": str(report.day),
                "rows": report.rows,
                "is_bad": report.is_bad,
                "findings": [asdict(finding) for finding in report.findings],
            }
            for report in reports
        ],
    }
