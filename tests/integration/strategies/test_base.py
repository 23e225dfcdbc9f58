"""The base of every strategy: entries carry stops, exits clean up, nothing gets stuck."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig


class Scripted(ProtectedStrategy):
    """Do what the script says at the n-th quote."""

    def __init__(self, script: dict[int, Callable[[Any], Any]], **params: Any) -> None:
        super().__init__(
            ProtectedStrategyConfig(
                instrument_id=InstrumentId.from_str("BTCUSDT-PERP.BINANCE"),
                trade_risk_usdt=Decimal(50),
                trade_notional_usdt_max=Decimal(5_000),
                **params,
            ),
        )
        self.script = script
        self.quotes = 0
        self.flats = 0
        self.returned: list[Any] = []

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.quotes += 1
        if self.quotes in self.script:
            self.returned.append(self.script[self.quotes](self))

    def on_flat(self) -> None:
        self.flats += 1


def buy(strategy: Scripted) -> bool:
    return strategy.enter(OrderSide.BUY, Decimal(50_000), Decimal(500), Decimal(1_000))


def sell(strategy: Scripted) -> bool:
    return strategy.enter(OrderSide.SELL, Decimal(50_000), Decimal(500), Decimal(1_000))


def leave(strategy: Scripted) -> None:
    strategy.exit()


def test_an_entry_is_filled_with_its_stop_and_target_working(market, make_quotes):
    strategy = Scripted({1: buy}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 3))

    (position,) = market.cache.positions_open()
    stop, target = sorted(market.cache.orders_open(), key=lambda order: order.order_type)[::-1]
    if stop.tags == ["TAKE_PROFIT"]:
        stop, target = target, stop
    assert position.quantity == stop.quantity == target.quantity
    assert str(position.quantity) == "0.100"
    assert (str(stop.trigger_price), str(target.price)) == ("49500.0", "51000.0")
    assert stop.is_reduce_only
    assert target.is_reduce_only
    market.assert_always_protected()


@pytest.mark.parametrize(
    ("entry", "mids", "closer"),
    [
        (buy, [50_000.0, 50_000.0, 49_400.0, 49_400.0], "STOP_LOSS"),
        (buy, [50_000.0, 50_000.0, 51_100.0, 51_100.0], "TAKE_PROFIT"),
        (sell, [50_000.0, 50_000.0, 50_600.0, 50_600.0], "STOP_LOSS"),
        (sell, [50_000.0, 50_000.0, 48_900.0, 48_900.0], "TAKE_PROFIT"),
    ],
)
def test_the_stop_or_the_target_ends_the_trade_and_the_other_is_canceled(
    market, make_quotes, entry, mids, closer
):
    strategy = Scripted({1: entry})

    market.run(strategy, make_quotes(mids))

    assert market.filled() == ["ENTRY", closer]
    assert strategy.flats == 1
    market.assert_settled()


def test_an_exit_closes_reduce_only_before_the_leftovers_are_canceled(market, make_quotes):
    strategy = Scripted({1: buy, 3: leave})

    market.run(strategy, make_quotes([50_000.0] * 5))

    names = market.names()
    assert market.filled() == ["ENTRY", "EXIT"]
    assert names.index("OrderFilled:EXIT") < names.index("OrderCanceled:STOP_LOSS")
    assert "OrderCancelRejected:STOP_LOSS" not in names
    assert strategy.is_idle
    assert strategy.flats == 1
    market.assert_settled()


def test_stopping_closes_the_position_and_leaves_nothing(market, make_quotes):
    strategy = Scripted({1: buy})

    market.run(strategy, make_quotes([50_000.0] * 3))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()
