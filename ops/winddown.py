"""End a node's trading in order: strategies stop, and what they leave behind comes to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from nautilus_trader.system.kernel import NautilusKernel
from nautilus_trader.trading.strategy import Strategy

LOOK_SEC = 0.05


async def wind_down(kernel: NautilusKernel, *, patience_sec: float) -> list[str]:
    """
    Stop the strategies and wait until all is quiet.

    A strategy that flattens on stop is quiet when it has no position and no order; one that does
    not, when nothing of its can raise exposure any more: its stop keeps resting at the venue.

    Parameters
    ----------
    kernel : NautilusKernel
        Of a running node.
    patience_sec : float
        Longest wait, seconds.

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
            while any(unrest(kernel)):
                await asyncio.sleep(LOOK_SEC)
    except TimeoutError:
        return list(unrest(kernel))
    return []


def unrest(kernel: NautilusKernel) -> Iterator[str]:
    """Yield what has still to happen before the node may end."""
    cache = kernel.cache
    for order in cache.orders_inflight():
        yield f"order {order.client_order_id} is on its way ({order.status_string()})"
    for strategy in kernel.trader.strategies():
        flattens = _flattens(strategy)
        if flattens:
            for position in cache.positions_open(strategy_id=strategy.id):
                yield f"position {position.instrument_id} of {position.signed_qty} is open"
        for order in cache.orders_open(strategy_id=strategy.id):
            if flattens or not order.is_reduce_only:
                yield f"order {order.client_order_id} is open"


def _flattens(strategy: Strategy) -> bool:
    return bool(getattr(strategy.config, "flatten_on_stop", False))
