"""What runs in a state folder, written down before anything is traded: for whoever stops it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from adapters.settings import VenueSettings
from configs.kill import traded
from configs.nodes import LiveNode
from configs.profile import Profile
from ops.node_files import read_node, read_table
from risk.state_dir import StateDir, replace_file


def write_node_record(
    live: LiveNode,
    profile: Profile,
    settings: VenueSettings,
    state_dir: Path,
    *,
    key_file: Path | None,
) -> None:
    """
    Write ``node.json``: process, venue, strategies, profile, and where the keys lie; never a key.

    It also keeps whether the run before did not end in order, until this one is up: should it fail to
    come up, what that run left at the venue has still nobody who looks after it.

    Raises
    ------
    OSError
        If it cannot be written: a node that nobody could stop from outside must not trade.

    """
    table = {
        "pid": os.getpid(),
        "trader_id": profile.trader_id,
        "mode": profile.mode,
        "environment": settings.environment,
        "rest_url": settings.rest_url,
        "ws_url": settings.ws_url,
        "symbols": list(profile.limits.symbols),
        "strategies": traded(live.node.trader.strategies()),
        "keys": None if key_file is None else str(key_file.absolute()),
        "profile": profile.model_dump(mode="json"),
        "is_after_crash": not ended_in_order(state_dir),
        "ts_ns": time.time_ns(),
    }
    replace_file(StateDir(state_dir).node, json.dumps(table, indent=1).encode())


def ended_in_order(state_dir: Path) -> bool:
    """Return whether the last node of a folder, if there was any, has said that it ended in order."""
    return not StateDir(state_dir).node.exists() or read_node(state_dir).has_ended


def note_node_ended(state_dir: Path) -> None:
    """
    Add to ``node.json`` that the node ended before it did anything, so that nobody takes it for dead.

    After a crash it is not added: the dead one is then this process instead of the one before.

    Raises
    ------
    OSError
        If it cannot be written.

    """
    path = StateDir(state_dir).node
    table = read_table(path)
    if table.get("is_after_crash"):
        return
    replace_file(path, json.dumps(table | {"ended": True}, indent=1).encode())
