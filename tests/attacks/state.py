"""Ways to un-halt, to blind the record, and to lie to the gate."""

from __future__ import annotations

import json
from decimal import Decimal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import TradingState
from nautilus_trader.model.events import OrderCanceled
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import MarketOrder

from tests.attacks import twins
from tests.attacks.attack import LIVE, Chapter
from tests.attacks.scene import BTC, BUY, SELL, Scene

state = Chapter("Ways to un-halt, to blind and to lie")


def _enters(scene: Scene) -> bool:
    bracket = scene.submit(scene.bracket())
    return scene.reached(bracket.first)


@state.attack("TRADING_HALTED", twin=twins.tighten_the_state)
def un_halt_from_code(scene: Scene) -> bool:
    """Halt, then call set_trading_state(ACTIVE)."""
    scene.halt()
    scene.kernel.risk_engine.set_trading_state(TradingState.ACTIVE)
    return _enters(scene)


@state.attack("TRADING_HALTED", twin=twins.exit_passes_when_halted)
def loosen_halted_to_reducing(scene: Scene) -> bool:
    """Halt, loosen to REDUCING, and sell more than is held."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.halt()
    scene.kernel.risk_engine.set_trading_state(TradingState.REDUCING)
    scene.submit(scene.market(SELL, "0.100"))
    return scene.position() < 0


@state.attack("TRADING_REDUCING", twin=twins.close_position_passes)
def flip_through_reducing(scene: Scene) -> bool:
    """In REDUCING, sell twice of what is held: the stock engine only looks at the side."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.kernel.risk_engine.set_trading_state(TradingState.REDUCING)
    scene.submit(scene.market(SELL, "0.100"))
    return scene.position() < 0


@state.attack("TRADING_HALTED", twin=twins.tighten_the_state)
def writing_the_state_attribute(scene: Scene) -> bool:
    """Halt, then assign to the engine's trading_state."""
    scene.halt()
    try:
        scene.kernel.risk_engine.trading_state = TradingState.ACTIVE
    except AttributeError:
        scene.kernel.risk_engine.set_trading_state(TradingState.ACTIVE)
    return _enters(scene)


@state.attack("TRADING_HALTED", twin=twins.entry_is_canceled_when_halted, stock_stops=True)
def amending_upward_when_halted(scene: Scene) -> bool:
    """Halt, and amend a working entry upward."""
    bracket = scene.submit(scene.bracket(price="49900.0", qty="0.050"))
    scene.halt()
    scene.strategy.modify_order(bracket.first, quantity=Quantity.from_str("0.060"))
    scene.settle()
    return bracket.first.quantity == Quantity.from_str("0.060")


@state.attack("TRADING_HALTED", twin=twins.tighten_the_state, kernels=(LIVE,))
def restart_to_forget_the_halt(scene: Scene) -> bool:
    """Halt and restart the node."""
    scene.halt()
    return _enters(scene.restarted())


@state.attack("LATCH_MISSING", twin=twins.tighten_the_state, kernels=(LIVE,))
def delete_the_latch_and_restart(scene: Scene) -> bool:
    """Halt, delete the file that remembers it, and restart the node."""
    scene.halt()
    (scene.state_dir / "latch.json").unlink(missing_ok=True)
    return _enters(scene.restarted())


@state.attack("TRADING_HALTED", twin=twins.tighten_the_state, kernels=(LIVE,), stock_stops=True)
def delete_the_latch_of_a_running_node(scene: Scene) -> bool:
    """Halt, delete the file that remembers it, and go on."""
    scene.halt()
    (scene.state_dir / "latch.json").unlink(missing_ok=True)
    return _enters(scene)


@state.attack("LATCH_UNREADABLE", twin=twins.exit_passes_when_halted, kernels=(LIVE,))
def corrupt_the_latch(scene: Scene) -> bool:
    """Write garbage into the latch file of a node that trades."""
    (scene.state_dir / "latch.json").write_text("{", encoding="utf-8")
    return _enters(scene)


