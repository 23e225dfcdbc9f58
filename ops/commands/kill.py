"""Pull a node's kill switch, and wait until it has done what was asked."""

from __future__ import annotations

import argparse
import signal
from contextlib import suppress
from pathlib import Path

from configs.cli import user_name
from ops.direct.options import add_options
from risk.kills import KillLevel

HELP = "stop a node: REDUCE (no new risk), HALT (only exits), FLATTEN (close everything)"
LEVELS = tuple(level.name for level in KillLevel)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("level", nargs="?", type=str.upper, choices=LEVELS,
        help="default: the profile's kill.level, FLATTEN where no node is known")  # fmt: skip
    add("--scope", default="account", help="account, symbol:ID or strategy:ID (default: account)")
    add("--state", type=Path, metavar="DIR", help="the node's state folder")
    add("--by", help="who pulls it (default: the user)")
    add("--reason", default="no reason given", help="why")
    add("--direct", action="store_true", help="do it here, without the node: with the key alone")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pull it; return the exit code."""
    with suppress(ValueError):  # Not in the main thread: then nobody has a terminal to lose.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    args.by = args.by or user_name()
    if args.direct:  # Neither way waits for what the other needs.
        from ops.direct.command import kill_direct as kill
    else:
        from ops.pulling import kill_by_node as kill
    return kill(args)
