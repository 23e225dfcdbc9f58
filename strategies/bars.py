"""What strategies on bars share: the bar type, its gaps, and bars nobody traded in."""

from nautilus_trader.model.data import Bar, BarType

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.checks import require_positive
from strategies.signals import has_gap


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
    """Hand traded bars to `on_traded_bar`, and call `on_gap` when too many were missing."""

    def __init__(self, config: BarStrategyConfig) -> None:
        super().__init__(config)
        self.bar_type: BarType = config.bar_type
        self._interval_ns: int = config.bar_type.spec.get_interval_ns()
        self._traded_ns = 0  # when the last bar that somebody traded in closed

    def update(self, bar: Bar) -> None:
        """Feed the indicators with every bar, traded or not. Override."""
        raise NotImplementedError

    def decide(self, bar: Bar) -> None:
        """Act on a bar that was traded in, after `update`. Override."""
        raise NotImplementedError

    def on_gap(self) -> None:
        """Start the indicators afresh after an outage. Override."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Take over what is there and subscribe to the bars."""
        super().on_start()
        self.subscribe_bars(self.bar_type)

    def on_reset(self) -> None:
        """Forget the run."""
        super().on_reset()
        self._traded_ns = 0
        self.on_gap()

    def on_bar(self, bar: Bar) -> None:
        """
        Update on every bar, decide on traded ones.

        An aggregator fills an outage with bars of volume zero, so the gap is measured
        between bars with volume; an open position is left to its stop meanwhile.
        """
        if not bar.volume > 0:
            self.update(bar)
            return
        if self._is_after_gap(bar):
            self.log.warning(f"Starting the indicators afresh: nothing was traded before {bar}")
            self.on_gap()
        self._traded_ns = bar.ts_event
        self.update(bar)
        self.decide(bar)

    def _is_after_gap(self, bar: Bar) -> bool:
        if not self._traded_ns:
            return False
        bars_max = self.config.gap_bars_max
        return has_gap(self._traded_ns, bar.ts_event, self._interval_ns, bars_max)
