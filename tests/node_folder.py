"""A state folder as a node leaves it, for the tests of what is read from outside."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from actors.snapshot import Snapshot
from risk.journal import Journal
from risk.kills import Kill
from risk.latch import Latch
from risk.state_dir import StateDir
from risk.state_machine import StateMachine
from risk.trading_state import TradingState
from tests.ops_kit import snapshot

BTC, ETH = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"
LIMITS = {
    "symbols": {
        key: {
            "sides": ["BUY", "SELL"], "order_qty_max": "0.5", "order_notional_usdt_max": "10000",
            "position_notional_usdt_max": "20000",
        }
        for key in (BTC, ETH)
    },
    "portfolio": {
        "gross_notional_usdt_max": "25000", "net_notional_usdt_max": "15000", "leverage_max": "1",
    },
}  # fmt: skip


def folder_of(path: Path, *kills: Kill, cause: str | None = None, **kill_section: Any) -> StateDir:
    """Return the folder of a node that ran, was killed by *kills*, or tripped for *cause*."""
    folder = StateDir(path / "state")
    folder.path.mkdir(parents=True)
    journal = Journal(folder.journal, sync="flush")
    journal.append("profile", 1, {"hash": "h", "profile": {}})
    journal.close()
    machine = StateMachine()
    if cause is not None:
        machine.trip(TradingState.HALTED, cause=cause, by="breaker", ts_ns=1)
    for kill in kills:
        machine.kill(kill)
    Latch(folder.latch).write(
        machine.state, machine.causes, by="node", reason="as it is", ts_ns=1, kills=machine.kills
    )
    table = {
        "pid": 2**22 + 1, "trader_id": "TESTER-001", "mode": "rehearsal", "environment": "local",
        "rest_url": "http://127.0.0.1:1", "ws_url": "ws://127.0.0.1:1", "symbols": [BTC, ETH],
        "strategies": {"ONE-001": BTC}, "keys": None,
        "profile": {"limits": LIMITS, "kill": {"level": "FLATTEN"} | kill_section}, "ts_ns": 1,
    }  # fmt: skip
    folder.node.write_text(json.dumps(table))
    return folder


def enliven(folder: StateDir, *, age_ms: float = 0, **status: Any) -> None:
    """Let this very process be the node, with a heartbeat and a status."""
    table = json.loads(folder.node.read_text()) | {"pid": os.getpid()}
    folder.node.write_text(json.dumps(table))
    mono_ns = time.monotonic_ns() - int(age_ms * 1e6)
    beat = {"pid": os.getpid(), "seq": 1, "mono_ns": mono_ns, "gate_mono_ns": mono_ns}
    folder.heartbeat.write_text(json.dumps(beat | {"loop_lag_ms": 0.1, "is_ended": False}))
    told: Snapshot = snapshot(ts_ns=time.time_ns(), **status)
    folder.status.write_bytes(msgspec.json.encode(told))
