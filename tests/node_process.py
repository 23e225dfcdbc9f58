"""`run_live.py` as a process of its own, on a venue in the test's loop, in the midst of an entry."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ops.node_files import read_table
from risk.state_dir import StateDir
from tests.live_kit import ONE_TRADE, PROFILES, LiveRun, finish, start
from tests.venue_kit import local_venue, until
from venue.server import Venue

OTHERS = re.compile(r'\[limits\.symbols\."(ETH|SOL).*?(?=\n\[)', re.DOTALL)
"""One symbol is traded: the fewer, the more often their countdowns may be renewed."""
UP_SECS_MAX = 90
PRICE = Decimal(64_000)
FILLED = Decimal("0.050")
RESTING = (
    ONE_TRADE
    + """
entry_type = "LIMIT"
below_bps = 20
flatten_on_stop = false
"""
)
"""An entry that rests a little below the market, and a position that stays when the node ends."""


@dataclass
class NodeProcess:
    """The process, its folder, and the venue's truth about it."""

    folder: Path
    venue: Venue
    process: subprocess.Popen[str]

    @property
    def state(self) -> StateDir:
        return StateDir(self.folder / "state" / "REHEARSAL-001")

    def truth(self) -> dict[str, Any]:
        return self.venue.exchange.truth("main")

    def entries(self) -> list[str]:
        orders = self.truth()["open_orders"]
        return [o["client_order_id"] for o in orders if not o["reduce_only"]]

    def position(self) -> Decimal:
        return sum((Decimal(p["amt"]) for p in self.truth()["positions"]), Decimal(0))

    def stops(self) -> dict[str, Decimal]:
        """Return what each reduce-only stop that waits would sell."""
        waiting = [a for a in self.truth()["open_algos"] if a["status"] == "NEW"]
        assert all(a["reduce_only"] and a["side"] == "SELL" for a in waiting)
        return {a["client_algo_id"]: Decimal(a["qty"]) for a in waiting}

    def is_protected(self) -> bool:
        return list(self.stops().values()) == [self.position()]

    def kills(self) -> list[dict[str, Any]]:
        try:
            return json.loads(self.state.kills.read_text())
        except (OSError, ValueError):
            return []

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return what is journalled of one type; the last line may still be being written."""
        if not self.state.journal.exists():
            return []
        lines = self.state.journal.read_text().splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [row["data"] for row in rows if row["type"] == kind]

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        def alive_and_true() -> Any:
            assert self.process.poll() is None, self.process.communicate()
            return condition()

        return await until(alive_and_true, UP_SECS_MAX, what)

    async def beats(self, count: int) -> None:
        """Let the node's heart beat so often."""

        def seq() -> int:
            return read_table(self.state.heartbeat).get("seq", 0)

        wanted = seq() + count
        await self.until(lambda: seq() >= wanted, f"{count} heartbeats")

    async def half_filled(self) -> str:
        """Wait for the entry, fill a part of it, and wait for the part's stop; return its id."""
        (entry,) = await self.until(self.entries, "a resting entry")
        self.venue.exchange.on_trade(
            "BTCUSDT", PRICE * Decimal("0.997"), FILLED, is_buyer_maker=True
        )
        self.venue.wire.settle()
        await self.until(lambda: self.position() == FILLED and self.is_protected(), "its stop")
        return entry

    async def end(self) -> LiveRun:
        """Tell it to end in order, and wait for that."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(finish, self.process, self.folder)


@asynccontextmanager
async def node_process(
    folder: Path, *changes: tuple[str, str], **streams: Any
) -> AsyncIterator[NodeProcess]:
    """
    Start a node that leaves an entry resting on a venue whose market stands still.

    *streams* are for ``Popen``, see `tests.live_kit.start`.

    """
    text = (PROFILES / "rehearsal.toml").read_text().split("[[strategies]]")[0]
    text = OTHERS.sub("", text) + RESTING
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    profile = folder / "own.toml"
    profile.write_text(text)
    async with local_venue(symbols=("BTCUSDT",), keys_dir=folder) as venue:
        process = start(
            folder, "--profile", profile, "--venue", venue.rest_url,
            "--keys", folder / "main.env", **streams,
        )  # fmt: skip
        try:
            yield NodeProcess(folder, venue, process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            if process.stdout is None or not process.stdout.closed:
                process.communicate()
