"""Brackets through the real adapter: what the venue holds is what protects the position there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder, OrderList, StopMarketOrder

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.trade import Trade
from tests.adapter_kit import scene as scene_of
from tests.guarded_kit import GuardedNode, node_on
from tests.hop_kit import BTC
from tests.venue_kit import client, local_venue
from venue.engine.errors import VenueError
from venue.wire.hooks import Reaction

ALGO = "/fapi/v1/algoOrder"
ENTRY_PRICE = Decimal(63_000)
STOP, TARGET = Decimal(62_000), Decimal(66_000)


class Told(ProtectedStrategy):
    """Enters as the shipped strategies do, or with a resting limit order that fills bit by bit."""

    quotes = 0
    rests = 0

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_quote_ticks(BTC)

    def on_quote_tick(self, _tick: Any) -> None:
        self.quotes += 1

    def on_flat(self) -> None:
        self.rests += 1

    def buy(self, *, target: bool = True) -> None:
        distance = Decimal(2_000) if target else None
        assert self.enter(OrderSide.BUY, Decimal(64_000), Decimal(2_000), distance)

    def rest(self, qty: str = "0.010") -> None:
        """Bid below the market, with a stop and a target."""
        factory = self.order_factory
        ids = [factory.generate_client_order_id() for _ in range(2)]
        terms = {
            "trader_id": self.trader_id, "strategy_id": self.id, "instrument_id": BTC,
            "quantity": Quantity.from_str(qty), "ts_init": self.clock.timestamp_ns(),
        }  # fmt: skip
        entry = LimitOrder(
            client_order_id=ids[0], order_side=OrderSide.BUY, price=Price(ENTRY_PRICE, 1),
            init_id=UUID4(), contingency_type=ContingencyType.OTO, linked_order_ids=ids[1:], **terms,
        )  # fmt: skip
        stop = StopMarketOrder(
            client_order_id=ids[1], order_side=OrderSide.SELL, trigger_price=Price(STOP, 1),
            trigger_type=self._stop_trigger, init_id=UUID4(), reduce_only=True,
            parent_order_id=ids[0], **terms,
        )  # fmt: skip
        self._trade = Trade(entry, stop)
        self.submit_order_list(OrderList(factory.generate_order_list_id(), [entry, stop]))


def told() -> Told:
    return Told(
        ProtectedStrategyConfig(
            instrument_id=BTC, order_id_tag="001", external_order_claims=[BTC],
            trade_risk_usdt=Decimal(20), trade_notional_usdt_max=Decimal(640),
            flatten_on_stop=False,
        )
    )  # fmt: skip


Start = Callable[[], Any]


def play(scene: Callable[[Start], Awaitable[None]], tmp_path: Path) -> None:
    """Run *scene* with a maker of nodes that follow one another on one venue and one state."""

    async def main() -> None:
        async with local_venue() as venue, client(venue) as rest:

            @asynccontextmanager
            async def start() -> AsyncIterator[GuardedNode]:
                limits = {"stop_distance_bps_max": 1_000, "price_deviation_bps_max": 500}
                async with node_on(venue, rest, tmp_path, told(), limits=limits) as node:
                    yield node

            await scene(start)

    asyncio.run(main())


def truth(node: GuardedNode) -> tuple[Decimal, list[Decimal], list[Decimal]]:
    """Return the venue's position, and the quantities of its working stops and limit orders."""
    said = node.venue.exchange.truth("main")
    position = sum((Decimal(p["amt"]) for p in said["positions"]), Decimal(0))
    stops = [Decimal(a["qty"]) for a in said["open_algos"] if a["status"] == "NEW"]
    return position, stops, [Decimal(o["qty"]) for o in said["open_orders"]]


def trade_through(node: GuardedNode, qty: str) -> None:
    """Let others sell *qty* below the resting entry."""
    price = ENTRY_PRICE - 10
    node.venue.exchange.on_trade("BTCUSDT", price, Decimal(qty), is_buyer_maker=True)
    node.venue.wire.settle()


async def until_truth(node: GuardedNode, position: str, stops: list[str], limits: int) -> None:
    def is_so() -> bool:
        qty, stop_qtys, limit_qtys = truth(node)
        wanted = (Decimal(position), sorted(map(Decimal, stops)), limits)
        return (qty, sorted(stop_qtys), len(limit_qtys)) == wanted

    await node.until(is_so, f"{position} with stops {stops} and {limits} limit orders")


