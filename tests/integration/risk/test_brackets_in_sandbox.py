"""The same strategy on a live kernel before NautilusTrader's own sandbox: what is traded is covered."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.orders import Order

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC, BUY, SELL, Scene

MID = 50_000.0


class Told(ProtectedStrategy):
    """Does what the test says and counts how often it came to rest."""

    rests = 0

    def on_flat(self) -> None:
        self.rests += 1


class PlainScene(LiveScene):
    """A live kernel before the sandbox as it is sold, with a strategy that protects itself."""

    client_type = SandboxExecutionClient

    def _start(self) -> None:
        self.told = Told(
            ProtectedStrategyConfig(
                instrument_id=BTC.id, order_id_tag="T", trade_risk_usdt=Decimal(50),
                trade_notional_usdt_max=Decimal(5_000),
            )
        )  # fmt: skip
        self.kernel.trader.add_strategy(self.told)
        super()._start()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[PlainScene]:
    scene = PlainScene(tmp_path, guarded=True)
    yield scene
    scene.close()


@pytest.fixture
def strategy(scene: PlainScene) -> Told:
    return scene.told


def enter(scene: Scene, strategy: Told, side: OrderSide = BUY, **more: Any) -> list[Order]:
    """Enter 0.1 BTC with a stop 500 away and return entry, stop and target."""
    assert strategy.enter(side, Decimal("50000"), Decimal(500), **more)
    scene.settle(MID)
    orders = scene.kernel.cache.orders(strategy_id=strategy.id)
    return sorted(orders, key=lambda order: order.client_order_id.value)


def assert_at_rest(scene: Scene, strategy: Told) -> None:
    cache = scene.kernel.cache
    assert strategy.position is None
    assert [o for o in cache.orders(strategy_id=strategy.id) if not o.is_closed] == []
    assert strategy.is_idle
    assert strategy.rests == 1


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_children_go_out_when_the_entry_has_filled(
    scene: PlainScene, strategy: Told, side: OrderSide
) -> None:
    entry, stop, target = enter(scene, strategy, side, target_distance=Decimal(1000))

    assert entry.status == OrderStatus.FILLED
    assert stop.status == target.status == OrderStatus.ACCEPTED
    assert stop.quantity == target.quantity == entry.quantity
    assert strategy.denials == {}


def test_a_stop_that_fills_takes_the_target_along(scene: PlainScene, strategy: Told) -> None:
    _, stop, target = enter(scene, strategy, target_distance=Decimal(1000))

    scene.settle(49_400.0)

    assert stop.status == OrderStatus.FILLED
    assert target.status == OrderStatus.CANCELED
    assert_at_rest(scene, strategy)


def test_a_target_that_fills_takes_the_stop_along(scene: PlainScene, strategy: Told) -> None:
    _, stop, target = enter(scene, strategy, target_distance=Decimal(1000))

    scene.settle(51_100.0)

    assert target.status == OrderStatus.FILLED
    assert stop.status == OrderStatus.CANCELED
    assert_at_rest(scene, strategy)


def test_an_exit_takes_both_children_along(scene: PlainScene, strategy: Told) -> None:
    enter(scene, strategy, target_distance=Decimal(1000))

    strategy.exit()
    scene.settle(MID)

    assert_at_rest(scene, strategy)


def test_a_trade_that_is_denied_comes_to_rest(scene: PlainScene, strategy: Told) -> None:
    scene.halt()

    orders = enter(scene, strategy)

    assert {order.status for order in orders} == {OrderStatus.DENIED}
    assert_at_rest(scene, strategy)


def test_a_tighter_stop_replaces_the_first_one(scene: PlainScene, strategy: Told) -> None:
    _, stop = enter(scene, strategy)

    assert strategy.tighten_stop(Decimal(49_800))
    scene.settle(MID)

    working = scene.kernel.cache.orders_open(strategy_id=strategy.id)
    assert [(o.trigger_price.as_decimal(), o.quantity) for o in working] == [
        (Decimal(49_800), stop.quantity)
    ]
    assert stop.status == OrderStatus.CANCELED
