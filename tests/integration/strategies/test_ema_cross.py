"""EMA cross: trades the cross, protected, and goes through flat when the trend turns."""

from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.common.config import msgspec_decoding_hook
from nautilus_trader.model.enums import TradingState

from strategies.ema_cross import EmaCross, EmaCrossConfig

PARAMS = {
    "instrument_id": "BTCUSDT-PERP.BINANCE",
    "trade_risk_usdt": Decimal(50),
    "trade_notional_usdt_max": Decimal(5_000),
    "bars": "1-MINUTE-LAST-EXTERNAL",
    "fast_period": 2,
    "slow_period": 5,
    "atr_period": 3,
}

FALL = [50_000.0 - 10 * step for step in range(10)]
RISE = [FALL[-1] + 20 * step for step in range(1, 11)]
SECOND_FALL = [RISE[-1] - 20 * step for step in range(1, 11)]


def make_strategy(**params: object) -> EmaCross:
    config = msgspec.convert(PARAMS | params, EmaCrossConfig, dec_hook=msgspec_decoding_hook)
    return EmaCross(config)


def test_a_cross_upward_buys_with_a_stop_two_ranges_below(market, make_bars):
    strategy = make_strategy(stop_atr=Decimal(2), flatten_on_stop=False)

    market.run(strategy, make_bars(FALL + RISE))

    (position,) = market.cache.positions_open()
    (stop,) = market.cache.orders_open()
    assert position.is_long
    # The second rising bar crosses at 49,950; the last ranges are 20, 30 and 30, so the stop
    # belongs 53.33 below, at 49,896.67, and the tick below that is its place.
    assert str(stop.trigger_price) == "49896.6"
    market.assert_always_protected()


def test_a_turn_of_the_trend_goes_through_flat_within_its_bar(market, make_bars):
    strategy = make_strategy(stop_atr=Decimal(20))

    market.run(strategy, make_bars(FALL + RISE + SECOND_FALL))

    assert market.filled() == ["ENTRY", "EXIT", "ENTRY", "EXIT"]
    names = market.names()
    first_close = names.index("PositionClosed")
    assert names.index("OrderInitialized:ENTRY", 1) > first_close
    opened = [position.entry.name for position in market.cache.position_snapshots()]
    opened += [position.entry.name for position in market.cache.positions()]
    assert opened == ["BUY", "SELL"]
    market.assert_always_protected()
    market.assert_settled()


def test_a_turn_of_the_trend_is_traded_although_fills_come_a_bar_late(slow_market, make_bars):
    strategy = make_strategy(stop_atr=Decimal(20))

    slow_market.run(strategy, make_bars(FALL + RISE + SECOND_FALL))

    assert slow_market.filled()[:3] == ["ENTRY", "EXIT", "ENTRY"]
    slow_market.assert_always_protected()


def test_a_cross_is_forgotten_when_the_way_is_not_clear_in_time(market, make_bars):
    strategy = make_strategy(stop_atr=Decimal(20), retry_secs=150)
    risk_engine = market.engine.kernel.risk_engine
    market.run(strategy, make_bars(FALL + RISE), end=False)
    risk_engine.set_trading_state(TradingState.HALTED)  # denies the exit of the next cross
    late = make_bars(SECOND_FALL, first_minute=21)
    market.run(strategy, late[:3], end=False)
    risk_engine.set_trading_state(TradingState.ACTIVE)

    market.run(strategy, late[3:])

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_nothing_is_traded_before_the_averages_are_warm(market, make_bars):
    strategy = make_strategy(slow_period=30)

    market.run(strategy, make_bars(FALL + RISE))

    assert market.events == []


def test_an_outage_starts_the_averages_afresh(market, make_bars):
    strategy = make_strategy()
    late = make_bars(RISE, first_minute=len(FALL) + 6)

    market.run(strategy, make_bars(FALL) + late[:4])

    assert not strategy.slow.initialized
    assert market.events == []


def test_an_outage_of_exactly_the_bars_allowed_changes_nothing(market, make_bars):
    strategy = make_strategy()
    late = make_bars(RISE, first_minute=len(FALL) + 5)

    market.run(strategy, make_bars(FALL) + late[:4])

    assert strategy.slow.initialized


def test_an_outage_counts_although_an_aggregator_fills_it_with_empty_bars(market, make_bars):
    strategy = make_strategy(bars="5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL", gap_bars_max=2)
    falling = [50_000.0 - step for step in range(60)]
    rising = [falling[-1] + 20 * step for step in range(21)]
    seen = []
    market.engine.kernel.msgbus.subscribe("data.bars.*INTERNAL*", seen.append)

    market.run(strategy, make_bars(falling) + make_bars(rising, first_minute=120))

    assert any(bar.volume == 0 for bar in seen)  # else the outage would show by itself
    assert not strategy.slow.initialized
    assert market.events == []


def test_bars_of_volume_zero_count_as_missing_and_never_open(market, make_bars):
    strategy = make_strategy()
    untraded = make_bars(RISE, first_minute=len(FALL) + 1, volume=0.0)

    market.run(strategy, make_bars(FALL) + untraded)

    assert market.events == []


def test_a_flat_market_is_survived(market, make_bars):
    strategy = make_strategy()

    market.run(strategy, make_bars([50_000.0] * 30, wick=0.0))

    assert market.events == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"fast_period": 5}, r"fast_period: was 5, must be < slow_period \(5\)"),
        ({"fast_period": 0}, "fast_period: was 0, must be a finite number > 0"),
        ({"stop_atr": Decimal(-1)}, "stop_atr: was -1, must be a finite number > 0"),
        ({"stop_atr": Decimal("NaN")}, "stop_atr: was NaN, must be a finite number > 0"),
        ({"target_ratio": Decimal(0)}, "target_ratio: was 0, must be a finite number > 0"),
        ({"trade_risk_usdt": Decimal(0)}, "trade_risk_usdt: was 0, must be"),
        ({"gap_bars_max": 0}, "gap_bars_max: was 0, must be"),
        ({"bars": "1-MINUTE"}, "bars: was '1-MINUTE', must be"),
        ({"oms_type": "HEDGING"}, "oms_type: was HEDGING, must be NETTING"),
        ({"manage_stop": True}, "manage_stop: was True, must be false"),
        ({"fast_perid": 3}, "unknown field `fast_perid`"),
    ],
)
def test_a_bad_parameter_is_refused_with_key_value_and_rule(bad, message):
    with pytest.raises(msgspec.ValidationError, match=message):
        make_strategy(**bad)
