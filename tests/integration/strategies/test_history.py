"""A start in the middle of a market: the bars before it prepare the indicators and decide nothing."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import Bar, BarType

from strategies.bars import HISTORY_SECS_MAX
from strategies.donchian import DonchianBreakout, DonchianBreakoutConfig
from strategies.ema_cross import EmaCross, EmaCrossConfig
from strategies.history import Rollup
from tests.integration.strategies.conftest import BTC, MINUTE_NS, Market, make_market

BEGIN = 28_000_020
"""Minutes since 1970; three and fifteen are in it without a rest."""
WAVE = [50_000.0 + 40 * abs(minute % 26 - 13) + minute % 7 for minute in range(90)]
COMPOSED = "3-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL"
PERIODS = {"fast_period": 3, "slow_period": 6, "atr_period": 4}
CHANNELS = {"entry_period": 6, "exit_period": 3, "atr_period": 4}


def config(**params: Any) -> dict[str, Any]:
    return {
        "instrument_id": BTC.id, "trade_risk_usdt": Decimal(50),
        "trade_notional_usdt_max": Decimal(5_000),
    } | params  # fmt: skip


class _Late:
    """Stands in for the venue: answers the request for bars with *past*, at once or never."""

    past: list[Bar] | None = None
    asked: BarType | None = None

    def request_bars(self, bar_type: BarType, *, start: Any, callback: Any) -> None:
        self.asked = bar_type
        if self.past is None:
            return
        for bar in self.past:
            if bar.ts_event >= int(start.timestamp() * 1_000_000_000):
                self.on_historical_data(bar)
        callback(UUID4())


class LateCross(_Late, EmaCross):
    """An EmaCross whose venue is `_Late`."""


class LateBreakout(_Late, DonchianBreakout):
    """A DonchianBreakout whose venue is `_Late`."""


def cross(kind: type[EmaCross], bars: str) -> EmaCross:
    return kind(EmaCrossConfig(**config(bars=bars, **PERIODS)))


def breakout(kind: type[DonchianBreakout], bars: str) -> DonchianBreakout:
    return kind(DonchianBreakoutConfig(**config(bars=bars, **CHANNELS)))


def readings(strategy: Any) -> list[float]:
    if isinstance(strategy, EmaCross):
        return [strategy.fast.value, strategy.slow.value, strategy.atr.value]
    found = [strategy.entry_channel, strategy.exit_channel]
    return [edge for each in found for edge in (each.upper, each.lower)] + [strategy.atr.value]


def run(strategy: Any, bars: list[Bar]) -> Market:
    market = make_market()
    market.run(strategy, bars)
    return market


@pytest.mark.parametrize("bars", ["1-MINUTE-LAST-EXTERNAL", COMPOSED])
@pytest.mark.parametrize("started", [60, 61, 62])
@pytest.mark.parametrize(
    ("make", "kind", "late"),
    [(cross, EmaCross, LateCross), (breakout, DonchianBreakout, LateBreakout)],
)
def test_a_late_start_knows_what_one_knows_that_ran_all_along(
    make_bars: Callable[..., list[Bar]], bars: str, started: int, make: Any, kind: Any, late: Any
) -> None:
    market = make_bars(WAVE, first_minute=BEGIN + 1)
    always, joining = make(kind, bars), make(late, bars)
    joining.past = market[:started]

    run(always, market)
    run(joining, market[started:])

    assert joining.asked == BarType.from_str(f"{BTC.id}-1-MINUTE-LAST-EXTERNAL")
    assert readings(joining) == pytest.approx(readings(always), rel=1e-4)


def test_the_indicators_are_ready_with_the_first_live_bar_and_history_trades_nothing(
    make_bars: Callable[..., list[Bar]],
) -> None:
    market = make_bars(WAVE, first_minute=BEGIN + 1)
    strategy = cross(LateCross, "1-MINUTE-LAST-EXTERNAL")
    strategy.past = market[:60]

    seen = run(strategy, market[60:61])

    assert strategy.slow.initialized
    assert strategy.atr.initialized
    assert seen.events == []


def test_a_cross_right_after_the_start_is_seen_against_the_history(
    make_bars: Callable[..., list[Bar]],
) -> None:
    fall = [50_000.0 - 10 * step for step in range(30)]
    market = make_bars([*fall, fall[-1] + 200], first_minute=BEGIN + 1)
    strategy = cross(LateCross, "1-MINUTE-LAST-EXTERNAL")
    strategy.past = market[:-1]

    seen = run(strategy, market[-1:])

    assert "OrderInitialized:ENTRY" in seen.names()


def test_a_history_that_never_comes_costs_a_wait_and_no_bar(
    make_bars: Callable[..., list[Bar]],
) -> None:
    market = make_bars(WAVE, first_minute=BEGIN + 1)
    always, joining = (cross(k, "1-MINUTE-LAST-EXTERNAL") for k in (EmaCross, LateCross))

    run(always, market)
    run(joining, market)

    assert HISTORY_SECS_MAX * 1_000_000_000 < MINUTE_NS
    assert readings(joining) == readings(always)


def test_in_a_backtest_nothing_comes_before_the_first_bar(
    make_bars: Callable[..., list[Bar]],
) -> None:
    strategy = cross(EmaCross, "1-MINUTE-LAST-EXTERNAL")

    run(strategy, make_bars(WAVE[:5], first_minute=BEGIN + 1))

    assert not strategy.slow.initialized  # it needs six


def test_a_bar_is_joined_from_its_parts_whatever_stamp_the_venue_gives_them(
    make_bars: Callable[..., list[Bar]],
) -> None:
    rollup = Rollup(BarType.from_str(f"{BTC.id}-{COMPOSED}"))
    parts = make_bars([10.0, 30.0, 20.0, 40.0], first_minute=BEGIN + 1, wick=1.0)
    early = [Bar(b.bar_type, b.open, b.high, b.low, b.close, b.volume, b.ts_event - 1_000_000,
                 b.ts_init) for b in parts]  # fmt: skip

    whole = [bar for part in early for bar in rollup.add(part)]

    assert [(str(b.open), str(b.high), str(b.low), str(b.close)) for b in whole] == [
        ("10.0", "31.0", "9.0", "20.0")
    ]
    assert whole[0].volume == BTC.make_qty(30)
    assert whole[0].ts_event == (BEGIN + 3) * MINUTE_NS
