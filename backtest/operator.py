"""A simulated operator: what a person would do about REDUCING in the middle of a long backtest."""

from __future__ import annotations

from collections.abc import Callable

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.common.messages import TradingStateChanged
from nautilus_trader.model.enums import TradingState

NS_PER_MIN = 60 * 1_000_000_000
NAME = "simulated operator"


class SimulatedOperator(Actor):
    """
    Resumes trading some time after a breaker tripped REDUCING; HALTED stays for a real person.

    Parameters
    ----------
    resume : Callable
        Called with keywords ``by``, ``reason`` and ``now_ns`` when the time is over.
    after_min : int
        Minutes from the trip to the resumption (> 0).

    """

    def __init__(self, resume: Callable[..., None], after_min: int) -> None:
        super().__init__()
        self._resume = resume
        self._after_min = after_min
        self._state = TradingState.ACTIVE

    def on_start(self) -> None:
        """Listen for changes of the trading state."""
        self.msgbus.subscribe("events.risk", self._on_state)

    def _on_state(self, event: TradingStateChanged) -> None:
        self._state = event.state
        if event.state == TradingState.REDUCING:
            at_ns = self.clock.timestamp_ns() + self._after_min * NS_PER_MIN
            name = f"resume-{at_ns}"
            if name not in self.clock.timer_names:
                self.clock.set_time_alert_ns(name, at_ns, self._on_time)

    def _on_time(self, event: TimeEvent) -> None:
        if self._state != TradingState.REDUCING:
            return
        reason = f"{self._after_min} minutes have passed"
        self._resume(by=NAME, reason=reason, now_ns=event.ts_event)
