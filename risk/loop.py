"""Bring timers home: a live clock calls from a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nautilus_trader.common.component import Clock, LiveClock
from nautilus_trader.common.events import TimeEvent


def on_loop(clock: Clock, callback: Callable[[TimeEvent], None]) -> Callable[[TimeEvent], None]:
    """
    Return a timer callback that runs *callback* on the node's event loop.

    A `LiveClock` fires its timers on a thread that is not the loop's, while everything else of a
    node happens there; a backtest's clock calls in line. Call it from the loop.

    Parameters
    ----------
    clock : Clock
        Whose timer it is for.
    callback : Callable[[TimeEvent], None]
        What the timer is for.

    """
    if not isinstance(clock, LiveClock):
        return callback
    return hopping(asyncio.get_running_loop(), callback)


def hopping(
    loop: asyncio.AbstractEventLoop, callback: Callable[[TimeEvent], None]
) -> Callable[[TimeEvent], None]:
    """Return a callback that hands *callback* to *loop* from any thread, until the loop is closed."""

    def call(event: TimeEvent) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(callback, event)

    return call
