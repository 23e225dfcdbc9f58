"""What strategies on bars share: the bar type, its history, its gaps, and bars nobody traded in."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from nautilus_trader.common.events import TimeEvent
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import Bar, BarType

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.checks import require_positive
from strategies.history import Rollup, kept_by_venue
from strategies.signals import has_gap

HISTORY_SECS_MAX = 10
"""The wait for the bars before the start; without them the indicators start afresh."""


class BarStrategyConfig(ProtectedStrategyConfig, kw_only=True, frozen=True):
    """
    What every strategy on bars is told.

    Parameters
    ----------
    bars : str
        The bar type without its instrument, such as ``1-MINUTE-LAST-EXTERNAL`` or
        ``15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL`` (15 minutes made of 1-minute bars).
    gap_bars_max : int
        The missing bars up to which the indicators go on as if nothing had happened (> 0);
        after a longer outage they start afresh.

    """

    bars: str = "15-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL"
    gap_bars_max: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("gap_bars_max", self.gap_bars_max)
        _ = self.bar_type

    @property
    def bar_type(self) -> BarType:
        """
        The full bar type of the instrument.

        Raises
        ------
        ValueError
            If *bars* is not a bar type of Nautilus.

        """
        try:
            return BarType.from_str(f"{self.instrument_id}-{self.bars}")
        except ValueError as e:
            raise ValueError(f"bars: was {self.bars!r}, must be a bar specification: {e}") from e


class BarStrategy(ProtectedStrategy):
    """
    Update on every bar and decide on those somebody traded in.

    At the start the bars before it are asked for, which prepares the indicators and decides
    nothing. Where there are none, as before the first bar of a backtest, that changes nothing.
    """

    def __init__(self, config: BarStrategyConfig) -> None:
        super().__init__(config)
        self.bar_type: BarType = config.bar_type
        self._interval_ns: int = config.bar_type.spec.get_interval_ns()
        self._traded_ns = 0  # when the last bar that somebody traded in closed
        self._rollup: Rollup | None = None  # while the first live bar may be a part of one
        self._waiting: list[Bar] | None = None  # live bars, while history is on its way

    @property
    def history_bars(self) -> int:
        """The bars before the start that the indicators need; 0 asks for none. Override."""
        return 0

    def update(self, bar: Bar) -> None:
        """Feed the indicators with every bar, traded or not. Override."""
        raise NotImplementedError

    def decide(self, bar: Bar) -> None:
        """Act on a bar that was traded in, after `update`. Override."""
        raise NotImplementedError

    def observe(self, bar: Bar) -> None:
        """Remember what the next decision compares with, on a bar that was traded in."""

    def on_gap(self) -> None:
        """Start the indicators afresh after an outage. Override."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Take over what is there, ask for the bars before, and subscribe to those to come."""
        super().on_start()
        self._ask_for_history()
        self.subscribe_bars(self.bar_type)

    def on_reset(self) -> None:
        """Forget the run."""
        super().on_reset()
        self._traded_ns = 0
        self._rollup = None
        self._waiting = None
        self.on_gap()

    def on_bar(self, bar: Bar) -> None:
        """
        Update on every bar, decide on traded ones; while history is on its way, wait.

        An aggregator fills an outage with bars of volume zero, so the gap is measured
        between bars with volume; an open position is left to its stop meanwhile.
        """
        if self._waiting is not None:
            self._waiting.append(bar)
            return
        *before, bar = [bar] if self._rollup is None else self._rollup.complete(bar)
        self._rollup = None
        self._learn(before)
        if self._take(bar):
            self.decide(bar)

    def _take(self, bar: Bar) -> bool:
        """Update on a bar; return whether it was traded in."""
        if not bar.volume > 0:
            self.update(bar)
            return False
        if self._is_after_gap(bar):
            self.log.warning(f"Starting the indicators afresh: nothing was traded before {bar}")
            self.on_gap()
        self._traded_ns = bar.ts_event
        self.update(bar)
        return True

    # -- History ---------------------------------------------------------------------------------

    def _ask_for_history(self) -> None:
        kept = kept_by_venue(self.bar_type)
        if kept is None or not self.history_bars:
            return
        if self.bar_type.is_composite():
            self._rollup = Rollup(self.bar_type)
        self._waiting = []
        span = timedelta(microseconds=self.history_bars * self._interval_ns / 1_000)
        self.request_bars(kept, start=self.clock.utc_now() - span, callback=self._on_history)
        if self._waiting is not None:  # not answered within the call
            until_ns = self.clock.timestamp_ns() + HISTORY_SECS_MAX * 1_000_000_000
            self.clock.set_time_alert_ns(self._history_alert, until_ns, self._miss_history)

    @property
    def _history_alert(self) -> str:
        return f"{self.id}-HISTORY"

    def on_historical_data(self, data: Any) -> None:
        """Prepare the indicators with a bar of before the start; decide nothing."""
        if isinstance(data, Bar) and self._waiting is not None:
            self._learn([data] if self._rollup is None else self._rollup.add(data))

    def _learn(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            if self._take(bar):
                self.observe(bar)

    def _on_history(self, _request_id: UUID4) -> None:
        if self._waiting is not None:
            if self._history_alert in self.clock.timer_names:
                self.clock.cancel_timer(self._history_alert)
            self._end_waiting()

    def _miss_history(self, _event: TimeEvent) -> None:
        if self._waiting is not None:
            self.log.warning(
                f"No history of {self.bar_type} within {HISTORY_SECS_MAX} s: "
                "the indicators start afresh"
            )
            self._end_waiting()

    def _end_waiting(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for bar in waiting:
            self.on_bar(bar)

    def _is_after_gap(self, bar: Bar) -> bool:
        if not self._traded_ns:
            return False
        bars_max = self.config.gap_bars_max
        return has_gap(self._traded_ns, bar.ts_event, self._interval_ns, bars_max)
