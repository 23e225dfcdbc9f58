"""Ways round the gate: other doors, other components, taking the gate away."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.config import RiskEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, ModifyOrder
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.identifiers import ExecAlgorithmId, VenueOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.risk.engine import RiskEngine

from tests.attacks import twins
from tests.attacks.attack import LIVE, Chapter
from tests.attacks.scene import BUY, ETH, Scene

paths = Chapter("Ways round the gate")


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.bracket_opens)
def naked_market_order(scene: Scene) -> bool:
    """Open a position without a stop, by the front door."""
    order = scene.submit(scene.market(BUY, "0.100"))
    return scene.reached(order)


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.bracket_opens)
def message_to_the_risk_engine(scene: Scene) -> bool:
    """Send SubmitOrder to the endpoint RiskEngine.execute by hand."""
    order = scene.market(BUY, "0.100")
    scene.send("RiskEngine.execute", scene.command(order))
    return scene.reached(order)


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.bracket_opens)
def message_to_the_execution_engine(scene: Scene) -> bool:
    """Send SubmitOrder to the endpoint ExecEngine.execute, past the risk engine."""
    order = scene.market(BUY, "0.100")
    scene.send("ExecEngine.execute", scene.command(order))
    return scene.reached(order)


@paths.attack("APPROVAL_MISSING", twin=twins.bracket_opens)
def call_of_the_execution_engine(scene: Scene) -> bool:
    """Call execute of the execution engine itself, behind the gate."""
    order = scene.market(BUY, "0.100")
    scene.kernel.exec_engine.execute(scene.command(order))
    scene.settle()
    return scene.reached(order)


@paths.attack("APPROVAL_MISSING", twin=twins.bracket_opens)
def list_sent_behind_the_gate(scene: Scene) -> bool:
    """Hand a list of two naked entries to the execution engine itself."""
    orders = scene.market(BUY, "0.100"), scene.market(BUY, "0.100")
    scene.kernel.exec_engine.execute(scene.command(scene.list_of(*orders)))
    scene.settle()
    return any(map(scene.reached, orders))


@paths.attack("APPROVAL_MISSING", twin=twins.stop_is_canceled_when_flat)
def cancel_behind_the_gate(scene: Scene) -> bool:
    """Hand the cancel of a needed stop to the execution engine itself."""
    bracket = scene.submit(scene.bracket())
    stop = bracket.orders[1]
    scene.kernel.exec_engine.execute(_cancel(scene, stop))
    scene.settle()
    return scene.position() != 0 and not scene.is_working(stop)


@paths.attack("APPROVAL_MISSING", twin=twins.working_entry_is_shrunk)
def amendment_behind_the_gate(scene: Scene) -> bool:
    """Hand a larger quantity for a working entry to the execution engine itself."""
    bracket = scene.submit(scene.bracket(price="49900.0", qty="0.100"))
    amend = _modify(scene, bracket.first, quantity=Quantity.from_str("5.000"))
    scene.kernel.exec_engine.execute(amend)
    scene.settle()
    return bracket.first.quantity == Quantity.from_str("5.000")


@paths.attack("APPROVAL_MISSING", twin=twins.bracket_opens)
def endpoint_given_back_to_the_engine(scene: Scene) -> bool:
    """Take the gate off the bus and register the execution engine in its place."""
    bus, engine = scene.kernel.msgbus, scene.kernel.exec_engine
    gate_or_engine = engine.execute if scene.guard is None else scene.guard.gate.execute
    bus.deregister("ExecEngine.execute", gate_or_engine)
    bus.register("ExecEngine.execute", engine.execute)
    order = scene.submit(scene.market(BUY, "0.100"))
    return scene.reached(order)


@paths.attack("APPROVAL_MISSING", twin=twins.bracket_opens)
def endpoint_replaced_by_a_function(scene: Scene) -> bool:
    """Register a function of one's own at ExecEngine.execute, which passes everything on."""
    bus, engine = scene.kernel.msgbus, scene.kernel.exec_engine
    gate_or_engine = engine.execute if scene.guard is None else scene.guard.gate.execute
    bus.deregister("ExecEngine.execute", gate_or_engine)
    bus.register("ExecEngine.execute", lambda command: engine.execute(command))  # noqa: PLW0108 - must be another object
    order = scene.submit(scene.market(BUY, "0.100"))
    return scene.reached(order)


@paths.attack("QUANTITY_EXCEEDS_MAX_PER_ORDER", twin=twins.bracket_opens)
def stock_risk_engine_with_bypass(scene: Scene) -> bool:
    """Put a stock RiskEngine with bypass=True at the endpoint RiskEngine.execute."""
    kernel = scene.kernel
    kernel.msgbus.deregister("RiskEngine.execute", kernel.risk_engine.execute)
    kernel.msgbus.deregister("RiskEngine.process", kernel.risk_engine.process)
    RiskEngine(
        kernel.portfolio, kernel.msgbus, kernel.cache, kernel.clock,
        config=RiskEngineConfig(bypass=True),
    )  # fmt: skip
    order = scene.submit(scene.market(BUY, "50.000"))
    return scene.reached(order)


@paths.attack("TRADING_HALTED", twin=twins.exit_passes_when_halted)
def emulated_order_released_after_a_halt(scene: Scene) -> bool:
    """Park a stop entry in the emulator, halt, and let the price release it."""
    scene.submit(scene.stop(BUY, "0.100", "50100.0", emulation_trigger=TriggerType.BID_ASK))
    scene.halt()
    scene.settle(btc=50_200.0)
    return scene.position() != 0