@state.attack(
    "LATCH_UNREADABLE", twin=twins.exit_passes_when_halted, kernels=(LIVE,), stock_stops=True
)
def anonymous_resume_in_the_latch(scene: Scene) -> bool:
    """Halt, then write ACTIVE into the latch without a person or a reason."""
    scene.halt()
    table = {"state": "ACTIVE", "causes": [], "by": " ", "reason": "", "ts": 0}
    (scene.state_dir / "latch.json").write_text(json.dumps(table), encoding="utf-8")
    return _enters(scene)


@state.attack("JOURNAL_UNAVAILABLE", twin=twins.bracket_opens)
def trading_without_a_journal(scene: Scene) -> bool:
    """Close the journal's file under the gate."""
    if scene.guard is not None:
        scene.guard.record.journal._file.close()
    return _enters(scene)


@state.attack("GATE_ERROR", twin=twins.bracket_opens)
def raising_rule(scene: Scene) -> bool:
    """Make a rule of the gate raise."""
    if scene.guard is not None:
        rulebook = scene.guard.gate.judge.rulebook
        rulebook._steps = (*rulebook._steps[:3], (None, None, None), *rulebook._steps[3:])
    return _enters(scene)


@state.attack("POSITION_EXCEEDS_MAX", twin=twins.working_entry_is_shrunk)
def raising_rule_during_an_amendment(scene: Scene) -> bool:
    """Make a rule raise while a working entry is amended, so that the books lose the entry."""
    working = [scene.bracket(qty="0.090", price=p) for p in ("49900.0", "49910.0")]
    for bracket in working:
        scene.submit(bracket)
    if scene.guard is not None:
        rulebook = scene.guard.gate.judge.rulebook
        steps, rulebook._steps = rulebook._steps, ((None, None, None),)
    for bracket in working:
        scene.strategy.modify_order(bracket.first, quantity=Quantity.from_str("0.095"))
        scene.settle()
    if scene.guard is not None:
        rulebook._steps = steps
    scene.submit(scene.bracket(qty="0.080"))
    for _ in working:  # the simulated venue fills one resting order a tick
        scene.settle(btc=49_800.0)
    return abs(scene.position()) > Decimal("0.2")


class Liar(MarketOrder):
    """An order that tells Python one thing and the engine another."""

    @property
    def is_reduce_only(self) -> bool:
        return True

    @property
    def quantity(self) -> Quantity:
        return Quantity.from_str("0.001")


@state.attack("GATE_ERROR", twin=twins.close_position_passes)
def order_object_that_lies(scene: Scene) -> bool:
    """Send an order of one's own class that shows a reduce-only 0.001 and is a buy of 0.150."""
    scene.submit(scene.bracket(SELL, qty="0.010", stop="50500.0", target="48000.0"))
    liar = Liar(
        scene.kernel.trader_id, scene.strategy.id, BTC.id,
        scene.orders.generate_client_order_id(), BUY, Quantity.from_str("0.150"), UUID4(), 0,
    )  # fmt: skip
    scene.send("ExecEngine.execute", scene.command(liar))
    return scene.reached(liar)


@state.attack("LEDGER_BROKEN", twin=twins.entry_is_canceled_when_halted)
def forged_cancel_event(scene: Scene) -> bool:
    """Publish that a working entry was canceled, so that the books make room for another."""
    working = [scene.bracket(qty="0.090", price=p) for p in ("49900.0", "49910.0")]
    for bracket in working:
        scene.submit(bracket)
        order = bracket.first
        event = OrderCanceled(
            order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
            order.venue_order_id, order.account_id, UUID4(), 0, 0,
        )  # fmt: skip
        scene.kernel.msgbus.publish(f"events.order.{scene.accomplice.id}", event)
    scene.submit(scene.bracket(qty="0.090"))
    for _ in working:
        scene.settle(btc=49_800.0)
    return abs(scene.position()) > Decimal("0.2")
