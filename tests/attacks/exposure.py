"""Ways to hold more than the limits allow."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import MarketOrder, Order

from tests.attacks import twins
from tests.attacks.attack import LIVE, Chapter
from tests.attacks.scene import BTC, BUY, ETH, LIMITS, MID, SELL, Scene

exposure = Chapter("Ways to take too much")

CAP_BTC = Decimal(10_000) / 50_000
"""The position cap in BTC at the price of these scenes."""


def _over_cap(scene: Scene) -> bool:
    return abs(scene.position()) > CAP_BTC


@exposure.attack("QUANTITY_EXCEEDS_MAX_PER_ORDER", twin=twins.bracket_opens)
def one_huge_order(scene: Scene) -> bool:
    """Buy 50 BTC at once."""
    bracket = scene.submit(scene.bracket(qty="50.000"))
    return scene.reached(bracket.first)


@exposure.attack("QUANTITY_EXCEEDS_MAX_PER_ORDER", twin=twins.bracket_opens, stock_stops=True)
def largest_number_there_is(scene: Scene) -> bool:
    """Buy the largest quantity that the engine can express."""
    bracket = scene.submit(scene.bracket(qty="1000000000.000"))
    return scene.reached(bracket.first)


@exposure.attack("NOTIONAL_EXCEEDS_MAX_PER_ORDER", twin=twins.bracket_opens)
def order_above_its_notional(scene: Scene) -> bool:
    """Stay under the quantity limit and above the value limit."""
    bracket = scene.submit(scene.bracket(qty="0.130"))
    return scene.reached(bracket.first)


@exposure.attack("POSITION_EXCEEDS_MAX", twin=twins.small_brackets_fit_side_by_side)
def many_small_orders_in_one_callback(scene: Scene) -> bool:
    """Send five orders that fit the cap alone, before any of them is acknowledged."""
    for _ in range(5):
        scene.strategy.submit_order_list(scene.bracket(qty="0.050"))
    scene.settle()
    return _over_cap(scene)


@exposure.attack("POSITION_EXCEEDS_MAX", twin=twins.small_brackets_fit_side_by_side)
def working_orders_on_top_of_a_position(scene: Scene) -> bool:
    """Leave resting orders about that exceed the cap when the price comes to them."""
    for price in ("49950.0", "49940.0", "49930.0"):
        scene.strategy.submit_order_list(scene.bracket(qty="0.080", price=price))
    scene.settle()
    for _ in range(3):  # the simulated venue fills one resting order a tick
        scene.settle(btc=49_800.0)
    return _over_cap(scene)


@exposure.attack("QUANTITY_EXCEEDS_MAX_PER_ORDER", twin=twins.working_entry_is_shrunk)
def amending_an_entry_upward(scene: Scene) -> bool:
    """Get a small entry approved, then amend its quantity."""
    bracket = scene.submit(scene.bracket(qty="0.010", price="49900.0"))
    scene.strategy.modify_order(bracket.first, quantity=Quantity.from_str("5.000"))
    scene.settle()
    return bracket.first.quantity == Quantity.from_str("5.000")


@exposure.attack("NOTIONAL_EXCEEDS_MAX_PER_ORDER", twin=twins.working_entry_is_shrunk)
def amending_an_entry_out_of_the_collar(scene: Scene) -> bool:
    """Get a modest limit approved, then amend it to a fat-finger price."""
    bracket = scene.submit(scene.bracket(price="49900.0"))
    scene.strategy.modify_order(bracket.first, price=Price.from_str("75000.0"))
    scene.settle()
    return bracket.first.price == Price.from_str("75000.0")


@exposure.attack("POSITION_EXCEEDS_MAX", twin=twins.two_strategies_share_the_cap)
def second_strategy_on_the_same_side(scene: Scene) -> bool:
    """Let two strategies, each within the cap, exceed it together."""
    for strategy in (scene.strategy, scene.accomplice) * 2:
        scene.submit(scene.bracket(qty="0.080", by=strategy), by=strategy)
    return _over_cap(scene)


@exposure.attack("POSITION_FLIP", twin=twins.turn_by_closing_first)
def second_strategy_on_the_other_side(scene: Scene) -> bool:
    """Let a second strategy sell what the first has bought: on a netted account a flip."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.submit(
        scene.bracket(SELL, "0.100", "50500.0", "48000.0", by=scene.accomplice), by=scene.accomplice
    )
    return scene.position() < 0


