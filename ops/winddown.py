"""End a node's trading in order: strategies stop, and what they leave behind comes to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderType
from nautilus_trader.model.position import Position
from nautilus_trader.system.kernel import NautilusKernel
from nautilus_trader.trading.strategy import Strategy

LOOK_SEC = 0.05


async def wind_down(
    kernel: NautilusKernel,
    *,
    patience_sec: float,
    also: Callable[[], list[str]] = list,
) -> list[str]:
    """
    Stop the strategies and wait until all is quiet.

    A strategy that flattens on stop is quiet when it has no position and no order; one that does
    not, when nothing of its can raise exposure any more and stops for all of its positions rest at
    the venue, where they stay.

    Parameters
    ----------
    kernel : NautilusKernel
        Of a running node.
    patience_sec : float
        Longest wait, seconds.
    also : Callable
        What else has to come to rest: a kill that closes positions.

    Returns
    -------
    list[str]
        What did not come to rest in time, a line each.

    """
    for strategy in kernel.trader.strategies():
        if strategy.is_running:
            strategy.stop()
    try:
        async with asyncio.timeout(patience_sec):
            while any(unrest(kernel)) or also():
                await asyncio.sleep(LOOK_SEC)
    except TimeoutError:
        return [*unrest(kernel), *also()]
    return []


def unrest(kernel: NautilusKernel) -> Iterator[str]:
    """Yield what has still to happen before the node may end."""
    cache = kernel.cache
    for order in cache.orders_inflight():
        yield f"order {order.client_order_id} is on its way ({order.status_string()})"
    for strategy in kernel.trader.strategies():
        flattens = _flattens(strategy)
        for position in cache.positions_open(strategy_id=strategy.id):
            shown = f"position {position.instrument_id} of {position.signed_decimal_qty()}"
            stops_qty = _stops_qty(cache, position)
            if flattens:
                yield f"{shown} is open"
            elif stops_qty < position.quantity.as_decimal():
                yield f"{shown} has stops for {stops_qty}"
        for order in cache.orders_open(strategy_id=strategy.id):
            if flattens or not order.is_reduce_only:
                yield f"order {order.client_order_id} is open"


def _stops_qty(cache: CacheFacade, position: Position) -> Decimal:
    """Return how much of a position resting stops would close, base units."""
    orders = cache.orders_open(
        instrument_id=position.instrument_id, strategy_id=position.strategy_id
    )
    return sum(
        (
            order.leaves_qty.as_decimal()
            for order in orders
            if order.is_reduce_only
            and order.order_type == OrderType.STOP_MARKET
            and order.is_sell == position.is_long
        ),
        Decimal(0),
    )


def _flattens(strategy: Strategy) -> bool:
    return bool(getattr(strategy.config, "flatten_on_stop", False))
