"""How a kill from outside is asked for: nothing here waits for a heavy package."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from risk.kills import KillLevel

DEADLINE_SEC = 60.0
QUIET_SEC = 2.0
"""A node that keeps sending, and an order that cannot be found yet, show within so long."""


class Patience(NamedTuple):
    """How long a kill tries, and how long it stays to see whether it is still true, seconds."""

    deadline_sec: float = DEADLINE_SEC
    quiet_sec: float = QUIET_SEC


def level_of(named: str | None, profile: Mapping[str, Any]) -> KillLevel:
    """Return the level that was named, else the profile's ``kill.level``, else FLATTEN."""
    told = named or (profile.get("kill") or {}).get("level")
    return KillLevel.__members__.get(str(told), KillLevel.FLATTEN)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a kill from outside needs beside level, scope, who and why."""
    add = parser.add_argument
    add("--environment", choices=("demo", "live"), help="whose venue, where there is no node.json")
    add("--venue", metavar="URL", help="a local venue, http://127.0.0.1:PORT")
    add("--keys", type=Path, metavar="FILE", help="key file; default: the node's, else as it looks")
    add("--deadline", type=float, default=DEADLINE_SEC, metavar="SEC",
        help="after so long say what is left and end with 70 (default %(default)g)")  # fmt: skip
    add("--quiet-time", type=float, default=QUIET_SEC, metavar="SEC",
        help="stay so long to see whether anything comes after (default %(default)g)")  # fmt: skip
    add("--json", action="store_true", help="one JSON object on standard output; steps on stderr")
