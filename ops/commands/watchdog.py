"""Watch a node from a process of its own, and pull the kill switch when nobody else can."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "watch a node: dead, hung or blind"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = (
        "exit codes: 0 told to end, 70 the last kill left something, 78 no folder or no keys"
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR",
                        help="the node's state folder, state/TRADER-ID")  # fmt: skip
    parser.add_argument("--keys", type=Path, metavar="FILE", help="key file (default: the node's)")


def run(args: argparse.Namespace) -> int:
    """Watch until a signal; return the exit code."""
    from ops.watchdog.command import watch

    return watch(args.state, args.keys)
