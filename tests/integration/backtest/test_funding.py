"""Funding reaches the account at each settlement, once, for what is held at that instant."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from nautilus_trader.adapters.binance.futures.types import BinanceFuturesMarkPriceUpdate
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import FundingRateUpdate, MarkPriceUpdate, QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from backtest.sandbox import LiveFunding
from configs.profile import Profile
from risk.events import FUNDING_TOPIC, FundingPayment

HOUR_NS = 3_600_000_000_000
START_NS = 480_000 * HOUR_NS
RATE = Decimal("0.0001")


class Hold(Strategy):
    """Holds 0.1 BTC from the first quote to the quote of hour *until*."""

    def __init__(self, btc: CryptoPerpetual, side: OrderSide, until: int) -> None:
        super().__init__()
        self.btc, self.side, self.until, self.quotes, self.told = btc, side, until, 0, []

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.btc.id)
        self.msgbus.subscribe(FUNDING_TOPIC, self.told.append)

    def on_quote_tick(self, quote: QuoteTick) -> None:
        if self.quotes == 0:
            qty = self.btc.make_qty(Decimal("0.1"))
            self.submit_order(self.order_factory.market(self.btc.id, self.side, qty))
        if self.quotes == self.until:
            self.close_all_positions(self.btc.id)
        self.quotes += 1


@pytest.fixture
def run(make_profile: Callable[..., Profile], btc: CryptoPerpetual):
    """Return a function that runs 24 hourly quotes of 50,000 and gives payments and engine."""

    def _run(rates, marks=(), side=OrderSide.BUY, until=23, **simulation):
        free = {"maker_fee_bps": Decimal(0), "taker_fee_bps": Decimal(0)}
        profile = make_profile(simulation=free | {"slippage_probability": Decimal(0)} | simulation)
        engine = build_engine(profile, [btc])
        size, price = btc.make_qty(10), btc.make_price(50_000)
        stamps = [START_NS + hour * HOUR_NS for hour in range(24)]
        engine.add_data([QuoteTick(btc.id, price, price, size, size, ts, ts) for ts in stamps])
        for batch in (marks, rates):
            if batch:
                engine.add_data(list(batch))
        strategy = Hold(btc, side, until)
        engine.add_strategy(strategy)
        engine.run()
        return strategy.told, engine

    return _run


def _rate(btc: CryptoPerpetual, hour: int, jitter_ms: int = 5, rate: Decimal = RATE):
    ts = START_NS + hour * HOUR_NS + jitter_ms * 1_000_000
    return FundingRateUpdate(btc.id, rate, ts, ts)


def _balance(engine: BacktestEngine) -> Decimal:
    account = engine.cache.account_for_venue(Venue("BINANCE"))
    return account.balance_total(USDT).as_decimal()


@pytest.mark.parametrize(
    ("side", "rate", "amount"),
    [
        (OrderSide.BUY, "0.0001", "-0.5"),
        (OrderSide.SELL, "0.0001", "0.5"),
        (OrderSide.BUY, "-0.02", "100"),
        (OrderSide.SELL, "-0.02", "-100"),
    ],
)
def test_at_a_positive_rate_longs_pay_and_shorts_receive(run, btc, side, rate, amount) -> None:
    told, engine = run([_rate(btc, 8, rate=Decimal(rate))], side=side)

    assert told == [
        FundingPayment(btc.id.value, Decimal(amount), START_NS + 8 * HOUR_NS + 5_000_000)
    ]
    assert _balance(engine) == Decimal(100_000) + Decimal(amount)


def test_the_payment_is_on_the_mark_price_where_there_is_one(run, btc) -> None:
    ts = START_NS + 8 * HOUR_NS
    mark = MarkPriceUpdate(btc.id, Price(Decimal("51000.12345678"), 8), ts, ts)

    told, _ = run([_rate(btc, 8)], marks=[mark])

    assert [payment.amount_usdt for payment in told] == [Decimal("-0.51000123")]


def test_a_mark_price_of_six_minutes_ago_is_not_used(run, btc) -> None:
    ts = START_NS + 8 * HOUR_NS - 6 * 60 * 1_000_000_000
    mark = MarkPriceUpdate(btc.id, Price(Decimal("51000.00000000"), 8), ts, ts)

    told, _ = run([_rate(btc, 8)], marks=[mark])

    assert [payment.amount_usdt for payment in told] == [Decimal("-0.5")]


def test_only_a_position_held_at_that_instant_pays(run, btc) -> None:
    told, _ = run([_rate(btc, 0, jitter_ms=0), _rate(btc, 4), _rate(btc, 12)], until=8)

    assert [payment.ts_event for payment in told] == [START_NS + 4 * HOUR_NS + 5_000_000]


def test_a_settlement_told_twice_with_other_jitter_is_settled_once(run, btc) -> None:
    told, engine = run([_rate(btc, 8, jitter_ms=0), _rate(btc, 8, jitter_ms=16), _rate(btc, 16)])

    assert len(told) == 2
    assert _balance(engine) == Decimal(99_999)


def test_every_settlement_of_a_symbol_that_goes_hourly_is_settled(run, btc) -> None:
    hours = [4, 8, 9, 10, 11, 12, 16]

    told, engine = run([_rate(btc, hour, jitter_ms=hour) for hour in hours])

    assert len(told) == len(hours)
    assert _balance(engine) == Decimal(100_000) - Decimal("0.5") * len(hours)


def test_without_funding_in_the_profile_nothing_is_settled(run, btc) -> None:
    told, engine = run([_rate(btc, 8)], funding=False)

    assert told == []
    assert _balance(engine) == Decimal(100_000)


def test_a_live_rate_is_settled_once_when_the_venue_moves_on_to_the_next(
    run, btc, monkeypatch
) -> None:
    monkeypatch.setattr("backtest.venue.FundingSettlement", LiveFunding)
    _, engine = run([], until=24)  # It still holds 0.1 BTC at the end.
    paid: list[FundingPayment] = []
    msgbus = engine.kernel.msgbus
    msgbus.subscribe(FUNDING_TOPIC, paid.append)
    before = _balance(engine)
    due = [START_NS + hour * HOUR_NS for hour in (24, 32, 40)]
    topic = f"data.{BinanceFuturesMarkPriceUpdate.__name__}.BINANCE.BTCUSDT-PERP"

    for rate, next_ns in (("0.0002", 0), ("0.0001", 0), ("0.0003", 1), ("0.0005", 1)):
        price = Price.from_str("50000.0")
        update = BinanceFuturesMarkPriceUpdate(
            instrument_id=btc.id, mark=price, index=price, estimated_settle=price,
            funding_rate=Decimal(rate), next_funding_ns=due[next_ns], ts_event=due[next_ns] - 1,
            ts_init=due[next_ns] - 1,
        )  # fmt: skip
        msgbus.publish(topic, update)

    assert paid == [FundingPayment(btc.id.value, Decimal("-0.5"), due[0])]
    assert _balance(engine) == before - Decimal("0.5")
