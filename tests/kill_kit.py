"""A guarded node with its kill switch before a local venue, and what a test asks about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order, OrderList

from actors.kill_redis import RedisSwitch
from actors.kill_switch import KillSwitch
from actors.redis_link import RedisLink
from actors.snapshot import KillLine
from risk.kills import ACCOUNT, KillLevel, Scope
from risk.state_dir import StateDir
from tests.guarded_kit import GuardedNode, Trader, node_on
from tests.hop_kit import BTC
from tests.venue_kit import client, local_venue
from venue.server import Venue

ENTRY_PX, STOP_PX = "63000.0", "60000.0"


class Desk(Trader):
    """A trader that can also leave an entry working."""

    def rest(self, qty: str = "0.010", price: str = ENTRY_PX) -> Order:
        """Leave a limit entry with its stop below the market."""
        orders = self.bracket(qty, price)
        self.submit_order_list(orders)
        return orders.orders[0]

    def bracket(self, qty: str = "0.010", price: str = ENTRY_PX) -> OrderList:
        """Return a limit entry with its stop and target, not sent."""
        return self.order_factory.bracket(
            instrument_id=BTC, order_side=OrderSide.BUY, quantity=Quantity.from_str(qty),
            entry_order_type=OrderType.LIMIT,
            entry_price=Price.from_str(price), sl_trigger_price=Price.from_str(STOP_PX),
            tp_price=Price.from_str("70000.0"),
        )  # fmt: skip


@dataclass
class Killable:
    """A running node with its switch."""

    running: GuardedNode
    switch: KillSwitch
    folder: StateDir
    trader: Desk

    def __getattr__(self, name: str) -> Any:
        return getattr(self.running, name)

    @property
    def lines(self) -> list[KillLine]:
        return msgspec.json.decode(self.folder.kills.read_bytes(), type=list[KillLine])

    def truth(self) -> dict[str, Any]:
        return self.running.venue.exchange.truth("main")

    def position(self) -> Decimal:
        return sum((Decimal(p["amt"]) for p in self.truth()["positions"]), Decimal(0))

    def working(self) -> set[str]:
        """Return the ids of all orders that work at the venue, waiting ones included."""
        truth = self.truth()
        waiting = {a["client_algo_id"] for a in truth["open_algos"] if a["status"] == "NEW"}
        return {o["client_order_id"] for o in truth["open_orders"]} | waiting

    def stops(self) -> set[str]:
        return {a["client_algo_id"] for a in self.truth()["open_algos"] if a["status"] == "NEW"}

    def alarms(self, name: str) -> list[str]:
        return [text for _, text in self.running.guard.gate.judge.alarms if text.startswith(name)]

    async def protected(self, qty: str = "0.010") -> None:
        """Open a position, and wait until its stop and its target rest."""
        self.trader.enter(qty)
        await self.running.until(
            lambda: self.position() == Decimal(qty) and len(self.working()) == 2, "a bracket"
        )

    async def resting(self) -> Order:
        """Leave an entry working."""
        entry = self.trader.rest()
        await self.running.until(
            lambda: entry.client_order_id.value in self.working() and entry.is_open, "an entry"
        )
        return entry


@asynccontextmanager
async def killable(
    tmp_path: Path,
    *,
    level: KillLevel = KillLevel.FLATTEN,
    venue: Venue | None = None,
    redis: RedisLink | None = None,
    asks_venue: bool = True,
    **options: Any,
) -> AsyncIterator[Killable]:
    """
    Run a node with a kill switch, on *venue* or on one of its own.

    Without *asks_venue* the cache is the venue for it, as on paper.

    """
    if venue is None:
        async with (
            local_venue() as own,
            killable(
                tmp_path, level=level, venue=own, redis=redis, asks_venue=asks_venue, **options
            ) as running,
        ):
            yield running
        return
    folder = StateDir(tmp_path / "state")
    switches: list[KillSwitch] = []
    trader = Desk()

    def attach(node: Any, guard: Any) -> None:
        venue_look = next(iter(node.kernel.exec_engine._clients.values())).look_at_venue
        look = venue_look if asks_venue else None
        strategies = {trader.id.value: BTC.value}
        link = redis and RedisSwitch(
            redis, level, trader_id="TESTER-001", judge=guard.gate.judge,
            msgbus=node.kernel.msgbus, clock=node.kernel.clock,
        )  # fmt: skip
        switch = KillSwitch(guard.gate, folder, level, look=look, strategies=strategies, redis=link)
        switches.append(switch)
        node.trader.add_actor(switch)

    async with (
        client(venue) as rest,
        node_on(venue, rest, folder.path, trader, attach=attach, **options) as running,
    ):
        yield Killable(running, switches[0], folder, trader)


def play(scene: Callable[[Killable], Awaitable[None]], tmp_path: Path, **options: Any) -> None:
    """Play a scene before a node with a kill switch; *options* as for `killable`."""

    async def main() -> None:
        async with killable(tmp_path, **options) as node:
            await scene(node)

    asyncio.run(main())


def pull(node: Killable, level: KillLevel, scope: Scope = ACCOUNT) -> None:
    """Pull the switch inside the node."""
    node.switch.pull(level, by="ann", reason="news", source="command", scope=scope)


async def until_done(node: Killable, count: int = 1) -> None:
    """Wait until so many kills are done."""
    await node.until(
        lambda: len(node.lines) == count and all(line.done_ns for line in node.lines), "the end"
    )
