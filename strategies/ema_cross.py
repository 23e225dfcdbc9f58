"""Follow a trend: enter when a fast average crosses a slow one, stop a multiple of ATR away."""

from decimal import Decimal

from nautilus_trader.indicators import AverageTrueRange, ExponentialMovingAverage
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide

from strategies.bars import BarStrategy, BarStrategyConfig
from strategies.checks import require, require_positive
from strategies.signals import cross_side
from strategies.sizing import to_decimal

# A cross against an open position stays good for its own bar and one more: with nothing but bars
# and a latency, a backtest reports the closing fill only after the next bar.
BARS_LEFT = 1


class EmaCrossConfig(BarStrategyConfig, kw_only=True, frozen=True):
    """
    The parameters of `EmaCross`.

    Parameters
    ----------
    fast_period : int
        The bars of the fast average (> 0, < *slow_period*).
    slow_period : int
        The bars of the slow average.
    atr_period : int
        The bars of the average true range (> 0).
    stop_atr : Decimal
        The distance to the stop in average true ranges (> 0).
    target_ratio : Decimal, optional
        The distance to the target in stop distances (> 0); none is set without it.

    """

    fast_period: int = 10
    slow_period: int = 40
    atr_period: int = 20
    stop_atr: Decimal = Decimal(3)
    target_ratio: Decimal | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("fast_period", "slow_period", "atr_period", "stop_atr", "target_ratio"):
            require_positive(key, getattr(self, key))
        rule = f"< slow_period ({self.slow_period})"
        require("fast_period", self.fast_period, rule, holds=self.fast_period < self.slow_period)


class EmaCross(BarStrategy):
    """
    Buy when the fast average crosses above the slow one, sell when it crosses below.

    A cross against an open position closes it; the trade the other way follows once flat.
    """

    def __init__(self, config: EmaCrossConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(config.fast_period)
        self.slow = ExponentialMovingAverage(config.slow_period)
        self.atr = AverageTrueRange(config.atr_period)
        self._gap = 0.0  # fast minus slow, the last time they differed
        self._wanted: OrderSide | None = None  # the side of a cross that is still to be acted on
        self._bars_left = 0  # for which that cross stays good
        self._close = Decimal(0)

    @property
    def history_bars(self) -> int:
        """Four slow periods: what is older has a weight of less than 0.1 % in the slow average."""
        return 4 * self.config.slow_period + self.config.atr_period

    def on_gap(self) -> None:
        for indicator in (self.fast, self.slow, self.atr):
            indicator.reset()
        self._gap = 0.0
        self._wanted = None

    def update(self, bar: Bar) -> None:
        for indicator in (self.fast, self.slow, self.atr):
            indicator.handle_bar(bar)

    def observe(self, bar: Bar) -> None:  # noqa: ARG002 - the averages have taken it already
        self._gap = self.fast.value - self.slow.value or self._gap

    def decide(self, bar: Bar) -> None:
        previous_gap, gap = self._gap, self.fast.value - self.slow.value
        self.observe(bar)
        self._close = bar.close.as_decimal()
        side = cross_side(previous_gap, gap)
        if side != OrderSide.NO_ORDER_SIDE and self.slow.initialized and self.atr.initialized:
            self._wanted, self._bars_left = side, BARS_LEFT
            self._pursue()
        elif self._bars_left > 0:
            self._bars_left -= 1
        else:
            self._wanted = None

    def on_flat(self) -> None:
        self._pursue()

    def _pursue(self) -> None:
        side = self._wanted
        if side is None:
            return
        if not self.is_idle:
            if self.side != side:
                self.exit()
            return
        self._wanted = None
        distance = self.config.stop_atr * to_decimal(self.atr.value)
        if distance > 0:  # else no bar of the window has moved at all
            ratio = self.config.target_ratio
            self.enter(side, self._close, distance, None if ratio is None else distance * ratio)