@paths.attack("EMULATED_ENTRY_NOT_ALLOWED", twin=twins.bracket_opens)
def emulated_list_by_hand(scene: Scene) -> bool:
    """Send a bracket whose entry is emulated straight to the execution engine's endpoint."""
    bracket = scene.bracket(price="49900.0", emulation_trigger=TriggerType.BID_ASK)
    scene.send("ExecEngine.execute", scene.command(bracket))
    scene.settle(btc=49_800.0)
    return scene.position() != 0


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.bracket_opens)
def children_of_a_twap(scene: Scene) -> bool:
    """Let the TWAP algorithm send naked children."""
    order = scene.market(
        BUY, "0.100", exec_algorithm_id=ExecAlgorithmId("TWAP"),
        exec_algorithm_params={"horizon_secs": 2, "interval_secs": 0.5},
    )  # fmt: skip
    scene.submit(order)
    return scene.position() != 0


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.stop_is_canceled_when_flat)
def cancel_by_an_exec_algorithm(scene: Scene) -> bool:
    """Let an algorithm cancel the stop: its cancels skip the risk engine."""
    bracket = scene.submit(scene.bracket())
    scene.algorithm.cancel_order(bracket.orders[1])
    scene.settle()
    return scene.position() != 0 and not scene.is_working(bracket.orders[1])


@paths.attack("STOP_LOSS_LOOSENED", twin=twins.stop_is_tightened)
def stop_loosened_by_an_exec_algorithm(scene: Scene) -> bool:
    """Let an algorithm move the stop far away."""
    bracket = scene.submit(scene.bracket())
    scene.algorithm.modify_order(bracket.orders[1], trigger_price=Price.from_str("30000.0"))
    scene.settle()
    return bracket.orders[1].trigger_price == Price.from_str("30000.0")


@paths.attack("ORDER_IDENTITY_MISMATCH", twin=twins.entry_is_canceled_when_halted, kernels=(LIVE,))
def cancel_under_a_borrowed_venue_order_id(scene: Scene) -> bool:
    """Cancel one's target by name, but with the stop's venue order id: the venue goes by that id."""
    bracket = scene.submit(scene.bracket())
    _, stop, target = bracket.orders
    cancel = _cancel(scene, target, venue_order_id=stop.venue_order_id)
    scene.send("ExecEngine.execute", cancel)
    return any(
        isinstance(c, CancelOrder) and c.venue_order_id == stop.venue_order_id
        for c in scene.client.received  # type: ignore[attr-defined]
    )


@paths.attack("ORDER_IDENTITY_MISMATCH", twin=twins.stop_is_tightened, kernels=(LIVE,))
def amendment_under_a_borrowed_venue_order_id(scene: Scene) -> bool:
    """Shrink a working entry by name, but with the venue order id of another order."""
    bracket = scene.submit(scene.bracket(price="49900.0"))
    amend = _modify(
        scene, bracket.first, quantity=Quantity.from_str("0.050"), venue_order_id=VenueOrderId("7")
    )
    scene.send("ExecEngine.execute", amend)
    return any(
        isinstance(c, ModifyOrder) and c.venue_order_id == VenueOrderId("7")
        for c in scene.client.received  # type: ignore[attr-defined]
    )


@paths.attack("ORDER_IDENTITY_MISMATCH", twin=twins.stop_is_canceled_when_flat, kernels=(LIVE,))
def cancel_under_another_symbol(scene: Scene) -> bool:
    """Cancel the stop with a command that names another symbol, where the gate knows no such stop."""
    bracket = scene.submit(scene.bracket())
    stop = bracket.orders[1]
    scene.send("ExecEngine.execute", _cancel(scene, stop, instrument_id=ETH.id))
    return any(
        isinstance(c, CancelOrder) and c.client_order_id == stop.client_order_id
        for c in scene.client.received  # type: ignore[attr-defined]
    )


def _cancel(scene: Scene, order: object, **other: object) -> CancelOrder:
    return CancelOrder(**(_head(scene, order) | other))


def _modify(scene: Scene, order: object, **other: object) -> ModifyOrder:
    terms = {"quantity": None, "price": None, "trigger_price": None}
    return ModifyOrder(**(_head(scene, order) | terms | other))


def _head(scene: Scene, order: object) -> dict[str, object]:
    return {
        "trader_id": scene.kernel.trader_id, "strategy_id": scene.strategy.id,
        "instrument_id": order.instrument_id, "client_order_id": order.client_order_id,  # type: ignore[attr-defined]
        "venue_order_id": order.venue_order_id, "command_id": UUID4(),  # type: ignore[attr-defined]
        "ts_init": scene.kernel.clock.timestamp_ns(),
    }  # fmt: skip


@paths.attack("STOP_LOSS_REQUIRED", twin=twins.close_position_passes)
def resubmitting_on_denial(scene: Scene) -> bool:
    """Answer every denial with a new order from within the callback, without end."""
    tries: list[object] = []

    def again(_: object) -> None:
        if len(tries) < 3_000:
            tries.append(None)
            scene.strategy.submit_order(scene.market(BUY, "0.100"))

    scene.strategy.on_denied = again
    scene.submit(scene.market(BUY, "0.100"))
    return scene.position() != Decimal(0)
