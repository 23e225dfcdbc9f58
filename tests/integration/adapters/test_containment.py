"""A strategy that raises, in a guarded node before a venue: it is killed, and nobody else is hurt."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from risk.contain import Containment
from risk.journal import read
from risk.kills import KillLevel, Scope
from risk.latch import Latch
from tests.guarded_kit import GuardedNode, Trader, node_on
from tests.hop_kit import BTC
from tests.venue_kit import client, local_venue

ID = "TRADER-001"


class Faulty(Trader):
    """A trader that raises where the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.raises_in: set[str] = set()
        self.entered: list[str] = []

    def _pass(self, name: str) -> None:
        self.entered.append(name)
        if name in self.raises_in:
            raise ValueError(f"boom in {name}")

    def on_start(self) -> None:
        super().on_start()
        self.msgbus.subscribe(f"events.order.{self.id}", self._on_own_event)
        self.msgbus.subscribe(f"data.quotes.BINANCE.{BTC.symbol}", self._on_own_quote)
        self._pass("on_start")

    def on_quote_tick(self, tick: Any) -> None:
        super().on_quote_tick(tick)
        self._pass("on_quote_tick")

    def on_order_accepted(self, _event: OrderEvent) -> None:
        self._pass("on_order_accepted")

    def on_position_opened(self, _event: Any) -> None:
        self._pass("on_position_opened")

    def on_stop(self) -> None:
        self._pass("on_stop")

    def on_event(self, _event: Any) -> None:
        self._pass("on_event")

    def _on_own_event(self, _event: Any) -> None:
        self._pass("_on_own_event")

    def _on_own_quote(self, _tick: Any) -> None:
        self._pass("_on_own_quote")

    def on_alert(self, _event: Any) -> None:
        self._pass("on_alert")

    def ask_to_be_woken(self) -> None:
        self.clock.set_time_alert_ns("ALERT", self.clock.timestamp_ns() + 1, self.on_alert)


