"""Ways to hold a position without its stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.enums import ContingencyType, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, VenueOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder, MarketOrder, Order, StopMarketOrder

from tests.attacks import twins
from tests.attacks.attack import BACKTEST, LIVE, Chapter
from tests.attacks.scene import BTC, BUY, ETH, SELL, Scene

stops = Chapter("Ways to lose the stop")


def _entry(scene: Scene, child_ids: list[ClientOrderId], **more: Any) -> MarketOrder:
    terms = {
        "client_order_id": scene.orders.generate_client_order_id(), "instrument_id": BTC.id,
        "order_side": BUY, "quantity": Quantity.from_str("0.100"), "time_in_force": TimeInForce.GTC,
        "contingency_type": ContingencyType.OTO, "linked_order_ids": child_ids,
    }  # fmt: skip
    return MarketOrder(**(_head(scene) | terms | more))


def _stop(scene: Scene, client_order_id: ClientOrderId, **more: Any) -> StopMarketOrder:
    terms = {
        "client_order_id": client_order_id, "instrument_id": BTC.id, "order_side": SELL,
        "quantity": Quantity.from_str("0.100"), "trigger_price": Price.from_str("49500.0"),
        "trigger_type": TriggerType.DEFAULT, "reduce_only": True,
    }  # fmt: skip
    return StopMarketOrder(**(_head(scene) | terms | more))


def _head(scene: Scene) -> dict[str, Any]:
    return {
        "trader_id": scene.kernel.trader_id, "strategy_id": scene.strategy.id,
        "init_id": UUID4(), "ts_init": scene.kernel.clock.timestamp_ns(),
    }  # fmt: skip


def _pair(scene: Scene, **stop: Any) -> tuple[Order, Order]:
    """Return an entry and its stop, with what is wrong about the stop."""
    stop_id = scene.orders.generate_client_order_id()
    entry = _entry(scene, [stop_id])
    return entry, _stop(scene, stop_id, parent_order_id=entry.client_order_id, **stop)


def _opens(scene: Scene, *orders: Order) -> bool:
    scene.submit(scene.list_of(*orders))
    return scene.position() != 0


def own_pair_opens(scene: Scene) -> bool:
    """The same pair without a fault opens, so that it is the fault that is denied."""
    return _opens(scene, *_pair(scene))


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def naked_entry_in_a_list(scene: Scene) -> bool:
    """Hide a second entry without a stop in the list of a proper bracket."""
    entry, stop = _pair(scene, quantity=Quantity.from_str("0.100"))
    return _opens(scene, entry, stop, scene.market(BUY, "0.050"))


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def stop_for_less_than_all(scene: Scene) -> bool:
    """Protect 0.001 of 0.100."""
    return _opens(scene, *_pair(scene, quantity=Quantity.from_str("0.001")))


@stops.attack("STOP_LOSS_WRONG_SIDE", twin=own_pair_opens)
def stop_on_the_wrong_side(scene: Scene) -> bool:
    """Put the stop of a long above the market."""
    return _opens(scene, *_pair(scene, trigger_price=Price.from_str("52000.0")))


@stops.attack("STOP_LOSS_TOO_FAR", twin=own_pair_opens)
def stop_too_far(scene: Scene) -> bool:
    """Put the stop of a long at 1 USDT."""
    return _opens(scene, *_pair(scene, trigger_price=Price.from_str("1.0")))


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def stop_of_the_same_side(scene: Scene) -> bool:
    """Give a buy a stop that buys more."""
    return _opens(scene, *_pair(scene, order_side=BUY, reduce_only=True))


@stops.attack("NOTIONAL_EXCEEDS_MAX_PER_LIST", twin=own_pair_opens)
def stop_that_is_not_reduce_only(scene: Scene) -> bool:
    """Give the entry a stop that may open a position of its own."""
    return _opens(scene, *_pair(scene, reduce_only=False))


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def emulated_stop(scene: Scene) -> bool:
    """Leave the stop in this process, where a crash takes it along; send the list by hand."""
    entry, stop = _pair(scene, emulation_trigger=TriggerType.BID_ASK)
    scene.send("ExecEngine.execute", scene.command(scene.list_of(entry, stop)))
    return scene.position() != 0


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def stop_that_expires(scene: Scene) -> bool:
    """Protect the position for one second: a good-till-date stop."""
    entry, stop = _pair(
        scene, time_in_force=TimeInForce.GTD,
        expire_time_ns=scene.kernel.clock.timestamp_ns() + 60_000_000_000,
    )  # fmt: skip
    return _opens(scene, entry, stop)


@stops.attack("STOP_LOSS_NOT_LINKED", twin=own_pair_opens)
def two_entries_one_stop(scene: Scene) -> bool:
    """Let two entries share one stop."""
    stop_id = scene.orders.generate_client_order_id()
    one, two = _entry(scene, [stop_id]), _entry(scene, [stop_id])
    stop = _stop(scene, stop_id, parent_order_id=one.client_order_id)
    return _opens(scene, one, two, stop)


@stops.attack("STOP_LOSS_NOT_LINKED", twin=own_pair_opens, stock_kernels=(LIVE,))
def stop_of_another_parent(scene: Scene) -> bool:
    """Name an order that does not exist as the parent of the stop."""
    stop_id = scene.orders.generate_client_order_id()
    entry = _entry(scene, [stop_id])
    return _opens(scene, entry, _stop(scene, stop_id, parent_order_id=ClientOrderId("O-0")))


@stops.attack("STOP_LOSS_NOT_LINKED", twin=own_pair_opens)
def stop_that_its_entry_does_not_release(scene: Scene) -> bool:
    """Name the entry as parent, but link the entry to nothing: the venue never sends the stop."""
    stop_id = scene.orders.generate_client_order_id()
    entry = LimitOrder(
        **(_head(scene)), client_order_id=scene.orders.generate_client_order_id(),
        instrument_id=BTC.id, order_side=BUY, quantity=Quantity.from_str("0.100"),
        price=Price.from_str("49900.0"), contingency_type=ContingencyType.OTO,
        linked_order_ids=[ClientOrderId("O-0")],
    )  # fmt: skip
    stop = _stop(scene, stop_id, parent_order_id=entry.client_order_id)
    scene.submit(scene.list_of(entry, stop))
    return scene.reached(entry)


@stops.attack("STOP_LOSS_REQUIRED", twin=own_pair_opens)
def stop_for_another_symbol(scene: Scene) -> bool:
    """Protect a BTC entry with an ETH stop."""
    terms = {
        "instrument_id": ETH.id, "quantity": Quantity.from_str("2.000"),
        "trigger_price": Price.from_str("2450.00"),
    }  # fmt: skip
    return _opens(scene, *_pair(scene, **terms))


@stops.attack("", twin=own_pair_opens, kernels=(LIVE,))
def stop_taken_out_of_an_approved_list(scene: Scene) -> bool:
    """Take the stop out of a list after it was judged, while it waits in the engine's queue."""
    entry, stop = _pair(scene)
    mine = scene.list_of(entry, stop)
    scene.kernel.msgbus.send("ExecEngine.execute", scene.command(mine))
    mine.orders.remove(stop)
    scene.settle()
    return scene.position() != 0 and not scene.is_working(stop)