@exposure.attack("POSITION_FLIP", twin=twins.turn_by_closing_first)
def flip_with_a_plain_sell(scene: Scene) -> bool:
    """Long 0.050, sell 0.500 without reduce-only."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.submit(scene.market(SELL, "0.100"))
    return scene.position() < 0


@exposure.attack("REDUCE_ONLY_EXCEEDS_POSITION", twin=twins.turn_by_closing_first, stock_stops=True)
def flip_with_a_reduce_only_order(scene: Scene) -> bool:
    """Long 0.050, sell 0.500 reduce-only, and hope that the venue does not look."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.submit(scene.market(SELL, "0.500", reduce_only=True))
    return scene.position() < 0


@exposure.attack("EXIT_ALREADY_IN_FLIGHT", twin=twins.close_position_passes, stock_kernels=(LIVE,))
def closing_twice(scene: Scene) -> bool:
    """Send two full exits before the first one is answered."""
    scene.submit(scene.bracket())
    scene.strategy.submit_order(scene.market(SELL, "0.100", reduce_only=True))
    scene.strategy.submit_order(scene.market(SELL, "0.100", reduce_only=True))
    scene.settle()
    return scene.position() < 0


@exposure.attack("GROSS_EXPOSURE_EXCEEDS_MAX", twin=twins.buys_in_two_symbols)
def caps_of_two_symbols_added_up(scene: Scene) -> bool:
    """Use the cap of each of two symbols, beyond what both may hold together."""
    for _ in range(2):
        scene.submit(scene.bracket(qty="0.095"))
        scene.submit(scene.bracket(BUY, "1.900", "2450.00", "2600.00", instrument=ETH))
    held = scene.position() * 50_000 + scene.position(ETH) * 2_500
    return held > LIMITS.portfolio.gross_notional_usdt_max


@exposure.attack("QUOTE_QUANTITY_NOT_ALLOWED", twin=twins.bracket_opens)
def quantity_in_quote_units(scene: Scene) -> bool:
    """Order 5000, and mean USDT: what the limits hold for base units would be worthless."""
    order = scene.submit(scene.market(BUY, "5000.000", quote_quantity=True))
    return scene.reached(order)


@exposure.attack("SYMBOL_NOT_ALLOWED", twin=twins.bracket_opens, stock_stops=True)
def symbol_outside_the_profile(scene: Scene) -> bool:
    """Trade a symbol that the profile does not list and nobody has loaded."""
    order = MarketOrder(
        scene.kernel.trader_id, scene.strategy.id, InstrumentId.from_str("DOGEUSDT-PERP.BINANCE"),
        scene.orders.generate_client_order_id(), BUY, Quantity.from_str("1000"), UUID4(), 0,
    )  # fmt: skip
    scene.send("ExecEngine.execute", scene.command(order))
    return scene.reached(order)


@exposure.attack("SETTLEMENT_CURRENCY_NOT_ALLOWED", twin=twins.bracket_opens)
def instrument_in_another_currency(scene: Scene) -> bool:
    """Swap the instrument in the cache for one settled in USDC: the limits are in USDT."""
    usdc = CryptoPerpetual(
        instrument_id=BTC.id, raw_symbol=Symbol("BTCUSDC"), base_currency=BTC.base_currency,
        quote_currency=USDC, settlement_currency=USDC, is_inverse=False, price_precision=1,
        price_increment=BTC.price_increment, size_precision=3, size_increment=BTC.size_increment,
        margin_init=BTC.margin_init, margin_maint=BTC.margin_maint, maker_fee=BTC.maker_fee,
        taker_fee=BTC.taker_fee, ts_event=0, ts_init=0,
    )  # fmt: skip
    scene.kernel.cache.add_instrument(usdc)
    bracket = scene.submit(scene.bracket())
    return scene.reached(bracket.first)


@exposure.attack("PRICE_STALE", twin=twins.exit_passes_on_a_bad_price)
def trading_on_a_stale_price(scene: Scene) -> bool:
    """Enter on a price that is a minute old."""
    scene.quote(BTC, MID[BTC.id], age_sec=60)
    bracket = scene.submit(scene.bracket())
    return scene.reached(bracket.first)


@exposure.attack("PRICE_CROSSED", twin=twins.exit_passes_on_a_bad_price)
def trading_on_a_crossed_price(scene: Scene) -> bool:
    """Enter while the bid is above the ask."""
    scene.quote(BTC, MID[BTC.id], spread=-4.0)
    bracket = scene.submit(scene.bracket())
    return scene.reached(bracket.first)


