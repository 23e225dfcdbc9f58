"""How the simulated venue treats orders: latency, fees, margins, stops and gaps."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from configs.profile import Profile

MINUTE_NS = 60_000_000_000
START_NS = 28_800_000 * MINUTE_NS
BAR_TYPE = BarType.from_str("BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")
SendOrders = Callable[["SendOnFirstBar"], list[Order]]


class SendOnFirstBar(Strategy):
    def __init__(self, btc: CryptoPerpetual, orders: SendOrders) -> None:
        super().__init__()
        self.btc, self.make_orders, self.sent = btc, orders, []

    def on_start(self) -> None:
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        if not self.sent:
            self.sent = self.make_orders(self)
            for order in self.sent:
                self.submit_order(order)


@pytest.fixture
def run(make_profile: Callable[..., Profile], btc: CryptoPerpetual):
    """Return a function that runs bars (open, high, low, close) and gives orders and account."""

    def _run(orders: SendOrders, *bars: tuple[int, int, int, int], **simulation):
        sure = {"slippage_probability": Decimal(0), "limit_fill_probability": Decimal(1)}
        engine = build_engine(make_profile(simulation=sure | simulation), [btc])
        stamps = [START_NS + i * MINUTE_NS for i in range(len(bars))]
        engine.add_data(
            [
                Bar(BAR_TYPE, *map(btc.make_price, prices), btc.make_qty(400), ts, ts)
                for prices, ts in zip(bars, stamps, strict=True)
            ]
        )
        strategy = SendOnFirstBar(btc, orders)
        engine.add_strategy(strategy)
        engine.run()
        return strategy.sent, engine.cache.account_for_venue(Venue("BINANCE"))

    return _run


def _buy(strategy: SendOnFirstBar) -> list[Order]:
    qty = strategy.btc.make_qty(1)
    return [strategy.order_factory.market(strategy.btc.id, OrderSide.BUY, qty)]


def _buy_and_stop(trigger: int) -> SendOrders:
    def orders(strategy: SendOnFirstBar) -> list[Order]:
        btc = strategy.btc
        stop = strategy.order_factory.stop_market(
            btc.id, OrderSide.SELL, btc.make_qty(1), btc.make_price(trigger), reduce_only=True
        )
        return [*_buy(strategy), stop]

    return orders


CALM = (50_000, 50_000, 50_000, 50_000)


def test_an_order_is_filled_when_its_latency_is_over_and_not_at_the_next_bar(run) -> None:
    [[order], _] = run(_buy, CALM, (50_000, 51_000, 50_000, 51_000), latency_ms=50)

    assert order.last_event.ts_event == START_NS + 50_000_000
    assert order.avg_px == 50_000


def test_two_orders_of_one_callback_arrive_together(run) -> None:
    [orders, _] = run(lambda s: [*_buy(s), *_buy(s)], CALM, CALM, latency_ms=50)

    assert {order.last_event.ts_event for order in orders} == {START_NS + 50_000_000}


def test_the_profile_sets_fees_and_what_strategies_see_is_what_is_charged(run) -> None:
    [[order], account] = run(_buy, CALM, CALM, taker_fee_bps=Decimal("4.5"))

    assert [fee.as_decimal() for fee in order.commissions()] == [Decimal("22.5")]
    assert account.balance_total(USDT).as_decimal() == Decimal("99977.5")


def test_the_account_sets_margin_aside_by_leverage_and_bracket(run, btc) -> None:
    def resting(strategy: SendOnFirstBar) -> list[Order]:
        far, qty = btc.make_price(20_000), btc.make_qty(1)
        return [*_buy(strategy), strategy.order_factory.limit(btc.id, OrderSide.BUY, qty, far)]

    [_, account] = run(resting, CALM, CALM)

    assert account.margin_maint(btc.id).as_decimal() == Decimal(50_000) * Decimal("0.004")
    assert account.margin_init(btc.id).as_decimal() == Decimal(20_000) / 5


def test_a_stop_inside_a_bar_is_filled_at_its_trigger(run) -> None:
    [[_, stop], _] = run(_buy_and_stop(49_500), CALM, (50_000, 50_000, 49_000, 49_200))

    assert stop.avg_px == 49_500


def test_a_stop_behind_a_gap_is_filled_at_the_open_and_not_at_its_trigger(run) -> None:
    [[_, stop], _] = run(_buy_and_stop(49_500), CALM, (48_000, 48_500, 47_900, 48_400))

    assert stop.avg_px == 48_000


def test_a_stop_that_would_trigger_at_once_is_rejected(run) -> None:
    [[_, stop], _] = run(_buy_and_stop(50_001), CALM, CALM)

    assert stop.status == OrderStatus.REJECTED
