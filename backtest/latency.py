"""Let orders reach the simulated venue when their latency is over."""

from __future__ import annotations

from nautilus_trader.common.component import Clock, MessageBus, TimeEvent
from nautilus_trader.model.events import (
    OrderEvent,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderSubmitted,
)

ALARM = "ORDER-ARRIVAL"


class Arrivals:
    """
    Wakes the engine at the instant a command arrives at the venue.

    Nautilus 1.231 looks at commands on the way only when the next data point comes, after that
    data point has moved the market. On one-minute bars an order with 50 ms of latency would be
    filled a whole minute late, at the close of the next bar. With an alarm at its arrival it
    is filled at the market of that instant.

    Parameters
    ----------
    latency_ns : int
        From the strategy to the venue, nanoseconds (> 0).

    """

    def __init__(self, latency_ns: int) -> None:
        self._latency_ns = latency_ns
        self._last_ns = 0

    def attach(self, msgbus: MessageBus, clock: Clock) -> None:
        """Listen for orders that leave; called once, when the venue is made."""
        self._clock = clock
        msgbus.subscribe("events.order.*", self._on_order_event)

    def reset(self) -> None:
        """Forget the last run."""
        self._last_ns = 0

    def _on_order_event(self, event: OrderEvent) -> None:
        if not isinstance(event, OrderSubmitted | OrderPendingUpdate | OrderPendingCancel):
            return
        arrival_ns = event.ts_init + self._latency_ns
        if arrival_ns != self._last_ns:
            self._last_ns = arrival_ns
            self._clock.set_time_alert_ns(f"{ALARM}-{arrival_ns}", arrival_ns, self._nothing)

    def _nothing(self, event: TimeEvent) -> None:
        """Do nothing: after every alarm the engine itself looks at the commands on the way."""
