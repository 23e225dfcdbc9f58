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
from ops.node_files import read_table
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
        "ts_ns": time.time_ns(),
    }
    replace_file(StateDir(state_dir).node, json.dumps(table, indent=1).encode())


def note_node_ended(state_dir: Path) -> None:
    """
    Add to ``node.json`` that the node ended before it did anything, so that nobody takes it for dead.

    Raises
    ------
    OSError
        If it cannot be written.

    """
    path = StateDir(state_dir).node
    table = read_table(path) | {"ended": True}
    replace_file(path, json.dumps(table, indent=1).encode())
