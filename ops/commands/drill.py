"""Run a named drill against a venue on this machine, and write a dated report."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, INTERRUPTED, OK

if TYPE_CHECKING:
    from ops.drills.report import DrillReport

HELP = "play an incident against a local venue and judge what happens"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = (
        "exit codes: 0 passed, 70 failed, 78 not run (the text says why), 130 interrupted"
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help="which drill")
    what.add_argument("--all", action="store_true", help="every drill, one after another")
    what.add_argument("--list", action="store_true", help="show the drills")
    add("--out", type=Path, default=Path("drills"), metavar="DIR",
        help="where its folder with the report goes (default: drills)")  # fmt: skip
    add("--profile", type=Path, metavar="FILE",
        help="a profile of mode rehearsal (default: configs/profiles/drill.toml)")  # fmt: skip
    add("--json", action="store_true", help="the report as one JSON object, and nothing else")


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from configs.profile import ProfileError
    from ops.drills.catalogue import DRILLS

    if args.list:
        for drill in DRILLS.values():
            print(f"{drill.name:22}{drill.about}")
        return OK
    if not args.all and args.name not in DRILLS:
        print(f"NAME = {args.name!r}: no such drill; known are {', '.join(DRILLS)}")
        return BAD_CONFIGURATION
    try:
        reports = _run_all(tuple(DRILLS) if args.all else (args.name,), args)
    except (ProfileError, OSError) as e:
        print(f"bad configuration: {e}")
        return BAD_CONFIGURATION
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted: no verdict; all that was started has ended")
        return INTERRUPTED
    if args.json:
        rows = [report.row() for report in reports]
        print(json.dumps(rows if args.all else rows[0]))
    elif args.all:
        _show(reports)
    return _code(reports)


def _run_all(names: tuple[str, ...], args: argparse.Namespace) -> list[DrillReport]:
    """Run drills one after another."""
    from ops.drills.catalogue import DRILLS
    from ops.drills.run import PROFILE, run_drill

    def say(line: str) -> None:
        if not args.json:
            print(line, flush=True)

    reports = []
    for drill in (DRILLS[name] for name in names):
        say(f"{drill.name}: {drill.about}")
        report, folder = run_drill(drill, args.out, args.profile or PROFILE, say)
        reports.append(report)
        say(f"{report.verdict.upper()}{': ' * bool(report.reason)}{report.reason}")
        say(f"report: {folder}/report.md")
    return reports


def _show(reports: list[DrillReport]) -> None:
    print(f"\n{'drill':22}{'verdict':10}{'seconds':>8}  checks")
    for report in reports:
        checks = sum(step.is_as_expected is not None for step in report.steps)
        seconds = report.took_ms / 1_000
        print(f"{report.name:22}{report.verdict:10}{seconds:8.1f}  {checks}  {report.reason[:100]}")


def _code(reports: list[DrillReport]) -> int:
    codes = {report.exit_code for report in reports}
    return next((c for c in (BROKEN_INVARIANT, BAD_CONFIGURATION) if c in codes), OK)
