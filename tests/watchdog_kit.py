"""A watchdog over an account at a local venue, and a process that beats as a node does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.notify import Notifier
from ops.watchdog.watch import Watchdog
from risk.state_dir import StateDir
from tests.direct_kit import Account, full_account
from tests.venue_kit import ROOT, until

BTC = "BTCUSDT-PERP.BINANCE"
BEATER = """
import json, os, sys, time
path, more = sys.argv[1], json.loads(sys.argv[2])
for seq in range(1, 4000):
    now = time.monotonic_ns()
    beat = {"pid": os.getpid(), "seq": seq, "ts_ns": time.time_ns(), "mono_ns": now,
            "gate_mono_ns": now, "feeds": {}, "is_user_stream_up": True, "positions": {},
            "state": "ACTIVE", "loop_lag_ms": 0.0, "is_ended": False} | more
    with open(path + ".new", "w") as file:
        json.dump(beat, file)
    os.replace(path + ".new", path)
    time.sleep(0.02)
"""
"""A process that is nothing but a heartbeat: it can be stopped and killed without any trading."""


@dataclass
class Watched:
    """A watchdog in this loop, what it wrote, and the account that it watches."""

    state: StateDir
    full: Account
    watchdog: Watchdog
    node: subprocess.Popen[bytes] | None = None

    def events(self, kind: str) -> list[dict[str, Any]]:
        path = self.state.path / "watchdog.jsonl"
        if not path.exists():
            return []
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [row for row in rows if row["kind"] == kind]

    @property
    def verdict(self) -> str | None:
        return json.loads(self.state.watchdog.read_text())["verdict"]

    async def hears(self, kind: str, text: str = "", secs: float = 20) -> None:
        await until(
            lambda: any(text in row["text"] for row in self.events(kind)), secs, f"{kind} {text}"
        )

    async def thinks(self, verdict: str) -> None:
        await until(lambda: self.verdict == verdict, 20, f"verdict {verdict}")

    async def turns(self, count: int) -> None:
        """Wait until the watchdog has turned so often."""
        for _ in range(count):
            before = self.state.watchdog.stat().st_mtime_ns
            await until(lambda b=before: self.state.watchdog.stat().st_mtime_ns != b)

    def signal(self, number: int) -> None:
        self.node.send_signal(number)


def write_node(
    state: StateDir, full: Account, pid: int, symbols: Sequence[str] = (BTC,), *,
    mode: str = "rehearsal", **profile: Any,
) -> None:  # fmt: skip
    """Write what a node says about itself, with a key file of the account."""
    own = full.venue.keys.of(full.name)
    keys = state.path / "keys.env"
    keys.touch(mode=0o600)
    keys.write_text(f"BINANCE_API_KEY={own.key}\nBINANCE_API_SECRET={own.secret}\n")
    watchdog = {"heartbeat_ms_max": 500, "grace_sec": 1, "level": "FLATTEN"} | profile
    table = {
        "pid": pid, "trader_id": "T-001", "mode": mode, "environment": "local",
        "rest_url": full.venue.rest_url, "ws_url": full.venue.ws_url, "symbols": symbols,
        "strategies": {"Ema-001": BTC}, "keys": str(keys), "ts_ns": 0,
        "profile": {"watchdog": watchdog, "venue": {"data_silence_sec_max": 10}},
    }  # fmt: skip
    state.node.write_text(json.dumps(table))


@contextmanager
def beating(state: StateDir, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that beats until the block ends; *more* goes into each beat."""
    command = [sys.executable, "-c", BEATER, str(state.heartbeat), json.dumps(more)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def watched(
    folder: Path, *, entries: int = 2, beat: dict[str, Any] | None = None, **profile: Any
) -> AsyncIterator[Watched]:
    """Yield a watchdog that has found a beating node and an account with a protected position."""
    state = StateDir(folder)
    async with full_account(entries=entries) as full:
        with beating(state, **(beat or {})) as process:
            write_node(state, full, process.pid, **profile)
            async with watching(state, full) as seen:
                seen.node = process
                await seen.hears("NODE")
                yield seen


@asynccontextmanager
async def watched_naked(
    folder: Path, full: Account, symbols: Sequence[str], **profile: Any
) -> AsyncIterator[Watched]:
    """Yield a watchdog over a beating node, whose positions in *symbols* have lost their stops."""
    state = StateDir(folder)
    for symbol in symbols:
        await full.rest.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol=symbol)
    with beating(state) as process:
        traded = [f"{symbol}-PERP.BINANCE" for symbol in symbols]
        write_node(state, full, process.pid, traded, **profile)
        async with watching(state, full) as seen:
            seen.node = process
            yield seen


@asynccontextmanager
async def watching(state: StateDir, full: Account) -> AsyncIterator[Watched]:
    """Run a watchdog on a state folder until the block ends."""
    watchdog, stop = Watchdog(state, None, Notifier({})), asyncio.Event()
    task = asyncio.create_task(watchdog.run(stop))
    seen = Watched(state, full, watchdog)
    try:
        await until(state.watchdog.exists)
        yield seen
    finally:
        stop.set()
        await task