def test_the_entry_of_a_shipped_strategy_gets_its_stop_and_target(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.buy()
            await until_truth(node, "0.010", ["0.010"], 1)

            node.venue.move("BTCUSDT", Decimal(61_900))
            await until_truth(node, "0", [], 0)
            await node.until(lambda: node.trader.rests == 1, "the strategy to come to rest")
            assert node.state == "ACTIVE"
            assert node.cache.orders_open() == []

    play(scene, tmp_path)


def test_the_stock_client_denies_an_entry_with_its_stop():
    """Defect 12, kept as proof: the same list trades in a backtest and is dead at the venue."""

    async def main() -> None:
        async with scene_of("stock") as live:
            orders = live.puppet.order_factory.bracket(
                BTC, OrderSide.BUY, Quantity.from_str("0.010"), sl_trigger_price=Price(STOP, 1),
                tp_price=Price(TARGET, 1),
            )  # fmt: skip
            live.puppet.submit_order_list(orders)
            await live.until(lambda: all(o.is_closed for o in orders.orders), "the denials")
            denied = [e for e in live.puppet.told if isinstance(e, OrderDenied)]
            assert len(denied) == 3
            assert "UNSUPPORTED_OCO_CONDITIONAL_ORDERS" in {e.reason for e in denied}
            assert live.faults.count("POST", "/fapi/v1/order") == 0

    asyncio.run(main())


def test_the_stop_follows_an_entry_that_fills_bit_by_bit(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.rest()
            await until_truth(node, "0", [], 1)
            for filled in ("0.004", "0.007", "0.010"):
                step = Decimal(filled) - truth(node)[0]
                trade_through(node, str(step))
                await until_truth(node, filled, [filled], 0 if filled == "0.010" else 1)
            await node.until(lambda: node.cache.orders_inflight() == [], "everything answered")
            assert node.trader.denials == {}

    play(scene, tmp_path)


def test_fills_in_one_breath_are_covered_by_one_stop(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.rest()
            await until_truth(node, "0", [], 1)
            for _ in range(5):
                trade_through(node, "0.002")
            await until_truth(node, "0.010", ["0.010"], 0)

    play(scene, tmp_path)


def test_an_exit_takes_stop_and_target_along(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.buy()
            await until_truth(node, "0.010", ["0.010"], 1)
            node.trader.exit()
            await until_truth(node, "0", [], 0)
            await node.until(lambda: node.trader.is_idle, "the strategy to come to rest")

    play(scene, tmp_path)


def test_a_stop_that_the_venue_refuses_once_is_placed_the_second_time(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.requests.next_time("POST", ALGO, refused())
            node.trader.buy(target=False)
            await until_truth(node, "0.010", ["0.010"], 0)
            assert node.trader.position is not None

    play(scene, tmp_path)


def test_a_position_whose_stop_the_venue_refuses_is_closed(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            for _ in range(3):
                node.requests.next_time("POST", ALGO, refused())
            node.trader.buy()
            await node.until(lambda: node.guard.gate.judge.alarms, "the alarm")
            await until_truth(node, "0", [], 0)
            await node.until(lambda: node.trader.is_idle, "the strategy to come to rest")

    play(scene, tmp_path)


def refused() -> Reaction:
    return Reaction(refuse=VenueError(-2021, "Order would immediately trigger."))


@pytest.mark.parametrize("filled", ["0.004", "0.010"])
def test_killed_between_fill_and_stop_the_next_start_places_it(tmp_path: Path, filled: str) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.rest()
            await until_truth(node, "0", [], 1)
            die(node)
            trade_through(node, filled)
            await node.until(node.cache.positions_open, "the fill")
            assert truth(node)[1] == []

        async with start() as node:
            await until_truth(node, filled, [filled], 0 if filled == "0.010" else 1)
            if filled != "0.010":
                trade_through(node, "0.006")
                await until_truth(node, "0.010", ["0.010"], 0)
            assert not node.trader.is_idle
            assert node.state == "ACTIVE"

    play(scene, tmp_path)


def test_a_restart_with_stop_and_target_in_place_changes_nothing(tmp_path: Path) -> None:
    async def scene(start: Start) -> None:
        async with start() as node:
            node.trader.buy()
            await until_truth(node, "0.010", ["0.010"], 1)

        async with start() as node:
            await until_truth(node, "0.010", ["0.010"], 1)
            assert [w for w in node.requests.writes() if w[1] in {ALGO, "/fapi/v1/order"}] == []
            node.trader.exit()
            await until_truth(node, "0", [], 0)
            await node.until(lambda: node.trader.is_idle, "the strategy to come to rest")
            assert all(order.is_closed for order in node.cache.orders())

    play(scene, tmp_path)


def die(node: GuardedNode) -> None:
    """Leave neither gate nor strategy the time to answer what comes next, as a crash does."""
    node.trader.on_stop = lambda: None
    node.node.kernel.msgbus.unsubscribe("events.order.*", node.guard.gate.brackets.on_order_event)
    node.guard.gate.brackets.on_tick = lambda: None
