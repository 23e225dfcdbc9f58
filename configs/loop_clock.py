"""Timers that fire on the node's event loop, where everything else of a node happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.system import kernel

from risk.loop import hopping

Callback = Callable[[TimeEvent], None]


class LoopClock(LiveClock):  # type: ignore[misc]
    """
    A live clock that hands its timers to the event loop it was made on.

    NautilusTrader 1.231 calls timers from a thread of the runtime: a strategy that sends an order
    there would meet the gate, the books and the cache in the middle of something else.

    """

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()

    def register_default_handler(self, callback: Callback) -> None:
        """Register the handler of timers that have no callback."""
        super().register_default_handler(hopping(self._loop, callback))

    def set_time_alert_ns(
        self,
        name: str,
        alert_time_ns: int,
        callback: Callback | None = None,
        allow_past: bool = True,  # noqa: FBT001, FBT002 - stock signature
    ) -> None:
        """Set an alert (see `Clock.set_time_alert_ns`)."""
        super().set_time_alert_ns(
            name, alert_time_ns, callback and hopping(self._loop, callback), allow_past
        )

    def set_timer_ns(
        self,
        name: str,
        interval_ns: int,
        start_time_ns: int,
        stop_time_ns: int,
        callback: Callback | None = None,
        allow_past: bool = True,  # noqa: FBT001, FBT002 - stock signature
        fire_immediately: bool = False,  # noqa: FBT001, FBT002 - stock signature
    ) -> None:
        """Set a timer (see `Clock.set_timer_ns`)."""
        super().set_timer_ns(
            name,
            interval_ns,
            start_time_ns,
            stop_time_ns,
            callback and hopping(self._loop, callback),
            allow_past,
            fire_immediately,
        )


@contextmanager
def loop_clocks() -> Iterator[None]:
    """
    Let kernels built inside the context, and all that is added to them, keep time by `LoopClock`.

    The kernel makes its clock by class name, and each strategy's from its own clock's class. The
    name is put back on leaving.

    """
    stock = kernel.LiveClock
    kernel.LiveClock = LoopClock
    try:
        yield
    finally:
        kernel.LiveClock = stock
