"""The venue closes everything when the margin balance falls below the maintenance margin."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType, MarkPriceUpdate, QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from configs.profile import Profile
from risk.events import LIQUIDATION_TOPIC

MINUTE_NS = 60_000_000_000
START_NS = 28_800_000 * MINUTE_NS
FREE = {
    "maker_fee_bps": Decimal(0),
    "taker_fee_bps": Decimal(0),
    "slippage_probability": Decimal(0),
}


class HoldTenBitcoin(Strategy):
    """Buys or sells 10 BTC at 50,000 with 100,000 USDT, and rests an order far away."""

    def __init__(self, btc: CryptoPerpetual, side: OrderSide) -> None:
        super().__init__()
        self.btc, self.side, self.told, self.is_done = btc, side, [], False

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.btc.id)
        self.subscribe_bars(BAR_TYPE)
        self.msgbus.subscribe(LIQUIDATION_TOPIC, self.told.append)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        self._enter()

    def on_bar(self, bar: Bar) -> None:
        self._enter()

    def _enter(self) -> None:
        if self.is_done:
            return
        self.is_done = True
        qty, far = self.btc.make_qty(10), self.btc.make_price(20_000)
        self.submit_order(self.order_factory.market(self.btc.id, self.side, qty))
        self.submit_order(self.order_factory.limit(self.btc.id, OrderSide.BUY, qty, far))


BAR_TYPE = BarType.from_str("BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL")


@pytest.fixture
def run(make_profile: Callable[..., Profile], btc: CryptoPerpetual):
    def _run(*batches, side=OrderSide.BUY, instrument=btc, **simulation):
        engine = build_engine(make_profile(simulation=FREE | simulation), [instrument])
        for batch in batches:
            engine.add_data(batch)
        strategy = HoldTenBitcoin(instrument, side)
        engine.add_strategy(strategy)
        engine.run()
        return strategy.told, engine

    return _run


def _quotes(btc: CryptoPerpetual, *prices: str) -> list[QuoteTick]:
    size = btc.make_qty(20)
    stamps = [START_NS + i * MINUTE_NS for i in range(len(prices) + 2)]
    values = [btc.make_price(Decimal(price)) for price in ("50000", "50000", *prices)]
    return [
        QuoteTick(btc.id, px, px, size, size, ts, ts) for px, ts in zip(values, stamps, strict=True)
    ]


def _marks(btc: CryptoPerpetual, *prices: str) -> list[MarkPriceUpdate]:
    return [
        MarkPriceUpdate(btc.id, Price(Decimal(price), 8), ts, ts)
        for i, price in enumerate(prices)
        for ts in [START_NS + i * MINUTE_NS + 1]
    ]


def _wallet(engine: BacktestEngine) -> Decimal:
    return engine.cache.account_for_venue(Venue("BINANCE")).balance_total(USDT).as_decimal()


# Bracket of 401,960 USDT: 0.5 % less 50. At 40,196.0 the balance is 1,960.0 and 1,959.8 is
# required; at 40,195.9 it is 1,959.0 and 1,959.795. Short, at 59,706.4: 2,936 and 2,935.32;
# at 59,706.5: 2,935 and 2,935.325.
@pytest.mark.parametrize(
    ("side", "safe", "breach", "balance", "required"),
    [
        (OrderSide.BUY, "40196.0", "40195.9", "1959.0", "1959.795"),
        (OrderSide.SELL, "59706.4", "59706.5", "2935.0", "2935.325"),
    ],
)
def test_the_account_is_liquidated_at_the_first_price_below_the_maintenance_margin(
    run, btc, side, safe, breach, balance, required
) -> None:
    told, engine = run(_quotes(btc, safe), side=side)
    assert told == []
    assert len(engine.cache.positions_open()) == 1

    told, engine = run(_quotes(btc, safe, breach), side=side)
    [event] = told
    assert event.margin_balance_usdt == Decimal(balance)
    assert event.maintenance_margin_usdt == Decimal(required)
    assert event.instrument_ids == (btc.id.value,)
    assert event.ts_event == START_NS + 3 * MINUTE_NS
    assert engine.cache.positions_open() == []


def test_a_liquidation_takes_its_fee_and_the_insurance_fund_pays_what_is_missing(run, btc) -> None:
    told, engine = run(_quotes(btc, "40195.9"))

    order = engine.cache.order(ClientOrderId("autoclose-1"))
    assert order.tags == ["LIQUIDATION"]
    assert [fee.as_decimal() for fee in order.commissions()] == [Decimal("5024.4875")]
    assert told[0].insurance_usdt == Decimal("5024.4875") - Decimal("1959")
    assert _wallet(engine) == 0


def test_what_the_liquidation_fee_leaves_stays_in_the_wallet(run, btc) -> None:
    values = CryptoPerpetual.to_dict(btc)
    values["info"] = values["info"] | {"liquidation_fee": "0.001"}
    told, engine = run(_quotes(btc, "40195.9"), instrument=CryptoPerpetual.from_dict(values))

    assert told[0].insurance_usdt == 0
    assert _wallet(engine) == Decimal("1959") - Decimal("401.959")


def test_open_orders_are_canceled_before_positions_are_closed(run, btc) -> None:
    _, engine = run(_quotes(btc, "40195.9"))

    [resting] = [o for o in engine.cache.orders() if o.has_price]
    closing = engine.cache.order(ClientOrderId("autoclose-1"))
    assert resting.status == OrderStatus.CANCELED
    assert resting.last_event.ts_event <= closing.last_event.ts_event


def test_a_fresh_mark_price_decides_and_not_the_last_price(run, btc) -> None:
    calm = ("50000",) * 4
    told, _ = run(_quotes(btc, "40000", "50000"), _marks(btc, *calm))
    assert told == []

    told, engine = run(_quotes(btc, "50000", "50000"), _marks(btc, *calm[:2], "40195.9"))
    assert len(told) == 1
    assert engine.cache.positions_open() == []


def test_of_a_bar_the_extreme_on_the_losing_side_decides(run, btc) -> None:
    def bar(minute: int, low: str, high: str) -> Bar:
        prices = [btc.make_price(Decimal(p)) for p in ("50000", high, low, "50000")]
        ts = START_NS + minute * MINUTE_NS
        return Bar(BAR_TYPE, *prices, btc.make_qty(1_000), ts, ts)

    calm = [bar(0, "50000", "50000"), bar(1, "50000", "50000")]
    assert run([*calm, bar(2, "40196.0", "70000")])[0] == []
    assert len(run([*calm, bar(2, "40195.9", "50000")])[0]) == 1
    assert len(run([*calm, bar(2, "50000", "59706.5")], side=OrderSide.SELL)[0]) == 1


def test_many_small_steps_down_are_caught_at_the_same_price(run, btc) -> None:
    steps = [f"{50_000 - step * 10}" for step in range(982)]  # 40,200 is safe, 40,190 is not

    told, _ = run(_quotes(btc, *steps))

    assert told[0].ts_event == START_NS + (2 + 981) * MINUTE_NS


def test_without_liquidation_in_the_profile_nobody_is_liquidated(run, btc) -> None:
    told, engine = run(_quotes(btc, "30000"), liquidation=False)

    assert told == []
    assert len(engine.cache.positions_open()) == 1
