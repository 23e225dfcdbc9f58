"""What must still work: the legitimate counterparts of the attacks."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.model.objects import Price, Quantity

from tests.attacks.scene import BUY, ETH, MID, SELL, Scene


def bracket_opens(scene: Scene) -> bool:
    """An entry with its stop in one list opens a protected position."""
    bracket = scene.submit(scene.bracket())
    return scene.position() == Decimal("0.1") and scene.is_working(bracket.orders[1])


def small_brackets_fit_side_by_side(scene: Scene) -> bool:
    """Entries that fit the cap together all open."""
    for _ in range(3):
        scene.submit(scene.bracket(qty="0.050"))
    return scene.position() == Decimal("0.15")


def exit_passes_when_halted(scene: Scene) -> bool:
    """A reduce-only market order closes the position although trading is halted."""
    scene.submit(scene.bracket())
    scene.halt()
    scene.submit(scene.market(SELL, "0.100", reduce_only=True))
    return scene.position() == 0


def entry_is_canceled_when_halted(scene: Scene) -> bool:
    """A working entry can be taken back although trading is halted."""
    bracket = scene.submit(scene.bracket(price="49900.0"))
    scene.halt()
    scene.strategy.cancel_order(bracket.first)
    scene.settle()
    return scene.reached(bracket.first) and not scene.is_working(bracket.first)


def stop_is_tightened(scene: Scene) -> bool:
    """The stop of an open position moves nearer."""
    bracket = scene.submit(scene.bracket())
    stop = bracket.orders[1]
    scene.strategy.modify_order(stop, trigger_price=Price.from_str("49700.0"))
    scene.settle()
    return stop.trigger_price == Price.from_str("49700.0") and scene.is_working(stop)


def stop_is_canceled_when_flat(scene: Scene) -> bool:
    """A stop that protects nothing any more can be canceled."""
    bracket = scene.submit(scene.bracket())
    scene.submit(scene.market(SELL, "0.100", reduce_only=True))
    scene.strategy.cancel_all_orders(bracket.first.instrument_id)
    scene.settle()
    return scene.position() == 0 and not scene.is_working(bracket.orders[1])


def working_entry_is_shrunk(scene: Scene) -> bool:
    """A working entry is amended to less."""
    bracket = scene.submit(scene.bracket(price="49900.0"))
    scene.strategy.modify_order(bracket.first, quantity=Quantity.from_str("0.050"))
    scene.settle()
    return bracket.first.quantity == Quantity.from_str("0.050")


def exit_passes_on_a_bad_price(scene: Scene) -> bool:
    """Without a usable price, an exit still passes."""
    scene.submit(scene.bracket(instrument=ETH, qty="2.000", stop="2450.00", target="2600.00"))
    scene.quote(ETH, MID[ETH.id], spread=-2.0, age_sec=60)
    scene.strategy.submit_order(scene.market(SELL, "2.000", ETH, reduce_only=True))
    scene.settle()
    return scene.position(ETH) == 0


def two_strategies_share_the_cap(scene: Scene) -> bool:
    """Two strategies hold a symbol together as long as the sum fits."""
    scene.submit(scene.bracket(qty="0.080"))
    scene.submit(scene.bracket(qty="0.080", by=scene.accomplice), by=scene.accomplice)
    return scene.position() == Decimal("0.16")


def turn_by_closing_first(scene: Scene) -> bool:
    """A long is closed reduce-only and its stop removed; then a short opens."""
    bracket = scene.submit(scene.bracket())
    scene.submit(scene.market(SELL, "0.100", reduce_only=True))
    scene.strategy.cancel_all_orders(bracket.first.instrument_id)
    scene.settle()
    scene.submit(scene.bracket(SELL, stop="50500.0", target="48000.0"))
    return scene.position() == Decimal("-0.1")


def close_position_passes(scene: Scene) -> bool:
    """`Strategy.close_all_positions` sends reduce-only orders, and they pass."""
    scene.submit(scene.bracket())
    scene.halt()
    scene.strategy.close_all_positions(scene.bracket().first.instrument_id)
    scene.settle()
    return scene.position() == 0


def tighten_the_state(scene: Scene) -> bool:
    """Code may halt: a halt asked for by anybody holds."""
    scene.halt()
    bracket = scene.submit(scene.bracket())
    return not scene.reached(bracket.first)


def buys_in_two_symbols(scene: Scene) -> bool:
    """Positions in two symbols open while they fit together."""
    scene.submit(scene.bracket(qty="0.080"))
    scene.submit(scene.bracket(BUY, instrument=ETH, qty="2.000", stop="2450.00", target="2600.00"))
    return scene.position() == Decimal("0.08") and scene.position(ETH) == 2