@stops.attack("STOP_LOSS_NOT_LINKED", twin=own_pair_opens, kernels=(LIVE,))
def stop_taken_out_of_the_list(scene: Scene) -> bool:
    """Submit a proper list, and take the stop out of it before the venue reads it."""
    bracket = scene.list_of(*_pair(scene))
    scene.strategy.submit_order_list(bracket)
    bracket.orders.pop()
    scene.settle()
    return scene.position() != 0 and not any(o.is_open for o in scene.kernel.cache.orders())


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def canceling_the_stop(scene: Scene) -> bool:
    """Cancel the stop of an open position."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.cancel_order(bracket.orders[1])
    scene.settle()
    return scene.position() != 0 and not scene.is_working(bracket.orders[1])


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def canceling_everything(scene: Scene) -> bool:
    """Cancel all orders of the symbol, the stop among them."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.cancel_all_orders(BTC.id)
    scene.settle()
    return scene.position() != 0 and not scene.is_working(bracket.orders[1])


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def canceling_a_batch(scene: Scene) -> bool:
    """Cancel the stop in a batch with other orders."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.cancel_orders(bracket.orders[1:])
    scene.settle()
    return scene.position() != 0 and not scene.is_working(bracket.orders[1])


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def canceling_the_target_that_is_linked_to_the_stop(scene: Scene) -> bool:
    """Cancel the target: one cancels the other, and the stop goes with it."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.cancel_order(bracket.orders[2])
    scene.settle()
    return scene.position() != 0 and not _any_stop(scene)


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_tightened, stock_kernels=(BACKTEST,))
def shrinking_the_target_that_is_linked_to_the_stop(scene: Scene) -> bool:
    """Amend the target to 0.001: one updates the other, and the stop shrinks with it."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.modify_order(bracket.orders[2], quantity=Quantity.from_str("0.001"))
    scene.settle()
    return bracket.orders[1].quantity < Quantity.from_str("0.100")


@stops.attack("STOP_LOSS_LINK_NOT_ALLOWED", twin=twins.bracket_opens)
def target_whose_fill_cancels_the_stop(scene: Scene) -> bool:
    """Link a small target to the stop so that its first fill cancels the stop of the whole."""
    stop_id, target_id = (scene.orders.generate_client_order_id() for _ in range(2))
    entry = _entry(scene, [stop_id, target_id])
    linked = {"parent_order_id": entry.client_order_id, "contingency_type": ContingencyType.OCO}
    stop = _stop(scene, stop_id, linked_order_ids=[target_id], **linked)
    target = LimitOrder(
        **_head(scene), client_order_id=target_id, instrument_id=BTC.id, order_side=SELL,
        quantity=Quantity.from_str("0.001"), price=Price.from_str("50500.0"), reduce_only=True,
        linked_order_ids=[stop_id], **linked,
    )  # fmt: skip
    scene.submit(scene.list_of(entry, stop, target))
    scene.settle(btc=50_600.0)
    return scene.position() != 0 and not _any_stop(scene)


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_tightened)
def shrinking_the_stop(scene: Scene) -> bool:
    """Amend the stop to 0.001."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.modify_order(bracket.orders[1], quantity=Quantity.from_str("0.001"))
    scene.settle()
    return bracket.orders[1].quantity == Quantity.from_str("0.001")


