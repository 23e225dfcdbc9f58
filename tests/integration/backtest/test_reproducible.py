"""Same profile, same data, same seed: the same fills, whoever else draws random numbers."""

import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from configs.profile import Profile


class InAndOut(Strategy):
    """Buys and sells 0.01 BTC in turn, and draws from the global generator if told to."""

    def __init__(self, btc: CryptoPerpetual, *, draws: bool) -> None:
        super().__init__()
        self.btc, self.draws, self.quotes = btc, draws, 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.btc.id)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        self.quotes += 1
        if self.draws:
            random.random()
        if self.quotes % 10 == 0:
            side = OrderSide.BUY if self.quotes % 20 else OrderSide.SELL
            qty = self.btc.make_qty(Decimal("0.01"))
            self.submit_order(self.order_factory.market(self.btc.id, side, qty))


@pytest.fixture
def fills(
    make_profile: Callable[..., Profile],
    make_quotes: Callable[[int], list[QuoteTick]],
    btc: CryptoPerpetual,
) -> Callable[..., list[tuple]]:
    def _fills(seed: int = 7, *, draws: bool = False) -> list[tuple]:
        half = {"slippage_probability": Decimal("0.5")}
        profile = make_profile(simulation=half).model_copy(update={"seed": seed})
        engine = build_engine(profile, [btc])
        engine.add_data(make_quotes(1_000))
        engine.add_strategy(InAndOut(btc, draws=draws))
        engine.run()
        return [
            (o.client_order_id.value, o.last_event.ts_event, o.avg_px, o.last_trade_id.value)
            for o in engine.cache.orders_closed()
        ]

    return _fills


def test_two_runs_of_one_seed_fill_alike(fills) -> None:
    first = fills()

    assert len(first) == 99
    assert fills() == first


def test_another_seed_fills_otherwise(fills) -> None:
    assert fills(seed=8) != fills(seed=7)


def test_what_others_draw_at_random_changes_no_fill(fills) -> None:
    assert fills(draws=True) == fills(draws=False)


def test_building_a_venue_leaves_the_global_generator_alone(fills) -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)

    fills()

    assert random.random() == expected