@exposure.attack("SPREAD_EXCEEDS_MAX", twin=twins.exit_passes_on_a_bad_price)
def trading_on_a_torn_book(scene: Scene) -> bool:
    """Enter while the spread is 400 basis points wide."""
    scene.quote(BTC, MID[BTC.id], spread=2_000.0)
    bracket = scene.submit(scene.bracket())
    return scene.reached(bracket.first)


@exposure.attack("ORDER_ID_DUPLICATE", twin=twins.small_brackets_fit_side_by_side, stock_stops=True)
def one_order_submitted_twice(scene: Scene) -> bool:
    """Send the same order object a second time, past the strategy's own check."""
    bracket = scene.submit(scene.bracket(qty="0.050"))
    held = scene.position()
    scene.send("ExecEngine.execute", scene.command(bracket))
    return scene.position() > held


@exposure.attack("ORDER_ID_DUPLICATE", twin=twins.small_brackets_fit_side_by_side, stock_stops=True)
def client_order_id_used_again(scene: Scene) -> bool:
    """Send another order under an id that was approved before."""
    bracket = scene.submit(scene.bracket(qty="0.050"))
    held = scene.position()
    twin = MarketOrder(
        scene.kernel.trader_id, scene.strategy.id, BTC.id, bracket.first.client_order_id, BUY,
        Quantity.from_str("0.100"), UUID4(), 0,
    )  # fmt: skip
    scene.send("ExecEngine.execute", scene.command(twin))
    return scene.position() > held


@exposure.attack("POSITION_EXCEEDS_MAX", twin=twins.small_brackets_fit_side_by_side)
def room_made_by_a_refused_amendment(scene: Scene) -> bool:
    """Amend an entry upward, have another amendment refused, and use the room of the first."""
    scene.submit(scene.bracket(qty="0.050"))
    scene.submit(scene.stop(SELL, "0.050", "49500.0", reduce_only=True))  # for the larger entry
    entry = scene.submit(scene.bracket(qty="0.050", price="49900.0")).first
    scene.strategy.modify_order(entry, quantity=Quantity.from_str("0.100"))
    scene.kernel.msgbus.send("ExecEngine.execute", _modify(scene, entry, "9.000"))
    scene.strategy.submit_order_list(scene.bracket(qty="0.090"))
    scene.settle()
    scene.settle(btc=49_890.0)
    return _over_cap(scene)


def _modify(scene: Scene, order: Order, qty: str) -> ModifyOrder:
    return ModifyOrder(
        trader_id=scene.kernel.trader_id, strategy_id=scene.strategy.id, instrument_id=BTC.id,
        client_order_id=order.client_order_id, venue_order_id=order.venue_order_id,
        quantity=Quantity.from_str(qty), price=None, trigger_price=None, command_id=UUID4(),
        ts_init=scene.kernel.clock.timestamp_ns(),
    )  # fmt: skip


@exposure.attack("ORDER_PARAMS_NOT_ALLOWED", twin=twins.bracket_opens, kernels=(LIVE,))
def price_left_to_the_venue(scene: Scene) -> bool:
    """Show the gate a modest limit, and tell Binance's client to let the venue set the price."""
    bracket = scene.bracket(price="49900.0")
    scene.strategy.submit_order_list(bracket, params={"price_match": "OPPONENT_20"})
    scene.settle()
    return scene.reached(bracket.first)


@exposure.attack("SELF_MATCH", twin=twins.bracket_opens)
def trading_with_oneself(scene: Scene) -> bool:
    """Buy through one's own resting offer."""
    scene.submit(scene.bracket(qty="0.050", target="50050.0"))
    more = scene.submit(scene.bracket(qty="0.050", price="50100.0"))
    return scene.reached(more.first)


@exposure.attack("MESSAGE_RATE_EXCEEDS_MAX", twin=twins.entry_is_canceled_when_halted)
def flood_of_messages(scene: Scene) -> bool:
    """Amend a working entry fifty times at once."""
    bracket = scene.submit(scene.bracket(price="49900.0"))
    for i in range(50):
        scene.strategy.modify_order(bracket.first, price=Price.from_str(f"{49_800 + i}.0"))
    scene.settle()
    return scene.amendments(bracket.first) > LIMITS.rates.messages_per_sec_max


@exposure.attack("REPEATED_EXECUTION", twin=twins.small_brackets_fit_side_by_side)
def strategy_in_a_loop(scene: Scene) -> bool:
    """Enter again and again: the seventh entry within a minute."""
    entries = 0
    for _ in range(8):
        bracket = scene.submit(scene.bracket(qty="0.010"))
        entries += scene.reached(bracket.first)
    return entries > LIMITS.rates.repeated_entries_max