@stops.attack("STOP_LOSS_LOOSENED", twin=twins.stop_is_tightened)
def loosening_the_stop(scene: Scene) -> bool:
    """Amend the stop's trigger to 30,000."""
    bracket = scene.submit(scene.bracket())
    scene.strategy.modify_order(bracket.orders[1], trigger_price=Price.from_str("30000.0"))
    scene.settle()
    return bracket.orders[1].trigger_price == Price.from_str("30000.0")


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_tightened)
def swapping_the_stop_for_one_that_expires(scene: Scene) -> bool:
    """Add a stop that expires in a second, and cancel the good one."""
    bracket = scene.submit(scene.bracket())
    second = scene.kernel.clock.utc_now() + timedelta(seconds=60)
    scene.submit(
        scene.stop(SELL, "0.100", "49400.0", reduce_only=True,
                   time_in_force=TimeInForce.GTD, expire_time=second)
    )  # fmt: skip
    scene.strategy.cancel_order(bracket.orders[1])
    scene.settle()
    return not scene.is_working(bracket.orders[1])


@stops.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def second_stop_vouched_for_by_a_refused_cancel(scene: Scene) -> bool:
    """Cancel one of two stops, ask for it again in a way that is refused, and cancel the other."""
    entry, stop = _pair(scene)
    assert _opens(scene, entry, stop)
    second = scene.submit(scene.stop(SELL, "0.100", "49500.0", reduce_only=True))
    scene.strategy.cancel_order(stop)
    refused = CancelOrder(
        trader_id=scene.kernel.trader_id, strategy_id=scene.strategy.id, instrument_id=BTC.id,
        client_order_id=stop.client_order_id, venue_order_id=VenueOrderId("V-0"),
        command_id=UUID4(), ts_init=scene.kernel.clock.timestamp_ns(),
    )  # fmt: skip
    scene.kernel.msgbus.send("ExecEngine.execute", refused)
    scene.strategy.cancel_order(second)
    scene.settle()
    return scene.position() != 0 and not _any_stop(scene)


def _any_stop(scene: Scene) -> bool:
    return any(
        isinstance(o, StopMarketOrder) and scene.is_working(o) for o in scene.kernel.cache.orders()
    )
