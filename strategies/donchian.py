"""Trade a breakout: enter when a close leaves the channel, trail the stop along a shorter one."""

from decimal import Decimal

from nautilus_trader.indicators import AverageTrueRange, DonchianChannel
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide

from strategies.bars import BarStrategy, BarStrategyConfig
from strategies.checks import require, require_positive
from strategies.signals import breakout_side
from strategies.sizing import is_tighter, to_decimal


class DonchianBreakoutConfig(BarStrategyConfig, kw_only=True, frozen=True):
    """
    The parameters of `DonchianBreakout`.

    Parameters
    ----------
    entry_period : int
        The bars of the channel whose breakout is traded (> 0).
    exit_period : int
        The bars of the channel the stop is trailed along (> 0, < *entry_period*).
    atr_period : int
        The bars of the average true range (> 0).
    stop_atr : Decimal
        The distance to the first stop in average true ranges (> 0).

    """

    entry_period: int = 40
    exit_period: int = 15
    atr_period: int = 20
    stop_atr: Decimal = Decimal(3)

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("entry_period", "exit_period", "atr_period", "stop_atr"):
            require_positive(key, getattr(self, key))
        rule = f"< entry_period ({self.entry_period})"
        require("exit_period", self.exit_period, rule, holds=self.exit_period < self.entry_period)


class DonchianBreakout(BarStrategy):
    """
    Buy above the highest high, sell below the lowest low of the bars before this one.

    The stop starts a multiple of the average true range away and follows the lowest low
    (for a short: the highest high) of the shorter channel, tighter only.
    """

    def __init__(self, config: DonchianBreakoutConfig) -> None:
        super().__init__(config)
        self.entry_channel = DonchianChannel(config.entry_period)
        self.exit_channel = DonchianChannel(config.exit_period)
        self.atr = AverageTrueRange(config.atr_period)
        self._edges: tuple[float, float] | None = None  # upper, lower before the current bar

    @property
    def history_bars(self) -> int:
        """The longest of its windows, and one bar more for the edges before the current one."""
        return max(self.config.entry_period, self.config.atr_period) + 2

    def on_gap(self) -> None:
        for indicator in (self.entry_channel, self.exit_channel, self.atr):
            indicator.reset()

    def update(self, bar: Bar) -> None:
        channel = self.entry_channel
        self._edges = (channel.upper, channel.lower) if channel.initialized else None
        for indicator in (self.entry_channel, self.exit_channel, self.atr):
            indicator.handle_bar(bar)

    def decide(self, bar: Bar) -> None:
        if not self.is_idle:
            self._trail(bar.close.as_decimal())
        elif self._edges is not None and self.atr.initialized:
            side = breakout_side(bar.close.as_double(), *self._edges)
            distance = self.config.stop_atr * to_decimal(self.atr.value)
            if side != OrderSide.NO_ORDER_SIDE:
                self.enter(side, bar.close.as_decimal(), distance)

    def _trail(self, close: Decimal) -> None:
        channel, side = self.exit_channel, self.side
        if channel.initialized:
            edge = to_decimal(channel.lower if side == OrderSide.BUY else channel.upper)
            if is_tighter(side, edge, close):  # a stop at the market would be rejected
                self.tighten_stop(edge)
