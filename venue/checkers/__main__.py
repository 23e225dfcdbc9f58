"""
Judge a run from its wire log: ``python -m venue.checkers WIRE_LOG``.

Exit code 0: every rule that could be judged was kept; 1: one was broken; 2: nothing to judge.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from venue.checkers.checks import judge, show
from venue.checkers.log import CheckError, read_journal, read_limits, read_log, read_state
from venue.checkers.run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, and return the exit code."""
    args = _parser().parse_args(arguments)
    try:
        run = Run(
            log=read_log(args.wire_log, args.account),
            journal=None if args.journal is None else read_journal(args.journal),
            state=None if args.node_state is None else read_state(args.node_state),
            limits=None if args.limits is None else read_limits(args.limits),
            unprotected_ms_max=round(args.unprotected_sec_max * 1000),
            reconcile_ms=round(args.reconcile_sec * 1000),
            tolerance_ms=args.tolerance_ms,
        )
    except CheckError as error:
        print(error, file=sys.stderr)
        return 2
    verdicts = judge(run)
    show(verdicts, Console(highlight=False))
    return int(any(verdict is not None and verdict.breaches for verdict in verdicts.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m venue.checkers",
        description="Judge a run from the wire log of the local venue.",
    )
    add = parser.add_argument
    add("wire_log", type=Path, metavar="WIRE_LOG", help="the log of `python -m venue --wire-log`")
    add("--account", help="whose run it was (default: the only account of the log)")
    add("--journal", type=Path, metavar="FILE", help="the node's journal.jsonl")
    add("--node-state", type=Path, metavar="FILE", help="the node's final_state.json")
    add("--limits", type=Path, metavar="FILE", help="the profile of the node, TOML")
    add("--unprotected-sec-max", type=float, default=5.0, metavar="SECS",
        help="how long a position may be without its stop (default %(default)s)")  # fmt: skip
    add("--reconcile-sec", type=float, default=0.0, metavar="SECS",
        help="how often the node compares itself with the venue; what no event told may take that "
             "much longer to protect (default %(default)s)")  # fmt: skip
    add("--tolerance-ms", type=int, default=50, metavar="MS",
        help="how far journal and requests may differ in time (default %(default)s)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
