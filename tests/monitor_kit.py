"""A guarded node with a position monitor before a local venue, its faults at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.model.orders import Order

from actors.position_monitor import PositionMonitor, attach_monitor
from tests.guarded_kit import GuardedNode, Trader, node_on
from tests.hop_kit import BTC
from tests.venue_kit import account, client, local_venue
from venue.checkers.log import read_log
from venue.checkers.protection import Episode, episodes_of
from venue.checkers.run import Run
from venue.server import Venue
from venue.wire.hooks import Reaction, RequestInfo

QTY = Decimal("0.010")
"""What `Monitored.enter` buys unless told otherwise."""
PROTECTION: dict[str, Any] = {
    "unprotected_ms_max": 1_000,
    "stop_grace_ms_max": 400,
    "verify_ms": 200,
    "liquidation_distance_bps_min": Decimal(300),
    "margin_ratio_max": Decimal("0.5"),
}


class Heard:
    """The venue's faults, and every request that came to them."""

    def __init__(self, faults: Any) -> None:
        self.seen: list[RequestInfo] = []
        self._faults = faults

    def on_request(self, request: RequestInfo) -> Reaction | None:
        self.seen.append(request)
        reaction: Reaction | None = self._faults.on_request(request)
        return reaction

    def __getattr__(self, name: str) -> Any:
        return getattr(self._faults, name)


@dataclass
class Monitored:
    """A running node, its monitor, and the venue's truth."""

    node: GuardedNode
    monitor: PositionMonitor
    wire_log: Path
    seen: list[RequestInfo]

    @property
    def venue(self) -> Any:
        return self.node.venue

    def fault(self, name: str, **keys: Any) -> None:
        """Let the venue do it, from its next tick on."""
        self.venue.fault(name, keys)

    def struck(self, name: str) -> bool:
        """Return whether a fault has been done or met."""
        return any(row["name"] == name and row["hits"] for row in self.venue.faults.listing())

    def sent(self, path: str, **params: str) -> list[RequestInfo]:
        """Return the requests that arrived at a path with these parameters."""
        return [
            r for r in self.seen
            if r.path == path and all(r.params.get(key) == v for key, v in params.items())
        ]  # fmt: skip

    async def looks(self, count: int = 5) -> None:
        """Let the monitor compare the stops with the venue *count* times more."""
        path = "/fapi/v1/openAlgoOrders"
        wanted = len(self.sent(path)) + count
        await self.until(lambda: len(self.sent(path)) >= wanted, f"{count} comparisons")

    async def enter(self, qty: str = "0.010", stop: str = "60000.0") -> tuple[Order, Order]:
        """Buy at market and wait for the stop to rest."""
        entry, stop_order = self.node.trader.enter(qty, stop)
        await self.until(self.stops, "a resting stop")
        return entry, stop_order

    async def until(self, condition: Any, what: str = "", secs: float = 20) -> Any:
        return await self.node.until(condition, what, secs)

    def truth(self) -> dict[str, Any]:
        return dict(self.venue.exchange.truth("main"))

    def amt(self) -> Decimal:
        """Return the position at the venue."""
        return sum((Decimal(p["amt"]) for p in self.truth()["positions"]), Decimal(0))

    def stops(self) -> dict[str, Decimal]:
        """Return the trigger prices of the stops that wait at the venue, by client id."""
        return {
            a["client_algo_id"]: Decimal(a["trigger_price"])
            for a in self.truth()["open_algos"]
            if a["order_id"] is None
        }

    def stop_qty(self) -> Decimal:
        """Return for how much stops wait at the venue."""
        waiting = (a for a in self.truth()["open_algos"] if a["order_id"] is None)
        return sum((Decimal(a["qty"]) for a in waiting), Decimal(0))

    def alarms(self, name: str = "") -> list[str]:
        """Return the alarms whose text begins with *name*."""
        return [text for _, text in self.node.guard.gate.judge.alarms if text.startswith(name)]

    def closed(self) -> list[Any]:
        return list(self.monitor.closed)

    def episodes(self) -> list[Episode]:
        """Return what the wire says of every position so far."""
        self.venue.log.flush()
        return episodes_of(Run(log=read_log(self.wire_log, "main")))


@asynccontextmanager
async def monitored(
    tmp_path: Path, *, venue_settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Monitored]:
    """Run a venue and a monitored node on it until the block ends; *options* as for `monitored_on`."""
    async with (
        faulty_venue(tmp_path, **(venue_settings or {})) as venue,
        monitored_on(venue, tmp_path, **options) as m,
    ):
        yield m


@asynccontextmanager
async def faulty_venue(tmp_path: Path, **settings: Any) -> AsyncIterator[Venue]:
    """Run a venue with a wire log until the block ends."""
    chosen = {"accounts": (account("main"), account("other"))} | settings
    async with local_venue(wire_log=tmp_path / "wire.jsonl", **chosen) as venue:
        yield venue


@asynccontextmanager
async def monitored_on(
    venue: Venue,
    tmp_path: Path,
    *,
    trader: Trader | None = None,
    protection: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    attach: Callable[[Any, Any], None] = lambda _node, _guard: None,
    **options: Any,
) -> AsyncIterator[Monitored]:
    """Run a monitored node on a venue until the block ends; *attach* adds what else belongs to it."""
    found: list[PositionMonitor] = []

    def attach_all(node: Any, guard: Any) -> None:
        found.append(attach_monitor(node.kernel, guard))
        attach(node, guard)

    chosen = {"protection": PROTECTION | (protection or {}), "price_age_ms_max": 3_000}
    async with (
        client(venue) as rest,
        node_on(
            venue, rest, tmp_path / "state", trader or Trader(), limits=chosen | (limits or {}),
            attach=attach_all, **options,
        ) as node,
    ):  # fmt: skip
        venue.wire.hooks = hooks = Heard(venue.faults)
        await node.until(lambda: node.cache.trade_tick(BTC), "a last price")
        yield Monitored(node, found[0], tmp_path / "wire.jsonl", hooks.seen)


def play(scene: Callable[[Monitored], Awaitable[None]], tmp_path: Path, **options: Any) -> None:
    """Play a scene before a monitored node; *options* as for `monitored`."""

    async def main() -> None:
        async with monitored(tmp_path, **options) as m:
            await scene(m)

    asyncio.run(main())


def worst_ms(m: Monitored) -> int:
    """Return the longest time that a position was without a full stop, by the venue's truth."""
    return max(episode.bare_ms_max for episode in m.episodes())