class Bystander(Strategy):
    """Another strategy, which only listens."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="BYSTANDER", order_id_tag="002"))
        self.quotes = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC)

    def on_quote_tick(self, _tick: Any) -> None:
        self.quotes += 1


class Scene:
    """A running node with a faulty strategy and a bystander."""

    def __init__(self, node: GuardedNode, faulty: Faulty, other: Bystander) -> None:
        self.node, self.faulty, self.other = node, faulty, other
        self.judge = node.guard.gate.judge

    def tick(self) -> None:
        """Move the market by a step, so that a quote comes."""
        self.node.venue.move("BTCUSDT", self._price())

    def _price(self) -> Any:
        quote = self.node.cache.quote_tick(BTC)
        return quote.bid_price.as_decimal() - 1

    async def quote(self) -> None:
        """Wait until the bystander has heard a further quote."""
        seen = self.other.quotes
        self.tick()
        await self.node.until(lambda: self.other.quotes > seen, "the bystander to hear a quote")

    def journalled(self, kind: str) -> list[dict[str, Any]]:
        return [r["data"] for r in read(self.node.guard.record.journal.path) if r["type"] == kind]

    def is_flat(self) -> bool:
        return not self.judge.account.symbol(BTC.value).position_qty


def play(scene: Callable[[Scene], Awaitable[None]], tmp_path: Any) -> None:
    async def main() -> None:
        faulty, other = Faulty(), Bystander()

        def attach(node: Any, guard: Any) -> None:
            containment = Containment(guard.gate.judge, node.kernel.clock)
            for strategy in (faulty, other):
                containment.contain(strategy)
            node.trader.add_strategy(other)

        async with local_venue() as venue, client(venue) as rest:
            running = node_on(venue, rest, tmp_path / "state", faulty, attach=attach)
            async with running as node:
                await scene(Scene(node, faulty, other))

    asyncio.run(main())


async def provoke(scene: Scene, place: str) -> None:
    """Let the strategy raise in a place, and wait until it was told."""
    scene.faulty.raises_in.add(place)
    if place == "on_alert":
        scene.faulty.ask_to_be_woken()
    elif "quote" in place:
        scene.tick()
    else:
        scene.faulty.enter()
    await scene.node.until(lambda: scene.judge.state.kills, "the kill")


PLACES = (
    "on_quote_tick", "_on_own_quote", "on_order_accepted", "on_position_opened", "_on_own_event",
    "on_event", "on_alert",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_anywhere_kills_its_strategy_and_the_node_goes_on(tmp_path, place):
    async def main(scene: Scene) -> None:
        await provoke(scene, place)

        (kill,) = scene.judge.state.kills
        assert (kill.level, kill.scope) == (KillLevel.REDUCE, Scope("strategy", ID))
        assert f"ValueError: boom in {place} (test_containment.py:" in kill.reason
        assert scene.node.state == "ACTIVE", "of the account"
        assert scene.judge.state.governing(BTC.value, ID)[0].name == "REDUCING"
        assert scene.judge.state.governing(BTC.value, "BYSTANDER-002")[0].name == "ACTIVE"
        await scene.quote()
        assert scene.node.node.trader.is_running

    play(main, tmp_path)


def test_the_exception_is_journalled_once_and_the_kill_is_latched(tmp_path):
    async def main(scene: Scene) -> None:
        scene.faulty.raises_in.add("on_event")
        await provoke(scene, "on_order_accepted")
        seen = len(scene.faulty.entered)
        scene.faulty.ask_to_be_woken()
        await scene.node.until(lambda: len(scene.faulty.entered) > seen, "further events")

        (alarm,) = scene.journalled("alarm")
        assert alarm["text"].startswith(f"STRATEGY_RAISED: observed={ID}.handle_event raised ")
        (state,) = scene.journalled("state")
        assert state["cause"].startswith(f"KILLED_REDUCE_strategy:{ID}: ")
        (kill,) = Latch(scene.node.guard.record.latch.path).read().kills
        assert kill.scope == Scope("strategy", ID)

    play(main, tmp_path)


def test_its_position_keeps_its_stop_and_it_can_still_close_it_and_no_more(tmp_path):
    async def main(scene: Scene) -> None:
        _, stop = scene.faulty.enter()
        await scene.node.until(scene.node.cache.orders_open, "a resting stop")
        await provoke(scene, "on_quote_tick")

        assert scene.node.cache.order(stop.client_order_id).is_open
        entry, _ = scene.faulty.enter()
        await scene.node.until(lambda: entry.is_closed, "the denial")
        assert "TRADING_REDUCING" in entry.last_event.reason

        position = scene.node.cache.positions_open()[0]
        way_out = scene.faulty.order_factory.market(
            BTC, OrderSide.SELL, position.quantity, reduce_only=True
        )
        scene.faulty.submit_order(way_out)
        await scene.node.until(scene.is_flat, "the position to be closed")

    play(main, tmp_path)


def test_it_hears_no_market_data_until_a_person_resumes_it_but_hears_of_its_orders(tmp_path):
    async def main(scene: Scene) -> None:
        await provoke(scene, "on_quote_tick")
        scene.faulty.raises_in.clear()
        scene.faulty.entered.clear()

        await scene.quote()
        assert scene.faulty.entered == []
        scene.faulty.ask_to_be_woken()
        scene.faulty.submit_order(scene.faulty.naked())
        await scene.node.until(lambda: "on_alert" in scene.faulty.entered, "its timer")
        await scene.node.until(lambda: "_on_own_event" in scene.faulty.entered, "its denial")
        assert {"on_quote_tick", "_on_own_quote"}.isdisjoint(scene.faulty.entered)

        scope = Scope("strategy", ID)
        scene.judge.resume(by="ada", reason="mended", now_ns=1, scopes=[scope])
        await scene.quote()
        await scene.node.until(lambda: "on_quote_tick" in scene.faulty.entered, "quotes again")

        await provoke(scene, "on_quote_tick")
        assert len(scene.journalled("alarm")) == 2

    play(main, tmp_path)


def test_a_strategy_that_raises_at_its_end_does_not_hold_up_the_others(tmp_path):
    async def main(scene: Scene) -> None:
        scene.faulty.raises_in.add("on_stop")

        scene.node.node.trader.stop()

        assert scene.other.is_stopped
        assert scene.faulty.is_stopped
        assert [kill.scope.name for kill in scene.judge.state.kills] == [ID]

    play(main, tmp_path)


def test_what_an_inner_method_raises_ends_the_whole_call(tmp_path):
    async def main(scene: Scene) -> None:
        await provoke(scene, "on_quote_tick")

        (kill,) = scene.judge.state.kills
        assert kill.reason.startswith("handle_quote_tick raised ValueError")
        assert kill.reason.endswith("in _pass)")

    play(main, tmp_path)


def test_a_strategy_that_raises_nothing_is_left_alone(tmp_path):
    async def main(scene: Scene) -> None:
        scene.faulty.enter()
        await scene.node.until(scene.node.cache.orders_open, "a resting stop")
        scene.faulty.ask_to_be_woken()
        await scene.node.until(lambda: set(PLACES) <= set(scene.faulty.entered), "every place")
        await scene.quote()

        assert scene.judge.state.kills == []
        assert scene.journalled("alarm") == []

    play(main, tmp_path)
