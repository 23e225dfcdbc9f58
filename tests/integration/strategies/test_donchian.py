"""Donchian breakout: enters beyond the channel, trails the stop, never loosens it."""

from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.common.config import msgspec_decoding_hook

from strategies.donchian import DonchianBreakout, DonchianBreakoutConfig

PARAMS = {
    "instrument_id": "BTCUSDT-PERP.BINANCE",
    "trade_risk_usdt": Decimal(50),
    "trade_notional_usdt_max": Decimal(5_000),
    "bars": "1-MINUTE-LAST-EXTERNAL",
    "entry_period": 6,
    "exit_period": 3,
    "atr_period": 3,
    "stop_atr": Decimal(4),
}

QUIET = [50_000.0] * 8  # wicks of 5: the channel is 49,995 to 50,005
UP = [50_020.0 + 20 * step for step in range(8)]
DOWN = [49_980.0 - 20 * step for step in range(8)]


def make_strategy(**params: object) -> DonchianBreakout:
    config = msgspec.convert(
        PARAMS | params, DonchianBreakoutConfig, dec_hook=msgspec_decoding_hook
    )
    return DonchianBreakout(config)


def stop_triggers(market) -> list[Decimal]:
    orders = sorted(market.cache.orders(), key=lambda order: order.ts_init)
    return [o.trigger_price.as_decimal() for o in orders if o.tags == ["STOP_LOSS"]]


@pytest.mark.parametrize(("move", "side"), [(UP, "BUY"), (DOWN, "SELL")])
def test_a_close_beyond_the_channel_enters_on_that_side(market, make_bars, move, side):
    strategy = make_strategy(flatten_on_stop=False)

    market.run(strategy, make_bars(QUIET + move[:2]))

    (position,) = market.cache.positions_open()
    assert position.entry.name == side
    market.assert_always_protected()


def test_a_close_on_the_edge_of_the_channel_does_not_enter(market, make_bars):
    strategy = make_strategy()

    market.run(strategy, make_bars([*QUIET, 50_005.0, 49_995.0]))

    assert market.events == []


def test_the_stop_follows_the_short_channel_and_is_only_tightened(market, make_bars):
    strategy = make_strategy()

    market.run(strategy, make_bars(QUIET + UP + [50_155.0, 50_150.0, 50_100.0]))

    triggers = stop_triggers(market)
    assert len(triggers) > 3
    assert triggers == sorted(set(triggers))
    assert market.filled() == ["ENTRY", "STOP_LOSS"]
    # The lowest low of the last three bars before the fall: 50,140 less a wick of 5.
    assert triggers[-1] == Decimal("50135.0")
    market.assert_settled()


def test_nothing_is_traded_before_the_channel_is_warm(market, make_bars):
    strategy = make_strategy(entry_period=30)

    market.run(strategy, make_bars(QUIET + UP))

    assert market.events == []


def test_an_outage_starts_the_channel_afresh(market, make_bars):
    strategy = make_strategy()

    market.run(strategy, make_bars(QUIET) + make_bars(UP[:3], first_minute=len(QUIET) + 6))

    assert not strategy.entry_channel.initialized
    assert market.events == []


def test_an_exit_channel_as_long_as_the_entry_channel_is_refused():
    message = r"exit_period: was 6, must be < entry_period \(6\)"

    with pytest.raises(msgspec.ValidationError, match=message):
        make_strategy(exit_period=6)
