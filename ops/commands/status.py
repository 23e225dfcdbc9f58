"""Show how a node is: one screen, or JSON for a machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK, TEMPORARY
from ops.node_files import NodeFiles, read_node, read_table
from risk.latch import Latch, LatchError
from risk.trading_state import TradingState

HELP = "show state, kills, positions, limits and heartbeat of a node"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("--state", type=Path, metavar="DIR", required=True, help="the node's state folder")
    add("--json", action="store_true", help="everything that the files say, as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Show it; return 0 when all is well, 70 when trading is tripped, 75 without a living node."""
    if not args.state.is_dir():
        print(f"--state = {args.state}: no such folder")
        return BAD_CONFIGURATION
    node = read_node(args.state)
    status, latch = read_table(node.folder.status), _latch(node)
    code = _code(node, latch)
    if args.json:
        print(json.dumps(_facts(node, status, latch, code)))
        return code
    from rich.console import Console  # only a person waits for it

    from ops.status_screen import status_lines

    console = Console(highlight=False)
    for line in status_lines(node, status, latch):
        console.print(line)
    return code


def _latch(node: NodeFiles) -> dict[str, Any]:
    """Return the latch as plain values; one that cannot be read counts as HALTED."""
    try:
        view = Latch(node.folder.latch).read()
    except LatchError as e:
        return {"state": "HALTED", "causes": [f"LATCH_UNREADABLE: {e}"], "kills": []}
    return view._asdict() | {
        "state": view.state.name, "kills": [kill.row() for kill in view.kills],
    }  # fmt: skip


def _code(node: NodeFiles, latch: dict[str, Any]) -> int:
    if node.trouble is not None:
        return TEMPORARY
    is_tripped = latch["state"] != TradingState.ACTIVE.name or latch["kills"]
    return BROKEN_INVARIANT if is_tripped else OK


def _facts(
    node: NodeFiles, status: dict[str, Any], latch: dict[str, Any], code: int
) -> dict[str, Any]:
    return {
        "exit_code": code,
        "trouble": node.trouble,
        "heartbeat_age_ms": node.heartbeat_age_ms,
        "node": {key: value for key, value in node.node.items() if key != "profile"},
        "latch": latch,
        "heartbeat": node.heartbeat,
        "status": status,
        "watchdog": read_table(node.folder.watchdog),
    }
